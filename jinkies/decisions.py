"""What people decide of an alert, pure: (the row, command, actor, now) → the new row, and the reason why.

A decision that changes nothing gives the same row back with the reason; a refusal raises ``Conflict`` or ``Invalid``.
Each has its reverse, and can be undone by whoever made it for ``UNDO_S``.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jinkies.clock import iso
from jinkies.commands import UNDO_S, Acknowledge, Assign, Comment, Merge, Reopen, Resolve, Snooze, Split, Undo
from jinkies.errors import Conflict, Invalid
from jinkies.lifecycle import (
    AWAKE,
    UNDECIDED,
    By,
    Decision,
    check_length,
    decide,
    decided_text,
    resolved,
    said,
    span_text,
)
from jinkies.model import Actor, AlertRow, EntryKind, Standing, State

NOTE_LIMIT = 1_000  # characters of a note on a decision
COMMENT_LIMIT = 4_000  # characters
NAME_LIMIT = 80  # characters of an assignee's name
PARTS_LIMIT = 200  # alerts merged into one that it names, the newest
SNOOZE_LIMIT_MS = 90 * 86_400_000
SNOOZE_OCCURRENCES = 1_000_000

Decidable = Acknowledge | Resolve | Reopen | Snooze | Assign | Comment | Undo


def decide_on(row: AlertRow, command: Decidable, actor: Actor, now_ms: int) -> Decision:
    """What a person's command makes of an alert. Raises ``Conflict`` or ``Invalid``."""
    match command:
        case Acknowledge():
            return acknowledge(row, command, actor, now_ms)
        case Resolve():
            return resolve(row, command, actor, now_ms)
        case Reopen():
            return reopen(row, command, actor, now_ms)
        case Snooze():
            return snooze(row, command, actor, now_ms)
        case Assign():
            return assign(row, command, actor, now_ms)
        case Comment():
            return comment(row, command, actor)
        case Undo():
            return undo(row, command, actor, now_ms)


def acknowledge(row: AlertRow, command: Acknowledge, actor: Actor, now_ms: int) -> Decision:
    """Somebody is on it."""
    _check_decidable(row, command.seen_rev, command.note)
    if row.state is State.ACKNOWLEDGED:
        return Decision(row=row, kind=None, reason=f"already {decided_text(row)}")
    if row.state is State.RESOLVED:
        raise Conflict(f"#{row.alert_id} is {decided_text(row)}; reopen it first")
    new = decide(
        row,
        By(actor, now_ms, "acknowledged"),
        **AWAKE,
        state=State.ACKNOWLEDGED,
        acknowledged_by=actor,
        acknowledged_at_ms=now_ms,
    )
    return Decision(
        row=new, kind=EntryKind.ALERT_ACKNOWLEDGED, reason=said(f"acknowledged by {actor.name}", command.note)
    )


def resolve(row: AlertRow, command: Resolve, actor: Actor, now_ms: int) -> Decision:
    """It is over."""
    _check_decidable(row, command.seen_rev, command.note)
    if row.state is State.RESOLVED:
        return Decision(row=row, kind=None, reason=f"already {decided_text(row)}")
    new = resolved(row, actor, now_ms, By(actor, now_ms, "resolved"))
    return Decision(row=new, kind=EntryKind.ALERT_RESOLVED, reason=said(f"resolved by {actor.name}", command.note))


def snooze(row: AlertRow, command: Snooze, actor: Actor, now_ms: int) -> Decision:
    """Not now."""
    _check_decidable(row, command.seen_rev, command.note)
    _check_snooze(command, now_ms)
    if row.state is State.RESOLVED:
        raise Conflict(f"#{row.alert_id} is {decided_text(row)}; there is nothing to snooze")
    count = None if command.occurrences is None else row.count + command.occurrences
    what = f"snoozed {snooze_text(command.until_ms, command.occurrences)}"
    snoozed = {"snoozed_by": actor, "snoozed_until_ms": command.until_ms, "snoozed_until_count": count}
    new = decide(row, By(actor, now_ms, what), **(UNDECIDED | snoozed), state=State.SNOOZED)
    return Decision(row=new, kind=EntryKind.ALERT_SNOOZED, reason=said(f"{what} by {actor.name}", command.note))


def snooze_text(until_ms: int | None, occurrences: int | None) -> str:
    """``until 2026-01-31 13:10 UTC or 5 more occurrences``."""
    parts = [f"until {iso(until_ms)[:16].replace('T', ' ')} UTC"] if until_ms is not None else []
    if occurrences is not None:
        parts.append(f"{'until ' if not parts else ''}{occurrences:,} more occurrence{'s' if occurrences != 1 else ''}")
    return " or ".join(parts)


def reopen(row: AlertRow, command: Reopen, actor: Actor, now_ms: int) -> Decision:
    """Takes an acknowledgement, a snooze or a resolution back."""
    _check_decidable(row, command.seen_rev, command.note)
    if row.state is State.OPEN:
        return Decision(row=row, kind=None, reason="already open")
    new = decide(row, By(actor, now_ms, "reopened"), **UNDECIDED, state=State.OPEN)
    return Decision(row=new, kind=EntryKind.ALERT_REOPENED, reason=said(f"reopened by {actor.name}", command.note))


def assign(row: AlertRow, command: Assign, actor: Actor, now_ms: int) -> Decision:
    """Somebody in particular is to look at it."""
    _check_decidable(row, command.seen_rev, command.note)
    to = " ".join(command.to.split()) or None
    check_length("to", to or "", NAME_LIMIT)
    if to is not None and not to.isprintable():
        raise Invalid("to: printable characters only")
    if to == row.assigned_to:
        return Decision(row=row, kind=None, reason=f"already assigned to {to}" if to else "assigned to nobody already")
    what = f"assigned to {to}" if to else "assigned to nobody"
    new = decide(row, By(actor, now_ms, what), assigned_to=to)
    return Decision(row=new, kind=EntryKind.ALERT_ASSIGNED, reason=said(f"{what} by {actor.name}", command.note))


def comment(row: AlertRow, command: Comment, actor: Actor) -> Decision:
    """A line in the timeline."""
    text = command.text.strip()
    if not text:
        raise Invalid("text: a comment says something")
    check_length("text", text, COMMENT_LIMIT)
    new = msgspec.structs.replace(row, comments=row.comments + 1, revision=row.revision + 1)
    return Decision(row=new, kind=EntryKind.ALERT_COMMENTED, reason=f"{actor.name}: {text}")


def undo(row: AlertRow, command: Undo, actor: Actor, now_ms: int) -> Decision:
    """Takes one's own last decision back."""
    _check_seen(row, command.seen_rev)
    last = row.last_decision
    if last is None:
        raise Conflict(f"there is nothing to undo on #{row.alert_id}")
    if (last.by.kind, last.by.id) != (actor.kind, actor.id):
        raise Conflict(f"#{row.alert_id} was {last.what} by {last.by.name}: only they can undo it")
    if now_ms - last.at_ms > UNDO_S * 1000:
        raise Conflict(f"#{row.alert_id} was {last.what} more than {UNDO_S} s ago; decide anew instead")
    before = last.before
    if before.state is State.SNOOZED and _is_over(before, row.count, now_ms):  # it would have woken meanwhile
        before = msgspec.structs.replace(before, **UNDECIDED, state=State.OPEN)
    new = decide(row, None, **msgspec.structs.asdict(before))
    return Decision(row=new, kind=EntryKind.ALERT_UNDONE, reason=f"{actor.name} took back: {last.what}")


def _is_over(snoozed: Standing, count: int, now_ms: int) -> bool:
    until_ms, until_count = snoozed.snoozed_until_ms, snoozed.snoozed_until_count
    return (until_ms is not None and until_ms <= now_ms) or (until_count is not None and until_count <= count)


def merge(row: AlertRow, into: AlertRow, command: Merge, actor: Actor, now_ms: int) -> tuple[Decision, Decision]:
    """The alert becomes part of another: (what becomes of it, what becomes of the other).

    A resolved one that an unresolved one becomes part of is open: what one of them is, both are.
    """
    _check_decidable(row, command.seen_rev, command.note)
    if row.alert_id == into.alert_id:
        raise Invalid(f"into: #{into.alert_id} can't be merged into itself")
    if into.merged_into is not None:
        raise Conflict(f"#{into.alert_id} is part of #{into.merged_into}: merge into that one")
    if row.service != into.service:
        raise Conflict(
            f"#{row.alert_id} is {row.service}'s, #{into.alert_id} is {into.service}'s: that is not one thing"
        )
    gone = msgspec.structs.replace(resolved(row, actor, now_ms, None), merged_into=into.alert_id)
    again = row.unresolved and not into.unresolved
    grown = msgspec.structs.replace(
        decide(into, None, **UNDECIDED, state=State.OPEN) if again else into,
        count=into.count + row.count,
        snoozed_until_count=_shifted(into, row.count),
        heat=into.heat + row.heat,
        first_seen_at_ms=min(into.first_seen_at_ms, row.first_seen_at_ms),
        last_seen_at_ms=max(into.last_seen_at_ms, row.last_seen_at_ms),
        severity=max(into.severity, row.severity, key=lambda severity: severity.rank),
        parts=(*(part for part in into.parts if part != row.alert_id), row.alert_id)[-PARTS_LIMIT:],
        revision=into.revision + 1,
    )
    there = said(f"merged into #{into.alert_id} by {actor.name}", command.note)
    here = said(f"#{row.alert_id} merged into this by {actor.name}, ×{row.count:,}", command.note)
    return (
        Decision(row=gone, kind=EntryKind.ALERT_MERGED, reason=there),
        Decision(row=grown, kind=EntryKind.ALERT_MERGED, reason=here),
    )


def _shifted(row: AlertRow, by: int) -> int | None:
    """The count that a snooze waits for, when the alert counts so many more that did not happen just now."""
    return None if row.snoozed_until_count is None else row.snoozed_until_count + by


def split(row: AlertRow, wholes: Sequence[AlertRow], command: Split, actor: Actor) -> list[Decision]:
    """A merged alert is one of its own again: what becomes of it, then of each that it was part of.

    Args:
        row: the part.
        wholes: what it was merged into, what that was merged into, and so on: all of them count its occurrences. None
            where it was deleted meanwhile.
        command: as it was asked.
        actor: by whom.
    """
    _check_seen(row, command.seen_rev)
    check_length("note", command.note, NOTE_LIMIT)
    back = decide(row, None, **UNDECIDED, state=State.OPEN, merged_into=None)
    here = said(f"split off #{row.merged_into} by {actor.name}", command.note)
    there = said(f"#{row.alert_id} split off by {actor.name}, ×{row.count:,}", command.note)
    return [
        Decision(row=back, kind=EntryKind.ALERT_SPLIT, reason=here),
        *(Decision(row=_without(whole, row), kind=EntryKind.ALERT_SPLIT, reason=there) for whole in wholes),
    ]


def _without(whole: AlertRow, part: AlertRow) -> AlertRow:
    count = max(1, whole.count - part.count)
    return msgspec.structs.replace(
        whole,
        count=count,
        snoozed_until_count=_shifted(whole, count - whole.count),
        uncounted=whole.uncounted + part.count,
        parts=tuple(one for one in whole.parts if one != part.alert_id),
        revision=whole.revision + 1,
    )


def _check_decidable(row: AlertRow, seen_rev: int | None, note: str) -> None:
    _check_seen(row, seen_rev)
    check_length("note", note, NOTE_LIMIT)
    if row.merged_into is not None:
        raise Conflict(f"#{row.alert_id} is part of #{row.merged_into}: decide on that one, or split it off")


def _check_snooze(command: Snooze, now_ms: int) -> None:
    if command.until_ms is None and command.occurrences is None:
        raise Invalid("until_ms: a snooze ends at a time, or after more occurrences")
    if command.until_ms is not None and not now_ms < command.until_ms <= now_ms + SNOOZE_LIMIT_MS:
        raise Invalid(f"until_ms: {command.until_ms} is not within the next {span_text(SNOOZE_LIMIT_MS)}")
    if command.occurrences is not None and not 1 <= command.occurrences <= SNOOZE_OCCURRENCES:
        raise Invalid(f"occurrences: {command.occurrences:,} is out of bounds; 1 to {SNOOZE_OCCURRENCES:,}")


def _check_seen(row: AlertRow, seen_rev: int | None) -> None:
    if seen_rev is not None and seen_rev != row.decision_rev:
        raise Conflict(f"somebody was faster: #{row.alert_id} is {decided_text(row)}")
