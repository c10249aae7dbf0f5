"""What is typed on the logs screen: a search, a filter, a time, a file's name; and going there by the histogram."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen

from jinkies.errors import Invalid
from jinkies.words import number_of
from tui.format import clean, moment_text
from tui.linefilter import BadTerm, parse_term
from tui.moments import FORMS, moment
from tui.saving import save
from tui.session import Session
from tui.widgets.log_view import LogView
from tui.widgets.prompt import Prompt
from tui.widgets.rate_strip import RateStrip
from tui.work import start

_HINTS = {
    "search": "search: text, or /regex/ · ⏎ to the newest · n N on · esc ends it",
    "filter": "only lines with: text, !text without, /regex/ · the same again takes it away · nothing: all lines",
    "moment": FORMS,
    "save": "file to write: .json for JSON lines, else the lines as they came",
}


class LogPrompts(Screen[None]):
    """The prompts of the screen that has a log view."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "ask('search')", "search", id="logs.search", tooltip="Search all lines held; n and N go on"),
        Binding(
            "ampersand",
            "ask('filter')",
            "filter",
            id="logs.filter",
            tooltip="Only lines with (!without) a text, of all held",
        ),
        Binding(
            "t", "ask('moment')", "time", id="logs.moment", tooltip="Go to a time: 13:10, -5m; one not held is fetched"
        ),
        Binding("P", "patterns", "patterns", id="logs.patterns", tooltip="The lines held, by pattern"),
        Binding("S", "save", "save", id="logs.save", tooltip="Save the lines shown to a file"),
        Binding(
            "left_square_bracket",
            "bucket(-1)",
            "back",
            show=False,
            id="logs.bar_back",
            tooltip="A bar of the histogram back",
        ),
        Binding(
            "right_square_bracket", "bucket(1)", "on", show=False, id="logs.bar_on", tooltip="A bar of the histogram on"
        ),
        Binding(
            "escape",
            "back",
            "back",
            show=False,
            id="logs.back",
            tooltip="End search, request or pattern; then follow again",
        ),
    ]

    session: Session
    view: LogView
    strip_line: RateStrip
    targets: tuple[str, ...]
    _around_ms = 0  # what is offered to be shown

    def reach(self) -> tuple[int, int | None]:
        """From when to when lines are held, as far as there were any; None is the present."""
        raise NotImplementedError

    def show_around(self, targets: tuple[str, ...], at_ms: int) -> None:
        """Fetch the lines around a moment."""
        raise NotImplementedError

    def back_to_tail(self) -> bool:
        """Follow again; False when nothing was followed."""
        raise NotImplementedError

    def action_ask(self, what: str) -> None:
        """Open a prompt under the lines."""
        self._open(what, "")

    def _open(self, what: str, value: str, hint: str = "") -> None:
        self.query("#logs Prompt").remove()
        prompt = Prompt(value, hint or _HINTS[what], id=what)
        self.query_one("#logs").mount(prompt)
        prompt.focus()

    def _close(self) -> None:
        self.query("#logs Prompt").remove()
        self.view.focus()

    def on_input_changed(self, event: Prompt.Changed) -> None:
        """Search while typing."""
        if event.input.id == "search":
            self._search(event.value)

    def on_input_submitted(self, event: Prompt.Submitted) -> None:
        """What was asked for."""
        self._close()
        typed = event.value
        match event.input.id:
            case "search":
                self._search(typed)
                if typed:
                    self.view.action_match(-1)
            case "filter":
                self._filter(typed)
            case "moment" | "around" if typed.strip():
                self._go_to(typed)
            case "around":
                self.show_around(self.targets, self._around_ms)
            case "save" if typed.strip():
                start(self, partial(self._save, typed.strip()), group="save")

    def on_prompt_cancelled(self, event: Prompt.Cancelled) -> None:
        """As it was before."""
        if event.prompt.id == "search":
            self.view.search(None)
        self._close()

    def _search(self, typed: str) -> None:
        try:
            self.view.search(parse_term(typed) if typed else None)
        except BadTerm:  # it is still being typed
            self.view.search(None)

    def _filter(self, typed: str) -> None:
        if not typed:
            self.view.clear_terms()
            return
        try:
            self.view.toggle_term(parse_term(typed))
        except BadTerm as error:
            self.notify(clean(str(error)), title="No filter", severity="error", markup=False)

    def _go_to(self, typed: str) -> None:
        here_ms = self.view.here_ms or self.view.newest_ms or self.session.now_ms()
        try:
            self._jump(moment(typed, here_ms=here_ms, now_ms=self.session.now_ms()))
        except Invalid as error:
            self.notify(clean(str(error)), title="No time", severity="error", markup=False)

    def _jump(self, at_ms: int, *, wide_ms: int = 0) -> None:
        """To the first line of a moment, ``wide_ms`` long; where none of it is held, offer to fetch what was then."""
        if not self.targets:
            self.notify("nothing is followed yet; s chooses whose logs", timeout=3)
            return
        first_ms, last_ms = self.reach()
        if first_ms < at_ms + wide_ms + 1_000 and (last_ms is None or at_ms <= last_ms):
            self.view.jump(at_ms)
            return
        self._around_ms = at_ms
        now_ms, before = self.session.now_ms(), at_ms < first_ms
        than = f"not held (from {moment_text(first_ms, now_ms)} on)" if before else "after what was fetched"
        self._open("around", "", f"{moment_text(at_ms, now_ms)} is {than} · ⏎ fetches what was then · esc stays")

    def on_rate_strip_chosen(self, event: RateStrip.Chosen) -> None:
        """A click on the histogram; what is not complete says why."""
        self._jump(event.at_ms, wide_ms=self.strip_line.scale.step_s * 1_000)
        if event.reason:
            self.notify(clean(event.reason), title="Not complete", markup=False)

    def action_bucket(self, step: int) -> None:
        """A bar of the histogram on or back."""
        here_ms = self.view.here_ms or self.view.newest_ms
        found = self.strip_line.neighbour(here_ms, step) if here_ms is not None else None
        if found is not None:
            self._jump(found, wide_ms=self.strip_line.scale.step_s * 1_000)
        else:
            self.notify("no bar " + ("after" if step > 0 else "before") + " this one", timeout=2)

    def action_back(self) -> None:
        """No search; then all requests and patterns again; then the tail again."""
        if self.view.buffer.term is not None:
            self.view.search(None)
        elif not self.view.widen():
            self.back_to_tail()

    def action_save(self) -> None:
        """Ask for a file's name."""
        service = "".join(char if char.isalnum() or char in "-_" else "-" for char in "-".join(self.targets)).strip("-")
        now = datetime.fromtimestamp(self.session.now_ms() / 1000).astimezone()
        self._open("save", f"{service[:60] or 'logs'}-{now:%Y-%m-%dT%H-%M-%S}.log")

    async def _save(self, name: str) -> None:
        buffer = self.view.buffer
        seqs = [seq for head in buffer.shown for seq in buffer.joins.of(head)]
        try:
            path, count = await save(buffer.ring, seqs, name, self.session.clock)
        except FileExistsError:
            self.notify(
                f"{clean(name)} is there already: choose another name",
                title="Not saved",
                severity="error",
                markup=False,
            )
        except (OSError, ValueError) as error:
            self.notify(clean(f"{name}: {error}"), title="Not saved", severity="error", markup=False)
        else:
            self.notify(clean(str(path)), title=f"Saved {number_of(count, 'line')}", markup=False)

    def action_patterns(self) -> None:
        """The lines held, by pattern."""
        from tui.screens.patterns import PatternsScreen  # not before it is asked for

        self.app.push_screen(PatternsScreen(self.view.buffer), self._pattern_chosen)

    def _pattern_chosen(self, template: str | None) -> None:
        if template is not None:
            self.view.narrow(template=template)
