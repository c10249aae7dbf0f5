"""Alerts and their occurrences: one row each for lists, and what was reported."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from jinkies.model.actors import SYSTEM, Actor


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


class LinkKind(StrEnum):
    """What a link on an alert leads to."""

    PULL_REQUEST = "pull_request"
    ISSUE = "issue"
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


class OnGitHub(StrEnum):
    """How a pull request or an issue stands on GitHub."""

    DRAFT = "draft"
    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"  # a pull request unmerged; an issue without a reason
    COMPLETED = "completed"  # an issue, closed for this reason; likewise below
    NOT_PLANNED = "not_planned"
    DUPLICATE = "duplicate"

    @property
    def text(self) -> str:
        """In words: ``merged``, ``closed as not planned``."""
        return _ON_GITHUB_TEXTS.get(self, self.value)

    @property
    def is_open(self) -> bool:
        """Somebody may still be at it."""
        return self in (OnGitHub.DRAFT, OnGitHub.OPEN)


_ON_GITHUB_TEXTS = {
    OnGitHub.COMPLETED: "closed as completed",
    OnGitHub.NOT_PLANNED: "closed as not planned",
    OnGitHub.DUPLICATE: "closed as a duplicate",
}


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
    on_github: OnGitHub | None = None  # of one that is done; None: nobody has looked yet
    after: int = 0  # the number of the alert's last one, which was closed unmerged; 0: there was none

    @property
    def stands(self) -> bool:
        """It is there, and asking again gives no other: one that was closed unmerged makes room for another."""
        return self.state is WorkState.DONE and self.on_github is not OnGitHub.CLOSED


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """The GitHub issue of an alert: what was asked for, and what came of it."""

    state: WorkState
    title: str
    notes: str = ""
    requested_by: Actor = SYSTEM
    requested_at_ms: int = 0  # of the first try: none of this alert's issues is older
    number: int | None = None
    url: str | None = None
    error: str | None = None
    on_github: OnGitHub | None = None  # of one that is done; None: nobody has looked yet

    @property
    def stands(self) -> bool:
        """It is there, and asking again gives no other: one that is closed can be opened again."""
        return self.state is WorkState.DONE


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
    issue: Issue | None = None
    revision: int = 1  # moves with every change, occurrences included
    decision_rev: int = 1  # moves only with what people or the lifecycle decide

    @property
    def awaits_work(self) -> bool:
        """Its pull request or its issue is asked for and not there yet."""
        return any(work is not None and work.state is WorkState.REQUESTED for work in (self.pull_request, self.issue))

    @property
    def follows_work(self) -> bool:
        """Its pull request or its issue is there and may still change: what is merged stays so."""
        return any(
            work is not None and work.state is WorkState.DONE and work.on_github is not OnGitHub.MERGED
            for work in (self.pull_request, self.issue)
        )

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
