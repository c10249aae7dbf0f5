"""``jinkies restore`` with real processes: a core, a bot, and a Discord that holds cards of before and after."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from jinkies.simulators.discord import DEFAULT_TOKEN, RateLimits, SimulatedDiscord
from jinkies.wire.client import attach
from tests.e2e.processes import environ, process
from tests.e2e.test_kill import cards, core_process, write_config
from tests.waiting import replica_of, until

pytestmark = pytest.mark.processes


@asynccontextmanager
async def desk(home: Path, env: dict[str, str]) -> AsyncIterator[str]:
    """A core and a bot; gives where alerts are posted."""
    async with AsyncExitStack() as stack:
        _, url = await stack.enter_async_context(core_process(home, env))
        await stack.enter_async_context(process("bot", env=env, cwd=home))
        yield url


async def post(url: str, *kinds: str) -> list[str]:
    """The alerts that they are."""
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        told = [
            await client.post(url, json={"service_name": "api", "error_message": kind, "fingerprint": kind})
            for kind in kinds
        ]
    return [one.json()["alert_id"] for one in told]


async def in_step(home: Path, count: int) -> None:
    """Until so many cards show what is wanted."""
    async with attach(home / "h" / "core.sock") as operator, replica_of(operator) as replica:
        await until(
            replica,
            lambda: len([one for one in replica.deliveries.values() if one.in_step and one.message_id]) == count,
            timeout_s=60,
        )


async def ran(home: Path, env: dict[str, str], *arguments: str) -> tuple[int, str]:
    async with process("jinkies", *arguments, env=env, cwd=home) as running:
        out, _ = await running.communicate()
    return running.returncode or 0, out.decode()


def named(discord: SimulatedDiscord) -> dict[str, set[str]]:
    """The alerts of the cards in the channel, by the epoch in their buttons."""
    found: dict[str, set[str]] = {}
    for card in cards(discord):
        meant = re.search(r'"jk:ack:(\d+):([0-9a-f]{8})', json.dumps(card))
        assert meant
        found.setdefault(meant[2], set()).add(meant[1])
    return found


@pytest.mark.timeout(120)
async def test_a_restored_desk_edits_its_cards_posts_none_twice_and_reuses_no_number(home: Path) -> None:
    async with SimulatedDiscord(limits=RateLimits(enabled=False)) as discord:
        write_config(home, discord)
        env = environ(home, DISCORD_BOT_TOKEN=DEFAULT_TOKEN)
        async with desk(home, env) as url:
            assert await post(url, "a", "b") == ["1", "2"]
            await in_step(home, 2)
            assert (await ran(home, env, "backup", "copy.db"))[0] == 0
            assert await post(url, "c") == ["3"]
            await in_step(home, 3)
            code, said = await ran(home, env, "restore", "copy.db")
            assert code == 1, said
            assert "another core runs" in said, said
        (before,) = named(discord)
        code, said = await ran(home, env, "restore", "copy.db")
        assert code == 0, said
        assert "2 unresolved alerts, 0 resolved; the next is #4" in said
        assert "2 cards get new buttons" in said
        posts = len([call for call in discord.calls if call.method == "POST" and call.path.endswith("/messages")])
        async with desk(home, env) as url:
            await in_step(home, 2)
            assert await post(url, "a", "c") == ["1", "4"]
            await in_step(home, 3)
        found = named(discord)
        (after,) = set(found) - {before}
        assert found == {before: {"3"}, after: {"1", "2", "4"}}
        now = len([call for call in discord.calls if call.method == "POST" and call.path.endswith("/messages")])
        assert now == posts + 1, "only the new alert's card"
