"""What may be asked of the core, as data. One codec, one wire, one place for permission.

Who asks is not part of a command: the core derives the actor from the connection it came by.
``seen_rev`` is the ``decision_rev`` that the asker's decision was based on; ``None`` decides on whatever is there.
"""

from __future__ import annotations

import msgspec

from jinkies.frames import Frame
from jinkies.matching import Matcher
from jinkies.model import (
    DeliveryState,
    LinkKind,
    LogLine,
    OnGitHub,
    PartHealth,
    SavedTail,
    Severity,
    TailSpec,
    TailTotals,
)
from jinkies.searched import Later

UNDO_S = 30  # for so long a decision can be taken back by whoever made it


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of all commands."""


class ReportOccurrence(Command, frozen=True, kw_only=True, tag="report_occurrence"):
    """An error happened: opens an alert, or counts as another occurrence of one.

    Not redacted yet: the core does that before it decides or stores anything.
    """

    service: str
    message: str
    message_template: str | None = (
        None  # what the message was before its parameters were filled in; groups in its place
    )
    exception_type: str | None = None
    stack_trace: str | None = None
    related_logs: tuple[LogLine, ...] = ()
    request_path: str | None = None
    environment: str | None = None  # None: the service's, else the desk's
    instance_id: str | None = None
    commit_sha: str | None = None
    severity: Severity = Severity.ERROR
    context: dict[str, str] = {}
    occurred_at_ms: int | None = None  # None: when the core took it in
    fingerprint: str | None = None  # the caller's own grouping, within the service; "{{ default }}" in it is ours
    frames: tuple[Frame, ...] = ()  # outermost first, where the sender has them apart; else read from stack_trace
    release: str | None = None
    tags: dict[str, str] = {}
    link: str | None = None  # where the sender shows it; http or https
    runbook: str | None = None  # what to do, if the sender says so; http or https; None: the service's
    ongoing: bool = False  # the sender tells it again while it lasts, at the time it began: counted once a beginning


class ReportRecovery(Command, frozen=True, kw_only=True, tag="report_recovery"):
    """The sender says that it is over: resolves the unresolved alert of that fingerprint, if there is one."""

    service: str
    fingerprint: str  # the caller's own, as in the occurrence
    environment: str | None = None
    reason: str = ""  # one line for people
    occurred_at_ms: int | None = None
    noted: bool = False  # the sender can't tell whether it is over: only the reason is noted, whatever the state


class Report(Command, frozen=True, kw_only=True, tag="report"):
    """Several reports of one request: all of them are taken in, or none."""

    items: tuple[ReportOccurrence | ReportRecovery, ...]  # in order, at most 1,000


class Acknowledge(Command, frozen=True, kw_only=True, tag="acknowledge"):
    """Somebody is on it."""

    alert_id: int
    seen_rev: int | None = None
    note: str = ""


class Resolve(Command, frozen=True, kw_only=True, tag="resolve"):
    """It is over; another occurrence reopens it as a regression."""

    alert_id: int
    seen_rev: int | None = None
    note: str = ""


class Reopen(Command, frozen=True, kw_only=True, tag="reopen"):
    """Takes an acknowledgement or a resolution back."""

    alert_id: int
    seen_rev: int | None = None
    note: str = ""


class Snooze(Command, frozen=True, kw_only=True, tag="snooze"):
    """Not now: until a time, until it happened so many more times, or whichever comes first. At least one of both."""

    alert_id: int
    until_ms: int | None = None  # in the future, at most 90 days ahead
    occurrences: int | None = None  # 1 to 1,000,000 more
    seen_rev: int | None = None
    note: str = ""


class Assign(Command, frozen=True, kw_only=True, tag="assign"):
    """Somebody in particular is to look at it; "" takes it from whoever has it."""

    alert_id: int
    to: str  # a name that the team uses; at most 80 characters
    seen_rev: int | None = None
    note: str = ""


class Comment(Command, frozen=True, kw_only=True, tag="comment"):
    """A line in the timeline; decides nothing."""

    alert_id: int
    text: str  # 1 to 4,000 characters


class Undo(Command, frozen=True, kw_only=True, tag="undo"):
    """Takes back one's own last decision, up to UNDO_S after it, if nothing was decided since."""

    alert_id: int
    seen_rev: int | None = None


class Merge(Command, frozen=True, kw_only=True, tag="merge"):
    """Both are one thing: ``alert_id`` becomes part of ``into``, with what it counts and what will be counted."""

    alert_id: int
    into: int
    seen_rev: int | None = None
    note: str = ""


class Split(Command, frozen=True, kw_only=True, tag="split"):
    """Takes a merged alert out again, with the occurrences that it brought; those since then stay with the other."""

    alert_id: int
    seen_rev: int | None = None
    note: str = ""


class Bulk(Command, frozen=True, kw_only=True, tag="bulk"):
    """Decisions on many alerts in one transaction; each is carried out or refused by itself."""

    items: tuple[Acknowledge | Resolve | Reopen | Snooze | Assign | Comment | Undo, ...]  # 1 to 500


class StartSilence(Command, frozen=True, kw_only=True, tag="start_silence"):
    """Alerts that match make no new card for a while; a maintenance window is one that starts later."""

    matchers: tuple[Matcher, ...]  # 1 to 20; all of them must fit
    ends_at_ms: int  # at most 90 days after its start
    reason: str  # 1 to 500 characters
    starts_at_ms: int | None = None  # None: now; at most 90 days ahead


class EndSilence(Command, frozen=True, kw_only=True, tag="end_silence"):
    """Ends a silence early; alerts that it held are told of then."""

    silence_id: int


class Tick(Command, frozen=True, kw_only=True, tag="tick"):
    """What time alone decides: snoozes that end, quiet alerts that resolve; only the core says this."""

    limit: int = 200


class CreatePullRequest(Command, frozen=True, kw_only=True, tag="create_pull_request"):
    """Record the intent of a draft pull request; a worker opens it. Asking twice gives the same one."""

    alert_id: int
    title: str = ""  # "": one made from the alert; at most 256 characters
    base_branch: str | None = None  # None: the configured base branch
    notes: str = ""  # at most 10,000 characters; goes into the body


class RecordPullRequest(Command, frozen=True, kw_only=True, tag="record_pull_request"):
    """What became of a pull request; only the core's own worker says this."""

    alert_id: int
    number: int | None = None
    url: str | None = None
    on_github: OnGitHub | None = None  # how it stands there; None: not known
    error: str | None = None  # set: it failed, for this reason


class RecordOnGitHub(Command, frozen=True, kw_only=True, tag="record_on_github"):
    """How a pull request or an issue that is there stands on GitHub now; only the core's own worker says this."""

    alert_id: int
    kind: LinkKind  # PULL_REQUEST or ISSUE
    number: int  # of which it is said: the alert's may be another meanwhile
    on_github: OnGitHub
    by: str = ""  # the login of who merged or closed it, where GitHub says it


class CreateIssue(Command, frozen=True, kw_only=True, tag="create_issue"):
    """Record the intent of a GitHub issue; a worker opens it. Asking twice gives the same one."""

    alert_id: int
    title: str = ""  # "": the alert's; at most 256 characters
    notes: str = ""  # at most 10,000 characters; goes into the body


class RecordIssue(Command, frozen=True, kw_only=True, tag="record_issue"):
    """What became of an issue; only the core's own worker says this."""

    alert_id: int
    number: int | None = None
    url: str | None = None
    on_github: OnGitHub | None = None  # how it stands there; None: not known
    error: str | None = None  # set: it failed, for this reason


class RecordDelivery(Command, frozen=True, kw_only=True, tag="record_delivery"):
    """What a channel shows now; only the holder of the board's lease may say this."""

    alert_id: int
    channel_id: str
    holder: str
    state: DeliveryState | None  # None: only ``read_to`` is said, the rest is as before
    kind: str = "card"
    message_id: str | None = None
    shown_revision: int = 0
    shown_hash: str = ""
    error: str | None = None
    read_to: str | None = None  # of a thread: the last message that was looked at; None, or an earlier one: as before


class CatchUp(Command, frozen=True, kw_only=True, tag="catch_up"):
    """What a channel should have shown long ago and never did becomes one digest; for the holder of the board's lease.

    What was posted, digested or changed otherwise meanwhile is left as it is. A digest that was never posted goes into
    the new one.
    """

    channel_id: str
    holder: str
    missed: tuple[tuple[int, str], ...]  # alert and kind of deliveries that the channel surely doesn't show; 1 to 500


class ShowCard(Command, frozen=True, kw_only=True, tag="show_card"):
    """An alert that is only told in a digest gets a card of its own."""

    alert_id: int


class TakeLease(Command, frozen=True, kw_only=True, tag="take_lease"):
    """Take or renew a lease, so that of two boards only one mends Discord.

    Refused with ``Conflict`` while another holder's lease runs. ``ttl_s`` is 1 to 300; 0 gives it back.
    """

    name: str
    holder: str
    ttl_s: float


class ReportHealth(Command, frozen=True, kw_only=True, tag="report_health"):
    """How a part outside the core is doing, as the frontend that owns it sees it. Kept in memory, not journaled."""

    health: PartHealth


class NoteRefusal(Command, frozen=True, kw_only=True, tag="note_refusal"):
    """A frontend refused somebody something that is only read: into the journal with it."""

    what: str  # 1 to 200 characters: "/alert", "/logs"
    reason: str  # 1 to 500 characters
    alert_id: int | None = None


class StartTail(Command, frozen=True, kw_only=True, tag="start_tail"):
    """Follow logs. Equal specs get the same tail; the last viewer's leaving stops it after a grace period."""

    spec: TailSpec


class StartChannelTail(Command, frozen=True, kw_only=True, tag="start_channel_tail"):
    """Show a tail in a Discord channel: the bot posts one message and edits it until the tail ends."""

    channel_id: str
    spec: TailSpec
    duration_ms: int  # a minute to four hours


class PauseChannelTail(Command, frozen=True, kw_only=True, tag="pause_channel_tail"):
    """Hold the message of a channel's tail still, or let it go on."""

    number: int
    paused: bool


class StopChannelTail(Command, frozen=True, kw_only=True, tag="stop_channel_tail"):
    """End a channel's tail before its time."""

    number: int


class RecordChannelTail(Command, frozen=True, kw_only=True, tag="record_channel_tail"):
    """What a channel shows of its tail; only the holder of the board's lease may say this."""

    number: int
    holder: str
    message_id: str | None = None  # None: as before
    totals: TailTotals | None = None  # None: as before
    settled: bool = False  # it is over, and the channel shows that, or can't
    why: str = ""  # it is over, if nobody stopped it


class Expire(Command, frozen=True, kw_only=True, tag="expire"):
    """Delete alerts last seen and resolved before ``before_ms``, at most ``limit`` of them; only the core says this.

    With ``compact_before_ms`` it also compacts a piece of the journal that is older: what people did moves into
    timelines, the rest is deleted. A number of the newest entries always stays.
    """

    before_ms: int
    limit: int = 200
    compact_before_ms: int | None = None


class AdvanceWatch(Command, frozen=True, kw_only=True, tag="advance_watch"):
    """What a watch found, and how far it has read, in one transaction; only the core says this."""

    watch: str
    cursor: str  # opaque to the core; at most 1 MB
    occurrences: tuple[ReportOccurrence, ...] = ()


class KeepTails(Command, frozen=True, kw_only=True, tag="keep_tails"):
    """The tails that run now, to be followed again after a restart; only the core says this."""

    tails: tuple[SavedTail, ...]


class KeepSearched(Command, frozen=True, kw_only=True, tag="keep_searched"):
    """What the search is told of later occurrences; only the core says this."""

    items: tuple[Later, ...]


AnyCommand = (
    ReportOccurrence
    | ReportRecovery
    | Report
    | Acknowledge
    | Resolve
    | Reopen
    | Snooze
    | Assign
    | Comment
    | Undo
    | Merge
    | Split
    | Bulk
    | StartSilence
    | EndSilence
    | Tick
    | CreatePullRequest
    | RecordPullRequest
    | CreateIssue
    | RecordIssue
    | RecordOnGitHub
    | RecordDelivery
    | CatchUp
    | ShowCard
    | TakeLease
    | ReportHealth
    | NoteRefusal
    | StartTail
    | StartChannelTail
    | PauseChannelTail
    | StopChannelTail
    | RecordChannelTail
    | Expire
    | AdvanceWatch
    | KeepTails
    | KeepSearched
)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The core's answer to a command that it carried out."""

    alert_id: int | None = None
    created: bool = False  # ReportOccurrence opened a new alert
    changed: bool = True  # False: it was so already; nothing was written
    revision: int | None = None
    decision_rev: int | None = None
    seq: int | None = None  # journal position that shows the change
    tail_id: str | None = None
    silence_id: int | None = None
    items: tuple[Outcome, ...] = ()  # of a Report or a Bulk, in its order
    refused: str = ""  # of an item of a Bulk: why it was not carried out
    reason: str = ""  # why it was decided so, one line for people
