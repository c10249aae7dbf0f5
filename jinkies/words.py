"""Words for people. Pure."""

from __future__ import annotations

from jinkies.model import Level

LEVEL_WORDS = {  # of a log line's level; five characters at most
    Level.NONE: "",
    Level.DEBUG: "DEBUG",
    Level.INFO: "INFO",
    Level.WARNING: "WARN",
    Level.ERROR: "ERROR",
    Level.CRITICAL: "CRIT",
}


def number_of(count: int, noun: str, many: str = "") -> str:
    """``1 line``, ``1,204 lines``; ``many`` where an s is not enough."""
    return f"{count:,} {noun if count == 1 else many or f'{noun}s'}"
