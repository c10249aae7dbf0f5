"""CloudWatch alarms, as SNS carries them and as EventBridge tells of them.

Where the formats come from: Amazon CloudWatch, "Using Amazon CloudWatch alarms: notifying users" and "Alarm events and
EventBridge". ALARM opens an alert or counts as another time; OK is its recovery. INSUFFICIENT_DATA says nothing about
the service: it neither opens nor resolves, and is noted in the alert's timeline where there is one.
"""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from jinkies.commands import ReportOccurrence, ReportRecovery
from jinkies.ingest.aws_names import Origin, service_of_dimensions, severity_in
from jinkies.ingest.fields import occurred_at_ms, short
from jinkies.ingest.hook_json import tags_of
from jinkies.ingest.refusals import BadField
from jinkies.ingest.text import clean, cut_end
from jinkies.model import Severity

MAX_MESSAGE = 10_000
MAX_CHILDREN = 10

_SIGNS = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": "≥",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "≤",
    "GreaterThanUpperThreshold": "above the band",
    "LessThanLowerThreshold": "below the band",
    "LessThanLowerOrGreaterThanUpperThreshold": "outside the band",
}


class Dimension(msgspec.Struct, frozen=True, kw_only=True):
    """Both spellings are in use."""

    name: str = ""
    value: str = ""
    upper_name: str = msgspec.field(name="Name", default="")
    upper_value: str = msgspec.field(name="Value", default="")


class Metric(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Of a metric math alarm."""

    metric_name: str | None = None
    namespace: str | None = None
    dimensions: list[Dimension] | None = None


class MetricStat(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Of a metric math alarm."""

    metric: Metric | None = None
    period: int | None = None
    stat: str | None = None


class Query(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """One line of a metric math alarm."""

    id: str | None = None
    expression: str | None = None
    label: str | None = None
    metric_stat: MetricStat | None = None


class Trigger(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What an alarm watches; a composite alarm has none."""

    metric_name: str | None = None
    namespace: str | None = None
    statistic: str | None = None
    extended_statistic: str | None = None
    dimensions: list[Dimension] | None = None
    period: int | None = None
    evaluation_periods: int | None = None
    datapoints_to_alarm: int | None = None
    comparison_operator: str | None = None
    threshold: float | None = None
    treat_missing_data: str | None = None
    metrics: list[Query] | None = None


class State(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Of a child of a composite alarm."""

    value: str = ""


class Child(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """An alarm because of which a composite alarm changed."""

    arn: str = ""
    state: State = State()


class Alarm(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A change of an alarm's state."""

    alarm_name: str
    new_state_value: str
    new_state_reason: str | None = None
    state_change_time: str | None = None
    alarm_description: str | None = None
    alarm_arn: str | None = None
    account: str | None = msgspec.field(name="AWSAccountId", default=None)
    region: str | None = None  # for people: "US East (N. Virginia)"
    old_state_value: str | None = None
    trigger: Trigger | None = None
    alarm_rule: str | None = None  # of a composite alarm
    triggering_children: list[Child] | None = None


def report(alarm: Alarm, origin: Origin, *, now_ms: int) -> ReportOccurrence | ReportRecovery | None:
    """What the change reports; None for states that don't exist yet."""
    region, account = _place(alarm, origin)
    dimensions = _dimensions(alarm.trigger)
    service = short(_service(alarm, origin, dimensions), 200) or origin.topic.name
    fingerprint = cut_end(f"cloudwatch:{account}:{region}:{clean(alarm.alarm_name)}", 480)
    at_ms = _changed_at_ms(alarm, now_ms) or origin.sent_at_ms
    if alarm.new_state_value == "OK":
        reason = short(alarm.new_state_reason, 500) or "the alarm is OK"
        return ReportRecovery(service=service, fingerprint=fingerprint, reason=reason, occurred_at_ms=at_ms)
    if alarm.new_state_value == "INSUFFICIENT_DATA":
        reason = short(f"insufficient data: {alarm.new_state_reason or 'the alarm has none'}", 500) or ""
        return ReportRecovery(service=service, fingerprint=fingerprint, reason=reason, occurred_at_ms=at_ms, noted=True)
    if alarm.new_state_value != "ALARM":
        return None
    known = {"alarm": alarm.alarm_name, "region": region, "account": account, "topic": origin.topic.name}
    return ReportOccurrence(
        service=service,
        message=_message(alarm),
        severity=origin.configured_severity(alarm.alarm_name) or severity_in(alarm.alarm_name) or Severity.ERROR,
        context=_context(alarm),
        occurred_at_ms=at_ms,
        fingerprint=fingerprint,
        tags=tags_of(known | dimensions),
        link=_console(alarm.alarm_name, region),
        ongoing=True,
    )


def condition(trigger: Trigger | None) -> str:
    """``CPUUtilization > 80 (Average of 300 s, 2 of 3 periods)``; "" for an alarm without a metric."""
    if trigger is None:
        return ""
    name = trigger.metric_name or _of_queries(trigger.metrics or [])
    if not name:
        return ""
    sign = _SIGNS.get(trigger.comparison_operator or "", trigger.comparison_operator or "")
    threshold = "" if trigger.threshold is None else f"{trigger.threshold:g}"
    how = [part for part in (_statistic(trigger), _periods(trigger)) if part]
    text = " ".join(part for part in (name, sign, threshold) if part)
    return f"{text} ({', '.join(how)})" if how else text


def _statistic(trigger: Trigger) -> str:
    statistic = trigger.statistic or trigger.extended_statistic or ""
    statistic = statistic.title() if statistic.isupper() else statistic
    period = f"{trigger.period} s" if trigger.period else ""
    return " of ".join(part for part in (statistic, period) if part)


def _periods(trigger: Trigger) -> str:
    if not trigger.evaluation_periods or trigger.evaluation_periods == 1:
        return ""
    return f"{trigger.datapoints_to_alarm or trigger.evaluation_periods} of {trigger.evaluation_periods} periods"


def _of_queries(queries: list[Query]) -> str:
    """What is compared: the expression, or the one metric."""
    expression = next((one.expression for one in queries if one.expression), None)
    if expression:
        return short(expression, 200) or ""
    names = [one.metric_stat.metric.metric_name for one in queries if one.metric_stat and one.metric_stat.metric]
    return next((name for name in names if name), "")


def _dimensions(trigger: Trigger | None) -> dict[str, str]:
    """Of the metric, else of all metrics of the expression, the first of a name winning."""
    if trigger is None:
        return {}
    stats = [one.metric_stat for one in trigger.metrics or []]
    lists = [trigger.dimensions, *(stat.metric.dimensions for stat in stats if stat and stat.metric)]
    found: dict[str, str] = {}
    for one in (one for some in lists for one in some or []):
        found.setdefault(one.name or one.upper_name, one.value or one.upper_value)
    return {name: value for name, value in found.items() if name and value}


def _service(alarm: Alarm, origin: Origin, dimensions: dict[str, str]) -> str:
    return (
        origin.configured_service(alarm.alarm_name)
        or service_of_dimensions(dimensions)
        or origin.named_service(alarm.alarm_name)
        or origin.topic.name
    )


def _place(alarm: Alarm, origin: Origin) -> tuple[str, str]:
    """Region and account, of the alarm's ARN: arn:aws:cloudwatch:<region>:<account>:alarm:<name>."""
    parts = (alarm.alarm_arn or "").split(":", 6)
    if len(parts) == 7 and parts[2] == "cloudwatch":
        return parts[3][:40], parts[4][:20]
    return origin.topic.region, (alarm.account or origin.topic.account)[:20]


def _changed_at_ms(alarm: Alarm, now_ms: int) -> int | None:
    try:
        return occurred_at_ms("StateChangeTime", alarm.state_change_time, now_ms=now_ms)
    except BadField:
        return None


def _message(alarm: Alarm) -> str:
    """The name and what is wrong, which is the title; the description and CloudWatch's own reason below."""
    name = short(alarm.alarm_name, 200) or "an alarm"
    wrong = condition(alarm.trigger) or short(alarm.alarm_description, 200) or "ALARM"
    parts = [
        f"{name}: {wrong}",
        clean(alarm.alarm_description or "").strip(),
        clean(alarm.new_state_reason or "").strip(),
    ]
    return cut_end("\n\n".join(dict.fromkeys(part for part in parts if part)), MAX_MESSAGE)


def _context(alarm: Alarm) -> dict[str, str]:
    trigger = alarm.trigger or Trigger()
    children = [f"{child.arn.rpartition(':')[2]} {child.state.value}" for child in alarm.triggering_children or []]
    told = {
        "metric": " ".join(part for part in (trigger.namespace, trigger.metric_name) if part),
        "condition": condition(alarm.trigger),
        "reason": alarm.new_state_reason,
        "before": alarm.old_state_value,
        "missing data": trigger.treat_missing_data,
        "rule": alarm.alarm_rule,
        "because of": ", ".join(children[:MAX_CHILDREN]),
        "region": alarm.region,
    }
    return {name: cut_end(clean(value), 2_000) for name, value in told.items() if value}


def _console(name: str, region: str) -> str | None:
    if not region:
        return None
    host = f"{region}.console.aws.amazon.com"
    if region.startswith("cn-"):
        host = "console.amazonaws.cn"
    elif region.startswith("us-gov-"):
        host = "console.amazonaws-us-gov.com"
    return f"https://{host}/cloudwatch/home?region={region}#alarmsV2:alarm/{quote(name, safe='')}"
