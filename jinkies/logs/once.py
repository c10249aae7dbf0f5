"""Each event once, whichever way it came, and in order: what readings and sessions bring, put together.

Every source numbers its own equals: each reading of a range, each Live Tail session. What was given out is the
largest number that any source has seen, so a line that came twice by two ways is one, and two equal lines are two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

import msgspec

from jinkies.logs.seen import Ordinals, Seen
from jinkies.logs.sweep import REACH_MS, Sweep
from jinkies.logs.targets import group_name
from jinkies.model import LogEvent, TailFigures, Upstream

IDENTITIES = 200_000  # held by one tail, shared by its groups
LEAST_IDENTITIES = 10_000  # of one group
OLD_IDENTITIES = 10_000  # of events that came later than readings reach back; past it the oldest are forgotten

_BY_TIME = attrgetter("timestamp_ms", "ingestion_ms")


class Once:
    """The identities of one tail, by the name of their log group."""

    def __init__(self, log_groups: tuple[str, ...], start_ms: int) -> None:
        capacity = max(LEAST_IDENTITIES, IDENTITIES // len(log_groups))
        self.sweeps = {group_name(group): Sweep(group, Seen(start_ms, capacity)) for group in log_groups}
        self.duplicates = 0  # came by a session, and had been given out already
        self._start_ms = start_ms
        self._old: dict[bytes, None] = {}  # oldest first

    def read(self, run: Sequence[LogEvent], until_ms: Mapping[str, int]) -> list[LogEvent]:
        """Those of a reading's run (not empty, in order) that were not given out; none at ``until_ms`` or later."""
        found = []
        for event in run:
            if event.timestamp_ms >= until_ms.get(event.log_group, event.timestamp_ms + 1):
                continue
            sweep = self.sweeps[event.log_group]
            key = sweep.fresh(event)
            if key is not None:
                sweep.seen.add(event, key)
                self._note_old(event, key)
                found.append(event)
        for sweep in self.sweeps.values():
            sweep.trim(run[0].timestamp_ms)
        return found

    def live(self, ordinals: Ordinals, events: Iterable[LogEvent]) -> list[LogEvent]:
        """Those of a session's update that were not given out."""
        found = []
        for event in events:
            seen = self.sweeps[event.log_group].seen
            key = ordinals.key(event)
            below = event.timestamp_ms < seen.floor_ms
            known = below or seen.has(event, key)
            if self._note_old(event, key) and below and event.timestamp_ms >= self._start_ms:
                found.append(event)  # only a session brings it
            elif known:
                self.duplicates += not below
            else:
                seen.add(event, key)
                found.append(event)
        return found

    def _note_old(self, event: LogEvent, key: bytes) -> bool:
        """Remember what was ingested later than readings reach back. Returns whether it is that, for the first time."""
        if event.ingestion_ms - event.timestamp_ms <= REACH_MS or key in self._old:
            return False
        self._old[key] = None
        if len(self._old) > OLD_IDENTITIES:
            del self._old[next(iter(self._old))]
        return True


class Counted:
    """Marks what is late and counts what is given out."""

    def __init__(self) -> None:
        self.upstream = Upstream.STARTING
        self.requests = 0
        self.why = ""  # it polls
        self._shown_ms = 0  # the newest timestamp that was given out
        self._events = self._late = self._backfilled = 0

    def give(self, events: Iterable[LogEvent]) -> tuple[LogEvent, ...]:
        """What is given out together, by time; what lies behind something given out before is late."""
        given = []
        for event in sorted(events, key=_BY_TIME):
            if event.timestamp_ms < self._shown_ms:
                self._late += 1
                given.append(msgspec.structs.replace(event, late=True))
            else:
                self._shown_ms = event.timestamp_ms
                given.append(event)
            self._backfilled += event.backfilled
        self._events += len(given)
        return tuple(given)

    def figures(self, *, duplicates: int = 0, sessions: int = 0, live_ms: int = 0) -> TailFigures:
        """The counts so far."""
        return TailFigures(
            upstream=self.upstream,
            events=self._events,
            late=self._late,
            backfilled=self._backfilled,
            duplicates=duplicates,
            sessions=sessions,
            live_ms=live_ms,
            requests=self.requests,
            why=self.why,
        )
