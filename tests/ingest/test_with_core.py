"""The whole way in: a real server before a real core."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable

import httpx
import msgspec
import pytest

from jinkies.app import host
from jinkies.config import Config, HttpConfig, Secret
from jinkies.core import Core
from jinkies.errors import ConfigError
from jinkies.model import AlertQuery, Severity, State
from jinkies.operator import Operator
from jinkies.wire.peer import local_actor

JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def ingesting(config: Config) -> AsyncIterator[Core]:
    async with host(config, ingest=True, background=False) as core:
        yield core


@pytest.fixture
async def client(ingesting: Core) -> AsyncIterator[httpx.AsyncClient]:
    base_url, limits = f"http://{ingesting.ingest_address}", httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(base_url=base_url, limits=limits, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture
def operator(ingesting: Core) -> Operator:
    return ingesting.operator(local_actor())


def body(**fields: object) -> bytes:
    return json.dumps({"service_name": "api", "error_message": "boom", **fields}).encode()


async def test_all_that_was_sent_is_on_the_alert(client: httpx.AsyncClient, operator: Operator) -> None:
    sent = body(
        exception_type="ValueError",
        stack_trace='Traceback (most recent call last):\n  File "app/views.py", line 3, in show\nValueError: boom',
        related_logs=["before", {"message": "after", "timestamp": 1767225600}],
        request_path="/orders/7",
        environment="staging",
        instance_id="i-1",
        commit_sha="abc123",
        severity="fatal",
        additional_context={"user": {"id": 7}},
        occurred_at=1767225600,
    )
    answer = await client.post("/webhook/alert", content=sent, headers=JSON)
    assert (answer.status_code, answer.json()) == (
        201,
        {"status": "success", "alert_id": "1", "created": True, "revision": 1},
    )
    detail = await operator.alert(1)
    assert (detail.row.severity, detail.row.environment) == (Severity.CRITICAL, "staging")
    assert (detail.row.exception_type, detail.row.request_path) == ("ValueError", "/orders/7")
    assert detail.row.first_seen_at_ms == 1_767_225_600_000
    assert [one.message for one in detail.latest.related_logs] == ["before", "after"]
    assert detail.latest.context == {"user.id": "7"}
    assert (detail.latest.instance_id, detail.latest.commit_sha) == ("i-1", "abc123")


async def test_secrets_do_not_get_in(client: httpx.AsyncClient, operator: Operator) -> None:
    sent = body(
        error_message="login failed: postgres://app:hunter2@db/orders",
        additional_context={"header": "Authorization: Bearer abcdefghijklmnop"},
    )
    assert (await client.post("/webhook/alert", content=sent, headers=JSON)).status_code == 201
    stored = msgspec.json.encode(await operator.alert(1))
    assert b"hunter2" not in stored
    assert b"abcdefghijklmnop" not in stored


async def test_a_key_gives_the_first_answer_again(client: httpx.AsyncClient, operator: Operator) -> None:
    headers = {**JSON, "Idempotency-Key": "k1"}
    first = await client.post("/webhook/alert", content=body(), headers=headers)
    assert (await client.post("/webhook/alert", content=body(), headers=JSON)).status_code == 200
    again = await client.post("/webhook/alert", content=body(), headers=headers)
    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
    assert (await operator.alert(1)).row.count == 2
    reused = await client.post("/webhook/alert", content=body(error_message="other"), headers=headers)
    assert (reused.status_code, reused.json()["error"]) == (422, "key_reused")


async def test_two_hundred_at_once_lose_nothing(client: httpx.AsyncClient, operator: Operator) -> None:
    sent = [body(fingerprint=f"f{n % 20}") for n in range(200)]
    answers = await asyncio.gather(*(client.post("/webhook/alert", content=one, headers=JSON) for one in sent))
    assert sorted(answer.status_code for answer in answers) == [200] * 180 + [201] * 20
    page = await operator.alerts(AlertQuery(states=(State.OPEN,)))
    assert [row.count for row in page.rows] == [10] * 20


async def test_text_that_databases_choke_on_is_kept(client: httpx.AsyncClient, operator: Operator) -> None:
    sent = body(error_message="a\x00b \ud800 ' \" -- ; 😀", additional_context={"\x00": "\udfff"})
    assert (await client.post("/webhook/alert", content=sent, headers=JSON)).status_code == 201
    detail = await operator.alert(1)
    assert detail.latest.message == "a\ufffdb \ufffd ' \" -- ; 😀"
    assert detail.latest.context == {"\ufffd": "\ufffd"}


async def test_an_open_address_without_a_token_starts_nothing(configure: Callable[..., Config]) -> None:
    with pytest.raises(ConfigError, match="set JINKIES_WEBHOOK_TOKEN"):
        async with host(configure(http=HttpConfig(listen="0.0.0.0:0")), ingest=True, background=False):
            pass


async def test_an_open_address_with_a_token_wants_it(configure: Callable[..., Config]) -> None:
    http = HttpConfig(listen="0.0.0.0:0", token=Secret("s3cret-token"))
    async with host(configure(http=http), ingest=True, background=False) as core:
        assert core.ingest_address is not None
        port = core.ingest_address.rpartition(":")[2]
        async with httpx.AsyncClient(trust_env=False) as client:
            url = f"http://127.0.0.1:{port}/webhook/alert"
            assert (await client.post(url, content=body(), headers=JSON)).status_code == 401
            allowed = await client.post(url, content=body(), headers={**JSON, "Authorization": "Bearer s3cret-token"})
            assert allowed.status_code == 201
            assert (await client.get(f"http://127.0.0.1:{port}/health")).json() == {"status": "ok", "store": "ok"}


NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.mark.parametrize("packed", [False, True])
async def test_several_at_once(client: httpx.AsyncClient, operator: Operator, packed: bool) -> None:
    alerts = [body(fingerprint=name) for name in ("a", "b", "a")]
    for content, headers, created in (
        (b"[" + b",".join(alerts) + b"]", JSON, [True, True, False]),
        (b"\n".join(alerts) + b"\n\n", NDJSON, [False, False, False]),
        (alerts[0] + b"\r\n" + alerts[1], {"Content-Type": "Application/X-NDJSON; charset=utf-8"}, [False, False]),
    ):
        if packed:
            content, headers = gzip.compress(content), {**headers, "Content-Encoding": "gzip"}
        answer = await client.post("/webhook/alert", content=content, headers=headers)
        assert answer.status_code == (201 if any(created) else 200)
        found = answer.json()
        assert (found["status"], found["created"]) == ("success", sum(created))
        assert [(one["alert_id"], one["created"]) for one in found["items"]] == list(zip("121", created, strict=False))
    counts = {row.alert_id: row.count for row in (await operator.alerts(AlertQuery())).rows}
    assert counts == {1: 5, 2: 3}


async def test_one_mistake_among_several_takes_none_in(client: httpx.AsyncClient, operator: Operator) -> None:
    async def refused(content: bytes, headers: dict[str, str]) -> tuple[int, str, str]:
        answer = await client.post("/webhook/alert", content=content, headers=headers)
        return answer.status_code, answer.json().get("field", ""), answer.json()["message"]

    bad = body(severity="bad")
    assert (await refused(b"[" + body() + b"," + bad + b"]", JSON))[:2] == (422, "[1].severity")
    assert (await refused(body() + b"\n" + bad, NDJSON))[:2] == (422, "[1].severity")
    assert await refused(b"[" + body() + b",7]", JSON) == (
        422, "[1]", "[1]: the body must be a JSON object with service_name and error_message",
    )  # fmt: skip
    assert await refused(body() + b"\n\n{oops}", NDJSON) == (
        400, "", "not JSON: item [1]: object keys must be strings at line 1, column 2 (byte 1)",
    )  # fmt: skip
    assert (await refused(b"[]", JSON))[2] == (await refused(b"\n", NDJSON))[2] == "there is no alert in it"
    too_many = b"\n".join([body()] * 1_001)
    assert (await refused(too_many, NDJSON))[2] == "1,001 alerts at once; at most 1,000"
    assert (await operator.alerts(AlertQuery())).rows == ()


async def test_a_repeated_batch_gives_the_first_answer_again(client: httpx.AsyncClient, operator: Operator) -> None:
    headers = {**JSON, "Idempotency-Key": "batch-1"}
    first = await client.post("/webhook/alert", content=b"[" + body() + b"]", headers=headers)
    again = await client.post("/webhook/alert", content=b"[" + body() + b"]", headers=headers)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert (await operator.alert(1)).row.count == 1
