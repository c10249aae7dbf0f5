"""Whatever is posted to a webhook gets an answer that says so: never a 500, never a stuck request."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jinkies.config import Config, SnsConfig
from jinkies.ingest import alertmanager, aws_logs, sns_message, sns_notice
from jinkies.ingest.aws_names import Origin
from jinkies.ingest.refusals import BadField, MalformedJson, Refused
from tests.ingest.hooking import Hook, hooking
from tests.ingest.signing import HEADERS, TOPIC, Recorder, notification, signer
from tests.ingest.test_alertmanager import NOW_MS, alert, body
from tests.ingest.test_aws_logs import LINES, TRACE, batch
from tests.ingest.test_sns_notice import ALARM, ecs_task

CONFIG = Config(home=Path("/nonexistent"), sns=SnsConfig(topics=(TOPIC,)))
ORIGIN = Origin(topic=sns_message.topic_of(TOPIC), sent_at_ms=NOW_MS, config=CONFIG)
FUZZED = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))

words = st.text(max_size=30) | st.sampled_from(
    ["", "\0", "\ud800", "é" * 600, "{{ default }}", "<@1>", "[bold]", "../..", "0001-01-01T00:00:00Z", "inf", "1e400"]
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | words
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4))


@st.composite
def mangled(draw: st.DrawFn, whole: object) -> object:
    """``whole`` with some of it replaced, left out or added."""
    if isinstance(whole, Mapping):
        made = {}
        for name, value in whole.items():
            fate = draw(st.integers(0, 11))
            if fate != 0:
                made[name] = draw(values) if fate == 1 else draw(mangled(value))
        return made | draw(st.dictionaries(words, values, max_size=1))
    if isinstance(whole, list):
        return [draw(mangled(one)) for one in whole]
    return draw(values) if draw(st.integers(0, 19)) == 0 else whole


def encoded(value: object) -> bytes:
    """As Python's own json writes it, NaN, Infinity and lone surrogates too."""
    return json.dumps(value).encode()


@FUZZED
@given(mangled(body(alert(), alert("resolved"), version="4")), st.sampled_from(["alertmanager", "grafana"]))
def test_notifications(sent: object, source: str) -> None:
    try:
        told = alertmanager.parse(encoded(sent), now_ms=NOW_MS, source=source)
    except (BadField, MalformedJson):
        return
    assert msgspec.json.encode(told.items)
    assert all(len(item.service) <= 200 and item.service for item in told.items)


@FUZZED
@given(mangled(ALARM) | mangled(ecs_task(1)) | values, st.none() | words.filter(lambda word: word != "\ud800"))
def test_what_a_notification_of_sns_says(sent: object, subject: str | None) -> None:
    told = sns_notice.parse(encoded(sent).decode(), subject, ORIGIN, now_ms=NOW_MS)
    assert msgspec.json.encode(told)


@FUZZED
@given(mangled(notification("boom", "subject", Signature="AAAA")))
def test_envelopes_of_sns(sent: object) -> None:
    try:
        message = sns_message.parse(encoded(sent))
        sns_message.signed_text(message)
        sns_message.sent_at_ms(message, now_ms=NOW_MS)
        sns_message.certificate_url(message)
    except (BadField, MalformedJson):
        return


@FUZZED
@given(st.text(max_size=80) | st.from_regex(r"https?:[/\\]{1,3}[\w.@:\[\]#?%-]{0,40}amazonaws\.com.{0,20}"))
def test_addresses_of_sns(url: str) -> None:
    """Whatever passes is that of SNS to another parser too."""
    import httpx

    try:
        message = sns_message.parse(msgspec.json.encode(notification("x", Signature="A", SigningCertURL=url)))
        passed = sns_message.certificate_url(message)
    except (BadField, UnicodeEncodeError):
        return
    parsed = httpx.URL(passed)
    assert (parsed.scheme, parsed.port, parsed.userinfo) == ("https", None, b"")
    assert parsed.host.startswith("sns.")
    assert parsed.host.endswith((".amazonaws.com", ".amazonaws.com.cn"))


@FUZZED
@given(mangled(batch([*LINES, *TRACE])), st.sampled_from(["gzip", "plain", "cut", "noise"]), st.booleans())
def test_batches_of_logs(one: object, how: str, firehose: bool) -> None:
    content = encoded(one)
    packed = {
        "gzip": gzip.compress(content),
        "plain": content,
        "cut": gzip.compress(content)[:-5],
        "noise": b"\x1f\x8b" + content,
    }[how]
    data = {"data": base64.b64encode(packed).decode()}
    try:
        _, found = aws_logs.batches(encoded({"records": [data]} if firehose else {"awslogs": data}), limit_bytes=10**6)
        reports = [report for batch in found for report in aws_logs.reports(batch, CONFIG)]
    except (BadField, MalformedJson, Refused):
        return
    assert msgspec.json.encode(reports)


@pytest.fixture
async def hook(configure: Callable[..., Config]) -> AsyncIterator[Hook]:
    async with hooking(configure(sns=SnsConfig(topics=(TOPIC,))), fetch=Recorder(signer().pem)) as hook:
        yield hook


DEEP = b'{"version": "4", "alerts": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
ODD = [
    b"",
    b"null",
    b"[]",
    b"\xff\xfe{\x00}\x00",
    b"{" * 50_000,
    DEEP,
    b'{"version": "4", "alerts": [{"status": "firing", "startsAt": "2026-01-01T00:00:00Z", "labels": {"a": 1e999}}]}',
    b'{"version": "4", "alerts": [{"status": "firing", "startsAt": "2026-01-01T00:00:00Z", "labels": {"a": '
    + b"9" * 5_000
    + b"}}]}",
    b'{"awslogs": {"data": "' + b"A" * 700_000 + b'"}}',
    b'{"records": [' + b'{"data": "e30="},' * 50_000 + b'{"data": "e30="}]}',
    b'{"Type": "Notification", "Message": "' + b"\\ud800" * 50_000 + b'"}',
    b'{"a": "' + b"x" * 900_000,
]


@pytest.mark.parametrize("path", ["/alertmanager", "/grafana", "/aws/logs", "/sns"])
@pytest.mark.parametrize("sent", ODD, ids=lambda sent: f"{sent[:20]!a}-{len(sent)}")
async def test_odd_bodies_are_answered(hook: Hook, path: str, sent: bytes) -> None:
    for content in (sent, gzip.compress(sent)):
        packed = {"Content-Encoding": "gzip"} if content is not sent else {}
        status, taken = await hook.post(path, content, **packed, x_amz_sns_message_type="Notification")
        assert status < 500
        assert taken.message or taken.status == "success"


async def test_odd_messages_that_sns_signed_are_taken_in(hook: Hook) -> None:
    for at, message in enumerate(
        [
            "",
            "\0",
            "{}",
            "[]",
            "{" * 5_000,
            '{"detail-type":1,"detail":2}',
            '{"AlarmName":"","NewStateValue":"ALARM"}',
            "x" * 250_000,
            "\u202e\U0001f600",
            '{"a":' * 90 + "1" + "}" * 90,
        ]
    ):
        sent = signer().signed(notification(message, MessageId=f"m-{at}"))
        answer = await hook.client.post("/sns", content=msgspec.json.encode(sent), headers=HEADERS)
        assert answer.status_code == 200, (message[:40], answer.text)
