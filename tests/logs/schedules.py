"""Schedules: what happens to a simulated CloudWatch while a tail follows it, drawn by Hypothesis.

A schedule is small, so that one that fails can be made smaller still; ``fill`` makes events of it, the same each time.
Times are seconds from the tail's start.
"""

from __future__ import annotations

import random
from enum import StrEnum

import msgspec
from hypothesis import strategies as st

from jinkies.model import TailMode
from jinkies.simulators.cloudwatch import Fault, Kind, World
from tests.virtual import START_MS

TRAFFIC_S = 70.0  # events and faults come until then
GROUPS = ("/app/web", "/app/worker", "/aws/lambda/pay", *(f"/app/shard-{number}" for number in range(8)))
MANY = len(GROUPS)  # more than one Live Tail session takes
WORDS = ("GET /orders 200", "ERROR boom", "late é ✓", "[brackets] {json}", "x" * 400)


class Lag(StrEnum):
    """Between an event's own time and the time at which it can be read."""

    NONE = "none"
    WRITER = "writer"  # its writer sent it late
    SERVICE = "service"  # it was taken in and delivered live at once, but FilterLogEvents shows it late
    LIVE = "live"  # Live Tail delivers it late
    NOT_LIVE = "not_live"  # Live Tail never delivers it
    AHEAD = "ahead"  # its writer's clock is fast


class Burst(msgspec.Struct, frozen=True, kw_only=True):
    """Some events of a group, becoming readable from ``at_s`` on."""

    group: int
    at_s: float
    over_s: float
    events: int
    streams: int = 1
    twins: bool = False  # each comes twice, identical, not always at the same time
    lag: Lag = Lag.NONE
    lag_s: float = 0.0


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    mode: TailMode
    groups: int
    since_s: float
    seed: int
    bursts: tuple[Burst, ...]
    faults: tuple[Fault, ...]  # counted by the simulator, so copied before use
    pattern: str = ""  # CloudWatch's filter pattern
    rate_per_s: float | None = None
    denied_from_s: float | None = None  # FilterLogEvents is denied from then on, for ever
    restart_s: float | None = None  # the core stops then, and another resumes its tail
    down_s: float = 0.0  # that much later

    @property
    def names(self) -> tuple[str, ...]:
        return GROUPS[: self.groups]

    def planned(self) -> list[Fault]:
        """Its faults, fresh."""
        faults = [msgspec.structs.replace(fault) for fault in self.faults]
        if self.denied_from_s is not None:
            faults.append(Fault(kind=Kind.DENY, action="FilterLogEvents", start_ms=at_ms(self.denied_from_s)))
        return faults


def at_ms(seconds: float) -> int:
    return START_MS + int(seconds * 1000)


def fill(world: World, schedule: Schedule) -> None:
    """Make a schedule's events."""
    luck = random.Random(schedule.seed)
    for number, burst in enumerate(schedule.bursts):
        for index in range(burst.events):
            ready_ms = at_ms(burst.at_s + luck.uniform(0, burst.over_s))
            message = f"{luck.choice(WORDS)} {number}.{index if luck.random() < 0.8 else 0}"
            stream = f"s{luck.randrange(burst.streams)}"
            _put(world, burst, ready_ms, message, stream, luck)


def _put(world: World, burst: Burst, ready_ms: int, message: str, stream: str, luck: random.Random) -> None:
    lag_ms, jitter_ms = int(burst.lag_s * 1000), luck.randrange(900)
    timestamp_ms = ingestion_ms = ready_ms
    visible_ms, live_ms = ready_ms + jitter_ms, ready_ms + luck.randrange(900)
    if burst.lag is Lag.WRITER:
        timestamp_ms = ready_ms - lag_ms
    elif burst.lag is Lag.SERVICE:
        timestamp_ms = ingestion_ms = live_ms = ready_ms - lag_ms
    elif burst.lag is Lag.LIVE:
        live_ms = ready_ms + lag_ms
    elif burst.lag is Lag.AHEAD:
        timestamp_ms = ready_ms + min(lag_ms, 60_000)
    for twin in range(2 if burst.twins else 1):
        world.put(
            GROUPS[burst.group],
            message,
            timestamp_ms,
            stream=stream,
            ingestion_ms=ingestion_ms,
            visible_ms=visible_ms + twin * luck.choice((0, 0, 2_500)),
            live_ms=live_ms + twin * luck.choice((0, 0, 1_200)),
            live=burst.lag is not Lag.NOT_LIVE,
        )


_LAGS = st.sampled_from((1.0, 3.0, 8.0, 15.0, 45.0, 150.0, 280.0, 900.0, 1_750.0))
_MOMENTS = st.integers(0, int(TRAFFIC_S) * 10).map(lambda tenths: tenths / 10)


@st.composite
def _bursts(draw: st.DrawFn, groups: int) -> Burst:
    return Burst(
        group=draw(st.integers(0, groups - 1)),
        at_s=draw(st.integers(-300, int(TRAFFIC_S) * 10)) / 10,
        over_s=draw(st.sampled_from((0.0, 0.5, 4.0, 30.0))),
        events=draw(st.one_of(st.integers(1, 12), st.integers(1, 60), st.sampled_from((200, 700)))),
        streams=draw(st.integers(1, 3)),
        twins=draw(st.booleans()),
        lag=draw(st.sampled_from((Lag.NONE, *Lag))),
        lag_s=draw(_LAGS),
    )


_PAGE_FAULTS = (Kind.THROTTLE, Kind.FAIL, Kind.DROP, Kind.DELAY, Kind.EMPTY_PAGES, Kind.SMALL_PAGES, Kind.DENY)
_START_FAULTS = (Kind.THROTTLE, Kind.OVER_LIMIT, Kind.FAIL, Kind.DROP, Kind.DENY)
_LIVE_FAULTS = (Kind.LIVE_STALL, Kind.LIVE_SAMPLE, Kind.LIVE_DROP, Kind.LIVE_END, Kind.LIVE_TIMEOUT, Kind.LIVE_BREAK)
_VALUES = {
    Kind.DELAY: st.sampled_from((0.2, 1.0, 4.0, 12.0)),
    Kind.EMPTY_PAGES: st.sampled_from((1.0, 3.0)),
    Kind.SMALL_PAGES: st.sampled_from((7.0, 50.0)),
    Kind.LIVE_SAMPLE: st.sampled_from((0.0, 1.0, 20.0)),
    Kind.LIVE_DROP: st.sampled_from((0.0, 4.0, 25.0)),
    Kind.LIVE_END: st.sampled_from((0.0, 4.0, 25.0)),
    Kind.LIVE_TIMEOUT: st.sampled_from((0.0, 4.0, 25.0)),
    Kind.LIVE_BREAK: st.sampled_from((0.0, 4.0, 25.0)),
}


@st.composite
def _faults(draw: st.DrawFn, mode: TailMode, groups: int) -> Fault:
    kinds = [("FilterLogEvents", kind) for kind in _PAGE_FAULTS]
    if mode is TailMode.AUTO:
        kinds += [("StartLiveTail", kind) for kind in (*_START_FAULTS, *_LIVE_FAULTS)]
    action, kind = draw(st.sampled_from(kinds))
    start_s = draw(_MOMENTS)
    lasting_s = draw(st.sampled_from((1.0, 5.0, 15.0, 40.0)))
    return Fault(
        kind=kind,
        action=action,
        group=draw(st.sampled_from(("", *GROUPS[:groups]))),
        start_ms=at_ms(start_s),
        end_ms=at_ms(min(start_s + lasting_s, TRAFFIC_S)),
        every=draw(st.sampled_from((1, 1, 2, 3))) if kind in _START_FAULTS else 1,
        value=draw(_VALUES.get(kind, st.just(0.0))),
    )


@st.composite
def schedules(draw: st.DrawFn, *, denied: bool = False, restarted: bool = False) -> Schedule:
    """Any schedule; ``denied``: with FilterLogEvents denied from some moment on; ``restarted``: of the core."""
    mode = draw(st.sampled_from(TailMode))
    groups = draw(st.sampled_from((1, 1, 2, 2, 3, 3, MANY)))
    return Schedule(
        mode=mode,
        groups=groups,
        since_s=draw(st.sampled_from((0.0, 20.0, 300.0, 2_000.0))),
        seed=draw(st.integers(0, 1_000)),
        pattern=draw(st.sampled_from(("", "", "", "ERROR", '"orders 200" -boom'))),
        bursts=tuple(draw(st.lists(_bursts(groups), min_size=1, max_size=10))),
        faults=tuple(draw(st.lists(_faults(mode, groups), max_size=6))),
        rate_per_s=draw(st.sampled_from((None, None, 5.0, 2.0 if groups < MANY else 10.0))),
        denied_from_s=draw(st.sampled_from((0.0, 20.0, 45.0))) if denied else None,
        restart_s=draw(st.sampled_from((5.0, 25.0, 55.0))) if restarted else None,
        down_s=draw(st.sampled_from((0.5, 20.0))),
    )
