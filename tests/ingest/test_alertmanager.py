"""Webhooks of Alertmanager and Grafana; bodies after Prometheus' webhook_config and Grafana's webhook notifier."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import msgspec
import pytest

from jinkies.config import Config
from jinkies.ingest.alertmanager import parse, severity_named
from jinkies.ingest.refusals import BadField, MalformedJson
from jinkies.model import LinkKind, Severity, State
from tests.ingest.hooking import TOKEN, Hook, hooking

NOW_MS = 1_767_225_600_000  # 2026-01-01
STARTED = "2025-12-31T23:50:00.123456789Z"
ENDED = "2025-12-31T23:55:00Z"
NEVER = "0001-01-01T00:00:00Z"


def alert(status: str = "firing", instance: str = "web-1", **changes: object) -> dict[str, object]:
    """One alert as Alertmanager writes it."""
    return {
        "status": status,
        "labels": {
            "alertname": "HighLatency",
            "service": "checkout",
            "instance": instance,
            "severity": "page",
            "env": "prod",
        },
        "annotations": {
            "summary": "p99 over 2 s",
            "description": f"{instance} answers in 3.1 s",
            "runbook_url": "https://runbooks.example/latency",
        },
        "startsAt": STARTED,
        "endsAt": ENDED if status == "resolved" else NEVER,
        "generatorURL": "http://prometheus.example/graph?g0.expr=p99",
        "fingerprint": f"c6eadffa33fcd{len(instance)}{instance[-1]}",
        **changes,
    }


def body(*alerts: dict[str, object], **changes: object) -> dict[str, object]:
    return {
        "version": "4",
        "groupKey": '{}:{alertname="HighLatency"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "jinkies",
        "groupLabels": {"alertname": "HighLatency"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": list(alerts),
        **changes,
    }


@pytest.fixture
async def hook(config: Config) -> AsyncIterator[Hook]:
    async with hooking(config) as hook:
        yield hook


async def test_what_fires_is_an_alert_with_all_that_was_told(hook: Hook) -> None:
    status, taken = await hook.post("/alertmanager", body(alert()))
    assert (status, taken.reports, taken.created, taken.alert_ids) == (200, 1, 1, ("1",))
    detail = await hook.detail()
    assert (detail.row.service, detail.row.environment) == ("checkout", "prod")
    assert (detail.row.severity, detail.row.title) == (Severity.CRITICAL, "HighLatency: p99 over 2 s")
    assert detail.latest.message == "HighLatency: p99 over 2 s\n\nweb-1 answers in 3.1 s"
    assert detail.latest.tags["instance"] == detail.latest.instance_id == "web-1"
    assert detail.row.first_seen_at_ms == 1_767_225_000_123
    assert {link.kind: link.url for link in detail.row.links} == {
        LinkKind.RUNBOOK: "https://runbooks.example/latency",
        LinkKind.SOURCE: "http://prometheus.example/graph?g0.expr=p99",
    }


async def test_what_is_told_again_is_no_other_time_and_the_one_more_alert_is_taken_in(hook: Hook) -> None:
    await hook.post("/alertmanager", body(alert()))
    status, taken = await hook.post("/alertmanager", body(alert(), alert(instance="web-2")))
    assert (status, taken.reports, taken.changed, taken.created) == (200, 2, 1, 1)
    assert [row.count for row in await hook.rows()] == [1, 1]
    assert (await hook.post("/alertmanager", body(alert(), alert(instance="web-2"))))[1].changed == 0
    later = alert(startsAt="2026-01-01T08:00:00Z")
    assert (await hook.post("/alertmanager", body(later)))[1].changed == 1
    assert (await hook.detail()).row.count == 2


async def test_what_is_over_resolves_its_own_alert_and_one_that_fires_again_comes_back(hook: Hook) -> None:
    await hook.post("/alertmanager", body(alert(), alert(instance="web-2")))
    await hook.post("/alertmanager", body(alert("resolved"), alert(instance="web-2")))
    assert [row.state for row in await hook.rows()] == [State.RESOLVED, State.OPEN]
    assert (await hook.detail()).row.resolved_at_ms == 1_767_225_300_000
    await hook.post("/alertmanager", body(alert("resolved")))
    again = alert(startsAt="2025-12-31T23:55:01Z")
    await hook.post("/alertmanager", body(again))
    assert (await hook.detail()).row.state is State.OPEN


async def test_many_alerts_are_one_request(hook: Hook) -> None:
    many = [alert(fingerprint=f"{n:016x}", annotations={}) for n in range(1_200)]
    status, taken = await hook.post("/alertmanager", body(*many))
    assert (status, taken.reports, taken.created, len(taken.alert_ids)) == (200, 1_200, 1_200, 20)
    assert (await hook.post("/alertmanager", body(*many)))[1].changed == 0


async def test_alerts_that_were_left_out_are_told_of(hook: Hook) -> None:
    _, taken = await hook.post("/alertmanager", body(alert(), truncatedAlerts=7))
    assert taken.note == "7 more alerts were left out by the sender (its max_alerts)"
    assert (await hook.post("/alertmanager", body()))[1].reports == 0


async def test_a_name_and_a_password_let_in_as_both_can_send_them(hook: Hook) -> None:
    basic = base64.b64encode(f"alertmanager:{TOKEN}".encode()).decode()
    assert (await hook.post("/alertmanager", body(alert()), Authorization=f"Basic {basic}"))[0] == 200
    wrong = base64.b64encode(b"alertmanager:nonsense").decode()
    assert (await hook.post("/grafana", body(alert()), Authorization=f"Basic {wrong}"))[0] == 401


async def test_what_grafana_tells_more_is_kept(hook: Hook) -> None:
    told = alert(
        labels={"alertname": "DiskFull", "grafana_folder": "infra", "job": "node"},
        annotations={"description": "/ is at 97 %", "team": "infra"},
        generatorURL="https://grafana.example/alerting/grafana/1afz29v7z/view?orgId=1",
        silenceURL="https://grafana.example/alerting/silence/new?alertmanager=grafana",
        dashboardURL="https://grafana.example/d/dash?orgId=1",
        panelURL="https://grafana.example/d/dash?orgId=1&viewPanel=4",
        values={"B": 97.2, "C": 1},
        valueString="[ var='B' labels={instance=web-1} value=97.2 ]",
    )
    told.pop("endsAt")
    sent = body(told, version="1", orgId=1, title="[FIRING:1]", state="alerting", message="**Firing**")
    assert (await hook.post("/grafana", sent))[0] == 200
    detail = await hook.detail()
    assert (detail.row.service, detail.row.title) == ("node", "DiskFull: / is at 97 %")
    assert detail.row.severity is Severity.ERROR
    assert detail.latest.context["values.B"] == "97.2"
    assert detail.latest.context["team"] == "infra"
    assert detail.latest.context["silence"].startswith("https://grafana.example/alerting/silence")
    assert [link.url for link in detail.row.links] == ["https://grafana.example/d/dash?orgId=1&viewPanel=4"]
    await hook.post("/alertmanager", body(told))
    assert len(await hook.rows()) == 2  # another program's fingerprints


def test_links_that_are_none_are_dropped() -> None:
    for address in ("javascript:alert(1)", "http://", "https://a b", "x" * 3_000, "ftp://a/b", "http://[::1"):
        sent = alert(generatorURL=address, annotations={"runbook_url": address})
        (item,) = parse(msgspec.json.encode(body(sent)), now_ms=NOW_MS).items
        assert (item.link, item.runbook) == (None, None)  # type: ignore[union-attr] # it fires


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("page", "critical"),
        ("High", "error"),
        ("warn", "warning"),
        (" info ", "info"),
        ("none", "info"),
        ("what", None),
    ],
)
def test_severities_as_people_write_them(word: str, severity: str | None) -> None:
    assert severity_named(word) == severity


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (body(alert(), version="3"), "version"),
        (body(alert(startsAt="yesterday")), "alerts[0].startsAt"),
        (body(alert(startsAt="")), "alerts[0].startsAt"),
        (body(alert(), alert(startsAt="2999-01-01T00:00:00Z")), "alerts[1].startsAt"),
        (body(alert(status="pending")), "alerts[0].status"),
        (body(alert(labels=["a"])), "alerts[0].labels"),
        ({"version": "4"}, ""),
        ([], ""),
    ],
)
def test_what_it_can_not_be_is_named(sent: object, field: str) -> None:
    with pytest.raises(BadField) as caught:
        parse(msgspec.json.encode(sent), now_ms=NOW_MS)
    assert caught.value.field == field


def test_no_json_is_told() -> None:
    with pytest.raises(MalformedJson):
        parse(b"status: firing", now_ms=NOW_MS)
