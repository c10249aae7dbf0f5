"""Titles in a widget's border, as data: no markup is parsed, and nothing is drawn again for the same words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self
from weakref import WeakKeyDictionary

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget

from tui import theme
from tui.format import cut

_titles: WeakKeyDictionary[Widget, tuple[str, str, str, int, bool]] = WeakKeyDictionary()
_subtitles: WeakKeyDictionary[Widget, str] = WeakKeyDictionary()


class QuietBorder(Widget):
    """Its titles change often: only the border's line is drawn for them, where Textual draws the whole widget."""

    _border_row: int | None = None

    @contextmanager
    def drawing_border(self, *, top: bool) -> Iterator[None]:
        """What asks for a drawing meanwhile gets the border's line."""
        self._border_row = -1 if top else self.outer_size.height - 2
        try:
            yield
        finally:
            self._border_row = None

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """As Textual's own."""
        if self._border_row is not None and not regions and not layout:
            regions = (Region(-1, self._border_row, self.outer_size.width, 1),)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)


def set_title(
    widget: Widget, left: str, right: str = "", right_colour: str = theme.MUTED_COLOUR, *, left_colour: str = ""
) -> None:
    """The words in the upper border: ``left`` at its start, ``right`` at its end."""
    width = widget.outer_size.width - 6  # two corners, a dash and a space at both ends
    focused = widget.has_focus
    drawn = (left, right, left_colour, width, focused)
    if _titles.get(widget) == drawn:
        return
    _titles[widget] = drawn
    content = Content(cut(left, max(width - cell_len(right) - 1, 8)) if right else left)
    if left_colour:
        content = content.stylize(left_colour)
    if right:
        gap = width - content.cell_length - cell_len(right)
        border = theme.ACCENT_COLOUR if focused else theme.BORDER
        content = Content.assemble(content, (" " + "─" * max(gap - 2, 1) + " ", border), (right, right_colour))
    if isinstance(widget, QuietBorder):
        with widget.drawing_border(top=True):
            widget.border_title = content
    else:
        widget.border_title = content


def set_subtitle(widget: Widget, text: str) -> None:
    """The words in the lower border."""
    if _subtitles.get(widget) == text:
        return
    _subtitles[widget] = text
    if isinstance(widget, QuietBorder):
        with widget.drawing_border(top=False):
            widget.border_subtitle = Content(text)
    else:
        widget.border_subtitle = Content(text)
