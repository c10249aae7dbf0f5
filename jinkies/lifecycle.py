"""What happens to an alert, as pure decisions: (what was loaded, command, now) → the new row, and the reason why.

Occurrences, recoveries and the passing of time; what people decide is in ``decisions``, work on GitHub in ``work``.

A decision that changes nothing gives the same row back with the reason; a refusal raises ``Conflict`` or ``Invalid``.
"""

from __future__ import annotations

import math

import msgspec

from jinkies import calling
from jinkies.commands import UNDO_S, ReportOccurrence
from jinkies.errors import Invalid
from jinkies.model import (
    SYSTEM,
    Actor,
    AlertRow,
    EntryKind,
    LastDecision,
    Link,
    LinkKind,
    Standing,
    State,
)

TITLE_LIMIT = 256  # characters of an alert's or a pull request's title (GitHub's own bound)
HEAT_HALF_LIFE_S = 600
UNSILENCED = "the silence is over"


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration decides of an alert's life."""

    auto_resolve_ms: int = 0  # quiet for that long is over; 0 never
    services: dict[str, int] = {}  # the same, of a service that says otherwise

    def quiet_ms(self, service: str) -> int:
        """How long an alert of a service has to be quiet until it is over; 0 never."""
        return self.services.get(service, self.auto_resolve_ms)


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of an alert; ``kind`` is None when nothing changed."""

    row: AlertRow
    kind: EntryKind | None
    reason: str


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What a new alert is made of, besides the occurrence itself."""

    alert_id: int
    environment: str
    title: str
    culprit: str | None
    runbook: str | None
    source: str | None = None  # where the sender shows it


def opened(command: ReportOccurrence, opening: Opening, at_ms: int) -> Decision:
    """A new alert from its first occurrence."""
    wanted = ((LinkKind.RUNBOOK, opening.runbook, "Runbook"), (LinkKind.SOURCE, opening.source, "Source"))
    links = tuple(Link(kind=kind, url=url, label=label) for kind, url, label in wanted if url)
    row = AlertRow(
        alert_id=opening.alert_id,
        state=State.OPEN,
        severity=command.severity,
        service=command.service,
        environment=opening.environment,
        title=opening.title,
        exception_type=command.exception_type,
        request_path=command.request_path,
        culprit=opening.culprit,
        count=1,
        heat=1.0,
        first_seen_at_ms=at_ms,
        last_seen_at_ms=at_ms,
        links=links,
    )
    return Decision(row=row, kind=EntryKind.ALERT_OPENED, reason="opened")


def occurred(row: AlertRow, command: ReportOccurrence, at_ms: int) -> Decision:
    """Another occurrence: counted; a resolved alert comes back, unless this happened before it was resolved.

    What is ongoing is none when nothing began since the last one: its sender only says again that it lasts.
    """
    if command.ongoing and at_ms <= row.last_seen_at_ms:
        return Decision(row=row, kind=None, reason="told again: it lasts since it was last seen")
    counted = msgspec.structs.replace(
        row,
        count=row.count + 1,
        first_seen_at_ms=min(row.first_seen_at_ms, at_ms),
        last_seen_at_ms=max(row.last_seen_at_ms, at_ms),
        heat=_heat(row, at_ms),
        last_decision=_undoable(row.last_decision, at_ms),
        severity=max(row.severity, command.severity, key=lambda severity: severity.rank),
        revision=row.revision + 1,
    )
    woken = row.snoozed_until_count is not None and counted.count >= row.snoozed_until_count
    regressed = row.state is State.RESOLVED and row.merged_into is None and at_ms > (row.resolved_at_ms or 0)
    if regressed or (woken and row.state is State.SNOOZED):
        back = msgspec.structs.replace(
            counted, **UNDECIDED, state=State.OPEN, last_decision=None, decision_rev=row.decision_rev + 1
        )
        if woken:
            reason = f"the snooze is over: happened {counted.count:,} times"
            return Decision(row=back, kind=EntryKind.ALERT_WOKE, reason=reason)
        return Decision(row=back, kind=EntryKind.ALERT_REGRESSED, reason="came back after it was resolved")
    return Decision(row=counted, kind=EntryKind.ALERT_OCCURRED, reason=f"happened again, ×{counted.count}")


def recovered(row: AlertRow, actor: Actor, reason: str, at_ms: int) -> Decision:
    """Its sender says that it is over; what happened after ``at_ms`` says otherwise.

    It is resolved as of ``at_ms``: what began between then and now, and is told later, is no late news.
    """
    if row.state is State.RESOLVED:
        return Decision(row=row, kind=None, reason=f"already {decided_text(row)}")
    if row.last_seen_at_ms > at_ms:
        return Decision(row=row, kind=None, reason="it happened again since")
    new = resolved(row, actor, at_ms, None)
    return Decision(row=new, kind=EntryKind.ALERT_RESOLVED, reason=said(f"recovered, says {actor.name}", reason))


def noted(row: AlertRow, reason: str) -> Decision:
    """Its sender says something that decides nothing; a line in the timeline."""
    new = msgspec.structs.replace(row, revision=row.revision + 1)
    return Decision(row=new, kind=EntryKind.ALERT_NOTED, reason=reason)


def due(row: AlertRow, policy: Policy, now_ms: int, *, silenced: bool) -> Decision:
    """What time alone decides of an alert; ``silenced`` says whether the silence that holds it still runs."""
    if row.silenced_by is not None and not silenced:
        new = msgspec.structs.replace(row, silenced_by=None, silenced_until_ms=None, revision=row.revision + 1)
        return Decision(row=new, kind=EntryKind.ALERT_UNSILENCED, reason=UNSILENCED)
    if row.state is State.SNOOZED and row.snoozed_until_ms is not None and row.snoozed_until_ms <= now_ms:
        new = decide(row, None, **UNDECIDED, state=State.OPEN)
        return Decision(row=new, kind=EntryKind.ALERT_WOKE, reason="the snooze is over")
    quiet_ms = policy.quiet_ms(row.service)
    if quiet_ms and row.unresolved and row.state is not State.SNOOZED and row.last_seen_at_ms + quiet_ms <= now_ms:
        new = resolved(row, SYSTEM, now_ms, None)
        reason = f"resolved by itself: quiet for {span_text(quiet_ms)}"
        return Decision(row=new, kind=EntryKind.ALERT_RESOLVED, reason=reason)
    escalates_at_ms = calling.escalates_at_ms(row)
    if row.calling is not None and escalates_at_ms is not None and escalates_at_ms <= now_ms:
        reason = f"escalated: nobody acknowledged it in {span_text(row.calling.escalate_after_ms)}"
        return Decision(row=calling.escalated(row, row.calling), kind=EntryKind.ALERT_ESCALATED, reason=reason)
    return Decision(row=row, kind=None, reason="not due")


def due_at_ms(row: AlertRow, policy: Policy) -> int | None:
    """When ``due`` has something to decide, or None."""
    quiet_ms = policy.quiet_ms(row.service)
    quiet_at_ms = row.last_seen_at_ms + quiet_ms if quiet_ms and row.unresolved else None
    state_at_ms = row.snoozed_until_ms if row.state is State.SNOOZED else quiet_at_ms
    times = (state_at_ms, row.silenced_until_ms, calling.escalates_at_ms(row))
    return min((at_ms for at_ms in times if at_ms is not None), default=None)


def span_text(span_ms: int) -> str:
    """``90 min``, ``2 h``, ``7 d``: whole units, the largest that fits."""
    for unit_ms, unit in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min")):
        if span_ms >= unit_ms and span_ms % unit_ms == 0:
            return f"{span_ms // unit_ms:,} {unit}"
    return f"{span_ms // 1000:,} s"


AWAKE: dict[str, None] = {"snoozed_by": None, "snoozed_until_ms": None, "snoozed_until_count": None}
UNDECIDED: dict[str, None] = AWAKE | {
    "acknowledged_by": None,
    "acknowledged_at_ms": None,
    "resolved_by": None,
    "resolved_at_ms": None,
}


class By(msgspec.Struct, frozen=True):
    """Whose decision it is; None where nobody's can be taken back."""

    actor: Actor
    at_ms: int
    what: str


def decide(row: AlertRow, by: By | None, **changes: object) -> AlertRow:
    """The row after a decision: with its changes, its revisions moved, and what an undo puts back."""
    last = None
    if by is not None:
        before = Standing(**{name: getattr(row, name) for name in Standing.__struct_fields__})
        last = LastDecision(by=by.actor, at_ms=by.at_ms, what=by.what, before=before)
    return msgspec.structs.replace(
        row, **changes, last_decision=last, revision=row.revision + 1, decision_rev=row.decision_rev + 1
    )


def resolved(row: AlertRow, actor: Actor, now_ms: int, by: By | None) -> AlertRow:
    """The row once it is over."""
    return decide(row, by, **AWAKE, state=State.RESOLVED, resolved_by=actor, resolved_at_ms=now_ms)


def _undoable(last: LastDecision | None, at_ms: int) -> LastDecision | None:
    """Not carried along once it can't be undone any more."""
    return last if last is not None and at_ms - last.at_ms <= UNDO_S * 1000 else None


def _heat(row: AlertRow, at_ms: int) -> float:
    """Halved by time, one more; what comes out of order cools by its age."""
    apart = math.pow(0.5, abs(at_ms - row.last_seen_at_ms) / 1000 / HEAT_HALF_LIFE_S)
    return row.heat * apart + 1 if at_ms >= row.last_seen_at_ms else row.heat + apart


def check_length(field: str, text: str, limit: int) -> None:
    """Raise ``Invalid``, naming the field, for a text of more than ``limit`` characters."""
    if len(text) > limit:
        raise Invalid(f"{field}: {len(text):,} characters; at most {limit:,}")


def decided_text(row: AlertRow) -> str:
    """The state in words, with whose decision it was."""
    by = {State.ACKNOWLEDGED: row.acknowledged_by, State.SNOOZED: row.snoozed_by, State.RESOLVED: row.resolved_by}
    actor = by.get(row.state)
    return f"{row.state.value} by {actor.name}" if actor is not None else row.state.value


def said(text: str, note: str) -> str:
    """What was done, with the note that somebody left."""
    return f"{text}: {note.strip()}" if note.strip() else text
