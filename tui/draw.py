"""Lines of styled text, as the Line API draws them. Segments carry data as it is; no markup is ever parsed."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui import theme
from tui.format import cut, wrap

Line = list[Segment]
Part = tuple[str, Style]


def line(*parts: Part) -> Line:
    """A line from (clean text, style) pairs; empty texts are left out."""
    return [Segment(text, style) for text, style in parts if text]


def width_of(segments: Iterable[Segment]) -> int:
    """Cells."""
    return sum(cell_len(segment.text) for segment in segments)


def join(left: Line, right: Line, width: int) -> Line:
    """``left`` and ``right`` at the two ends of ``width`` cells; the right one gives way when both don't fit."""
    gap = width - width_of(left) - width_of(right)
    if gap < 1:
        return left
    return [*left, Segment(" " * gap, theme.TEXT), *right]


def rule(title: str, right: str, width: int) -> Line:
    """``Title ─ more ─────── right ──``: the heading of a section."""
    title = cut(title, max(width - cell_len(right) - 8, 8))
    dashes = width - cell_len(title) - cell_len(right) - 2 - (4 if right else 0)
    parts: list[Part] = [(title, theme.ACCENT), (" " + "─" * max(dashes, 1), theme.RULE)]
    if right:
        parts += [(" " + right + " ", theme.MUTED), ("──", theme.RULE)]
    return line(*parts)


def wrapped(text: str, style: Style, width: int, indent: str = "") -> list[Line]:
    """A clean text over as many lines as it needs."""
    return [line((indent, style), (piece, style)) for piece in wrap(text, width - cell_len(indent))]


def strip_of(segments: Line, width: int, base: Style) -> Strip:
    """The line as a strip of exactly ``width`` cells on ``base``'s background."""
    return Strip(segments).adjust_cell_length(width).apply_style(base)
