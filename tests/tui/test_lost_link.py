"""What a console says and does while its core is away, and whether all is well once it is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from jinkies.commands import AnyCommand, Outcome
from jinkies.config import AwsConfig, Config
from jinkies.core import Core
from jinkies.errors import Disconnected
from jinkies.events import Hello, Position, Snapshot, Update
from jinkies.matching import Matcher
from jinkies.model import (
    Actor,
    AlertDetail,
    AlertPage,
    AlertQuery,
    AlertRow,
    LogEvent,
    PartHealth,
    PartState,
    QueryProgress,
    QuerySpec,
    TailBatch,
    TailSpec,
)
from jinkies.operator import Hosting, Operator
from jinkies.stats import Stats, StatsQuery
from jinkies.wire.peer import local_actor
from tests.tui.conftest import Console, Report, console_on

NO_CORE = ("The core does not answer", "jinkies serve")


class Cuttable:
    """An operator whose core a test takes away and brings back."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator
        self._gone = asyncio.Event()
        self.asked: list[AlertQuery] = []
        self.hold: asyncio.Event | None = None

    def cut(self) -> None:
        self._gone.set()

    def mend(self) -> None:
        self._gone.clear()

    def _up(self) -> Operator:
        if self._gone.is_set():
            raise Disconnected("the core does not answer: [Errno 111] Connection refused")
        return self._operator

    @property
    def hosting(self) -> Hosting:
        return self._operator.hosting

    async def hello(self) -> Hello:
        return await self._up().hello()

    async def execute(
        self, command: AnyCommand, *, on_behalf_of: Actor | None = None, key: str | None = None
    ) -> Outcome:
        if self.hold is not None:
            await self.hold.wait()
        return await self._up().execute(command, on_behalf_of=on_behalf_of, key=key)

    async def snapshot(self) -> Snapshot:
        return await self._up().snapshot()

    @asynccontextmanager
    async def subscribe(self, after: Position) -> AsyncIterator[AsyncIterator[Update]]:
        async with self._up().subscribe(after) as updates:
            yield self._until_cut(updates)

    async def _until_cut(self, updates: AsyncIterator[Update]) -> AsyncIterator[Update]:
        gone = asyncio.ensure_future(self._gone.wait())
        try:
            while True:
                following = asyncio.ensure_future(anext(updates))
                try:
                    await asyncio.wait({gone, following}, return_when=asyncio.FIRST_COMPLETED)
                    if gone.done():
                        raise Disconnected("the core closed the stream")
                    yield following.result()
                finally:
                    following.cancel()
                    await asyncio.gather(following, return_exceptions=True)
        finally:
            gone.cancel()

    async def alerts(self, query: AlertQuery) -> AlertPage:
        self.asked.append(query)
        return await self._up().alerts(query)

    async def stats(self, query: StatsQuery) -> Stats:
        return await self._up().stats(query)

    async def alert(self, alert_id: int) -> AlertDetail:
        return await self._up().alert(alert_id)

    @asynccontextmanager
    async def tail(self, tail_id: str) -> AsyncIterator[AsyncIterator[TailBatch]]:
        async with self._up().tail(tail_id) as batches:
            yield batches

    async def logs_around(self, alert_id: int, *, limit: int = 50) -> tuple[LogEvent, ...]:
        return await self._up().logs_around(alert_id, limit=limit)

    async def matching(self, matchers: tuple[Matcher, ...]) -> tuple[AlertRow, ...]:
        return await self._up().matching(matchers)

    async def fetch_logs(self, spec: TailSpec, *, start_ms: int, end_ms: int, limit: int) -> tuple[LogEvent, ...]:
        return await self._up().fetch_logs(spec, start_ms=start_ms, end_ms=end_ms, limit=limit)

    @asynccontextmanager
    async def query_logs(self, spec: QuerySpec) -> AsyncIterator[AsyncIterator[QueryProgress]]:
        async with self._up().query_logs(spec) as progress:
            yield progress


@asynccontextmanager
async def _cuttable(core: Core, config: Config) -> AsyncIterator[tuple[Console, Cuttable]]:
    operator = Cuttable(core.operator(local_actor()))
    async with console_on(config, operator) as console:
        yield console, operator


async def test_an_alert_chosen_while_the_core_is_away_is_shown_once_it_is_back(
    core: Core, config: Config, report: Report
) -> None:
    await report("one", stack_trace="Traceback: of one", occurred_at_ms=1_700_000_000_000)
    await report("two", stack_trace="Traceback: of two")
    async with _cuttable(core, config) as (console, operator):
        await console.until("Traceback: of two", "one")
        operator.cut()
        await console.until("✗ lost since", "parts ○ not known")
        assert "one" in console.text, "rows are kept"
        await console.press("j")
        await console.until(*NO_CORE)
        assert "asking the core" not in console.text
        operator.mend()
        await console.until("Traceback: of one")
        assert "lost since" not in console.text


async def test_the_filter_works_on_what_is_held_and_asks_again_later(
    core: Core, config: Config, report: Report
) -> None:
    await report("payment refused")
    await report("disk is full")
    async with _cuttable(core, config) as (console, operator):
        await console.until("payment refused", "disk is full")
        operator.cut()
        await console.until("✗ lost since")
        asked = len(operator.asked)
        await console.press("slash")
        await console.type("disk")
        await console.until_gone("payment refused")
        await console.until("of what is held")
        assert len(operator.asked) == asked
        assert "could not be read" not in console.text
        operator.mend()
        await console.until_gone("of what is held")
        assert len(operator.asked) > asked
        assert "disk is full" in console.text


async def test_a_key_says_what_can_be_done(core: Core, config: Config, report: Report) -> None:
    await report("boom")
    async with _cuttable(core, config) as (console, operator):
        await console.until("boom")
        operator.cut()
        await console.until("✗ lost since")
        await console.press("a")
        await console.until("No answer", *NO_CORE)
        assert "Errno" not in console.text


async def test_fits_80_columns_while_lost(core: Core, config: Config, report: Report) -> None:
    await report("boom")
    operator = Cuttable(core.operator(local_actor()))
    async with console_on(config, operator, size=(80, 24)) as console:
        await console.until("boom")
        operator.cut()
        await console.until("✗ lost (", "), reconnecting", "1 open · 0 critical")


async def test_the_logs_say_that_there_is_no_core(core: Core, config: Config) -> None:
    core.report_health(PartHealth(part="aws", state=PartState.OK))
    configured = msgspec.structs.replace(config, aws=AwsConfig(region="eu-west-1"))
    async with _cuttable(core, configured) as (console, operator):
        operator.cut()
        await console.until("✗ lost since")
        await console.press("2", "s")
        await console.until("Follow the logs of")
        await console.type("api")
        await console.press("enter")
        await console.until("TROUBLE", *NO_CORE, "asked for again", "s  choose another")
        assert "Following." not in console.text


async def test_the_reason_is_readable_in_a_narrow_terminal(core: Core, config: Config) -> None:
    core.report_health(PartHealth(part="aws", state=PartState.OK))
    configured = msgspec.structs.replace(config, aws=AwsConfig(region="eu-west-1"))
    operator = Cuttable(core.operator(local_actor()))
    async with console_on(configured, operator, size=(60, 20)) as console:
        operator.cut()
        await console.press("2", "s", "enter")
        await console.until(*NO_CORE)


async def test_what_a_closed_form_asked_for_is_still_asked(core: Core, config: Config, report: Report) -> None:
    alert_id = await report("boom")
    async with _cuttable(core, config) as (console, operator):
        await console.until("boom")
        await console.press("p")
        await console.until("Fix boom in api")
        operator.hold = asyncio.Event()
        await console.press("ctrl+s")
        await console.until("asking the core")
        await console.press("escape")
        await console.until_gone("Draft pull request for")
        operator.hold.set()
        await console.until("requested by")
        assert (await core.operator(local_actor()).alert(alert_id)).row.pull_request is not None


async def test_a_closed_form_still_says_that_it_was_refused(core: Core, config: Config, report: Report) -> None:
    alert_id = await report("boom")
    async with _cuttable(core, config) as (console, operator):
        await console.until("boom")
        await console.press("p")
        await console.until("Fix boom in api")
        operator.hold = asyncio.Event()
        await console.press("ctrl+s", "escape")
        await console.until_gone("asking the core")
        operator.cut()
        operator.hold.set()
        await console.until(f"Draft pull request for #{alert_id}: no answer")
