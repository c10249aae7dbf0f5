from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from jinkies.clock import SystemClock
from jinkies.commands import AdvanceWatch, AnyCommand, Outcome, ReportHealth, ReportOccurrence
from jinkies.config import Config, WatchConfig
from jinkies.errors import StoreFailed, UpstreamError
from jinkies.logs import watches
from jinkies.logs.service import LogsService
from jinkies.logs.watches import WatchRunner
from jinkies.model import Level, PartState, Severity
from tests.logs.clock import ManualClock
from tests.logs.conftest import desk
from tests.logs.memory import Memory
from tests.reading.test_traces import PYTHON

ERRORS = WatchConfig(name="errors", service="api", level=Level.ERROR)


class Core:
    """What a watch needs of the core: it keeps cursor and occurrences together, or neither."""

    def __init__(self) -> None:
        self.cursors: dict[str, str] = {}
        self.reports: list[ReportOccurrence] = []
        self.health: list[tuple[PartState, str]] = []
        self.failures = 0  # so many commands fail
        self.changed = asyncio.Event()

    async def execute(self, command: AnyCommand) -> Outcome:
        await asyncio.sleep(0)
        if isinstance(command, AdvanceWatch):
            if self.failures:
                self.failures -= 1
                raise StoreFailed("the disk is full")
            assert len(command.cursor) <= 1_000_000
            self.cursors[command.watch] = command.cursor
            self.reports.extend(command.occurrences)
        if isinstance(command, ReportHealth):
            self.health.append((command.health.state, command.health.detail))
        self.changed.set()
        return Outcome()

    async def load_cursor(self, watch: str) -> str | None:
        return self.cursors.get(watch)

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.changed.clear()
            await self.changed.wait()

    @property
    def messages(self) -> list[str]:
        return [report.message for report in self.reports]


class Turns:
    """Lets a single watch's loop turn."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    async def __call__(self, count: int = 2, seconds: float = 2.0) -> None:
        for _ in range(count):
            await self._clock.pass_until_next_sleep(seconds)


@asynccontextmanager
async def watching(
    source: Memory, core: Core, clock: ManualClock, watch: WatchConfig = ERRORS, config: Config | None = None
) -> AsyncIterator[Turns]:
    config = config or desk("http://127.0.0.1:1", watches=(watch,), api=("/a",))
    runner = WatchRunner(config, source, clock, core.execute, core.load_cursor)
    slept = clock.slept
    task = asyncio.create_task(runner.run())
    try:
        await clock.asleep(slept + 1)
        yield Turns(clock)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_matching_line_becomes_an_occurrence_with_its_surroundings(clock: ManualClock) -> None:
    source, core = Memory(), Core()
    for at in range(20):
        source.put(f"INFO line {at}", clock.now_ms() - 2_000 + at * 100)
        source.put(f"INFO other stream {at}", clock.now_ms() - 2_000 + at * 100, stream="other")
    async with watching(source, core, clock) as turns:
        at_ms = clock.now_ms() + 50
        source.put(f"2026-11-22 20:40:21,123 ERROR payment failed\n{PYTHON}", at_ms)
        for at in range(20):
            source.put(f"INFO after {at}", at_ms + 100 + at)
        await turns()
        (report,) = core.reports
        assert (report.service, report.severity, report.environment) == ("api", Severity.ERROR, None)
        assert (report.exception_type, report.message, report.stack_trace) == ("ValueError", "boom", PYTHON)
        assert report.occurred_at_ms == at_ms
        assert report.context == {"watch": "errors", "log_group": "/a", "log_stream": "s", "logged": "payment failed"}
        related = [line.message for line in report.related_logs]
        assert related[:5] == [f"INFO line {at}" for at in range(15, 20)]
        assert related[5].startswith("2026-11-22 20:40:21,123 ERROR payment failed")
        assert related[6:] == [f"INFO after {at}" for at in range(5)]
        assert {(line.log_group, line.log_stream) for line in report.related_logs} == {("/a", "s")}


async def test_the_first_start_begins_at_now_and_remembers_it(clock: ManualClock) -> None:
    source, core = Memory(), Core()
    source.put("ERROR history", clock.now_ms() - 1)
    async with watching(source, core, clock) as turns:
        assert "errors" in core.cursors, "a restart before the first match begins here"
        await turns(10)
    source.put("ERROR while nobody watched", clock.now_ms() + 1)
    clock.advance(3_600)
    async with watching(source, core, clock) as turns:
        await turns(2)
        assert core.messages == ["while nobody watched"]


async def test_restarts_neither_lose_nor_double(clock: ManualClock) -> None:
    source, core = Memory(page_size=3), Core()
    for round_number in range(6):
        async with watching(source, core, clock) as turns:
            for at in range(4):
                source.put(f"ERROR {round_number}.{at}", clock.now_ms() + at)
            await turns(round_number % 3)  # sometimes it stops before it has reported
        source.put(f"ERROR {round_number}.down", clock.now_ms() + 10)
        clock.advance(60)
    async with watching(source, core, clock) as turns:
        await turns(4)
    expected = [f"{number}.{at}" for number in range(6) for at in (*range(4), "down")]
    assert sorted(core.messages) == sorted(expected)


async def test_a_commit_that_fails_is_tried_again_whole(clock: ManualClock) -> None:
    source, core = Memory(), Core()
    async with watching(source, core, clock) as turns:
        source.put("ERROR one", clock.now_ms())
        source.put("ERROR two", clock.now_ms() + 1)
        core.failures = 2
        await turns(6, 70)
        assert core.messages == ["one", "two"]
        assert core.health == [
            (PartState.OK, "1 following"),
            (PartState.FAILED, "errors: the disk is full"),
            (PartState.OK, "1 following"),
        ]


async def test_late_lines_count_once(clock: ManualClock) -> None:
    source, core = Memory(), Core()
    async with watching(source, core, clock) as turns:
        await turns(10, 100)
        source.put("ERROR on time", clock.now_ms())
        await turns(3)
        source.put("ERROR a quarter of an hour late", clock.now_ms() - 900_000, ingested_ms=clock.now_ms())
        await turns(8, 70)
        assert core.messages == ["on time", "a quarter of an hour late"]
    async with watching(source, core, clock) as turns:
        await turns(10, 70)
        assert core.messages == ["on time", "a quarter of an hour late"]


async def test_a_late_line_waits_for_its_trace_while_others_are_reported(clock: ManualClock) -> None:
    source, core = Memory(), Core()
    async with watching(source, core, clock) as turns:
        await turns(1, 1_000)
        source.put("ERROR on time", clock.now_ms() + 298_000)
        await turns(1, 298.9)  # reads that line, which waits
        source.put("ERROR ten minutes late", clock.now_ms() - 600_000, ingested_ms=clock.now_ms())
        await turns(1, 1.5)  # reads far back, and reports the first
        assert core.messages == ["on time"]
        await turns(1, 1.5)
        assert core.messages == ["on time", "ten minutes late"]


async def test_a_crash_loses_no_line_that_waits_however_old(clock: ManualClock) -> None:
    source, core = Memory(), Core()
    async with watching(source, core, clock) as turns:
        await turns()
    clock.advance(7_200)
    source.put("ERROR an hour late", clock.now_ms() - 3_600_000, ingested_ms=clock.now_ms())
    async with watching(source, core, clock):  # reads it, and has saved its progress
        assert core.messages == []
    saved = core.cursors["errors"]
    async with watching(source, core, clock) as turns:
        await turns(3, 61)
        assert core.messages == ["an hour late"]
        assert core.cursors["errors"] != saved


async def test_equal_lines_are_as_many_occurrences(clock: ManualClock) -> None:
    source, core = Memory(), Core()
    async with watching(source, core, clock) as turns:
        source.put("ERROR again", clock.now_ms(), times=3)
        await turns(5)
        assert core.messages == ["again"] * 3


async def test_a_trace_in_events_of_its_own_counts_once(clock: ManualClock) -> None:
    source, core = Memory(), Core()
    async with watching(source, core, clock) as turns:
        for at, line in enumerate(["INFO before", "ERROR:root:it broke", *PYTHON.split("\n"), "INFO after"]):
            source.put(line, clock.now_ms() + at)
        await turns(5)
        (report,) = core.reports
        assert (report.exception_type, report.message, report.stack_trace) == ("ValueError", "boom", PYTHON)
        assert [line.message for line in report.related_logs] == ["INFO before", "ERROR:root:it broke", "INFO after"]


async def test_the_rest_of_a_trace_that_comes_after_its_report_is_no_new_occurrence(clock: ManualClock) -> None:
    source, core = Memory(), Core()
    head, *rest = ["ERROR:root:it broke", *PYTHON.split("\n")]
    async with watching(source, core, clock) as turns:
        at_ms = clock.now_ms()
        source.put(head, at_ms)
        await turns(3)
        assert core.messages == ["it broke"]
        for at, line in enumerate(rest):
            source.put(line, at_ms + 1 + at)
        await turns(5)
        assert core.messages == ["it broke"]


async def test_pattern_severity_and_a_group_without_a_service(clock: ManualClock) -> None:
    source, core = Memory(), Core()
    watch = WatchConfig(
        name="slow",
        log_group="/aws/lambda/checkout",
        pattern="slow",
        severity=Severity.WARNING,
        lines_before=0,
        lines_after=0,
    )
    async with watching(source, core, clock, watch) as turns:
        source.put("slow query", clock.now_ms(), group="/aws/lambda/checkout")
        source.put("quick query", clock.now_ms(), group="/aws/lambda/checkout")
        await turns()
        (report,) = core.reports
        assert (report.service, report.severity, report.message) == ("checkout", Severity.WARNING, "slow query")
        assert [line.message for line in report.related_logs] == ["slow query"]


async def test_a_storm_is_reported_whole(clock: ManualClock) -> None:
    source, core = Memory(page_size=100), Core()
    async with watching(source, core, clock) as turns:
        for at in range(3_000):
            source.put(f"ERROR {at}", clock.now_ms() + at, stream=f"s{at % 40}")
        await turns(20)
        assert sorted(core.messages, key=int) == [str(at) for at in range(3_000)]


async def test_a_watch_that_fails_says_so_keeps_trying_and_does_not_stop_others(clock: ManualClock) -> None:
    source, core = Memory(), Core()
    source.failing["/gone"] = UpstreamError("access denied: these credentials need logs:FilterLogEvents on /gone")
    other = WatchConfig(name="other", log_group="/gone", pattern="x")
    config = desk("http://127.0.0.1:1", watches=(ERRORS, other), api=("/a",))
    async with watching(source, core, clock, config=config) as turns:
        source.put("ERROR one", clock.now_ms())
        source.put("x", clock.now_ms() + 1, group="/gone")
        await turns(3)
        await core.until(lambda: core.messages == ["one"])
        assert core.health == [
            (PartState.FAILED, "other: access denied: these credentials need logs:FilterLogEvents on /gone")
        ]
        del source.failing["/gone"]
        await turns(4, 61)
        await core.until(lambda: core.messages == ["one", "x"])
        assert core.health[-1] == (PartState.OK, "2 following")


async def test_a_missing_group_of_a_service_does_not_make_its_other_alerts_late(clock: ManualClock) -> None:
    source, core = Memory(), Core()
    source.failing["/gone"] = UpstreamError("no log group /gone in this account and region")
    config = desk("http://127.0.0.1:1", watches=(ERRORS,), api=("/a", "/gone"))
    async with watching(source, core, clock, config=config) as turns:
        for number in range(4):
            source.put(f"ERROR {number}", clock.now_ms() + 1)
            await turns(2)
            assert core.messages[-1:] == [str(number)]
        assert core.health == [(PartState.FAILED, "errors: no log group /gone in this account and region")]


async def test_wide_lines_around_a_match_are_read_within_bounds(clock: ManualClock) -> None:
    """A page of CloudWatch's has at most 1 MB: here one event a page, a hundred of them around the match."""
    source, core = Memory(page_size=1), Core()
    async with watching(source, core, clock) as turns:
        for at in range(100):
            source.put("x" * 1_000_000, clock.now_ms() + at)
        source.put("ERROR here", clock.now_ms() + 100)
        await turns(1)
        source.asks.clear()
        await turns(1)
        assert core.messages == ["here"]
        around = [ask for ask in source.asks if ask.streams]
        assert 0 < len(around) <= 30


@pytest.mark.parametrize(
    ("config", "detail"),
    [
        (desk("http://127.0.0.1:1", api=("/a",)), "no [[watches]] in the configuration"),
        (msgspec.structs.replace(desk("", watches=(ERRORS,)), aws=type(desk("").aws)()), "set AWS_REGION (and"),
    ],
)
async def test_without_watches_or_aws_it_says_what_to_set(config: Config, detail: str, clock: ManualClock) -> None:
    core = Core()
    task = asyncio.create_task(WatchRunner(config, Memory(), clock, core.execute, core.load_cursor).run())
    await core.until(lambda: bool(core.health))
    assert core.health[0][0] is PartState.UNCONFIGURED
    assert core.health[0][1].startswith(detail)
    assert not task.done(), "it waits, so that its supervisor need not start it again and again"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_service_without_groups_says_what_to_set(clock: ManualClock) -> None:
    core = Core()
    config = desk("http://127.0.0.1:1", watches=(ERRORS,), api=())
    async with watching(Memory(), core, clock, config=config):
        assert core.health == [
            (PartState.FAILED, "errors: service api has no log groups: set log_groups under [services.api]")
        ]


async def test_a_damaged_cursor_begins_again_at_now(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    source, core = Memory(), Core()
    core.cursors["errors"] = "{]"
    source.put("ERROR before", clock.now_ms() - 1)
    async with watching(source, core, clock) as turns:
        source.put("ERROR after", clock.now_ms())
        await turns(3)
    assert core.messages == ["after"]
    assert "the cursor of watch errors can't be read" in caplog.text


async def test_the_cursor_stays_bounded(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "CURSOR_KEYS", 100)
    source, core = Memory(), Core()
    async with watching(source, core, clock) as turns:
        for at in range(1_000):
            source.put(f"ERROR {at}", clock.now_ms() + at * 100)
        await turns(60)
        assert sorted(core.messages, key=int) == [str(at) for at in range(1_000)]
        assert len(core.cursors["errors"]) < 10_000


async def test_with_ministack(ministack_url: str, cloudwatch: Any) -> None:
    group = f"/test/{uuid.uuid4()}"
    await cloudwatch.create_log_group(logGroupName=group)
    await cloudwatch.create_log_stream(logGroupName=group, logStreamName="web")
    core = Core()
    config = desk(ministack_url, watches=(WatchConfig(name="w", service="api", pattern="ERROR"),), api=(group,))
    async with LogsService(config, SystemClock()) as logs:
        running = asyncio.create_task(logs.run_watches(core.execute, core.load_cursor))
        await core.until(lambda: bool(core.health))
        now_ms = time.time_ns() // 1_000_000
        lines = ["INFO before", f"ERROR it broke\n{PYTHON}", "INFO after"]
        events = [{"timestamp": now_ms + at, "message": line} for at, line in enumerate(lines)]
        await cloudwatch.put_log_events(logGroupName=group, logStreamName="web", logEvents=events)
        await core.until(lambda: bool(core.reports))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    (report,) = core.reports
    assert (report.exception_type, report.message, report.context["logged"]) == ("ValueError", "boom", "it broke")
    assert [line.message for line in report.related_logs] == [line.rstrip() for line in lines]
