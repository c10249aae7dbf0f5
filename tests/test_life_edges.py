"""Where parts of an alert's life meet: merges and snoozes, silences and each other, time and what is configured."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from jinkies.app import host
from jinkies.clock import Clock, SystemClock
from jinkies.commands import (
    Acknowledge,
    AnyCommand,
    EndSilence,
    Expire,
    Merge,
    Outcome,
    Reopen,
    ReportOccurrence,
    Resolve,
    Snooze,
    Split,
    StartSilence,
    Tick,
    Undo,
)
from jinkies.config import Config, ServiceConfig
from jinkies.core import Core
from jinkies.errors import Conflict
from jinkies.matching import parse_matchers
from jinkies.model import SYSTEM, Actor, ActorKind, AlertRow, EntryKind, State
from jinkies.stats import Stats, StatsQuery

VELMA = Actor(kind=ActorKind.LOCAL, id="1", name="velma")
HOUR_MS = 3_600_000


class Moment:
    """A clock that stands where it is put."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic_s(self) -> float:
        return self.at_ms / 1000

    async def sleep(self, delay_s: float) -> None:
        raise NotImplementedError


class Desk:
    """A core and its time."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.moment = Moment(core.clock.now_ms())
        core.clock = self.moment

    async def do(self, command: AnyCommand) -> Outcome:
        self.moment.at_ms += 1
        return await self.core.execute(command, VELMA)

    async def report(self, fingerprint: str, *, times: int = 1, **tags: str) -> int:
        for _ in range(times):
            self.moment.at_ms += 1
            told = ReportOccurrence(service="api", message="boom", fingerprint=fingerprint, tags=tags)
            outcome = await self.core.execute(told, SYSTEM)
        assert outcome.alert_id is not None
        return outcome.alert_id

    async def tick(self) -> bool:
        return (await self.core.execute(Tick(), SYSTEM)).changed

    async def row(self, alert_id: int) -> AlertRow:
        return (await self.core.reader.alert(alert_id)).row

    async def stats(self) -> Stats:
        now_ms = self.moment.at_ms
        return await self.core.reader.stats(StatsQuery(since_ms=now_ms - 9 * HOUR_MS, until_ms=now_ms + HOUR_MS))


@pytest.fixture
def desk(core: Core) -> Desk:
    return Desk(core)


# Merged alerts


async def test_what_a_merge_brings_is_not_what_a_snooze_waits_for(desk: Desk) -> None:
    one, other = await desk.report("a"), await desk.report("b", times=50)
    await desk.do(Snooze(alert_id=one, occurrences=5))
    await desk.do(Merge(alert_id=other, into=one))
    await desk.report("a", times=4)
    assert (await desk.row(one)).state is State.SNOOZED, "four more times"
    await desk.do(Split(alert_id=other))
    assert (await desk.row(one)).state is State.SNOOZED
    await desk.report("a")
    assert (await desk.row(one)).state is State.OPEN, "and a fifth"


async def test_what_is_split_off_a_part_leaves_the_whole_too(desk: Desk) -> None:
    one, two, three = await desk.report("a", times=2), await desk.report("b", times=3), await desk.report("c", times=5)
    await desk.do(Merge(alert_id=one, into=two))
    await desk.do(Merge(alert_id=two, into=three))
    assert (await desk.row(three)).count == 10
    await desk.do(Split(alert_id=one))
    assert [(await desk.row(alert_id)).count for alert_id in (one, two, three)] == [2, 3, 8]
    await desk.report("a")
    assert [(await desk.row(alert_id)).count for alert_id in (one, two, three)] == [3, 3, 8]
    await desk.do(Split(alert_id=two))
    assert [(await desk.row(alert_id)).count for alert_id in (one, two, three)] == [3, 3, 5]


async def test_a_part_is_kept_as_long_as_what_it_is_part_of(desk: Desk) -> None:
    one, other = await desk.report("a"), await desk.report("b")
    await desk.do(Merge(alert_id=one, into=other))
    desk.moment.at_ms += 90 * 24 * HOUR_MS
    assert await desk.report("b") == other
    await desk.core.execute(Expire(before_ms=desk.moment.at_ms - HOUR_MS), SYSTEM)
    assert await desk.report("a") == other, "it is the same thing still"
    await desk.do(Resolve(alert_id=other))
    desk.moment.at_ms += 90 * 24 * HOUR_MS
    while (await desk.core.execute(Expire(before_ms=desk.moment.at_ms - HOUR_MS), SYSTEM)).changed:
        pass
    assert (await desk.core.reader.counts()).resolved == 0, "both go"


async def _bereft(desk: Desk) -> int:
    """A part of what was deleted."""
    root = await desk.report("b")
    await desk.do(Resolve(alert_id=root))
    desk.moment.at_ms += 40 * 24 * HOUR_MS
    part = await desk.report("a")
    await desk.do(Resolve(alert_id=part))
    await desk.do(Merge(alert_id=part, into=root))
    # As of before parts kept what they are part of.
    await desk.core._store._db.execute(
        "UPDATE alerts SET last_seen_at_ms = 0, resolved_at_ms = 1 WHERE alert_id = ?", (root,)
    )
    await desk.core.execute(Expire(before_ms=2), SYSTEM)
    return part


async def test_a_part_of_what_is_gone_comes_back_by_itself(desk: Desk) -> None:
    part = await _bereft(desk)
    assert await desk.report("a") == part
    row = await desk.row(part)
    assert (row.state, row.merged_into) == (State.OPEN, None)


async def test_a_part_of_what_is_gone_can_be_split_off(desk: Desk) -> None:
    part = await _bereft(desk)
    assert (await desk.do(Split(alert_id=part))).changed
    assert (await desk.row(part)).merged_into is None
    assert (await desk.do(Acknowledge(alert_id=part))).changed


async def test_what_is_unresolved_does_not_vanish_in_what_is_resolved(desk: Desk) -> None:
    one, other, third = await desk.report("a"), await desk.report("b"), await desk.report("c")
    await desk.do(Resolve(alert_id=other))
    await desk.do(Merge(alert_id=one, into=other))
    row = await desk.row(other)
    assert (row.state, row.resolved_by) == (State.OPEN, None)
    with pytest.raises(Conflict, match="nothing to undo"):
        await desk.do(Undo(alert_id=other))
    counts = await desk.core.reader.counts()
    assert (counts.open, counts.resolved) == (2, 1)
    await desk.do(Resolve(alert_id=other))
    await desk.do(Resolve(alert_id=third))
    await desk.do(Merge(alert_id=third, into=other))
    assert (await desk.row(other)).state is State.RESOLVED, "both were"


# Silences


async def test_another_silence_goes_on_holding_what_the_first_one_held(desk: Desk) -> None:
    now_ms = desk.moment.at_ms
    for words, hours in (("service=api", 4), ("tag:region=eu", 2)):
        await desk.do(StartSilence(matchers=parse_matchers(words), ends_at_ms=now_ms + hours * HOUR_MS, reason="r"))
    both, one = await desk.report("a", region="eu"), await desk.report("b", region="us")
    assert ((await desk.row(both)).silenced_by, (await desk.row(one)).silenced_by) == (1, 1)
    await desk.do(EndSilence(silence_id=1))
    assert await desk.tick()
    assert ((await desk.row(both)).silenced_by, (await desk.row(one)).silenced_by) == (2, None)
    detail = await desk.core.reader.alert(both)
    assert detail.deliveries == ()
    assert detail.timeline[-1].text == "the silence is over; silence 2 holds it still"
    desk.moment.at_ms = now_ms + 2 * HOUR_MS
    assert await desk.tick()
    assert (await desk.row(both)).silenced_by is None
    assert len((await desk.core.reader.alert(both)).deliveries) == 1


# Time


@pytest.fixture
def quiet() -> Callable[[Config, int | None], Config]:
    def configured(config: Config, hours: int | None) -> Config:
        import msgspec

        service = ServiceConfig(name="api", auto_resolve_hours=hours)
        return msgspec.structs.replace(config, services={"api": service})

    return configured


class Later(SystemClock):
    """Two hours ahead."""

    def now_ms(self) -> int:
        return super().now_ms() + 2 * HOUR_MS


async def _ticked(config: Config, clock: Clock) -> int:
    """How many ticks changed something, until none does."""
    async with host(config, ingest=False, background=False, clock=clock) as core:
        ticks = 0
        while (await core.execute(Tick(limit=3), SYSTEM)).changed:
            ticks += 1
            assert ticks < 50
        return ticks


async def test_a_quiet_time_that_is_configured_later_counts_for_what_is_quiet_already(
    config: Config, quiet: Callable[[Config, int | None], Config]
) -> None:
    async with host(config, ingest=False, background=False) as core:
        await asyncio.gather(
            *(core.execute(ReportOccurrence(service="api", message="m", fingerprint=f"{n}"), SYSTEM) for n in range(7))
        )
    await _ticked(quiet(config, 1), Later())
    async with host(config, ingest=False, background=False) as core:
        counts = await core.reader.counts()
    assert (counts.open, counts.resolved) == (0, 7)


async def test_what_a_quiet_time_that_is_no_more_left_due_keeps_nobody_from_being_woken(
    config: Config, quiet: Callable[[Config, int | None], Config]
) -> None:
    async with host(quiet(config, 1), ingest=False, background=False) as core:
        for n in range(7):
            await core.execute(ReportOccurrence(service="api", message="m", fingerprint=f"{n}"), SYSTEM)
        soon_ms = core.clock.now_ms() + HOUR_MS + HOUR_MS // 2
        await core.execute(Snooze(alert_id=7, until_ms=soon_ms), SYSTEM)
    assert await _ticked(quiet(config, None), Later()) >= 1
    async with host(quiet(config, None), ingest=False, background=False) as core:
        assert (await core.reader.counts()).open == 7
        assert await core.reader.next_due_at_ms() is None, "nothing is due for ever"


# Figures


async def test_what_is_taken_back_at_once_was_not_opened_anew(desk: Desk) -> None:
    one = await desk.report("a")
    await desk.do(Resolve(alert_id=one))
    await desk.do(Undo(alert_id=one))
    found = await desk.stats()
    assert (found.opened, found.to_resolve.count) == (1, 0)
    await desk.do(Resolve(alert_id=one))
    assert (await desk.stats()).to_resolve.count == 1
    await desk.do(Reopen(alert_id=one))
    assert (await desk.stats()).opened == 2, "that is another time"


async def test_who_acknowledged_first_counts_whatever_is_decided_later(desk: Desk) -> None:
    one = await desk.report("a")
    desk.moment.at_ms += 60_000
    await desk.do(Acknowledge(alert_id=one))
    desk.moment.at_ms += 600_000
    await desk.do(Snooze(alert_id=one, occurrences=1))
    await desk.report("a")
    assert (await desk.row(one)).state is State.OPEN
    await desk.do(Acknowledge(alert_id=one))
    took = (await desk.stats()).to_acknowledge
    assert (took.count, took.median_ms) == (1, 60_001)
    two = await desk.report("b")
    await desk.do(Acknowledge(alert_id=two))
    await desk.do(Undo(alert_id=two))
    assert (await desk.stats()).to_acknowledge.count == 1, "what is taken back was none"


async def test_an_undone_snooze_by_count_wakes_once_it_happened_so_often(desk: Desk) -> None:
    one = await desk.report("a")
    await desk.do(Snooze(alert_id=one, occurrences=2))
    await desk.report("a")
    await desk.do(Acknowledge(alert_id=one))
    await desk.report("a", times=3)
    await desk.do(Undo(alert_id=one))
    row = await desk.row(one)
    assert row.state is State.OPEN, "it would have woken meanwhile"
    assert (await desk.core.reader.alert(one)).timeline[-1].kind is EntryKind.ALERT_UNDONE
