from __future__ import annotations

import msgspec

from jinkies.config import Config
from jinkies.model import AlertPage, AlertRow, Severity
from jinkies.operator import Operator
from jinkies.query import Filter
from tests.test_priority import NOW_MS, ROW
from tests.tui.conftest import Report, console_on
from tui.alertlist import AlertList
from tui.widgets.alert_table import AlertTable


def _row(alert_id: int, severity: Severity, seen_s: int) -> AlertRow:
    seen_at_ms = NOW_MS - seen_s * 1000
    return msgspec.structs.replace(
        ROW, alert_id=alert_id, severity=severity, first_seen_at_ms=seen_at_ms, last_seen_at_ms=seen_at_ms
    )


ROWS = [
    _row(1, Severity.INFO, 10),
    _row(2, Severity.CRITICAL, 20),
    _row(3, Severity.ERROR, 30),
    _row(4, Severity.CRITICAL, 40),
]


def _ids(held: AlertList) -> list[int]:
    return [row.alert_id for row in held.rows]


def test_by_priority_the_newest_of_a_level_comes_first() -> None:
    held = AlertList()
    held.reset(Filter(), ROWS)
    assert _ids(held) == [1, 2, 3, 4]
    held.reorder(NOW_MS, by_priority=True)
    assert _ids(held) == [2, 4, 3, 1]
    assert held.oldest == ROWS[3]
    held.fold([msgspec.structs.replace(ROWS[0], severity=Severity.CRITICAL, revision=2)])
    assert _ids(held) == [1, 2, 4, 3]
    held.reorder(NOW_MS, by_priority=False)
    assert _ids(held) == [1, 2, 3, 4]


def test_what_is_older_than_the_last_page_is_held_back_in_either_order() -> None:
    held = AlertList()
    held.reset(Filter(), ROWS)
    held.reorder(NOW_MS, by_priority=True)
    held.take_page(AlertPage(rows=tuple(ROWS[:3]), next_cursor="more"), newer={})
    assert _ids(held) == [2, 3, 1]


async def test_comma_orders_by_priority_and_the_title_says_so(
    operator: Operator, config: Config, report: Report
) -> None:
    worst = await report("worst", severity=Severity.CRITICAL)
    newest = await report("newest", severity=Severity.INFO)
    async with console_on(config, operator) as console:
        await console.until("worst", "newest first", "low priority · info · 0.1 a minute")
        table = console.app.screen.query_one(AlertTable)
        assert [row.alert_id for row in table.rows] == [newest, worst]
        await console.press("comma")
        await console.until("by priority", "urgent priority")
        assert [row.alert_id for row in table.rows] == [worst, newest]
        assert "█" in console.line_with("▲ crt")
        await console.press("comma")
        await console.until("newest first")
        assert [row.alert_id for row in table.rows] == [newest, worst]
