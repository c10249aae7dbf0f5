"""What the screens share: header, body, keys; and how changes of the session reach them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from jinkies.errors import JinkiesError
from tui.session import Session
from tui.trouble import words_of
from tui.widgets.header import StatusHeader
from tui.widgets.keybar import KeyBar


class DeskScreen(Screen[None]):
    """One tab of the console."""

    TAB: ClassVar[str]
    FIRST_KEYS: ClassVar[tuple[str, ...]] = ()
    """Ids of bindings: the first of the bottom line, which a narrow terminal keeps."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
        self.session = session
        self.header = StatusHeader(session, self.TAB)

    def compose(self) -> ComposeResult:
        """Header, body, keys."""
        yield self.header
        yield from self.body()
        yield KeyBar()

    def body(self) -> Iterable[Widget]:
        """What is between the header and the keys."""
        raise NotImplementedError

    def session_changed(self, changed: Session.Changed) -> None:
        """Called by the app's timer when something changed."""
        self.header.tick()
        self.draw_changes(changed)

    def draw_changes(self, changed: Session.Changed) -> None:
        """Show what changed; subclasses say how."""

    def tick(self) -> None:
        """Once a second, for what shows how long ago something was."""
        self.header.tick()

    def draw(self) -> None:
        """At the drawing timer's pace, for what has a stream of its own."""

    def on_screen_resume(self) -> None:
        """While another tab was shown, anything may have changed."""
        self.session_changed(Session.Changed(frozenset(), everything=True))

    def tell_error(self, error: JinkiesError, title: str) -> None:
        """A notification; its text is data."""
        self.notify(words_of(error), title=title, severity="error", markup=False, timeout=8)
