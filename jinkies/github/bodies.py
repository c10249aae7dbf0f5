"""What Jinkies writes on GitHub, as pure functions of an alert: branch, incident's file, pull request, issue.

Names and markers carry the alert's id and eight characters of the database's epoch, so that a new database never
takes an old branch or file for its own. All text from outside goes through ``jinkies.github.markdown``.
"""

from __future__ import annotations

from jinkies.clock import iso
from jinkies.github.markdown import address, block, clean, code, one_line, prose, unlinked
from jinkies.model import AlertDetail, AlertRow, Delivery, DeliveryState, LogLine, Occurrence, What
from jinkies.work import default_issue_title, default_pull_request_title

BODY_LIMIT = 65_536  # characters of a pull request's or an issue's body (GitHub's limit)
FILE_LIMIT = 200_000  # characters of an incident's file; the contents API returns files up to 1 MB
TITLE_LIMIT = 256  # characters of a pull request's or an issue's title (GitHub's limit)
LABEL_LIMIT = 50  # characters of a label (GitHub's limit)
_HEADING_LIMIT = 1_000  # characters of the alert's title once escaped
_NOTES_LIMIT = 15_000  # characters of the notes once escaped
_TABLE_LIMIT = 20_000  # characters of the context table
_TIMELINE_LIMIT = 40_000  # characters of the timeline
_CELL_LIMIT = 500  # characters of a value in the table


def incident_path(alert_id: int) -> str:
    """Where the file goes in the repository."""
    return f"incidents/{alert_id}.md"


def other_incident_path(alert_id: int, epoch: str) -> str:
    """Where it goes when an alert of another database has the first path already."""
    return f"incidents/{alert_id}-{epoch[:8]}.md"


def branch_name(alert_id: int, epoch: str) -> str:
    """``jinkies/alert-42-1a2b3c4d``."""
    return f"jinkies/alert-{alert_id}-{epoch[:8]}"


def marker(alert_id: int, epoch: str) -> str:
    """The comment that says which alert of which database a text belongs to."""
    return f"<!-- jinkies alert={alert_id} epoch={epoch[:8]} -->"


def commit_message(alert_id: int, epoch: str) -> str:
    """No text from outside: a commit message can close issues, skip CI and name co-authors."""
    return f"Add the incident report of alert {alert_id}\n\nJinkies-Alert: {alert_id}-{epoch[:8]}\n"


def pull_request_title(row: AlertRow) -> str:
    """What was asked for, else one made from the alert; one line, at most ``TITLE_LIMIT`` characters, links nothing."""
    asked = row.pull_request.title if row.pull_request is not None else ""
    return _title(asked or default_pull_request_title(row), row)


def issue_title(row: AlertRow) -> str:
    """As ``pull_request_title``, for the issue."""
    asked = row.issue.title if row.issue is not None else ""
    return _title(asked or default_issue_title(row), row)


def _title(text: str, row: AlertRow) -> str:
    line = unlinked(one_line(text, TITLE_LIMIT)) or f"Incident of alert {row.alert_id}"
    return line if len(line) <= TITLE_LIMIT else line[: TITLE_LIMIT - 1] + "…"


def issue_marker(row: AlertRow, epoch: str) -> str:
    """What its body begins with: the alert, and the moment it was asked for, which nobody else can know before."""
    asked_ms = row.issue.requested_at_ms if row.issue is not None else 0
    return f"<!-- jinkies alert={row.alert_id} epoch={epoch[:8]} asked={asked_ms} -->"


def issue_labels(row: AlertRow, wanted: tuple[str, ...]) -> list[str]:
    """The configured labels, filled in; each at most ``LABEL_LIMIT`` characters, none twice."""
    filled = {"{service}": row.service, "{severity}": row.severity.value, "{environment}": row.environment}
    found: dict[str, None] = {}
    for label in wanted:
        text = label
        for name, value in filled.items():
            text = text.replace(name, value)
        if text := one_line(text.replace(",", " "), LABEL_LIMIT)[:LABEL_LIMIT].strip():
            found.setdefault(text)
    return list(found)


def issue_body(detail: AlertDetail, epoch: str, *, guild_id: str | None) -> str:
    """The body, at most ``BODY_LIMIT`` characters, cut inside the stack trace.

    ``guild_id`` is the Discord server's, for a link to the alert's card there; None: no link.
    """
    row = detail.row
    title = f"**{prose(one_line(row.title, TITLE_LIMIT), _HEADING_LIMIT)}**"
    notes = _notes(row.issue.notes if row.issue is not None else "")
    head = [issue_marker(row, epoch), title, _seen(row), notes, _context_table(detail, _card_address(detail, guild_id))]
    foot = f"Opened by Jinkies for {code(row.issue.requested_by.name, 100)}." if row.issue is not None else ""
    return _assembled(head, detail, [foot], BODY_LIMIT)


def _card_address(detail: AlertDetail, guild_id: str | None) -> str:
    """Of the alert's newest card that stands in Discord; "" for none."""
    posted = [one for one in detail.deliveries if _stands(one)]
    if not posted or not guild_id:
        return ""
    newest = max(posted, key=lambda one: one.changed_at_ms)
    return f"https://discord.com/channels/{guild_id}/{newest.channel_id}/{newest.message_id}"


def _stands(delivery: Delivery) -> bool:
    return delivery.what is What.CARD and delivery.state is DeliveryState.POSTED and delivery.message_id is not None


def incident_markdown(detail: AlertDetail, epoch: str) -> str:
    """The incident's file: context, stack trace, log excerpt and timeline; at most ``FILE_LIMIT`` characters."""
    row = detail.row
    title = f"# {prose(one_line(row.title, TITLE_LIMIT), _HEADING_LIMIT)}"
    head = [marker(row.alert_id, epoch), title, _seen(row), _notes(_pull_request_notes(row)), _context_table(detail)]
    return _assembled(head, detail, [_timeline(detail)], FILE_LIMIT)


def pull_request_body(detail: AlertDetail, epoch: str, path: str) -> str:
    """The body, at most ``BODY_LIMIT`` characters, cut inside the stack trace; ``path`` is where the file went."""
    row = detail.row
    title = f"**{prose(one_line(row.title, TITLE_LIMIT), _HEADING_LIMIT)}**"
    head = [marker(row.alert_id, epoch), title, _seen(row), _notes(_pull_request_notes(row)), _context_table(detail)]
    foot = f"The whole context is in {code(path, 100)}; push the fix to this branch."
    if row.pull_request is not None:
        foot += f" Opened by Jinkies for {code(row.pull_request.requested_by.name, 100)}."
    return _assembled(head, detail, [foot], BODY_LIMIT)


def _assembled(head: list[str], detail: AlertDetail, tail: list[str], limit: int) -> str:
    """Sections with blank lines between; the logs get a quarter of ``limit`` at most, the stack what is left."""
    logs, stack = _log_text(detail.latest.related_logs), detail.latest.stack_trace or ""
    log_part = f"## Logs around it\n\n{block(logs, limit // 4)}" if clean(logs).strip() else ""
    outer = sum(len(part) + 2 for part in (*head, log_part, *tail))
    heading = "## Stack trace\n\n"
    stack_part = heading + block(stack, limit - outer - len(heading) - 2) if clean(stack).strip() else ""
    return "\n\n".join(part for part in (*head, stack_part, log_part, *tail) if part) + "\n"


def _seen(row: AlertRow) -> str:
    times = "once" if row.count == 1 else f"{row.count:,} times"
    span = f"at {iso(row.first_seen_at_ms)}" if row.count == 1 else _span(row)
    return f"Seen {times} in {code(row.service, 100)} ({code(row.environment, 100)}), {span}."


def _span(row: AlertRow) -> str:
    return f"first at {iso(row.first_seen_at_ms)}, last at {iso(row.last_seen_at_ms)}"


def _pull_request_notes(row: AlertRow) -> str:
    return row.pull_request.notes if row.pull_request is not None else ""


def _notes(notes: str) -> str:
    text = prose(notes, _NOTES_LIMIT)
    return "## Notes\n\n" + text if text else ""


def _context_table(detail: AlertDetail, card: str = "") -> str:
    rows = [(name, code(value, _CELL_LIMIT)) for name, value in _facts(detail.row, detail.latest)]
    rows += [(link.kind.value.replace("_", " ").capitalize(), address(link.url)) for link in detail.row.links]
    rows += [("In Discord", address(card))] if card else []
    rows += [(code(key, 100), code(value, _CELL_LIMIT)) for key, value in _context(detail.latest.context)]
    lines = [f"| {name} | {value} |" for name, value in rows if name and value]
    kept = _within(lines, _TABLE_LIMIT)
    if len(kept) < len(lines):
        kept.append(f"| … | {len(lines) - len(kept):,} more left out |")
    return "\n".join(("## Context", "", "| | |", "|---|---|", *kept))


def _within(lines: list[str], limit: int) -> list[str]:
    """The first lines that fit into ``limit`` characters."""
    kept: list[str] = []
    for line in lines:
        limit -= len(line) + 1
        if limit < 0:
            break
        kept.append(line)
    return kept


def _facts(row: AlertRow, latest: Occurrence) -> list[tuple[str, str]]:
    return [
        ("Alert", str(row.alert_id)),
        ("State", row.state.value),
        ("Severity", row.severity.value),
        ("Service", row.service),
        ("Environment", row.environment),
        ("Exception", row.exception_type or ""),
        ("Message", latest.message),
        ("Where", row.culprit or ""),
        ("Request", latest.request_path or ""),
        ("Instance", latest.instance_id or ""),
        ("Commit", latest.commit_sha or ""),
        ("Acknowledged by", row.acknowledged_by.name if row.acknowledged_by else ""),
    ]


def _context(context: dict[str, str]) -> list[tuple[str, str]]:
    """Additional context with values redacted by what their keys say too."""
    found = []
    for key, value in sorted(context.items()):
        pair = clean(f"{key}={value}")
        found.append((key, pair.removeprefix(f"{key}=") if pair.startswith(f"{key}=") else clean(value)))
    return found


def _log_text(lines: tuple[LogLine, ...]) -> str:
    return "\n".join(line.message if line.at_ms is None else f"{iso(line.at_ms)} {line.message}" for line in lines)


def _timeline(detail: AlertDetail) -> str:
    newest_first = [f"- {iso(entry.at_ms)} {code(entry.text, 300)}" for entry in reversed(detail.timeline)]
    kept = _within(newest_first, _TIMELINE_LIMIT)
    return "\n".join(("## Timeline", "", *reversed(kept))) if kept else ""
