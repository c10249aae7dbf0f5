"""The stats screen: figures as lines, and the console's keys on them, over either transport."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from jinkies.commands import Acknowledge, Resolve
from jinkies.config import Config
from jinkies.core import Core
from jinkies.model import SYSTEM
from jinkies.operator import Operator
from jinkies.stats import DayStats, Span, Stats, StatsQuery, took_text
from tests.tui.conftest import Report, console_on
from tui.draw import width_of
from tui.figures import FACTS, RANGES, figure_lines, service_bars

NOON_MS = 1_795_435_200_000  # 2026-11-23 12:00 UTC, a Monday


def _stats(opened: list[int], occurrences: list[int], hours: tuple[int, ...] = ()) -> Stats:
    days = tuple(
        DayStats(day=f"2026-11-{day:02}", opened=one, occurrences=other)
        for day, (one, other) in enumerate(zip(opened, occurrences, strict=True), start=1)
    )
    return Stats(
        since_ms=NOON_MS, until_ms=NOON_MS + 1, opened=sum(opened), occurrences=sum(occurrences),
        to_acknowledge=Span(count=3, mean_ms=240_000, median_ms=90_000, p90_ms=9_000_000), to_resolve=Span(),
        days=days, services=(), noisy=(), opened_by_hour=hours,
    )  # fmt: skip


def _text(stats: Stats, width: int = 100, height: int = 12) -> list[str]:
    lines = figure_lines(stats, width, height)
    assert len(lines) == height
    assert all(width_of(line) <= width for line in lines)
    return ["".join(segment.text for segment in line) for line in lines]


def test_ranges_end_with_the_hour_or_the_day_that_runs() -> None:
    assert RANGES["day"].query(NOON_MS + 5, None) == StatsQuery(
        since_ms=NOON_MS - 23 * 3_600_000, until_ms=NOON_MS + 3_600_000
    )
    week = RANGES["week"].query(NOON_MS + 5, "api")
    assert (week.until_ms - week.since_ms, week.until_ms % 86_400_000, week.service) == (7 * 86_400_000, 0, "api")
    assert week.until_ms == NOON_MS + 12 * 3_600_000


def test_bars_by_day_say_how_high_they_are() -> None:
    lines = _text(_stats([4, 0, 1], [1_000, 12_000, 10]))
    assert lines[0].split() == ["opened", "5", "alerts", "·", "13,010", "occurrences"]
    assert "4 min · median 2 min · 90% within 2.5 h · 3 acknowledged" in lines[1]
    assert "none was resolved" in lines[2]
    opened, occurrences = lines[4], next(line for line in lines if line.startswith(" occurrences"))
    assert opened.startswith(" opened")
    assert opened.count("█") >= 10
    assert "to 4 " in lines[5]
    assert " to 12k" in lines[lines.index(occurrences) + 1]
    assert "▁" in lines[-2], "what is there at all has a bar"
    assert lines[-1].split() == ["days,", "UTC", "Sun", "01", "Mon", "02", "Tue", "03"]


@pytest.mark.parametrize("width", [76, 100, 196])
@pytest.mark.parametrize("height", [FACTS + 4, FACTS + 6, FACTS + 13])
def test_they_fit_whatever_the_room_is(width: int, height: int) -> None:
    lines = _text(_stats(list(range(30)), [10_000_000] * 30), width, height)
    assert "01 Nov" in lines[-1]
    assert "to 10M" in "\n".join(lines)
    hours = _text(_stats([1, 2], [1, 2], tuple(range(24))), width, height)
    assert "12:00" in hours[-1]
    assert "since Mon 00:00" in hours[0]
    nothing = _text(_stats([0] * 30, [0] * 30), width, height)
    assert not any(bar in line for line in nothing for bar in "▁▂▃▄▅▆▇█")


def test_lying_bars_and_times() -> None:
    assert service_bars([8, 1, 0], 4) == ["▇▇▇▇", "▇", ""]
    assert [took_text(ms) for ms in (850, 12_000, 300_000, 12_600_000, 181_440_000)] == [
        "850 ms", "12 s", "5 min", "3.5 h", "2.1 d",
    ]  # fmt: skip


async def _busy(core: Core, report: Report) -> None:
    for _ in range(3):
        await report("boom")
    await report("[b]slow[/b]", service="worker")
    await core.operator(SYSTEM).execute(Acknowledge(alert_id=1))
    await core.operator(SYSTEM).execute(Resolve(alert_id=1))


async def test_figures_ranges_and_services(operator: Operator, core: Core, config: Config, report: Report) -> None:
    await _busy(core, report)
    async with console_on(config, operator) as console:
        await console.press("5")
        await console.until("Last 7 days · all services", "2 alerts · 4 occurrences", "1 acknowledged", "1 resolved")
        await console.until("#1", "×3", "resolved", "[b]slow[/b]", "days, UTC")
        await console.press("d")
        await console.until("Last 24 hours", "hours, UTC", "4 occurrences since")
        await console.press("m")
        await console.until("Last 30 days", "days, UTC")
        await console.press("shift+tab", "down", "enter")
        await console.until("service worker", "1 alerts · 1 occurrences", "esc all services")
        await console.until_gone("#1 ")
        await console.press("escape")
        await console.until("all services", "2 alerts · 4 occurrences")
        await report("boom")
        await console.press("r")
        await console.until("3 alerts · 5 occurrences")


async def test_enter_opens_a_noisy_alert_and_escape_takes_the_filter_back(
    operator: Operator, core: Core, config: Config, report: Report
) -> None:
    await _busy(core, report)
    async with console_on(config, operator) as console:
        await console.press("slash", *"service:nowhere")
        await console.press("escape", "5")
        await console.until("×3")
        await console.press("enter")
        await console.until("#1 boom", "resolved by")
        assert "Alerts" in console.lines[1]
        await console.press("escape")
        await console.until("unresolved", "[b]slow[/b]")


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 36), (200, 60)])
async def test_it_fits_every_terminal(core: Core, config: Config, report: Report, size: tuple[int, int]) -> None:
    await _busy(core, report)
    async with console_on(config, core.operator(SYSTEM), size) as console:
        await console.press("5")
        await console.until("MTTA", "MTTR", "opened", "days, UTC", "Services", "Noisy alerts", "×3", "[b]slow[/b]")
        assert "? help" in console.lines[-1]
        assert all(cell_len(line) == size[0] for line in console.lines)
        await console.press("question_mark")
        await console.until("Keys and parts")


async def test_nothing_happened_is_a_screen_too(operator: Operator, config: Config) -> None:
    async with console_on(config, operator, (80, 24)) as console:
        await console.press("5")
        await console.until("0 alerts · 0 occurrences", "none was acknowledged", "nothing in that time")
        await console.press("enter", "r", "d")
        await console.until("Last 24 hours")
