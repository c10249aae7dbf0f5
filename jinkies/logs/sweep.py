"""How far back one log group is read again, so that late events are found at a bounded price. Pure.

Events become visible seconds after they were written, sometimes minutes to half an hour (CloudWatch Logs). So each poll
re-reads the last seconds, now and then the last minutes, and seldom the last half hour; identities (``Seen``) keep
what was taken from being taken twice. A dense group is re-read less far, never more than ``MAX_REREAD`` events.
"""

from __future__ import annotations

from jinkies.logs.seen import Ordinals, Seen
from jinkies.model import LogEvent

OVERLAP_MS = 10_000  # behind the newest event, at every poll
QUIET_MS = 60_000  # a quiet group is re-read this much further: our clock and AWS's may differ
TIERS = ((30.0, 300_000), (300.0, 2_100_000))  # every so many seconds, this many milliseconds back
REACH_MS = max(reach for _, reach in TIERS)
MAX_REREAD = 50_000  # events that a deeper reading may cost
NUMBERED = 50_000  # identities that a reading numbers; equals share a millisecond, so they come close together


class Sweep:
    """The readings of one group. ``begin`` one, ``note`` what it brings, and ``finish`` it if it came to its end."""

    def __init__(self, log_group: str, seen: Seen) -> None:
        self.log_group = log_group
        self.seen = seen
        self.ordinals = Ordinals(NUMBERED)
        self._newest_ms = 0
        self._done_ms: int | None = None  # when the last finished reading began
        self._due_s = [0.0 for _ in TIERS]
        self._per_ms = 0.0  # events that a millisecond of this group holds
        self._begun_ms = self._start_ms = self._read = 0
        self._deep: list[int] = []

    def begin(self, now_ms: int, monotonic_s: float) -> int:
        """Where to read from, to the open end, in milliseconds since the epoch."""
        self.ordinals = Ordinals(NUMBERED)
        self._begun_ms, self._read = now_ms, 0
        if self._done_ms is None:
            self._deep = list(range(len(TIERS)))
            self._start_ms = self.seen.floor_ms
            return self._start_ms
        start_ms = min(self._done_ms, max(min(self._newest_ms, now_ms), self._done_ms - QUIET_MS)) - OVERLAP_MS
        self._deep = [tier for tier, due_s in enumerate(self._due_s) if monotonic_s >= due_s]
        for tier in self._deep:
            start_ms = min(start_ms, now_ms - self._affordable(TIERS[tier][1]))
        self._start_ms = max(start_ms, self.seen.floor_ms)
        return self._start_ms

    def note(self, events: int, newest_ms: int) -> None:
        """A page brought so many events, the newest of this time."""
        self._read += events
        self._newest_ms = max(self._newest_ms, newest_ms)

    def finish(self, monotonic_s: float, keep_from_ms: int | None = None) -> None:
        """The reading came to its end. The floor rises, but not above ``keep_from_ms``: that is not done with."""
        self._done_ms = self._begun_ms
        self._per_ms = self._read / max(1_000, self._begun_ms - self._start_ms)
        for tier in self._deep:
            self._due_s[tier] = monotonic_s + TIERS[tier][0]
        floor_ms = self._begun_ms - REACH_MS
        self.seen.raise_floor(floor_ms if keep_from_ms is None else min(floor_ms, keep_from_ms))

    def fresh(self, event: LogEvent) -> bytes | None:
        """The identity of an event that was not taken yet, else None. Ask once for each event of a reading."""
        key = self.ordinals.key(event)
        return None if self.seen.has(event, key) else key

    def trim(self, reading_at_ms: int) -> bool:
        """Bound the identities while a reading has come to this time. Returns whether any were forgotten."""
        return self.seen.trim(min(reading_at_ms, self._begun_ms) - OVERLAP_MS)

    def _affordable(self, reach_ms: int) -> int:
        return reach_ms if self._per_ms * reach_ms <= MAX_REREAD else int(MAX_REREAD / self._per_ms)


class Backoff:
    """Delays after failures: doubling to ``most_s``, each made ``jitter`` (0 to 1) of itself shorter at most."""

    def __init__(self, first_s: float, most_s: float) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._failures = 0

    def failed(self, luck: float) -> float:
        """Seconds to wait now. ``luck`` is a random number from 0 to 1, so that many don't come back at once."""
        delay_s: float = min(self._most_s, self._first_s * 2 ** min(self._failures, 20))
        self._failures += 1
        return delay_s * (1 - luck / 4)

    def succeeded(self) -> None:
        """The next failure is a first one."""
        self._failures = 0
