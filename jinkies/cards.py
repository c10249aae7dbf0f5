"""One neutral presentation of an alert that every frontend renders: what Discord shows, the console shows.

Pure: no markup of any frontend. Text is data; frontends escape it for where they put it.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from jinkies.clock import iso
from jinkies.model import AlertDetail, AlertRow, Digest, Issue, Link, PullRequest, Severity, State, WorkState
from jinkies.words import number_of


class CardAction(StrEnum):
    """What can be done from a card."""

    ACKNOWLEDGE = "ack"
    SNOOZE = "snooze"  # with one of ``SNOOZES``
    RESOLVE = "resolve"
    REOPEN = "reopen"
    CREATE_PULL_REQUEST = "pr"
    CREATE_ISSUE = "issue"
    SILENCE = "silence"  # asks for how long, and why
    LOGS = "logs"  # shows the lines around it; decides nothing


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """A button, or a key in the footer."""

    action: CardAction
    label: str
    enabled: bool


class SnoozeChoice(msgspec.Struct, frozen=True, kw_only=True):
    """How long a snooze may last, as a card offers it: a time, or so many more occurrences."""

    value: str  # "2h", "x10"
    label: str
    span_ms: int | None = None
    occurrences: int | None = None


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A named fact."""

    name: str
    value: str
    url: str | None = None
    note: str = ""  # stands beside the value: "merged"


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What an alert looks like, everywhere."""

    alert_id: int
    revision: int
    title: str
    mark: str  # one character beside the colour: ▲ critical, ■ error, ● warning, · info
    severity: Severity
    state: State
    status: str  # "open", "acknowledged by ops-a", …
    colour: int  # 0xRRGGBB
    summary: str  # "api · production · ×37"
    fields: tuple[Field, ...]
    stack: str = ""  # whole; renderers cut its middle to fit
    logs: str = ""  # lines around it
    actions: tuple[Action, ...] = ()


SNOOZES = (
    SnoozeChoice(value="30m", label="For 30 minutes", span_ms=1_800_000),
    SnoozeChoice(value="2h", label="For 2 hours", span_ms=7_200_000),
    SnoozeChoice(value="8h", label="For 8 hours", span_ms=28_800_000),
    SnoozeChoice(value="1d", label="For a day", span_ms=86_400_000),
    SnoozeChoice(value="7d", label="For a week", span_ms=604_800_000),
    SnoozeChoice(value="x10", label="Until it happened 10 more times", occurrences=10),
    SnoozeChoice(value="x100", label="Until it happened 100 more times", occurrences=100),
)
CARD_TAGS = 8  # of an occurrence's

MARKS = {Severity.CRITICAL: "▲", Severity.ERROR: "■", Severity.WARNING: "●", Severity.INFO: "·"}
SEVERITY_COLOURS = {
    Severity.CRITICAL: 0xE5484D,
    Severity.ERROR: 0xF76B15,
    Severity.WARNING: 0xFFC53D,
    Severity.INFO: 0x3E63DD,
}
_ACKNOWLEDGED_COLOUR = 0x8B8D98
_RESOLVED_COLOUR = 0x30A46C


def status_text(row: AlertRow) -> str:
    """The state in words, with who and through which door."""
    if row.state is State.ACKNOWLEDGED and row.acknowledged_by is not None:
        return f"acknowledged by {row.acknowledged_by.name}"
    if row.state is State.RESOLVED and row.resolved_by is not None:
        return f"resolved by {row.resolved_by.name}" if row.merged_into is None else f"part of #{row.merged_into}"
    if row.silenced_by is not None and row.state is State.OPEN:
        return f"open, silenced until {_minute(row.silenced_until_ms or 0)}"
    if row.state is State.SNOOZED and row.snoozed_by is not None:
        return f"snoozed by {row.snoozed_by.name} until {_snooze_end(row)}"
    return row.state.value


def _snooze_end(row: AlertRow) -> str:
    ends = [_minute(row.snoozed_until_ms)] if row.snoozed_until_ms is not None else []
    return " or ".join([*ends, *([f"×{row.snoozed_until_count:,}"] if row.snoozed_until_count is not None else [])])


def _minute(at_ms: int) -> str:
    return f"{iso(at_ms)[:16].replace('T', ' ')} UTC"


def colour(row: AlertRow) -> int:
    """0xRRGGBB: the severity's while open, calmer once somebody acted."""
    if row.state is State.RESOLVED:
        return _RESOLVED_COLOUR
    if row.state in (State.ACKNOWLEDGED, State.SNOOZED):
        return _ACKNOWLEDGED_COLOUR
    return SEVERITY_COLOURS[row.severity]


def digest_title(digest: Digest) -> str:
    """``37 more alerts in 3 min``; of what is told late, ``37 alerts in 3 min while Discord could not be reached``."""
    seconds = -(-(digest.until_ms - digest.since_ms) // 1000)
    span = f"{-(-seconds // 60)} min" if seconds >= 60 else f"{max(seconds, 1)} s"
    if digest.late:
        return f"{number_of(digest.count, 'alert')} in {span} while Discord could not be reached"
    return f"{number_of(digest.count, 'more alert')} in {span}"


def digest_services(digest: Digest) -> str:
    """``api 21, worker 16``: the most first."""
    named = sorted(digest.services.items(), key=lambda item: (not item[0], -item[1], item[0]))
    return ", ".join(f"{name[:60] or 'others'} {count:,}" for name, count in named)


def actions(row: AlertRow) -> tuple[Action, ...]:
    """What can be done now, in the order of the buttons."""
    logs = _can(CardAction.LOGS, "Logs")
    pull_request = _work(CardAction.CREATE_PULL_REQUEST, row.pull_request, "PR", "Create PR")
    issue = _work(CardAction.CREATE_ISSUE, row.issue, "Issue", "Create issue")
    if row.state is State.RESOLVED:
        return (_can(CardAction.REOPEN, "Reopen"), logs, pull_request, issue)
    if row.state is State.ACKNOWLEDGED:
        first = Action(action=CardAction.ACKNOWLEDGE, label="Acknowledged ✓", enabled=False)
    else:
        first = _can(CardAction.ACKNOWLEDGE, "Acknowledge")
    snooze = _can(CardAction.SNOOZE, "Snooze again" if row.state is State.SNOOZED else "Snooze")
    silence = _can(CardAction.SILENCE, "Silence")
    return (first, _can(CardAction.RESOLVE, "Resolve"), snooze, silence, logs, pull_request, issue)


def _can(action: CardAction, label: str) -> Action:
    return Action(action=action, label=label, enabled=True)


def _work(action: CardAction, work: PullRequest | Issue | None, name: str, verb: str) -> Action:
    opened = work is not None and work.stands
    asked = work is not None and work.state is WorkState.REQUESTED
    label = f"{name} opened ✓" if opened else f"{name} requested…" if asked else verb
    return Action(action=action, label=label, enabled=not opened and not asked)


def card(detail: AlertDetail) -> Card:
    """The card of an alert."""
    row, latest = detail.row, detail.latest
    return Card(
        alert_id=row.alert_id,
        revision=row.revision,
        title=row.title,
        mark=MARKS[row.severity],
        severity=row.severity,
        state=row.state,
        status=status_text(row),
        colour=colour(row),
        summary=f"{row.service} · {row.environment} · ×{row.count}",
        fields=tuple(_fields(detail)),
        stack=latest.stack_trace or "",
        logs="\n".join(line.message for line in latest.related_logs),
        actions=actions(row),
    )


def cut_text(secrets: int) -> str:
    """``3 secrets cut``; "" for none."""
    return f"{secrets:,} secret{'s' if secrets != 1 else ''} cut" if secrets else ""


def _acknowledged_before(row: AlertRow) -> str:
    """Who was on it, of what is over; before, the state says so."""
    by = row.acknowledged_by
    return by.name if by is not None and row.state is State.RESOLVED and row.merged_into is None else ""


def _link_note(row: AlertRow, link: Link) -> str:
    """How work on GitHub stands there; "" for other links, and while nobody knows."""
    works = (work for work in (row.pull_request, row.issue) if work is not None and work.url == link.url)
    return next((work.on_github.text for work in works if work.on_github is not None), "")


def _fields(detail: AlertDetail) -> list[Field]:
    row, latest = detail.row, detail.latest
    found = [
        ("Message", "" if latest.message.strip() in row.title else latest.message),
        ("Request", latest.request_path or ""),
        ("Where", row.culprit or ""),
        ("Instance", latest.instance_id or ""),
        ("Assigned to", row.assigned_to or ""),
        ("Acknowledged by", _acknowledged_before(row)),
        ("Release", latest.release or ""),
        ("Tags", " · ".join(f"{name}={value}" for name, value in list(latest.tags.items())[:CARD_TAGS])),
        ("Commit", (latest.commit_sha or "")[:12]),
        ("Redacted", cut_text(latest.redacted)),
    ]
    fields = [Field(name=name, value=value) for name, value in found if value]
    fields.extend(
        Field(name=link.label, value=link.url, url=link.url, note=_link_note(row, link)) for link in row.links
    )
    if row.pull_request is not None and row.pull_request.state is WorkState.FAILED:
        fields.append(Field(name="Pull request failed", value=row.pull_request.error or "unknown reason"))
    if row.issue is not None and row.issue.state is WorkState.FAILED:
        fields.append(Field(name="Issue failed", value=row.issue.error or "unknown reason"))
    return fields
