from __future__ import annotations

import json

import pytest

from jinkies.ingest.bounded_json import MAX_DEPTH
from jinkies.ingest.fields import MAX_CONTEXT_KEYS, MAX_LOG_LINE, MAX_LOG_LINES
from jinkies.ingest.own_json import MAX_MESSAGE, MAX_STACK, Parsed, parse
from jinkies.ingest.refusals import BadField, MalformedJson
from jinkies.model import LogLine, Severity

NOW_MS = 1_790_000_000_000


def read(**fields: object) -> Parsed:
    body = {"service_name": "api", "error_message": "boom", **fields}
    return parse(json.dumps(body).encode(), now_ms=NOW_MS)


def malformed(body: bytes) -> str:
    with pytest.raises(MalformedJson) as raised:
        parse(body, now_ms=NOW_MS)
    return str(raised.value)


def refused(body: bytes) -> tuple[str, str]:
    with pytest.raises(BadField) as raised:
        parse(body, now_ms=NOW_MS)
    return raised.value.field, str(raised.value)


def refused_field(**fields: object) -> tuple[str, str]:
    return refused(json.dumps({"service_name": "api", "error_message": "boom", **fields}).encode())


def test_every_documented_field_arrives() -> None:
    command = read(
        exception_type="ValueError",
        stack_trace="Traceback …\n  boom",
        related_logs=["one", "two"],
        request_path="/orders/7",
        environment="staging",
        instance_id="i-1",
        commit_sha="abc123",
        severity="critical",
        additional_context={"user": "u1"},
        occurred_at="2026-01-01T00:00:00Z",
        fingerprint="mine",
    ).command
    assert (command.service, command.message, command.exception_type) == ("api", "boom", "ValueError")
    assert command.stack_trace == "Traceback …\n  boom"
    assert command.related_logs == (LogLine(message="one"), LogLine(message="two"))
    assert (command.request_path, command.environment) == ("/orders/7", "staging")
    assert (command.instance_id, command.commit_sha) == ("i-1", "abc123")
    assert (command.severity, command.context) == (Severity.CRITICAL, {"user": "u1"})
    assert (command.occurred_at_ms, command.fingerprint) == (1_767_225_600_000, "mine")


def test_two_fields_are_enough_and_nulls_are_nothing() -> None:
    names = ("exception_type", "stack_trace", "related_logs", "severity", "additional_context", "occurred_at")
    command = read(**dict.fromkeys(names)).command
    assert command == read().command
    assert command.severity is Severity.ERROR
    assert command.occurred_at_ms is None


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("WARN", Severity.WARNING),
        ("Fatal", Severity.CRITICAL),
        ("err", Severity.ERROR),
        ("Info", Severity.INFO),
        ("", Severity.ERROR),
    ],
)
def test_severities_as_teams_write_them(text: str, severity: Severity) -> None:
    assert read(severity=text).command.severity is severity


def test_an_unknown_severity_is_named_with_those_that_exist() -> None:
    field, message = refused_field(severity="hig\u001bh")
    assert field == "severity"
    assert message == (
        r"severity: expected one of info, warning, error, critical (or warn, err, fatal), got 'hig\x1bh'"
    )


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-01T00:00:00Z",
        "2026-01-01T01:00:00+01:00",
        "2026-01-01T00:00:00",
        1767225600,
        1767225600.0,
        1767225600000,
        "1767225600",
    ],
)
def test_times_as_teams_write_them(value: object) -> None:
    assert read(occurred_at=value).command.occurred_at_ms == 1_767_225_600_000


@pytest.mark.parametrize("value", ["yesterday", "nan", "inf", "2026-13-01", [1]])
def test_what_is_no_time_is_refused(value: object) -> None:
    field, message = refused_field(occurred_at=value)
    assert field == "occurred_at"
    assert "expected an ISO 8601 time, or seconds or milliseconds since the Unix epoch" in message


@pytest.mark.parametrize("value", [0, -5, 1767225600 * 10**6, "0001-01-01", "9999-12-31T23:59:59Z", 5_000_000_000])
def test_a_time_out_of_reach_is_refused(value: object) -> None:
    assert refused_field(occurred_at=value) == (
        "occurred_at",
        "occurred_at: must lie between the year 2000 and a day from now: check the unit and the clock",
    )


def test_related_logs_as_teams_send_them() -> None:
    assert [line.message for line in read(related_logs="a\nb").command.related_logs] == ["a", "b"]
    lines = read(
        related_logs=[
            {"message": "m", "timestamp": 1767225600000, "logStream": "s"},
            {"msg": "n", "time": "2026-01-01T00:00:00Z", "log_group": "/g"},
            {"event": "x", "n": 1},
            7,
            None,
            {"message": "t", "timestamp": "no time"},
        ]
    ).command.related_logs
    assert lines == (
        LogLine(message="m", at_ms=1_767_225_600_000, log_stream="s"),
        LogLine(message="n", at_ms=1_767_225_600_000, log_group="/g"),
        LogLine(message='{"event":"x","n":1}'),
        LogLine(message="7"),
        LogLine(message="t"),
    )
    assert refused_field(related_logs=7)[0] == "related_logs"


def test_long_texts_are_cut_and_say_so() -> None:
    command = read(
        error_message="m" * 20_000,
        stack_trace="HEAD" + "s" * 200_000 + "TAIL",
        related_logs=[f"line {n}" for n in range(500)] + ["w" * 9_000],
    ).command
    assert len(command.message) <= MAX_MESSAGE
    assert command.message.endswith("characters cut]")
    assert command.stack_trace is not None
    assert len(command.stack_trace) <= MAX_STACK
    assert command.stack_trace.startswith("HEAD")
    assert command.stack_trace.endswith("TAIL")
    assert "characters cut" in command.stack_trace
    assert len(command.related_logs) == MAX_LOG_LINES
    assert command.related_logs[0].message == "… [302 earlier lines cut]"
    assert command.related_logs[1].message == "line 302"
    assert len(command.related_logs[-1].message) <= MAX_LOG_LINE


def test_a_text_at_its_limit_is_whole() -> None:
    assert read(error_message="m" * MAX_MESSAGE).command.message == "m" * MAX_MESSAGE
    assert len(read(related_logs=["x"] * MAX_LOG_LINES).command.related_logs) == MAX_LOG_LINES


def test_context_is_flattened_to_text_and_bounded() -> None:
    context = read(
        additional_context={
            "s": "t",
            "n": 1.5,
            "b": True,
            "z": None,
            "l": [1, {"a": 2}],
            "o": {"i": {"d": "e"}},
            "e": {},
        }
    ).command.context
    assert context == {"s": "t", "n": "1.5", "b": "true", "z": "null", "l": '[1,{"a":2}]', "o.i.d": "e", "e": "{}"}
    many = read(additional_context={f"k{n}": n for n in range(60)}).command.context
    assert len(many) == MAX_CONTEXT_KEYS
    assert many["k48"] == "48"
    assert many["…"] == "[11 more cut]"
    exactly = read(additional_context={f"k{n}": n for n in range(50)}).command.context
    assert len(exactly) == MAX_CONTEXT_KEYS
    assert "…" not in exactly


def test_an_empty_message_falls_back_to_the_exception_or_is_refused() -> None:
    assert read(error_message="", exception_type="ValueError").command.message == "ValueError"
    assert refused_field(error_message=" ") == ("error_message", "error_message: must not be empty")


def test_names_that_identify_are_refused_rather_than_cut() -> None:
    assert refused_field(service_name="s" * 201)[1] == "service_name: must be at most 200 characters, got 201"
    assert refused_field(service_name=" \n")[1] == "service_name: must not be empty"
    assert refused_field(fingerprint="")[0] == "fingerprint"
    assert read(service_name=" my\napi ").command.service == "my api"


def test_nul_and_lone_surrogates_become_replacement_characters() -> None:
    assert read(error_message="a\x00b").command.message == "a\ufffdb"
    assert read(error_message="a\ud800").command.message == "a\ufffd"
    assert read(error_message="\udc00b 😀 \\ud800").command.message == "\ufffdb 😀 \\ud800"
    assert read(additional_context={"k\x00": "\ud83d"}).command.context == {"k\ufffd": "\ufffd"}


def test_unknown_fields_are_listed() -> None:
    assert read(service="x", zeit=1).ignored == ("service", "zeit")
    assert len(read(**{f"x{n}": n for n in range(50)}).ignored) == 20


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is empty; expected a JSON object"),
        (b'{"service_name": "api"', "ends too early, after 22 bytes"),
        (b'{"service_name": "api",\n  "x": nope}', "invalid character at line 2, column 9 (byte 32)"),
        (b'{"service_name": "\xc3\xa4", nope}', "object keys must be strings at line 1, column 23 (byte 23)"),
        (b'{"service_name": "\xff"}', "not UTF-8 at byte 18"),
        (b'{"x": NaN}', "invalid character at line 1, column 7 (byte 6)"),
        (b"service_name=api", "invalid character at line 1, column 1 (byte 0)"),
    ],
)
def test_what_is_not_json_says_where(body: bytes, message: str) -> None:
    assert malformed(body) == message


@pytest.mark.parametrize("field", ["additional_context", "related_logs", "nobody_reads_this"])
def test_depth_is_bounded_in_every_field(field: str) -> None:
    start = b'{"service_name": "api", "error_message": "[[[[[[", "%s": ' % field.encode()
    for depth in (MAX_DEPTH, 100_000):
        assert malformed(start + b"[" * depth + b"]" * depth + b"}").startswith(
            f"nested deeper than {MAX_DEPTH} levels"
        )
    brackets_in_text = json.dumps({"service_name": "api", "error_message": '"[{\\' * 100}).encode()
    assert parse(brackets_in_text, now_ms=NOW_MS).command.message == '"[{\\' * 100


def test_depth_at_the_bound_is_read() -> None:
    depth = MAX_DEPTH - 2
    nested: object = "x"
    for _ in range(depth):
        nested = [nested]
    assert read(additional_context={"deep": nested}).command.context["deep"] == "[" * depth + '"x"' + "]" * depth


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (b"[]", "", "the body must be a JSON object with service_name and error_message"),
        (b"null", "", "the body must be a JSON object with service_name and error_message"),
        (b'{"error_message": "x"}', "service_name", "service_name: is required"),
        (
            b'{"service": "a", "error_message": "x"}',
            "service_name",
            "service_name: is required (not read: service)",
        ),
        (b'{"service_name": 7, "error_message": "x"}', "service_name", "service_name: expected a string, got a number"),
        (
            b'{"service_name": "a", "error_message": "x", "additional_context": [1]}',
            "additional_context",
            "additional_context: expected an object, got an array",
        ),
        (
            b'{"service_name": "a", "error_message": "x", "severity": 3}',
            "severity",
            "severity: expected a string or null, got a number",
        ),
    ],
)
def test_a_wrong_shape_names_its_field(body: bytes, field: str, message: str) -> None:
    assert refused(body) == (field, message)


def test_a_byte_order_mark_is_allowed() -> None:
    assert parse(b'\xef\xbb\xbf{"service_name":"a","error_message":"b"}', now_ms=NOW_MS).command.service == "a"
