"""The real bot against a simulated Discord and a real core."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from bot.session import Session
from jinkies.app import host
from jinkies.clock import SystemClock
from jinkies.commands import Outcome, ReportOccurrence
from jinkies.config import Config, DiscordConfig, GitHubConfig, Secret
from jinkies.core import Core
from jinkies.model import AlertRow, Delivery, PartState, Severity
from jinkies.operator import Operator
from jinkies.simulators.discord import DEFAULT_TOKEN, RateLimits, SimulatedDiscord
from jinkies.simulators.discord.world import ON_CALL
from jinkies.wire.client import attach
from jinkies.wire.peer import local_actor

TRACE = 'Traceback (most recent call last):\n  File "app/views.py", line 118, in show\nKeyError: order_id'
CHANNEL = "alerts"
LEASE_TTL_S = 2.0
GUARD_S = 30.0  # against hanging; a busy machine may need much of it


@pytest.fixture
async def discord() -> AsyncIterator[SimulatedDiscord]:
    async with SimulatedDiscord(limits=RateLimits(enabled=False)) as simulated:
        yield simulated
    held_to_description(simulated)


def held_to_description(discord: SimulatedDiscord) -> None:
    """Under ``make contract`` all that a test's bot asked of Discord, and every answer, satisfies its description."""
    path = os.environ.get("JINKIES_DISCORD_SPEC")
    if path:
        from tests.contract_discord.check import violations

        assert violations(Path(path), [call for call in discord.calls if call.fault is None]) == []


@pytest.fixture
def desk_config(config: Config, discord: SimulatedDiscord) -> Config:
    return with_discord(config, discord.api_url)


def with_discord(config: Config, api_url: str) -> Config:
    return msgspec.structs.replace(
        config,
        discord=DiscordConfig(
            token=Secret(DEFAULT_TOKEN),
            guild_id="1200000000000000001",
            alert_channel_id=config.discord.alert_channel_id,
            allowed_roles=(ON_CALL.id,),
            api_url=api_url,
            max_new_cards_per_minute=config.discord.max_new_cards_per_minute,
        ),
        github=GitHubConfig(token=Secret("a-github-token"), owner="o", repository="r", base_branch="develop"),
    )


@pytest.fixture
async def desk(desk_config: Config) -> AsyncIterator[Core]:
    async with host(desk_config, ingest=False, background=False) as running:
        yield running


@pytest.fixture
def operator(desk: Core) -> Operator:
    return desk.operator(local_actor())


@asynccontextmanager
async def running_bot(
    desk: Core, *, config: Config | None = None, until_ok: bool = True, lease_ttl_s: float = LEASE_TTL_S
) -> AsyncIterator[Session]:
    """A bot attached to the core over its socket, as ``jinkies-bot`` is."""
    async with attach(desk.config.socket_path) as operator:
        session = Session(config or desk.config, operator, SystemClock(), lease_ttl_s=lease_ttl_s)
        task = asyncio.create_task(session.run())
        try:
            if until_ok:
                await until_health(session, PartState.OK, task)
            yield session
        finally:
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                task.result()


async def until_health(session: Session, state: PartState, task: asyncio.Task[None] | None = None) -> None:
    async with asyncio.timeout(GUARD_S):
        while "discord" not in session.replica.health or session.replica.health["discord"].state is not state:
            if task is not None and task.done():
                task.result()
            await session.replica.changed(session.replica.version)


async def until(session: Session, condition: object, timeout_s: float = GUARD_S) -> None:
    """Until ``condition()`` is true of what the bot's replica has folded."""
    assert callable(condition)
    async with asyncio.timeout(timeout_s):
        while not condition():
            await session.replica.changed(session.replica.version)


async def report(operator: Operator, message: str = "KeyError: order_id", **more: object) -> Outcome:
    command = ReportOccurrence(
        service="api",
        message=message,
        exception_type="KeyError",
        stack_trace=TRACE,
        severity=Severity.ERROR,
        fingerprint=message,
    )
    return await operator.execute(msgspec.structs.replace(command, **more))


def delivery(session: Session, alert_id: int) -> Delivery | None:
    return next((each for each in session.replica.deliveries.values() if each.alert_id == alert_id), None)


async def until_in_step(session: Session, alert_id: int, revision: int | None = 1) -> Delivery:
    def reached() -> bool:
        found = delivery(session, alert_id)
        return found is not None and found.in_step and found.shown_revision >= (revision or 0)

    await until(session, reached)
    found = delivery(session, alert_id)
    assert found is not None
    return found


async def row_of(operator: Operator, alert_id: int) -> AlertRow:
    return (await operator.alert(alert_id)).row


def posts(discord: SimulatedDiscord) -> int:
    return sum(1 for call in discord.calls if call.method == "POST" and call.path.endswith("/messages"))


def edits(discord: SimulatedDiscord) -> int:
    return sum(1 for call in discord.calls if call.method == "PATCH" and "/messages/" in call.path)


def button(message: dict[str, object], action: str) -> str:
    """The custom_id of a card's button."""
    rows = message["components"]
    assert isinstance(rows, list)
    found = [each["custom_id"] for row in rows for each in row["components"] if f":{action}:" in each["custom_id"]]
    return str(found[0])
