"""What the command line prints: text that can't drive the terminal, aligned columns, colour only where it shows."""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TextIO

from jinkies.model import PartState, Severity, State

# C0 and C1 controls, DEL, line and paragraph separators, direction controls, lone surrogates.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SPACES = re.compile(r"[\t\r\n]+")

RED, GREEN, YELLOW, BLUE, DIM, BOLD = "31", "32", "33", "34", "2", "1"
SEVERITY_COLOURS = {Severity.CRITICAL: "1;31", Severity.ERROR: RED, Severity.WARNING: YELLOW, Severity.INFO: BLUE}
STATE_COLOURS = {State.OPEN: RED, State.ACKNOWLEDGED: YELLOW, State.SNOOZED: DIM, State.RESOLVED: GREEN}
PART_COLOURS = {
    PartState.OK: GREEN,
    PartState.CONNECTING: YELLOW,
    PartState.FAILED: RED,
    PartState.UNCONFIGURED: DIM,
}


def _visible(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "\ufffd"


def line(text: str) -> str:
    """Text from outside as one line; what would drive a terminal is shown as a symbol."""
    return _UNSAFE.sub(_visible, _SPACES.sub(" ", text)).strip()


def block(text: str, *, indent: str = "  ") -> str:
    """Text from outside as indented lines; what would drive a terminal is shown as a symbol."""
    lines = text.replace("\r\n", "\n").expandtabs(4).rstrip("\n").split("\n")
    return "\n".join(f"{indent}{_UNSAFE.sub(_visible, one)}".rstrip() for one in lines)


def width(text: str) -> int:
    """Terminal cells that ``text`` takes: two for East Asian wide characters, none for combining ones."""
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, cells: int) -> str:
    """``text`` in at most ``cells`` terminal cells, ending in … where it was cut."""
    if width(text) <= cells:
        return text
    kept, used = "", 0
    for character in text:
        used += _cells(character)
        if used > cells - 1:
            break
        kept += character
    return kept + "…"


class Cell:
    """A text in a table, with the colour it has on a terminal."""

    __slots__ = ("colour", "text")

    def __init__(self, text: str, colour: str = "") -> None:
        self.text = text
        self.colour = colour


class Printer:
    """Prints to a stream, in colour when it is a terminal that shows it and NO_COLOR is unset (no-color.org)."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self.terminal = self._stream.isatty()
        self.colour = self.terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def print(self, text: str = "") -> None:
        """Print lines; the text must be safe already."""
        print(text, file=self._stream)

    def paint(self, text: str, colour: str) -> str:
        """``text`` in an SGR colour, where colours show."""
        return f"\x1b[{colour}m{text}\x1b[0m" if self.colour and colour and text else text

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[Cell]], *, indent: str = "") -> None:
        """Aligned columns two spaces apart, the last one cut at the terminal's edge; no heads, no head line."""
        shown = [[Cell(head, DIM) for head in heads], *rows] if heads else list(rows)
        columns = max((len(row) for row in shown), default=0)
        widths = [max(width(row[at].text) for row in shown) for at in range(columns)]
        if self.terminal and columns:
            before = len(indent) + sum(widths[:-1]) + 2 * (columns - 1)
            widths[-1] = max(20, shutil.get_terminal_size().columns - before)
        for row in shown:
            cells = [self._padded(cell, widths[at], last=at == columns - 1) for at, cell in enumerate(row)]
            self.print(f"{indent}{'  '.join(cells)}".rstrip())

    def _padded(self, cell: Cell, cells: int, *, last: bool) -> str:
        text = fit(cell.text, cells)
        return self.paint(text, cell.colour) + ("" if last else " " * (cells - width(text)))


def complain(message: str) -> None:
    """One line for people, on stderr."""
    print(f"jinkies: {line(message)}", file=sys.stderr)


def ago(at_ms: int, now_ms: int) -> str:
    """``"12s ago"``, ``"3m ago"``, ``"5h ago"``, ``"2d ago"``, then the date; the future is ``"now"``."""
    seconds = (now_ms - at_ms) // 1000
    if seconds < 1:
        return "now"
    for size, unit, below in ((1, "s", 60), (60, "m", 3_600), (3_600, "h", 172_800), (86_400, "d", 30 * 86_400)):
        if seconds < below:
            return f"{seconds // size}{unit} ago"
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")


def moment(at_ms: int) -> str:
    """``"2026-01-01 00:00:00Z"``."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
