"""The life of an alert as pure decisions: (what was loaded, command, now) → the new row, and the reason why.

A decision that changes nothing gives the same row back with the reason; a refusal raises ``Conflict`` or ``Invalid``.
"""

from __future__ import annotations

import msgspec

from jinkies.commands import CreatePullRequest, RecordPullRequest, ReportOccurrence
from jinkies.errors import Conflict, Invalid
from jinkies.model import (
    Actor,
    AlertRow,
    EntryKind,
    Link,
    LinkKind,
    PullRequest,
    State,
    WorkState,
)

NOTES_LIMIT = 10_000  # characters of a pull request's notes
TITLE_LIMIT = 256  # characters of an alert's or a pull request's title (GitHub's own bound)
NOTE_LIMIT = 1_000  # characters of a note on a decision


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
        severity=max(row.severity, command.severity, key=lambda severity: severity.rank),
        revision=row.revision + 1,
    )
    if row.state is State.RESOLVED and at_ms > (row.resolved_at_ms or 0):
        back = msgspec.structs.replace(counted, **_UNDECIDED, state=State.OPEN, decision_rev=row.decision_rev + 1)
        return Decision(row=back, kind=EntryKind.ALERT_REGRESSED, reason="came back after it was resolved")
    return Decision(row=counted, kind=EntryKind.ALERT_OCCURRED, reason=f"happened again, ×{counted.count}")


def acknowledge(row: AlertRow, actor: Actor, seen_rev: int | None, note: str, now_ms: int) -> Decision:
    """Somebody is on it."""
    _check_seen(row, seen_rev)
    _check_note(note)
    if row.state is State.ACKNOWLEDGED:
        return Decision(row=row, kind=None, reason=f"already {_decided(row)}")
    if row.state is State.RESOLVED:
        raise Conflict(f"#{row.alert_id} is {_decided(row)}; reopen it first")
    new = _decide(row, state=State.ACKNOWLEDGED, acknowledged_by=actor, acknowledged_at_ms=now_ms)
    return Decision(row=new, kind=EntryKind.ALERT_ACKNOWLEDGED, reason=_said(f"acknowledged by {actor.name}", note))


def resolve(row: AlertRow, actor: Actor, seen_rev: int | None, note: str, now_ms: int) -> Decision:
    """It is over."""
    _check_seen(row, seen_rev)
    _check_note(note)
    if row.state is State.RESOLVED:
        return Decision(row=row, kind=None, reason=f"already {_decided(row)}")
    new = _decide(row, state=State.RESOLVED, resolved_by=actor, resolved_at_ms=now_ms)
    return Decision(row=new, kind=EntryKind.ALERT_RESOLVED, reason=_said(f"resolved by {actor.name}", note))


def recovered(row: AlertRow, actor: Actor, reason: str, at_ms: int) -> Decision:
    """Its sender says that it is over; what happened after ``at_ms`` says otherwise.

    It is resolved as of ``at_ms``: what began between then and now, and is told later, is no late news.
    """
    if row.state is State.RESOLVED:
        return Decision(row=row, kind=None, reason=f"already {_decided(row)}")
    if row.last_seen_at_ms > at_ms:
        return Decision(row=row, kind=None, reason="it happened again since")
    new = _decide(row, state=State.RESOLVED, resolved_by=actor, resolved_at_ms=at_ms)
    return Decision(row=new, kind=EntryKind.ALERT_RESOLVED, reason=_said(f"recovered, says {actor.name}", reason))


def reopen(row: AlertRow, actor: Actor, seen_rev: int | None, note: str) -> Decision:
    """Takes an acknowledgement or a resolution back."""
    _check_seen(row, seen_rev)
    _check_note(note)
    if row.state is State.OPEN:
        return Decision(row=row, kind=None, reason="already open")
    new = _decide(row, **_UNDECIDED, state=State.OPEN)
    return Decision(row=new, kind=EntryKind.ALERT_REOPENED, reason=_said(f"reopened by {actor.name}", note))


def request_pull_request(row: AlertRow, command: CreatePullRequest, actor: Actor) -> Decision:
    """Record the intent of a draft pull request; one that is asked for or there stays the one."""
    _check_length("title", command.title, TITLE_LIMIT)
    _check_length("notes", command.notes, NOTES_LIMIT)
    _check_length("base_branch", command.base_branch or "", 255)
    held = row.pull_request
    if held is not None and held.state is WorkState.DONE:
        return Decision(row=row, kind=None, reason=f"already there: {held.url}")
    if held is not None and held.state is WorkState.REQUESTED:
        return Decision(row=row, kind=None, reason=f"already asked for by {held.requested_by.name}")
    wanted = PullRequest(
        state=WorkState.REQUESTED,
        title=command.title.strip() or default_pull_request_title(row),
        base_branch=command.base_branch or None,
        notes=command.notes,
        requested_by=actor,
    )
    new = msgspec.structs.replace(row, pull_request=wanted, revision=row.revision + 1)
    reason = f"draft pull request asked for by {actor.name}"
    return Decision(row=new, kind=EntryKind.PULL_REQUEST_REQUESTED, reason=reason)


def record_pull_request(row: AlertRow, command: RecordPullRequest) -> Decision:
    """What became of it."""
    held = row.pull_request
    if held is None:
        raise Invalid(f"#{row.alert_id} has no pull request asked for")
    if command.error is not None:
        failed = msgspec.structs.replace(held, state=WorkState.FAILED, error=command.error)
        new = msgspec.structs.replace(row, pull_request=failed, revision=row.revision + 1)
        return Decision(row=new, kind=EntryKind.PULL_REQUEST_FAILED, reason=f"pull request failed: {command.error}")
    if command.url is None or command.number is None:
        raise Invalid("url: a pull request that was opened has a number and a url")
    if held.url == command.url and held.state is WorkState.DONE:
        return Decision(row=row, kind=None, reason="already recorded")
    done = msgspec.structs.replace(held, state=WorkState.DONE, number=command.number, url=command.url, error=None)
    link = Link(kind=LinkKind.PULL_REQUEST, url=command.url, label=f"PR #{command.number}")
    links = (*(one for one in row.links if one.kind is not LinkKind.PULL_REQUEST), link)
    new = msgspec.structs.replace(row, pull_request=done, links=links, revision=row.revision + 1)
    return Decision(row=new, kind=EntryKind.PULL_REQUEST_OPENED, reason=f"draft PR #{command.number} opened")


def default_pull_request_title(row: AlertRow) -> str:
    """What a draft is called when nobody said: "Fix KeyError: order_id in api"."""
    return f"Fix {row.title} in {row.service}"[:TITLE_LIMIT]


_UNDECIDED: dict[str, None] = {
    "acknowledged_by": None,
    "acknowledged_at_ms": None,
    "resolved_by": None,
    "resolved_at_ms": None,
}


def _decide(row: AlertRow, **changes: object) -> AlertRow:
    return msgspec.structs.replace(row, **changes, revision=row.revision + 1, decision_rev=row.decision_rev + 1)


def _check_seen(row: AlertRow, seen_rev: int | None) -> None:
    if seen_rev is not None and seen_rev != row.decision_rev:
        raise Conflict(f"somebody was faster: #{row.alert_id} is {_decided(row)}")


def _check_note(note: str) -> None:
    _check_length("note", note, NOTE_LIMIT)


def _check_length(field: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise Invalid(f"{field}: {len(text):,} characters; at most {limit:,}")


def _decided(row: AlertRow) -> str:
    by = row.resolved_by if row.state is State.RESOLVED else row.acknowledged_by
    return f"{row.state.value} by {by.name}" if by is not None and row.state is not State.OPEN else row.state.value


def _said(text: str, note: str) -> str:
    return f"{text}: {note.strip()}" if note.strip() else text
