"""The patterns of a log, a row each: count, share, level, when, and the template."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui import theme
from tui.draw import line, strip_of
from tui.format import clean, cut, fit, sparkline
from tui.levels import level_word
from tui.patterns import Pattern, trend

_NARROW = 100


class PatternTable(ScrollView, can_focus=True):
    """The cursor stays on its pattern while counts change."""

    DEFAULT_CSS = "PatternTable { scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; overflow-x: hidden; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "by(1)", "down", show=False, id="patterns.down", tooltip="The next pattern"),
        Binding("k,up", "by(-1)", "up", show=False, id="patterns.up", tooltip="The pattern above"),
        Binding("pagedown", "page(1)", "page", show=False, id="patterns.page_down", tooltip="A page down"),
        Binding("pageup", "page(-1)", "page", show=False, id="patterns.page_up", tooltip="A page up"),
        Binding("g,home", "by(-1000000)", "top", show=False, id="patterns.top", tooltip="The most frequent"),
        Binding("G,end", "by(1000000)", "end", show=False, id="patterns.end", tooltip="The rarest"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.patterns: list[Pattern] = []
        self.chosen: str | None = None
        self._counted = 0
        self._span_ms = (0, 0)

    def show(self, patterns: list[Pattern], counted: int, span_ms: tuple[int, int]) -> None:
        """Other counts."""
        self.patterns, self._counted, self._span_ms = patterns, counted, span_ms
        if self.chosen is None and patterns:
            self.chosen = patterns[0].template
        self.virtual_size = Size(self.scrollable_content_region.width, len(patterns))
        self.refresh()

    @property
    def _index(self) -> int:
        return next((at for at, pattern in enumerate(self.patterns) if pattern.template == self.chosen), 0)

    def action_by(self, step: int) -> None:
        """The cursor."""
        if self.patterns:
            index = max(0, min(self._index + step, len(self.patterns) - 1))
            self.chosen = self.patterns[index].template
            top, height = self.scroll_offset.y, self.size.height
            if not top <= index < top + height:
                self.scroll_to(y=index if index < top else index - height + 1, animate=False, immediate=True)
            self.refresh()

    def action_page(self, step: int) -> None:
        """A page."""
        self.action_by(step * max(self.size.height - 1, 1))

    def on_click(self, event: events.Click) -> None:
        """The cursor to a row."""
        index = event.y - self.gutter.top + self.scroll_offset.y
        if 0 <= index < len(self.patterns):
            self.chosen = self.patterns[index].template
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """A row."""
        index, width = y + self.scroll_offset.y, self.size.width
        if index >= len(self.patterns):
            words = "  no lines are held yet" if not self.patterns and y == 1 else ""
            return strip_of(line((words, theme.MUTED)), width, self.rich_style)
        pattern = self.patterns[index]
        here = pattern.template == self.chosen
        cells = 24 if width >= _NARROW else 12
        bars = sparkline(trend(pattern, self._span_ms, cells))
        parts = line(
            (f"{pattern.count:>8,} ", theme.STRONG),
            (f"{pattern.count / max(self._counted, 1):>6.1%}  ", theme.MUTED),
            (fit(level_word(pattern.level), 5) + "  ", theme.LEVEL[pattern.level]),
            (bars + "  ", theme.LEVEL[pattern.level] if pattern.rank >= 3 else theme.ACCENT),  # warnings and above
        )
        text = cut(clean(pattern.template), max(width - 28 - cells, 10))
        base = self.rich_style + theme.CURSOR_ROW if here else self.rich_style
        mark = Segment("▌" if here else " ", theme.ACCENT)
        return strip_of([mark, *parts, Segment(text, theme.TEXT)], width, base)
