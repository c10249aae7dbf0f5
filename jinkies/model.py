"""The nouns of the incident desk: frozen values that cross every seam, embedded or attached.

Times are integers of milliseconds since the Unix epoch, UTC, and named ``…_at_ms``. Ids of alerts are positive
integers, small enough to type; people see them as ``#42``. On wires that leave the house they are strings.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec


class State(StrEnum):
    """Where an alert is in its life."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"  # nobody is told until a time, or until it happened so often
    RESOLVED = "resolved"


UNRESOLVED = (State.OPEN, State.ACKNOWLEDGED, State.SNOOZED)


class Severity(StrEnum):
    """How bad it is; ``rank`` orders them, the worst highest."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info … 3 for critical."""
        return _SEVERITY_ORDER.index(self)


_SEVERITY_ORDER = tuple(Severity)


class ActorKind(StrEnum):
    """Through which door somebody came."""

    LOCAL = "local"  # a user of this machine: the socket's peer, or the process's own user
    DISCORD = "discord"
    INGEST = "ingest"  # a sender with the webhook's token
    SYSTEM = "system"  # the core itself: watches, workers, housekeeping


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who did something. ``name`` is for people; ``kind`` and ``id`` identify."""

    kind: ActorKind
    id: str
    name: str
    roles: tuple[str, ...] = ()  # Discord role ids, as strings


SYSTEM = Actor(kind=ActorKind.SYSTEM, id="jinkies", name="jinkies")


class LinkKind(StrEnum):
    """What a link on an alert leads to."""

    PULL_REQUEST = "pull_request"
    RUNBOOK = "runbook"
    SOURCE = "source"  # where the sender shows what it sent: a graph, an alarm, a rule


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A place outside that belongs to an alert."""

    kind: LinkKind
    url: str
    label: str  # "PR #7", "Runbook"


class WorkState(StrEnum):
    """How far a piece of work outside is."""

    REQUESTED = "requested"  # the intent is recorded; a worker carries it out, after a restart too
    DONE = "done"
    FAILED = "failed"  # ``error`` says why; asking again tries again


class PullRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The draft pull request of an alert: what was asked for, and what came of it."""

    state: WorkState
    title: str
    base_branch: str | None = None  # None: the repository's default branch
    notes: str = ""
    requested_by: Actor = SYSTEM
    number: int | None = None
    url: str | None = None
    error: str | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What people decided of an alert: what an undo puts back."""

    state: State
    acknowledged_by: Actor | None = None
    acknowledged_at_ms: int | None = None
    resolved_by: Actor | None = None
    resolved_at_ms: int | None = None
    snoozed_by: Actor | None = None
    snoozed_until_ms: int | None = None
    snoozed_until_count: int | None = None
    assigned_to: str | None = None
    merged_into: int | None = None


class LastDecision(msgspec.Struct, frozen=True, kw_only=True):
    """The newest decision of a person, for as long as it can be undone."""

    by: Actor
    at_ms: int
    what: str  # "acknowledged", "snoozed until …"
    before: Standing


class Calling(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom an alert calls in Discord, as its route said when it opened, and how far that is.

    Who is called is written as in the configuration: ``role:123``, ``user:456``, ``here`` or ``everyone``.
    """

    mention: tuple[str, ...] = ()
    escalate_to: tuple[str, ...] = ()  # () never
    escalate_after_ms: int = 0
    since_ms: int = 0  # since when it waits for somebody: it opened, came back, was reopened, or its silence ended
    unheard: bool = False  # it opened or came back while it was silenced: nobody was called yet
    escalated: bool = False  # since it opened or came back


class AlertRow(msgspec.Struct, frozen=True, kw_only=True):
    """The slim image of an alert: what lists, cards and journal entries carry. Folding one is replacing it."""

    alert_id: int
    state: State
    severity: Severity
    service: str
    environment: str
    title: str  # at most 256 characters
    exception_type: str | None
    request_path: str | None
    culprit: str | None  # innermost in-app frame: "app/views/orders.py:118 in show"
    count: int  # occurrences
    first_seen_at_ms: int
    last_seen_at_ms: int
    acknowledged_by: Actor | None = None
    acknowledged_at_ms: int | None = None
    resolved_by: Actor | None = None
    resolved_at_ms: int | None = None
    snoozed_by: Actor | None = None
    snoozed_until_ms: int | None = None  # it wakes then,
    snoozed_until_count: int | None = None  # or when ``count`` comes to this
    assigned_to: str | None = None  # a name that the team uses; at most 80 characters
    channels: tuple[str, ...] = ()  # Discord ids of where it is told; (): the alert channel
    calling: Calling | None = None  # None: nobody in particular
    silenced_by: int | None = None  # the silence that keeps it from being told,
    silenced_until_ms: int | None = None  # until then
    merged_into: int | None = None  # it is part of that alert now, which counts its occurrences
    parts: tuple[int, ...] = ()  # alerts merged into it, in that order; the newest 200
    comments: int = 0
    uncounted: int = 0  # occurrences that were counted here and left with an alert that was split off
    heat: float = 0.0  # occurrences, each worth half after HEAT_HALF_LIFE_S; as of ``last_seen_at_ms``
    last_decision: LastDecision | None = None
    links: tuple[Link, ...] = ()
    pull_request: PullRequest | None = None
    revision: int = 1  # moves with every change, occurrences included
    decision_rev: int = 1  # moves only with what people or the lifecycle decide

    @property
    def unresolved(self) -> bool:
        """Whether anybody may still have to act."""
        return self.state is not State.RESOLVED


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """A log line kept with an alert; redacted."""

    message: str
    at_ms: int | None = None
    log_group: str | None = None
    log_stream: str | None = None


class Rule(StrEnum):
    """By what occurrences are grouped into alerts."""

    OWN = "own"  # the sender's own fingerprint
    FRAMES = "frames"  # exception type and in-app frames
    MESSAGE = "message"  # exception type and masked message


class Grouping(msgspec.Struct, frozen=True, kw_only=True):
    """Why an occurrence belongs to its alert: what its fingerprint was made of."""

    version: int
    rule: Rule
    parts: tuple[str, ...]  # of OWN the fingerprint; else the exception type, then frames or the masked message
    refined_by: str = ""  # the sender's own part beside ours


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """One time that it happened, redacted, with its full context."""

    occurred_at_ms: int
    message: str
    stack_trace: str | None = None
    request_path: str | None = None
    instance_id: str | None = None
    commit_sha: str | None = None
    related_logs: tuple[LogLine, ...] = ()
    context: dict[str, str] = {}  # additional_context, flattened to text
    release: str | None = None
    grouping: Grouping | None = None  # of an alert's first
    tags: dict[str, str] = {}  # the sender's labels: Sentry's tags, Alertmanager's labels, an alarm's dimensions
    redacted: int = 0  # secrets that were cut from it


class EntryKind(StrEnum):
    """What a journal entry says happened."""

    ALERT_OPENED = "alert.opened"
    ALERT_OCCURRED = "alert.occurred"
    ALERT_ACKNOWLEDGED = "alert.acknowledged"
    ALERT_RESOLVED = "alert.resolved"
    ALERT_REOPENED = "alert.reopened"
    ALERT_REGRESSED = "alert.regressed"
    ALERT_SNOOZED = "alert.snoozed"
    ALERT_WOKE = "alert.woke"
    ALERT_ASSIGNED = "alert.assigned"
    ALERT_COMMENTED = "alert.commented"
    ALERT_UNDONE = "alert.undone"
    ALERT_MERGED = "alert.merged"
    ALERT_SPLIT = "alert.split"
    ALERT_UNSILENCED = "alert.unsilenced"
    ALERT_ESCALATED = "alert.escalated"
    SILENCE_STARTED = "silence.started"
    SILENCE_ENDED = "silence.ended"
    ALERT_EXPIRED = "alert.expired"
    PULL_REQUEST_REQUESTED = "pull_request.requested"
    PULL_REQUEST_OPENED = "pull_request.opened"
    PULL_REQUEST_FAILED = "pull_request.failed"
    DELIVERY_CHANGED = "delivery.changed"
    COMMAND_REFUSED = "command.refused"


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A journal entry as an alert's timeline shows it."""

    seq: int
    at_ms: int
    kind: EntryKind
    actor: Actor
    text: str  # one line for people: "acknowledged by ops-a", "PR #7 opened"


class DeliveryState(StrEnum):
    """How what Discord shows stands to what it should show."""

    PENDING = "pending"  # wanted, not posted yet
    POSTED = "posted"  # there; in step when ``shown_revision == wanted_revision``
    FAILED = "failed"  # ``error`` says why; the board tries again
    DELETED = "deleted"  # a person deleted the card; it stays deleted
    DIGESTED = "digested"  # another message stands for it: ``told_in`` names it


class What(StrEnum):
    """What a delivery is."""

    CARD = "card"
    CALL = "call"  # a short message that pings people; never edited
    DIGEST = "digest"  # one card for many alerts that came too fast


class DigestLine(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that a digest names."""

    alert_id: int
    severity: Severity
    service: str
    title: str  # at most 100 characters


class Digest(msgspec.Struct, frozen=True, kw_only=True):
    """What a digest stands for; ``count`` is exact."""

    count: int  # alerts
    since_ms: int  # when the first of them joined, and the newest
    until_ms: int
    services: dict[str, int]  # alerts by service; "" counts those of services beyond DIGEST_SERVICES
    worst: tuple[DigestLine, ...]  # at most DIGEST_WORST, the worst first
    mentions: tuple[str, ...] = ()  # whom its alerts have called


DIGEST_SERVICES = 20
DIGEST_WORST = 8


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel should show; unique by (alert, channel, kind).

    Kinds: ``card``; ``call-N`` when the alert came back, ``escalation-N`` when nobody acted, both with the decision
    revision that they call for; ``digest-N``, the channel's Nth digest, under the id of its first alert.
    """

    alert_id: int
    channel_id: str
    kind: str = "card"
    state: DeliveryState = DeliveryState.PENDING
    wanted_revision: int
    shown_revision: int = 0
    shown_hash: str = ""  # of the rendered card
    message_id: str | None = None
    error: str | None = None
    changed_at_ms: int
    wanted_at_ms: int = 0  # since when it is wanted; 0: not known
    mentions: tuple[str, ...] = ()  # whom its post pings, as in ``Calling``
    text: str = ""  # of a call: why, in words
    told_in: str = ""  # kind of the message in the channel that stands for it
    digest: Digest | None = None

    @property
    def what(self) -> What:
        """What it is, by its kind."""
        word = self.kind.partition("-")[0]
        return What.CALL if word in ("call", "escalation") else What(word)

    @property
    def in_step(self) -> bool:
        """Nothing is left to do: what was wanted is shown, another message stands for it, or a person deleted it."""
        if self.state in (DeliveryState.DELETED, DeliveryState.DIGESTED):
            return True
        return self.state is DeliveryState.POSTED and self.shown_revision >= self.wanted_revision


class AlertDetail(msgspec.Struct, frozen=True, kw_only=True):
    """An alert with its context: the latest occurrence, the first if it differs, timeline and deliveries."""

    row: AlertRow
    fingerprint: str
    latest: Occurrence
    first: Occurrence
    timeline: tuple[TimelineEntry, ...]  # oldest first, at most the newest 200
    deliveries: tuple[Delivery, ...]


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts by state, and the unresolved critical ones among them."""

    open: int = 0
    acknowledged: int = 0
    snoozed: int = 0
    resolved: int = 0
    critical: int = 0

    @property
    def unresolved(self) -> int:
        """Open, acknowledged and snoozed ones."""
        return self.open + self.acknowledged + self.snoozed


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

    The first batch of a viewer carries the whole ledger, later ones what changed in it.
    """

    events: tuple[LogEvent, ...] = ()
    dropped: int = 0
    trouble: str | None = None  # why the upstream gives nothing just now; None once it does again
    final: bool = False  # ``trouble`` would be the same if asked again: the tail ends with this batch
    spans: tuple[LedgerSpan, ...] = ()
    figures: TailFigures | None = None  # None: as before


class QuerySpec(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask of CloudWatch Logs Insights."""

    query: str  # in Logs Insights' own language, 1 to 10,000 characters
    targets: tuple[str, ...]  # services or log groups, at least one
    start_ms: int  # inclusive, as is the end; the service knows whole seconds and takes all of the first and the last
    end_ms: int
    limit: int = 1_000  # rows, 1 to 10,000; a limit in the query itself counts too

    @property
    def most_rows(self) -> int:
        """How many rows there can be: the query's own last limit or, where that is less, ours."""
        own = _OWN_LIMIT.findall(self.query)
        return min(self.limit, int(own[-1])) if own else self.limit


_OWN_LIMIT = re.compile(r"\|\s*limit\s+(\d{1,9})\b", re.IGNORECASE)


class QueryState(StrEnum):
    """How far a query is."""

    SCHEDULED = "scheduled"
    RUNNING = "running"
    COMPLETE = "complete"


class QueryProgress(msgspec.Struct, frozen=True, kw_only=True, tag="query"):
    """How far a query is, and its rows; each replaces the one before.

    While it is not complete the rows are some of those found so far; what is counted or sorted may still change.
    """

    state: QueryState
    columns: tuple[str, ...] = ()  # names of the fields, in the order of the query; without ``@ptr``
    rows: tuple[tuple[str, ...], ...] = ()  # each as long as ``columns``; "" where a row lacks a field
    cut: bool = False  # complete, but at a limit: there may be more rows
    records_matched: int = 0
    records_scanned: int = 0
    bytes_scanned: int = 0
    elapsed_ms: int = 0
    trouble: str | None = None  # why nothing new is known just now

    @property
    def complete(self) -> bool:
        """Whether these are all rows there are."""
        return self.state is QueryState.COMPLETE and not self.cut


class PartState(StrEnum):
    """How one of the parts that the desk depends on is doing."""

    OK = "ok"
    CONNECTING = "connecting"
    FAILED = "failed"
    UNCONFIGURED = "unconfigured"  # normal; ``detail`` says what to set


class PartHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One of: store, ingest, tokens, discord, aws, github, watches."""

    part: str
    state: PartState
    detail: str = ""
    latency_ms: float | None = None
    at_ms: int = 0


class AlertQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts, newest ``last_seen`` first; a page of at most ``limit`` (1 to 500)."""

    states: tuple[State, ...] = ()  # () is any
    service: str | None = None
    severity: Severity | None = None  # at least this
    search: str = ""  # words, "phrases" and -exclusions, as ``jinkies.query.terms`` reads them; "42" also finds that id
    limit: int = 100
    cursor: str | None = None  # the ``next_cursor`` of the page before
    environment: str | None = None
    since_ms: int | None = None  # last seen at or after
    until_ms: int | None = None  # last seen before
    tags: tuple[tuple[str, str], ...] = ()  # names and values, all of them; of the occurrence that opened the alert
    min_count: int = 0  # occurrences, at least
    ids: tuple[int, ...] = ()  # only these; at most 500


class AlertPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of alerts."""

    rows: tuple[AlertRow, ...]
    next_cursor: str | None = None  # None: that was the last page
