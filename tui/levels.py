"""Levels of log lines as the console writes them. Pure."""

from __future__ import annotations

import re

from jinkies.model import Level
from jinkies.words import LEVEL_WORDS

_NAMED = re.compile(
    r"\s*\[?(DEBUG|INFO|WARN(?:ING)?|ERR(?:OR)?|CRIT(?:ICAL)?)(?:\]:?|:)?\s+",
)
_SAME = {
    "DEBUG": Level.DEBUG,
    "INFO": Level.INFO,
    "WARN": Level.WARNING,
    "WARNING": Level.WARNING,
    "ERR": Level.ERROR,
    "ERROR": Level.ERROR,
    "CRIT": Level.CRITICAL,
    "CRITICAL": Level.CRITICAL,
}


def level_word(level: Level) -> str:
    """Five characters at most."""
    return LEVEL_WORDS[level]


def level_end(text: str, level: Level) -> int:
    """Where the level that a line begins with ends, when it is this one and something follows; else 0."""
    found = _NAMED.match(text)
    if found is None or _SAME.get(found[1].upper()) is not level or found.end() >= len(text):
        return 0
    return found.end()
