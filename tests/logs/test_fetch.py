from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinkies.config import AwsConfig
from jinkies.errors import Invalid, NotConfigured, UpstreamError
from jinkies.logs.client import _decoded
from jinkies.logs.fetch import Ask, LineFilter, merged, newest
from jinkies.logs.service import LogsService
from jinkies.logs.slices import WORKERS
from jinkies.model import Level, LogEvent, PartState, TailSpec
from tests.logs.clock import START_MS, ManualClock
from tests.logs.conftest import desk
from tests.logs.fake import FakeCloudWatch
from tests.logs.memory import Memory

API = TailSpec(targets=("api",))


async def streamed(logs: LogsService, spec: TailSpec, limit: int = 100_000) -> list[LogEvent]:
    runs = logs.stream(spec, START_MS - 3_600_000, START_MS, limit)
    return [event for run in [run async for run in runs] for event in run]


def texts(events: list[LogEvent] | tuple[LogEvent, ...]) -> list[str]:
    return [event.message for event in events]


async def test_lines_from_ministack(ministack_url: str, cloudwatch: Any, clock: ManualClock) -> None:
    group = f"/test/{uuid.uuid4()}"
    await cloudwatch.create_log_group(logGroupName=group)
    await cloudwatch.create_log_stream(logGroupName=group, logStreamName="web-1")
    now_ms = time.time_ns() // 1_000_000
    lines = ["INFO started", "ERROR it broke é ☃", '{"level":"warn","m":1}']
    await cloudwatch.put_log_events(
        logGroupName=group,
        logStreamName="web-1",
        logEvents=[{"timestamp": now_ms + at, "message": line} for at, line in enumerate(lines)],
    )
    async with LogsService(desk(ministack_url, api=(group,)), clock) as logs:
        events = await logs.fetch(API, now_ms, now_ms + 2, 100)
        assert texts(events) == lines
        assert [event.level for event in events] == [Level.INFO, Level.ERROR, Level.WARNING]
        assert {(event.log_group, event.log_stream) for event in events} == {(group, "web-1")}
        assert [event.timestamp_ms for event in events] == [now_ms, now_ms + 1, now_ms + 2]
        assert all(event.ingestion_ms >= now_ms for event in events)
        assert texts(await logs.fetch(API, now_ms + 1, now_ms + 1, 100)) == lines[1:2], "both ends are inclusive"
        spec = TailSpec(targets=(group,), filter_pattern="started")
        assert texts(await logs.fetch(spec, now_ms, now_ms + 2, 100)) == lines[:1]
        health = await logs.check()
        assert (health.part, health.state, health.detail) == ("aws", PartState.OK, "us-east-1")


async def test_a_line_that_is_no_unicode_stops_nothing(clock: ManualClock) -> None:
    async with FakeCloudWatch("/a") as fake, LogsService(desk(fake.url, api=("/a",)), clock) as logs:
        for at, line in enumerate(["one", "half a pair: \ud83d", "a whole one: \U0001f9e8 \\ud83d", "ERROR four"]):
            fake.put("/a", line, START_MS + at)
        events = await logs.fetch(API, START_MS, START_MS + 9, 100)
    assert texts(events) == ["one", "half a pair: ?", "a whole one: \U0001f9e8 \\ud83d", "ERROR four"]


async def test_empty_pages_are_followed_to_the_end(clock: ManualClock) -> None:
    async with FakeCloudWatch("/a", page_size=3, empty_pages=2) as fake:
        for at in range(10):
            fake.put("/a", f"line {at}", START_MS - 1000 + at)
        async with LogsService(desk(fake.url, api=("/a",)), clock) as logs:
            assert texts(await streamed(logs, API)) == [f"line {at}" for at in range(10)]
        assert len(fake.asked()) <= 2.25 * 4 * (2 + 1) + 3 * WORKERS, "slices have empty pages of their own here"


async def test_groups_are_merged_by_time_then_ingestion(clock: ManualClock) -> None:
    async with FakeCloudWatch("/a", "/b", "/c", page_size=2) as fake:
        expected = []
        for at in range(30):
            stamp, ingested = START_MS - 1000 + at // 3, START_MS + at
            fake.put("/abc"[0] + "abc"[at % 3], f"line {at}", stamp, ingested_ms=ingested)
            expected.append(f"line {at}")
        async with LogsService(desk(fake.url, api=("/a", "/b", "/c")), clock) as logs:
            assert texts(await streamed(logs, API)) == expected
            assert texts(await logs.fetch(API, START_MS - 3_600_000, START_MS, 7)) == expected[-7:]


@given(
    st.lists(st.tuples(st.sampled_from(["/a", "/b", "/c"]), st.integers(0, 30), st.integers(0, 3)), max_size=60),
    st.integers(1, 7),
)
async def test_a_merge_is_in_order_and_whole(plan: list[tuple[str, int, int]], page_size: int) -> None:
    source = Memory(page_size=page_size)
    for group, at, ingested in plan:
        source.put("x", START_MS + at, group=group, ingested_ms=START_MS + 100 + ingested)
    asks = [Ask(log_group=group, start_ms=START_MS) for group in ("/a", "/b", "/c")]
    merge = [event async for run in merged(source, asks, LineFilter()) for event in run]
    times = [(event.timestamp_ms, event.ingestion_ms) for event in merge]
    assert times == sorted(times)
    assert Counter(merge) == Counter(source.events)
    newest_five = await newest(source, asks, LineFilter(), end_ms=START_MS + 30, limit=5)
    assert [(event.timestamp_ms, event.ingestion_ms) for event in newest_five] == times[-5:]


async def test_bare_events_are_the_same_but_for_their_kind(clock: ManualClock) -> None:
    async with FakeCloudWatch("/a", "/b", page_size=2) as fake:
        lines = ["ERROR one", "two", '{"level":"warn"}', "half a pair: \ud83d", "INFO five"]
        for at, line in enumerate(lines):
            fake.put("/ab"[0] + "ab"[at % 2], line, START_MS - 10 + at, ingested_ms=START_MS + at)
        async with LogsService(desk(fake.url, api=("/a", "/b")), clock) as logs:
            runs = logs.stream(API, START_MS - 3_600_000, START_MS, 100, bare=True)
            bare = [event for run in [run async for run in runs] for event in run]
            whole = await streamed(logs, API)
    assert [tuple(getattr(one, name) for name in LogEvent.__struct_fields__) for one in bare] == [
        msgspec.structs.astuple(one) for one in whole
    ]
    assert all(type(one) is LogEvent for one in whole), "what is encoded has the model's own names"


async def test_equal_lines_are_all_there(clock: ManualClock) -> None:
    async with FakeCloudWatch("/a", page_size=2) as fake:
        fake.put("/a", "again", START_MS - 5, times=5)
        async with LogsService(desk(fake.url, api=("/a",)), clock) as logs:
            assert texts(await streamed(logs, API)) == ["again"] * 5


async def test_the_newest_are_found_from_the_end(clock: ManualClock) -> None:
    async with FakeCloudWatch("/a", page_size=50) as fake:
        for at in range(3_600):
            fake.put("/a", f"line {at}", START_MS - 3_600_000 + at * 1000)
        async with LogsService(desk(fake.url, api=("/a",)), clock) as logs:
            events = await logs.fetch(API, START_MS - 3_600_000, START_MS, 100)
        assert texts(events) == [f"line {at}" for at in range(3_500, 3_600)]
        assert len(fake.asked()) < 10, "an hour was read for its last two minutes"


@pytest.mark.parametrize(("does", "requests"), [("obeys", (2, 4)), ("ignores", (60, 60)), ("refuses", (60, 60))])
async def test_newest_first_where_the_service_knows_how(
    does: str, requests: tuple[int, int], clock: ManualClock
) -> None:
    async with FakeCloudWatch("/a", "/b", page_size=50) as fake:
        fake.newest_first = does
        for at in range(3_600):
            fake.put("/ab"[0] + "ab"[at % 2], f"line {at}", START_MS - 3_600_000 + at * 1000, ingested_ms=START_MS + at)
        async with LogsService(desk(fake.url, api=("/a", "/b")), clock) as logs:
            for most in requests:
                fake.requests.clear()
                events = await logs.fetch(API, START_MS - 3_600_000, START_MS, 100)
                assert texts(events) == [f"line {at}" for at in range(3_500, 3_600)]
                assert len(fake.asked()) <= most * 2
            backwards = [one for one in fake.asked() if one.get("startFromHead") is False]
            assert bool(backwards) == (does == "obeys"), "what it can't is remembered"


@pytest.mark.parametrize("does", ["obeys", "ignores"])
async def test_an_answer_holds_no_more_characters_than_it_may(does: str, clock: ManualClock) -> None:
    """The line that fills the room is the oldest: whoever counts sees that there may be more."""
    async with FakeCloudWatch("/a", "/b", page_size=10) as fake:
        fake.newest_first = does
        for at in range(400):
            group = "/a" if at % 2 else "/b"
            fake.put(group, f"{at:>100}", START_MS - 400_000 + at * 1000, ingested_ms=START_MS + at)
        async with LogsService(desk(fake.url, api=("/a", "/b")), clock, room=950) as logs:
            found = await logs.fetch(API, START_MS - 400_000, START_MS, 100)
            assert texts(found) == [f"{at:>100}" for at in range(390, 400)]
            few = await logs.fetch(API, START_MS - 400_000, START_MS, 3)
            assert texts(few) == texts(found)[-3:]
            around = await logs.around("api", (), START_MS - 200_000, 100)
            assert len(around) <= 40, "ten on each side, and what came with them"
            assert all(f"{at:>100}" in texts(around) for at in range(195, 205))


async def test_newest_first_goes_on_before_2024(clock: ManualClock) -> None:
    new_year_ms = 1_704_067_200_000
    async with FakeCloudWatch("/a", page_size=10) as fake, LogsService(desk(fake.url, api=("/a",)), clock) as logs:
        for at in range(-30, 30):
            fake.put("/a", f"line {at}", new_year_ms + at * 1000)
        events = await logs.fetch(API, new_year_ms - 60_000, new_year_ms + 60_000, 45)
        assert texts(events) == [f"line {at}" for at in range(-15, 30)]
        assert texts(await logs.fetch(API, 0, new_year_ms - 1, 2)) == ["line -2", "line -1"]


async def test_the_stream_stops_at_its_limit(clock: ManualClock) -> None:
    async with FakeCloudWatch("/a", page_size=10) as fake:
        for at in range(100):
            fake.put("/a", f"line {at}", START_MS - 1000 + at)
        async with LogsService(desk(fake.url, api=("/a",)), clock) as logs:
            assert texts(await streamed(logs, API, limit=15)) == [f"line {at}" for at in range(15)]
        assert len(fake.asked()) == 2


async def test_level_and_grep_are_applied_here(clock: ManualClock) -> None:
    async with FakeCloudWatch("/a") as fake:
        for at, line in enumerate(["ERROR one", "INFO two", "CRITICAL three", "none four"]):
            fake.put("/a", line, START_MS - 10 + at)
        async with LogsService(desk(fake.url, api=("/a",)), clock) as logs:
            spec = TailSpec(targets=("api",), level=Level.ERROR)
            assert texts(await streamed(logs, spec)) == ["ERROR one", "CRITICAL three"]
            spec = TailSpec(targets=("api",), level=Level.ERROR, grep="th.ee$")
            assert texts(await streamed(logs, spec)) == ["CRITICAL three"]


async def test_lines_around_a_moment(clock: ManualClock) -> None:
    async with FakeCloudWatch("/a", "/b") as fake:
        for at in range(20):
            fake.put("/a", f"line {at}", START_MS - 20_000 + at * 1000)
        async with LogsService(desk(fake.url, api=("/a",), quiet=()), clock) as logs:
            around = await logs.around("api", (), START_MS - 10_000, 5)
            assert texts(around) == ["line 8", "line 9", "line 10", "line 11", "line 12"]
            assert texts(await logs.around("api", (), START_MS - 1_000, 5)) == [f"line {at}" for at in range(15, 20)]
            assert texts(await logs.around("gone", ("/a",), START_MS - 20_000, 3)) == ["line 0", "line 1", "line 2"]
            with pytest.raises(NotConfigured, match=r"set log_groups under \[services.gone\]"):
                await logs.around("gone", (), START_MS, 3)
            with pytest.raises(NotConfigured, match=r"set log_groups under \[services.quiet\]"):
                await logs.around("quiet", (), START_MS, 3)


@pytest.mark.parametrize(
    ("faults", "message", "retry"),
    [
        ([(400, "AccessDeniedException")], "access denied: these credentials need logs:FilterLogEvents on /a", False),
        ([(400, "UnrecognizedClientException")], "AWS rejects these credentials: check the access key", False),
        ([(400, "ExpiredTokenException")], "the AWS credentials have expired: sign in again", False),
        ([(503, "ServiceUnavailableException")] * 3, "CloudWatch is failing just now (503 ServiceUnavailable", True),
        ([(400, "SomethingNewException")], "CloudWatch refuses logs:FilterLogEvents: SomethingNewException", False),
    ],
)
async def test_refusals_say_what_to_do(
    faults: list[tuple[int, str]], message: str, *, retry: bool, clock: ManualClock
) -> None:
    async with FakeCloudWatch("/a") as fake, LogsService(desk(fake.url, api=("/a",)), clock) as logs:
        fake.faults.extend(faults)
        with pytest.raises(UpstreamError) as caught:
            await streamed(logs, API)
        assert str(caught.value).startswith(message)
        assert caught.value.retry is retry
        assert "not-a-secret" not in str(caught.value)


async def test_a_bad_filter_pattern_is_the_askers_fault(clock: ManualClock) -> None:
    async with FakeCloudWatch("/a") as fake, LogsService(desk(fake.url, api=("/a",)), clock) as logs:
        fake.faults.append((400, "InvalidParameterException"))
        with pytest.raises(
            Invalid, match=r"CloudWatch refuses the request: as the test wished; check the filter pattern"
        ):
            await streamed(logs, API)


async def test_throttling_ends_nothing_and_is_asked_again_by_the_budget_alone(clock: ManualClock) -> None:
    async with FakeCloudWatch("/a") as fake, LogsService(desk(fake.url, api=("/a",)), clock) as logs:
        fake.put("/a", "there", START_MS - 1)
        fake.faults.extend([(400, "ThrottlingException")] * 5)
        reading = asyncio.create_task(streamed(logs, API))
        for sleeps in range(1, 6):
            await clock.asleep(sleeps)
            assert len(fake.asked()) == sleeps, "nobody asks while the budget waits"
            clock.advance(2.0)
        assert texts(await reading) == ["there"]
        assert len(fake.asked()) == 6


async def test_throttling_that_does_not_end_is_an_error_in_the_end(clock: ManualClock) -> None:
    async with FakeCloudWatch("/a") as fake, LogsService(desk(fake.url, api=("/a",)), clock) as logs:
        fake.faults.extend([(400, "ThrottlingException")] * 1_000)
        reading = asyncio.create_task(streamed(logs, API))
        sleeps = 0
        while not reading.done():
            sleeps += 1
            await asyncio.wait({reading, asyncio.create_task(clock.asleep(sleeps))}, return_when="FIRST_COMPLETED")
            clock.advance(10.0)
        with pytest.raises(UpstreamError, match=r"throttling logs:FilterLogEvents: .* for 120 s, so something else"):
            await reading
        assert sleeps < 20


async def test_an_unknown_group_is_named(clock: ManualClock) -> None:
    async with FakeCloudWatch("/a") as fake, LogsService(desk(fake.url, api=("/a",)), clock) as logs:
        with pytest.raises(UpstreamError, match="no log group /nope in this account and region"):
            await streamed(logs, TailSpec(targets=("/nope",)))
        with pytest.raises(Invalid, match="'zebra' is neither a service nor a log group; services: api"):
            await streamed(logs, TailSpec(targets=("zebra",)))
        arn = "arn:aws:logs:us-east-1:123456789012:log-group:/a"
        fake.put("/a", "by its ARN", START_MS - 1)
        events = await streamed(logs, TailSpec(targets=(f"{arn}:*",)))
        assert [(event.log_group, event.message) for event in events] == [("/a", "by its ARN")]
        assert fake.asked()[-1]["logGroupIdentifier"] == arn


async def test_one_group_that_fails_fails_the_range(clock: ManualClock) -> None:
    async with FakeCloudWatch("/a") as fake, LogsService(desk(fake.url, api=("/a", "/gone")), clock) as logs:
        with pytest.raises(UpstreamError, match="no log group /gone"):
            await logs.fetch(API, START_MS - 1000, START_MS, 10)


async def test_an_endpoint_that_nobody_serves(clock: ManualClock, unused_tcp_port: int) -> None:
    async with LogsService(desk(f"http://127.0.0.1:{unused_tcp_port}", api=("/a",)), clock) as logs:
        with pytest.raises(
            UpstreamError, match=r"CloudWatch is unreachable: .* check the network, AWS_REGION"
        ) as caught:
            await streamed(logs, API)
        assert caught.value.retry
        health = await logs.check()
        assert health.state is PartState.FAILED
        assert health.detail.startswith("CloudWatch is unreachable")


async def test_without_aws_it_says_what_to_set(clock: ManualClock) -> None:
    config = msgspec.structs.replace(desk("", api=("/a",)), aws=AwsConfig())
    async with LogsService(config, clock) as logs:
        with pytest.raises(NotConfigured, match="AWS is not configured: set AWS_REGION"):
            await streamed(logs, API)
        with pytest.raises(NotConfigured, match="AWS is not configured: set AWS_REGION"):
            logs.start_tail(API)
        health = await logs.check()
        assert health.state is PartState.UNCONFIGURED
        assert health.detail.startswith("set AWS_REGION")


async def test_a_profile_that_is_not_there(clock: ManualClock) -> None:
    config = msgspec.structs.replace(desk("", api=("/a",)), aws=AwsConfig(profile="no-such-profile"))
    async with LogsService(config, clock) as logs:
        with pytest.raises(NotConfigured, match=r"no-such-profile.* could not be found; set AWS_PROFILE"):
            await streamed(logs, API)


async def test_an_endpoint_that_is_no_address(clock: ManualClock) -> None:
    async with LogsService(desk("not a url", api=("/a",)), clock) as logs:
        with pytest.raises(NotConfigured, match="Invalid endpoint: not a url"):
            await streamed(logs, API)


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "limit", "message"),
    [
        (2, 1, 10, "start_ms: 2 is after end_ms 1"),
        (1, 2, 0, "limit: 0 is out of bounds; 1 to 10,000"),
        (1, 2, 10_001, "limit: 10,001 is out of bounds; 1 to 10,000"),
    ],
)
async def test_bounds(start_ms: int, end_ms: int, limit: int, message: str, clock: ManualClock) -> None:
    async with LogsService(desk("http://127.0.0.1:1", api=("/a",)), clock) as logs:
        with pytest.raises(Invalid, match=message):
            await logs.fetch(API, start_ms, end_ms, limit)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.booleans())
def test_what_is_called_printable_is(message: str, ascii_only: bool) -> None:
    body = json.dumps({"events": [{"message": message, "logStreamName": "s"}]}, ensure_ascii=ascii_only).encode()
    decoded = _decoded(body, "/a").events[0]
    assert decoded.message == message
    assert message.isprintable() or not decoded.printable


@pytest.mark.parametrize(
    ("message", "printable"),
    [("GET / 200", True), ('{"level":"info"}', True), ("a\tb", False), ("\x7f", False), ("C:\\", False), ("é", False)],
)
def test_printable_pages_are_seen_at_once(message: str, printable: bool) -> None:
    body = json.dumps({"events": [{"message": message}]}, ensure_ascii=False).encode()
    assert _decoded(body, "/a").events[0].printable is printable
