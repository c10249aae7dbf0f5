"""What was accepted is counted once: through ``kill -9`` at random moments, and at full speed with a mirror beside."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from benchmarks.ingest import children
from jinkies.model import AlertQuery, AlertRow
from jinkies.operator import Operator
from jinkies.simulators.discord import DEFAULT_TOKEN, RateLimits, SimulatedDiscord
from jinkies.wire.client import attach
from tests.e2e.processes import environ, process
from tests.e2e.sending import JSON, Load
from tests.e2e.test_kill import core_process, write_config
from tests.waiting import replica_of, until

FINGERPRINTS = 20
ITEMS = 50  # occurrences in one request

pytestmark = pytest.mark.processes


async def all_rows(operator: Operator) -> tuple[AlertRow, ...]:
    return (await operator.alerts(AlertQuery(limit=500))).rows


@pytest.mark.parametrize(
    ("deliveries", "kills"),
    [
        pytest.param(1_000, 10, marks=pytest.mark.timeout(240)),
        pytest.param(20_000, 100, marks=[pytest.mark.soak, pytest.mark.timeout(3_600)]),
    ],
)
async def test_killed_at_random_moments_it_counts_every_accepted_occurrence_once(
    home: Path, deliveries: int, kills: int
) -> None:
    write_config(home)
    env = environ(home)
    load, chance = Load(deliveries, seed=kills), random.Random(kills)
    async with asyncio.TaskGroup() as tasks:
        for kill in range(kills):
            async with core_process(home, env) as (pid, url):
                load.url = url.removesuffix("/webhook/alert")
                if kill == 0:
                    sending = tasks.create_task(load.run())
                if kill % 3 == 1:
                    await load.until((2 * kill + 1) * load.total // (2 * kills + 4))
                    for ingest in children(pid):
                        os.kill(ingest, signal.SIGKILL)
                await load.until((kill + 1) * load.total // (kills + 2))
                await asyncio.sleep(chance.uniform(0, 0.05))  # a random moment is what it is about
                os.kill(pid, signal.SIGKILL)
        assert not sending.done(), "each kill hit a core that was taking alerts"
        async with core_process(home, env) as (_, url):
            load.url = url.removesuffix("/webhook/alert")
            await sending
            async with attach(home / "h" / "core.sock") as operator:
                rows = await all_rows(operator)
    assert {row.service: row.count for row in rows} == load.counted
    print(
        f"{kills} kills of the core and {(kills + 1) // 3} of the ingest process alone, {load.cut_off:,} requests cut"
        f" off, {load.repeats:,} repeated after a yes: {sum(load.counted.values()):,} occurrences of {len(rows)} alerts"
        ", each counted once"
    )


@pytest.mark.parametrize(
    "occurrences",
    [
        pytest.param(2_000, marks=pytest.mark.timeout(180)),
        pytest.param(100_000, marks=[pytest.mark.soak, pytest.mark.timeout(1_800)]),
    ],
)
async def test_a_flood_of_few_alerts_is_counted_exactly_and_hardly_written_to_discord(
    home: Path, occurrences: int
) -> None:
    async with SimulatedDiscord(limits=RateLimits(enabled=False)) as discord:
        write_config(home, discord)
        env = environ(home, DISCORD_BOT_TOKEN=DEFAULT_TOKEN)
        async with (
            core_process(home, env) as (_, url),
            process("bot", env=env, cwd=home),
            attach(home / "h" / "core.sock") as operator,
            replica_of(operator) as replica,
        ):
            await until(replica, lambda: "discord" in replica.health)  # the bot is there before the flood
            took_s = await flood(url, occurrences)
            rows = await all_rows(operator)
            await until(
                replica,
                lambda: len(replica.deliveries) == FINGERPRINTS and all(x.in_step for x in replica.deliveries.values()),
            )
            shown = discord.messages(discord.world.channels[0].id)
    assert Counter({row.service: row.count for row in rows}) == expected(occurrences)
    assert len(shown) == FINGERPRINTS
    for row in rows:
        assert any(f"×{row.count}" in json.dumps(card, ensure_ascii=False) for card in shown), "cards end up exact"
    writes = writes_by_card(discord)
    most = took_s + 6
    assert max(writes.values()) <= most, f"at most one a second of the flood and a few after it: {writes}"
    print(
        f"{occurrences:,} occurrences in {took_s:.1f} s ({occurrences / took_s:,.0f}/s), counts exact; "
        f"{sum(writes.values())} writes to Discord for {FINGERPRINTS} cards, at most {max(writes.values())} each"
    )


def expected(occurrences: int) -> Counter[str]:
    return Counter(f"flood-{number % FINGERPRINTS}" for number in range(occurrences))


async def flood(url: str, occurrences: int) -> float:
    """Seconds until all were accepted, in arrays of ``ITEMS``, over eight connections."""
    starts = list(range(0, occurrences, ITEMS))
    began = time.perf_counter()

    async def send(client: httpx.AsyncClient) -> None:
        while starts:
            start = starts.pop()
            reply = await client.post(url, content=batch(start, min(start + ITEMS, occurrences)), headers=JSON)
            assert reply.status_code in {200, 201}, reply.text

    async with httpx.AsyncClient(timeout=60, trust_env=False) as client, asyncio.TaskGroup() as tasks:
        for _ in range(8):
            tasks.create_task(send(client))
    return time.perf_counter() - began


def batch(start: int, end: int) -> bytes:
    services = [f"flood-{number % FINGERPRINTS}" for number in range(start, end)]
    return json.dumps(
        [{"service_name": one, "error_message": "too many", "fingerprint": one} for one in services]
    ).encode()


def writes_by_card(discord: SimulatedDiscord) -> Counter[str]:
    """Posts count for the card that they made: one each, so they are told by the number of cards."""
    writes: Counter[str] = Counter()
    posts = 0
    for call in discord.calls:
        found = re.search(r"/channels/\d+/messages(?:/(\d+))?$", call.path)
        if found and call.method == "PATCH":
            writes[found[1]] += 1
        posts += bool(found) and call.method == "POST"
    assert posts == FINGERPRINTS, "each card is posted once"
    return Counter(
        {str(card["id"]): 1 + writes[str(card["id"])] for card in discord.messages(discord.world.channels[0].id)}
    )
