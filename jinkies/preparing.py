"""What is done with a report before its transaction begins: redaction, fingerprint. A thread does large ones."""

from __future__ import annotations

import asyncio

import msgspec

from jinkies.commands import AdvanceWatch, AnyCommand, Report, ReportOccurrence, ReportRecovery
from jinkies.config import Config
from jinkies.errors import Invalid
from jinkies.fingerprint import fingerprint_of, grouping, own_fingerprint
from jinkies.redact import DEFAULT, Redactor, redact_counted, redact_grouping, redact_recovery
from jinkies.requests import Prepared, PreparedRecovery

REPORTS_LIMIT = 1_000  # of one Report
INLINE_BYTES = 20_000  # larger reports are redacted in a thread, so that the loop stays quick
LINK_LIMIT = 2_000  # characters of an address
REPORT_BYTES = 300  # of a report beside its texts, about

_Report = ReportOccurrence | ReportRecovery


async def prepare(
    command: AnyCommand, config: Config, redactor: Redactor = DEFAULT
) -> tuple[Prepared | PreparedRecovery, ...]:
    """The reports of a command, redacted, with what is derived from them; () for another command.

    Raises ``Invalid`` for too many of them, or a time before 1970.
    """
    reports: tuple[_Report, ...]
    match command:
        case ReportOccurrence() | ReportRecovery():
            reports = (command,)
        case Report(items=items):
            if not 1 <= len(items) <= REPORTS_LIMIT:
                raise Invalid(f"items: {len(items):,} reports; 1 to {REPORTS_LIMIT:,}")
            reports = items
        case AdvanceWatch(occurrences=occurrences):
            reports = occurrences
        case _:
            return ()
    if sum(map(_size, reports)) > INLINE_BYTES:
        return await asyncio.to_thread(_prepare_all, reports, config, redactor)
    return _prepare_all(reports, config, redactor)


def _prepare_all(
    reports: tuple[_Report, ...], config: Config, redactor: Redactor
) -> tuple[Prepared | PreparedRecovery, ...]:
    return tuple(_prepare_one(report, config, redactor) for report in reports)


def _prepare_one(report: _Report, config: Config, redactor: Redactor) -> Prepared | PreparedRecovery:
    if report.occurred_at_ms is not None and report.occurred_at_ms < 0:
        raise Invalid(f"occurred_at_ms: {report.occurred_at_ms} is before 1970")
    service = config.services.get(report.service)
    environment = report.environment or (service and service.environment) or config.environment
    if isinstance(report, ReportRecovery):
        recovery = redact_recovery(report, redactor)
        key = own_fingerprint(recovery.service, redactor.text(environment), report.fingerprint)
        return PreparedRecovery(command=recovery, fingerprint=key)
    report = msgspec.structs.replace(report, environment=environment, link=_address(report.link))
    clean, cut = redact_counted(report, redactor)
    grouped = grouping(clean)
    return Prepared(
        command=clean,
        fingerprint=fingerprint_of(grouped, clean),
        grouping=redact_grouping(grouped, redactor) if report.fingerprint else grouped,
        environment=clean.environment or environment,
        runbook=clean.runbook or (service.runbook if service else None),
        redacted=sum(cut.values()),
        cut=cut,
    )


def _address(link: str | None) -> str | None:
    """An address that can be followed, else None: what senders call a link may be anything. RFC 3986: ASCII only."""
    if link is None or len(link) > LINK_LIMIT or not (link.isascii() and link.isprintable()):
        return None
    return link if link.startswith(("https://", "http://")) and " " not in link else None


def _size(report: _Report) -> int:
    """Characters of a report that redaction has to read, about."""
    if isinstance(report, ReportRecovery):
        return REPORT_BYTES + len(report.reason)
    lines = sum(len(line.message) for line in report.related_logs) + sum(len(frame.source) for frame in report.frames)
    return REPORT_BYTES + len(report.message) + len(report.stack_trace or "") + lines
