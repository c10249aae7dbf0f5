"""Patterns: the lines held by template, the most frequent first; enter shows the lines of one."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from jinkies.words import number_of
from tui import theme
from tui.logbuffer import LogBuffer
from tui.patterns import OTHERS, Patterns
from tui.session import Session
from tui.widgets.frame import set_subtitle, set_title
from tui.widgets.keybar import KeyBar
from tui.widgets.pattern_table import PatternTable

_WORK_EVERY_S = 0.005
_RANK_EVERY = 5  # turns of the drawing timer between which the order stands


class PatternsScreen(Screen[str | None]):
    """Answers with the template that was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "its lines", id="patterns.choose", tooltip="Show only the lines of this pattern"),
        Binding("escape,P,q", "dismiss(None)", "back", id="patterns.back", tooltip="Back to the lines"),
    ]

    def __init__(self, buffer: LogBuffer) -> None:
        super().__init__()
        self.buffer = buffer
        if buffer.patterns is None:
            buffer.patterns = Patterns(buffer.ring, buffer.joins)
        self.patterns = buffer.patterns  # kept: the next time it goes on from there
        self.table = PatternTable(id="patterns")
        self._turn = 0

    def compose(self) -> ComposeResult:
        """The table, the keys."""
        yield self.table
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin."""
        self.table.focus()
        self._work()
        self._rank()

    def _work(self) -> None:
        """Look at some more lines; keys come in between."""
        if not self.is_current or not self.patterns.busy:
            return
        self.patterns.work()
        self.set_timer(_WORK_EVERY_S, self._work)

    def _rank(self) -> None:
        self.table.show(self.patterns.ranked(), self.patterns.counted, self.patterns.span_ms())
        state = f"{self.patterns.progress:.0%} read" if self.patterns.busy else ""
        count = len(self.table.patterns)
        set_title(
            self.table, f"Patterns  {number_of(self.patterns.counted, 'line')} in {count:,}", state, theme.WARN_COLOUR
        )
        set_subtitle(self.table, "⏎ its lines · esc back")

    # What the app calls on every screen

    def session_changed(self, changed: Session.Changed) -> None:
        """Nothing of the desk is shown."""

    def tick(self) -> None:
        """Nothing ages."""

    def draw(self) -> None:
        """At the drawing timer's pace: what came since is looked at, and now and then ranked."""
        self._turn += 1
        if self.patterns.busy:
            self._work()
        if self._turn % _RANK_EVERY == 0:
            self._rank()

    # Keys

    def action_choose(self) -> None:
        """The lines of the pattern under the cursor."""
        if self.table.chosen == OTHERS:
            self.notify("these are lines of many patterns", timeout=2)
        elif self.table.chosen is not None:
            self.dismiss(self.table.chosen)
