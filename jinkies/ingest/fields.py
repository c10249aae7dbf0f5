"""Fields that senders write in many ways, read into one: severities, times, log lines, context."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec

from jinkies.ingest.refusals import BadField
from jinkies.ingest.text import clean, cut_end
from jinkies.model import LogLine, Severity

MAX_LOG_LINES = 200
MAX_LOG_LINE = 4_000
MAX_CONTEXT_KEYS = 50
MAX_CONTEXT_KEY = 200
MAX_CONTEXT_VALUE = 2_000
DAY_MS = 86_400_000

_EARLIEST_MS = 946_684_800_000  # 2000-01-01: before it, a number is not a time of an alert
_SECONDS_BELOW = 100_000_000_000  # as seconds the year 5138, as milliseconds 1973: no time of an alert is both
_MESSAGE_KEYS = ("message", "msg", "line", "text", "log")
_TIME_KEYS = ("timestamp", "time", "@timestamp", "ts", "at")
_GROUP_KEYS = ("log_group", "logGroup", "log_group_name", "logGroupName")
_STREAM_KEYS = ("log_stream", "logStream", "log_stream_name", "logStreamName")
_ALIASES = {
    "debug": Severity.INFO,
    "notice": Severity.INFO,
    "information": Severity.INFO,
    "warn": Severity.WARNING,
    "err": Severity.ERROR,
    "exception": Severity.ERROR,
    "crit": Severity.CRITICAL,
    "fatal": Severity.CRITICAL,
    "alert": Severity.CRITICAL,
    "emergency": Severity.CRITICAL,
}
_SPACE = re.compile(r"\s+")


def short(value: str | int | None, limit: int) -> str | None:
    """One line of at most ``limit`` characters; None for nothing."""
    if value is None:
        return None
    text = _SPACE.sub(" ", clean(str(value))).strip()
    return cut_end(text, limit) if text else None


def identifier(field: str, value: str, *, limit: int) -> str:
    """A name that tells things apart: one line, 1 to ``limit`` characters, never cut. Raises ``BadField``."""
    text = _SPACE.sub(" ", clean(value)).strip()
    if not text:
        raise BadField(field, "must not be empty")
    if len(text) > limit:
        raise BadField(field, f"must be at most {limit} characters, got {len(text)}")
    return text


def severity_of(value: str | None) -> Severity:
    """``error`` when nothing is said. Raises ``BadField`` naming the ones that exist."""
    name = (value or "").strip().lower()
    if not name:
        return Severity.ERROR
    if name in _ALIASES:
        return _ALIASES[name]
    try:
        return Severity(name)
    except ValueError:
        allowed = ", ".join(Severity)
        shown = ascii(cut_end(clean(name), 40))
        raise BadField("severity", f"expected one of {allowed} (or warn, err, fatal), got {shown}") from None


def occurred_at_ms(field: str, value: str | float | None, *, now_ms: int) -> int | None:
    """A time in milliseconds since the Unix epoch, from 2000 on and at most a day ahead of ``now_ms``.

    Text is ISO 8601, UTC when it names no offset, or a number as text. A number below 10¹¹ is seconds, else it is
    milliseconds.

    Raises:
        BadField: neither, or out of those bounds.
    """
    if value is None or value == "":
        return None
    found = _time_ms(value)
    if found is None:
        raise BadField(field, "expected an ISO 8601 time, or seconds or milliseconds since the Unix epoch")
    if not _EARLIEST_MS <= found <= now_ms + DAY_MS:
        raise BadField(field, "must lie between the year 2000 and a day from now: check the unit and the clock")
    return found


def _time_ms(value: str | float) -> int | None:
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return _iso_ms(value)
    else:
        number = value
    try:
        return int(number * 1000) if abs(number) < _SECONDS_BELOW else int(number)
    except (OverflowError, ValueError):  # inf and nan, spelled out in a text
        return None


def _iso_ms(text: str) -> int | None:
    try:
        at = datetime.fromisoformat(text.strip())
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return round(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def log_lines(value: object) -> tuple[LogLine, ...]:
    """The newest 200 lines, 4,000 characters each, from a text, or an array of texts or of objects.

    Lines are taken to be in order, oldest first. Raises ``BadField`` for anything else.
    """
    if value is None:
        return ()
    if isinstance(value, str):
        value = value.splitlines()
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        raise BadField("related_logs", "expected a string, or an array of strings or of objects")
    items = [item for item in value if item is not None and item != ""]
    if len(items) <= MAX_LOG_LINES:
        return tuple(_log_line(item) for item in items)
    kept = items[-(MAX_LOG_LINES - 1) :]
    mark = LogLine(message=f"… [{len(items) - len(kept)} earlier lines cut]")
    return (mark, *(_log_line(item) for item in kept))


def _log_line(item: object) -> LogLine:
    if not isinstance(item, dict):
        return LogLine(message=cut_end(clean(as_text(item)), MAX_LOG_LINE))
    message = _first(item, _MESSAGE_KEYS)
    group, stream = _first(item, _GROUP_KEYS), _first(item, _STREAM_KEYS)
    return LogLine(
        message=cut_end(clean(as_text(item if message is None else message)), MAX_LOG_LINE),
        at_ms=line_time(_first(item, _TIME_KEYS)),
        log_group=None if group is None else short(as_text(group), 512),
        log_stream=None if stream is None else short(as_text(stream), 512),
    )


def line_time(value: object) -> int | None:
    """A line whose time can't be read is still a line."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    found = _time_ms(value)
    return found if found is not None and 0 <= found < _SECONDS_BELOW * 1000 else None


def _first(item: dict[str, object], keys: tuple[str, ...]) -> object:
    return next((item[key] for key in keys if item.get(key) is not None), None)


def context_of(value: dict[str, object] | None) -> dict[str, str]:
    """At most 50 names with their values as text; an object within becomes ``outer.inner`` names."""
    found: dict[str, str] = {}
    pending = [(name, inner) for name, inner in reversed((value or {}).items())]
    dropped = 0
    while pending:
        name, inner = pending.pop()
        if isinstance(inner, dict) and inner and name.count(".") < 8:
            pending.extend((f"{name}.{key}", deeper) for key, deeper in reversed(inner.items()))
        elif len(found) < MAX_CONTEXT_KEYS - (1 if pending or dropped else 0):
            text = inner if type(inner) is str else as_text(inner)
            found[_kept(name, MAX_CONTEXT_KEY)] = _kept(text, MAX_CONTEXT_VALUE)
        else:
            dropped += 1
    if dropped:
        found["…"] = f"[{dropped} more cut]"
    return found


def _kept(text: str, limit: int) -> str:
    return text if len(text) <= limit and "\x00" not in text else cut_end(clean(text), limit)


def as_text(value: object) -> str:
    """A JSON value as text: a string is itself, everything else its JSON."""
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
