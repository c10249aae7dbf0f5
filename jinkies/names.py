"""What the search is told besides an alert's own text: parts of CamelCase names, and tags.

The search's tokens end at ``_``, ``/`` and ``.``, not inside ``KeyError``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

NAMES_LIMIT = 1_000  # characters kept
READ_LIMIT = 12_000  # characters of each text that are looked at

_WORD = re.compile(r"[A-Za-z]{3,}")
_CAMEL = re.compile(r"[a-z][A-Z]|[A-Z]{2,}[a-z]")
_SPACES = re.compile(r"\s+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def name_parts(texts: Iterable[str]) -> str:
    """``["KeyError in OrderView", …]`` → ``"Key Error Order View"``: each name's parts, each name once, in order."""
    words = dict.fromkeys(word for text in texts for word in _WORD.findall(text[:READ_LIMIT]))
    return " ".join(" ".join(_PART.findall(word)) for word in words if _CAMEL.search(word))[:NAMES_LIMIT]


def tag_lines(tags: dict[str, str]) -> str:
    """``{"region": "eu"}`` → ``"region=eu"``, one a line."""
    return "\n".join(_SPACES.sub(" ", f"{name}={value}") for name, value in tags.items())
