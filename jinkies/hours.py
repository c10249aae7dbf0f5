"""Hours of the week: ``Mon-Fri 09:00-18:00, Sat 10:00-14:00``. Pure."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo

import msgspec

from jinkies.errors import Invalid

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FORM = "Mon-Fri 09:00-18:00, Sat 10:00-14:00"

_PART = re.compile(r"([a-z]{3})(?:-([a-z]{3}))?(?: (\d\d):(\d\d)-(\d\d):(\d\d))?", re.IGNORECASE)
_DAY_MINUTES = 24 * 60


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """The same minutes of some days; what ends before it begins goes on into the next day."""

    days: frozenset[int]  # 0 is Monday
    start_minute: int  # inclusive
    end_minute: int  # exclusive


def parse_hours(text: str) -> tuple[Span, ...]:
    """The spans of a text. Raises ``Invalid``, naming the part that can't be read."""
    return tuple(_span(part.strip()) for part in text.split(","))


def within(spans: tuple[Span, ...], at_ms: int, zone: tzinfo) -> bool:
    """Whether a moment, in milliseconds since the epoch, lies in one of the spans; in none of none."""
    moment = datetime.fromtimestamp(at_ms / 1000, zone)
    day, minute = moment.weekday(), moment.hour * 60 + moment.minute
    return any(_holds(span, day, minute) for span in spans)


def _holds(span: Span, day: int, minute: int) -> bool:
    if span.start_minute < span.end_minute:
        return day in span.days and span.start_minute <= minute < span.end_minute
    since = day in span.days and minute >= span.start_minute
    until = (day - 1) % 7 in span.days and minute < span.end_minute
    return since or until


def _span(text: str) -> Span:
    found = _PART.fullmatch(text)
    if found is None:
        raise Invalid(f"{text[:40]!r} is none; such as {FORM}")
    first, last = _day(found[1]), _day(found[2] or found[1])
    days = frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))
    if found[3] is None:
        return Span(days=days, start_minute=0, end_minute=_DAY_MINUTES)
    start, end = _minute(found[3], found[4]), _minute(found[5], found[6])
    if start in (end, _DAY_MINUTES):
        raise Invalid(f"{text!r} has no time in it")
    return Span(days=days, start_minute=start, end_minute=end)


def _day(name: str) -> int:
    if name.lower() not in DAYS:
        raise Invalid(f"{name!r} is no day; one of {', '.join(day.title() for day in DAYS)}")
    return DAYS.index(name.lower())


def _minute(hour: str, minute: str) -> int:
    total = int(hour) * 60 + int(minute)
    if int(minute) > 59 or total > _DAY_MINUTES:
        raise Invalid(f"{hour}:{minute} is no time of the day")
    return total
