"""What is silenced now, and what will be."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from jinkies.commands import EndSilence
from jinkies.errors import JinkiesError, NotFound
from jinkies.matching import Silence
from tui.format import ago, clean, moment_text
from tui.screens.silence import SilenceScreen
from tui.session import Session
from tui.silencing import running, to_come
from tui.trouble import title_of, words_of
from tui.widgets.frame import set_subtitle, set_title
from tui.widgets.keybar import KeyBar
from tui.widgets.row_table import Row, RowTable
from tui.work import start

COLUMNS = ("id", "now", "from", "until", "by", "matchers", "reason")


class SilenceTable(RowTable, inherit_bindings=False):
    """A silence a row; enter leads nowhere."""

    BINDINGS: ClassVar[list[BindingType]] = RowTable.BINDINGS[1:]


class SilencesScreen(Screen[None]):
    """Silences and maintenance windows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "end", "end it", id="silences.end", tooltip="End a silence early: what it held is told then"),
        Binding("n,S", "start", "new", id="silences.new", tooltip="Start a silence or a maintenance window"),
        Binding("escape,W,q", "dismiss", "back", id="silences.back", tooltip="Back to the alerts"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.table = SilenceTable(id="rows")
        self._held: list[Silence] = []

    def compose(self) -> ComposeResult:
        """The table, the keys."""
        yield self.table
        yield KeyBar()

    def on_mount(self) -> None:
        """What is known."""
        self.table.focus()
        self._show()

    def _show(self) -> None:
        replica, now_ms = self.session.replica, self.session.now_ms()
        known = replica.silences.values() if replica is not None else ()
        self._held = to_come(known, now_ms)
        self.table.empty_words = "Nothing is silenced.\n\nn  starts a silence; so does S on an alert"
        self.table.show(COLUMNS, tuple(_row(one, now_ms) for one in self._held))
        self.table.refresh()
        count = running(known, now_ms)
        later = len(self._held) - count
        set_title(self.table, f"Silences  {count} now" + (f", {later} to come" if later else ""))
        set_subtitle(self.table, "x end · n new · esc back")
        self.refresh_bindings()

    def session_changed(self, changed: Session.Changed) -> None:  # noqa: ARG002 - the app calls every screen alike
        """One started, or ended."""
        self._show()

    def tick(self) -> None:
        """They begin and end by themselves."""
        self._show()

    def draw(self) -> None:
        """Nothing here streams."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's signature
        """There must be one to end."""
        return None if action == "end" and not self._held else True

    @property
    def selected(self) -> Silence | None:
        """The one under the cursor."""
        row = self.table.selected
        return next((one for one in self._held if row is not None and str(one.silence_id) == row[0]), None)

    def action_end(self) -> None:
        """End it early."""
        if (silence := self.selected) is not None:
            start(self, partial(self._end, silence.silence_id), group="commands")

    async def _end(self, silence_id: int) -> None:
        try:
            outcome = await self.session.execute(EndSilence(silence_id=silence_id))
        except NotFound as error:
            self._tell_over(silence_id, error)
        except JinkiesError as error:
            self.notify(words_of(error), title=title_of(error), severity="error", markup=False, timeout=8)
        else:
            self.notify(clean(outcome.reason), markup=False)

    def _tell_over(self, silence_id: int, error: NotFound) -> None:
        """It is over already: say who was faster, where somebody was."""
        replica = self.session.replica
        silence = replica.silences.get(silence_id) if replica is not None else None
        by = silence.ended_by if silence is not None else None
        words = f"silence {silence_id} was ended by {by.name}" if by is not None else str(error)
        self.notify(clean(words), title="Somebody decided first", severity="warning", markup=False, timeout=8)

    def action_start(self) -> None:
        """A new one."""
        self.app.push_screen(SilenceScreen(self.session))


def _minute(at_ms: int, now_ms: int) -> str:
    """``22:00``, with the day before it when that is not today."""
    text = moment_text(at_ms, now_ms)
    return text if " " in text else text[:5]


def _row(one: Silence, now_ms: int) -> Row:
    runs = one.starts_at_ms <= now_ms
    return (
        str(one.silence_id),
        f"{ago(now_ms, one.ends_at_ms)} left" if runs else f"in {ago(now_ms, one.starts_at_ms)}",
        _minute(one.starts_at_ms, now_ms),
        _minute(one.ends_at_ms, now_ms),
        one.started_by.name,
        one.text,
        one.reason,
    )
