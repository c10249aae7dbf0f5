"""The nouns of the incident desk: frozen values that cross every seam, embedded or attached.

Times are integers of milliseconds since the Unix epoch, UTC, and named ``…_at_ms``. Ids of alerts are positive
integers, small enough to type; people see them as ``#42``. On wires that leave the house they are strings.
"""

from __future__ import annotations

from jinkies.model.actors import SYSTEM, Actor, ActorKind
from jinkies.model.alerts import (
    UNRESOLVED,
    AlertRow,
    Calling,
    Grouping,
    Issue,
    LastDecision,
    Link,
    LinkKind,
    LogLine,
    Occurrence,
    OnGitHub,
    PullRequest,
    Rule,
    Severity,
    Standing,
    State,
    WorkState,
)
from jinkies.model.channel_tails import ChannelTail, TailTotals
from jinkies.model.deliveries import (
    DIGEST_SERVICES,
    DIGEST_WORST,
    RESTORED,
    Delivery,
    DeliveryState,
    Digest,
    DigestLine,
    What,
)
from jinkies.model.finding import AlertDetail, AlertPage, AlertQuery, Counts
from jinkies.model.health import PartHealth, PartState
from jinkies.model.insights import QueryProgress, QuerySpec, QueryState
from jinkies.model.journal import THREAD_KINDS, EntryKind, TimelineEntry
from jinkies.model.logs import (
    FETCHED_CHARS,
    Coverage,
    LedgerSpan,
    Level,
    LogEvent,
    SavedTail,
    TailBatch,
    TailFigures,
    TailInfo,
    TailMode,
    TailSpec,
    Upstream,
)

__all__ = [
    "DIGEST_SERVICES",
    "DIGEST_WORST",
    "FETCHED_CHARS",
    "RESTORED",
    "SYSTEM",
    "THREAD_KINDS",
    "UNRESOLVED",
    "Actor",
    "ActorKind",
    "AlertDetail",
    "AlertPage",
    "AlertQuery",
    "AlertRow",
    "Calling",
    "ChannelTail",
    "Counts",
    "Coverage",
    "Delivery",
    "DeliveryState",
    "Digest",
    "DigestLine",
    "EntryKind",
    "Grouping",
    "Issue",
    "LastDecision",
    "LedgerSpan",
    "Level",
    "Link",
    "LinkKind",
    "LogEvent",
    "LogLine",
    "Occurrence",
    "OnGitHub",
    "PartHealth",
    "PartState",
    "PullRequest",
    "QueryProgress",
    "QuerySpec",
    "QueryState",
    "Rule",
    "SavedTail",
    "Severity",
    "Standing",
    "State",
    "TailBatch",
    "TailFigures",
    "TailInfo",
    "TailMode",
    "TailSpec",
    "TailTotals",
    "TimelineEntry",
    "Upstream",
    "What",
    "WorkState",
]
