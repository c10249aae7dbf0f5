"""What the search is told of an alert's later occurrences: the lines and tags that its first one doesn't have. Pure.

Later occurrences of an alert mostly say the same, with other numbers in it. Of those that are kept, the newest first,
each line is taken once, up to ``LATER_LIMIT``; so is each tag. What is in the first one is in the index already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from jinkies.model import Occurrence
from jinkies.names import NAMES_LIMIT, name_parts, tag_lines

MESSAGE_LIMIT = 4_000  # characters of a message, and of a stack trace, that are read: as of the first occurrence
STACK_LIMIT = 8_000
LATER_LIMIT = 8_000  # characters
LINE_LIMIT = 1_000  # characters of a line
TAGS_LIMIT = 100  # of all kept occurrences


class Later(msgspec.Struct, frozen=True, kw_only=True):
    """What is searched of an alert beside its first occurrence and its row."""

    alert_id: int
    through: int  # ordinal of the newest occurrence that was read
    text: str
    tags: str  # of the first occurrence too: "name=value", one a line
    same: bool = False  # as the index has it


def later(alert_id: int, through: int, first: Occurrence, others: Sequence[Occurrence]) -> Later:
    """What of ``others``, the newest first, is searched."""
    seen = set(_lines(first))
    taken: list[str] = []
    room = LATER_LIMIT
    for line in (line for one in others for line in _lines(one)):
        if line in seen:
            continue
        seen.add(line)
        room -= len(line) + 1
        if room < 0:
            break
        taken.append(line)
    names = name_parts(taken)[:NAMES_LIMIT]
    return Later(
        alert_id=alert_id,
        through=through,
        text="\n".join([*taken, names] if names else taken),
        tags="\n".join(_tags([first, *others])),
    )


def _lines(one: Occurrence) -> Iterator[str]:
    texts = (one.message[:MESSAGE_LIMIT], (one.stack_trace or "")[:STACK_LIMIT], one.request_path or "")
    for text in texts:
        for line in text.splitlines():
            if stripped := line.strip():
                yield stripped[:LINE_LIMIT]


def _tags(occurrences: Iterable[Occurrence]) -> list[str]:
    lines = (line for one in occurrences for line in tag_lines(one.tags).split("\n"))
    return list(dict.fromkeys(line for line in lines if line))[:TAGS_LIMIT]
