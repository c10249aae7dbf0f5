"""Making an alert of the line under the cursor, on the logs screen."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from jinkies.errors import JinkiesError
from jinkies.model import AlertQuery, AlertRow
from jinkies.reading.traces import Raised
from tui.format import clean, cut
from tui.logalert import around, is_line_of, is_of, may_have, parsed, report, service_of
from tui.logring import Held
from tui.screens.base import DeskScreen
from tui.session import Session
from tui.trouble import title_of, words_of
from tui.widgets.log_view import LogView
from tui.work import start

_ALERTS = 500  # of the service, the newest, that are looked through for the line's
_DETAILS = 10  # of them that are looked at closely
_NEWEST = 5_000  # lines that are looked through for those of alerts
_TRIES = 10  # seconds that a line may be later than its alert
_SOUGHT = 10_000


class LogAlerts(DeskScreen):
    """The key of the screen that has a log view."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "exclamation_mark",
            "alert",
            "alert",
            id="logs.alert",
            tooltip="Make an alert of the line, or tell its alert",
        ),
    ]

    view: LogView
    targets: tuple[str, ...]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._sought: dict[tuple[int, int], int] = {}  # how often a line of an alert was looked for

    def seek_alerts(self) -> None:
        """Find, among the newest lines, those at which alerts of theirs began or happened last; once a second."""
        if len(self._sought) > _SOUGHT:
            self._sought.clear()
        wanted: dict[int, list[AlertRow]] = {}
        for row in self.session.rows.values():
            for at_ms in {row.first_seen_at_ms, row.last_seen_at_ms}:
                tries = self._sought.get((row.alert_id, at_ms), 0)
                if tries < _TRIES:
                    self._sought[row.alert_id, at_ms] = tries + 1
                    wanted.setdefault(at_ms, []).append(row)
        buffer = self.view.buffer
        for seq in range(max(buffer.ring.first, buffer.next_seq - _NEWEST), buffer.next_seq) if wanted else ():
            for row in wanted.get(buffer.ring.at_ms(seq), ()):
                if not buffer.ring.is_note(seq) and not buffer.joins.is_inner(seq):
                    self._mark(seq, row)

    def _mark(self, seq: int, row: AlertRow) -> None:
        entry = self.view.buffer.lines(seq)
        service = service_of(self.session.config, self.targets, entry[0].log_group)
        if service == row.service and is_line_of(entry, row):
            self._sought[row.alert_id, entry[0].at_ms] = _TRIES
            self.view.note_alert(seq, row.merged_into or row.alert_id)

    def action_alert(self) -> None:
        """One alert a line: a line that has one says which."""
        seq = self.view.current
        if seq is None or self.view.buffer.ring.is_note(seq):
            self.notify("no line to make an alert of", timeout=3)
            return
        known = self.view.alerts.get(seq)
        if known is not None:
            self._tell(known)
            return
        entry = self.view.buffer.lines(seq)
        self.view.go_to(seq, near=True)  # it stays where the reader sees it
        start(
            self, partial(self._make, seq, entry, around(self.view.buffer.ring, entry)), group="alert", exclusive=True
        )

    async def _make(self, seq: int, entry: list[Held], lines: list[Held]) -> None:
        service = service_of(self.session.config, self.targets, entry[0].log_group)
        try:
            alert_id = await self._has(service, parsed(entry), entry[0].at_ms)
            if alert_id is not None:
                self._tell(alert_id)
            else:
                outcome = await self.session.execute(report(service, entry, lines))
                alert_id = outcome.alert_id
                title = "Alert made" if outcome.created else "Counted as one more of an alert"
                words = f"#{alert_id} {cut(clean(entry[0].text[:300]), 100)}"
                self.notify(words, title=title, markup=False, timeout=6)
        except JinkiesError as error:
            self.notify(words_of(error), title=title_of(error), severity="error", markup=False, timeout=8)
            return
        if alert_id is not None:
            self.view.note_alert(seq, alert_id)

    async def _has(self, service: str, raised: Raised, at_ms: int) -> int | None:
        """The alert that has the line already: one that was there before and after it, and says the same."""
        operator = self.session.operator
        page = await operator.alerts(AlertQuery(service=service, since_ms=at_ms, limit=_ALERTS))
        for row in [row for row in page.rows if may_have(row, raised, at_ms)][:_DETAILS]:
            detail = await operator.alert(row.alert_id)
            if is_of((detail.latest, detail.first), raised):
                return row.merged_into or row.alert_id
        return None

    def _tell(self, alert_id: int) -> None:
        self.notify(f"alert #{alert_id}", title="This line has one", timeout=4)
