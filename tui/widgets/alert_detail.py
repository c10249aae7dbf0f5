"""The pane beside the table: one alert with everything around it."""

from __future__ import annotations

from tui import theme
from tui.draw import Line, line
from tui.widgets.detail_lines import Shown, detail_lines
from tui.widgets.lines import LinesView


class AlertDetailView(LinesView):
    """Shows a ``Shown``; folding and scrolling are its own business, asking the core is the screen's."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.shown: Shown | None = None
        self.empty_words = ""

    def show(self, shown: Shown | None) -> None:
        """Another alert (from its top), or the same one with news (where the reader is)."""
        same = self.shown is not None and shown is not None and self.shown.row.alert_id == shown.row.alert_id
        self.shown = shown
        self.rebuild()
        if not same:
            self.scroll_to(y=0, animate=False, immediate=True)

    def build(self, width: int) -> list[Line]:
        """The lines for this width, with a cell of air on both sides."""
        if self.shown is None:
            return [line((f" {self.empty_words}", theme.MUTED))]
        return [[*line((" ", theme.TEXT)), *built] for built in detail_lines(self.shown, width - 2)]
