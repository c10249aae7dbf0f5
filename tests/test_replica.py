"""The replica: what is folded is what a fresh snapshot would say, and a lost core is said and survived."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from jinkies import hub
from jinkies.app import host
from jinkies.clock import SystemClock
from jinkies.commands import Acknowledge, AnyCommand, Expire, Reopen, ReportOccurrence, Resolve
from jinkies.config import Config
from jinkies.core import Core
from jinkies.embedded import EmbeddedOperator
from jinkies.errors import CommandError, ResyncNeeded
from jinkies.events import HealthChanged, Position, Snapshot, Update
from jinkies.model import SYSTEM, PartHealth, PartState, Severity
from jinkies.replica import BACKOFF_FIRST_S, BACKOFF_LAST_S, LinkState, Replica
from jinkies.wire.client import attach
from jinkies.wire.peer import local_actor
from tests.waiting import replica_of, settled, until


def some_command(dice: random.Random) -> AnyCommand:
    alert_id = dice.randint(1, 8)
    kind = dice.choice((ReportOccurrence, ReportOccurrence, Acknowledge, Resolve, Reopen, Expire))
    if kind is ReportOccurrence:
        severity = dice.choice(list(Severity))
        return ReportOccurrence(service="api", message="m", fingerprint=str(dice.randint(1, 8)), severity=severity)
    if kind is Expire:
        return Expire(before_ms=2**53, limit=1)
    return kind(alert_id=alert_id)  # type: ignore[call-arg]  # the three that are left take it


@pytest.mark.parametrize("seed", range(5))
async def test_folding_equals_a_fresh_snapshot(core: Core, seed: int) -> None:
    dice = random.Random(seed)
    async with attach(core.config.socket_path) as operator, replica_of(operator) as replica:
        for _ in range(30):
            commands = [some_command(dice) for _ in range(dice.randint(1, 10))]
            results = await asyncio.gather(*(core.execute(one, SYSTEM) for one in commands), return_exceptions=True)
            assert all(not isinstance(one, BaseException) or isinstance(one, CommandError) for one in results)
        await settled(replica, core.hub.head)
        snapshot = await core.snapshot()
    assert replica.counts == snapshot.counts
    unresolved = {alert_id: row for alert_id, row in replica.rows.items() if row.unresolved}
    assert unresolved == {row.alert_id: row for row in snapshot.rows}
    for delivery in snapshot.deliveries:
        assert replica.deliveries[delivery.alert_id, delivery.channel_id, delivery.kind] == delivery


async def test_a_core_that_restarts_is_missed_and_found_again(config: Config) -> None:
    async with host(config, ingest=False, background=False) as first:
        await first.execute(ReportOccurrence(service="api", message="one"), SYSTEM)
        attached = attach(config.socket_path)
        operator = await attached.__aenter__()
        replica = Replica(operator)
        links: list[LinkState] = []
        stop_listening = replica.listen(lambda _: links.append(replica.link))
        running = asyncio.create_task(replica.run())
        await asyncio.wait_for(replica.live(), 30)
    async with asyncio.timeout(30):
        await until(replica, lambda: replica.link is LinkState.LOST)
        assert replica.lost_at_ms is not None
        assert replica.trouble is not None
        assert list(replica.rows) == [1], "what was known is still shown"
        async with host(config, ingest=False, background=False) as second:
            await second.execute(ReportOccurrence(service="api", message="two", fingerprint="2"), SYSTEM)
            await until(replica, lambda: replica.link is LinkState.LIVE and len(replica.rows) == 2)
            stop_listening()
            running.cancel()
            await asyncio.wait({running})
            await attached.__aexit__(None, None, None)
    assert LinkState.LOST in links
    assert replica.trouble is None


async def test_an_embedded_replica_needs_no_socket(core: Core) -> None:
    async with replica_of(core.operator(local_actor())) as replica:
        await core.execute(ReportOccurrence(service="api", message="m"), SYSTEM)
        await settled(replica, 1)
        assert replica.rows[1].title == "m"


class Unfollowable(EmbeddedOperator):
    """Its snapshots are fine; following it means a resync at once."""

    syncs = 0

    async def snapshot(self) -> Snapshot:
        self.syncs += 1
        return await super().snapshot()

    @asynccontextmanager
    async def subscribe(self, after: Position) -> AsyncIterator[AsyncIterator[Update]]:
        raise ResyncNeeded("the position was compacted away")
        yield  # type: ignore[unreachable]  # what makes it a generator


class CountingClock(SystemClock):
    """Sleeps are counted and take no time."""

    def __init__(self) -> None:
        self.sleeps: list[float] = []

    async def sleep(self, delay_s: float) -> None:
        self.sleeps.append(delay_s)
        await asyncio.sleep(0)


async def test_a_core_that_cannot_be_followed_is_asked_ever_more_slowly_and_said(core: Core) -> None:
    operator, clock = Unfollowable(core, SYSTEM), CountingClock()
    replica = Replica(operator, clock)
    running = asyncio.create_task(replica.run())
    async with asyncio.timeout(30):
        while len(clock.sleeps) < 8:
            await replica.changed(replica.version)
    running.cancel()
    await asyncio.wait({running})
    assert operator.syncs <= len(clock.sleeps) + 1, "no snapshot without a pause before the next"
    assert clock.sleeps[0] < 2 * BACKOFF_FIRST_S
    assert all(delay_s > BACKOFF_LAST_S / 2 for delay_s in clock.sleeps[6:])
    assert replica.trouble in {None, "the position was compacted away"}
    assert replica.link is not LinkState.CONNECTING


async def test_a_slow_follower_resyncs_without_a_word(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "QUEUE_LIMIT", 5)
    async with replica_of(core.operator(SYSTEM)) as replica:
        links: list[LinkState] = []
        replica.listen(lambda _: links.append(replica.link))
        for n in range(20):  # published in one go, between two turns of whoever follows
            core.hub.publish(HealthChanged(health=PartHealth(part=f"p{n}", state=PartState.OK)))
        await core.execute(ReportOccurrence(service="api", message="m"), SYSTEM)
        await settled(replica, 1)
    assert set(links) == {LinkState.LIVE}
