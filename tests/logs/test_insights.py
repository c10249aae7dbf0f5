"""Logs Insights: against the simulated CloudWatch and against ministack, through the real driver."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from jinkies.clock import Clock, SystemClock
from jinkies.errors import Invalid, NotConfigured, UpstreamError
from jinkies.logs.budget import BURST
from jinkies.logs.insights import FAILURES, PARTIAL_ROWS, Answer, asked
from jinkies.logs.insights_client import InsightsClient
from jinkies.logs.quotas import RATES, Quotas
from jinkies.logs.service import LogsService
from jinkies.model import QueryProgress, QuerySpec, QueryState, TailSpec, Upstream
from jinkies.simulators.cloudwatch import Fault, Kind, SimulatedCloudWatch, World, arn_of
from jinkies.simulators.cloudwatch.requests import StartQuery
from tests.logs.conftest import desk
from tests.virtual import START_MS, run_virtually

SPEC = QuerySpec(query="fields @timestamp, @message", targets=("/a",), start_ms=START_MS - 60_000, end_ms=START_MS)
Work = Callable[[SimulatedCloudWatch, LogsService], Awaitable[None]]


def virtually(work: Work) -> None:
    """Run it against a simulated CloudWatch of 30 events in /a and 5 in /b; time jumps."""

    async def whole(clock: Clock) -> None:
        world = World("/a", "/b")
        for at in range(30):
            world.put("/a", f"line {at}", START_MS - 30_000 + at * 1_000, ingestion_ms=START_MS, stream="s")
        for at in range(5):
            world.put("/b", f"other {at}", START_MS - 30_000 + at, ingestion_ms=START_MS, stream="t")
        async with (
            SimulatedCloudWatch(world, clock=clock) as cloudwatch,
            LogsService(desk(cloudwatch.address, api=("/a", "/b"), empty=()), clock) as logs,
        ):
            await clock.sleep(1)
            await work(cloudwatch, logs)

    run_virtually(whole)


async def every(logs: LogsService, spec: QuerySpec) -> list[QueryProgress]:
    async with logs.query(spec) as progress:
        return [one async for one in progress]


async def refused(logs: LogsService, spec: QuerySpec, error: type[Exception]) -> str:
    with pytest.raises(error) as caught:
        await every(logs, spec)
    return str(caught.value)


def changed(**changes: object) -> QuerySpec:
    return msgspec.structs.replace(SPEC, **changes)


def test_a_query_from_scheduled_to_its_rows() -> None:
    async def work(cloudwatch: SimulatedCloudWatch, logs: LogsService) -> None:
        found = await every(logs, SPEC)
        assert found[0].state is QueryState.SCHEDULED
        assert QueryState.RUNNING in [one.state for one in found]
        assert not any(one.complete for one in found[:-1])
        last = found[-1]
        assert last.complete
        assert last.columns == ("@timestamp", "@message")  # without @ptr
        assert len(last.rows) == last.records_matched == last.records_scanned == 30
        assert last.rows[0] == ("2025-12-31 23:59:59.000", "line 29")
        assert last.bytes_scanned == sum(len(f"line {at}") for at in range(30))
        assert last.elapsed_ms >= 1_500
        pauses = [call.at_ms for call in cloudwatch.asked("GetQueryResults")]
        gaps = [after - before for before, after in pairwise(pauses)]
        assert gaps == sorted(gaps), "it asks less and less often"
        assert not cloudwatch.asked("StopQuery")

    virtually(work)


def test_times_are_whole_seconds_and_inclusive() -> None:
    async def work(cloudwatch: SimulatedCloudWatch, logs: LogsService) -> None:
        start_ms = START_MS - 30_000
        (*_, last) = await every(logs, changed(start_ms=start_ms + 900, end_ms=start_ms + 2_001))
        assert sorted(row[1] for row in last.rows) == ["line 0", "line 1", "line 2"]

    virtually(work)


def test_counts_over_several_groups_by_name_and_by_arn() -> None:
    async def work(cloudwatch: SimulatedCloudWatch, logs: LogsService) -> None:
        for targets in (("api",), ("/a", arn_of("/b"))):
            (*_, last) = await every(logs, changed(query="stats count(*) as n by @log", targets=targets))
            assert last.columns == ("@log", "n")
            assert [(log.rpartition(":")[2], n) for log, n in last.rows] == [("/a", "30"), ("/b", "5")]
            assert last.complete

    virtually(work)


@pytest.mark.parametrize(
    ("query", "limit", "rows"), [("fields @message", 10, 10), ("fields @message | limit 7", 10, 7),
                                 ("fields @message | LIMIT 12", 10, 10)],
)  # fmt: skip
def test_rows_cut_at_a_limit_are_never_called_complete(query: str, limit: int, rows: int) -> None:
    spec = changed(query=query, limit=limit)
    assert spec.most_rows == rows

    async def work(cloudwatch: SimulatedCloudWatch, logs: LogsService) -> None:
        (*_, last) = await every(logs, spec)
        assert len(last.rows) <= rows
        assert last.state is QueryState.COMPLETE
        assert last.cut
        assert not last.complete

    if "LIMIT" not in query:  # the simulator reads small letters only
        virtually(work)


def test_whoever_leaves_early_ends_the_query_at_the_service() -> None:
    async def work(cloudwatch: SimulatedCloudWatch, logs: LogsService) -> None:
        async with logs.query(SPEC) as progress:
            await anext(progress)
        assert [call.status for call in cloudwatch.asked("StopQuery")] == [200]

    virtually(work)


def test_whoever_is_cancelled_as_it_starts_leaves_nothing_running() -> None:
    async def work(cloudwatch: SimulatedCloudWatch, logs: LogsService) -> None:
        await every(logs, SPEC)  # the client is open from here on
        cloudwatch.calls.clear()
        cloudwatch.faults.add(Fault(kind=Kind.DELAY, action="StartQuery", value=2.0))
        running = asyncio.create_task(every(logs, SPEC))
        await asyncio.sleep(1)
        running.cancel()
        await asyncio.wait({running})
        assert running.cancelled()
        assert len(cloudwatch.asked("StartQuery")) == len(cloudwatch.asked("StopQuery")) == 1

    virtually(work)


def test_what_makes_no_sense_is_refused() -> None:
    async def work(cloudwatch: SimulatedCloudWatch, logs: LogsService) -> None:
        assert "query: " in await refused(logs, changed(query="filed @message"), Invalid)
        assert await refused(logs, changed(query=" "), Invalid) == "query: it is empty"
        assert "10,000" in await refused(logs, changed(query="x" * 10_001), Invalid)
        assert "limit: 0" in await refused(logs, changed(limit=0), Invalid)
        assert "limit: 10,001" in await refused(logs, changed(limit=10_001), Invalid)
        assert "start_ms" in await refused(logs, changed(start_ms=START_MS + 1_000), Invalid)
        assert "log_groups" in await refused(logs, changed(targets=("empty",)), NotConfigured)
        assert "no log group /nope" in await refused(logs, changed(targets=("/nope",)), UpstreamError)
        cloudwatch.queries.running_s = 600
        for _ in range(100):
            cloudwatch.queries.start(
                StartQuery(log_group_name="/a", start_time=0, end_time=1, query_string="fields @message", limit=1)
            )
        assert "too many Logs Insights queries" in await refused(logs, SPEC, UpstreamError)

    virtually(work)


class Scripted:
    """An ``InsightsSource`` that answers what a test says."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.stopped: list[str] = []

    async def start(self, groups: tuple[str, ...], query: str, start_s: int, end_s: int, limit: int) -> str:
        return "q1"

    async def results(self, query_id: str) -> Answer:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def stop(self, query_id: str) -> None:
        self.stopped.append(query_id)


def scripted(source: Scripted) -> list[QueryProgress]:
    async def work(clock: Clock) -> list[QueryProgress]:
        async with asked(source, SPEC, ("/a",), clock) as progress:
            return [one async for one in progress]

    return run_virtually(work)


THROTTLED = UpstreamError("CloudWatch is throttling", retry=True)
DONE = Answer(status="Complete", rows=[[("a", "1"), ("@ptr", "x")], [("b", "2"), ("a", "3")]])


def test_rows_that_lack_fields_and_fields_that_come_late() -> None:
    source = Scripted(DONE)
    (last,) = scripted(source)
    assert (last.columns, last.rows) == (("a", "b"), (("1", ""), ("3", "2")))
    assert source.stopped == []


def test_a_service_that_fails_for_a_while_is_asked_again_and_said_so() -> None:
    found = scripted(Scripted(THROTTLED, Answer(status="Running"), THROTTLED, DONE))
    assert [one.trouble for one in found] == [str(THROTTLED), None, str(THROTTLED), None]
    source = Scripted(*[THROTTLED] * FAILURES)
    with pytest.raises(UpstreamError):
        scripted(source)
    assert source.stopped == ["q1"]


@pytest.mark.parametrize(
    ("status", "why"), [("Failed", "failed"), ("Cancelled", "stopped"), ("Timeout", "narrow"), ("New", "ended as")]
)
def test_a_query_that_ends_without_rows_says_why(status: str, why: str) -> None:
    source = Scripted(Answer(status="Running", rows=[[("a", "1")]]), Answer(status=status))
    with pytest.raises(UpstreamError, match=why):
        scripted(source)
    assert source.stopped == []


def test_what_a_running_query_shows_is_bounded() -> None:
    many = [[("a", str(at))] for at in range(PARTIAL_ROWS + 1)]
    running, done = scripted(Scripted(Answer(status="Running", rows=many), Answer(status="Complete", rows=many)))
    assert len(running.rows) == PARTIAL_ROWS
    assert len(done.rows) == PARTIAL_ROWS + 1
    assert not running.complete


class Refusing:
    """A driver whose StartQuery refuses."""

    def __init__(self, response: dict[str, Any]) -> None:
        self._response = response

    async def start_query(self, **_: object) -> None:
        raise ClientError(self._response, "StartQuery")


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (
            {
                "Error": {"Code": "MalformedQueryException", "Message": "unexpected symbol"},
                "queryCompileError": {
                    "message": "unexpected symbol filed",
                    "location": {"startCharOffset": 18, "endCharOffset": 23},
                },
            },
            "query: unexpected symbol filed; at character 19: fields @message | ❱filed x | stats count()",
        ),
        (
            {"Error": {"Code": "MalformedQueryException", "Message": "no"}, "queryCompileError": {"location": {}}},
            "query: no",
        ),
        (
            {"Error": {"Code": "AccessDeniedException"}},
            "access denied: these credentials need logs:StartQuery on /a, /b",
        ),
    ],
)
async def test_refusals_say_what_and_where(response: dict[str, Any], message: str) -> None:
    client = InsightsClient(Refusing(response), Quotas(SystemClock(), bounded=False))
    with pytest.raises((Invalid, UpstreamError)) as caught:
        await client.start(("/a", "/b"), "fields @message | filed x | stats count()", 0, 1, 10)
    assert str(caught.value) == message


def test_many_queries_keep_to_their_rate_and_hold_up_no_tail() -> None:
    async def work(clock: Clock) -> None:
        async with SimulatedCloudWatch(World("/a"), clock=clock) as cloudwatch:
            config = desk(cloudwatch.address, api=("/a",))
            bounded = msgspec.structs.replace(config, aws=msgspec.structs.replace(config.aws, requests_per_second=10.0))
            cloudwatch.queries.running_s = 20
            async with LogsService(bounded, clock) as logs, asyncio.TaskGroup() as group:
                await logs.check()  # opens the client, in a thread: time must not jump meanwhile
                for _ in range(25):
                    group.create_task(every(logs, SPEC))
                await clock.sleep(8)
                begun_ms = clock.now_ms()
                async with logs.open_tail(logs.start_tail(TailSpec(targets=("api",))).tail_id) as batches:
                    async for batch in batches:
                        if batch.figures is not None and batch.figures.upstream is Upstream.LIVE:
                            break
                assert clock.now_ms() - begun_ms < 3_000
            for action in ("StartQuery", "GetQueryResults"):
                asked_ms = [call.at_ms for call in cloudwatch.asked(action)]
                assert len(asked_ms) >= 25
                for first, last in zip(asked_ms, asked_ms[10:], strict=False):
                    assert last - first >= 1_000 * (10 - BURST) / RATES[action] - 50

    run_virtually(work)


@asynccontextmanager
async def on(url: str, group: str) -> AsyncIterator[LogsService]:
    async with LogsService(desk(url, api=(group,)), SystemClock()) as logs:
        yield logs


async def test_against_ministack(ministack_url: str, cloudwatch: Any) -> None:
    group, now_ms = f"/test/{uuid.uuid4()}", time.time_ns() // 1_000_000
    await cloudwatch.create_log_group(logGroupName=group)
    await cloudwatch.create_log_stream(logGroupName=group, logStreamName="s")
    events = [{"timestamp": now_ms - 10_000 + at, "message": f"line {at}"} for at in range(20)]
    await cloudwatch.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    spec = QuerySpec(
        query="fields @timestamp, @message, @logStream | filter @message like /line 1/ | sort @timestamp asc",
        targets=("api",),
        start_ms=now_ms - 60_000,
        end_ms=now_ms,
    )
    async with on(ministack_url, group) as logs:
        (*_, last) = await every(logs, spec)
    assert last.state is QueryState.COMPLETE
    at = last.columns.index("@message")
    assert [row[at] for row in last.rows] == ["line 1", *(f"line {at}" for at in range(10, 20))]
