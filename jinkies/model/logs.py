"""Log events, and tails that follow them."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

import msgspec

FETCHED_CHARS = 8 * 1_048_576  # of the messages of one answer: an event can have a million


class Level(StrEnum):
    """The level read from a log line; ``NONE`` where it names none."""

    NONE = "none"
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for none … 5 for critical."""
        return _LEVEL_ORDER.index(self)


_LEVEL_ORDER = tuple(Level)


class LogEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A CloudWatch log event. Identity: (group, stream, timestamp, ingestion time, message, ordinal among equals)."""

    log_group: str
    log_stream: str
    timestamp_ms: int
    ingestion_ms: int
    message: str  # as CloudWatch holds it: data, never markup; up to 1 MB
    level: Level = Level.NONE
    late: bool = False  # arrived behind a newer event that had been shown
    backfilled: bool = False  # not seen live: read afterwards, to close a gap

    printable: ClassVar[bool] = False  # known of every message of a subclass: ``str.isprintable``


class TailMode(StrEnum):
    """How a tail gets its events."""

    AUTO = "auto"  # Live Tail where the account and its permissions allow it, else polling
    POLL = "poll"  # FilterLogEvents only


class TailSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What to follow. Equal specs share one upstream, whoever watches."""

    targets: tuple[str, ...]  # services or log groups, at least one
    filter_pattern: str = ""  # CloudWatch's own syntax, applied by the service
    level: Level = Level.NONE  # at least this; lines without a level pass only when NONE
    grep: str = ""  # a Python regular expression, searched in the message
    since_ms: int = 300_000  # how far back a new tail starts, in milliseconds before now
    mode: TailMode = TailMode.AUTO
    from_ms: int | None = None  # where a new tail starts, in milliseconds since the epoch, instead of ``since_ms``

    def begins_ms(self, now_ms: int) -> int:
        """Where a tail that is asked for now starts; never in the future."""
        return max(0, now_ms - self.since_ms if self.from_ms is None else min(self.from_ms, now_ms))


class Coverage(StrEnum):
    """What a tail knows of a second of event time."""

    COMPLETE = "complete"  # every event that CloudWatch had for it was given out
    SAMPLED = "sampled"  # Live Tail left some out, and they can't be read afterwards
    BACKFILLING = "backfilling"  # not sure yet; it is being read, or will be
    MISSING = "missing"  # events may be lost: it was not followed, and can't be read afterwards


class LedgerSpan(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of event time that share a coverage. A later span replaces what was said of its seconds before."""

    start_s: int  # seconds since the Unix epoch, inclusive
    end_s: int  # exclusive
    coverage: Coverage
    reason: str = ""  # why, where it is not complete; one line for people


class Upstream(StrEnum):
    """Where a tail's events come from just now."""

    STARTING = "starting"
    LIVE = "live"  # Live Tail, paid by the minute
    POLLING = "polling"


class TailFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of a tail since its start, and what it cost."""

    upstream: Upstream = Upstream.STARTING
    events: int = 0
    late: int = 0
    backfilled: int = 0
    duplicates: int = 0  # sent by Live Tail though given out already; given out once
    sessions: int = 0  # Live Tail sessions opened
    live_ms: int = 0  # session time paid for: the sum over all sessions
    requests: int = 0  # FilterLogEvents
    why: str = ""  # it polls: one line for people; "" where it does not, or where that passes by itself


class SavedTail(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a running tail, so that another core can go on with it. Times are event times."""

    spec: TailSpec
    start_ms: int  # how far back it reached at first
    done_ms: int  # all before was given out; ``start_ms`` or later


class TailInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A running tail."""

    tail_id: str
    spec: TailSpec
    log_groups: tuple[str, ...]
    viewers: int
    started_at_ms: int
    figures: TailFigures = TailFigures()


class TailBatch(msgspec.Struct, frozen=True, kw_only=True, tag="batch"):
    """Some log events, in order of arrival; ``dropped`` counts those a slow viewer lost before them.

    A viewer that was given all that was held gets the whole ledger, then what changed in it. No span comes before the
    events of its seconds, so that where a viewer's ledger ends it can go on with another tail.
    """

    events: tuple[LogEvent, ...] = ()
    dropped: int = 0
    gone_ms: int | None = None  # in a viewer's first: the newest timestamp that the tail held once and doesn't any more
    trouble: str | None = None  # why the upstream gives nothing just now; None once it does again
    final: bool = False  # ``trouble`` would be the same if asked again: the tail ends with this batch
    spans: tuple[LedgerSpan, ...] = ()
    figures: TailFigures | None = None  # None: as before
