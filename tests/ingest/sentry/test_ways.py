"""The two addresses as SDKs meet them: who is let in, what is answered, what a browser may."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import AsyncIterator

import brotli
import httpx
import pytest

from jinkies.app import host
from jinkies.config import Config, HttpConfig, Secret, SenderToken, ServiceConfig
from jinkies.errors import Overloaded, StoreFailed
from jinkies.model import AlertQuery
from jinkies.operator import Operator
from jinkies.wire.peer import local_actor
from tests.ingest.standin import StandIn, config, serving

TOKEN = "0123456789abcdef0123456789abcdef"
EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"
AUTH = {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_client=sentry.python/2.0, sentry_key={TOKEN}"}
HTTP = HttpConfig(listen="127.0.0.1:0", tokens=(SenderToken(name="shop", token=Secret(TOKEN)),))
SETTINGS = config(tokens=HTTP.tokens)


def event(**fields: object) -> bytes:
    return json.dumps({"event_id": EVENT_ID, "message": "boom", **fields}).encode()


def envelope(*items: tuple[str, bytes], **headers: object) -> bytes:
    lines = [json.dumps(headers).encode()]
    for kind, payload in items:
        lines += [json.dumps({"type": kind, "length": len(payload)}).encode(), payload]
    return b"\n".join(lines) + b"\n"


ONE = envelope(("event", event()), event_id=EVENT_ID)


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", AUTH),
        ("", {"X-Sentry-Auth": f"Sentry sentry_key={TOKEN},sentry_version=7"}),
        ("", {"Authorization": f"Sentry sentry_key={TOKEN}, sentry_secret=x"}),
        ("", {"Authorization": f"Bearer {TOKEN}"}),
        (f"?sentry_key={TOKEN}&sentry_version=7", {}),
    ],
)
@pytest.mark.parametrize("kind", ["store", "envelope"])
async def test_the_key_of_the_dsn_lets_in(kind: str, query: str, headers: dict[str, str]) -> None:
    operator = StandIn()
    async with serving(operator, SETTINGS) as sender:
        body = event() if kind == "store" else ONE
        answer = await sender.client.post(f"/api/1/{kind}/{query}", content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})
    assert [one.service for one in operator.commands] == ["shop"]


async def test_the_dsn_in_an_envelope_lets_in() -> None:
    operator = StandIn()
    async with serving(operator, SETTINGS) as sender:
        good = envelope(("event", event()), dsn=f"https://{TOKEN}@desk.example.com/1")
        assert (await sender.client.post("/api/1/envelope/", content=good)).status_code == 200
        packed = gzip.compress(good)
        answer = await sender.client.post("/api/1/envelope/", content=packed, headers={"Content-Encoding": "gzip"})
        assert answer.status_code == 200
        for dsn in (f"https://{'f' * 32}@desk.example.com/1", "https://desk.example.com/1", "http://[", 7, None):
            bad = envelope(("event", event()), dsn=dsn)
            answer = await sender.client.post("/api/1/envelope/", content=bad)
            assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized")
    assert len(operator.commands) == 1


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {}),
        ("", {"X-Sentry-Auth": "Sentry sentry_version=7"}),
        ("", {"X-Sentry-Auth": f"Sentry sentry_key={TOKEN}x"}),
        ("?sentry_key=", {}),
        ("", {"Authorization": "Sentry nonsense"}),
    ],
)
async def test_others_are_401_and_get_nothing_in(query: str, headers: dict[str, str]) -> None:
    operator = StandIn()
    async with serving(operator, SETTINGS) as sender:
        for kind in ("store", "envelope"):
            answer = await sender.client.post(f"/api/1/{kind}/{query}", content=ONE, headers=headers)
            assert answer.status_code == 401
            assert answer.json()["detail"]
            assert TOKEN not in answer.text
    assert operator.commands == []


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli.compress)]
)
async def test_packed_envelopes(encoding: str, pack: object) -> None:
    assert callable(pack)
    operator = StandIn()
    async with serving(operator, SETTINGS) as sender:
        headers = {**AUTH, "Content-Encoding": encoding}
        assert (await sender.client.post("/api/1/envelope/", content=pack(ONE), headers=headers)).status_code == 200
        bomb = pack(b"{}\n" + b"\n" * 20_000_000)
        answer = await sender.client.post("/api/1/envelope/", content=bomb, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (413, "too_large")
    assert len(operator.commands) == 1


async def test_what_is_left_out_is_counted() -> None:
    operator = StandIn()
    async with serving(operator, SETTINGS) as sender:
        mixed = envelope(
            ("session", b"{}"), ("event", event(timestamp="never")), ("attachment", b"\0\xff\n"), ("session", b"{}"),
            ("a type of tomorrow", b"{}"),
        )  # fmt: skip
        answer = await sender.client.post("/api/1/envelope/", content=mixed, headers=AUTH)
        assert (answer.status_code, answer.json()["id"]) == (200, EVENT_ID)
        assert answer.json()["ignored"] == {"session": 2, "attachment": 1, "unknown": 1}
        assert answer.json()["notes"][0].startswith("timestamp: ")
        alone = envelope(("transaction", b"{}"), event_id=EVENT_ID)
        answer = await sender.client.post("/api/1/envelope/", content=alone, headers=AUTH)
        assert (answer.status_code, answer.json()) == (200, {"ignored": {"transaction": 1}})
        assert (await sender.client.post("/api/1/envelope/", content=b"{}", headers=AUTH)).status_code == 200
    assert len(operator.commands) == 1


@pytest.mark.parametrize(
    ("kind", "body", "detail"),
    [
        ("store", b"", "the body is empty"),
        ("store", b"[]", "the event: expected a JSON object"),
        ("store", b'{"a": \xff}', "the event: "),
        ("store", b'{"a": 1e999}', "the event: number out of range"),
        ("store", b'{"a": ' + b"[" * 5_000, "the event: nested deeper than 100 levels"),
        ("envelope", b"{}\n{}\noops\nx", "the header of item 1: invalid character"),
        ("envelope", b'{}\n{"type":"event"}\noops', "item 0: invalid character"),
        ("envelope", envelope(("event", b"{")), "item 0: ends too early"),
    ],
)
async def test_what_cannot_be_read_is_400_and_says_where(kind: str, body: bytes, detail: str) -> None:
    async with serving(StandIn(), SETTINGS) as sender:
        answer = await sender.client.post(f"/api/1/{kind}/", content=body, headers=AUTH)
        assert answer.status_code == 400
        assert detail in answer.json()["detail"]


async def test_too_much_is_429_as_sdks_read_it() -> None:
    operator = StandIn()
    async with serving(operator, SETTINGS) as sender:
        operator.failure = Overloaded("1,000 commands wait already")
        answer = await sender.client.post("/api/1/envelope/", content=ONE, headers=AUTH)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
        assert answer.headers["X-Sentry-Rate-Limits"] == "1::key"
        operator.failure = StoreFailed("disk full")
        answer = await sender.client.post("/api/1/envelope/", content=ONE, headers=AUTH)
        assert (answer.status_code, answer.json()) == (503, {"detail": "disk full", "error": "store_failed"})


async def test_a_browser_may_send_from_any_page_to_these_two() -> None:
    async with serving(StandIn(), SETTINGS) as sender:
        asks = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
        for kind in ("store", "envelope"):
            answer = await sender.client.request("OPTIONS", f"/api/1/{kind}/", headers=asks)
            assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, "*")
            assert "X-Sentry-Auth" in answer.headers["Access-Control-Allow-Headers"]
            for key, status in ((TOKEN, 200), ("wrong", 401)):
                sent = {"Origin": "https://shop.example", "Content-Type": "text/plain;charset=UTF-8"}
                body = event() if kind == "store" else ONE
                answer = await sender.client.post(f"/api/1/{kind}/?sentry_key={key}", content=body, headers=sent)
                assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, "*")
                assert "X-Sentry-Rate-Limits" in answer.headers["Access-Control-Expose-Headers"]
        own = await sender.client.post("/webhook/alert", content=b"{}", headers={"Content-Type": "application/json"})
        assert "Access-Control-Allow-Origin" not in own.headers
        assert (await sender.client.request("OPTIONS", "/webhook/alert", headers=asks)).status_code == 405


async def test_without_a_token_a_page_of_another_site_gets_nothing_in() -> None:
    operator = StandIn()
    async with serving(operator, config()) as sender:
        for origin, status in (("https://evil.example", 401), ("null", 401), ("http://localhost:3000", 200)):
            answer = await sender.client.post("/api/1/envelope/?sentry_key=x", content=ONE, headers={"Origin": origin})
            assert answer.status_code == status
    assert len(operator.commands) == 1


@pytest.fixture
async def core(configure: object) -> AsyncIterator[tuple[httpx.AsyncClient, Operator]]:
    assert callable(configure)
    settings: Config = configure(http=HTTP, services={"cart": ServiceConfig(name="cart", sentry_project="7")})
    async with host(settings, ingest=True, background=False) as running:
        base_url = f"http://{running.ingest_address}"
        async with httpx.AsyncClient(base_url=base_url, trust_env=False, headers=AUTH) as client:
            yield client, running.operator(local_actor())


async def test_one_event_id_counts_once(core: tuple[httpx.AsyncClient, Operator]) -> None:
    client, operator = core
    for _ in range(2):
        answer = await client.post("/api/7/envelope/", content=ONE)
        assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})
    answer = await client.post("/api/7/store/", content=event(message="another"))
    assert answer.status_code == 200
    assert answer.json()["notes"]
    (row,) = (await operator.alerts(AlertQuery())).rows
    assert (row.service, row.count, row.title) == ("cart", 1, "boom")


async def test_several_events_of_one_envelope(core: tuple[httpx.AsyncClient, Operator]) -> None:
    client, operator = core
    body = envelope(("event", event()), ("event", event(event_id="a" * 32, message="other")))
    assert (await client.post("/api/1/envelope/", content=body)).json() == {"id": EVENT_ID}
    assert {row.title for row in (await operator.alerts(AlertQuery())).rows} == {"boom", "other"}
