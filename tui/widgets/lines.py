"""A scrolling pane of ready-made lines: nothing is a widget but the pane."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.draw import Line, strip_of

VI_KEYS: list[BindingType] = [
    Binding("j", "scroll_down", "down", show=False, id="pane.down", tooltip="One line down"),
    Binding("k", "scroll_up", "up", show=False, id="pane.up", tooltip="One line up"),
    Binding("g", "scroll_home", "top", show=False, id="pane.top", tooltip="To the top"),
    Binding("G", "scroll_end", "end", show=False, id="pane.end", tooltip="To the end"),
]


class LinesView(ScrollView, can_focus=True):
    """Shows lines that were built for its width; ``build`` is called again when the width changes."""

    BINDINGS: ClassVar[list[BindingType]] = VI_KEYS
    DEFAULT_CSS = "LinesView { scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; overflow-x: hidden; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._lines: list[Line] = []
        self._built_for = 0

    def build(self, width: int) -> list[Line]:
        """The lines for ``width`` cells; subclasses give them."""
        raise NotImplementedError

    def rebuild(self) -> None:
        """Build again; draws only what differs from before."""
        if self.size.width <= 0:
            return
        width = self.scrollable_content_region.width
        before, self._lines = self._lines, self.build(width)
        self._built_for = width
        if len(before) != len(self._lines):
            self.virtual_size = Size(width, len(self._lines))
            self.refresh()
            return
        for index, (old, new) in enumerate(zip(before, self._lines, strict=True)):
            if old != new:
                self.refresh_line(index)

    def on_resize(self) -> None:
        """The width decides how lines wrap."""
        if self.scrollable_content_region.width != self._built_for:
            self.rebuild()
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the window."""
        index = y + self.scroll_offset.y
        segments = self._lines[index] if index < len(self._lines) else []
        return strip_of(segments, self.size.width, self.rich_style)
