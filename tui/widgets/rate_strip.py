"""Over the log: how many events came when, by level, and beneath it what the tail's ledger knows of that time."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.coverage import CoverageMap
from tui.draw import Line, strip_of
from tui.histogram import LABEL_CELLS, Scale, histogram
from tui.rates import Rates

_EVERY = 4  # turns of the drawing timer: a bar is a second at least


class RateStrip(Widget):
    """Drawn on the timer, lines that differ only."""

    DEFAULT_CSS = "RateStrip { height: 2; width: 1fr; padding: 0; }"

    @dataclass
    class Chosen(Message):
        """A click on a bar."""

        at_ms: int
        reason: str  # why that time is not complete; "" where it is

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.rates = Rates()
        self.ledger = CoverageMap()
        self.here_ms: int | None = None  # where the reader is
        self.scale = Scale(0, 1, 0)
        self._lines: list[Line] = []
        self._turn = 0
        self._built: object = None

    def clear(self) -> None:
        """Another tail."""
        self.rates, self.ledger, self.here_ms, self._built = Rates(), CoverageMap(), None, None

    def draw(self) -> None:
        """Draw again what differs; what streams a few times a second, where the reader is at once."""
        self._turn += 1
        built = (self.here_ms, self.size)
        if built == self._built and self._turn % _EVERY:
            return
        self._built = built
        before = self._lines
        if self.rates.newest_s and self.size.height > 1:
            self.scale, self._lines = histogram(
                self.rates, self.ledger, self.size.width, self.size.height, self.here_ms
            )
        else:
            self._lines = []
        for y in range(self.size.height):
            if self._lines[y : y + 1] != before[y : y + 1]:
                self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self) -> None:
        """Another width has other columns."""
        self._built = None
        self.draw()

    def render_line(self, y: int) -> Strip:
        """A line of the histogram."""
        return strip_of(self._lines[y] if y < len(self._lines) else [], self.size.width, self.rich_style)

    def on_click(self, event: events.Click) -> None:
        """To that time."""
        column = event.x - LABEL_CELLS
        if 0 <= column < self.scale.count:
            at_ms = self.scale.at_ms(column)
            self.post_message(self.Chosen(at_ms, self.ledger.reason_at(at_ms // 1000)))

    def neighbour(self, at_ms: int, step: int) -> int | None:
        """When the next bar with events begins, before or after a moment; None at the end."""
        if not self.rates.newest_s or not self.scale.count:
            return None
        step_s, first_s, buckets = self.rates.columns(self.scale.count)
        column = (at_ms // 1000 - first_s) // step_s + step
        while 0 <= column < len(buckets) and not buckets[column].total:
            column += step
        return (first_s + column * step_s) * 1000 if 0 <= column < len(buckets) else None
