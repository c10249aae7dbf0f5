"""An entry of a log view as rows of the screen: columns, text, what is folded away, JSON fields beneath. Pure.

Cleaned text lives only in rows that were drawn; the ring holds texts as they came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from jinkies.model import Level
from jinkies.reading.fields import flatten
from jinkies.reading.ids import request_ids
from tui import theme
from tui.draw import Line, Part, line
from tui.format import clean, clock_text, cut, fit, wrap
from tui.levels import level_end, level_word
from tui.logring import Held
from tui.patience import Patient

STREAM_CELLS = 14
SOURCE_CELLS = 10
LONGEST_ROW = 20_000  # characters of a line that are drawn; a copy still has all of them
FOLDED_OVER = 3  # an entry of more lines than this is folded
MOST_ROWS = 400  # of an unfolded entry
_TRACEBACK = "Traceback (most recent call last):"
_STYLES = {Level.ERROR: theme.STRONG, Level.CRITICAL: theme.STRONG, Level.DEBUG: theme.MUTED}
_MARGIN = 1


@dataclass(frozen=True)
class Columns:
    """Which columns stand before the text."""

    time: bool = True
    source: bool = False
    stream: bool = True
    level: bool = True

    @property
    def cells(self) -> int:
        """Cells before the text, the margin among them."""
        widths = ((self.time, 12), (self.source, SOURCE_CELLS), (self.stream, STREAM_CELLS), (self.level, 5))
        return _MARGIN + sum(cells + 2 for there, cells in widths if there)


@dataclass(frozen=True)
class Look:
    """How entries are drawn."""

    width: int  # cells of a row
    columns: Columns
    wrapping: bool = False
    unfolded: bool = False  # traces, unless the reader folded one
    highlight: Patient | None = None
    source_of: Callable[[str], str] = str  # the service of a log group

    @property
    def room(self) -> int:
        """Cells for the text."""
        return max(self.width - self.columns.cells, 10)


@dataclass(frozen=True)
class Row:
    """A row of the screen."""

    prefix: Line
    text: Strip
    tag: Line  # at the right edge, over the text

    def strip(self, look: Look, left: int, margin: Segment, base: Style) -> Strip:
        """Exactly as wide as the view, its text scrolled to the right by ``left`` cells."""
        tag = Strip(self.tag)
        room = look.room - (tag.cell_length + 2 if self.tag else 0)
        if room < 10:
            tag, room = Strip([]), look.room
        text = self.text.crop_extend(left, left + room, None)
        gap = [Segment("  ", theme.TEXT)] if tag.cell_length else []
        parts = [margin, *self.prefix, *text, *gap, *tag]
        return Strip(parts).adjust_cell_length(look.width).apply_style(base)


def block(entry: list[Held], look: Look, *, turned: bool, alert_id: int | None = None) -> list[Row]:
    """The rows of an entry; ``turned`` when the reader unfolded it, or folded what is unfolded by default."""
    first = entry[0]
    if first.note:
        pieces = wrap(f"── {clean(first.text)} ──", look.width - _MARGIN)
        return [Row(line((piece, theme.WARN)), Strip([]), []) for piece in pieces]
    lines = [one for held in entry for one in _lines(held.text)]
    folds = len(lines) > FOLDED_OVER
    opened = turned is not look.unfolded if folds else turned
    level = max((held.level for held in entry), key=lambda one: one.rank)
    style = _STYLES.get(level, theme.TEXT)
    hidden = lines[1:] if folds and not opened else []
    texts = _shown(lines, folds=folds, opened=opened)
    texts[0] = _without_level(texts[0], level, look)
    fields = _unfolded(first.text, look) if turned else []
    whole = opened and not folds and not first.text.lstrip().startswith("{")  # its fields say it all
    pieces = [piece for one in texts for piece in _pieces(one, look, opened=whole)]
    tag = _tag(entry, len(lines), look, folds=folds, opened=opened, hidden=hidden, alert_id=alert_id)
    blank = [Segment(" " * (look.columns.cells - _MARGIN), theme.TEXT)]
    rows = [Row(_prefix(first, level, look), Strip(highlighted(pieces[0], style, look.highlight)), tag)]
    rows += [Row(blank, Strip(highlighted(piece, theme.TEXT, look.highlight)), []) for piece in pieces[1:]]
    return rows + [Row(blank, Strip(built), []) for built in fields]


def _shown(lines: list[str], *, folds: bool, opened: bool) -> list[str]:
    if folds and not opened:
        head = _readable(lines[0])
        if lines[0].startswith(_TRACEBACK):  # what was raised is what tells traces apart
            head = f"{_readable(next((one for one in reversed(lines) if one.strip()), ''))}  ◂ traceback"
        return [head]
    if len(lines) > MOST_ROWS:
        half = MOST_ROWS // 2
        left_out = f"… {len(lines) - 2 * half:,} lines left out here; y copies all …"
        lines = [*lines[:half], left_out, *lines[-half:]]
    return [_readable(one) for one in lines]


def _without_level(text: str, level: Level, look: Look) -> str:
    """A clean text without the level that it begins with, where the column before it says the same.

    A text that the reader searches for the level keeps it, as what was found is to be seen.
    """
    end = level_end(text, level) if look.columns.level else 0
    if look.highlight is not None and any(start < end for start, _ in look.highlight.spans(text)):
        return text
    return text[end:]


def _readable(text: str) -> str:
    if len(text) <= LONGEST_ROW:
        return clean(text)
    return f"{clean(text[:LONGEST_ROW])} … {len(text) - LONGEST_ROW:,} characters more: y copies all"


def _lines(text: str) -> list[str]:
    if "\n" not in text:
        return [text]
    return text.replace("\r\n", "\n").rstrip("\n").split("\n")


def _pieces(text: str, look: Look, *, opened: bool) -> list[str]:
    return wrap(text, look.room)[:MOST_ROWS] if look.wrapping or opened else [text]


def _prefix(held: Held, level: Level, look: Look) -> Line:
    columns, parts = look.columns, list[Part]()
    if columns.time:
        parts.append((clock_text(held.at_ms, millis=True) + "  ", theme.FAINT))
    if columns.source:
        parts.append(
            (fit(_tail(clean(look.source_of(held.log_group)), SOURCE_CELLS), SOURCE_CELLS) + "  ", theme.MUTED)
        )
    if columns.stream:
        parts.append((fit(_tail(clean(held.log_stream), STREAM_CELLS), STREAM_CELLS) + "  ", theme.MUTED))
    if columns.level:
        parts.append((fit(level_word(level), 5) + "  ", theme.LEVEL[level]))
    return line(*parts)


def _tail(name: str, cells: int) -> str:
    """The end of a name tells streams apart."""
    return name if len(name) <= cells else "…" + name[-(cells - 1) :]


def _tag(
    entry: list[Held], count: int, look: Look, *, folds: bool, opened: bool, hidden: list[str], alert_id: int | None
) -> Line:
    parts: list[Part] = []
    if folds:
        found = look.highlight is not None and any(look.highlight.found_in(one, LONGEST_ROW) for one in hidden)
        style = theme.MATCH if found else theme.ACCENT
        parts.append((f"{'▾' if opened else '▸'} {count:,} lines", style))
    if alert_id is not None:
        parts.append((f"{' · ' if parts else ''}alert #{alert_id}", theme.ACCENT))
    if any(held.late for held in entry):
        parts.append((" · late" if parts else "late", theme.WARN))
    if any(held.backfilled for held in entry):
        parts.append((" · backfilled" if parts else "backfilled", theme.MUTED))
    return line(*parts)


def _unfolded(text: str, look: Look) -> list[Line]:
    """The fields of a JSON line, and what leads on."""
    fields = flatten(text) or ()
    width = min(max((len(key) for key, _ in fields), default=0), 28, look.room // 3)
    found: list[Line] = []
    for key, value in fields:
        label = fit(clean(key), width)
        style = theme.TEXT
        for one in value.split("\n")[:MOST_ROWS]:
            for piece in wrap(clean(one), look.room - width - 5):
                found.append([*line((f"  {label}   ", theme.ACCENT)), *highlighted(piece, style, look.highlight)])
                label = " " * width
    ids = request_ids(text)
    if ids:
        found.append(line((cut(f"  R  all lines of request {clean(ids[0])}", look.room), theme.FAINT)))
    return found[:MOST_ROWS]


def highlighted(text: str, style: Style, pattern: Patient | None) -> Line:
    """A clean text with the pattern's places marked."""
    if pattern is None:
        return line((text, style))
    parts: list[Part] = []
    end = 0
    for start, stop in pattern.spans(text):
        parts += [(text[end:start], style), (text[start:stop], theme.MATCH)]
        end = stop
    return line(*parts, (text[end:], style))
