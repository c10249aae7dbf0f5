"""The alerts: the table, and beside it (under it, in a narrow terminal) the selected one in full."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from jinkies.errors import Invalid, JinkiesError
from jinkies.events import SNAPSHOT_ROWS
from jinkies.matching import Silence
from jinkies.model import AlertPage, AlertRow
from jinkies.query import EXAMPLES, Filter, completions, parse
from tui import theme
from tui.alertlist import AlertList
from tui.detail_source import DetailSource
from tui.format import clean
from tui.screens.marking import MarkedAlerts
from tui.session import Session
from tui.widgets.alert_detail import AlertDetailView
from tui.widgets.alert_table import AlertTable
from tui.widgets.detail_lines import Shown
from tui.widgets.frame import set_subtitle, set_title
from tui.work import start

_PAGE = 200
_REORDER_TICKS = 10  # seconds: priorities cool by themselves, and rows that move at once would not be read


class AlertsScreen(MarkedAlerts):
    """Table and detail."""

    TAB = "alerts"
    AUTO_FOCUS = "AlertTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash",
            "filter",
            "filter",
            id="alerts.filter",
            tooltip="Filter: state:, service:, level>=, env:, since:, words",
        ),
        Binding(
            "comma", "order", "order", show=False, id="alerts.order", tooltip="By priority, or the newest first again"
        ),
        Binding("f", "fold", "unfold", show=False, id="alerts.fold", tooltip="Unfold or fold the libraries' frames"),
        Binding(
            "escape",
            "back",
            "back",
            show=False,
            id="alerts.back",
            tooltip="To the table, then clear marks, then the filter",
        ),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.table = AlertTable(session.clock, id="table")
        self.detail = AlertDetailView(id="detail")
        self.list = AlertList()
        self.source = DetailSource(session.clock, self._show_detail)
        self._unfolded = False
        self._filter_error = ""
        self._paging = False
        self._ticks = 0

    def body(self) -> Iterable[Widget]:
        """Table and detail."""
        self.table.empty_words = "connecting to the core…"
        yield Container(Container(self.table, id="left"), self.detail, id="alerts")

    @property
    def current(self) -> AlertRow | None:
        """The selected one."""
        return self.table.selected

    @property
    def parts(self) -> tuple[AlertRow, ...]:
        """What the detail says is merged into it."""
        return self.source.parts

    @property
    def wanted(self) -> Filter:
        """The list's."""
        return self.list.filter

    def marks_changed(self) -> None:
        """The title counts them."""
        super().marks_changed()
        self._show_titles()

    # What the session says

    def draw_changes(self, changed: Session.Changed) -> None:
        """Fold what changed into the table."""
        replica = self.session.replica
        if replica is None or not self.session.live:
            return
        if self.session.lost:
            return  # what is held stays; the header says since when it is old
        rows = self.session.rows
        if changed.everything:
            self._restart(self.list.filter)
        else:
            gone = [alert_id for alert_id in changed.alerts if alert_id not in rows]
            self.list.fold([rows[alert_id] for alert_id in changed.alerts if alert_id in rows], gone)
            if self.list.may_miss:
                self._ask(None)
        self._show_rows()
        self._refresh_detail(changed)

    def _refresh_detail(self, changed: Session.Changed) -> None:
        row = self.current
        if row is None or row.alert_id != self.source.alert_id:
            return  # its selection is on its way, and asks
        if changed.everything or row.alert_id in changed.alerts:
            self._load_detail()
        if changed.everything and self.source.logs.trouble:
            self._load_logs()

    def _restart(self, wanted: Filter) -> None:
        rows = self.session.rows.values()
        self.list.reset(wanted, rows)
        if not wanted.is_default:
            self._ask(None)
        elif self.session.counts.unresolved <= len(self.list.rows) or len(self.list.rows) < SNAPSHOT_ROWS:
            self.list.seed_complete()
        elif (oldest := self.list.oldest) is not None:
            self.list.seed_frontier(oldest)

    def _show_rows(self) -> None:
        self.table.empty_words = (
            "nothing matches the filter; esc takes it back" if not self.list.filter.is_default else "all quiet"
        )
        self.table.show(self.list.rows)
        self._show_titles()
        self._show_detail()
        self.refresh_bindings()

    def _show_titles(self) -> None:
        if self._filter_error:
            set_title(self.table, f"✗ {clean(self._filter_error)}", left_colour=theme.BAD_COLOUR)
        else:
            order = "by priority" if self.list.by_priority else "newest first"
            set_title(self.table, clean(self.list.filter.text), order)
        total = self.list.filter.total(self.session.counts)
        more = "" if self.list.complete else " · of what is held" if self.session.lost else " · more ↓"
        held = len(self.list.rows)
        marks = f"◆ {len(self.table.marked):,} marked · " if self.table.marked else ""
        text = f"{marks}{self.table.position_text} of {max(total, held) if total is not None else held:,}{more}"
        set_subtitle(self.table, text)

    def tick(self) -> None:
        """Ages move."""
        super().tick()
        self._ticks += 1
        if self.list.by_priority and self._ticks % _REORDER_TICKS == 0:
            self.list.reorder(self.session.now_ms(), by_priority=True)
            self._show_rows()
        self.table.refresh_changed()
        self._show_detail()

    def draw(self) -> None:
        """The window's place among the rows."""
        if self.session.live:
            self._show_titles()

    # Pages of the store

    def on_alert_table_near_end(self, message: AlertTable.NearEnd) -> None:
        """Another page, unless all are held."""
        message.stop()
        if self.session.live and not self.list.complete and not self._paging:
            self._ask(self.list.cursor)

    def _ask(self, cursor: str | None) -> None:
        if self.session.lost:
            return  # of what is held; the core is asked once it is back
        self._paging = True
        start(self, partial(self._load_page, self.list.filter, cursor), group="pages", exclusive=True)

    async def _load_page(self, wanted: Filter, cursor: str | None) -> None:
        try:
            page = await self.session.operator.alerts(wanted.query(limit=_PAGE, cursor=cursor))
        except JinkiesError as error:
            self._paging = False
            self.tell_error(error, "Not all alerts could be read")
            return
        self._paging = False
        self._take_page(wanted, page, first=cursor is None)

    def _take_page(self, wanted: Filter, page: AlertPage, *, first: bool) -> None:
        if wanted != self.list.filter:
            return
        if first and self.list.cursor is not None:
            page = AlertPage(rows=page.rows, next_cursor=self.list.cursor)  # looked again: the place in the pages stays
        self.list.take_page(page, newer=self.session.rows)
        self._show_rows()

    # The detail

    def on_alert_table_highlighted(self, message: AlertTable.Highlighted) -> None:
        """Show the row at once, ask for the rest."""
        message.stop()
        if self.source.select(message.row) or self.source.detail is None:
            self._load_detail()
            self._load_logs()
        self._show_detail()
        self.refresh_bindings()

    def _load_detail(self) -> None:
        if self.session.live:
            start(self, partial(self.source.load, self.session.operator), group="detail", exclusive=True)

    def _load_logs(self) -> None:
        if self.session.live:
            start(self, partial(self.source.load_logs, self.session.operator), group="around", exclusive=True)

    def _show_detail(self) -> None:
        row = self.current
        if row is None:
            self.detail.empty_words = ""
            self.detail.show(None)
            set_title(self.detail, "")
            set_subtitle(self.detail, "")
            return
        set_title(self.detail, f"#{row.alert_id} {clean(row.title)[:200]}")
        subtitle = f"{clean(row.service)} · {clean(row.environment)}"
        set_subtitle(self.detail, subtitle)
        self.detail.show(self._shown(row))

    def _shown(self, row: AlertRow) -> Shown:
        replica = self.session.replica
        held = replica.deliveries.values() if replica is not None else ()
        deliveries = tuple(delivery for delivery in held if delivery.alert_id == row.alert_id)
        same = self.source.detail if self.source.alert_id == row.alert_id else None
        if not deliveries and same is not None:
            deliveries = same.deliveries
        service = self.session.config.services.get(row.service)
        missing = self.session.config.discord.missing()
        note = (
            ""
            if deliveries
            else f"not set up: {missing}"
            if missing
            else "no card (older than the desk's first connection)"
        )
        return Shown(
            row=row,
            detail=same,
            deliveries=deliveries,
            discord_note=note,
            logs=self.source.logs,
            parts=self.source.parts if same is not None else (),
            silence=self._silence_of(row),
            log_groups=" ".join(service.log_groups) if service is not None else "",
            unfolded=self._unfolded,
            now_ms=self.session.now_ms(),
        )

    def _silence_of(self, row: AlertRow) -> Silence | None:
        replica = self.session.replica
        return replica.silences.get(row.silenced_by) if replica is not None and row.silenced_by is not None else None

    def on_alert_table_chosen(self, message: AlertTable.Chosen) -> None:
        """Into the detail."""
        message.stop()
        self.detail.focus()

    def action_fold(self) -> None:
        """Libraries' frames."""
        self._unfolded = not self._unfolded
        self._show_detail()

    def action_order(self) -> None:
        """By priority, or the newest first."""
        self.list.reorder(self.session.now_ms(), by_priority=not self.list.by_priority)
        self._show_rows()
        self.table.action_edge(-1)

    # The filter

    def action_filter(self) -> None:
        """Open the filter line."""
        from tui.widgets.prompt import Prompt  # not before the first paint

        if not self.query("#filter"):
            text = "" if self.list.filter.is_default else self.list.filter.text
            prompt = Prompt(text, EXAMPLES, id="filter", complete=self._completions)
            self.query_one("#left").mount(prompt)
            prompt.focus()

    def _completions(self, typed: str) -> tuple[str, ...]:
        rows = self.session.rows.values()
        services = {*self.session.config.services, *(row.service for row in rows)}
        return completions(typed, services=services, environments={row.environment for row in rows})

    def on_input_changed(self) -> None:
        """Live."""
        self._apply(self._typed())

    def on_input_submitted(self) -> None:
        """Keep it; one that can't be read stays open, to be put right."""
        if not self._filter_error:
            self._close_filter()

    def on_prompt_cancelled(self, message: Widget) -> None:
        """As it was before."""
        self._apply(getattr(message, "before", ""))
        self._close_filter()

    def _typed(self) -> str:
        found = self.query("#filter")
        return str(getattr(found.first(), "value", "")) if found else ""

    def _close_filter(self) -> None:
        self.query("#filter").remove()
        self.table.focus()

    def _apply(self, text: str) -> None:
        try:
            wanted = parse(text, now_ms=self.session.now_ms())
            self._filter_error = ""
        except Invalid as error:
            self._filter_error = str(error)
            self._show_titles()
            return
        if wanted != self.list.filter and self.session.live:
            self._restart(wanted)
            self._show_rows()
        self._show_titles()

    def show_only(self, alert_id: int) -> None:
        """One alert, of whatever state, until the filter is taken back."""
        self._close_filter()
        self._apply(f"#{alert_id}")

    def action_back(self) -> None:
        """From the detail to the table; there, all alerts again."""
        if self.focused is not self.table:
            self.table.focus()
        elif not self.clear_marks():
            self._apply("")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A page that was overtaken by another filter is no longer awaited."""
        if event.worker.group == "pages" and event.state is WorkerState.CANCELLED:
            self._paging = any(worker.group == "pages" and worker.is_running for worker in self.workers)
