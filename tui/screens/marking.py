"""Marking alerts, and deciding on all that are marked at once."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Protocol

from textual.binding import Binding, BindingType

from jinkies.bulk import BULK_LIMIT, done
from jinkies.commands import Acknowledge, Bulk, Outcome, Reopen, Resolve, Snooze
from jinkies.errors import JinkiesError
from jinkies.model import AlertRow
from jinkies.query import Filter
from tui.screens.alert_life import AlertLife
from tui.session import Session
from tui.widgets.alert_table import AlertTable
from tui.work import start

MANY = frozenset({"acknowledge", "resolve", "reopen", "snooze"})  # what can be done to all that are marked


class _ForOne(Protocol):
    def __call__(self, row: AlertRow) -> Acknowledge | Resolve | Reopen | Snooze: ...


class MarkedAlerts(AlertLife):
    """A screen with a table of alerts, of which some are marked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,V", "mark", "mark", id="alerts.mark", tooltip="Mark it: a, r, s and u then mean all marked"),
        Binding(
            "asterisk",
            "mark_all",
            "mark all",
            show=False,
            id="alerts.mark_all",
            tooltip=f"Mark all that match the filter, at most the newest {BULK_LIMIT}",
        ),
    ]

    table: AlertTable

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._marked: dict[int, AlertRow] = {}

    @property
    def wanted(self) -> Filter:
        """The filter of the table."""
        raise NotImplementedError

    @property
    def marked(self) -> list[AlertRow]:
        """The rows marked, as they are now."""
        return [_newer(self.session.rows.get(alert_id), row) for alert_id, row in self._marked.items()]

    def marks_changed(self) -> None:
        """Show it."""
        self.table.marked = frozenset(self._marked)
        self.table.refresh_changed()
        self.refresh_bindings()

    def clear_marks(self) -> bool:
        """None is marked any more; answers whether one was."""
        some = bool(self._marked)
        self._marked.clear()
        self.marks_changed()
        return some

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is marked is what the keys mean."""
        if action in MANY and self._marked:
            return True
        return super().check_action(action, parameters)

    def action_mark(self) -> None:
        """Mark or unmark it, and on to the next."""
        row = self.current
        if row is None:
            return
        if self._marked.pop(row.alert_id, None) is None:
            if len(self._marked) >= BULK_LIMIT:
                self.notify(f"{BULK_LIMIT} are marked: that is as many as one go takes", severity="warning")
                return
            self._marked[row.alert_id] = row
        self.table.action_move(1)
        self.marks_changed()

    def action_mark_all(self) -> None:
        """All that match, held here or not."""
        start(self, partial(self._mark_all, self.wanted), group="marks", exclusive=True)

    async def _mark_all(self, wanted: Filter) -> None:
        try:
            page = await self.session.operator.alerts(wanted.query(limit=BULK_LIMIT))
        except JinkiesError as error:
            self.tell_error(error, "Nothing was marked")
            return
        self._marked = {row.alert_id: row for row in page.rows}
        self.marks_changed()
        if page.next_cursor is not None:
            self.notify(f"More match: the newest {BULK_LIMIT} are marked", markup=False)

    # Deciding

    def action_acknowledge(self) -> None:
        """All marked, else the current one."""
        if self._marked:
            self._ask_all("Acknowledge", lambda row: Acknowledge(alert_id=row.alert_id, seen_rev=row.decision_rev))
        else:
            super().action_acknowledge()

    def action_resolve(self) -> None:
        """All marked, else the current one."""
        if self._marked:
            self._ask_all("Resolve", lambda row: Resolve(alert_id=row.alert_id, seen_rev=row.decision_rev))
        else:
            super().action_resolve()

    def action_reopen(self) -> None:
        """All marked, else the current one."""
        if self._marked:
            self._ask_all("Reopen", lambda row: Reopen(alert_id=row.alert_id, seen_rev=row.decision_rev))
        else:
            super().action_reopen()

    def action_snooze(self) -> None:
        """All marked, else the current one."""
        if self._marked:
            self.ask_snooze(f"Snooze {len(self._marked)} marked", self._snooze_marked)
        else:
            super().action_snooze()

    def _snooze_marked(self, until_ms: int | None, occurrences: int | None) -> None:
        def one(row: AlertRow) -> Snooze:
            return Snooze(alert_id=row.alert_id, until_ms=until_ms, occurrences=occurrences, seen_rev=row.decision_rev)

        self._ask_all("Snooze", one)

    def _ask_all(self, verb: str, for_one: _ForOne) -> None:
        from tui.screens.bulk import BulkScreen  # not before it is wanted

        rows = self.marked
        command = Bulk(items=tuple(for_one(row) for row in rows))

        def answered(answer: bool | None) -> None:
            if answer:
                self.do(command)

        plural = "s" if len(rows) != 1 else ""
        self.app.push_screen(BulkScreen(f"{verb} {len(rows):,} marked alert{plural}", rows), answered)

    def bulk_done(self, outcome: Outcome) -> None:
        """What was refused stays marked."""
        refused = {alert_id for alert_id, _ in done(outcome).refused}
        self._marked = {alert_id: row for alert_id, row in self._marked.items() if alert_id in refused}
        self.marks_changed()
        super().bulk_done(outcome)


def _newer(held: AlertRow | None, row: AlertRow) -> AlertRow:
    return held if held is not None and held.revision >= row.revision else row
