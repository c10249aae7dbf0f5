"""The simulated CloudWatch against the service's published description."""

from __future__ import annotations

import json
import struct
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from jinkies.simulators.cloudwatch import Fault, Kind, SimulatedCloudWatch, World, arn_of
from tests.logs.clock import START_MS, ManualClock
from tests.simulators.shapes import input_shape, output_shape, problems, shape, violations

ARN = arn_of("/a")
SPAN = {"startTime": START_MS // 1000 - 60, "endTime": START_MS // 1000}
GOOD: dict[str, list[dict[str, Any]]] = {
    "FilterLogEvents": [
        {"logGroupName": "/a"},
        {"logGroupIdentifier": ARN, "limit": 1, "filterPattern": "a", "startTime": 0, "endTime": START_MS},
        {"logGroupName": "/a", "logStreamNames": ["s"]},
        {"logGroupName": "/a", "logStreamNamePrefix": "s", "interleaved": True, "unmask": False},
    ],
    "DescribeLogGroups": [
        {},
        {"limit": 1},
        {"logGroupNamePrefix": "/b"},
        {"logGroupNamePattern": "b"},
        {"logGroupIdentifiers": [ARN]},
    ],
    "StartQuery": [
        {**SPAN, "logGroupNames": ["/a"], "queryString": "fields @timestamp, @message | limit 5"},
        {**SPAN, "logGroupName": "/a", "queryString": "stats count(*) by bin(1m)", "limit": 10},
        {**SPAN, "logGroupIdentifiers": [ARN], "queryString": "fields @message", "queryLanguage": "CWLI"},
    ],
    "PutLogEvents": [{"logGroupName": "/a", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}]}],
}
UNSIMULATED = {  # what says who may see what in which account, or describes what this one does not have
    "accountIdentifiers",
    "includeLinkedAccounts",
    "logGroupClass",
    "entity",
    "sequenceToken",
}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def cloudwatch(clock: ManualClock) -> AsyncIterator[SimulatedCloudWatch]:
    world = World("/a", "/b")
    for number in range(3):
        world.put("/a", f"a line {number}", START_MS - 1_000 + number, times=2)
    async with SimulatedCloudWatch(world, clock=clock) as running:
        yield running


async def ask(cloudwatch: SimulatedCloudWatch, action: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    headers = {"X-Amz-Target": f"Logs_20140328.{action}", "Content-Type": "application/x-amz-json-1.1"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(cloudwatch.address, data=json.dumps(body), headers=headers) as response,
    ):
        assert response.headers["Content-Type"] == "application/x-amz-json-1.1"
        assert response.headers["x-amzn-RequestId"]
        return response.status, json.loads(await response.read())


@pytest.mark.parametrize(("action", "body"), [(action, body) for action, bodies in GOOD.items() for body in bodies])
async def test_answers_have_the_described_shape(
    cloudwatch: SimulatedCloudWatch, action: str, body: dict[str, Any]
) -> None:
    assert list(problems(body, input_shape(action))) == []
    status, answer = await ask(cloudwatch, action, body)
    assert status == 200, answer
    assert list(problems(answer, output_shape(action))) == []


async def test_a_query_has_the_described_shape_at_every_step(
    cloudwatch: SimulatedCloudWatch, clock: ManualClock
) -> None:
    _, started = await ask(cloudwatch, "StartQuery", GOOD["StartQuery"][0])
    seen = []
    for _ in range(3):
        _, answer = await ask(cloudwatch, "GetQueryResults", started)
        assert list(problems(answer, output_shape("GetQueryResults"))) == []
        seen.append(answer["status"])
        clock.advance(1)
    assert seen == ["Scheduled", "Running", "Complete"]
    _, started = await ask(cloudwatch, "StartQuery", GOOD["StartQuery"][0])
    _, stopped = await ask(cloudwatch, "StopQuery", started)
    assert list(problems(stopped, output_shape("StopQuery"))) == []


def broken(action: str) -> list[Any]:
    """Requests that break one constraint each."""
    base = {**GOOD, "StartLiveTail": [{"logGroupIdentifiers": [ARN]}]}[action][0]
    wanted = shape(input_shape(action))
    found = [{k: v for k, v in base.items() if k != name} for name in wanted.get("required", ())]
    for member, about in wanted["members"].items():
        if member not in UNSIMULATED:
            found += [{**base, member: value} for value in violations(about["shape"])]
    return [
        pytest.param(action, body, id=f"{action} {json.dumps(body)[:60]} {index}") for index, body in enumerate(found)
    ]


@pytest.mark.parametrize(("action", "body"), [case for action in (*GOOD, "StartLiveTail") for case in broken(action)])
async def test_what_breaks_the_description_is_refused(
    cloudwatch: SimulatedCloudWatch, action: str, body: dict[str, Any]
) -> None:
    assert list(problems(body, input_shape(action))) != []
    status, answer = await ask(cloudwatch, action, body)
    assert (status, answer["__type"]) == (400, "InvalidParameterException"), body


@pytest.mark.parametrize("action", ["FilterLogEvents", "DescribeLogGroups", "StartLiveTail", "StartQuery"])
async def test_errors_are_worded_as_the_service_words_them(cloudwatch: SimulatedCloudWatch, action: str) -> None:
    good = {**GOOD, "StartLiveTail": [{"logGroupIdentifiers": [ARN]}]}[action][0]
    for kind, code, status in (
        (Kind.THROTTLE, "ThrottlingException", 400),
        (Kind.DENY, "AccessDeniedException", 400),
        (Kind.FAIL, "ServiceUnavailableException", 503),
    ):
        cloudwatch.fault(Fault(kind=kind, times=1))
        answered, answer = await ask(cloudwatch, action, good)
        assert (answered, answer["__type"]) == (status, code)
        assert answer.get("message") or answer["Message"]


async def test_what_is_no_json_and_what_is_no_action(cloudwatch: SimulatedCloudWatch) -> None:
    assert (await ask(cloudwatch, "Nonsense", {}))[1]["__type"] == "UnknownOperationException"
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            cloudwatch.address, data=b"{", headers={"X-Amz-Target": "Logs_20140328.FilterLogEvents"}
        ) as response,
    ):
        assert json.loads(await response.read())["__type"] == "SerializationException"


async def test_frames_of_live_tail_have_the_described_shape(
    cloudwatch: SimulatedCloudWatch, clock: ManualClock
) -> None:
    cloudwatch.world.put("/a", "live", START_MS + 500)
    body = {"logGroupIdentifiers": [ARN], "logStreamNames": ["s"], "logEventFilterPattern": "live"}
    assert list(problems(body, input_shape("StartLiveTail"))) == []
    cloudwatch.fault(Fault(kind=Kind.LIVE_TIMEOUT, value=2))
    headers = {"X-Amz-Target": "Logs_20140328.StartLiveTail"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(cloudwatch.address, data=json.dumps(body), headers=headers) as response,
    ):
        await clock.asleep(1)
        await clock.pass_until_next_sleep(1)
        clock.advance(1)
        frames = list(unframed(await response.read()))
    assert [name for name, _ in frames] == [
        "initial-response",
        "sessionStart",
        "sessionUpdate",
        "SessionTimeoutException",
    ]
    stream = shape("StartLiveTailResponseStream")["members"]
    for name, payload in frames[1:]:
        assert list(problems(payload, stream[name]["shape"])) == []


def unframed(data: bytes) -> list[tuple[str, Any]]:
    """Event names and payloads; the checksums are botocore's to check, in the other tests."""
    found = []
    while data:
        total, headers = struct.unpack("!II", data[:8])
        names, place = {}, 12
        while place < 12 + headers:
            size = data[place]
            key = data[place + 1 : place + 1 + size].decode()
            length = struct.unpack("!H", data[place + 2 + size : place + 4 + size])[0]
            names[key] = data[place + 4 + size : place + 4 + size + length].decode()
            place += 4 + size + length
        payload = json.loads(data[12 + headers : total - 4])
        found.append((names.get(":event-type") or names[":exception-type"], payload))
        data = data[total:]
    return found
