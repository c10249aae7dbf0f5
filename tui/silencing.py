"""Silences as people ask for them: matchers offered from an alert, and when one begins and ends. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jinkies.errors import Invalid
from jinkies.matching import TAG, Matcher, Op, Silence, parse_matchers
from jinkies.model import AlertDetail, AlertRow
from tui.snoozing import parse_end

_TAGS = 6  # of an alert's that are offered
FROM_HINT = "now; or 22:00, 2h"
FOR_HINT = "2h, 1d12h, or until 18:30"


@dataclass(frozen=True)
class Span:
    """When a silence begins (None: now) and ends."""

    starts_at_ms: int | None
    ends_at_ms: int


def offers(row: AlertRow, detail: AlertDetail | None) -> list[tuple[str, str]]:
    """(matchers as they are typed, what they mean), the narrowest first; what can't be typed is left out."""
    service = Matcher(field="service", op=Op.IS, value=row.service)
    found: list[tuple[tuple[Matcher, ...], str]] = []
    if detail is not None:
        found.append(((Matcher(field="fingerprint", op=Op.IS, value=detail.fingerprint),), "only this alert"))
    if row.exception_type:
        exception = Matcher(field="exception", op=Op.IS, value=row.exception_type)
        found.append(((service, exception), "this exception of the service"))
    found.append(((service, Matcher(field="title", op=Op.IS, value=row.title)), "this title of the service"))
    found.append(((service,), "the whole service"))
    found.append(((service, Matcher(field="environment", op=Op.IS, value=row.environment)), "the service there"))
    tags = list((detail.latest.tags if detail is not None else {}).items())[:_TAGS]
    found += [
        ((service, Matcher(field=f"{TAG}{name}", op=Op.IS, value=value)), "with this tag") for name, value in tags
    ]
    typed = [(" ".join(map(str, matchers)), matchers, words) for matchers, words in found]
    return [(text, words) for text, matchers, words in typed if _reads_back(text, matchers)]


def _reads_back(text: str, matchers: tuple[Matcher, ...]) -> bool:
    try:
        return text.isprintable() and parse_matchers(text) == matchers
    except Invalid:
        return False


def span(begins: str, ends: str, now_ms: int) -> Span:
    """What was typed as beginning and end. Raises ``Invalid``, saying what would be right."""
    starts_at_ms = None
    if begins.strip() not in ("", "now"):
        starts_at_ms = _moment(begins, now_ms)
        if starts_at_ms is None:
            raise Invalid(f"from: {begins[:40]!r} is no time: {FROM_HINT}")
    ends_at_ms = _moment(ends.strip().removeprefix("until "), starts_at_ms or now_ms)
    if ends_at_ms is None:
        raise Invalid(f"for: {ends[:40]!r} is no time: {FOR_HINT}")
    return Span(starts_at_ms, ends_at_ms)


def _moment(typed: str, now_ms: int) -> int | None:
    end = parse_end(typed, now_ms)
    return end.until_ms if end is not None else None


def to_come(silences: Iterable[Silence], now_ms: int) -> list[Silence]:
    """Those that run, then those that are to come; each the next to change first."""
    left = [one for one in silences if now_ms < one.ends_at_ms and one.ended_by is None]
    running = sorted((one for one in left if one.starts_at_ms <= now_ms), key=lambda one: one.ends_at_ms)
    return running + sorted((one for one in left if one.starts_at_ms > now_ms), key=lambda one: one.starts_at_ms)


def running(silences: Iterable[Silence], now_ms: int) -> int:
    """How many run now."""
    return sum(one.starts_at_ms <= now_ms < one.ends_at_ms and one.ended_by is None for one in silences)
