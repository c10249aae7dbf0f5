"""Jinkies' own JSON, the body of ``POST /webhook/alert``: an alert, an array of them, or NDJSON, one a line.

Only ``service_name`` and ``error_message`` must be there. What is too long is cut and the cut marked, because a
shortened alert is worth more than a refused one; what would be misread (a severity that doesn't exist, a time that
isn't one) is refused with the name of the field.
"""

from __future__ import annotations

import re

import msgspec

from jinkies.commands import Report, ReportOccurrence
from jinkies.ingest import ways
from jinkies.ingest.answers import answer_outcome, answer_report
from jinkies.ingest.bounded_json import BOM, decode
from jinkies.ingest.fields import (
    context_of,
    identifier,
    log_lines,
    occurred_at_ms,
    severity_of,
    short,
)
from jinkies.ingest.refusals import BadField, MalformedJson
from jinkies.ingest.text import clean, cut_end, cut_middle
from jinkies.ingest.ways import Incoming, Way

MAX_MESSAGE = 10_000
MAX_STACK = 100_000
MAX_ITEMS = 1_000
NDJSON = "application/x-ndjson"

_AT = re.compile(r" - at `\$\.?([^`.\[]*)[^`]*`$")
_REQUIRED = re.compile(r"missing required field `([^`]+)`")
_SHOWN_UNKNOWN = 20


class OwnAlert(msgspec.Struct, kw_only=True):
    """The documented fields as they come in; checked and bounded by ``parse``."""

    service_name: str
    error_message: str
    exception_type: str | None = None
    stack_trace: str | None = None
    related_logs: object = None  # a text, or an array of texts or of objects
    request_path: str | None = None
    environment: str | None = None
    instance_id: str | int | None = None
    commit_sha: str | int | None = None
    severity: str | None = None
    additional_context: dict[str, object] | None = None
    occurred_at: str | int | float | None = None  # ISO 8601, or seconds or milliseconds since the Unix epoch
    fingerprint: str | int | None = None


class _KnownFieldsOnly(OwnAlert, forbid_unknown_fields=True):
    """What nearly all send: read once, where unknown fields would have to be looked for."""


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that was understood."""

    command: ReportOccurrence
    ignored: tuple[str, ...]  # names of top-level fields that nobody reads, at most 20


_FIELDS = frozenset(OwnAlert.__struct_fields__)
_PLAIN_DECODER = msgspec.json.Decoder(_KnownFieldsOnly)
_DECODER = msgspec.json.Decoder(OwnAlert)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_NAMES = msgspec.json.Decoder(dict[str, msgspec.Raw])


def parse(body: bytes, *, now_ms: int) -> Parsed:
    """Read a body of at most ``[http] max_unpacked_bytes``.

    Args:
        body: UTF-8 JSON, a byte order mark allowed.
        now_ms: against which a time that lies in the future is noticed.

    Raises:
        MalformedJson: not JSON, not UTF-8, or nested too deep.
        BadField: JSON, but a field is missing or means nothing.
    """
    try:
        return Parsed(command=_command(decode(body, _PLAIN_DECODER), now_ms), ignored=())
    except msgspec.ValidationError:
        pass  # an unknown field, or a mistake
    try:
        alert, ignored = decode(body, _DECODER), _unknown(body)
    except msgspec.ValidationError as error:
        raise _bad_shape(str(error), body) from None
    return Parsed(command=_command(alert, now_ms), ignored=ignored)


def parse_many(body: bytes, *, now_ms: int, lines: bool = False) -> tuple[Parsed, ...]:
    """Read an array of 1 to 1,000 alerts, or as many ``lines`` (empty ones count for nothing).

    Raises:
        MalformedJson, BadField: as ``parse``; names the item by its index, from 0: ``[3].severity``.
    """
    items = _lines(body) if lines else _items(body)
    if not items:
        raise BadField("", "there is no alert in it")
    if len(items) > MAX_ITEMS:
        raise BadField("", f"{len(items):,} alerts at once; at most {MAX_ITEMS:,}")
    return tuple(_parse_item(index, item, now_ms) for index, item in enumerate(items))


def _lines(body: bytes) -> list[bytes]:
    return [line for line in body.removeprefix(BOM).split(b"\n") if line.strip()]


def _items(body: bytes) -> list[bytes]:
    try:
        return [bytes(item) for item in decode(body, _ARRAY)]
    except msgspec.ValidationError:
        raise BadField("", "expected an array of objects") from None


def _parse_item(index: int, item: bytes, now_ms: int) -> Parsed:
    try:
        return parse(item, now_ms=now_ms)
    except MalformedJson as error:
        raise MalformedJson(f"item [{index}]: {error}") from None
    except BadField as error:
        raise BadField(f"[{index}].{error.field}" if error.field else f"[{index}]", error.reason) from None


def _unknown(body: bytes) -> tuple[str, ...]:
    names = [name for name in decode(body, _NAMES) if name not in _FIELDS]
    return tuple(cut_end(clean(name), 100) for name in names[:_SHOWN_UNKNOWN])


_PLAIN = {"str": "a string", "int": "a number", "float": "a number", "object": "an object", "array": "an array"}
_EXPECTED = {
    "service_name": "a string",
    "error_message": "a string",
    "instance_id": "a string",
    "commit_sha": "a string",
    "fingerprint": "a string",
    "additional_context": "an object",
    "occurred_at": "an ISO 8601 time, or seconds or milliseconds since the Unix epoch",
}


def _bad_shape(message: str, body: bytes) -> BadField:
    required = _REQUIRED.search(message)
    if required:
        return BadField(required[1], f"is required{_did_you_mean(body)}")
    at = _AT.search(message)
    if at is None or not at[1]:
        return BadField("", "the body must be a JSON object with service_name and error_message")
    field = at[1] if at[1] in _FIELDS else ""
    got = re.search(r"got `(\w+)`", message)
    if got is None:
        return BadField(field, message.partition(" - at")[0].lower())
    expected = _EXPECTED.get(field, "a string or null")
    return BadField(field, f"expected {expected}, got {_PLAIN.get(got[1], got[1])}")


def _did_you_mean(body: bytes) -> str:
    try:
        unknown = _unknown(body)
    except (ValueError, RecursionError):
        return ""
    return f" (not read: {', '.join(unknown)})" if unknown else ""


def _command(alert: OwnAlert, now_ms: int) -> ReportOccurrence:
    return ReportOccurrence(
        service=identifier("service_name", alert.service_name, limit=200),
        message=_message(alert),
        exception_type=short(alert.exception_type, 256),
        stack_trace=_stack(alert.stack_trace),
        related_logs=log_lines(alert.related_logs),
        request_path=short(alert.request_path, 2_000),
        environment=short(alert.environment, 100),
        instance_id=short(alert.instance_id, 256),
        commit_sha=short(alert.commit_sha, 100),
        severity=severity_of(alert.severity),
        context=context_of(alert.additional_context),
        occurred_at_ms=occurred_at_ms("occurred_at", alert.occurred_at, now_ms=now_ms),
        fingerprint=None if alert.fingerprint is None else identifier("fingerprint", str(alert.fingerprint), limit=500),
    )


def _message(alert: OwnAlert) -> str:
    """``str(ValueError())`` is empty: the exception's name then says what there is to say."""
    text = clean(alert.error_message).strip() or short(alert.exception_type, 256)
    if not text:
        raise BadField("error_message", "must not be empty")
    return cut_end(text, MAX_MESSAGE)


def _stack(text: str | None) -> str | None:
    if text is None or not text.strip():
        return None
    return cut_middle(clean(text), MAX_STACK)


def _read(incoming: Incoming) -> ways.Parsed:
    lines = incoming.headers.get("Content-Type", "").partition(";")[0].strip().lower() == NDJSON
    if not lines and incoming.body.removeprefix(BOM).lstrip()[:1] != b"[":
        parsed = parse(incoming.body, now_ms=incoming.now_ms)
        return ways.Parsed(command=parsed.command, answer=lambda outcome: answer_outcome(outcome, parsed.ignored))
    many = parse_many(incoming.body, now_ms=incoming.now_ms, lines=lines)
    ignored = tuple(dict.fromkeys(name for one in many for name in one.ignored))[:_SHOWN_UNKNOWN]
    command = Report(items=tuple(one.command for one in many))
    return ways.Parsed(command=command, answer=lambda outcome: answer_report(outcome, ignored))


WAY = Way(path="/webhook/alert", parse=_read, content_types=frozenset({"application/json", NDJSON}))
