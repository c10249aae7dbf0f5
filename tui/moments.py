"""The time that a reader types to go to: what ``--since`` understands, and spans from where the reader is. Pure."""

from __future__ import annotations

from jinkies.errors import Invalid
from jinkies.reading.times import parse_time

FORMS = "13:10 · -5m, +30s (from here) · 5m (ago) · yesterday 9:00 · 2026-01-31T13:10"


def moment(text: str, *, here_ms: int, now_ms: int) -> int:
    """A moment in milliseconds since the epoch.

    Args:
        text: one of ``FORMS``, or of ``jinkies.reading.times.FORMS``.
        here_ms: what a signed span counts from.
        now_ms: the present, for all else.

    Raises:
        Invalid: it is none of them.
    """
    given = text.strip()
    try:
        if given.startswith("+"):
            return 2 * here_ms - parse_time(given[1:], now_ms=here_ms)
        return parse_time(given, now_ms=here_ms if given.startswith("-") else now_ms)
    except Invalid:
        raise Invalid(f"{given[:40]!r} is no time; give one of: {FORMS}") from None
