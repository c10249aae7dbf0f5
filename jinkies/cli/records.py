"""What ``--json`` prints: one object a line, with ids as strings and times in ISO 8601, UTC."""

from __future__ import annotations

import re
from typing import Self

import msgspec

from jinkies.clock import iso
from jinkies.model import (
    AlertDetail,
    AlertRow,
    Delivery,
    Grouping,
    Issue,
    Link,
    LogLine,
    Occurrence,
    PullRequest,
    TimelineEntry,
)
from jinkies.priority import Priority, priority

# JSON leaves these as they are, and some terminals obey them.
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class LinkRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A link of an alert."""

    kind: str
    url: str
    label: str

    @classmethod
    def of(cls, link: Link) -> Self:
        """The record of a link."""
        return cls(kind=link.kind, url=link.url, label=link.label)


class PriorityRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How soon somebody should look, as of when it was printed."""

    level: str  # low, normal, high, urgent
    points: float  # 0 to 100
    reason: str

    @classmethod
    def of(cls, found: Priority) -> Self:
        """The record of a priority."""
        return cls(level=found.level.word, points=round(found.points, 1), reason=found.reason)


class AlertRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as ``jinkies alerts --json`` prints it."""

    id: str
    state: str
    severity: str
    service: str
    environment: str
    title: str
    exception_type: str | None
    count: int
    first_seen: str
    last_seen: str
    acknowledged_by: str | None
    links: tuple[LinkRecord, ...]
    revision: int
    priority: PriorityRecord


class ExplainRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Why occurrences are one alert, as ``jinkies alert ID --explain --json`` prints it."""

    id: str
    fingerprint: str
    grouping: Grouping | None  # None: it was opened before reasons were kept


class LogRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A log line kept with an alert."""

    message: str
    at: str | None
    log_group: str | None
    log_stream: str | None


class OccurrenceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One time that it happened."""

    occurred_at: str
    message: str
    stack_trace: str | None
    request_path: str | None
    instance_id: str | None
    commit_sha: str | None
    related_logs: tuple[LogRecord, ...]
    context: dict[str, str]
    redacted: int  # secrets that were cut from it


class TimelineRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to an alert."""

    seq: int
    at: str
    kind: str
    actor: str
    text: str


class DeliveryRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A card in a channel."""

    channel_id: str
    kind: str
    state: str
    in_step: bool
    message_id: str | None
    error: str | None


class PullRequestRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An alert's draft pull request."""

    state: str
    title: str
    base_branch: str | None
    requested_by: str
    number: int | None
    url: str | None
    on_github: str | None  # draft, open, merged, closed; None: not known
    error: str | None


class IssueRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An alert's GitHub issue."""

    state: str
    title: str
    requested_by: str
    number: int | None
    url: str | None
    on_github: str | None  # open, completed, not_planned, duplicate, closed; None: not known
    error: str | None


class AlertDetailRecord(AlertRecord, frozen=True, kw_only=True):
    """An alert as ``jinkies alert ID --json`` prints it."""

    decision_rev: int
    fingerprint: str
    request_path: str | None
    culprit: str | None
    acknowledged_at: str | None
    resolved_by: str | None
    resolved_at: str | None
    snoozed_until: str | None
    silenced_until: str | None
    assigned_to: str | None
    merged_into: str | None  # it is part of that alert
    parts: tuple[str, ...]  # alerts merged into it
    pull_request: PullRequestRecord | None
    issue: IssueRecord | None
    latest: OccurrenceRecord
    first: OccurrenceRecord
    timeline: tuple[TimelineRecord, ...]
    deliveries: tuple[DeliveryRecord, ...]


def encode(record: msgspec.Struct) -> str:
    """One line of JSON, safe to show on a terminal."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", msgspec.json.encode(record).decode())


def alert_record(row: AlertRow, now_ms: int) -> AlertRecord:
    """The record of an alert; its priority as of ``now_ms``."""
    return AlertRecord(
        id=str(row.alert_id),
        state=row.state,
        severity=row.severity,
        service=row.service,
        environment=row.environment,
        title=row.title,
        exception_type=row.exception_type,
        count=row.count,
        first_seen=iso(row.first_seen_at_ms),
        last_seen=iso(row.last_seen_at_ms),
        acknowledged_by=row.acknowledged_by.name if row.acknowledged_by else None,
        links=tuple(LinkRecord.of(link) for link in row.links),
        revision=row.revision,
        priority=PriorityRecord.of(priority(row, now_ms)),
    )


def detail_record(detail: AlertDetail, now_ms: int) -> AlertDetailRecord:
    """The record of an alert with its context."""
    row, slim = detail.row, alert_record(detail.row, now_ms)
    return AlertDetailRecord(
        **msgspec.structs.asdict(slim),
        decision_rev=row.decision_rev,
        fingerprint=detail.fingerprint,
        request_path=row.request_path,
        culprit=row.culprit,
        acknowledged_at=_iso(row.acknowledged_at_ms),
        resolved_by=row.resolved_by.name if row.resolved_by else None,
        resolved_at=_iso(row.resolved_at_ms),
        snoozed_until=_iso(row.snoozed_until_ms),
        silenced_until=_iso(row.silenced_until_ms),
        assigned_to=row.assigned_to,
        merged_into=str(row.merged_into) if row.merged_into is not None else None,
        parts=tuple(map(str, row.parts)),
        pull_request=_pull_request(row.pull_request),
        issue=_issue(row.issue),
        latest=occurrence_record(detail.latest),
        first=occurrence_record(detail.first),
        timeline=tuple(_timeline(entry) for entry in detail.timeline),
        deliveries=tuple(_delivery(delivery) for delivery in detail.deliveries),
    )


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)


def _pull_request(asked: PullRequest | None) -> PullRequestRecord | None:
    if asked is None:
        return None
    return PullRequestRecord(
        state=asked.state,
        title=asked.title,
        base_branch=asked.base_branch,
        requested_by=asked.requested_by.name,
        number=asked.number,
        url=asked.url,
        on_github=asked.on_github,
        error=asked.error,
    )


def _issue(asked: Issue | None) -> IssueRecord | None:
    if asked is None:
        return None
    return IssueRecord(
        state=asked.state,
        title=asked.title,
        requested_by=asked.requested_by.name,
        number=asked.number,
        url=asked.url,
        on_github=asked.on_github,
        error=asked.error,
    )


def occurrence_record(occurrence: Occurrence) -> OccurrenceRecord:
    """The record of an occurrence."""
    return OccurrenceRecord(
        occurred_at=iso(occurrence.occurred_at_ms),
        message=occurrence.message,
        stack_trace=occurrence.stack_trace,
        request_path=occurrence.request_path,
        instance_id=occurrence.instance_id,
        commit_sha=occurrence.commit_sha,
        related_logs=tuple(_log(one) for one in occurrence.related_logs),
        context=occurrence.context,
        redacted=occurrence.redacted,
    )


def _log(one: LogLine) -> LogRecord:
    return LogRecord(message=one.message, at=_iso(one.at_ms), log_group=one.log_group, log_stream=one.log_stream)


def _timeline(entry: TimelineEntry) -> TimelineRecord:
    return TimelineRecord(seq=entry.seq, at=iso(entry.at_ms), kind=entry.kind, actor=entry.actor.name, text=entry.text)


def _delivery(delivery: Delivery) -> DeliveryRecord:
    return DeliveryRecord(
        channel_id=delivery.channel_id,
        kind=delivery.kind,
        state=delivery.state,
        in_step=delivery.in_step,
        message_id=delivery.message_id,
        error=delivery.error,
    )
