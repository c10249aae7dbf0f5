"""The table of alerts: virtual, drawn by the line. Selection is by alert id, so that it stays while rows move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from jinkies.cards import MARKS
from jinkies.clock import Clock
from jinkies.model import AlertRow, Severity, State, WorkState
from jinkies.priority import Level, level
from tui import theme
from tui.draw import Line, Part, line, strip_of
from tui.format import ago, clean, fit, short_count

_SHORT = {Severity.CRITICAL: "crt", Severity.ERROR: "err", Severity.WARNING: "wrn", Severity.INFO: "inf"}
_NEAR_END = 50
PRIORITY_MARK = {Level.URGENT: "█", Level.HIGH: "▆", Level.NORMAL: "▃", Level.LOW: "▁"}


@dataclass(frozen=True)
class Columns:
    """Widths in cells; 0 leaves a column out."""

    id: int
    service: int
    title: int
    who: int
    link: int


def columns_for(width: int, largest_id: int = 0) -> Columns:
    """What fits: the title gets what the others leave."""
    number = max(3, len(str(largest_id)))
    service = 12 if width >= 90 else 8
    who = 12 if width >= 90 else 8 if width >= 56 else 0
    link = 7 if width >= 90 else 0
    fixed = 2 + number + 3 + 5 + 2 + service + 2 + 1 + 4 + 1 + 4 + (who and who + 2) + (link and link + 1)
    return Columns(number, service, max(width - fixed, 8), who, link)


def who_text(row: AlertRow, now_ms: int) -> tuple[str, Style]:
    """Who is on it; ``–`` while nobody is."""
    if row.state is State.ACKNOWLEDGED:
        name = row.acknowledged_by.name if row.acknowledged_by is not None else "somebody"
        return clean(name), theme.ACCENT
    if row.state is State.SNOOZED:
        return f"snz {snooze_left(row, now_ms)}", theme.MUTED
    if row.state is State.RESOLVED:
        name = row.resolved_by.name if row.resolved_by is not None else "resolved"
        return f"✓ {clean(name)}", theme.OK
    if row.silenced_by is not None:
        return f"sil {ago(now_ms, row.silenced_until_ms or now_ms)}", theme.MUTED
    return (f"→ {clean(row.assigned_to)}", theme.WARN) if row.assigned_to else ("–", theme.FAINT)


def snooze_left(row: AlertRow, now_ms: int) -> str:
    """How long it stays snoozed: ``2h``, or ``×50``."""
    if row.snoozed_until_ms is not None:
        return ago(now_ms, row.snoozed_until_ms)
    return f"×{short_count(row.snoozed_until_count or 0)}"


def link_text(row: AlertRow) -> tuple[str, Style]:
    """The pull request, else the issue, in a few characters."""
    name, work = ("PR", row.pull_request) if row.pull_request is not None else ("is", row.issue)
    if work is None:
        return "", theme.FAINT
    if work.state is WorkState.DONE:
        over = work.on_github is not None and not work.on_github.is_open
        return f"{name} #{work.number}" if work.number else name, theme.MUTED if over else theme.LINK
    return (f"{name} …", theme.WARN) if work.state is WorkState.REQUESTED else (f"{name} ✗", theme.BAD)


class AlertTable(ScrollView, can_focus=True):
    """Rows of ``AlertRow``, however many."""

    DEFAULT_CSS = "AlertTable { scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; overflow-x: hidden; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "down", show=False, id="table.down", tooltip="Next alert"),
        Binding("up,k", "move(-1)", "up", show=False, id="table.up", tooltip="Previous alert"),
        Binding("pagedown,ctrl+d", "page(1)", "page", show=False, id="table.page_down", tooltip="A page down"),
        Binding("pageup,ctrl+u", "page(-1)", "page", show=False, id="table.page_up", tooltip="A page up"),
        Binding("home,g", "edge(-1)", "top", show=False, id="table.top", tooltip="To the newest"),
        Binding("end,G", "edge(1)", "end", show=False, id="table.end", tooltip="To the oldest that is loaded"),
        Binding("enter", "choose", "detail", show=False, id="table.choose", tooltip="Into the detail"),
    ]

    @dataclass
    class Highlighted(Message):
        """Another alert is selected, or none."""

        table: AlertTable
        row: AlertRow | None

        @property
        def control(self) -> AlertTable:
            """The table."""
            return self.table

    @dataclass
    class Chosen(Message):
        """Enter, or a second click on the selected row."""

        table: AlertTable
        row: AlertRow

        @property
        def control(self) -> AlertTable:
            """The table."""
            return self.table

    @dataclass
    class NearEnd(Message):
        """The reader comes near the last row held: time for another page."""

        table: AlertTable

        @property
        def control(self) -> AlertTable:
            """The table."""
            return self.table

    def __init__(self, clock: Clock, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._clock = clock
        self.rows: list[AlertRow] = []
        self.selected: AlertRow | None = None
        self._index = 0
        self._largest_id = 0
        self._shown: dict[int, Line] = {}  # by line of the window
        self.empty_words = ""
        self.marked: frozenset[int] = frozenset()

    def show(self, rows: list[AlertRow]) -> None:
        """Other rows; the selected one keeps its place on the screen where it can."""
        on_screen = self._index - self.scroll_offset.y
        before = self.selected
        resized = len(rows) != len(self.rows)
        self.rows = rows
        self._largest_id = max((row.alert_id for row in rows), default=0)
        self._index = self._find(before)
        self.selected = rows[self._index] if rows else None
        if resized:
            self.virtual_size = Size(self.size.width, len(rows) + 1)
        self._hold_place(on_screen)
        self.refresh_changed()
        if self.selected != before:
            self.post_message(self.Highlighted(self, self.selected))
        self._ask_for_more()

    def _find(self, wanted: AlertRow | None) -> int:
        if wanted is not None:
            if self._index < len(self.rows) and self.rows[self._index].alert_id == wanted.alert_id:
                return self._index
            for index, row in enumerate(self.rows):
                if row.alert_id == wanted.alert_id:
                    return index
        return max(0, min(self._index, len(self.rows) - 1))

    def _hold_place(self, on_screen: int) -> None:
        top = self.scroll_offset.y
        if top == 0 and self._index < self._window:
            return
        if 0 <= on_screen < self._window:
            self.scroll_to(y=max(0, self._index - on_screen), animate=False, immediate=True)

    @property
    def _window(self) -> int:
        return max(self.size.height - 1, 1)

    def select(self, index: int) -> None:
        """Select the row at ``index``, and bring it into view."""
        if not self.rows:
            return
        self._index = max(0, min(index, len(self.rows) - 1))
        row = self.rows[self._index]
        top = self.scroll_offset.y
        if self._index < top:
            self.scroll_to(y=self._index, animate=False, immediate=True)
        elif self._index >= top + self._window:
            self.scroll_to(y=self._index - self._window + 1, animate=False, immediate=True)
        moved = self.selected is None or row.alert_id != self.selected.alert_id
        self.selected = row
        self.refresh_changed()
        if moved:
            self.post_message(self.Highlighted(self, row))
        self._ask_for_more()

    def _ask_for_more(self) -> None:
        last_seen = max(self._index, self.scroll_offset.y + self._window)
        if last_seen + _NEAR_END >= len(self.rows):
            self.post_message(self.NearEnd(self))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The wheel and the scroll bar bring older rows into reach as well."""
        super().watch_scroll_y(old_value, new_value)
        if new_value > old_value:
            self._ask_for_more()

    def action_move(self, step: int) -> None:
        """One row."""
        self.select(self._index + step)

    def action_page(self, step: int) -> None:
        """A window's height."""
        self.select(self._index + step * max(self._window - 1, 1))

    def action_edge(self, end: int) -> None:
        """The first or the last row held."""
        self.select(0 if end < 0 else len(self.rows) - 1)

    def action_choose(self) -> None:
        """Into the detail."""
        if self.selected is not None:
            self.post_message(self.Chosen(self, self.selected))

    def on_click(self, event: events.Click) -> None:
        """Select a row; a click on the selected one chooses it."""
        index = event.y - 1 + self.scroll_offset.y - self.gutter.top
        if event.y - self.gutter.top < 1 or index >= len(self.rows):
            return
        again = self.selected is not None and self.rows[index].alert_id == self.selected.alert_id
        self.select(index)
        if again:
            self.action_choose()

    def on_focus(self) -> None:
        """The cursor's colour says where the keys go."""
        self.refresh()

    def on_blur(self) -> None:
        """See ``on_focus``."""
        self.refresh()

    @property
    def position_text(self) -> str:
        """``1–18`` of what is held: the rows in the window."""
        if not self.rows:
            return "0"
        first = self.scroll_offset.y + 1
        return f"{first:,}–{min(first + self._window - 1, len(self.rows)):,}"

    def refresh_changed(self) -> None:
        """Draw the lines that differ from what is on the screen: ages move, rows change."""
        for y in range(self.size.height):
            if self._shown.get(y) != self._line_at(y):
                self.refresh_line(y + self.scroll_offset.y)

    def render_line(self, y: int) -> Strip:
        """The heading, then the rows of the window."""
        segments = self._line_at(y)
        self._shown[y] = segments
        base = self.rich_style
        if y > 0 and self.rows and self.scroll_offset.y + y - 1 == self._index:
            base += theme.CURSOR_ROW if self.has_focus else theme.CURSOR_ROW_BLURRED
        return strip_of(segments, self.size.width, base)

    def _line_at(self, y: int) -> Line:
        columns = columns_for(self.scrollable_content_region.width, self._largest_id)
        if y == 0:
            return _heading(columns)
        index = self.scroll_offset.y + y - 1
        if index < len(self.rows):
            row, chosen = self.rows[index], index == self._index
            marked = row.alert_id in self.marked
            return row_line(row, columns, self._clock.now_ms(), selected=chosen, marked=marked)
        if not self.rows and y == 2:  # a line of air under the heading
            return line((f"  {self.empty_words}", theme.MUTED))
        return []


def _heading(columns: Columns) -> Line:
    cells = ["  ", fit("id", columns.id, right=True), "   sev    ", fit("service", columns.service), "  "]
    cells += [fit("title", columns.title), " ", fit("n", 4, right=True), " last"]
    cells += ["  ", fit("who", columns.who)] if columns.who else []
    cells += [" ", "pr"] if columns.link else []
    return line(("".join(cells), theme.FAINT))


def row_line(row: AlertRow, columns: Columns, now_ms: int, *, selected: bool, marked: bool = False) -> Line:
    """An alert on one line."""
    quiet = row.state is not State.OPEN or row.silenced_by is not None
    severity = theme.MUTED if quiet else theme.SEVERITY[row.severity]
    who, who_style = who_text(row, now_ms)
    pull_request, link_style = link_text(row)
    soon = level(row, now_ms)
    title = theme.MUTED if quiet else theme.STRONG if selected else theme.TEXT
    parts: list[Part] = [
        ("▶" if selected else " ", theme.ACCENT),
        ("◆" if marked else " ", theme.ACCENT_STRONG),
        (fit(str(row.alert_id), columns.id, right=True), theme.MUTED),
        (f" {PRIORITY_MARK[soon]}", theme.PRIORITY[soon]),
        (f" {MARKS[row.severity]} {_SHORT[row.severity]}  ", severity),
        (fit(clean(row.service), columns.service) + "  ", theme.MUTED if quiet else theme.TEXT),
        (fit(clean(row.title), columns.title), title),
        (" " + fit(short_count(row.count), 4, right=True), theme.MUTED),
        (" " + fit(ago(row.last_seen_at_ms, now_ms), 4, right=True), theme.MUTED),
    ]
    if columns.who:
        parts.append(("  " + fit(who, columns.who), who_style))
    if columns.link:
        parts.append((" " + fit(pull_request, columns.link), link_style))
    return line(*parts)
