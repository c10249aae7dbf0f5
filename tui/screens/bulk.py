"""What a decision on many alerts will touch, shown before it is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import ModalScreen

from jinkies.bulk import counted, touched
from jinkies.cards import MARKS
from jinkies.model import AlertRow
from tui import theme
from tui.draw import Line, line, wrapped
from tui.format import clean, cut, fit, short_count
from tui.widgets.frame import set_title
from tui.widgets.keybar import KeyBar
from tui.widgets.lines import LinesView

SHOWN = 10  # of the alerts


class BulkScreen(ModalScreen[bool]):
    """Answers whether to go on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "answer(True)", "yes, all", id="bulk.yes", tooltip="Decide so on all of them"),
        Binding("escape,n,q", "answer(False)", "back", id="bulk.no", tooltip="Back; nothing is done, the marks stay"),
    ]

    def __init__(self, title: str, rows: Sequence[AlertRow]) -> None:
        super().__init__()
        self._title = title
        self._touched = TouchedView(rows)

    def compose(self) -> ComposeResult:
        """What it will touch."""
        with Container(id="form") as form:
            set_title(form, self._title)
            yield self._touched
            yield KeyBar()

    def action_answer(self, answer: bool) -> None:
        """Go on, or don't."""
        self.dismiss(answer)


class TouchedView(LinesView):
    """How many of each, and the first of them."""

    DEFAULT_CSS = "TouchedView { height: 16; max-height: 16; margin: 0 0 1 0; background: $surface; }"

    def __init__(self, rows: Sequence[AlertRow]) -> None:
        super().__init__(id="touched")
        self._rows = rows

    def rebuild(self) -> None:
        """As high as its lines."""
        super().rebuild()
        self.styles.height = max(len(self._lines), 1)

    def build(self, width: int) -> list[Line]:
        """Counts, then rows."""
        what = touched(self._rows)
        lines = wrapped(counted(what.states), theme.STRONG, width)
        lines += [*wrapped(clean(counted(what.services)), theme.TEXT, width), []]
        lines += [_row(row, width) for row in self._rows[:SHOWN]]
        rest = what.count - SHOWN
        return [*lines, line((f"  and {rest:,} more", theme.MUTED))] if rest > 0 else lines


def _row(row: AlertRow, width: int) -> Line:
    before = f"{row.alert_id:>5} "
    service = f" {fit(clean(row.service), 10)} "
    after = f" ×{short_count(row.count)}"
    room = max(width - len(before) - 2 - 12 - 13 - len(after), 8)
    return line(
        (before, theme.MUTED),
        (f"{MARKS[row.severity]} ", theme.SEVERITY[row.severity]),
        (fit(row.state.value, 12), theme.STATE[row.state]),
        (service, theme.MUTED),
        (cut(clean(row.title), room), theme.TEXT),
        (after, theme.MUTED),
    )
