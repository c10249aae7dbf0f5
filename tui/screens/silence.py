"""The form that starts a silence or a maintenance window, with a preview of what it would catch."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from jinkies.bulk import counted, touched
from jinkies.commands import StartSilence
from jinkies.errors import Invalid, JinkiesError
from jinkies.matching import parse_matchers
from jinkies.model import AlertRow
from jinkies.operator import MATCHED
from tui import theme
from tui.format import clean, moment_text
from tui.session import Session
from tui.silencing import FOR_HINT, FROM_HINT, offers, span
from tui.trouble import words_of
from tui.widgets.frame import set_subtitle, set_title
from tui.widgets.keybar import KeyBar
from tui.work import start

SETTLE_S = 0.25
"""The core looks at its newest alerts once typing pauses for so long."""

_NEXT = {"matchers": "span", "begin": "span", "span": "reason"}  # where enter leads


class SilenceScreen(ModalScreen[None]):
    """Matchers, when, and why."""

    AUTO_FOCUS = "#matchers"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "submit", "start it", id="silence.start", tooltip="Start the silence"),
        Binding("down", "offer(1)", "offers", priority=True, id="silence.offer", tooltip="The next matchers on offer"),
        Binding(
            "up", "offer(-1)", "offers", show=False, priority=True, id="silence.offer_back", tooltip="The ones before"
        ),
        Binding("escape", "close", "back", id="silence.close", tooltip="Back; nothing is silenced"),
    ]

    def __init__(self, session: Session, row: AlertRow | None = None) -> None:
        super().__init__()
        self.session = session
        self.row = row
        self._offers: list[tuple[str, str]] = []
        self._preview: tuple[str, str] = ("", theme.MUTED_COLOUR)  # words, and the colour of their mark
        self._refusal = ""

    def compose(self) -> ComposeResult:
        """The form."""
        with Container(id="form") as form:
            set_title(form, "Silence" if self.row is None else f"Silence, from #{self.row.alert_id}")
            set_subtitle(form, "makes no new card in Discord; counted and shown here as ever")
            yield from self._fields()
            yield KeyBar()

    def _fields(self) -> Iterable[Widget]:
        yield Static("Alerts that match all of", classes="label")
        yield Input(
            id="matchers",
            placeholder="service=api severity>=error title=~deadlock tag:region!=eu",
            select_on_focus=False,
        )
        yield OptionList(id="offers", markup=False)
        with Horizontal(id="when"):
            with Container():
                yield Static("From", classes="label")
                yield Input(id="begin", placeholder=FROM_HINT)
            with Container():
                yield Static("For", classes="label")
                yield Input("2h", id="span", placeholder=FOR_HINT)
        yield Static("Reason", classes="label")
        yield Input(id="reason", placeholder="why, for those who wonder where their alerts are", max_length=500)
        yield Static(id="progress", markup=False)

    def on_mount(self) -> None:
        """What the alert offers; its fingerprint and tags come with its detail."""
        self.query_one("#offers", OptionList).can_focus = False
        self._show()
        if self.row is None:
            self.query_one("#offers").display = False
        else:
            start(self, partial(self._load, self.row), group="offers")

    async def _load(self, row: AlertRow) -> None:
        try:
            detail = await self.session.operator.alert(row.alert_id)
        except JinkiesError:
            detail = None  # what the row holds is offered
        if not self.is_attached:
            return
        self._offers = offers(row, detail)
        options = self.query_one("#offers", OptionList)
        for text, words in self._offers:
            shown = Content.assemble(Content(clean(text)), (f"   {words}", theme.MUTED_COLOUR))
            options.add_option(Option(shown))
        if not self._typed("matchers") and self._offers:
            self._take(0)

    def _take(self, index: int) -> None:
        self.query_one("#offers", OptionList).highlighted = index
        field = self.query_one("#matchers", Input)
        field.value = self._offers[index][0]
        field.cursor_position = len(field.value)

    def _typed(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    # What the app calls on every screen

    def session_changed(self, changed: Session.Changed) -> None:
        """The preview is of the moment it was asked in."""

    def tick(self) -> None:
        """Nothing here ages."""

    def draw(self) -> None:
        """Nothing here streams."""

    # Preview

    def on_input_changed(self, event: Input.Changed) -> None:
        """See what would match once the typing pauses; what can't be read is said at once."""
        self._refusal = ""
        if event.input.id == "matchers":
            start(self, self._look, group="preview", exclusive=True)
        self._show()

    async def _look(self) -> None:
        text = self._typed("matchers")
        if not text:
            self._say("", theme.MUTED_COLOUR)
            return
        try:
            matchers = parse_matchers(text)
            self._say("…", theme.MUTED_COLOUR)
            await self.session.clock.sleep(SETTLE_S)
            caught = await self.session.operator.matching(matchers)
        except JinkiesError as error:
            self._say(f"✗ {words_of(error)}", theme.BAD_COLOUR)
            return
        what = touched([row for row in caught if row.unresolved])
        rest = f": {counted(what.states)} · {clean(counted(what.services, 3))}" if what.count else ""
        match = "matches" if len(caught) == 1 else "match"
        known = f"{len(caught):,} of the newest {MATCHED:,} alerts {match}, {what.count:,} unresolved{rest}"
        self._say(known, theme.WARN_COLOUR if len(caught) >= MATCHED else theme.TEXT_COLOUR)

    def _say(self, words: str, colour: str) -> None:
        self._preview = (words, colour)
        self._show()

    def _show(self) -> None:
        words, colour = (f"✗ {self._refusal}", theme.BAD_COLOUR) if self._refusal else self._preview
        self.query_one("#progress", Static).update(Content(clean(words)).stylize(colour))

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's signature
        """The arrows choose while the matchers are typed."""
        if action == "offer":
            return bool(self._offers) and self.focused is not None and self.focused.id == "matchers"
        return True

    def on_descendant_focus(self) -> None:
        """The footer shows what the field takes."""
        self.refresh_bindings()

    def action_offer(self, step: int) -> None:
        """Other matchers from the alert."""
        held = self.query_one("#offers", OptionList).highlighted
        self._take(((-1 if held is None else held) + step) % len(self._offers))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """By mouse."""
        self._take(event.option_index)
        self.query_one("#matchers").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """To the next field; from the last, start."""
        following = _NEXT.get(event.input.id or "")
        if following is None:
            self.action_submit()
        else:
            self.query_one(f"#{following}").focus()

    def action_submit(self) -> None:
        """Start it."""
        try:
            matchers = parse_matchers(self._typed("matchers"))
            when = span(self._typed("begin"), self._typed("span"), self.session.now_ms())
        except Invalid as error:
            self._refuse(str(error))
            return
        command = StartSilence(
            matchers=matchers,
            starts_at_ms=when.starts_at_ms,
            ends_at_ms=when.ends_at_ms,
            reason=self._typed("reason"),
        )
        start(self, partial(self._submit, command), group="silence", exclusive=True)

    async def _submit(self, command: StartSilence) -> None:
        try:
            outcome = await self.session.execute(command)
        except JinkiesError as error:
            self._refuse(words_of(error))
            return
        now_ms = self.session.now_ms()
        begins = f"from {moment_text(command.starts_at_ms, now_ms)} " if command.starts_at_ms else ""
        until = f"{begins}until {moment_text(command.ends_at_ms, now_ms)}"
        self.app.notify(clean(outcome.reason), title=f"Silence {outcome.silence_id}, {until}", markup=False)
        self.dismiss()

    def _refuse(self, words: str) -> None:
        self._refusal = words
        self._show()
        if words.startswith("reason"):
            self.query_one("#reason").focus()

    def action_close(self) -> None:
        """Nothing is silenced."""
        self.dismiss()
