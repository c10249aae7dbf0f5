"""Snoozing, commenting, assigning and undoing from the console."""

from __future__ import annotations

from datetime import datetime

import pytest

from jinkies.config import Config
from jinkies.model import State
from jinkies.operator import Operator
from tests.tui.conftest import Report, console_on
from tui.snoozing import SnoozeEnd, parse_end, suggestions

NOW_MS = 1_767_225_600_000


@pytest.mark.parametrize(
    ("typed", "end"),
    [
        ("2h", SnoozeEnd(until_ms=NOW_MS + 7_200_000)),
        (" 1d12h ", SnoozeEnd(until_ms=NOW_MS + 129_600_000)),
        ("x10", SnoozeEnd(occurrences=10)),
        ("5 more times", SnoozeEnd(occurrences=5)),
        ("1 time", SnoozeEnd(occurrences=1)),
        ("soon", None),
        ("25:00", None),
        ("", None),
        ("2hours", None),
    ],
)
def test_how_long_as_people_type_it(typed: str, end: SnoozeEnd | None) -> None:
    assert parse_end(typed, NOW_MS) == end


def test_a_clock_time_is_the_next_one() -> None:
    now = datetime.fromtimestamp(NOW_MS / 1000).astimezone()
    for typed in (now.strftime("%H:%M"), "00:00", "23:59"):
        end = parse_end(typed, NOW_MS)
        assert end is not None
        assert end.until_ms is not None
        assert NOW_MS < end.until_ms <= NOW_MS + 86_400_000
        assert datetime.fromtimestamp(end.until_ms / 1000).astimezone().strftime("%H:%M") == typed


def test_every_suggestion_is_one_that_is_understood() -> None:
    for typed, _ in suggestions(""):
        assert parse_end(typed, NOW_MS) is not None
    assert [value for value, _ in suggestions("x")] == ["x10", "x100"]


async def test_s_snoozes_z_takes_it_back(operator: Operator, config: Config, report: Report) -> None:
    alert_id = await report("boom")
    async with console_on(config, operator) as console:
        await console.until("boom")
        await console.press("s")
        await console.until("Snooze #1", "until it happened 10 more times")
        await console.press("2", "h", "enter")
        await console.until("snz 1h")
        assert (await operator.alert(alert_id)).row.state is State.SNOOZED
        await console.press("z")
        await console.until("open   ×1")
        assert (await operator.alert(alert_id)).row.state is State.OPEN


async def test_what_is_no_time_snoozes_nothing(operator: Operator, config: Config, report: Report) -> None:
    alert_id = await report("boom")
    async with console_on(config, operator) as console:
        await console.until("boom")
        await console.press("s", *"soon", "enter")
        await console.until("is no time")
        assert (await operator.alert(alert_id)).row.state is State.OPEN


async def test_a_comment_and_an_assignee_are_shown(operator: Operator, config: Config, report: Report) -> None:
    await report("boom")
    async with console_on(config, operator) as console:
        await console.until("boom")
        await console.press("A", *"ops-a", "enter")
        await console.until("→ ops-a")
        await console.press("c", *"[b]cart", "enter")
        await console.until("[b]cart")
