"""Running a schedule: a tail of the real client against the simulated CloudWatch, and what it gave out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable

import msgspec

from jinkies.clock import Clock
from jinkies.logs.service import LogsService
from jinkies.model import Coverage, LedgerSpan, LogEvent, SavedTail, TailBatch, TailFigures, TailSpec
from jinkies.simulators.cloudwatch import Event, Session, SimulatedCloudWatch, World
from jinkies.simulators.cloudwatch.pattern import matcher
from tests.logs.conftest import desk
from tests.logs.schedules import TRAFFIC_S, Schedule, at_ms, fill
from tests.virtual import run_virtually

SETTLED_S = 700.0  # from the end of traffic and faults, at most, until everything must have been given out
QUIET_S = 45.0  # and so long nothing more may come

Identity = tuple[str, str, int, int, str]


class Given(msgspec.Struct, kw_only=True):
    """A batch, and when it came."""

    at_ms: int
    batch: TailBatch


class Outcome(msgspec.Struct, kw_only=True):
    """What came of a schedule."""

    schedule: Schedule
    begin_ms: int  # of event time: what is older was not asked for
    end_ms: int = 0  # of the run
    given: list[Given] = []
    held: list[Event] = []  # by the world, of the groups that were followed, from ``begin_ms`` on
    sessions: list[Session] = []
    pages: int = 0  # answered, after a restart
    ended: bool = False  # the tail ended by itself
    before: list[Given] = []  # the restart
    asked: list[Event] = []  # of the groups that were followed and matching, however old
    asked_ms: int = 0  # of event time: where the first core began

    @property
    def events(self) -> list[LogEvent]:
        return [event for one in self.given for event in one.batch.events]

    @property
    def figures(self) -> TailFigures | None:
        return next((one.batch.figures for one in reversed(self.given) if one.batch.figures is not None), None)

    def ledger(self) -> dict[int, Coverage]:
        """What was said last of each second."""
        return folded(span for one in self.given for span in one.batch.spans)

    def wanted(self) -> Counter[Identity]:
        return Counter(event.identity for event in self.held)

    def got(self) -> Counter[Identity]:
        return Counter(identity(event) for event in self.events)


def identity(event: LogEvent) -> Identity:
    return (event.log_group, event.log_stream, event.timestamp_ms, event.ingestion_ms, event.message)


def folded(spans: Iterable[LedgerSpan]) -> dict[int, Coverage]:
    said: dict[int, Coverage] = {}
    for span in spans:
        for second in range(span.start_s, span.end_s):
            said[second] = span.coverage
    return said


def run(schedule: Schedule) -> Outcome:
    """In virtual time, until everything is settled and nothing more comes."""
    return run_virtually(lambda clock: _run(schedule, clock))


async def _run(schedule: Schedule, clock: Clock) -> Outcome:
    world = World(*schedule.names)
    fill(world, schedule)
    matches = matcher(schedule.pattern)
    cloudwatch = SimulatedCloudWatch(world, clock=clock, rate_per_s=schedule.rate_per_s, seed=schedule.seed)
    cloudwatch.fault(*schedule.planned())
    since_ms = int(schedule.since_s * 1000)
    spec = TailSpec(targets=schedule.names, since_ms=since_ms, mode=schedule.mode, filter_pattern=schedule.pattern)
    async with cloudwatch:
        begin_ms = clock.now_ms() - since_ms
        outcome = Outcome(schedule=schedule, begin_ms=begin_ms, asked_ms=begin_ms)
        saved = await _before_restart(spec, outcome, cloudwatch, clock)
        outcome.asked = [event for name in schedule.names for event in world.events(name) if matches(event.message)]
        from_ms = clock.now_ms()
        async with LogsService(desk(cloudwatch.address), clock) as logs:
            if saved is not None:
                logs.resume_tail(saved)
                outcome.begin_ms = logs.saved_tails()[0].start_ms
            tail_id = logs.start_tail(spec).tail_id if saved is None else logs.tails()[0].tail_id
            outcome.held = [event for event in outcome.asked if event.timestamp_ms >= outcome.begin_ms]
            collecting = asyncio.create_task(_collect(logs, tail_id, outcome, clock))
            await _settle(outcome, collecting, clock)
            await _stop(collecting)
            outcome.end_ms = clock.now_ms()
    outcome.sessions = cloudwatch.live.sessions
    outcome.pages = sum(call.status == 200 and call.at_ms >= from_ms for call in cloudwatch.asked())
    return outcome


async def _before_restart(
    spec: TailSpec, outcome: Outcome, cloudwatch: SimulatedCloudWatch, clock: Clock
) -> SavedTail | None:
    """The first core's life, when the schedule has two: what it saved."""
    schedule = outcome.schedule
    if schedule.restart_s is None:
        return None
    async with LogsService(desk(cloudwatch.address), clock) as logs:
        collecting = asyncio.create_task(_collect(logs, logs.start_tail(spec).tail_id, outcome, clock))
        await clock.sleep(schedule.restart_s)
        saved = logs.saved_tails()
        await _stop(collecting)
    await clock.sleep(schedule.down_s)
    outcome.before, outcome.given = outcome.given, []
    return saved[0] if saved else None


async def _stop(collecting: asyncio.Task[None]) -> None:
    collecting.cancel()
    await asyncio.wait({collecting})
    if not collecting.cancelled():
        collecting.result()


async def _collect(logs: LogsService, tail_id: str, outcome: Outcome, clock: Clock) -> None:
    async with logs.open_tail(tail_id) as batches:
        async for batch in batches:
            outcome.given.append(Given(at_ms=clock.now_ms(), batch=batch))
    outcome.ended = True


async def _settle(outcome: Outcome, collecting: asyncio.Task[None], clock: Clock) -> None:
    wanted = outcome.wanted()
    until_s = clock.monotonic_s() + TRAFFIC_S + 5
    while clock.monotonic_s() < until_s and not collecting.done():
        await clock.sleep(5)
    if outcome.schedule.denied_from_s is None:
        until_s = clock.monotonic_s() + SETTLED_S
        while clock.monotonic_s() < until_s and not collecting.done() and not _settled(outcome, wanted):
            await clock.sleep(5)
    await clock.sleep(QUIET_S)


def _settled(outcome: Outcome, wanted: Counter[Identity]) -> bool:
    if sum(wanted.values()) > len(outcome.events) or outcome.got() != wanted:
        return False
    said = outcome.ledger()
    seconds = range(outcome.begin_ms // 1000, at_ms(TRAFFIC_S) // 1000)
    return all(said.get(second) is Coverage.COMPLETE for second in seconds)
