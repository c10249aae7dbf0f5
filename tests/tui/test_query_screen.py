"""The query screen on a real core, which asks the simulated CloudWatch."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jinkies.clock import SystemClock
from jinkies.config import Config
from jinkies.core import Core
from jinkies.logs.service import LogsService
from jinkies.model import QueryProgress, QuerySpec, QueryState
from jinkies.operator import Operator
from jinkies.simulators.cloudwatch import SimulatedCloudWatch, World
from jinkies.wire.peer import local_actor
from tests.logs.conftest import desk
from tests.tui.conftest import Console, console_on
from tui.asking import HISTORY, Asking, Entry, History, Stage, moment_ms, place_of
from tui.screens.logs import LogsScreen
from tui.widgets.row_table import RowTable, widths_of


@pytest.fixture
async def cloudwatch(core: Core) -> AsyncIterator[SimulatedCloudWatch]:
    """A simulated CloudWatch that the core asks; its queries take half a second."""
    clock = SystemClock()
    async with SimulatedCloudWatch(World("/app/api"), clock=clock) as running:
        for at in range(30):
            message = f"[bold]line {at:02} \x1b[31m" + "wide " * 60
            running.world.put("/app/api", message, clock.now_ms() - 60_000 + at * 1_000, stream="web")
        running.queries.running_s = 0.5
        async with LogsService(desk(running.address, api=("/app/api",)), clock) as core.logs:
            yield running
        core.logs = None


def table(console: Console) -> RowTable:
    return console.app.screen.query_one(RowTable)


@pytest.fixture
async def console(
    core: Core, operator: Operator, cloudwatch: SimulatedCloudWatch, config: Config
) -> AsyncIterator[Console]:
    async with console_on(config, operator) as running:
        await running.press("4")
        await running.until("Nothing is asked yet")
        yield running


async def ask(console: Console, query: str) -> None:
    console.app.screen.query_one("#query").value = query  # type: ignore[attr-defined] # an Input
    await console.press("enter")


async def test_a_query_shows_its_rows_and_says_that_these_are_all(console: Console) -> None:
    assert console.line_with("fields @timestamp"), "a query stands there to begin with"
    assert console.line_with("api"), "and the services"
    await ask(console, "fields @timestamp, @message | sort @timestamp asc")
    await console.until("COMPLETE · 30 rows", "30 of 30 records matched")
    first = console.line_with("line 00")
    assert "[bold]line 00 ␛[31mwide wide" in first
    await console.press("G")
    await console.until("line 29")
    assert "@timestamp" in console.text, "the heading stays"
    assert not console.line_with("line 00")


async def test_while_it_runs_and_once_it_was_stopped_nothing_looks_complete(
    console: Console, cloudwatch: SimulatedCloudWatch
) -> None:
    cloudwatch.queries.running_s = 600
    await ask(console, "fields @timestamp, @message")
    await console.until("RUNNING")
    assert "COMPLETE" not in console.text
    await console.press("x")
    await console.until("STOPPED")
    await console.until_true(lambda: bool(cloudwatch.asked("StopQuery")), "the query's end at the service")
    assert "COMPLETE" not in console.text
    cloudwatch.queries.running_s = 0.5
    await console.press("r")
    await console.until("COMPLETE · 30 rows")


async def test_rows_cut_at_a_limit_say_so(console: Console) -> None:
    await ask(console, "fields @timestamp | limit 7")
    await console.until("CUT AT THE LIMIT · 7 rows, there may be more")
    assert "COMPLETE" not in console.text


async def test_a_row_leads_into_the_log_around_it(console: Console) -> None:
    await ask(console, "fields @timestamp, @log, @message | sort @timestamp asc")
    await console.until("COMPLETE · 30 rows")
    await console.press("down", "down", "enter")
    await console.until_true(lambda: isinstance(console.app.screen, LogsScreen), "the logs in")
    await console.until("AROUND", "line 02")
    await console.press("4")
    await console.until("COMPLETE · 30 rows")


async def test_a_row_without_a_time_says_what_to_ask(console: Console) -> None:
    await ask(console, "stats count(*) as n by @logStream")
    await console.until("COMPLETE · 1 row")
    await console.press("enter")
    await console.until("the row names no time")


async def test_wide_rows_scroll_sideways(console: Console) -> None:
    await ask(console, "fields @message")
    await console.until("COMPLETE · 30 rows", "[bold]line 00")
    await console.press("right", "right")
    await console.until_gone("[bold]line")
    await console.press("left", "left", "left")
    await console.until("[bold]line 00")


@pytest.mark.parametrize(
    ("query", "targets", "since", "words"),
    [
        ("filed @message", "api", "1h", "query: "),
        ("fields @message", "/no/such", "1h", "no log group /no/such"),
        ("  ", "api", "1h", "the query line is empty"),
        ("fields @message", " ", "1h", "name a service or a log group"),
        ("fields @message", "api", "soon", "is no time"),
    ],
)
async def test_what_makes_no_sense_says_why(console: Console, query: str, targets: str, since: str, words: str) -> None:
    screen = console.app.screen
    screen.query_one("#query-targets").value = targets  # type: ignore[attr-defined] # an Input
    screen.query_one("#query-since").value = since  # type: ignore[attr-defined] # an Input
    await ask(console, query)
    await console.until(words)


async def test_queries_asked_before_come_back(console: Console, config: Config) -> None:
    for query in ("fields @message", "fields @timestamp"):
        await ask(console, query)
        await console.until("COMPLETE · 30 rows")
        await console.press("slash")
    await console.press("up", "up")
    assert console.line_with("fields @message")
    await console.press("down")
    assert console.line_with("fields @timestamp")
    assert [entry.query for entry in History(config.home / "queries.json").entries] == [
        "fields @message",
        "fields @timestamp",
    ]


async def test_from_the_logs_to_a_query_of_the_same(console: Console) -> None:
    await console.press("escape", "2")
    assert isinstance(console.app.screen, LogsScreen)
    console.app.screen.follow(("/app/api",))
    await console.press("Q")
    await console.until("fields @timestamp")
    assert console.line_with("/app/api")


async def test_without_aws_it_says_what_to_set(core: Core, operator: Operator, config: Config) -> None:
    async with console_on(config, operator) as console:
        await console.press("4")
        await ask(console, "fields @message")
        await console.until("FAILED", "AWS is not configured")


SPEC = QuerySpec(query="fields @message", targets=("api",), start_ms=0, end_ms=1)


def test_a_history_is_bounded_private_and_survives_nonsense(tmp_path: Path) -> None:
    path = tmp_path / "h" / "queries.json"
    history = History(path)
    for at in range(HISTORY + 5):
        history.add(Entry(query=f"q{at}", targets="api", since="1h"))
    history.add(Entry(query="q100", targets="web", since="2h"))
    again = History(path).entries
    assert len(again) == HISTORY
    assert again[-1] == Entry(query="q100", targets="web", since="2h")
    assert [entry.query for entry in again].count("q100") == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b"\xff{")
    assert History(path).entries == []
    History(tmp_path / "h" / "queries.json" / "x").add(Entry(query="q", targets="", since=""))  # can't be written


@pytest.mark.parametrize(
    ("columns", "row", "place"),
    [
        (("@timestamp", "@log"), ("2026-01-01 00:00:00.123", "1:/a/b"), (("/a/b",), 1_767_225_600_123)),
        (("bin(5m)", "n"), ("2026-01-01 00:05:00.000", "7"), (("api",), 1_767_225_900_000)),
        (("n", "@timestamp"), ("2020-01-01 00:00:00", "2026-01-01 00:00:00"), (("api",), 1_767_225_600_000)),
        (("n",), ("7",), None),
        ((), (), None),
        (("@timestamp",), ("2026-99-01 00:00:00.000",), None),
    ],
)
def test_where_a_row_leads(columns: tuple[str, ...], row: tuple[str, ...], place: object) -> None:
    assert place_of(columns, row, ("api",)) == place


def test_only_what_is_complete_is_called_all() -> None:
    asking = Asking(SPEC)
    asking.progress = QueryProgress(state=QueryState.COMPLETE, columns=("a",), rows=(("1",),))
    for stage in (Stage.RUNNING, Stage.STOPPED, Stage.FAILED):
        asking.stage = stage
        assert "COMPLETE" not in asking.state()[0]
    asking.stage = Stage.DONE
    assert asking.state()[0] == "COMPLETE · 1 row"
    assert moment_ms("yesterday") is None


def test_columns_are_as_wide_as_what_is_in_them_within_bounds() -> None:
    assert widths_of(("a", "@message"), [("xyz", "é" * 100), ("x", "")]) == [3, 100]
    assert widths_of(("a" * 99, "b"), [("", "x" * 1_000_000)]) == [60, 4_000]


async def test_how_to_leave_is_told_while_q_is_typed(core: Core, config: Config) -> None:
    async with console_on(config, core.operator(local_actor())) as console:
        await console.press("4", "end", "q")
        await console.until("descq", "^q  leaves")
        await console.press("ctrl+q")
        await console.until_true(lambda: not console.app.is_running or console.app.return_code is not None)
