"""The simulated CloudWatch as the real aioboto3 client sees it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import aioboto3
import pytest
from aiobotocore.config import AioConfig
from aiohttp import ClientPayloadError
from botocore.exceptions import ClientError

from jinkies.clock import Clock
from jinkies.simulators.cloudwatch import Bulk, Fault, Kind, SimulatedCloudWatch, World, arn_of
from tests.logs.clock import START_MS, ManualClock
from tests.virtual import START_MS as VIRTUAL_MS
from tests.virtual import run_virtually

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "not-a-secret", "region_name": "us-east-1"}


@asynccontextmanager
async def opened(address: str, **settings: Any) -> AsyncIterator[Any]:
    config = AioConfig(inject_host_prefix=False, retries={"total_max_attempts": 1}, **settings)
    async with aioboto3.Session(**KEYS).client("logs", endpoint_url=address, config=config) as client:
        yield client


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def cloudwatch(clock: ManualClock) -> AsyncIterator[SimulatedCloudWatch]:
    async with SimulatedCloudWatch(World("/a", "/a/b", "/c"), clock=clock) as running:
        yield running


@pytest.fixture
async def logs(cloudwatch: SimulatedCloudWatch) -> AsyncIterator[Any]:
    async with opened(cloudwatch.address) as client:
        yield client


async def pages(logs: Any, **ask: Any) -> list[list[str]]:
    found = []
    token: dict[str, str] = {}
    while True:
        page = await logs.filter_log_events(**ask, **token)
        found.append([event["message"] for event in page["events"]])
        if "nextToken" not in page:
            return found
        token = {"nextToken": page["nextToken"]}


async def refused(asking: Any) -> str:
    with pytest.raises(ClientError) as caught:
        await asking
    return str(caught.value.response["Error"]["Code"])


async def test_a_range_is_inclusive_and_sorted_by_time_then_ingestion(
    cloudwatch: SimulatedCloudWatch, logs: Any
) -> None:
    put = cloudwatch.world.put
    put("/a", "second", START_MS - 5_000, ingestion_ms=START_MS - 10)
    put("/a", "first", START_MS - 5_000, ingestion_ms=START_MS - 20)
    put("/a", "last é", START_MS - 1_000, stream="t")
    put("/a", "outside", START_MS - 999)
    assert await pages(logs, logGroupName="/a", startTime=START_MS - 5_000, endTime=START_MS - 1_000) == [
        ["first", "second", "last é"]
    ]
    assert await pages(logs, logGroupIdentifier=arn_of("/a"), logStreamNames=["t"]) == [["last é"]]


async def test_newest_first_goes_backwards_and_needs_2024(cloudwatch: SimulatedCloudWatch, logs: Any) -> None:
    for number in range(5):
        cloudwatch.world.put("/a", str(number), START_MS - 10_000 + number)

    def head(params: dict[str, Any], **_: Any) -> None:
        body = json.loads(params["body"]) | {"startFromHead": False}
        params["body"] = json.dumps(body).encode()

    logs.meta.events.register("before-call.cloudwatch-logs.FilterLogEvents", head)
    assert await pages(logs, logGroupName="/a", startTime=START_MS - 20_000, limit=2) == [["4", "3"], ["2", "1"], ["0"]]
    assert await refused(logs.filter_log_events(logGroupName="/a", startTime=1)) == "InvalidParameterException"


async def test_an_event_shows_when_its_time_has_come(
    cloudwatch: SimulatedCloudWatch, logs: Any, clock: ManualClock
) -> None:
    cloudwatch.world.put("/a", "late", START_MS, visible_ms=START_MS + 60_000)
    assert await pages(logs, logGroupName="/a") == [[]]
    clock.advance(60)
    assert await pages(logs, logGroupName="/a") == [["late"]]
    assert [event.message for event in cloudwatch.world.events("/a")] == ["late"]


async def test_pages_small_and_empty_hold_everything_once(cloudwatch: SimulatedCloudWatch, logs: Any) -> None:
    cloudwatch.world.put("/a", "same", START_MS - 1_000, times=3)
    cloudwatch.world.put("/a", "other", START_MS - 1_000)
    cloudwatch.fault(Fault(kind=Kind.SMALL_PAGES, value=2), Fault(kind=Kind.EMPTY_PAGES, value=2))
    assert await pages(logs, logGroupName="/a") == [[], [], ["same"] * 2, [], [], ["same", "other"]]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("error", ["an error: disk"]),
        ("error disk", ["an error: disk"]),
        ('"error: disk"', ["an error: disk"]),
        ("Error", []),
        ("?fine ?disk", ["an error: disk", "all fine"]),
        ("-error", ["all fine"]),
        ("", ["an error: disk", "all fine"]),
    ],
)
async def test_filter_patterns(cloudwatch: SimulatedCloudWatch, logs: Any, pattern: str, found: list[str]) -> None:
    cloudwatch.world.put("/a", "an error: disk", START_MS - 2)
    cloudwatch.world.put("/a", "all fine", START_MS - 1)
    assert await pages(logs, logGroupName="/a", filterPattern=pattern) == [found]


async def test_refusals_of_filter_log_events(logs: Any) -> None:
    ask = logs.filter_log_events
    assert await refused(ask(logGroupName="/nope")) == "ResourceNotFoundException"
    assert await refused(ask(logGroupName="/a", logGroupIdentifier="/a")) == "InvalidParameterException"
    assert await refused(ask(logGroupName="/a", startTime=2, endTime=1)) == "InvalidParameterException"
    assert await refused(ask(logGroupName="/a", nextToken="abc")) == "InvalidParameterException"
    assert await refused(ask(logGroupName="/a", limit=10_001)) == "InvalidParameterException"
    assert await refused(ask(logGroupName="/a", filterPattern="{ $.a = 1 }")) == "InvalidParameterException"


async def test_groups_by_prefix_and_by_pages(logs: Any) -> None:
    first = await logs.describe_log_groups(limit=2)
    assert [group["logGroupName"] for group in first["logGroups"]] == ["/a", "/a/b"]
    assert first["logGroups"][0]["logGroupArn"] == arn_of("/a")
    rest = await logs.describe_log_groups(limit=2, nextToken=first["nextToken"])
    assert ([group["logGroupName"] for group in rest["logGroups"]], "nextToken" in rest) == (["/c"], False)
    found = await logs.describe_log_groups(logGroupNamePrefix="/a/")
    assert [group["logGroupName"] for group in found["logGroups"]] == ["/a/b"]


async def test_faults_strike_when_and_where_they_should(
    cloudwatch: SimulatedCloudWatch, logs: Any, clock: ManualClock
) -> None:
    cloudwatch.fault(
        Fault(kind=Kind.THROTTLE, action="FilterLogEvents", every=2, times=1),
        Fault(kind=Kind.DENY, group="/c"),
        Fault(kind=Kind.FAIL, start_ms=START_MS + 1_000, end_ms=START_MS + 2_000),
    )
    await logs.filter_log_events(logGroupName="/a")
    assert await refused(logs.filter_log_events(logGroupName="/a")) == "ThrottlingException"
    assert await refused(logs.filter_log_events(logGroupName="/c")) == "AccessDeniedException"
    await logs.filter_log_events(logGroupName="/a")
    clock.advance(1)
    assert await refused(logs.describe_log_groups()) == "ServiceUnavailableException"
    clock.advance(1)
    await logs.describe_log_groups()
    assert [(call.action, call.status, call.error) for call in cloudwatch.calls][1:3] == [
        ("FilterLogEvents", 400, "ThrottlingException"),
        ("FilterLogEvents", 400, "AccessDeniedException"),
    ]
    cloudwatch.fault(Fault(kind=Kind.DROP, times=1))
    with pytest.raises(Exception, match="Connection was closed"):
        await logs.describe_log_groups()


async def test_a_rate_limit_throttles(clock: ManualClock) -> None:
    async with (
        SimulatedCloudWatch(World("/a"), clock=clock, rate_per_s=2) as cloudwatch,
        opened(cloudwatch.address) as logs,
    ):
        await logs.filter_log_events(logGroupName="/a")
        await logs.filter_log_events(logGroupName="/a")
        assert await refused(logs.filter_log_events(logGroupName="/a")) == "ThrottlingException"
        clock.advance(0.5)
        await logs.filter_log_events(logGroupName="/a")


class Watched:
    """What a Live Tail session gave, second by second, and how it ended."""

    def __init__(self) -> None:
        self.world = World("/a", "/c")
        self.faults: list[Fault] = []
        self.updates: list[tuple[bool, list[str]]] = []
        self.ending = ""
        self.error = ""
        self.session_s = 10_800.0

    def run(self, seconds: float, **ask: Any) -> None:
        run_virtually(lambda clock: self._watch(clock, seconds, ask))

    async def _watch(self, clock: Clock, seconds: float, ask: dict[str, Any]) -> None:
        async with SimulatedCloudWatch(self.world, clock=clock) as cloudwatch, opened(cloudwatch.address) as logs:
            cloudwatch.fault(*self.faults)
            cloudwatch.live.session_s = self.session_s
            stream = (await logs.start_live_tail(logGroupIdentifiers=[arn_of("/a")], **ask))["responseStream"]
            try:
                async with asyncio.timeout(seconds + 0.5):
                    await self._read(stream)
            except TimeoutError:
                pass
            except (ClientError, ClientPayloadError) as error:
                self.error = f"{type(error).__name__} {error}"
            finally:
                stream.close()
            while cloudwatch.live.open:
                await clock.sleep(0.1)
            session = cloudwatch.live.sessions[0]
            self.ending = session.ending
            delivered = [event.message for event in session.delivered]
            assert delivered[: sum(len(update) for _, update in self.updates)] == [
                message for _, update in self.updates for message in update
            ]

    async def _read(self, stream: Any) -> None:
        async for event in stream:
            if "sessionUpdate" in event:
                update = event["sessionUpdate"]
                messages = [result["message"] for result in update["sessionResults"]]
                self.updates.append((update["sessionMetadata"]["sampled"], messages))


def test_live_tail_gives_what_comes_second_by_second() -> None:
    tail = Watched()
    put = tail.world.put
    put("/a", "before", VIRTUAL_MS - 10)
    put("/a", "behind", VIRTUAL_MS + 600, live_ms=VIRTUAL_MS + 900)
    put("/a", "ahead", VIRTUAL_MS + 700, live_ms=VIRTUAL_MS + 800, times=2)
    put("/a", "never", VIRTUAL_MS + 700, live=False)
    put("/a", "late", VIRTUAL_MS - 60_000, ingestion_ms=VIRTUAL_MS + 2_500)
    put("/c", "elsewhere", VIRTUAL_MS + 700)
    tail.run(4)
    assert tail.updates == [(False, ["ahead", "ahead", "behind"]), (False, []), (False, ["late"]), (False, [])]
    assert tail.ending == "client"


def test_live_tail_filters_and_samples() -> None:
    tail = Watched()
    for number in range(600):
        tail.world.put("/a", f"x{number}", VIRTUAL_MS + 500)
    tail.world.put("/a", "kept x", VIRTUAL_MS + 1_500)
    tail.world.put("/a", "y", VIRTUAL_MS + 1_500)
    tail.run(2, logEventFilterPattern="x")
    (sampled, messages), *rest = tail.updates
    assert (sampled, len(messages), len(set(messages))) == (True, 500, 500)
    assert rest == [(False, ["kept x"])]


def test_a_stalled_session_holds_ten_updates() -> None:
    tail = Watched()
    for second in range(20):
        tail.world.put("/a", str(second), VIRTUAL_MS + second * 1_000 + 500)
    tail.faults = [Fault(kind=Kind.LIVE_STALL, start_ms=VIRTUAL_MS + 2_500, end_ms=VIRTUAL_MS + 16_500)]
    tail.run(18)
    assert [update for _, update in tail.updates] == [[str(second)] for second in (0, 1, *range(7, 18))]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (Kind.LIVE_END, ""),
        (Kind.LIVE_DROP, "ClientPayloadError"),
        (Kind.LIVE_TIMEOUT, "SessionTimeoutException"),
        (Kind.LIVE_BREAK, "SessionStreamingException"),
    ],
)
def test_the_ways_in_which_a_session_ends(kind: Kind, error: str) -> None:
    tail = Watched()
    tail.faults = [Fault(kind=kind, value=3)]
    tail.run(10)
    assert len(tail.updates) == 2
    assert tail.ending == kind.value
    assert error in tail.error
    assert bool(error) is bool(tail.error)


def test_a_session_times_out_when_it_is_too_old() -> None:
    tail = Watched()
    tail.session_s = 60
    tail.run(100)
    assert len(tail.updates) == 59
    assert "SessionTimeoutException" in tail.error


async def test_refusals_of_live_tail(cloudwatch: SimulatedCloudWatch, logs: Any) -> None:
    ask = logs.start_live_tail
    assert await refused(ask(logGroupIdentifiers=["/a"])) == "InvalidParameterException"
    assert await refused(ask(logGroupIdentifiers=[arn_of("/a") + ":*"])) == "InvalidParameterException"
    assert await refused(ask(logGroupIdentifiers=[arn_of("/a")] * 11)) == "InvalidParameterException"
    assert await refused(ask(logGroupIdentifiers=[arn_of("/nope")])) == "ResourceNotFoundException"
    cloudwatch.fault(
        *(Fault(kind=kind, action="StartLiveTail", times=1) for kind in (Kind.DENY, Kind.OVER_LIMIT, Kind.THROTTLE))
    )
    for error in ("AccessDeniedException", "LimitExceededException", "ThrottlingException"):
        assert await refused(ask(logGroupIdentifiers=[arn_of("/a")])) == error


async def test_a_query_runs_and_ends(cloudwatch: SimulatedCloudWatch, logs: Any, clock: ManualClock) -> None:
    for number in range(4):
        cloudwatch.world.put("/a", f"line {number}", START_MS - 180_000 + number * 40_000)
    span = {"logGroupNames": ["/a"], "startTime": START_MS // 1000 - 600, "endTime": START_MS // 1000}
    text = "fields @timestamp, @message | filter @message like /[123]/ | sort @timestamp desc | limit 2"
    listed = (await logs.start_query(queryString=text, **span))["queryId"]
    counted = (await logs.start_query(queryString="stats count(*) as n by bin(1m)", **span))["queryId"]
    cancelled = (await logs.start_query(queryString="fields @message", **span))["queryId"]
    assert (await logs.get_query_results(queryId=listed))["status"] == "Scheduled"
    clock.advance(1)
    running = await logs.get_query_results(queryId=listed)
    assert (running["status"], running["results"], running["statistics"]["recordsScanned"]) == ("Running", [], 2.0)
    assert (await logs.stop_query(queryId=cancelled))["success"]
    clock.advance(1)
    done = await logs.get_query_results(queryId=listed)
    assert (done["status"], done["statistics"]["recordsMatched"]) == ("Complete", 3.0)
    rows = [{cell["field"]: cell["value"] for cell in row} for row in done["results"]]
    assert [(row["@timestamp"], row["@message"]) for row in rows] == [
        ("2025-12-31 23:59:00.000", "line 3"),
        ("2025-12-31 23:58:20.000", "line 2"),
    ]
    table = [[cell["value"] for cell in row] for row in (await logs.get_query_results(queryId=counted))["results"]]
    assert table == [
        ["2025-12-31 23:57:00.000", "2"],
        ["2025-12-31 23:58:00.000", "1"],
        ["2025-12-31 23:59:00.000", "1"],
    ]
    assert (await logs.get_query_results(queryId=cancelled))["status"] == "Cancelled"
    assert await refused(logs.stop_query(queryId=listed)) == "InvalidParameterException"
    assert await refused(logs.start_query(queryString="nonsense", **span)) == "MalformedQueryException"


async def test_written_events_can_be_read(logs: Any) -> None:
    events = [{"timestamp": START_MS - 1, "message": "hello"}]
    await logs.put_log_events(logGroupName="/c", logStreamName="s", logEvents=events)
    assert await pages(logs, logGroupName="/c") == [["hello"]]


@pytest.mark.parametrize("dense", [False, True])
async def test_generated_events_come_whole_however_they_are_asked_for(clock: ManualClock, dense: bool) -> None:
    bulk = Bulk("/bulk", count=12_345, first_ms=START_MS - 600_000, end_ms=START_MS, dense=dense)
    world = World()
    world.add(bulk)
    truth = [event.message for event in bulk.events()]
    assert len(set(truth)) < len(truth)  # it has twins
    async with SimulatedCloudWatch(world, clock=clock) as cloudwatch, opened(cloudwatch.address) as logs:
        whole = await pages(logs, logGroupName="/bulk")
        assert [message for page in whole for message in page] == truth
        assert 3 <= len(whole) <= 6
        cuts = [START_MS - 600_000, START_MS - 271_828, START_MS - 261_803, START_MS - 1, START_MS]
        parts: list[str] = []
        for start, end in pairwise(cuts):
            for page in await pages(logs, logGroupName="/bulk", startTime=start, endTime=end - 1, limit=1_700):
                parts += page
        assert parts == truth
        errors = await pages(logs, logGroupName="/bulk", filterPattern="ERROR")
        assert [message for page in errors for message in page] == [text for text in truth if "ERROR" in text]


@pytest.mark.processes
async def test_it_runs_as_a_process_of_its_own() -> None:
    arguments = ("-m", "jinkies.simulators.cloudwatch", "--events", "2000", "--port", "0")
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        about = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        async with opened(about["address"]) as logs:
            assert sum(map(len, await pages(logs, logGroupName=about["group"], startTime=about["start_ms"]))) == 2_000
    finally:
        process.terminate()
        assert await process.wait() == 0
