"""The log view as a person uses it: on a real core, fed as CloudWatch would."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from textual import events
from textual.pilot import Pilot
from textual.widget import Widget

from jinkies.clock import SystemClock, iso
from jinkies.config import AwsConfig, Config, ServiceConfig
from jinkies.core import Core
from jinkies.model import Coverage, LedgerSpan, Level, LogEvent, TailBatch, TailFigures, TailSpec, Upstream
from jinkies.wire.peer import local_actor
from tests.tui.conftest import Console, console_on
from tests.tui.test_logs_screen import FakeLogs, event, shown, view_of
from tui.format import clock_text
from tui.screens.logs import LogsScreen
from tui.widgets.rate_strip import RateStrip


@pytest.fixture
async def desk(core: Core, config: Config) -> AsyncIterator[tuple[Console, FakeLogs]]:
    async with following(core, config) as running:
        yield running


@asynccontextmanager
async def following(
    core: Core, config: Config, size: tuple[int, int] = (120, 36), logs: FakeLogs | None = None
) -> AsyncIterator[tuple[Console, FakeLogs]]:
    """The logs screen, following the service api."""
    logs = logs or FakeLogs()
    core.logs = logs
    configured = msgspec.structs.replace(config, aws=AwsConfig(region="eu-west-1"))
    async with console_on(configured, core.operator(local_actor()), size) as console:
        await console.press("2", "s")
        await console.until("Follow the logs of", "/app/api")
        await console.type("api")
        await console.press("enter")
        await console.until("FOLLOWING")
        yield console, logs


def at(number: int, message: str, level: Level = Level.INFO, **changes: object) -> LogEvent:
    return msgspec.structs.replace(event(number * 1_000, message, level), **changes)


def trace(number: int, stream: str = "web/1") -> list[LogEvent]:
    lines = [
        "Traceback (most recent call last):",
        '  File "app.py", line 7, in show',
        "    return cart[key]",
        "KeyError: 'id'",
    ]
    return [
        at(number, "cart failed req=7f3a-11", Level.ERROR, log_stream=stream),
        *(at(number, line, Level.NONE, log_stream=stream) for line in lines),
    ]


async def term(console: Console, typed: str) -> None:
    await console.press("ampersand")
    await console.type(typed)
    await console.press("enter")


async def test_filters_go_over_all_that_is_held_and_combine(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    logs.feed(*(at(number, f"GET /{'healthz' if number % 2 else 'orders'} {number} of many") for number in range(40)))
    logs.feed(at(41, "charge failed of many", Level.ERROR))
    await console.until("failed of many")
    await term(console, "!healthz")
    await console.until("& !healthz", "21 shown · 41 held")
    assert not any("healthz" in line for line in shown(console))
    await term(console, "/orders (2|4)./")
    await console.until("& !healthz  & /orders (2|4)./", "7 shown")
    assert [line.split("orders ")[1].split()[0] for line in shown(console)] == ["2", "4", "20", "22", "24", "26", "28"]
    logs.feed(at(50, "GET /orders 44 of many"), at(51, "GET /orders 99 of many"))
    await console.until("8 shown")
    await term(console, "!healthz")
    await console.until_gone("!healthz")
    await term(console, "")
    await console.until_gone("& /orders")
    await console.until("orders 99 of many")


async def test_a_filter_that_nothing_passes_says_so_and_a_bad_one_is_refused(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    logs.feed(event(1, "first of many"))
    await console.until("first of many")
    await term(console, "/(/")
    await console.until("no regular expression")
    await term(console, "nowhere")
    await console.until("The one line held does not pass: & nowhere")


async def test_a_search_counts_while_lines_come(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    logs.feed(*(event(number, f"line {number} {'boom ' if number % 10 == 0 else ''}of many") for number in range(100)))
    await console.until("line 99 of many")
    await console.press("slash")
    await console.type("BOOM")
    await console.until("10 hits")
    await console.press("enter")
    await console.until("10 of 10", "PAUSED")
    await console.press("N", "N")
    await console.until("8 of 10")
    logs.feed(event(100, "boom again"))
    await console.until("8 of 11")
    await console.press("n")
    await console.until("9 of 11")
    await console.press("escape")
    await console.until_gone("of 11")
    await console.press("slash")
    await console.type("/line [12]\\b/")
    await console.until("2 hits")


async def test_a_trace_is_one_line_until_it_is_unfolded(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    others = trace(3, "web/2")
    logs.feed(at(1, "before"), *(one for pair in zip(trace(2), others, strict=True) for one in pair), at(5, "after"))
    await console.until("after", "▸ 5 lines")
    assert console.text.count("cart failed") == 2
    assert "return cart[key]" not in console.text
    await console.press("e", "enter")
    await console.until("▾ 5 lines", "return cart[key]", "KeyError: 'id'")
    assert console.text.count("return cart[key]") == 1
    await console.press("y")
    assert console.app.clipboard == "\n".join(one.message for one in others)
    await console.press("enter")
    await console.until_gone("return cart[key]")
    await console.press("z")
    await console.until("▾ 5 lines")
    assert console.text.count("return cart[key]") == 2


async def test_json_unfolds_and_leads_to_the_request_and_back(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    message = json.dumps({"event": "charge", "user": {"id": 7}, "text": "[red]\x1b[1m", "request_id": "7f3a-11"})
    logs.feed(
        *(at(number, f"line {number} of many") for number in range(30)), at(31, message), at(32, "GET req=7f3a-11")
    )
    await console.until("GET req=7f3a-11")
    await console.press("up", "J")
    await console.until("user.id      7", "[red]␛[1m", "R  all lines of request 7f3a-11")
    before = console.lines[8:]
    await console.press("R")
    await console.until("request 7f3a-11 ─", "2 shown")
    assert not shown(console)
    await console.press("R")
    await console.until("line 29 of many")
    assert console.lines[8:-2] == before[:-2]
    await console.press("R")
    await console.until("2 shown")
    await console.press("escape")
    await console.until_gone("2 shown")


async def test_a_line_without_a_request_says_so(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    logs.feed(event(1, "nothing in it"))
    await console.until("nothing in it")
    await console.press("R")
    await console.until("names no request")


async def test_marks_are_found_again(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    logs.feed(*(event(number) for number in range(300)))
    await console.until("line 299 of many")
    await console.press("g", "j", "m", "G", "k", "m")
    await console.until("◆")
    await console.press("quotation_mark")
    await console.until("line 1 of many")
    assert console.line_with("line 1 of many").startswith("│◆")
    await console.press("apostrophe")
    await console.until("line 298 of many")
    await console.press("apostrophe")
    await console.until("no marked line below")


async def test_a_typed_time_and_the_bars_lead_through_time(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    logs.feed(*(at(number, f"line {number} of many") for number in range(0, 600, 2)))
    await console.until("line 598 of many")
    view = view_of(console)

    def here() -> str:
        return view.buffer.text(view.cursor) if view.cursor is not None else ""

    await console.press("t")
    await console.type("-5m")
    await console.press("enter")
    await console.until_true(lambda: here() == "line 298 of many")
    await console.press("t")
    await console.type("soon")
    await console.press("enter")
    await console.until("No time", "13:10")
    scale = console.app.screen.query_one(RateStrip).scale
    await console.press("right_square_bracket")
    ahead = int(here().split()[1])
    assert 298 < ahead <= 298 + 2 * scale.step_s
    await console.press("left_square_bracket", "left_square_bracket")
    assert int(here().split()[1]) < ahead - scale.step_s
    await console.pilot.click(RateStrip, offset=(9 + scale.count - 1, 0))
    await console.until_true(lambda: int(here().split()[1]) >= 598 - scale.step_s)


async def test_saves_what_is_shown_and_never_over_a_file(desk: tuple[Console, FakeLogs], tmp_path: Path) -> None:
    console, logs = desk
    logs.feed(at(1, "no"), *trace(2), at(3, "escaped \x1b[31m [red]"))
    await console.until("escaped")
    await term(console, "!no")
    await console.until("2 shown")

    async def save(name: str) -> None:
        await console.press("S")
        prompt = console.app.screen.query_one("#save")
        prompt.value = str(tmp_path / name)  # type: ignore[attr-defined] # an Input
        await console.press("enter")

    await save("out.log")
    await console.until("Saved 6 lines")
    wanted = [*(one.message for one in trace(2)), "escaped \x1b[31m [red]"]
    assert (tmp_path / "out.log").read_text() == "".join(f"{text}\n" for text in wanted)
    assert (tmp_path / "out.log").stat().st_mode & 0o077 == 0
    await save("out.log")
    await console.until("is there already")
    await save("out.json")
    await console.until_true((tmp_path / "out.json").exists)
    await console.until_true(lambda: (tmp_path / "out.json").read_text().count("\n") == 6)
    rows = [json.loads(row) for row in (tmp_path / "out.json").read_text().splitlines()]
    assert [row["message"] for row in rows] == wanted
    assert rows[0]["log_group"] == "/app/api"
    await save("nowhere/out.log")
    await console.until("Not saved", "No such file")


async def test_patterns_lead_to_their_lines_and_back(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    logs.feed(*(at(number, f"GET /orders/{number} 200 {number}ms") for number in range(90)))
    logs.feed(*(at(number, f"slow query {number}.2 s", Level.WARNING) for number in range(100, 110)))
    await console.until("slow query 109.2")
    await console.press("P")
    await console.until("Patterns  100 lines in 2", "90  90.0%", "10  10.0%  WARN", "slow query <number> s")
    await console.press("down", "enter")
    await console.until("pattern slow query <number> s", "10 shown")
    logs.feed(at(120, "slow query 120.2 s", Level.WARNING), at(121, "GET /orders/7 200 1ms"))
    await console.until("11 shown")
    await console.press("escape")
    await console.until("GET /orders/89 200 89ms")


async def test_columns_come_and_go(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    logs.feed(event(1, "text of many"))
    await console.until("web/1           INFO   text of many")
    await console.press("c")
    await console.until("api         web/1           INFO   text of many")
    for _ in range(4):
        await console.press("c")
    await console.until("│ text of many")
    await console.press("c")
    await console.until("web/1           INFO   text of many")


async def test_a_megabyte_in_a_line_is_scrolled_wrapped_and_searched(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    wide = "start " + "ab cd " * 170_000 + "finish"
    logs.feed(event(1, wide), event(2, "after of many"))
    await console.until("after of many", "start ab cd")
    await console.press("right", "right")
    await console.until_gone("start ab")
    await console.press("left", "left", "w")
    await console.until("after of many", "cd ab cd")
    await console.press("slash")
    await console.type("finish")
    await console.press("enter")
    await console.until("1 of 1")
    await console.press("escape", "w", "g", "y")
    assert len(console.app.clipboard) == 70_000
    await console.until("Copied 70,000 of 1,020,012 characters")


async def test_wide_lines_end_where_their_text_does(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    logs.feed(event(1, "x" * 150 + " the end"))
    await console.until("xxx")
    assert "the end" not in console.text
    for _ in range(9):
        await console.press("right")
    await console.until("the end")


async def test_a_paused_view_says_what_left(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    view_of(console).buffer.ring.max_lines = 100
    logs.feed(*(event(number) for number in range(100)))
    await console.until("line 99 of many")
    await console.press("space")
    logs.feed(*(event(number) for number in range(100, 150)))
    await console.until("PAUSED · 50 new below · 50 old ones let go")
    logs.feed(*(event(number) for number in range(150, 400)))
    await console.until("300 old ones let go", "line 300 of many")


async def test_what_a_tail_knows_of_itself_is_shown(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    second = event(0).timestamp_ms // 1000
    spans = (
        LedgerSpan(start_s=second, end_s=second + 60, coverage=Coverage.COMPLETE),
        LedgerSpan(start_s=second + 20, end_s=second + 27, coverage=Coverage.MISSING, reason="CloudWatch refused"),
    )
    events = (*(at(n, f"line {n}") for n in range(60)), at(61, "tardy", late=True), at(62, "again", backfilled=True))
    figures = TailFigures(upstream=Upstream.LIVE, live_ms=18 * 60_000, sessions=1)
    logs.queue.put_nowait(TailBatch(events=events, spans=spans, figures=figures))
    await console.until("7 s missing", "1 late", "1 backfilled", "18 min of live tail", "✗ missing 7 s", "ledger")
    assert console.line_with("tardy").rstrip("│ ").endswith("late")
    assert console.line_with("again").rstrip("│ ").endswith("backfilled")
    logs.queue.put_nowait(TailBatch(figures=TailFigures(upstream=Upstream.POLLING, requests=12)))
    await console.until("polling, 12 requests")


class HeldLogs(FakeLogs):
    """Also answers for a range of time, the newest first as far as the limit allows."""

    def __init__(self, *events: LogEvent) -> None:
        super().__init__()
        self.events = events

    async def fetch(self, spec: TailSpec, start_ms: int, end_ms: int, limit: int) -> tuple[LogEvent, ...]:
        return tuple(one for one in self.events if start_ms <= one.timestamp_ms <= end_ms)[-limit:]


async def test_lines_around_a_moment_are_fetched_and_nothing_is_followed(core: Core, config: Config) -> None:
    core.logs = HeldLogs(*(at(number, f"line {number} of many") for number in range(0, 4_000, 2)))
    configured = msgspec.structs.replace(
        config, aws=AwsConfig(region="eu-west-1"), services={"api": ServiceConfig(name="api", log_groups=("/app/api",))}
    )
    async with console_on(configured, core.operator(local_actor())) as console:
        await console.press("2")
        screen = console.app.screen
        assert isinstance(screen, LogsScreen)
        screen.show_around(("api",), event(0).timestamp_ms + 2_000_000)
        await console.until("AROUND", "line 2000 of many", "301 held")
        assert console.line_with("line 2000 of many").startswith("│▌")
        screen.show_around(("api",), event(0).timestamp_ms + 90_000_000)
        await console.until("no lines around that time")
        screen.follow(("api",))
        await console.until("FOLLOWING")


async def test_every_key_of_the_logs_is_in_the_help(desk: tuple[Console, FakeLogs]) -> None:
    console, _ = desk
    await console.press("question_mark")
    await console.press("pagedown")
    await console.until("Logs", "A bar of the histogram on")


async def test_it_is_usable_at_eighty_by_twenty_four(core: Core, config: Config) -> None:
    async with following(core, config, (80, 24)) as (console, logs):
        logs.feed(*(at(number, f"line {number} of many") for number in range(60)), *trace(70))
        await console.until("▸ 5 lines", "FOLLOWING", "space", "? help")
        assert all(len(line) == 80 for line in console.lines)
        await console.press("e", "enter")
        await console.until("KeyError: 'id'")


async def test_the_wheel_and_a_click_stand_still(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    logs.feed(*(event(number) for number in range(200)))
    await console.until("line 199 of many")
    view = view_of(console)
    await scroll(console.pilot, view, up=True)
    await console.until("PAUSED")
    await scroll(console.pilot, view, up=False)
    await scroll(console.pilot, view, up=False)
    await console.until("FOLLOWING")
    await console.pilot.click(view, offset=(30, 3))
    await console.until("PAUSED")
    assert console.lines[8].startswith("│▌")


async def scroll(pilot: Pilot[int], view: Widget, *, up: bool) -> None:
    kind = events.MouseScrollUp if up else events.MouseScrollDown
    view.post_message(kind(view, 5, 5, 0, 0, 0, False, False, False))
    await pilot.pause()


async def test_a_pause_marks_the_newest_line_and_keys_act_on_it(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    logs.feed(*(event(number) for number in range(200)))
    await console.until("line 199 of many")
    await console.press("y")
    assert console.app.clipboard == "line 199 of many"
    await console.press("space")
    logs.feed(*(event(number) for number in range(200, 300)))
    await console.until("100 new below")
    assert console.line_with("line 199 of many").startswith("│▌")
    await console.press("y")
    assert console.app.clipboard == "line 199 of many", "not a line that came in below"
    await console.press("k", "m")
    await console.until("◆")
    assert console.line_with("line 198 of many").startswith("│◆")


async def test_the_cursor_stays_on_the_screen_that_is_scrolled(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    logs.feed(*(event(number) for number in range(200)))
    await console.until("line 199 of many")
    view = view_of(console)
    for _ in range(20):
        await scroll(console.pilot, view, up=True)
    await console.until("line 120 of many")
    last = shown(console)[-1]
    assert last.startswith("│▌")
    await console.press("y")
    assert console.app.clipboard in last
    for _ in range(10):
        await scroll(console.pilot, view, up=False)
    await console.until("line 167 of many")
    assert shown(console)[0].startswith("│▌")


async def test_a_cursor_that_was_filtered_away_comes_back_with_its_line(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    logs.feed(*(event(number, f"{'odd' if number % 2 else 'even'} {number} of many") for number in range(100)))
    await console.until("odd 99 of many")
    await console.press("space", "k", "k")
    await term(console, "even")
    await console.until("50 shown")
    assert sum(line.startswith("│▌") for line in shown(console)) == 1, "some line is what keys act on"
    await term(console, "even")
    await console.until("odd 99 of many")
    assert console.line_with("odd 97 of many").startswith("│▌")


async def test_a_search_that_takes_too_long_is_ended_and_says_so(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    logs.feed(*(event(number, "a" * 40 + f" {number} of many") for number in range(2_000)))
    await console.until("1999 of many")
    await term(console, "/(a+)+$/")
    await console.until("takes too long on these lines", "1990 of many")
    assert not view_of(console).buffer.filter.terms
    await console.press("slash")
    await console.type("/(a+)+$/")
    await console.press("enter")
    await console.until_true(lambda: view_of(console).buffer.term is None)


async def test_a_narrow_bar_keeps_what_leads_on(core: Core, config: Config) -> None:
    async with following(core, config, (80, 24)) as (console, _):
        await console.until("s service", "/ search", "& filter", "? help")
        assert console.lines[-1].split()[:2] == ["space", "pause"]


async def test_only_what_is_well_behind_is_marked_late(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    near = msgspec.structs.replace(event(100_998), message="near", late=True)
    logs.feed(at(1, "oldest"), at(101, "newest"), near, at(99, "tardy", late=True))
    await console.until("1 late", "near")
    assert console.line_with("tardy").rstrip("│ ").endswith("late")
    assert "late" not in console.line_with("near")


async def test_what_the_tail_held_no_more_is_marked_and_a_time_in_it_is_fetched(core: Core, config: Config) -> None:
    logs = HeldLogs(*(at(number, f"line {number} of many") for number in range(0, 4_000, 2)))
    async with following(core, config, logs=logs) as (console, _):
        start_s = event(0).timestamp_ms // 1000
        gap = LedgerSpan(start_s=start_s, end_s=start_s + 3_000, coverage=Coverage.MISSING, reason="gone")
        held = tuple(one for one in logs.events if one.timestamp_ms >= event(3_000_000).timestamp_ms)
        screen = console.app.screen
        assert isinstance(screen, LogsScreen)
        assert screen.tailing is not None
        screen.tailing.asked_ms = screen.tailing.start_ms = event(2_990_000).timestamp_ms
        logs.queue.put_nowait(TailBatch(events=held, spans=(gap,), gone_ms=event(2_999_500).timestamp_ms))
        gone = clock_text(event(2_999_500).timestamp_ms)
        await console.until("10 s missing", "line 3998 of many")
        await console.press("g")
        await console.until(f"no longer holds what came before {gone}", "PAUSED", "line 3000 of many")
        await console.press("G", "t")
        await console.type(iso(event(2_000_000).timestamp_ms))
        await console.press("enter")
        await console.until("is not held (from", "⏎ fetches what was then")
        await console.press("escape")
        await console.until_gone("⏎ fetches")
        await console.until("FOLLOWING")
        await console.press("t")
        await console.type(iso(event(2_000_000).timestamp_ms))
        await console.press("enter", "enter")
        await console.until("AROUND", "esc follows again", "line 2000 of many")
        assert console.line_with("line 2000 of many").startswith("│▌")
        await console.press("t")
        await console.type(iso(event(3_900_000).timestamp_ms))
        await console.press("enter")
        await console.until("is after what was fetched")
        await console.press("enter")
        await console.until("line 3900 of many")
        await console.press("escape")
        await console.until("FOLLOWING")


async def test_a_quiet_time_that_is_held_is_gone_to_without_asking(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    logs.feed(event(SystemClock().now_ms() - event(0).timestamp_ms, "the only one of many"))
    await console.until("the only one of many")
    await console.press("t")
    await console.type("4m")
    await console.press("enter")
    await console.until("PAUSED")
    assert "⏎ fetches" not in console.text


async def test_why_it_polls_is_said_once(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    why = "access denied: these credentials need logs:StartLiveTail on /app/api"
    for requests in (1, 2):
        logs.queue.put_nowait(
            TailBatch(figures=TailFigures(upstream=Upstream.POLLING, requests=requests, why=why), events=(at(1, "x"),))
        )
        await console.until(f"polling, {requests} request")
    assert console.text.count("polling, not Live Tail: access denied: these credentials need logs:StartLiveTail") == 1


async def test_trouble_hides_neither_following_nor_paused(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    logs.queue.put_nowait(TailBatch(events=(at(1, "of many"),), trouble="CloudWatch is throttling"))
    await console.until("FOLLOWING · TROUBLE: CloudWatch is throttling")
    await console.press("space")
    await console.until("PAUSED · 0 new below · TROUBLE: CloudWatch is throttling")


async def test_a_level_stands_once_and_what_is_copied_is_whole(desk: tuple[Console, FakeLogs]) -> None:
    console, logs = desk
    logs.feed(
        at(1, "ERROR it broke", Level.ERROR),
        at(2, "[WARNING]: it may break", Level.WARNING),
        at(3, "ERROR"),
        at(4, "INFORMATION of another kind"),
        at(5, "ERROR said by an info line"),
    )
    await console.until("said by an info line")
    assert console.line_with("it broke").rstrip("│ ").endswith("ERROR  it broke")
    assert console.line_with("it may break").rstrip("│ ").endswith("WARN   it may break")
    assert console.line_with("another kind").rstrip("│ ").endswith("INFO   INFORMATION of another kind")
    assert console.line_with("said by").rstrip("│ ").endswith("INFO   ERROR said by an info line")
    await console.press("g", "J")
    await console.until("PAUSED")
    assert console.line_with("it broke").rstrip("│ ").endswith("ERROR  it broke")
    view = view_of(console)
    assert [view.buffer.text(seq) for seq in view.buffer.shown][:2] == ["ERROR it broke", "[WARNING]: it may break"]
    await console.press("slash")
    await console.type("ERROR it")
    await console.press("enter")
    await console.until("1 of 1")
    assert "ERROR  ERROR it broke" in console.line_with("it broke"), "what was found is to be seen"
