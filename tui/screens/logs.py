"""The logs: a live tail of a service or a log group, through the core."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import islice
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget

from jinkies.model import Level, LogEvent, PartState, TailBatch, TailSpec
from tui import theme
from tui.format import clean, cut
from tui.logbuffer import MAX_LINES
from tui.screens.base import DeskScreen
from tui.screens.picker import PickerScreen
from tui.session import Session
from tui.tailing import Tailing
from tui.widgets.frame import set_subtitle, set_title
from tui.widgets.log_view import LogView
from tui.widgets.prompt import Prompt
from tui.widgets.rate_strip import RateStrip
from tui.work import start

_COMPARED = 20_000  # of the newest lines held, after a lost connection


class LogsScreen(DeskScreen):
    """Follows one tail at a time."""

    TAB = "logs"
    AUTO_FOCUS = "LogView"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "choose", "service", id="logs.choose", tooltip="Choose whose logs to follow"),
        Binding("slash", "search", "search", id="logs.search", tooltip="Search the lines held; n and N go on"),
        Binding("escape", "back", "back", show=False, id="logs.back", tooltip="End the search"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.view = LogView(id="log")
        self.strip_line = RateStrip(id="rates")
        self.targets: tuple[str, ...] = ()
        self.tailing: Tailing | None = None
        self._late = self._dropped = 0

    def body(self) -> Iterable[Widget]:
        """The lines, or why there are none."""
        yield self.strip_line
        yield Container(self.view, id="logs")

    def on_mount(self) -> None:
        """Say what there is."""
        self._show_empty()

    # The tail

    def follow(self, targets: tuple[str, ...]) -> None:
        """Another tail; the one before is left to its other viewers, if any."""
        if targets == self.targets and self.tailing is not None and not self.tailing.refused:
            return
        self.targets = targets
        self.view.buffer.clear()
        self.view.marked = None
        self.view.action_newest()
        self.strip_line.rates = type(self.strip_line.rates)()
        self._late = self._dropped = 0
        spec = TailSpec(targets=targets)
        self.tailing = Tailing(lambda: self.session.operator, self.session.clock, spec, self._fold)
        start(self, partial(self.tailing.run, self._held), group="tail", exclusive=True)
        self.view.focus()
        self._show_empty()

    def _held(self) -> list[LogEvent]:
        newest = islice(reversed(self.view.buffer.entries), _COMPARED)
        return [entry.event for entry in newest if entry.event is not None]

    def _fold(self, batch: TailBatch) -> None:
        """The reader only folds; ``draw`` draws."""
        buffer = self.view.buffer
        if batch.dropped:
            self._dropped += batch.dropped
            buffer.note(f"{batch.dropped:,} lines dropped here: this console was too slow to take them")
        for event in batch.events:
            buffer.append(event)
            self.strip_line.rates.add(event)
            self._late += event.late

    # Drawing

    def draw(self) -> None:
        """At the timer's pace."""
        self.view.draw()
        self.strip_line.draw()
        self._show_titles()
        self._show_empty()

    def _show_titles(self) -> None:
        if not self.targets:
            set_title(self.view, "Logs")
            set_subtitle(self.view, "")
            return
        names = [clean(target) for target in self.targets]
        for target in self.targets:
            service = self.session.config.services.get(target)
            names += [clean(group) for group in service.log_groups] if service is not None else []
        level = f"  level>={self.view.level.value}" if self.view.level is not Level.NONE else ""
        state, colour = self._state()
        set_title(self.view, f"{'  '.join(names)}{level}", state, colour)
        set_subtitle(self.view, self._holdings())

    def _state(self) -> tuple[str, str]:
        if self.tailing is not None and self.tailing.trouble:
            first, _, _ = clean(self.tailing.trouble).partition(". ")
            return f"TROUBLE: {cut(first, 70)}", theme.BAD_COLOUR
        if not self.view.following:
            return f"PAUSED · {self.view.behind:,} new below", theme.WARN_COLOUR
        rate = self.strip_line.rates.per_second(self.session.now_ms() // 1000)
        return f"FOLLOWING {rate:,.0f}/s" if rate >= 1 else "FOLLOWING", theme.OK_COLOUR

    def _holdings(self) -> str:
        buffer = self.view.buffer
        words = [f"{len(buffer):,} held of {MAX_LINES:,}"]
        if buffer.evicted:
            words.append(f"{buffer.evicted:,} older ones let go")
        if self._late:
            words.append(f"{self._late:,} late")
        if self._dropped:
            words.append(f"{self._dropped:,} dropped")
        viewers = self._viewers()
        if viewers > 1:
            words.append(f"{viewers} viewers")
        return " · ".join(words)

    def _viewers(self) -> int:
        replica = self.session.replica
        tails = replica.tails if replica is not None else ()
        wanted = self.tailing.tail_id if self.tailing is not None else None
        return next((tail.viewers for tail in tails if tail.tail_id == wanted), 0)

    def _show_empty(self) -> None:
        words = self._empty_words()
        if words != self.view.empty_words:
            self.view.empty_words = words
            self.view.refresh()

    def _empty_words(self) -> str:
        if len(self.view.buffer):
            return ""
        aws = self.session.health.get("aws")
        missing = self.session.config.aws.missing() if aws is None else None
        if aws is not None and aws.state is PartState.UNCONFIGURED:
            missing = aws.detail
        if missing:
            return f"AWS is not set up, so there are no logs to follow.\n\n{clean(missing)}"
        if self.tailing is not None and self.tailing.trouble:
            again = "" if self.tailing.refused else "It is asked for again until it comes.\n"
            return f"{clean(self.tailing.trouble)}\n\n{again}s  choose another service or log group"
        if self.tailing is not None and self.tailing.tail_id is None:
            return "Asking the core…"
        if self.targets:
            return "Following. No lines in the last five minutes; new ones appear here as they come."
        names = ", ".join(self.session.config.services) or "none configured: any log group can be named"
        return f"Nothing is followed yet.\n\ns  choose whose logs to follow\n\nServices: {clean(names)}"

    # Keys

    def action_choose(self) -> None:
        """Another service."""
        self.app.push_screen(PickerScreen(self.session.config.services), self._chosen)

    def _chosen(self, target: str | None) -> None:
        if target:
            self.follow((target,))

    def action_search(self) -> None:
        """Open the search line."""
        if not self.query("#search"):
            prompt = Prompt("", "search the lines held; n and N go on", id="search")
            self.query_one("#logs").mount(prompt)
            prompt.focus()

    def on_input_changed(self, event: Prompt.Changed) -> None:
        """Highlight while typing."""
        self.view.search(event.value)

    def on_input_submitted(self, event: Prompt.Submitted) -> None:
        """To the newest match."""
        self._close_search()
        if event.value:
            self.view.action_match(-1)

    def on_prompt_cancelled(self) -> None:
        """No search."""
        self.view.search("")
        self._close_search()

    def _close_search(self) -> None:
        self.query("#search").remove()
        self.view.focus()

    def action_back(self) -> None:
        """No highlights, no mark."""
        self.view.search("")
        self.view.marked = None
        self.view.refresh()
