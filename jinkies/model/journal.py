"""What happened, as an alert's timeline shows it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from jinkies.model.actors import Actor


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
    ALERT_NOTED = "alert.noted"  # its sender said something that decides nothing
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
    PULL_REQUEST_CHANGED = "pull_request.changed"  # on GitHub: merged, closed, ready for review; likewise an issue
    ISSUE_REQUESTED = "issue.requested"
    ISSUE_OPENED = "issue.opened"
    ISSUE_FAILED = "issue.failed"
    ISSUE_CHANGED = "issue.changed"
    DELIVERY_CHANGED = "delivery.changed"
    TAIL_STARTED = "tail.started"  # in a Discord channel; likewise below
    TAIL_CHANGED = "tail.changed"
    TAIL_ENDED = "tail.ended"
    COMMAND_REFUSED = "command.refused"


THREAD_KINDS = frozenset(  # what a card's thread in Discord tells: all of an alert's, but its counting and its cards
    kind
    for kind in EntryKind
    if kind.partition(".")[0] in ("alert", "pull_request", "issue")
    and kind not in (EntryKind.ALERT_OCCURRED, EntryKind.ALERT_EXPIRED)
)


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A journal entry as an alert's timeline shows it."""

    seq: int
    at_ms: int
    kind: EntryKind
    actor: Actor
    text: str  # one line for people: "acknowledged by ops-a", "PR #7 opened"
