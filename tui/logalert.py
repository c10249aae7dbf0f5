"""A log line as a person makes an alert of it: what is reported, and which alert has it already. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jinkies.commands import ReportOccurrence
from jinkies.config import Config
from jinkies.model import AlertRow, Level, LogLine, Occurrence, Severity
from jinkies.reading.templates import template_of
from jinkies.reading.traces import Raised, parse
from tui.logring import Held, LogRing

BEFORE, AFTER = 20, 10  # lines of the same stream
LOOKED_AT = 2_000  # lines on either side that these are looked for in
LINE_CHARS = 4_000
_TELLING_CHARS = 30  # of a title
_SEVERITY = {
    Level.DEBUG: Severity.INFO,
    Level.INFO: Severity.INFO,
    Level.WARNING: Severity.WARNING,
    Level.CRITICAL: Severity.CRITICAL,
}


def service_of(config: Config, targets: Iterable[str], group: str) -> str:
    """The service that a log group belongs to, the followed ones first; else the last part of the group's name."""
    for name in (*targets, *config.services):
        service = config.services.get(name)
        if service is not None and any(known.rpartition(":log-group:")[2] == group for known in service.log_groups):
            return name
    return group.rstrip("/").rpartition("/")[2]


def report(service: str, entry: Sequence[Held], around: Iterable[Held]) -> ReportOccurrence:
    """What an entry says happened, as a watch would report it; ``around`` are the lines to keep with it, in order."""
    head, raised = entry[0], parsed(entry)
    level = max((held.level for held in entry), key=lambda one: one.rank)
    context = {"log_group": head.log_group, "log_stream": head.log_stream, "logged": raised.said}
    return ReportOccurrence(
        service=service,
        message=raised.message,
        exception_type=raised.exception_type,
        stack_trace=raised.stack_trace,
        related_logs=tuple(map(_line, around)),
        request_path=raised.request_path,
        instance_id=raised.instance_id,
        commit_sha=raised.commit_sha,
        severity=_SEVERITY.get(level, Severity.ERROR),
        context={name: text for name, text in context.items() if text},
        occurred_at_ms=head.at_ms,
    )


def parsed(entry: Sequence[Held]) -> Raised:
    """What an entry says happened."""
    return parse("\n".join(held.text.rstrip("\n") for held in entry))


def around(ring: LogRing, entry: Sequence[Held]) -> list[Held]:
    """Lines of the entry's stream around its first one, that one among them, as far as they are held."""
    head, last = entry[0], entry[-1].seq
    before = _of_stream(ring, head, range(head.seq - 1, max(ring.first, head.seq - LOOKED_AT) - 1, -1), BEFORE)
    after = _of_stream(ring, head, range(last + 1, min(ring.next_seq, last + LOOKED_AT)), AFTER)
    return [*reversed(before), head, *after]


def may_have(row: AlertRow, raised: Raised, at_ms: int) -> bool:
    """Whether an alert of the line's service may be the line's."""
    return row.first_seen_at_ms <= at_ms <= row.last_seen_at_ms and row.exception_type == raised.exception_type


def is_line_of(entry: Sequence[Held], row: AlertRow) -> bool:
    """Whether an entry of the alert's service and moment looks like what it was opened for."""
    if max(held.level.rank for held in entry) < Level.WARNING.rank:
        return False
    telling = row.exception_type.rpartition(".")[2] if row.exception_type else row.title[:_TELLING_CHARS]
    return any(telling in held.text for held in entry)


def is_of(occurrences: Iterable[Occurrence], raised: Raised) -> bool:
    """Whether occurrences of an alert say what a line says, but for numbers and names."""
    template = template_of(raised.message)
    return any(template_of(one.message) == template for one in occurrences)


def _of_stream(ring: LogRing, head: Held, seqs: range, most: int) -> list[Held]:
    found: list[Held] = []
    for seq in seqs:
        held = ring.line(seq)
        if not held.note and (held.log_group, held.log_stream) == (head.log_group, head.log_stream):
            found.append(held)
            if len(found) >= most:
                break
    return found


def _line(held: Held) -> LogLine:
    return LogLine(
        message=held.text[:LINE_CHARS].rstrip("\n"),
        at_ms=held.at_ms,
        log_group=held.log_group,
        log_stream=held.log_stream,
    )
