"""What a notification of SNS says, by the shape of its message: an alarm, an event, our own JSON, or a text."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from jinkies.commands import ReportOccurrence, ReportRecovery
from jinkies.ingest import cloudwatch_alarm, eventbridge, own_json
from jinkies.ingest.aws_names import Origin, severity_in
from jinkies.ingest.fields import context_of, short
from jinkies.ingest.hook_json import read, tags_of
from jinkies.ingest.refusals import BadField, MalformedJson
from jinkies.ingest.text import clean, cut_end
from jinkies.model import Severity

MAX_MESSAGE = 10_000

_T = TypeVar("_T")


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done about a notification."""

    kind: str  # "alarm", "event", "alert" or "text"
    item: ReportOccurrence | ReportRecovery | None  # None: noted, and nothing else


class _Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What tells the kinds of messages apart."""

    alarm: msgspec.Raw = msgspec.field(name="AlarmName", default=msgspec.Raw())
    state: msgspec.Raw = msgspec.field(name="NewStateValue", default=msgspec.Raw())
    detail_type: msgspec.Raw = msgspec.field(name="detail-type", default=msgspec.Raw())
    detail: msgspec.Raw = msgspec.Raw()
    service_name: msgspec.Raw = msgspec.Raw()
    error_message: msgspec.Raw = msgspec.Raw()


_SHAPE = msgspec.json.Decoder(_Shape)
_ALARM = msgspec.json.Decoder(cloudwatch_alarm.Alarm)
_EVENT = msgspec.json.Decoder(eventbridge.Event)
_FIELDS = msgspec.json.Decoder(dict[str, object])


def parse(message: str, subject: str | None, origin: Origin, *, now_ms: int) -> Notice:
    """Read a message; what is none of the known shapes, or a broken one of them, is a text. Never raises."""
    text = message.strip()
    body = text.encode("utf-8", "replace")
    shape = _try(body, _SHAPE) if text.startswith("{") else None
    if shape is not None and shape.alarm and shape.state and (alarm := _try(body, _ALARM)):
        return Notice(kind="alarm", item=cloudwatch_alarm.report(alarm, origin, now_ms=now_ms))
    if shape is not None and shape.detail_type and shape.detail and (event := _try(body, _EVENT)):
        return Notice(kind="event", item=eventbridge.report(event, origin, now_ms=now_ms))
    if shape is not None and shape.service_name and shape.error_message and (own := _own(body, origin, now_ms)):
        return Notice(kind="alert", item=own)
    return Notice(kind="text", item=_text(text, subject, origin, shape is not None))


def _try(body: bytes, decoder: msgspec.json.Decoder[_T]) -> _T | None:
    try:
        return read(body, decoder)
    except (BadField, MalformedJson):
        return None


def _own(body: bytes, origin: Origin, now_ms: int) -> ReportOccurrence | None:
    try:
        command = own_json.parse(body, now_ms=now_ms).command
    except (BadField, MalformedJson):
        return None
    if command.occurred_at_ms is not None:
        return command
    return msgspec.structs.replace(command, occurred_at_ms=origin.sent_at_ms)


def _text(text: str, subject: str | None, origin: Origin, is_json: bool) -> ReportOccurrence:
    """The subject is the title; without one it is the first line. JSON of a shape that nobody knows is laid out."""
    title = short(subject, 200)
    fields = _try(text.encode("utf-8", "replace"), _FIELDS) if is_json else None
    said = cut_end(clean(text), MAX_MESSAGE - 210) or title or f"an empty message of {origin.topic.name}"
    message = f"{title}\n\n{said}" if title and title != said else said
    return ReportOccurrence(
        service=origin.configured_service() or origin.topic.name,
        message=message,
        severity=origin.configured_severity() or severity_in(title or "") or Severity.ERROR,
        context=context_of(fields) if fields else {},
        occurred_at_ms=origin.sent_at_ms,
        tags=tags_of({"topic": origin.topic.name, "region": origin.topic.region, "account": origin.topic.account}),
    )
