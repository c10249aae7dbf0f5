"""Figures of the desk: how fast people act, what was opened when and where, and which alerts are noisy."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget

from jinkies.errors import JinkiesError
from jinkies.stats import NoisyAlert, Stats
from tui import theme
from tui.draw import Line, line
from tui.figures import FACTS, RANGES, figure_lines, service_bars
from tui.format import ago, clean
from tui.screens.base import DeskScreen
from tui.session import Session
from tui.widgets.frame import set_subtitle, set_title
from tui.widgets.lines import LinesView
from tui.widgets.row_table import Row, RowTable
from tui.work import start

REFRESH_S = 30  # asked again so often while it is shown
_BAR = 16
_BORDER = 2
_BARS = ((44, 13), (34, 9), (28, 6), (0, 4))  # lines of bars, with the days' names, of a screen at least so high


class FiguresView(LinesView, can_focus=False):
    """The figures and the bars."""

    def __init__(self) -> None:
        super().__init__(id="figures")
        self.stats: Stats | None = None
        self.words = "asking…"  # while there are no figures

    def build(self, width: int) -> list[Line]:
        """As many lines as there is room for."""
        if self.stats is None:
            return [line((f" {self.words}", theme.MUTED))]
        return figure_lines(self.stats, width, self.size.height)


class ServiceTable(RowTable, inherit_bindings=False):
    """A service a row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "this one", id="stats.service", tooltip="Only the figures of this service"),
        *RowTable.BINDINGS[1:],
    ]


class NoisyTable(RowTable, inherit_bindings=False):
    """A noisy alert a row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "open", id="stats.open", tooltip="To the alert"),
        *RowTable.BINDINGS[1:],
    ]


class StatsScreen(DeskScreen):
    """Figures above, services and noisy alerts below."""

    TAB = "stats"
    AUTO_FOCUS = "NoisyTable"
    FIRST_KEYS: ClassVar[tuple[str, ...]] = ("stats.open", "stats.service", "stats.day", "stats.week", "stats.month")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "range('day')", "24 h", id="stats.day", tooltip="The last 24 hours"),
        Binding("w", "range('week')", "7 d", id="stats.week", tooltip="The last 7 days"),
        Binding("m", "range('month')", "30 d", id="stats.month", tooltip="The last 30 days"),
        Binding("tab", "app.focus_next", "pane", id="stats.pane", tooltip="Between services and noisy alerts"),
        Binding("r", "again", "again", show=False, id="stats.again", tooltip="Ask again now"),
        Binding("escape", "back", "all services", id="stats.back", tooltip="The figures of all services again"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.figures = FiguresView()
        self.services = ServiceTable(id="services")
        self.noisy = NoisyTable(id="noisy")
        self.service: str | None = None
        self._range = "week"
        self._asked_at_ms = 0
        self._answered_at_ms = 0
        self._trouble = ""

    def body(self) -> Iterable[Widget]:
        """Three panes."""
        self.services.empty_words = self.noisy.empty_words = "nothing in that time"
        yield Container(self.figures, Container(self.services, self.noisy, id="stats-tables"), id="stats")

    def on_resize(self) -> None:
        """The bars take what a screen of this height can spare."""
        rows = next(rows for height, rows in _BARS if self.size.height >= height)
        self.figures.styles.height = FACTS + rows + _BORDER

    # Asking

    def draw_changes(self, changed: Session.Changed) -> None:
        """Ask when the screen comes up and when the link is back; while it is shown, now and then."""
        if changed.everything:
            self._ask()

    def tick(self) -> None:
        """Ages move, and figures."""
        super().tick()
        if self.session.now_ms() - self._asked_at_ms >= REFRESH_S * 1_000:
            self._ask()
        self._show_titles()

    def _ask(self) -> None:
        if self.session.live and not self.session.lost:
            self._asked_at_ms = self.session.now_ms()
            start(self, partial(self._load, self._range, self.service), group="stats", exclusive=True)

    async def _load(self, name: str, service: str | None) -> None:
        now_ms = self.session.now_ms()
        try:
            found = await self.session.operator.stats(RANGES[name].query(now_ms, service))
        except JinkiesError as error:
            self._trouble = str(error)
            self.figures.words = clean(str(error))
        else:
            self._trouble, self._answered_at_ms = "", now_ms
            self._show(found)
        self._show_titles()
        self.figures.rebuild()

    # Drawing

    def _show(self, found: Stats) -> None:
        self.figures.stats = found
        bars = service_bars([one.opened for one in found.services], _BAR)
        columns = ("service", "opened", "", "unresolved", "occurrences")
        rows = tuple(
            (one.service, f"{one.opened:>6,}", bar, f"{one.unresolved:>10,}", f"{one.occurrences:>11,}")
            for one, bar in zip(found.services, bars, strict=True)
        )
        self.services.show(columns, rows)
        self.noisy.show(("alert", "times", "state", "service", "title"), tuple(map(_noisy_row, found.noisy)))
        for table in (self.services, self.noisy):
            table.refresh()

    def _show_titles(self) -> None:
        of = f"service {clean(self.service)}" if self.service is not None else "all services"
        state, colour = "", theme.MUTED_COLOUR
        if self.session.lost:
            state, colour = "as last heard", theme.WARN_COLOUR
        elif self._trouble:
            state, colour = "✗ not read", theme.BAD_COLOUR
        elif self._answered_at_ms:
            age = ago(self._answered_at_ms, self.session.now_ms())
            state = f"as of {age} ago" if age != "now" else "as of now"
        set_title(self.figures, f"Last {RANGES[self._range].words} · {of}", state, colour)
        set_title(self.services, "Services")
        set_title(self.noisy, "Noisy alerts")
        set_subtitle(self.services, "⏎ only this one" if self.service is None else "esc all services")
        set_subtitle(self.noisy, "⏎ open")

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing are dimmed."""
        if action == "back":
            return True if self.service is not None else None
        if action == "range" and parameters == (self._range,):
            return None
        return super().check_action(action, parameters)

    def action_range(self, name: str) -> None:
        """Another time."""
        self._range = name
        self._again()

    def action_again(self) -> None:
        """Now."""
        self._again()

    def action_back(self) -> None:
        """All services."""
        self.service = None
        self._again()

    def _again(self) -> None:
        self._ask()
        self._show_titles()
        self.refresh_bindings()

    async def on_row_table_chosen(self, event: RowTable.Chosen) -> None:
        """A service's own figures, or an alert."""
        event.stop()
        if event.table is self.services:
            self.service = event.row[0]
            self._again()
        elif event.row[2] == _DELETED:
            self.notify(f"{event.row[0]} was deleted after its retention", timeout=4)
        else:
            await open_alert(self.app, int(event.row[0].removeprefix("#")))


_DELETED = "deleted"


def _noisy_row(one: NoisyAlert) -> Row:
    state = one.state.value if one.state is not None else _DELETED
    return (f"#{one.alert_id}", f"×{one.occurrences:,}", state, one.service, one.title)


async def open_alert(app: App[int], alert_id: int) -> None:
    """To an alert, on the screen of alerts."""
    from tui.screens.alerts import AlertsScreen  # it is there already

    await app.switch_mode("alerts")
    if isinstance(app.screen, AlertsScreen):
        app.screen.show_only(alert_id)
