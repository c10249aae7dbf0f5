"""Subscriptions of CloudWatch Logs: batches after its guide, Firehose's requests after the HTTP endpoint's."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import threading
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from jinkies.config import Config, HttpConfig
from jinkies.ingest import aws_logs
from jinkies.ingest.refusals import Refused
from jinkies.model import Severity
from tests.ingest.hooking import TOKEN, Hook, hooking

AT_MS = 1_767_225_600_000  # 2026-01-01
LINES = ["INFO request 1", "INFO request 2", "ERROR payment failed: card 4711", "INFO request 3"]
TRACE = [
    "INFO before",
    "[ERROR] unhandled",
    "Traceback (most recent call last):",
    '  File "/var/task/app.py", line 3, in handler',
    "    pay()",
    "ValueError: no such order",
    "INFO after",
]


def batch(lines: list[str], *, ids: str = "3", **changes: object) -> dict[str, object]:
    return {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": "/app/api",
        "logStream": "2026/01/01/[$LATEST]94fa867e",
        "subscriptionFilters": ["errors"],
        "logEvents": [
            {"id": f"{ids}{n:050d}", "timestamp": AT_MS + n, "message": line} for n, line in enumerate(lines)
        ],
        **changes,
    }


def packed(*batches: dict[str, object]) -> list[str]:
    return [base64.b64encode(gzip.compress(json.dumps(one).encode())).decode() for one in batches]


def forwarded(one: dict[str, object]) -> dict[str, object]:
    return {"awslogs": {"data": packed(one)[0]}}


def firehose(*batches: dict[str, object]) -> dict[str, object]:
    return {"requestId": "ed4acda5", "timestamp": AT_MS, "records": [{"data": data} for data in packed(*batches)]}


@pytest.fixture
async def hook(config: Config) -> AsyncIterator[Hook]:
    async with hooking(config) as hook:
        yield hook


async def test_a_line_that_says_error_is_an_alert_with_the_lines_around_it(hook: Hook) -> None:
    status, taken = await hook.post("/aws/logs", forwarded(batch(LINES)))
    assert (status, taken.reports, taken.created) == (200, 1, 1)
    detail = await hook.detail()
    assert (detail.row.service, detail.row.title) == ("api", "payment failed: card 4711")  # the group is the service's
    assert [line.message for line in detail.latest.related_logs] == LINES
    assert detail.row.first_seen_at_ms == AT_MS + 2
    assert detail.latest.context["log_group"] == "/app/api"
    assert (detail.latest.context["subscription"], detail.latest.context["account"]) == ("errors", "123456789012")


async def test_lines_that_belong_together_are_one_exception(hook: Hook) -> None:
    await hook.post("/aws/logs", forwarded(batch(TRACE)))
    (row,) = await hook.rows()
    assert (row.exception_type, row.title) == ("ValueError", "ValueError: no such order")
    assert row.culprit == "var/task/app.py:3 in handler"


async def test_a_batch_that_is_delivered_twice_counts_once(hook: Hook) -> None:
    first = await hook.post("/aws/logs", forwarded(batch(LINES)))
    assert await hook.post("/aws/logs", forwarded(batch(LINES))) == first
    await hook.post("/aws/logs", firehose(batch(LINES)))
    assert (await hook.rows())[0].count == 1
    await hook.post("/aws/logs", forwarded(batch(LINES, ids="4")))
    assert (await hook.rows())[0].count == 2


async def test_firehose_is_answered_as_it_expects_and_shows_its_key(hook: Hook) -> None:
    sent = firehose(batch(LINES), batch(TRACE, ids="4"), batch([], messageType="CONTROL_MESSAGE", logGroup=""))
    headers = {
        "Content-Type": "application/json",
        "X-Amz-Firehose-Protocol-Version": "1.0",
        "X-Amz-Firehose-Request-Id": "ed4acda5-034f-9f42-bba1-f29aea6d7d8f",
        "X-Amz-Firehose-Access-Key": TOKEN,
        "Content-Encoding": "gzip",
    }
    content = gzip.compress(json.dumps(sent).encode())
    answer = await hook.client.post("/aws/logs", content=content, headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    told = answer.json()
    assert told.pop("timestamp") > AT_MS
    assert told == {"requestId": "ed4acda5-034f-9f42-bba1-f29aea6d7d8f"}
    assert [row.count for row in await hook.rows()] == [1, 1]
    headers["X-Amz-Firehose-Access-Key"] = "another"
    assert (await hook.client.post("/aws/logs", content=content, headers=headers)).status_code == 401


async def test_what_says_no_error_and_a_control_message_are_taken_and_nothing_comes_of_them(hook: Hook) -> None:
    for one in (batch(["INFO fine"]), batch(LINES, messageType="CONTROL_MESSAGE")):
        status, taken = await hook.post("/aws/logs", forwarded(one))
        assert (status, taken.reports) == (200, 0)
    assert await hook.rows() == ()


async def test_the_worst_line_says_how_bad_it_is(hook: Hook) -> None:
    await hook.post("/aws/logs", forwarded(batch(["CRITICAL the queue is gone"])))
    assert (await hook.rows())[0].severity is Severity.CRITICAL


async def test_a_storm_is_counted_to_the_last(hook: Hook) -> None:
    status, taken = await hook.post("/aws/logs", forwarded(batch([f"ERROR number {n}" for n in range(2_500)])))
    assert (status, taken.reports, taken.created) == (200, 2_500, 1)
    assert (await hook.rows())[0].count == 2_500


async def test_what_firehose_unpacked_itself_is_read_too(hook: Hook) -> None:
    data = base64.b64encode(json.dumps(batch(LINES)).encode()).decode()
    assert (await hook.post("/aws/logs", {"requestId": "x", "records": [{"data": data}]}))[0] == 200
    assert len(await hook.rows()) == 1


@pytest.mark.parametrize(
    ("sent", "status", "field"),
    [
        ({}, 422, ""),
        ({"awslogs": {"data": "not base64!"}}, 422, "awslogs.data"),
        ({"records": [{"data": 7}]}, 422, "records[0].data"),
        ({"awslogs": {"data": base64.b64encode(b"plain").decode()}}, 400, ""),
        ({"awslogs": {"data": packed({"messageType": "DATA_MESSAGE"})[0][:40]}}, 400, ""),
        ({"awslogs": {"data": base64.b64encode(b"{}").decode()}}, 422, ""),
        ({"awslogs": {"data": packed(batch([], logEvents=[{"id": 1}]))[0]}}, 422, "logEvents[0].id"),
    ],
)
async def test_what_it_can_not_be_is_told(hook: Hook, sent: object, status: int, field: str) -> None:
    answered, taken = await hook.post("/aws/logs", sent)
    assert (answered, taken.field) == (status, field)


async def test_a_bomb_is_refused_whatever_it_is_spread_over(configure: Callable[..., Config]) -> None:
    bomb = base64.b64encode(gzip.compress(b" " * 10**8)).decode()
    http = HttpConfig(listen="127.0.0.1:0", max_unpacked_bytes=1_000_000)
    async with hooking(configure(http=http)) as hook:
        status, taken = await hook.post("/aws/logs", {"awslogs": {"data": bomb}})
        assert (status, taken.error) == (413, "too_large")
        padded = gzip.compress(b" " * 700_000 + json.dumps(batch([])).encode())
        records = [{"data": base64.b64encode(padded).decode()}] * 2
        status, taken = await hook.post("/aws/logs", {"records": records})
        assert (status, taken.error) == (413, "too_large")
        assert taken.message.startswith("records[1].data: ")


async def test_while_a_batch_is_unpacked_others_are_served(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty kilobytes may hold many megabytes: reading them stops nobody else."""
    held, reached = threading.Event(), threading.Event()

    def slow(*_: object, **__: object) -> object:
        reached.set()
        held.wait(30)
        raise Refused(400, "slow", "unpacked at last")

    monkeypatch.setattr(aws_logs, "batches", slow)
    sending = asyncio.create_task(hook.post("/aws/logs", forwarded(batch(LINES))))
    try:
        assert await asyncio.to_thread(reached.wait, 30)
        assert (await hook.client.get("/health")).status_code == 200
    finally:
        held.set()
    assert (await sending)[1].error == "slow"


async def test_times_beyond_any_calendar_are_bounded(hook: Hook) -> None:
    events = [{"id": "1", "timestamp": at, "message": "ERROR x"} for at in (-5, 10**18)]
    assert (await hook.post("/aws/logs", forwarded(batch([], logEvents=events))))[0] == 200
    assert msgspec.json.encode(await hook.detail())
