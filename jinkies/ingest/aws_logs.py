"""CloudWatch Logs subscriptions, as a Lambda function forwards them or as Firehose posts them: ``POST /aws/logs``.

Where the formats come from: Amazon CloudWatch Logs, "Log group-level subscription filters"; AWS Lambda, "Using Lambda
with CloudWatch Logs"; Amazon Data Firehose, "HTTP endpoint delivery request and response specifications". Lines of a
batch that belong together are read as a watch reads them; those that say error or worse become occurrences.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from functools import partial

import msgspec
from aiohttp import web

from jinkies.commands import Outcome, ReportOccurrence
from jinkies.config import Config, WatchConfig
from jinkies.ingest import ways
from jinkies.ingest.body import unpack
from jinkies.ingest.hook_json import read
from jinkies.ingest.many import answer_many, answer_retried, commands
from jinkies.ingest.refusals import BadField, Refused
from jinkies.ingest.text import clean
from jinkies.ingest.ways import Incoming, Part, Way
from jinkies.logs.levels import level_of
from jinkies.logs.occurrences import Finding, occurrence
from jinkies.logs.watches import service_of
from jinkies.model import Level, LogEvent, Severity
from jinkies.reading.joining import joined

LINES_AROUND = 5  # on each side, as of a watch
WITH_LINES = 50  # findings of a batch that get them: in a storm the others are reported without
REQUEST_ID = "X-Amz-Firehose-Request-Id"
ACCESS_KEY = "X-Amz-Firehose-Access-Key"
LATEST_MS = 253_402_300_799_000  # the year 9999: a line's time beyond it is none


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """Base64, of gzip or of the JSON itself (Firehose can unpack it)."""

    data: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A log event."""

    id: str
    timestamp: int  # milliseconds since the Unix epoch
    message: str


class Batch(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Events of one stream."""

    message_type: str
    log_group: str = ""
    log_stream: str = ""
    owner: str = ""
    subscription_filters: list[str] = []
    log_events: list[Line] = []


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a request: of a Lambda function, or of Firehose."""

    awslogs: Packed | None = None
    records: list[Packed] | None = None
    request_id: str | None = msgspec.field(name="requestId", default=None)


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """What Firehose takes for a delivery."""

    request_id: str = msgspec.field(name="requestId")
    timestamp: int  # milliseconds since the Unix epoch


_POSTED = msgspec.json.Decoder(Posted)
_BATCH = msgspec.json.Decoder(Batch)


def batches(body: bytes, *, limit_bytes: int) -> tuple[Posted, list[Batch]]:
    """What was posted, and the batches in it, unpacked to at most ``limit_bytes`` in all.

    Raises ``MalformedJson``, ``BadField`` or ``Refused``.
    """
    posted = read(body, _POSTED)
    if posted.awslogs is not None:
        packed = {"awslogs.data": posted.awslogs.data}
    elif posted.records is not None:
        packed = {f"records[{at}].data": record.data for at, record in enumerate(posted.records)}
    else:
        raise BadField("", 'expected {"awslogs": {"data": …}} or {"records": [{"data": …}]}')
    found, left = [], limit_bytes
    for field, data in packed.items():
        text = _unpacked(field, data, left)
        left -= len(text)
        found.append(read(text, _BATCH))
    return posted, found


def reports(batch: Batch, config: Config) -> list[ReportOccurrence]:
    """What of a batch is worth an alert; nothing of a CONTROL_MESSAGE, by which CloudWatch tries the way."""
    if batch.message_type != "DATA_MESSAGE":
        return []
    group = clean(batch.log_group)[:512]
    events = [_event(batch, line, group) for line in batch.log_events]
    service = service_of(config, group)
    return [_report(finding, batch, service) for finding in _findings(events)]


def key_of(batch: Batch) -> str:
    """The same events of the same stream, however often they are delivered."""
    named = "\0".join((batch.log_group, batch.log_stream, *(line.id for line in batch.log_events)))
    return f"awslogs:{hashlib.sha256(named.encode('utf-8', 'replace')).hexdigest()[:40]}"


def way(config: Config) -> Way:
    """``POST /aws/logs``."""
    return Way(
        path="/aws/logs",
        parse=partial(_parse, config=config),
        token=lambda request: request.headers.get(ACCESS_KEY),
        packed_inside=True,
        answer_error=answer_retried,
    )


def _parse(incoming: Incoming, config: Config) -> ways.Parsed:
    posted, found = batches(incoming.body, limit_bytes=config.http.max_unpacked_bytes)
    parts = [part for batch in found for part in _parts(batch, config)]
    answer = answer_many
    if posted.records is not None:
        request_id = incoming.headers.get(REQUEST_ID) or posted.request_id or ""
        answer = partial(_delivered, request_id=request_id[:200], now_ms=incoming.now_ms)
    return ways.Parsed(
        command=parts[0].command if parts else None,
        key=parts[0].key if parts else None,
        more=tuple(parts[1:]),
        answer=answer,
    )


def _parts(batch: Batch, config: Config) -> Iterator[Part]:
    key = key_of(batch)
    for at, command in enumerate(commands(reports(batch, config))):
        yield Part(command=command, key=f"{key}:{at}")


def _delivered(_: Outcome, *, request_id: str, now_ms: int) -> web.Response:
    body = msgspec.json.encode(Delivered(request_id=request_id, timestamp=now_ms))
    return web.Response(body=body, content_type="application/json")


def _unpacked(field: str, data: str, limit_bytes: int) -> bytes:
    try:
        packed = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise BadField(field, "expected base64") from None
    if packed.lstrip()[:1] == b"{":
        return packed
    try:
        return unpack(packed, "gzip", limit_bytes)
    except Refused as error:
        raise Refused(error.status, error.code, f"{field}: {error}") from None


def _event(batch: Batch, line: Line, group: str) -> LogEvent:
    at_ms = min(max(line.timestamp, 0), LATEST_MS)
    message = clean(line.message)
    return LogEvent(
        timestamp_ms=at_ms,
        ingestion_ms=at_ms,
        log_group=group,
        log_stream=clean(batch.log_stream)[:512],
        message=message,
        level=level_of(message),
    )


def _findings(events: list[LogEvent]) -> Iterator[Finding]:
    """Lines that belong together and say error or worse, with those around them."""
    start = count = 0
    for lines in joined(events):
        end = start + len(lines)
        if any(line.level.rank >= Level.ERROR.rank for line in lines):
            around = LINES_AROUND if count < WITH_LINES else 0
            count += 1
            yield Finding(
                lines=tuple(lines),
                matches=(),
                before=tuple(events[max(0, start - around) : start]),
                after=tuple(events[end : end + around]),
            )
        start = end


def _report(finding: Finding, batch: Batch, service: str) -> ReportOccurrence:
    worst = max(line.level.rank for line in finding.lines)
    severity = Severity.CRITICAL if worst >= Level.CRITICAL.rank else Severity.ERROR
    name = clean(", ".join(batch.subscription_filters))[:200]
    made = occurrence(finding, WatchConfig(name=name, severity=severity), service)
    context = {key: value for key, value in made.context.items() if key != "watch"}
    told = {"subscription": name, "account": clean(batch.owner)[:20]}
    return msgspec.structs.replace(made, context=context | {key: value for key, value in told.items() if value})
