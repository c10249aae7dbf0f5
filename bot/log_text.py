"""Log lines on their way into Discord: a code block of as many as fit, and a file of all. Pure.

Log text is data: its escapes, control characters and changes of direction go, its fences are broken, its secrets are
cut, and what stands behind a line feed is set in, so that no line can pretend to be another event.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from bot.text import ELLIPSIS, clean, cut_end, unfenced, units
from jinkies.clock import iso
from jinkies.model import Level, LogEvent, TailSpec
from jinkies.redact import Redactor
from jinkies.words import LEVEL_WORDS

ENTRY_LINES = 6  # of one event in a block
ENTRY_UNITS = 240  # of one line in a block
FILE_BYTES = 7 * 1_048_576  # of a file; Discord takes 10 MiB from anybody
MESSAGE_CHARS = 20_000  # of one event in a file
_READ_CHARS = 4_000  # of one event that a block looks at: more than it shows, so that no secret is shown cut in two
_SPARE_CHARS = 500  # likewise, of a file

_BREAKS = re.compile("[\u2028\u2029]")
_COUNTED = {
    Level.CRITICAL: ("critical", "critical"),
    Level.ERROR: ("error", "errors"),
    Level.WARNING: ("warning", "warnings"),
    Level.INFO: ("info", "info"),
    Level.DEBUG: ("debug", "debug"),
    Level.NONE: ("without a level", "without a level"),
}


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """The text of a code block, and what of the events it holds."""

    text: str = ""
    shown: int = 0  # events, the newest ones
    whole: bool = True  # none of them is cut, and none left out


def block(events: Sequence[LogEvent], room: int, redactor: Redactor) -> Block:
    """As many of the newest events as fit into ``room`` UTF-16 units, the newest last; at least one, cut if need be.

    Args:
        events: in order, the newest last.
        room: for the text, without its fences; at least 100.
        redactor: cuts secrets.
    """
    entries: list[str] = []
    left, whole = room, True
    for event in reversed(events):
        entry, cut = _entry(event, redactor)
        if units(entry) > left and not entries:
            entry, cut = cut_end(entry, left), True
        if units(entry) > left:
            break
        left -= units(entry) + 1
        whole = whole and not cut
        entries.append(entry)
    whole = whole and len(entries) == len(events)
    return Block(text="\n".join(reversed(entries)), shown=len(entries), whole=whole)


def _entry(event: LogEvent, redactor: Redactor) -> tuple[str, bool]:
    """``13:10:05 ERROR message``, and whether something of it was left out."""
    lines = _lines(event.message[:_READ_CHARS], redactor)
    cut = len(event.message) > _READ_CHARS or len(lines) > ENTRY_LINES
    if len(lines) > ENTRY_LINES:
        lines = [*lines[: ENTRY_LINES - 1], f"{ELLIPSIS} and {len(lines) - ENTRY_LINES + 1:,} more lines"]
    kept = [unfenced(cut_end(line, ENTRY_UNITS)) for line in lines]
    cut = cut or any(units(line) > ENTRY_UNITS for line in lines)
    head = f"{iso(event.timestamp_ms)[11:19]} {LEVEL_WORDS[event.level]:<5} "
    return head + "\n    ".join(kept), cut


def _lines(message: str, redactor: Redactor) -> list[str]:
    text = redactor.text(clean(_BREAKS.sub("\n", message))).replace("\t", "    ").strip("\n")
    return [line.rstrip() for line in text.split("\n")]


def log_file(events: Sequence[LogEvent], redactor: Redactor) -> tuple[bytes, int]:
    """Plain text in UTF-8 of at most ``FILE_BYTES``, an event a line and more of it set in; and how many are in it.

    What does not fit is left out from the oldest on. Works for a while on a large one: not for the event loop.
    """
    groups = len({event.log_group for event in events}) > 1
    entries: list[bytes] = []
    left = FILE_BYTES
    for event in reversed(events):
        entry = _file_entry(event, redactor, named=groups)
        left -= len(entry)
        if left < 0:
            break
        entries.append(entry)
    return b"".join(reversed(entries)), len(entries)


def _file_entry(event: LogEvent, redactor: Redactor, *, named: bool) -> bytes:
    lines = _lines(event.message[: MESSAGE_CHARS + _SPARE_CHARS], redactor)
    text = "\n    ".join(lines)
    if len(event.message) > MESSAGE_CHARS:
        text = f"{text[:MESSAGE_CHARS]}{ELLIPSIS} ({len(event.message) - MESSAGE_CHARS:,} more characters)"
    group = f"{clean(event.log_group)} " if named else ""
    return f"{iso(event.timestamp_ms)} {LEVEL_WORDS[event.level]:<5} {group}{text}\n".encode()


def counted(events: Iterable[LogEvent]) -> Counter[Level]:
    """Events by level."""
    return Counter(event.level for event in events)


def counts_text(counts: Counter[Level]) -> str:
    """``2 errors · 1 warning · 47 info``: the worst first; "" for none."""
    found = [(counts[level], words) for level, words in _COUNTED.items() if counts[level]]
    return " · ".join(f"{count:,} {words[count != 1]}" for count, words in found)


def lines_text(count: int) -> str:
    """``1 line``, ``2,000 lines``."""
    return f"{count:,} line{'' if count == 1 else 's'}"


def in_words(spec: TailSpec) -> str:
    """``api · error and above · "order 17"``."""
    level = f"{spec.level} and above" if spec.level is not Level.NONE else ""
    return " · ".join(part for part in (", ".join(spec.targets), level, spec.filter_pattern) if part)
