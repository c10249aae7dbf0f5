"""Asks the core for what the detail pane shows: the alert at once, the logs around it when the selection stays."""

from __future__ import annotations

from collections.abc import Callable

from jinkies.clock import Clock
from jinkies.errors import JinkiesError, NotConfigured
from jinkies.model import AlertDetail, AlertQuery, AlertRow
from jinkies.operator import Operator
from tui.trouble import words_of
from tui.widgets.detail_lines import LogsAround

SETTLE_S = 0.25
"""CloudWatch is asked only for an alert that stays selected this long: its calls are few and shared."""


class DetailSource:
    """The detail of one alert at a time."""

    def __init__(self, clock: Clock, changed: Callable[[], None]) -> None:
        self._clock = clock
        self._changed = changed
        self.alert_id: int | None = None
        self.detail: AlertDetail | None = None
        self.logs = LogsAround()
        self.parts: tuple[AlertRow, ...] = ()  # what is merged into it

    def select(self, row: AlertRow | None) -> bool:
        """Another alert, or none; answers whether it is another."""
        alert_id = row.alert_id if row is not None else None
        if alert_id == self.alert_id:
            return False
        self.alert_id, self.detail, self.logs, self.parts = alert_id, None, LogsAround(words="asking…"), ()
        return True

    async def load(self, operator: Operator) -> None:
        """Ask for the selected alert. An error becomes words in the pane."""
        alert_id = self.alert_id
        if alert_id is None:
            return
        try:
            self.detail = await operator.alert(alert_id)
            parts = self.detail.row.parts
            self.parts = (await operator.alerts(AlertQuery(ids=parts, limit=len(parts)))).rows if parts else ()
        except JinkiesError as error:
            if self.detail is None:  # what was read before stays
                self.logs = LogsAround(words=words_of(error), trouble=True)
        self._changed()

    async def load_logs(self, operator: Operator) -> None:
        """Ask for the logs around it, once the selection has settled; cancelled when it moves on."""
        if self.alert_id is None:
            return
        await self._clock.sleep(SETTLE_S)
        self.logs = await _logs_around(operator, self.alert_id)
        self._changed()


async def _logs_around(operator: Operator, alert_id: int) -> LogsAround:
    try:
        events = await operator.logs_around(alert_id)
    except NotConfigured as error:
        return LogsAround(words=str(error))
    except JinkiesError as error:
        return LogsAround(words=words_of(error), trouble=True)
    return LogsAround(events=events, words="" if events else "CloudWatch holds no lines around that time")
