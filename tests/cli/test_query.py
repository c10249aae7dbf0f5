"""``jinkies query``: what it prints, and as a real process against the simulated CloudWatch."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from jinkies.cli.output import width
from jinkies.cli.parser import build_parser
from jinkies.cli.query import (
    DEFAULT_QUERY,
    Teller,
    fitting,
    print_csv,
    print_json,
    print_table,
    size,
    spec_of,
    summary,
)
from jinkies.clock import SystemClock
from jinkies.errors import Invalid
from jinkies.model import QueryProgress, QuerySpec, QueryState
from jinkies.simulators.cloudwatch import SimulatedCloudWatch, World

NOW_MS = 1_767_225_600_000
FOUND = QueryProgress(
    state=QueryState.COMPLETE,
    columns=("@timestamp", "@message", "n"),
    rows=(("2026-01-01 00:00:00.000", "it \x1b[31mbroke\nnow [bold]", "1"), ("2026-01-01 00:00:01.000", "é, ☃", "")),
    records_matched=2,
    records_scanned=3_400,
    bytes_scanned=12_300_000_000,
    elapsed_ms=4_210,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def asked(*words: str) -> QuerySpec:
    return spec_of(build_parser().parse_args(["query", *words]), NOW_MS)


def test_a_first_word_that_is_no_target_is_the_query() -> None:
    assert asked("stats count(*) by @log", "api", "/b").targets == ("api", "/b")
    assert asked("stats count(*) by @log", "api").query == "stats count(*) by @log"
    assert asked("fields@message|limit 5", "api").query == "fields@message|limit 5"
    default = asked("api", "/b", "--since", "-2h..-1h", "--limit", "7")
    assert (default.query, default.targets, default.limit) == (DEFAULT_QUERY, ("api", "/b"), 7)
    assert (default.start_ms, default.end_ms) == (NOW_MS - 7_200_000, NOW_MS - 3_600_000)
    with pytest.raises(Invalid, match="name a service or a log group"):
        asked("fields @message")


def test_the_widest_columns_give_way_first() -> None:
    assert fitting([3, 100, 10], 60) == [3, 43, 10]
    assert fitting([3, 10], 60) == [3, 10]
    assert fitting([100, 200, 300], 34) == [10, 10, 10]
    assert fitting([100] * 9, 20) == [8] * 9, "never below what can be read"
    assert fitting([5], 80) == [5]


def test_a_table_fits_the_terminal_and_drives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    print_table(FOUND, terminal)
    lines = terminal.getvalue().splitlines()
    assert len(lines) == 3
    assert all(width(line) <= 40 for line in lines)
    assert lines[0].split() == ["@timestamp", "@message", "n"]
    assert "\x1b" not in terminal.getvalue()
    piped = io.StringIO()
    print_table(FOUND, piped)
    assert piped.getvalue().splitlines()[1] == "2026-01-01 00:00:00.000  it ␛[31mbroke now [bold]  1"
    nothing = io.StringIO()
    print_table(QueryProgress(state=QueryState.COMPLETE), nothing)
    assert nothing.getvalue() == ""


def test_json_and_csv_are_as_the_service_gives_them() -> None:
    out = io.StringIO()
    print_json(FOUND, out)
    first, second = map(json.loads, out.getvalue().splitlines())
    assert first == dict(zip(FOUND.columns, FOUND.rows[0], strict=True))
    assert second == {"@timestamp": "2026-01-01 00:00:01.000", "@message": "é, ☃"}
    out = io.StringIO()
    print_csv(FOUND, out)
    assert out.getvalue() == (
        '@timestamp,@message,n\r\n2026-01-01 00:00:00.000,"it \x1b[31mbroke\nnow [bold]",1\r\n'
        '2026-01-01 00:00:01.000,"é, ☃",\r\n'
    )
    terminal = Terminal()
    print_csv(FOUND, terminal)
    assert "\x1b" not in terminal.getvalue()


def test_the_summary_says_whether_that_is_all_and_what_it_cost() -> None:
    spec = QuerySpec(query="fields x | limit 2", targets=("api",), start_ms=0, end_ms=1)
    assert summary(FOUND, spec) == (
        "2 rows · 2 of 3,400 records matched · 12.3 GB scanned · 4.2 s · about $0.06 at us-east-1's list price"
    )
    cut = msgspec.structs.replace(FOUND, cut=True, rows=FOUND.rows[:1], bytes_scanned=999)
    assert summary(cut, spec) == (
        "1 row, cut at the limit of 2: there may be more · 2 of 3,400 records matched · 999 B scanned · 4.2 s"
    )
    assert [size(count) for count in (0, 1_000, 2_500_000, 3_000_000_000_000)] == [
        "0 B",
        "1.0 kB",
        "2.5 MB",
        "3,000.0 GB",
    ]


def test_progress_is_one_line_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    terminal = Terminal()
    teller = Teller(terminal)
    teller.tell(msgspec.structs.replace(FOUND, state=QueryState.RUNNING))
    assert terminal.getvalue().startswith("\r\x1b[K" + "jinkies: running · 2 of 3,400 records matched")
    assert len(terminal.getvalue()) < 60 + 4
    teller.clear()
    assert terminal.getvalue().endswith("\r\x1b[K")
    silent = io.StringIO()
    Teller(silent).tell(FOUND)
    assert silent.getvalue() == ""


@pytest.fixture
async def cloudwatch() -> AsyncIterator[SimulatedCloudWatch]:
    clock = SystemClock()
    async with SimulatedCloudWatch(World("/app/api"), clock=clock) as running:
        for at in range(4):
            running.world.put("/app/api", f"line {at}", clock.now_ms() - 20_000 + at, stream="web")
        running.queries.running_s = 0.5
        yield running


async def started(cloudwatch: SimulatedCloudWatch, home: Path, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sys; from jinkies.cli import main; sys.exit(main())",
        "query",
        *words,
        cwd=home,
        env={
            "PATH": os.environ.get("PATH", ""),
            "JINKIES_HOME": str(home),
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "not-a-secret",
            "AWS_ENDPOINT_URL": cloudwatch.address,
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.processes
async def test_from_the_shell(cloudwatch: SimulatedCloudWatch, home: Path) -> None:
    process = await started(cloudwatch, home, "fields @message | sort @timestamp asc", "/app/api", "--output", "json")
    out, err = await process.communicate()
    assert process.returncode == 0, err
    assert [json.loads(line) for line in out.splitlines()] == [{"@message": f"line {at}"} for at in range(4)]
    assert err.decode().startswith("jinkies: 4 rows · 4 of 4 records matched · 24 B scanned")
    process = await started(cloudwatch, home, "filed @message", "/app/api")
    out, err = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert err.decode().startswith("jinkies: query: ")


@pytest.mark.processes
async def test_ctrl_c_ends_the_query_at_the_service(cloudwatch: SimulatedCloudWatch, home: Path) -> None:
    cloudwatch.queries.running_s = 600
    process = await started(cloudwatch, home, "/app/api")
    async with asyncio.timeout(30):
        while not cloudwatch.asked("GetQueryResults"):  # noqa: ASYNC110 - the simulator has no event for it
            await asyncio.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert (process.returncode, out) == (130, b"")
    assert err == b"jinkies: stopped: CloudWatch was told to end the query\n"
    assert [call.status for call in cloudwatch.asked("StopQuery")] == [200]
