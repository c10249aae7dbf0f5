"""Who comes late to a busy shared tail is told what it no longer holds, on every way in: embedded, attached, CLI."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from jinkies.cli import main
from jinkies.cli.logs import Writer
from jinkies.cli.tail import run_tail
from jinkies.clock import SystemClock, iso
from jinkies.commands import StartTail
from jinkies.core import Core
from jinkies.logs.ledger import Ledger
from jinkies.logs.service import LogsService
from jinkies.logs.viewers import GONE
from jinkies.model import Coverage, LogEvent, TailBatch, TailMode, TailSpec
from jinkies.operator import Operator
from jinkies.simulators.cloudwatch import SimulatedCloudWatch, World
from tests.logs.conftest import desk
from tui.coverage import CoverageMap
from tui.tailing import OVERLAP_MS, Tailing

RING = 20
LINES = 100
GROUP = "/app/api"
SPEC = TailSpec(targets=(GROUP,), since_ms=60_000, mode=TailMode.POLL)


class Busy:
    """A CloudWatch with a line every tenth of a second, the newest 20 s ago, and a core whose rings are small."""

    def __init__(self, cloudwatch: SimulatedCloudWatch, now_ms: int) -> None:
        self.cloudwatch = cloudwatch
        self.at_ms = [now_ms - 30_000 + at * 100 for at in range(LINES)]
        self.gone_ms = self.at_ms[-RING - 1]


@pytest.fixture
async def busy(core: Core, operator: Operator) -> AsyncIterator[Busy]:
    clock = SystemClock()
    async with SimulatedCloudWatch(World(GROUP), clock=clock) as cloudwatch:
        busy = Busy(cloudwatch, clock.now_ms())
        for number, at_ms in enumerate(busy.at_ms):
            cloudwatch.world.put(GROUP, f"line {number}", at_ms, stream="web")
        async with LogsService(desk(cloudwatch.address), clock, ring_events=RING) as core.logs:
            tail_id = await started(operator, SPEC)
            async with operator.tail(tail_id) as first:
                await settled(first)
                yield busy
        core.logs = None


async def started(operator: Operator, spec: TailSpec) -> str:
    tail_id = (await operator.execute(StartTail(spec=spec))).tail_id
    assert tail_id is not None
    return tail_id


async def settled(batches: AsyncIterator[TailBatch]) -> tuple[list[TailBatch], Ledger]:
    """Until the ledger says what became of all that is there."""
    given, ledger = [], Ledger()
    async for batch in batches:
        given.append(batch)
        for span in batch.spans:
            ledger.put(span)
        if batch.spans and batch.spans[-1].coverage is not Coverage.BACKFILLING:
            break
    return given, ledger


async def test_the_ledger_of_who_comes_late_is_cut_where_the_tail_begins_to_hold(
    operator: Operator, busy: Busy
) -> None:
    async with operator.tail(await started(operator, SPEC)) as batches:
        given, ledger = await settled(batches)
    assert [event.message for batch in given for event in batch.events] == [f"line {at}" for at in range(80, LINES)]
    assert [batch.gone_ms for batch in given] == [busy.gone_ms] + [None] * (len(given) - 1)
    missing, complete = ledger.spans()[:2]
    assert (missing.coverage, missing.reason) == (Coverage.MISSING, GONE)
    assert missing.start_s <= busy.at_ms[0] // 1000
    assert missing.end_s == busy.gone_ms // 1000 + 1
    assert complete.coverage is Coverage.COMPLETE


async def tailed(core: Core, spec: TailSpec, limit: int, output: str = "json") -> None:
    async with asyncio.timeout(30):
        assert await run_tail(core.config, spec, Writer(output, groups=False), limit, SystemClock()) == 0


async def test_the_command_line_says_so_once_and_how_to_read_the_rest(
    core: Core, busy: Busy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await tailed(core, SPEC, RING)
    out, err = capsys.readouterr()
    gap, *lines = map(json.loads, out.splitlines())
    assert [one["message"] for one in lines] == [f"line {at}" for at in range(80, LINES)]
    assert gap["gap"]["until"] == iso(busy.gone_ms)
    assert gap["gap"]["reason"] == GONE
    assert err.count("no longer holds what came before") == 1
    assert f"missing {iso(busy.at_ms[0] - 40_000)[:14]}" in err, "the summary"
    assert "complete from" not in err
    (command,) = (one.strip() for one in err.splitlines() if "jinkies logs" in one)
    assert command == f"jinkies: {gap['gap']['command']}"
    program, *arguments = shlex.split(gap["gap"]["command"])
    assert program == "jinkies"
    for name, text in {
        "AWS_ENDPOINT_URL": busy.cloudwatch.address,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "JINKIES_HOME": str(core.config.home),
    }.items():
        monkeypatch.setenv(name, text)
    assert await asyncio.to_thread(main, arguments) == 0
    read = [json.loads(one)["message"] for one in capsys.readouterr().out.splitlines()]
    assert read == [f"line {at}" for at in range(80)]


async def test_who_asked_for_less_than_what_is_held_is_told_nothing(
    core: Core, busy: Busy, capsys: pytest.CaptureFixture[str]
) -> None:
    now_ms = SystemClock().now_ms()
    spec = TailSpec(targets=(GROUP,), since_ms=now_ms - busy.at_ms[90], mode=TailMode.POLL)
    await tailed(core, spec, 8, "text")
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 8
    assert "no longer holds" not in err
    assert "missing" not in err


async def test_the_console_goes_on_where_it_was_whatever_core_answers(core: Core, operator: Operator) -> None:
    """The second ``LogsService`` knows nothing of the first one's tail."""
    clock, given, ledger = SystemClock(), list[LogEvent](), CoverageMap()

    def fold(batch: TailBatch) -> None:
        given.extend(batch.events)
        ledger.fold(batch.spans)

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():  # noqa: ASYNC110 - another task folds
                await asyncio.sleep(0.02)

    async with AsyncExitStack() as stack:
        cloudwatch = await stack.enter_async_context(SimulatedCloudWatch(World(GROUP), clock=clock))
        begun_ms = clock.now_ms()
        cloudwatch.world.put(GROUP, "before", begun_ms - 20_000, stream="web")
        tailing = Tailing(lambda: operator, clock, SPEC, fold, ledger)
        async with LogsService(desk(cloudwatch.address), clock) as core.logs:
            following = asyncio.create_task(tailing.run(lambda: given))
            await until(lambda: bool(given) and ledger.settled_until_s() is not None)
            settled_s = ledger.settled_until_s() or 0
            again = LogsService(desk(cloudwatch.address), clock)
            core.logs = await stack.enter_async_context(again)
        cloudwatch.world.put(GROUP, "while away", begun_ms - 500, stream="web")
        await until(lambda: any(event.message == "while away" for event in given))
        assert [event.message for event in given] == ["before", "while away"]
        (saved,) = again.saved_tails()
        assert saved.start_ms == settled_s * 1_000 - OVERLAP_MS > tailing.start_ms
        following.cancel()
        await asyncio.wait({following})
    core.logs = None
