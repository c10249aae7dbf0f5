"""Events of EventBridge, as a rule whose target is an SNS topic sends them.

Where the formats come from: Amazon EventBridge, "Events"; "AWS Health events", "Amazon ECS events", "CodePipeline
events", "CodeBuild events", "GuardDuty: EventBridge events" in the guides of those services. What says that something
failed is an error, what is known to be over is a recovery, and everything else is information.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from jinkies.commands import ReportOccurrence, ReportRecovery
from jinkies.ingest import cloudwatch_alarm
from jinkies.ingest.aws_names import Origin
from jinkies.ingest.fields import as_text, context_of, occurred_at_ms, short
from jinkies.ingest.hook_json import tags_of
from jinkies.ingest.refusals import BadField
from jinkies.ingest.text import clean, cut_end
from jinkies.model import Severity

MAX_MESSAGE = 10_000
MAX_RESOURCES = 10

_FAILED = ("fail", "error", "timed_out", "timeout", "fault", "aborted", "unhealthy", "interruption")
_TOLD = ("state", "status", "build-status", "eventType", "eventName", "lastStatus", "state-value")

Detail = dict[str, object]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event as EventBridge hands it on."""

    source: str
    detail_type: str = msgspec.field(name="detail-type")
    detail: Detail
    id: str | None = None
    account: str | None = None
    time: str | None = None
    region: str | None = None
    resources: list[str] | None = None


class _Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What an event of a kind that is known says."""

    severity: Severity
    summary: str
    service: str | None = None
    fingerprint: str | None = None  # None: grouped by what it says
    over: bool = False  # the recovery of that fingerprint


def report(event: Event, origin: Origin, *, now_ms: int) -> ReportOccurrence | ReportRecovery | None:
    """What the event reports; None for one that neither opens nor resolves."""
    if event.source == "aws.cloudwatch" and event.detail_type == "CloudWatch Alarm State Change":
        alarm = _alarm(event)
        if alarm is not None:
            return cloudwatch_alarm.report(alarm, origin, now_ms=now_ms)
    reading = _READERS.get(event.source, _other)(event)
    names = (event.detail_type, event.source)
    service = origin.configured_service(*names) or reading.service or event.source.removeprefix("aws.")
    service = short(service, 200) or origin.topic.name
    at_ms = _at_ms(event, now_ms) or origin.sent_at_ms
    if reading.over and reading.fingerprint is not None:
        return ReportRecovery(
            service=service, fingerprint=reading.fingerprint, reason=reading.summary, occurred_at_ms=at_ms
        )
    return ReportOccurrence(
        service=service,
        message=_message(event, reading),
        severity=origin.configured_severity(*names) or reading.severity,
        context=_context(event),
        occurred_at_ms=at_ms,
        fingerprint=reading.fingerprint,
        tags=_tags(event, origin),
    )


def _health(event: Event) -> _Reading:
    """AWS Health tells an event again while it lasts, under one ARN."""
    detail = event.detail
    arn, what = _text(detail, "eventArn"), _text(detail, "eventTypeCode")
    category = _text(detail, "eventTypeCategory")
    severity = Severity.ERROR if category == "issue" else Severity.INFO
    said = _latest_description(detail.get("eventDescription"))
    service = f"aws {_text(detail, 'service').lower()}".strip()
    over = _text(detail, "statusCode") == "closed"
    summary = ": ".join(part for part in (what or "AWS Health", said) if part)
    return _Reading(
        severity=severity, summary=summary, service=service, fingerprint=_key("health", arn), over=over and bool(arn)
    )


def _ecs(event: Event) -> _Reading:
    detail = event.detail
    group = _text(detail, "group")
    service = group.removeprefix("service:") if group.startswith("service:") else _of_resource(event)
    if _text(detail, "lastStatus") == "STOPPED":
        codes = [code for one in _list(detail, "containers") if isinstance(code := one.get("exitCode"), int)]
        broke = any(codes) or _text(detail, "stopCode") in ("TaskFailedToStart", "EssentialContainerExited")
        reason = _text(detail, "stoppedReason") or "it stopped"
        exits = f" (exit code {next(filter(None, codes))})" if any(codes) else ""
        severity = Severity.ERROR if broke else Severity.INFO
        return _Reading(severity=severity, summary=f"task stopped: {reason}{exits}", service=service)
    name, kind = _text(detail, "eventName"), _text(detail, "eventType")
    severity = {"ERROR": Severity.ERROR, "WARN": Severity.WARNING}.get(kind, Severity.INFO)
    reason = _text(detail, "reason") or _text(detail, "lastStatus") or kind
    return _Reading(severity=severity, summary=": ".join(part for part in (name, reason) if part), service=service)


def _pipeline(event: Event) -> _Reading:
    detail = event.detail
    name, state = _text(detail, "pipeline"), _text(detail, "state")
    where = "/".join(part for part in (_text(detail, "stage"), _text(detail, "action")) if part)
    return _Reading(
        severity=Severity.ERROR if state == "FAILED" else Severity.INFO,
        summary=f"{name} {where}".strip() + f" {state.lower()}",
        service=name or None,
        fingerprint=_key("codepipeline", f"{name}/{where}") if state in ("FAILED", "SUCCEEDED") else None,
        over=state == "SUCCEEDED",
    )


def _build(event: Event) -> _Reading:
    name, state = _text(event.detail, "project-name"), _text(event.detail, "build-status")
    failed = state in ("FAILED", "FAULT", "TIMED_OUT")
    return _Reading(
        severity=Severity.ERROR if failed else Severity.INFO,
        summary=f"build of {name} {state.lower()}",
        service=name or None,
        fingerprint=_key("codebuild", name) if failed or state == "SUCCEEDED" else None,
        over=state == "SUCCEEDED",
    )


def _guard_duty(event: Event) -> _Reading:
    """GuardDuty: 9 and up is critical, 7 high, 4 medium, below low. A finding is told again with its new count."""
    detail = event.detail
    number = detail.get("severity")
    level = float(number) if isinstance(number, int | float) else 4.0
    steps = ((9.0, Severity.CRITICAL), (7.0, Severity.ERROR), (4.0, Severity.WARNING))
    severity = next((severity for floor, severity in steps if level >= floor), Severity.INFO)
    summary = _text(detail, "title") or _text(detail, "type") or "a finding"
    return _Reading(severity=severity, summary=summary, fingerprint=_key("guardduty", _text(detail, "id")))


def _other(event: Event) -> _Reading:
    words = [word for name in _TOLD if (word := _text(event.detail, name))]
    failed = any(part in word.lower() for word in words for part in _FAILED)
    summary = next(
        (text for name in ("message", "title", "reason", "summary") if (text := _text(event.detail, name))), ""
    )
    summary = summary or " ".join([_of_resource(event) or "", *words[:2]]).strip()
    return _Reading(severity=Severity.ERROR if failed else Severity.INFO, summary=summary)


_READERS: dict[str, Callable[[Event], _Reading]] = {
    "aws.health": _health,
    "aws.ecs": _ecs,
    "aws.codepipeline": _pipeline,
    "aws.codebuild": _build,
    "aws.guardduty": _guard_duty,
}


def _alarm(event: Event) -> cloudwatch_alarm.Alarm | None:
    """EventBridge's own form of an alarm, as SNS has it."""
    state, before = _dict(event.detail, "state"), _dict(event.detail, "previousState")
    configuration = _dict(event.detail, "configuration")
    name = _text(event.detail, "alarmName")
    if not name or not state:
        return None
    return cloudwatch_alarm.Alarm(
        alarm_name=name,
        new_state_value=_text(state, "value"),
        new_state_reason=_text(state, "reason"),
        state_change_time=_text(state, "timestamp") or None,
        old_state_value=_text(before, "value"),
        alarm_description=_text(configuration, "description"),
        alarm_arn=next(iter(event.resources or []), None),
        account=event.account,
        trigger=_trigger(configuration),
        alarm_rule=_text(configuration, "alarmRule") or None,
    )


def _trigger(configuration: Detail) -> cloudwatch_alarm.Trigger | None:
    queries = [stat for one in _list(configuration, "metrics") if (stat := _dict(one, "metricStat"))]
    if not queries:
        return None
    stat, metric = queries[0], _dict(queries[0], "metric")
    dimensions = [
        cloudwatch_alarm.Dimension(name=clean(name), value=clean(as_text(value)))
        for name, value in _dict(metric, "dimensions").items()
    ]
    period = stat.get("period")
    return cloudwatch_alarm.Trigger(
        metric_name=_text(metric, "name"),
        namespace=_text(metric, "namespace"),
        statistic=_text(stat, "stat"),
        period=period if isinstance(period, int) else None,
        dimensions=dimensions,
    )


def _at_ms(event: Event, now_ms: int) -> int | None:
    try:
        return occurred_at_ms("time", event.time, now_ms=now_ms)
    except BadField:
        return None


def _message(event: Event, reading: _Reading) -> str:
    """What kind of event, and what it says."""
    kind = short(event.detail_type, 200) or "event"
    return cut_end(f"{kind}: {clean(reading.summary)}" if reading.summary else kind, MAX_MESSAGE)


def _context(event: Event) -> dict[str, str]:
    resources = ", ".join((event.resources or [])[:MAX_RESOURCES])
    return context_of({"resources": resources, **event.detail} if resources else event.detail)


def _tags(event: Event, origin: Origin) -> dict[str, str]:
    return tags_of(
        {
            "source": event.source,
            "detail-type": event.detail_type,
            "region": event.region or origin.topic.region,
            "account": event.account or origin.topic.account,
            "topic": origin.topic.name,
        }
    )


def _of_resource(event: Event) -> str | None:
    """The last part of the first resource's ARN."""
    resource = next(iter(event.resources or []), "")
    return short(resource.rpartition("/")[2].rpartition(":")[2], 200)


def _key(kind: str, name: str) -> str | None:
    return cut_end(f"eventbridge:{kind}:{clean(name)}", 480) if name else None


def _latest_description(value: object) -> str:
    """The first of them; there is one a language."""
    texts = (
        [_text(one, "latestDescription") for one in value if isinstance(one, dict)] if isinstance(value, list) else []
    )
    return next((text for text in texts if text), "")


def _text(detail: Detail, name: str) -> str:
    value = detail.get(name)
    return value.strip() if isinstance(value, str) else ""


def _dict(detail: Detail, name: str) -> Detail:
    value = detail.get(name)
    return value if isinstance(value, dict) else {}


def _list(detail: Detail, name: str) -> list[Detail]:
    value = detail.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
