"""What notifications say; messages after CloudWatch's and EventBridge's guides, and those of the services they name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from jinkies.commands import ReportOccurrence, ReportRecovery
from jinkies.config import Config, ServiceConfig, SnsConfig
from jinkies.ingest.aws_names import Origin, service_of_dimensions, severity_in
from jinkies.ingest.cloudwatch_alarm import Trigger, condition
from jinkies.ingest.sns_message import topic_of
from jinkies.ingest.sns_notice import Notice, parse
from jinkies.model import Severity
from tests.ingest.signing import TOPIC

NOW_MS = 1_767_225_600_000  # 2026-01-01
SENT_MS = NOW_MS - 1_000

ALARM: dict[str, object] = {
    "AlarmName": "prod-checkout-p99",
    "AlarmDescription": "p99 of the checkout is too high",
    "AWSAccountId": "123456789012",
    "AlarmConfigurationUpdatedTimestamp": "2025-11-04T08:12:31.000+0000",
    "NewStateValue": "ALARM",
    "NewStateReason": "Threshold Crossed: 1 datapoint [2.31 (31/12/25 23:58:00)] was greater than the threshold (2.0).",
    "StateChangeTime": "2025-12-31T23:59:12.345+0000",
    "Region": "EU (Frankfurt)",
    "AlarmArn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:prod-checkout-p99",
    "OldStateValue": "OK",
    "OKActions": [],
    "AlarmActions": [TOPIC],
    "InsufficientDataActions": [],
    "Trigger": {
        "MetricName": "Duration",
        "Namespace": "AWS/Lambda",
        "StatisticType": "ExtendedStatistic",
        "ExtendedStatistic": "p99",
        "Unit": None,
        "Dimensions": [{"value": "checkout-handler", "name": "FunctionName"}],
        "Period": 60,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 2000.0,
        "TreatMissingData": "notBreaching",
        "EvaluateLowSampleCountPercentile": "",
    },
}


def origin(**sns: object) -> Origin:
    services = {name: ServiceConfig(name=name) for name in ("checkout", "api", "api-gateway")}
    settings = SnsConfig(topics=(TOPIC,), **sns)  # type: ignore[arg-type] # fields by name
    config = Config(home=Path("/nonexistent"), services=services, sns=settings)
    return Origin(topic=topic_of(TOPIC), sent_at_ms=SENT_MS, config=config)


def notice(message: object, subject: str | None = None, **sns: object) -> Notice:
    text = message if isinstance(message, str) else json.dumps(message)
    return parse(text, subject, origin(**sns), now_ms=NOW_MS)


def occurrence(message: object, subject: str | None = None, **sns: object) -> ReportOccurrence:
    item = notice(message, subject, **sns).item
    assert isinstance(item, ReportOccurrence)
    return item


def recovery(message: object) -> ReportRecovery:
    item = notice(message).item
    assert isinstance(item, ReportRecovery)
    return item


def test_an_alarm_with_all_that_it_says() -> None:
    item = occurrence(ALARM, "ALARM: prod-checkout-p99")
    assert item.message.splitlines()[0] == "prod-checkout-p99: Duration > 2000 (p99 of 60 s, 2 of 3 periods)"
    assert "p99 of the checkout is too high" in item.message
    assert "greater than the threshold" in item.message
    assert (item.service, item.severity) == ("checkout-handler", Severity.ERROR)
    assert item.occurred_at_ms == 1_767_225_552_345
    assert item.fingerprint == "cloudwatch:123456789012:eu-central-1:prod-checkout-p99"
    assert item.tags["FunctionName"] == "checkout-handler"
    assert (item.tags["region"], item.tags["topic"]) == ("eu-central-1", "alarms")
    assert item.context["metric"] == "AWS/Lambda Duration"
    assert item.context["before"] == "OK"
    assert item.ongoing
    assert item.link == (
        "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1"
        "#alarmsV2:alarm/prod-checkout-p99"
    )


def test_ok_is_the_recovery_of_the_same_alert_and_no_data_is_noted() -> None:
    fired, over = occurrence(ALARM), recovery({**ALARM, "NewStateValue": "OK", "NewStateReason": "back"})
    assert (over.service, over.fingerprint, over.reason) == (fired.service, fired.fingerprint, "back")
    assert over.occurred_at_ms == fired.occurred_at_ms
    unknown = recovery({**ALARM, "NewStateValue": "INSUFFICIENT_DATA", "NewStateReason": "no points"})
    assert (unknown.fingerprint, unknown.reason, unknown.noted) == (
        fired.fingerprint,
        "insufficient data: no points",
        True,
    )
    assert not over.noted
    assert notice({**ALARM, "NewStateValue": "NEW_IN_2030"}) == Notice(kind="alarm", item=None)


def test_the_service_of_an_alarm() -> None:
    bare = {**ALARM, "Trigger": {**_trigger(), "Dimensions": []}}
    assert occurrence(bare).service == "checkout"  # a part of the name is a service's
    assert occurrence({**bare, "AlarmName": "api_gateway 5xx"}).service == "api-gateway"  # the longest
    assert occurrence({**bare, "AlarmName": "therapist"}).service == "alarms"  # no part; the topic
    assert occurrence(ALARM, services={"prod-*": "shop"}).service == "shop"
    assert occurrence(ALARM, services={TOPIC: "payments"}).service == "payments"
    assert occurrence(ALARM, services={"staging-*": "shop"}).service == "checkout-handler"


def test_the_severity_of_an_alarm() -> None:
    assert occurrence({**ALARM, "AlarmName": "api-5xx-critical"}).severity is Severity.CRITICAL
    assert occurrence({**ALARM, "AlarmName": "api-5xx-WARN"}).severity is Severity.WARNING
    assert occurrence(ALARM, severities={"*-p99": Severity.INFO}).severity is Severity.INFO
    assert severity_in("criticality") is None


def test_an_alarm_of_metric_math() -> None:
    stat = {"Metric": {"Dimensions": [{"value": "app/web/50dc6c495c0c9188", "name": "LoadBalancer"}],
                       "MetricName": "HTTPCode_Target_5XX_Count", "Namespace": "AWS/ApplicationELB"},
            "Period": 60, "Stat": "Sum"}  # fmt: skip
    metrics = [
        {"Expression": "100 * errors / requests", "Id": "e1", "Label": "rate", "ReturnData": True},
        {"Id": "errors", "MetricStat": stat, "ReturnData": False},
    ]
    trigger = {"Period": 60, "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
               "Threshold": 0.5, "TreatMissingData": "", "Metrics": metrics}  # fmt: skip
    item = occurrence({**ALARM, "Trigger": trigger})
    assert item.message.startswith("prod-checkout-p99: 100 * errors / requests ≥ 0.5 (60 s)")
    assert item.service == "web"


def test_a_composite_alarm() -> None:
    message = {name: value for name, value in ALARM.items() if name != "Trigger"}
    message |= {
        "AlarmRule": "ALARM(a) AND ALARM(b)",
        "TriggeringChildren": [
            {
                "Arn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:a",
                "State": {"Value": "ALARM", "Timestamp": ""},
            }
        ],
    }
    item = occurrence(message)
    assert item.message.startswith("prod-checkout-p99: p99 of the checkout is too high\n")
    assert (item.context["rule"], item.context["because of"]) == ("ALARM(a) AND ALARM(b)", "a ALARM")
    assert item.service == "checkout"


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("cn-north-1", "https://console.amazonaws.cn/"),
        ("us-gov-west-1", "https://console.amazonaws-us-gov.com/"),
        ("us-east-1", "https://us-east-1.console.aws.amazon.com/"),
    ],
)
def test_the_console_of_a_partition(region: str, host: str) -> None:
    arn = f"arn:aws:cloudwatch:{region}:123456789012:alarm:a b/ä"
    link = occurrence({**ALARM, "AlarmName": "a b/ä", "AlarmArn": arn}).link or ""
    assert link.startswith(host)
    assert link.endswith("alarm/a%20b%2F%C3%A4")


def test_a_condition_without_a_metric_is_none() -> None:
    assert condition(None) == condition(Trigger()) == ""
    assert condition(Trigger(metric_name="CPU", statistic="AVERAGE", period=300)) == "CPU (Average of 300 s)"


def test_dimensions_that_tell_a_service() -> None:
    assert service_of_dimensions({"ClusterName": "main", "ServiceName": "api"}) == "api"
    assert service_of_dimensions({"StateMachineArn": "arn:aws:states:eu-central-1:1:stateMachine:orders"}) == "orders"
    assert service_of_dimensions({"InstanceId": "i-1"}) is None


def event(source: str, kind: str, detail: Mapping[str, object], *resources: str) -> dict[str, object]:
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": kind,
        "source": source,
        "account": "123456789012",
        "time": "2025-12-31T23:59:00Z",
        "region": "eu-central-1",
        "resources": list(resources),
        "detail": detail,
    }


def ecs_task(code: int, **more: object) -> dict[str, object]:
    detail = {
        "clusterArn": "arn:aws:ecs:eu-central-1:123456789012:cluster/main",
        "containers": [{"name": "app", "exitCode": code, "lastStatus": "STOPPED"}],
        "group": "service:checkout",
        "lastStatus": "STOPPED",
        "desiredStatus": "STOPPED",
        "stoppedReason": "Essential container in task exited",
        **more,
    }
    return event("aws.ecs", "ECS Task State Change", detail, "arn:aws:ecs:eu-central-1:123456789012:task/main/b99d40b3")


def test_a_task_of_ecs_that_stopped() -> None:
    item = occurrence(ecs_task(137, stopCode="EssentialContainerExited"))
    assert item.message == ("ECS Task State Change: task stopped: Essential container in task exited (exit code 137)")
    assert (item.service, item.severity) == ("checkout", Severity.ERROR)
    assert item.occurred_at_ms == NOW_MS - 60_000
    assert item.context["resources"].endswith("task/main/b99d40b3")
    assert item.context["group"] == "service:checkout"
    assert occurrence(ecs_task(0, stopCode="ServiceSchedulerInitiated")).severity is Severity.INFO


def test_a_pipeline_that_failed_is_over_when_it_succeeds() -> None:
    def pipeline(state: str) -> dict[str, object]:
        detail = {"pipeline": "shop", "execution-id": "01234567", "state": state, "version": 3.0}
        return event("aws.codepipeline", "CodePipeline Pipeline Execution State Change", detail)

    failed, over = occurrence(pipeline("FAILED")), recovery(pipeline("SUCCEEDED"))
    assert (failed.severity, failed.service) == (Severity.ERROR, "shop")
    assert failed.message == "CodePipeline Pipeline Execution State Change: shop failed"
    assert (over.service, over.fingerprint) == (failed.service, failed.fingerprint)
    assert occurrence(pipeline("STARTED")).severity is Severity.INFO
    build = event("aws.codebuild", "CodeBuild Build State Change", {"project-name": "shop", "build-status": "FAILED"})
    assert occurrence(build).severity is Severity.ERROR


def test_health_of_aws_is_one_alert_until_it_is_closed() -> None:
    def health(status: str, category: str = "issue") -> dict[str, object]:
        detail = {
            "eventArn": "arn:aws:health:eu-central-1::event/EC2/AWS_EC2_OPERATIONAL_ISSUE/1",
            "service": "EC2",
            "eventTypeCode": "AWS_EC2_OPERATIONAL_ISSUE",
            "eventTypeCategory": category,
            "statusCode": status,
            "eventDescription": [{"language": "en_US", "latestDescription": "Error rates are up."}],
        }
        return event("aws.health", "AWS Health Event", detail)

    opened, over = occurrence(health("open")), recovery(health("closed"))
    assert (opened.service, opened.severity) == ("aws ec2", Severity.ERROR)
    assert opened.message == "AWS Health Event: AWS_EC2_OPERATIONAL_ISSUE: Error rates are up."
    assert (over.service, over.fingerprint) == (opened.service, opened.fingerprint)
    assert occurrence(health("upcoming", "scheduledChange")).severity is Severity.INFO


@pytest.mark.parametrize(
    ("number", "severity"),
    [(9.5, "critical"), (8, "error"), (5.3, "warning"), (2, "info"), ("x", "warning")],
)
def test_findings_of_guard_duty(number: object, severity: str) -> None:
    detail = {"id": "5eb1c0de", "type": "UnauthorizedAccess:EC2/TorClient", "severity": number, "title": "Tor"}
    item = occurrence(event("aws.guardduty", "GuardDuty Finding", detail))
    assert (item.severity, item.fingerprint) == (severity, "eventbridge:guardduty:5eb1c0de")


def test_other_events_are_information_unless_they_failed() -> None:
    assert occurrence(event("my.app", "Order placed", {"order": {"id": 7}})).severity is Severity.INFO
    item = occurrence(event("my.app", "Order placed", {"order": {"id": 7}}))
    assert (item.service, item.context["order.id"], item.tags["source"]) == ("my.app", "7", "my.app")
    failed = event("aws.glue", "Glue Job State Change", {"jobName": "x", "state": "FAILED", "message": "out of memory"})
    assert occurrence(failed).severity is Severity.ERROR
    assert occurrence(failed).message == "Glue Job State Change: out of memory"
    assert occurrence(failed, severities={"Glue*": Severity.CRITICAL}).severity is Severity.CRITICAL


def test_an_alarm_that_event_bridge_tells_of_is_the_same_alarm() -> None:
    detail = {
        "alarmName": "prod-checkout-p99",
        "state": {"value": "ALARM", "reason": "Threshold Crossed", "timestamp": "2025-12-31T23:59:12.345+0000"},
        "previousState": {"value": "OK"},
        "configuration": {
            "description": "too slow",
            "metrics": [
                {
                    "id": "m1",
                    "metricStat": {
                        "metric": {
                            "namespace": "AWS/Lambda",
                            "name": "Duration",
                            "dimensions": {"FunctionName": "checkout-handler"},
                        },
                        "period": 60,
                        "stat": "p99",
                    },
                }
            ],
        },
    }
    told = occurrence(event("aws.cloudwatch", "CloudWatch Alarm State Change", detail, str(ALARM["AlarmArn"])))
    own = occurrence(ALARM)
    assert (told.fingerprint, told.service, told.occurred_at_ms) == (own.fingerprint, own.service, own.occurred_at_ms)
    assert told.message.startswith("prod-checkout-p99: Duration (p99 of 60 s)")
    assert occurrence(event("aws.cloudwatch", "CloudWatch Alarm State Change", {"alarmName": "x"})).message


def test_our_own_json() -> None:
    item = occurrence({"service_name": "api", "error_message": "boom", "severity": "critical"}, "ignored")
    assert (item.service, item.message, item.severity) == ("api", "boom", Severity.CRITICAL)
    assert item.occurred_at_ms == SENT_MS


def test_a_text() -> None:
    item = occurrence("The disk of db-1 is full.\nSee the runbook.", "Disk warning")
    assert item.message == "Disk warning\n\nThe disk of db-1 is full.\nSee the runbook."
    assert (item.service, item.severity, item.occurred_at_ms) == ("alarms", Severity.WARNING, SENT_MS)
    assert occurrence("only\nthis").message == "only\nthis"
    assert occurrence("", "only a subject").message == "only a subject"
    assert occurrence("").message == "an empty message of alarms"
    assert occurrence("x", services={"alarms": "db"}, severities={"al*": Severity.INFO}).service == "db"


@pytest.mark.parametrize(
    "message",
    [
        {**ALARM, "Trigger": "text"},
        {"AlarmName": 7, "NewStateValue": "ALARM"},
        {"detail-type": "x", "detail": []},
        {"service_name": "api", "error_message": ""},
        {"service_name": "api", "error_message": "x", "severity": "loud"},
        "{not json",
        '{"a": ' * 200,
        "[1, 2]",
        '{"a": 1e999}',
        '{"a": 123456789012345678901234567890}',
    ],
)
def test_what_is_broken_is_a_text_and_not_lost(message: object) -> None:
    told = notice(message)
    assert told.kind == "text"
    assert told.item is not None


def test_json_of_a_shape_that_nobody_knows_is_laid_out() -> None:
    item = occurrence({"notificationType": "Bounce", "bounce": {"bounceType": "Permanent"}}, "Bounce")
    assert item.context["bounce.bounceType"] == "Permanent"


def _trigger() -> dict[str, object]:
    trigger = ALARM["Trigger"]
    assert isinstance(trigger, dict)
    return trigger
