"""What stands in a secret's place, and what is never cut.

One mark for every kind: what was cut is told by the name that stays beside it, texts that held different kinds of
secrets at one place stay equal (they are grouped and searched by what is left), and a mark is known again as one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

MARK = "[redacted]"
NOTHING = frozenset({"", "none", "null", "nil", "true", "false", "undefined", "empty", "missing", MARK})


class Keep:
    """Texts and names that stay, whatever they look like: a test card's number, ``session_id``."""

    __slots__ = ("_names", "_texts")

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts = tuple(texts)
        self._names = frozenset(text.lower() for text in self._texts)

    def __bool__(self) -> bool:
        return bool(self._texts)

    def name(self, name: str) -> bool:
        """Whether values under this name stay."""
        return name.lower() in self._names

    def holds(self, text: str, start: int, end: int) -> bool:
        """Whether the piece is one of the kept texts, or within one that stands there."""
        for kept in self._texts:
            at = text.find(kept, max(0, end - len(kept)), start + len(kept))
            if at >= 0 and at <= start and end <= at + len(kept):
                return True
        return False


KEEP_NOTHING = Keep()


def cut(pattern: re.Pattern[str], text: str, keep: Keep, is_one: Callable[[re.Match[str]], bool] | None = None) -> str:
    """With the mark for each match that ``is_one``: for its group ``secret`` where it has one, else for all of it."""
    group: str | int = "secret" if "secret" in pattern.groupindex else 0
    pieces: list[str] = []
    done = 0
    for match in pattern.finditer(text):
        start, end = match.span(group)
        if start < done or (is_one is not None and not is_one(match)) or (keep and keep.holds(text, start, end)):
            continue
        pieces += [text[done:start], MARK]
        done = end
    return "".join((*pieces, text[done:])) if pieces else text
