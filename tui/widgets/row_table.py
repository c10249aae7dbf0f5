"""The rows of a query: virtual, drawn by the line, however many; wide ones by scrolling sideways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui import theme
from tui.draw import Line, line, strip_of
from tui.format import clean, fit

_MEASURED = 200  # rows that decide how wide the columns are
_WIDEST = 60  # cells of a column but the last
_WIDEST_LAST = 4_000
_SIDE = 20  # cells of a step to the side

Row = tuple[str, ...]


class RowTable(ScrollView, can_focus=True):
    """A heading that stays, and rows beneath it."""

    DEFAULT_CSS = "RowTable { scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; overflow-x: hidden; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "its lines", id="rows.choose", tooltip="The log around the row's time"),
        Binding("y", "copy", "copy", show=False, id="rows.copy", tooltip="Copy the row, a line for each field"),
        Binding("down,j", "move(1)", "down", show=False, id="rows.down", tooltip="Next row"),
        Binding("up,k", "move(-1)", "up", show=False, id="rows.up", tooltip="Previous row"),
        Binding("pagedown,ctrl+d", "page(1)", "page", show=False, id="rows.page_down", tooltip="A page down"),
        Binding("pageup,ctrl+u", "page(-1)", "page", show=False, id="rows.page_up", tooltip="A page up"),
        Binding("home,g", "edge(-1)", "top", show=False, id="rows.top", tooltip="To the first row"),
        Binding("end,G", "edge(1)", "end", show=False, id="rows.end", tooltip="To the last row"),
        Binding("right,l", "side(1)", "right", show=False, id="rows.right", tooltip="To the right in wide rows"),
        Binding("left,h", "side(-1)", "left", show=False, id="rows.left", tooltip="To the left in wide rows"),
    ]

    @dataclass
    class Chosen(Message):
        """Enter, or a second click on a row."""

        table: RowTable
        row: Row

        @property
        def control(self) -> RowTable:
            """The table."""
            return self.table

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.columns: tuple[str, ...] = ()
        self.rows: tuple[Row, ...] = ()
        self.empty_words = ""  # shown while there is no row; a line of text each
        self._index = 0
        self._side = 0
        self._widths: list[int] = []

    def show(self, columns: tuple[str, ...], rows: tuple[Row, ...]) -> None:
        """Other rows; the cursor stays where it is as far as it can."""
        if (columns, rows) == (self.columns, self.rows):
            return
        self.columns, self.rows = columns, rows
        self._widths = widths_of(columns, rows[:_MEASURED])
        self._side = min(self._side, max(sum(self._widths) - 1, 0))
        self._index = max(0, min(self._index, len(rows) - 1))
        self.virtual_size = Size(self.size.width, len(rows) + 1)
        self.refresh()

    @property
    def selected(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self._index] if self.rows else None

    @property
    def _window(self) -> int:
        return max(self.size.height - 1, 1)

    def select(self, index: int) -> None:
        """The cursor to a row, which comes into view."""
        if not self.rows:
            return
        self._index = max(0, min(index, len(self.rows) - 1))
        top = self.scroll_offset.y
        if not top <= self._index < top + self._window:
            y = self._index if self._index < top else self._index - self._window + 1
            self.scroll_to(y=y, animate=False, immediate=True)
        self.refresh()

    def action_move(self, step: int) -> None:
        """One row."""
        self.select(self._index + step)

    def action_page(self, step: int) -> None:
        """A window's height."""
        self.select(self._index + step * max(self._window - 1, 1))

    def action_edge(self, end: int) -> None:
        """The first or the last row."""
        self.select(0 if end < 0 else len(self.rows) - 1)

    def action_side(self, step: int) -> None:
        """Sideways, as far as there is something."""
        total = sum(self._widths) + 2 * len(self._widths)
        self._side = max(0, min(self._side + step * _SIDE, total - self.size.width // 2))
        self.refresh()

    def action_choose(self) -> None:
        """The log around the row."""
        if self.selected is not None:
            self.post_message(self.Chosen(self, self.selected))

    def action_copy(self) -> None:
        """The row to the clipboard, as it is."""
        if self.selected is not None:
            pairs = zip(self.columns, self.selected, strict=True)
            self.app.copy_to_clipboard("\n".join(f"{name}: {value}" for name, value in pairs))
            self.notify("copied the row", timeout=2)

    def on_click(self, event: events.Click) -> None:
        """The cursor to a row; a click on the cursor's opens it."""
        index = event.y - 1 + self.scroll_offset.y - self.gutter.top
        if event.y - self.gutter.top >= 1 and index < len(self.rows):
            again = index == self._index
            self.select(index)
            if again:
                self.action_choose()

    def on_focus(self) -> None:
        """The cursor's colour says where the keys go."""
        self.refresh()

    def on_blur(self) -> None:
        """See ``on_focus``."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The heading, then the rows of the window."""
        width, base = self.size.width, self.rich_style
        index = self.scroll_offset.y + y - 1
        if not self.rows:
            words = self.empty_words.split("\n")
            return strip_of(line(("  " + words[y - 1], theme.MUTED)) if 1 <= y <= len(words) else [], width, base)
        if y == 0:
            return self._strip(self._cells(self.columns, heading=True), base_is_cursor=False)
        if index >= len(self.rows):
            return strip_of([], width, base)
        return self._strip(self._cells(self.rows[index]), base_is_cursor=index == self._index)

    def _cells(self, row: Sequence[str], *, heading: bool = False) -> Line:
        style = theme.FAINT if heading else theme.TEXT
        cells = []
        for name, text, cells_ in zip(self.columns, row, self._widths, strict=True):
            shown = style if heading or not name.startswith("@") or name == "@message" else theme.MUTED
            shown = shown if name else theme.ACCENT  # a column of bars has no name
            cells.append((fit(clean(text[: cells_ + 1]), cells_) + "  ", shown))
        return line(*cells)

    def _strip(self, cells: Line, *, base_is_cursor: bool) -> Strip:
        base = self.rich_style
        if base_is_cursor:
            base += theme.CURSOR_ROW if self.has_focus else theme.CURSOR_ROW_BLURRED
        return (
            Strip(cells)
            .crop(self._side, self._side + self.size.width)
            .adjust_cell_length(self.size.width)
            .apply_style(base)
        )


def widths_of(columns: Sequence[str], rows: Sequence[Row]) -> list[int]:
    """Cells that each column takes: those of its widest text, within bounds."""
    widths = []
    for at, name in enumerate(columns):
        most = _WIDEST_LAST if at == len(columns) - 1 else _WIDEST
        texts = (row[at][: most + 1] for row in rows)
        widths.append(min(most, max([cell_len(clean(name)), *(cell_len(clean(text)) for text in texts)])))
    return widths
