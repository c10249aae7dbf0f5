"""The logs: a live tail of a service or a log group, through the core; or lines fetched around a moment."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget

from jinkies.errors import JinkiesError
from jinkies.model import LogEvent, PartState, TailBatch, TailFigures, TailInfo, TailSpec
from jinkies.words import number_of
from tui import theme
from tui.format import clean, clock_text, cut
from tui.logwords import Holdings, holdings_words
from tui.screens.log_alerts import LogAlerts
from tui.screens.log_prompts import LogPrompts
from tui.screens.picker import PickerScreen
from tui.session import Session
from tui.tailing import Tailing
from tui.trouble import words_of
from tui.widgets.frame import set_subtitle, set_title
from tui.widgets.log_view import LogView
from tui.widgets.rate_strip import RateStrip
from tui.work import start

_COMPARED = 100_000  # of the newest lines held, after a lost connection: as many as a tail holds
_AROUND_MS = 300_000  # how far before and after a moment lines are fetched
_AROUND_LIMIT = 10_000
_TALL = 30  # rows of a screen from which on the histogram has two


class LogsScreen(LogPrompts, LogAlerts):
    """Follows one tail at a time."""

    TAB = "logs"
    AUTO_FOCUS = "LogView"
    FIRST_KEYS = (
        "log.pause",
        "logs.choose",
        "logs.search",
        "logs.filter",
        "log.next_error",
        "log.unfold",
        "logs.moment",
        "logs.alert",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "choose", "service", id="logs.choose", tooltip="Choose whose logs to follow"),
        *LogPrompts.BINDINGS,
        *LogAlerts.BINDINGS,
        Binding("Q", "ask_insights", "query", show=False, id="logs.query", tooltip="Ask Logs Insights about these"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.view = LogView(id="log")
        self.strip_line = RateStrip(id="rates")
        self.targets: tuple[str, ...] = ()
        self.tailing: Tailing | None = None
        self.fixed = ""  # what was fetched, where nothing is followed
        self.window_ms = (0, 0)  # of what was fetched
        self.left: tuple[str, ...] = ()  # what was followed before
        self.gone_ms: int | None = None  # the newest line that the tail held no more when this console came
        self.figures = TailFigures()
        self._backfilled = self._dropped = 0
        self._fetching = self._trouble = self._why = ""

    def body(self) -> Iterable[Widget]:
        """The lines, or why there are none."""
        yield self.strip_line
        yield Container(self.view, id="logs")

    def on_mount(self) -> None:
        """Say what there is."""
        self.view.pace = self.session.pace
        self.view.reshape(source_of=self._source_of)
        self._show_empty()

    def on_resize(self, event: events.Resize) -> None:
        """A tall screen has room for a taller histogram."""
        self.strip_line.styles.height = 3 if event.size.height >= _TALL else 2

    # The tail

    def follow(self, targets: tuple[str, ...]) -> None:
        """Another tail; the one before is left to its other viewers, if any."""
        if targets == self.targets and self.tailing is not None and not self.tailing.refused:
            return
        self._begin(targets)
        spec = TailSpec(targets=targets)
        self.tailing = Tailing(
            lambda: self.session.operator, self.session.clock, spec, self._fold, self.strip_line.ledger
        )
        start(self, partial(self.tailing.run, self._held), group="tail", exclusive=True)
        self._show_empty()

    def _begin(self, targets: tuple[str, ...]) -> None:
        self.targets, self.tailing, self.fixed, self.figures = targets, None, "", TailFigures()
        self.left, self.gone_ms = (), None
        self._fetching = self._trouble = self._why = ""
        self._backfilled = self._dropped = 0
        self.view.start_over(many=len(self._groups()) > 1)
        self.strip_line.clear()
        self.view.focus()

    def _source_of(self, group: str) -> str:
        """What tells lines of several groups apart: services, or the groups of the one service."""
        services = self.session.config.services
        if len(self.targets) > 1:
            for name in self.targets:
                if name in services and group in services[name].log_groups:
                    return name
        return group.rstrip("/").rpartition("/")[2]

    def _groups(self) -> list[str]:
        services = self.session.config.services
        return [
            group
            for target in self.targets
            for group in (services[target].log_groups if target in services else (target,))
        ]

    def _held(self) -> list[LogEvent]:
        ring = self.view.buffer.ring
        held = (ring.event(seq) for seq in range(max(ring.first, ring.next_seq - _COMPARED), ring.next_seq))
        return [event for event in held if event is not None]

    def _fold(self, batch: TailBatch) -> None:
        """The reader only folds; ``draw`` draws."""
        buffer, rates = self.view.buffer, self.strip_line.rates
        if batch.gone_ms is not None:
            self.gone_ms = batch.gone_ms
            buffer.note(f"the tail no longer holds what came before {clock_text(batch.gone_ms)}: t and a time show it")
        if batch.dropped:
            self._dropped += batch.dropped
            buffer.note(f"{number_of(batch.dropped, 'line')} dropped here: this console was too slow to take them")
        for event in batch.events:
            rates.add(event)
            self._backfilled += event.backfilled
        if batch.events:
            buffer.extend(batch.events)
        if batch.spans:
            self.strip_line.ledger.fold(batch.spans)
        if batch.figures is not None:
            self.figures = batch.figures
            self._note_why(batch.figures.why)
        self.view.pump()

    def _note_why(self, why: str) -> None:
        """Why it polls, once."""
        if why and why != self._why:
            self._why = why
            self.view.buffer.note(f"polling, not Live Tail: {why}")

    # Lines around a moment

    def show_around(self, targets: tuple[str, ...], at_ms: int) -> None:
        """Lines of services or log groups around a moment, the cursor at it; nothing is followed."""
        left = self.targets if self.tailing is not None and targets == self.targets else self.left
        self._begin(targets)
        self.left, self.window_ms = left, (at_ms - _AROUND_MS, at_ms + _AROUND_MS)
        self._fetching = f"Fetching the lines around {clock_text(at_ms)}…"
        self.fixed = f"AROUND {clock_text(at_ms)}"
        start(self, partial(self._fetch_around, targets, at_ms), group="tail", exclusive=True)
        self._show_empty()

    async def _fetch_around(self, targets: tuple[str, ...], at_ms: int) -> None:
        reach_ms = _AROUND_MS
        try:
            while True:
                found = await self.session.operator.fetch_logs(
                    TailSpec(targets=targets), start_ms=at_ms - reach_ms, end_ms=at_ms + reach_ms, limit=_AROUND_LIMIT
                )
                if len(found) < _AROUND_LIMIT or found[0].timestamp_ms < at_ms or reach_ms < 1_000:
                    break
                reach_ms //= 4  # the newest of so many are all later than the moment
        except JinkiesError as error:
            self._trouble = words_of(error)
        else:
            self.window_ms = (at_ms - reach_ms, at_ms + reach_ms)
            self._fold(TailBatch(events=found))
            self.view.jump(at_ms)
        self._fetching = ""
        self.draw()

    def reach(self) -> tuple[int, int | None]:
        """From when to when lines are held, as far as there were any; None is the present."""
        if self.fixed:
            return self.window_ms
        ring = self.view.buffer.ring
        lines = (seq for seq in range(ring.first, ring.next_seq) if not ring.is_note(seq) and not ring.is_late(seq))
        oldest = next(lines, None)
        asked_ms = self.tailing.start_ms if self.tailing is not None else self.session.now_ms()
        if oldest is None:
            return asked_ms, None
        whole = not ring.evicted and self.gone_ms is None
        return min(ring.at_ms(oldest), asked_ms) if whole else ring.at_ms(oldest), None

    def back_to_tail(self) -> bool:
        """Follow what was followed before lines around a moment; False when nothing was."""
        if not self.fixed or not self.left:
            return False
        self.follow(self.left)
        return True

    # Drawing

    def tick(self) -> None:
        """Once a second."""
        super().tick()
        self.seek_alerts()

    def draw(self) -> None:
        """At the timer's pace."""
        self.view.draw()
        self.strip_line.here_ms = self.view.here_ms
        self.strip_line.draw()
        self._show_titles()
        self._show_empty()

    def on_log_pane_moved(self) -> None:
        """A key's effect is told at once."""
        self._show_titles()

    def _show_titles(self) -> None:
        if not self.targets:
            set_title(self.view, "Logs")
            set_subtitle(self.view, "")
            return
        names = [clean(target) for target in self.targets]
        names += [clean(group) for group in self._groups() if group not in self.targets]
        words = clean(self.view.buffer.filter.words)
        state, colour = self._state()
        set_title(self.view, "  ".join([*names, words] if words else names), state, colour)
        set_subtitle(self.view, holdings_words(self._holdings(), self.strip_line.ledger, self.view.size.width - 4))

    def _state(self) -> tuple[str, str]:
        trouble = self._trouble or (self.tailing.trouble if self.tailing is not None else None)
        if trouble:
            first, _, _ = clean(trouble).partition(". ")
            state, _ = self._motion()
            room = self.view.outer_size.width - len(state) - len("".join(self.targets)) - 25
            return f"{state} · TROUBLE: {cut(first, min(max(room, 12), 70))}", theme.BAD_COLOUR
        buffer, words = self.view.buffer, list[str]()
        if buffer.shown.busy:
            words.append(f"filtering… {buffer.shown.progress:.0%}")
        if self.view.search_words:
            words.append(self.view.search_words)
        state, colour = self._motion()
        return " · ".join([*words, state]), colour

    def _motion(self) -> tuple[str, str]:
        if self.fixed:
            return f"{self.fixed} · esc follows again" if self.left else self.fixed, theme.ACCENT_COLOUR
        if not self.view.following:
            gone = f" · {self.view.let_go:,} old ones let go" if self.view.let_go else ""
            return f"PAUSED · {self.view.behind:,} new below{gone}", theme.WARN_COLOUR
        rate = self.strip_line.rates.per_second(self.session.now_ms() // 1000)
        return f"FOLLOWING {rate:,.0f}/s" if rate >= 1 else "FOLLOWING", theme.OK_COLOUR

    def _holdings(self) -> Holdings:
        buffer, info = self.view.buffer, self._info()
        return Holdings(
            held=len(buffer),
            shown=len(buffer.shown),
            filtered=not buffer.filter.passes_all,
            evicted=buffer.ring.evicted,
            dropped=self._dropped,
            late=buffer.ring.late,
            backfilled=self._backfilled,
            viewers=info.viewers if info is not None else 0,
            figures=self.figures,
            fixed=bool(self.fixed),
        )

    def _info(self) -> TailInfo | None:
        replica = self.session.replica
        wanted = self.tailing.tail_id if self.tailing is not None else None
        tails = replica.tails if replica is not None else ()
        return next((tail for tail in tails if tail.tail_id == wanted), None)

    def _show_empty(self) -> None:
        words = self._empty_words()
        if words != self.view.empty_words:
            self.view.empty_words = words
            self.view.draw()

    def _empty_words(self) -> str:
        buffer = self.view.buffer
        if len(buffer.shown):
            return ""
        if len(buffer):
            return self._filtered_words()
        if self._fetching or self._trouble:
            return clean(self._fetching or self._trouble)
        if self.fixed:
            again = "esc  follow again\n" if self.left else ""
            return f"CloudWatch has no lines around that time.\n\n{again}s  choose whose logs to follow"
        if self.tailing is not None and self.tailing.tail_id is not None and not self.tailing.trouble:
            return "Following. No lines in the last five minutes; new ones appear here as they come."
        aws = self.session.health.get("aws")
        missing = self.session.config.aws.missing() if aws is None else None
        if aws is not None and aws.state is PartState.UNCONFIGURED:
            missing = aws.detail
        if missing:
            return f"AWS is not set up, so there are no logs to follow.\n\n{clean(missing)}"
        return self._tail_words()

    def _filtered_words(self) -> str:
        if self.view.buffer.shown.busy:
            return "filtering…"
        count = len(self.view.buffer)
        held = "The one line held does not pass:" if count == 1 else f"None of the {count:,} lines held passes:"
        return f"{held} {clean(self.view.buffer.filter.words)}\n\n& and ⏎ ends all terms · v  level · esc  all requests"

    def _tail_words(self) -> str:
        if self.tailing is not None and self.tailing.trouble:
            again = "" if self.tailing.refused else "It is asked for again until it comes.\n"
            return f"{clean(self.tailing.trouble)}\n\n{again}s  choose another service or log group"
        if self.tailing is not None:
            return "Asking the core…"
        names = ", ".join(self.session.config.services) or "none configured: any log group can be named"
        return f"Nothing is followed yet.\n\ns  choose whose logs to follow\n\nServices: {clean(names)}"

    # Keys

    async def action_ask_insights(self) -> None:
        """A query of what is shown."""
        await self.app.run_action(f"app.ask({self.targets!r})")

    def action_choose(self) -> None:
        """Another service."""
        self.app.push_screen(PickerScreen(self.session.config.services), self._chosen)

    def _chosen(self, target: str | None) -> None:
        if target:
            self.follow((target,))
