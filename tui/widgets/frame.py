"""Titles in a widget's border, as data: no markup is parsed, and nothing is drawn again for the same words."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from tui import theme
from tui.format import cut

_titles: WeakKeyDictionary[Widget, tuple[str, str, str, int, bool]] = WeakKeyDictionary()
_subtitles: WeakKeyDictionary[Widget, str] = WeakKeyDictionary()


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
    widget.border_title = content


def set_subtitle(widget: Widget, text: str) -> None:
    """The words in the lower border."""
    if _subtitles.get(widget) != text:
        _subtitles[widget] = text
        widget.border_subtitle = Content(text)
