"""The cards of one channel, one of them selected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from jinkies.model import AlertDetail, AlertRow, Delivery
from tui import theme
from tui.draw import Line, line, strip_of
from tui.widgets.card_lines import card_lines
from tui.widgets.lines import LinesView


@dataclass(frozen=True)
class Shown:
    """A card and how it stands."""

    detail: AlertDetail
    delivery: Delivery

    @property
    def row(self) -> AlertRow:
        """The alert's."""
        return self.detail.row


class CardsView(LinesView):
    """Cards below each other; up and down go from card to card."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "down", show=False, id="cards.down", tooltip="Next card"),
        Binding("up,k", "move(-1)", "up", show=False, id="cards.up", tooltip="Card above"),
    ]

    @dataclass
    class Highlighted(Message):
        """Another card is selected."""

        view: CardsView

        @property
        def control(self) -> CardsView:
            """The view."""
            return self.view

    def __init__(self, now_ms: Callable[[], int], *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.cards: list[Shown] = []
        self.footnote = ""
        self.selected_id: int | None = None
        self._now_ms = now_ms
        self._starts: list[int] = []

    @property
    def selected(self) -> AlertRow | None:
        """The selected card's alert."""
        return next((card.row for card in self.cards if card.row.alert_id == self.selected_id), None)

    def show(self, cards: list[Shown], footnote: str) -> None:
        """Other cards; the selected one stays selected while it is there."""
        before = self.selected_id
        self.cards, self.footnote = cards, footnote
        if self.selected is None:
            self.selected_id = cards[0].row.alert_id if cards else None
        self.rebuild()
        if self.selected_id != before:
            self.refresh()
            self.post_message(self.Highlighted(self))

    def build(self, width: int) -> list[Line]:
        """All cards, an empty line between them."""
        lines: list[Line] = []
        self._starts = []
        for card in self.cards:
            self._starts.append(len(lines))
            built = card_lines(card.detail, card.delivery, width - 2, self._now_ms())
            lines += [[*line((" ", theme.TEXT)), *one] for one in built]
            lines.append([])
        return [*lines, *(line((f" {words}", theme.MUTED)) for words in self.footnote.split("\n"))]

    def _card_at(self, index: int) -> int | None:
        for number in reversed(range(len(self._starts))):
            if index >= self._starts[number]:
                end = self._starts[number + 1] if number + 1 < len(self._starts) else len(self._lines)
                return number if index < end - 1 else None
        return None

    def render_line(self, y: int) -> Strip:
        """One line of the window, the selected card's on a brighter ground."""
        index = y + self.scroll_offset.y
        segments = self._lines[index] if index < len(self._lines) else []
        base = self.rich_style
        number = self._card_at(index)
        if number is not None and self.cards[number].row.alert_id == self.selected_id:
            base += theme.CURSOR_ROW if self.has_focus else theme.CURSOR_ROW_BLURRED
        return strip_of(segments, self.size.width, base)

    def action_move(self, step: int) -> None:
        """The card below or above, brought into view."""
        ids = [card.row.alert_id for card in self.cards]
        if not ids:
            return
        here = ids.index(self.selected_id) if self.selected_id in ids else 0
        self._select(max(0, min(here + step, len(ids) - 1)))

    def _select(self, number: int) -> None:
        self.selected_id = self.cards[number].row.alert_id
        start = self._starts[number]
        end = self._starts[number + 1] if number + 1 < len(self._starts) else len(self._lines)
        top = self.scroll_offset.y
        if start < top:
            self.scroll_to(y=start, animate=False, immediate=True)
        elif end > top + self.size.height:
            self.scroll_to(y=min(start, end - self.size.height), animate=False, immediate=True)
        self.refresh()
        self.post_message(self.Highlighted(self))

    def on_click(self, event: events.Click) -> None:
        """Select the card that was clicked."""
        number = self._card_at(event.y - self.gutter.top + self.scroll_offset.y)
        if number is not None:
            self._select(number)

    def on_focus(self) -> None:
        """The selected card's ground says where the keys go."""
        self.refresh()

    def on_blur(self) -> None:
        """See ``on_focus``."""
        self.refresh()
