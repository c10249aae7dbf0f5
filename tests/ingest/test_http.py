from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from jinkies.clock import SystemClock
from jinkies.config import Secret
from jinkies.errors import ConfigError, Disconnected, Forbidden, Invalid, Overloaded, StoreFailed
from jinkies.ingest.auth import refuse_open_listen
from jinkies.ingest.http import build_app
from jinkies.ingest.serving import serve_ingest
from tests.ingest.standin import Answer, StandIn, config, serving

GOOD = b'{"service_name": "api", "error_message": "boom"}'
HALF_A_REQUEST = (
    b"POST /webhook/alert HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
)


def body(**fields: object) -> bytes:
    return json.dumps({"service_name": "api", "error_message": "boom", **fields}).encode()


async def test_a_new_alert_is_201_and_another_occurrence_200() -> None:
    async with serving(StandIn(), config()) as sender:
        status, answer, _ = await sender.post(GOOD)
        assert (status, answer) == (201, Answer(status="success", alert_id="1", created=True))
        status, answer, _ = await sender.post(GOOD)
        assert (status, answer) == (200, Answer(status="success", alert_id="1", created=False))


async def test_the_documented_body_is_exact() -> None:
    async with serving(StandIn(), config()) as sender:
        response = await sender.client.post(
            "/webhook/alert", content=GOOD, headers={"Content-Type": "application/json"}
        )
        assert response.json() == {"status": "success", "alert_id": "1", "created": True, "revision": 1}


async def test_no_answer_before_the_commit() -> None:
    operator = StandIn()
    operator.held = asyncio.Event()
    async with serving(operator, config()) as sender:
        posted = asyncio.create_task(sender.post(GOOD))
        assert (
            await sender.client.get("/health")
        ).status_code == 200  # a later request is through; the post still waits
        assert not posted.done()
        operator.held.set()
        assert (await posted)[0] == 201


async def test_unknown_fields_are_taken_and_listed() -> None:
    async with serving(StandIn(), config()) as sender:
        status, answer, _ = await sender.post(body(colour="red"))
        assert (status, answer.ignored) == (201, ("colour",))


async def test_a_key_gives_the_first_answer_again() -> None:
    operator = StandIn()
    async with serving(operator, config()) as sender:
        first = await sender.post(GOOD, Idempotency_Key="k1")
        again = await sender.post(GOOD, Idempotency_Key="k1")
        assert first[:2] == again[:2]
        assert len(operator.commands) == 1
        status, answer, _ = await sender.post(body(error_message="other"), Idempotency_Key="k1")
        assert (status, answer.error, answer.field) == (422, "key_reused", "Idempotency-Key")
        assert "another body" in answer.message
        status, answer, _ = await sender.post(GOOD, Idempotency_Key="k" * 201)
        assert (status, answer.field) == (422, "Idempotency-Key")
        assert answer.message == "Idempotency-Key: must be 1 to 200 printable characters"


async def test_malformed_json_is_400_and_says_where() -> None:
    async with serving(StandIn(), config()) as sender:
        status, answer, _ = await sender.post(b'{"service_name": oops}')
        assert (status, answer.status, answer.error) == (400, "error", "malformed")
        assert answer.message == "not JSON: invalid character at line 1, column 18 (byte 17)"
        status, answer, _ = await sender.post(b"[" * 100_000)
        assert (status, answer.message) == (400, "not JSON: nested deeper than 100 levels at byte 100")


async def test_an_invalid_field_is_422_and_named() -> None:
    async with serving(StandIn(), config()) as sender:
        status, answer, _ = await sender.post(body(severity="bad"))
        assert (status, answer.error, answer.field) == (422, "invalid", "severity")
        assert "info, warning, error, critical" in answer.message
        status, answer, _ = await sender.post(b'{"error_message": "x"}')
        assert (status, answer.field, answer.message) == (422, "service_name", "service_name: is required")


async def test_a_refusal_of_the_core_is_422_with_its_field() -> None:
    operator = StandIn()
    operator.failure = Invalid("environment: too long")
    async with serving(operator, config()) as sender:
        status, answer, _ = await sender.post(GOOD)
        assert (status, answer.field, answer.message) == (422, "environment", "environment: too long")
        operator.failure = Forbidden("ingest may not")
        assert (await sender.post(GOOD))[0] == 403


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "send Authorization: Bearer <token>, or X-Jinkies-Timestamp and X-Jinkies-Signature"),
        ({"Authorization": "Basic abc"}, "send Authorization: Bearer <token>"),
        ({"Authorization": "Bearer wrong"}, "the token is wrong"),
        ({"Authorization": "Bearer"}, "the token is wrong"),
        ({"Authorization": "Bearer tök"}, "the token is wrong"),
    ],
)
async def test_missing_and_wrong_credentials_are_401(headers: dict[str, str], message: str) -> None:
    operator = StandIn()
    async with serving(operator, config(token=Secret("s3cret-token"))) as sender:
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        response = await sender.client.post(
            "/webhook/alert", content=GOOD, headers=[(b"Content-Type", b"application/json"), *encoded]
        )
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="jinkies"'
        answer = msgspec.json.decode(response.content, type=Answer)
        assert (answer.error, answer.message) == ("unauthorized", message)
        assert operator.commands == []
        assert (await sender.post(GOOD, Authorization="Bearer s3cret-token"))[0] == 201


async def test_credentials_are_checked_before_the_body_is_read() -> None:
    async with serving(StandIn(), config(token=Secret("t"))) as sender:
        reader, writer = await asyncio.open_connection(*sender.host_port)
        writer.write(HALF_A_REQUEST)
        assert b" 401 " in await asyncio.wait_for(reader.readline(), 30)
        writer.close()
        await writer.wait_closed()


async def test_too_large_is_413_by_its_length() -> None:
    operator = StandIn()
    async with serving(operator, config(max_body_bytes=1_024)) as sender:
        status, answer, _ = await sender.post(body(stack_trace="x" * 2_000))
        assert (status, answer.error) == (413, "too_large")
        assert answer.message == "the body is larger than 1024 bytes ([http] max_body_bytes)"
        just_fits = body() + b" " * (1_024 - len(body()))
        assert (await sender.post(just_fits))[0] == 201
        assert (await sender.post(just_fits + b" "))[0] == 413


async def test_too_large_is_413_in_chunks_without_a_length() -> None:
    operator = StandIn()

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 1_024

    async with serving(operator, config(max_body_bytes=8_192)) as sender:
        status, answer, _ = await sender.post(chunks())
        assert (status, answer.error) == (413, "too_large")
        assert operator.commands == []


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (
            {"Content-Type": "text/plain"},
            "send Content-Type: application/json or application/x-ndjson (got 'text/plain')",
        ),
        ({}, "send Content-Type: application/json or application/x-ndjson (none was sent)"),
        ({"Content-Type": "application/json; charset=utf-16"}, "send UTF-8, not 'utf-16'"),
        (
            {"Content-Type": "application/json", "Content-Encoding": "lzma"},
            "send the body as it is or as gzip, deflate, br, not 'lzma'",
        ),
    ],
)
async def test_other_content_is_415_and_says_which(headers: dict[str, str], message: str) -> None:
    async with serving(StandIn(), config()) as sender:
        response = await sender.client.post("/webhook/alert", content=GOOD, headers=headers)
        assert (response.status_code, response.json()["message"]) == (415, message)
        accepted = await sender.client.post(
            "/webhook/alert", content=GOOD, headers={"Content-Type": "Application/JSON; charset=UTF-8"}
        )
        assert accepted.status_code == 201


async def test_above_the_rate_is_429_and_says_when() -> None:
    class Stopped:
        now_s = 0.0

        def now_ms(self) -> int:
            return 1_790_000_000_000

        def monotonic_s(self) -> float:
            return self.now_s

        async def sleep(self, delay_s: float) -> None:
            raise NotImplementedError

    clock = Stopped()
    async with serving(StandIn(), config(max_per_second=2.0), clock=clock) as sender:
        assert [(await sender.post(GOOD))[0] for _ in range(3)] == [201, 200, 429]
        status, answer, headers = await sender.post(GOOD)
        assert (status, answer.error, headers["Retry-After"]) == (429, "rate", "1")
        assert (await sender.post(b"{"))[0] == 400  # only what would be accepted counts
        clock.now_s = 0.5
        assert [(await sender.post(GOOD))[0] for _ in range(2)] == [200, 429]


async def test_a_full_queue_is_429_and_a_failed_store_503() -> None:
    operator = StandIn()
    async with serving(operator, config()) as sender:
        operator.failure = Overloaded("1000 commands wait already")
        status, answer, headers = await sender.post(GOOD)
        assert (status, answer.error, headers["Retry-After"]) == (429, "overloaded", "1")
        assert answer.message == "1000 commands wait already"
        for failure in (StoreFailed("disk full"), Disconnected("the core went away")):
            operator.failure = failure
            status, answer, headers = await sender.post(GOOD)
            assert (status, answer.error, headers["Retry-After"]) == (503, failure.code, "5")
            assert answer.message == str(failure)


async def test_what_nobody_foresaw_is_500_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    operator = StandIn()
    operator.failure = RuntimeError("password=hunter2")
    async with serving(operator, config()) as sender:
        with caplog.at_level(logging.DEBUG):
            status, answer, _ = await sender.post(GOOD)
        assert (status, answer.error) == (500, "internal")
        assert "RuntimeError in execute" in caplog.text
        assert "hunter2" not in caplog.text + answer.message


async def test_health_is_200_then_503_when_the_store_fails() -> None:
    operator = StandIn()
    async with serving(operator, config(token=Secret("s3cret"))) as sender:
        response = await sender.client.get("/health")
        assert (response.status_code, response.json()) == (200, {"status": "ok", "store": "ok"})
        operator.failure = StoreFailed("disk full")
        response = await sender.client.get("/health")
        assert (response.status_code, response.json()) == (503, {"status": "failing", "store": "failed"})


async def test_health_remembers_a_failed_commit_until_one_succeeds() -> None:
    operator = StandIn()
    async with serving(operator, config()) as sender:
        operator.failure = StoreFailed("disk full")
        assert (await sender.post(GOOD))[0] == 503
        operator.failure = None  # reads work, as they do on a full disk
        assert (await sender.client.get("/health")).status_code == 503
        assert (await sender.post(GOOD))[0] == 201
        assert (await sender.client.get("/health")).status_code == 200


async def test_other_addresses_and_methods_are_json_too() -> None:
    async with serving(StandIn(), config()) as sender:
        response = await sender.client.get("/nowhere")
        assert (response.status_code, response.json()["error"]) == (404, "not_found")
        response = await sender.client.get("/webhook/alert")
        assert (response.status_code, response.headers["Allow"]) == (405, "POST")
        assert response.json() == {"status": "error", "error": "method_not_allowed", "message": "use POST"}


async def test_a_body_that_dawdles_is_cut_off() -> None:
    async with serving(StandIn(), config(), body_timeout_s=0.05) as sender:
        reader, writer = await asyncio.open_connection(*sender.host_port)
        writer.write(HALF_A_REQUEST)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        assert b" 408 " in head
        assert b"connection: close" in head.lower()
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("sent", [b"", b"POST /webhook/alert HTTP/1.1\r\nHost: local"])
async def test_a_head_that_never_ends_is_cut_off(sent: bytes) -> None:
    settings = config()
    app = build_app(lambda _: StandIn(), settings, SystemClock())
    async with serve_ingest(app, settings.http.listen, idle_timeout_s=0.05) as address:
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(sent)
        assert await asyncio.wait_for(reader.read(), 30) == b""
        writer.close()
        await writer.wait_closed()


async def test_a_sender_that_hangs_up_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    operator = StandIn()
    async with serving(operator, config()) as sender:
        _, writer = await asyncio.open_connection(*sender.host_port)
        writer.write(HALF_A_REQUEST)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await sender.post(GOOD))[0] == 201
        assert len(operator.commands) == 1
    assert "Traceback" not in caplog.text


async def test_two_hundred_at_once() -> None:
    operator = StandIn()
    async with serving(operator, config()) as sender:
        answers = await asyncio.gather(*(sender.post(body(error_message=f"e{n % 50}")) for n in range(200)))
    assert sorted(status for status, _, _ in answers) == [200] * 150 + [201] * 50
    assert len(operator.commands) == 200


async def test_requests_under_way_finish_when_the_server_stops() -> None:
    operator = StandIn()
    operator.held = asyncio.Event()
    settings = config()
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        async with serving(operator, settings) as sender:
            headers = {"Content-Type": "application/json"}
            url = f"http://{sender.address}/webhook/alert"
            posted = asyncio.create_task(client.post(url, content=GOOD, headers=headers))
            await operator.asked.wait()
            asyncio.get_running_loop().call_later(0.05, operator.held.set)
        assert (await posted).status_code == 201


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "[::]:8080", "10.0.0.1:80", "desk.example.com:80"])
def test_beyond_loopback_only_with_a_token(listen: str) -> None:
    with pytest.raises(ConfigError) as raised:
        refuse_open_listen(config(listen=listen))
    assert str(raised.value) == (
        f"http.listen: {listen} can be reached from other machines: "
        "set JINKIES_WEBHOOK_TOKEN or JINKIES_INGEST_TOKENS (or one's _FILE), or listen on 127.0.0.1"
    )
    with pytest.raises(ConfigError):
        refuse_open_listen(config(listen=listen, token=Secret("")))
    refuse_open_listen(config(listen=listen, token=Secret("t")))


@pytest.mark.parametrize("listen", ["127.0.0.1:8080", "127.1.2.3:1", "localhost:8080", "[::1]:0"])
def test_on_loopback_no_token_is_needed(listen: str) -> None:
    refuse_open_listen(config(listen=listen))


@pytest.mark.parametrize("listen", ["8080", "127.0.0.1", ":8080", "127.0.0.1:x", "::1:8080", "127.0.0.1:70000"])
def test_an_address_that_is_none_is_a_mistake_of_the_configuration(listen: str) -> None:
    with pytest.raises(ConfigError, match=r"http\.listen: expected host:port like"):
        refuse_open_listen(config(listen=listen))


async def test_an_address_in_use_is_a_mistake_of_the_configuration() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = config(listen=f"127.0.0.1:{port}")
        app = build_app(lambda _: StandIn(), settings, SystemClock())
        with pytest.raises(ConfigError, match=f"http.listen: 127.0.0.1:{port}: .*address already in use"):
            async with serve_ingest(app, settings.http.listen):
                pass


@pytest.mark.parametrize("head", ["X-Token: hunter2hunter2" + "a" * 9_000, "Host: a\r\nHost: b\r\nX-Token: hunter2"])
async def test_a_request_that_is_no_http_is_400_and_one_line_that_quotes_nothing(
    head: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with serving(StandIn(), config()) as sender:
        reader, writer = await asyncio.open_connection(*sender.host_port)
        writer.write(f"GET /health HTTP/1.1\r\n{head}\r\n\r\n".encode())
        assert b" 400 " in await asyncio.wait_for(reader.readline(), 30)
        writer.close()
        await writer.wait_closed()
    told = [record for record in caplog.records if record.name.startswith("jinkies.ingest")]
    assert [record.levelname for record in told] == ["INFO"]
    assert "hunter2" not in caplog.text
    assert "Traceback" not in caplog.text
