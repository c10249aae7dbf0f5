"""Asking CloudWatch Logs Insights: a query, where and when; its progress; its rows, which lead into the log."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.widget import Widget
from textual.widgets import Input

from jinkies.errors import Invalid
from jinkies.model import QuerySpec
from jinkies.reading.times import RANGES, parse_range
from tui.asking import Asking, Entry, History, Stage, place_of
from tui.format import clean
from tui.screens.base import DeskScreen
from tui.session import Session
from tui.widgets.frame import set_subtitle, set_title
from tui.widgets.row_table import RowTable
from tui.work import start

DEFAULT_QUERY = "fields @timestamp, @log, @logStream, @message | sort @timestamp desc"
DEFAULT_SINCE = "1h"
LIMIT = 1_000
_HINT = (
    "Nothing is asked yet.\n\n⏎  asks · ↑ ↓  queries asked before · tab  where, and since when\n"
    "^q  leaves while you type · esc  to the rows, where q and all other keys work\n\n"
    "fields @timestamp, @message | filter @message like /timeout/ | sort @timestamp desc\n"
    "stats count(*) by bin(5m)"
)


class Ask(Input):
    """One of the three lines that make a query."""

    DEFAULT_CSS = """
    Ask { height: 1; border: none; padding: 0 1; background: $panel; }
    Ask:focus { border: none; background: $panel-lighten-1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "ask", id="query.ask", tooltip="Ask; what is typed here costs by the data scanned"),
        Binding("up", "screen.before(-1)", "before", id="query.before", tooltip="The query asked before"),
        Binding("down", "screen.before(1)", "after", show=False, id="query.after", tooltip="The query asked after it"),
        Binding("escape", "screen.rows", "rows", id="query.rows", tooltip="To the rows"),
    ]

    def __init__(self, value: str, placeholder: str, *, id: str) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(value, placeholder=placeholder, id=id, select_on_focus=False)


class QueryScreen(DeskScreen):
    """One query at a time."""

    TAB = "query"
    AUTO_FOCUS = "#query"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash,i", "edit", "query", id="query.edit", tooltip="To the query line"),
        Binding("r", "again", "again", id="query.again", tooltip="Ask the same again, up to now"),
        Binding("x", "stop", "stop", id="query.stop", tooltip="Stop the query, here and at CloudWatch"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.table = RowTable(id="rows")
        self.asking: Asking | None = None
        self.history = History(session.config.home / "queries.json")
        self._at = len(self.history.entries)
        self._drawn: object = None

    def body(self) -> Iterable[Widget]:
        """What is asked, above what came."""
        last = self.history.entries[-1] if self.history.entries else None
        services = " ".join(self.session.config.services) or ""
        yield Container(
            Ask(last.query if last else DEFAULT_QUERY, "fields … | filter … | stats …", id="query"),
            Horizontal(
                Ask(last.targets if last else services, "services or log groups", id="query-targets"),
                Ask(last.since if last else DEFAULT_SINCE, f"since: 1h, {RANGES}", id="query-since"),
                id="query-where",
            ),
            self.table,
            id="query-body",
        )

    def on_mount(self) -> None:
        """Nothing is asked by itself: it costs."""
        self.table.empty_words = _HINT
        self._show()

    def _line(self, name: str) -> Ask:
        return self.query_one(f"#{name}", Ask)

    # Asking

    def on_input_submitted(self) -> None:
        """Enter, in any of the lines."""
        self.action_again()

    def action_again(self) -> None:
        """Ask what the lines say."""
        entry = Entry(self._line("query").value, self._line("query-targets").value, self._line("query-since").value)
        try:
            spec = self._spec(entry)
        except Invalid as error:
            self.tell_error(error, "Not asked")
            return
        self.history.add(entry)
        self._at = len(self.history.entries)
        self.asking = Asking(spec)
        self.table.show((), ())
        start(self, partial(self.asking.run, lambda: self.session.operator), group="query", exclusive=True)
        self.table.focus()
        self._show()

    def _spec(self, entry: Entry) -> QuerySpec:
        if not entry.query.strip():
            raise Invalid("the query line is empty")
        targets = tuple(entry.targets.replace(",", " ").split())
        if not targets:
            raise Invalid("name a service or a log group to ask, in the second line")
        start_ms, end_ms = parse_range(entry.since or DEFAULT_SINCE, "now", now_ms=self.session.now_ms())
        return QuerySpec(query=entry.query, targets=targets, start_ms=start_ms, end_ms=end_ms, limit=LIMIT)

    def ask_of(self, targets: tuple[str, ...]) -> None:
        """Another screen's targets become this one's."""
        if targets:
            self._line("query-targets").value = " ".join(targets)
        self._line("query").focus()

    # Drawing

    def draw(self) -> None:
        """At the timer's pace."""
        drawn = (self.asking, self.asking.changes if self.asking else 0, self.table.size, self.table.has_focus)
        if drawn != self._drawn:
            self._drawn = drawn
            self._show()

    def _show(self) -> None:
        asking = self.asking
        if asking is None:
            set_title(self.table, "Query")
            return
        self.table.empty_words = clean_words(asking)
        self.table.show(asking.progress.columns, asking.progress.rows)
        self.table.refresh()
        targets = "  ".join(clean(target) for target in asking.spec.targets)
        state, colour = asking.state()
        set_title(self.table, f"Query  {targets}", state, colour)
        set_subtitle(self.table, clean(asking.figures()))

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There must be something to stop."""
        if action == "stop":
            return True if self.asking is not None and self.asking.stage is Stage.RUNNING else None
        return super().check_action(action, parameters)

    def action_stop(self) -> None:
        """Leaving the query ends it at the service."""
        self.workers.cancel_group(self, "query")

    def action_edit(self) -> None:
        """To the query line."""
        self._line("query").focus()

    def action_rows(self) -> None:
        """To the rows."""
        self.table.focus()

    def action_before(self, step: int) -> None:
        """Another query asked before, into the lines; past the newest they stay as they are."""
        at = max(0, min(self._at + step, len(self.history.entries)))
        if at == self._at or at == len(self.history.entries):
            return
        self._at = at
        entry = self.history.entries[at]
        for name, value in (("query", entry.query), ("query-targets", entry.targets), ("query-since", entry.since)):
            self._line(name).value = value
        self._line("query").cursor_position = len(entry.query)

    async def on_row_table_chosen(self, event: RowTable.Chosen) -> None:
        """The log around a row."""
        from tui.screens.logs import LogsScreen  # not before it is asked for

        asking = self.asking
        place = place_of(asking.progress.columns, event.row, asking.spec.targets) if asking is not None else None
        if place is None:
            self.notify("the row names no time: ask for @timestamp too, or count by bin(5m)", timeout=4)
            return
        await self.app.switch_mode("logs")
        if isinstance(self.app.screen, LogsScreen):
            self.app.screen.show_around(*place)


def clean_words(asking: Asking) -> str:
    """What stands where rows would be."""
    if asking.stage is Stage.RUNNING:
        return "Asking CloudWatch…"
    if asking.trouble:
        return asking.trouble
    return "Stopped before it had rows." if asking.stage is Stage.STOPPED else "No rows: nothing matches in that time."
