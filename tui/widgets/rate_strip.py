"""One line over the log: how many events came when, errors in their own colour, and both in words."""

from __future__ import annotations

from textual.strip import Strip
from textual.widget import Widget

from tui import theme
from tui.draw import Line, Part, line, strip_of
from tui.format import sparkline
from tui.rates import Rates


class RateStrip(Widget):
    """Drawn on the timer when its text differs."""

    DEFAULT_CSS = "RateStrip { height: 1; width: 1fr; padding: 0; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.rates = Rates()
        self._shown: Line = []

    def draw(self) -> None:
        """Draw again if it differs."""
        if self._line() != self._shown:
            self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - Textual's signature; there is one line
        """The histogram."""
        self._shown = self._line()
        return strip_of(self._shown, self.size.width, self.rich_style)

    def _line(self) -> Line:
        if not self.rates.newest_s:
            return []
        share = self.rates.error_share()
        count = max(self.size.width - 42, 8)
        step, events, errors = self.rates.columns(count)
        bars = sparkline(events)
        parts: list[Part] = [("  events ", theme.MUTED)]
        for bar, bad in zip(bars, errors, strict=True):
            parts.append((bar, theme.SEVERITY_CRITICAL if bad else theme.ACCENT))
        unit = f"{step} s" if step < 60 else f"{step // 60} min"  # seconds in a minute
        parts.append((f"  a bar is {unit}", theme.FAINT))
        parts.append((f"  ▇ errors {share:.1%}", theme.SEVERITY_CRITICAL if share else theme.FAINT))
        return line(*parts)
