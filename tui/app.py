"""The console's Textual app: five screens over one session. It only translates; the core decides."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import ClassVar, Protocol, runtime_checkable

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen

from jinkies.clock import Clock, SystemClock
from jinkies.config import Config
from jinkies.errors import JinkiesError
from tui import theme
from tui.pace import paced
from tui.screens.alerts import AlertsScreen
from tui.session import DRAW_INTERVAL_S, Connect, Session
from tui.widgets.header import StatusHeader
from tui.work import start

QUIET_START_S = 1.0
GREETING_S = 30.0


def _collect_again() -> None:
    """What a start leaves behind stays: the collector, off until now, need not look at it again."""
    gc.freeze()
    gc.enable()


def on_terminal() -> bool:
    """Whether what is typed comes from a terminal that is still there."""
    return sys.__stdin__ is not None and not sys.__stdin__.closed and sys.__stdin__.isatty()


@runtime_checkable
class Watcher(Protocol):
    """A screen that follows the session."""

    def session_changed(self, changed: Session.Changed) -> None:
        """Something changed."""

    def tick(self) -> None:
        """A second passed."""

    def draw(self) -> None:
        """It is time to draw what streams."""


class ConsoleApp(App[int]):
    """``jinkies-tui``. Returns its exit status."""

    TITLE = "jinkies"
    CSS_PATH = "console.tcss"
    DEFAULT_MODE = "alerts"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "help", id="app.help", tooltip="All keys, and how the parts are doing"),
        Binding("1", "switch_mode('alerts')", "alerts", show=False, id="app.alerts", tooltip="Alerts"),
        Binding("2", "switch_mode('logs')", "logs", show=False, id="app.logs", tooltip="Logs"),
        Binding("3", "switch_mode('discord')", "discord", show=False, id="app.discord", tooltip="Discord"),
        Binding("4", "switch_mode('query')", "query", show=False, id="app.query", tooltip="Query: Logs Insights"),
        Binding("5", "switch_mode('stats')", "stats", show=False, id="app.stats", tooltip="Stats: figures of the desk"),
        Binding("q", "quit", "quit", show=False, id="app.quit", tooltip="Leave; the core goes on if it runs elsewhere"),
    ]

    def __init__(
        self, connect: Connect, config: Config, clock: Clock | None = None, *, greeting: str | None = None
    ) -> None:
        super().__init__()
        self._greeting = greeting
        self.session = Session(connect, config, clock or SystemClock())
        self.driver_class = paced(self.driver_class, self.session.pace)
        self.register_theme(theme.THEME)
        self.theme = theme.THEME.name
        self.add_mode("alerts", lambda: AlertsScreen(self.session))
        self.add_mode("logs", self._logs)
        self.add_mode("discord", self._discord)
        self.add_mode("query", self._query)
        self.add_mode("stats", self._stats)
        self.animation_level = "none"  # over SSH every repaint costs
        self.failure: JinkiesError | None = None
        self._on_terminal = on_terminal()

    def _logs(self) -> Screen[None]:
        from tui.screens.logs import LogsScreen  # not before the first paint

        return LogsScreen(self.session)

    def _discord(self) -> Screen[None]:
        from tui.screens.discord import DiscordScreen  # not before the first paint

        return DiscordScreen(self.session)

    def _query(self) -> Screen[None]:
        from tui.screens.query import QueryScreen  # not before the first paint

        return QueryScreen(self.session)

    def _stats(self) -> Screen[None]:
        from tui.screens.stats import StatsScreen  # not before the first paint

        return StatsScreen(self.session)

    def on_mount(self) -> None:
        """Paint first, then connect."""
        self.call_after_refresh(self._start)

    def _start(self) -> None:
        self.session.draw_now = self._draw_soon
        start(self, self._follow, group="session")
        self.set_interval(DRAW_INTERVAL_S, self._draw)
        self.set_interval(1.0, self._tick)
        self.set_timer(QUIET_START_S, _collect_again)
        if self._greeting is not None:
            self.notify(self._greeting, timeout=GREETING_S, markup=False)

    def _draw_soon(self) -> None:
        self.call_later(self._draw)

    async def _follow(self) -> None:
        try:
            await self.session.run()
        except JinkiesError as error:
            self.failure = error
            self.exit(1)

    def _draw(self) -> None:
        if not self.session.pace.ready():
            return  # the link is slow: what changes meanwhile is drawn with the next frame
        changed = self.session.take_changes()
        for screen in self.screen_stack:
            if isinstance(screen, Watcher):
                if changed is not None:
                    screen.session_changed(changed)
                screen.draw()

    def _tick(self) -> None:
        if self._on_terminal and not on_terminal():
            # Nobody tells a program when a terminal goes away without its shell; drawing would wait for it for ever.
            os.kill(os.getpid(), signal.SIGHUP)
        for screen in self.screen_stack:
            if isinstance(screen, Watcher):
                screen.tick()

    def on_status_header_tab_chosen(self, message: StatusHeader.TabChosen) -> None:
        """A click on a tab."""
        self.switch_mode(message.tab)

    async def action_follow(self, service: str) -> None:
        """To the logs of a service."""
        from tui.screens.logs import LogsScreen  # not before the first paint

        await self.switch_mode("logs")
        if isinstance(self.screen, LogsScreen):
            self.screen.follow((service,))

    async def action_ask(self, targets: tuple[str, ...]) -> None:
        """To a query of what is followed."""
        from tui.screens.query import QueryScreen  # not before the first paint

        await self.switch_mode("query")
        if isinstance(self.screen, QueryScreen):
            self.screen.ask_of(targets)

    def on_terminal_supports_synchronized_output(self) -> None:
        """The terminal answered, at the start or behind a frame."""
        self.session.pace.answered()

    def action_help_quit(self) -> None:
        """Textual's answer to ^c, which a person may press by habit: with the key that leaves."""
        self.notify("q leaves; while you type, ^q does", title="Nothing was interrupted", markup=False)

    def action_help(self) -> None:
        """Every key."""
        from tui.screens.help import HelpScreen  # not before the first paint
        from tui.screens.keys import key_groups  # it names every screen

        self.push_screen(HelpScreen(self.session, key_groups(self.BINDINGS)))
