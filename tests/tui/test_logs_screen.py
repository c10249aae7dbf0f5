from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import msgspec

from jinkies.config import AwsConfig, Config
from jinkies.core import Core
from jinkies.model import (
    Level,
    LogEvent,
    PartHealth,
    PartState,
    QueryProgress,
    QuerySpec,
    SavedTail,
    Severity,
    TailBatch,
    TailInfo,
    TailSpec,
)
from jinkies.operator import Operator
from jinkies.ports import Execute, LoadCursor
from tests.tui.conftest import Console, Report, console_on
from tui.widgets.log_view import LogView


def event(number: int, message: str = "", level: Level = Level.INFO) -> LogEvent:
    return LogEvent(
        log_group="/app/api",
        log_stream="web/1",
        timestamp_ms=1_700_000_000_000 + number,
        ingestion_ms=1_700_000_000_000 + number,
        message=message or f"line {number} of many",
        level=level,
    )


class FakeLogs:
    """CloudWatch as the core sees it, fed by the test."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[TailBatch] = asyncio.Queue()

    def start_tail(self, spec: TailSpec) -> TailInfo:
        return TailInfo(tail_id="t1", spec=spec, log_groups=("/app/api",), viewers=2, started_at_ms=0)

    @asynccontextmanager
    async def open_tail(self, tail_id: str) -> AsyncIterator[AsyncIterator[TailBatch]]:
        batches = self._batches()
        try:
            yield batches
        finally:
            await batches.aclose()

    async def _batches(self) -> AsyncGenerator[TailBatch, None]:
        while True:
            yield await self.queue.get()

    def feed(self, *events: LogEvent, dropped: int = 0) -> None:
        self.queue.put_nowait(TailBatch(events=events, dropped=dropped))

    def tails(self) -> tuple[TailInfo, ...]:
        return ()

    def saved_tails(self) -> tuple[SavedTail, ...]:
        return ()

    def resume_tail(self, saved: SavedTail) -> None:
        raise NotImplementedError

    def query(self, spec: QuerySpec) -> AbstractAsyncContextManager[AsyncIterator[QueryProgress]]:
        raise NotImplementedError

    async def fetch(self, spec: TailSpec, start_ms: int, end_ms: int, limit: int) -> tuple[LogEvent, ...]:
        return ()

    async def around(self, service: str, log_groups: tuple[str, ...], at_ms: int, limit: int) -> tuple[LogEvent, ...]:
        return ()

    async def check(self) -> PartHealth:
        return PartHealth(part="aws", state=PartState.OK)

    async def run_watches(self, execute: Execute, load_cursor: LoadCursor) -> None:
        return


def view_of(console: Console) -> LogView:
    return console.app.screen.query_one(LogView)


def shown(console: Console) -> list[str]:
    """The lines of the log, without the scroll bar."""
    return [line[:100] for line in console.lines if " of many" in line]


@asynccontextmanager
async def following(core: Core, config: Config, operator: Operator) -> AsyncIterator[tuple[Console, FakeLogs]]:
    """The logs screen, following the service api."""
    logs = FakeLogs()
    core.logs = logs
    configured = msgspec.structs.replace(config, aws=AwsConfig(region="eu-west-1"))
    async with console_on(configured, operator) as console:
        await console.press("2", "s")
        await console.until("Follow the logs of", "/app/api")
        await console.type("api")
        await console.press("enter")
        await console.until("FOLLOWING")
        yield console, logs


async def test_without_aws_it_says_what_to_set(operator: Operator, config: Config) -> None:
    async with console_on(config, operator) as console:
        await console.press("2")
        await console.until("AWS is not set up", "set AWS_REGION")


async def test_follows_and_shows_data_as_it_is(operator: Operator, core: Core, config: Config) -> None:
    async with following(core, config, operator) as (console, logs):
        logs.feed(event(1, '{"a":[1,2]} [red]x[/red] \x1b[31mboom', Level.ERROR), event(2, "first\n  second"))
        await console.until('{"a":[1,2]} [red]x[/red] ␛[31mboom', "ERROR", "  second")
        logs.feed(dropped=7)
        await console.until("7 lines dropped here", "7 dropped")


async def test_a_paused_view_stands_still_and_loses_nothing(operator: Operator, core: Core, config: Config) -> None:
    async with following(core, config, operator) as (console, logs):
        logs.feed(*(event(number) for number in range(200)))
        await console.until("line 199 of many")
        await console.press("space")
        await console.until("PAUSED")
        before = shown(console)
        logs.feed(*(event(number) for number in range(200, 500)))
        await console.until("300 new below")
        assert shown(console) == before
        await console.press("space")
        await console.until("line 499 of many", "FOLLOWING")
        assert len(view_of(console).buffer) == 500


async def test_scrolling_up_stands_still_and_the_end_follows(operator: Operator, core: Core, config: Config) -> None:
    async with following(core, config, operator) as (console, logs):
        logs.feed(*(event(number) for number in range(200)))
        await console.until("line 199 of many")
        view = view_of(console)
        view.draw()
        assert view.vertical_scrollbar.position == view.scroll_y > 100, "the thumb is where the reader is"
        await console.press("g")
        await console.until("line 0 of many", "PAUSED")
        await console.press("G")
        await console.until("line 199 of many", "FOLLOWING")


async def test_finds_text_and_errors_and_filters_by_level(operator: Operator, core: Core, config: Config) -> None:
    async with following(core, config, operator) as (console, logs):
        logs.feed(*(event(number) for number in range(100)))
        logs.feed(event(100, "it broke", Level.ERROR), *(event(number) for number in range(101, 300)))
        await console.until("line 299 of many")
        await console.press("e")
        await console.until("it broke", "PAUSED")
        await console.press("slash")
        await console.type("line 42 ")
        await console.press("enter")
        await console.until("line 42 of many")
        await console.press("v", "v", "v")
        await console.until("level>=error", "it broke")
        await console.until_gone("line 42 of many")
        await console.press("v")
        await console.until("line 42 of many")


async def test_old_lines_leave_without_moving_the_reader(operator: Operator, core: Core, config: Config) -> None:
    async with following(core, config, operator) as (console, logs):
        view_of(console).buffer.ring.max_lines = 300
        logs.feed(*(event(number) for number in range(300)))
        await console.until("line 299 of many")
        await console.press("space")
        before = shown(console)
        logs.feed(*(event(number) for number in range(300, 500)))
        await console.until("200 older ones let go")
        assert shown(console) == before


async def test_an_alert_is_made_of_the_line_under_the_cursor_once(
    operator: Operator, core: Core, config: Config
) -> None:
    async with following(core, config, operator) as (console, logs):
        logs.feed(
            event(1_000, "INFO GET /cart of many"),
            event(1_100, "elsewhere of many"),
            event(2_000, "ERROR cart failed", Level.ERROR),
            event(2_001, "Traceback (most recent call last):", Level.NONE),
            event(2_002, '  File "app/cart.py", line 7, in show', Level.NONE),
            event(2_003, "KeyError: 'order_id'", Level.NONE),
            event(3_000, "INFO back again of many"),
        )
        await console.until("back again of many")
        await console.press("exclamation_mark")
        await console.until("Alert made", "#1", "alert #1")
        detail = await operator.alert(1)
        assert (detail.row.service, detail.row.severity, detail.row.title) == (
            "api",
            Severity.INFO,
            "back again of many",
        )
        await console.press("e", "E")
        await console.press("exclamation_mark")
        await console.until("alert #2", "Alert made")
        detail = await operator.alert(2)
        assert (detail.row.exception_type, detail.row.severity) == ("KeyError", Severity.ERROR)
        assert detail.row.first_seen_at_ms == event(2_000).timestamp_ms
        assert detail.latest.stack_trace is not None
        assert "app/cart.py" in detail.latest.stack_trace
        texts = [one.message for one in detail.latest.related_logs]
        assert texts == ["INFO GET /cart of many", "elsewhere of many", "ERROR cart failed", "INFO back again of many"]
        await console.press("exclamation_mark")
        await console.until("This line has one", "alert #2")
        view_of(console).alerts.clear()  # as in another console
        await console.press("exclamation_mark")
        await console.until_true(lambda: 2 in view_of(console).alerts.values())
        assert (await operator.alert(2)).row.count == 1
        logs.feed(event(9_000, "INFO back again of many"))
        await console.press("G")
        await console.until_true(lambda: view_of(console).newest_ms == event(9_000).timestamp_ms)
        await console.press("exclamation_mark")
        await console.until("Counted as one more of an alert", "#1")
        assert (await operator.alert(1)).row.count == 2


async def test_a_note_is_no_line_to_make_an_alert_of(operator: Operator, core: Core, config: Config) -> None:
    async with following(core, config, operator) as (console, logs):
        logs.feed(dropped=5)
        await console.until("5 lines dropped here")
        await console.press("exclamation_mark")
        await console.until("no line to make an alert of")


async def test_lines_that_a_watch_made_alerts_of_say_so(
    operator: Operator, core: Core, config: Config, report: Report
) -> None:
    async with following(core, config, operator) as (console, logs):
        logs.feed(
            event(1_000, "ERROR KeyError: 'id' of many", Level.ERROR),
            event(1_000, "ERROR another of that moment of many", Level.ERROR),
            event(2_000, "INFO KeyError, says who of many"),
        )
        alert_id = await report("'id'", exception_type="KeyError", occurred_at_ms=event(1_000).timestamp_ms)
        await report("'id'", exception_type="KeyError", occurred_at_ms=event(2_000).timestamp_ms)
        await console.until(f"alert #{alert_id}")
        assert f"alert #{alert_id}" in console.line_with("KeyError: 'id'")
        assert "alert #" not in console.line_with("another of that moment")
        assert "alert #" not in console.line_with("says who")
