"""Whatever is sent, a real server before a real core answers in time, with no 500, and goes on.

Bounded: some seconds here. More: ``JINKIES_TEST_FUZZ=5000 python -m pytest tests/ingest/test_fuzz.py``.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import shutil
import tempfile
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import brotli
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jinkies.app import host
from jinkies.config import Config, HttpConfig

EXAMPLES = int(os.environ.get("JINKIES_TEST_FUZZ", "120"))
MEGABYTE = 1_048_576
PATHS = ("/webhook/alert", "/api/1/envelope/", "/api/1/store/")
KINDS = {
    "/webhook/alert": ("application/json", "application/x-ndjson"),
    "/api/1/envelope/": ("text/plain",),
    "/api/1/store/": ("application/json",),
}
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda one: brotli.compress(one, quality=1),
}
FUZZ = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Target:
    """A server and a client on one loop, that runs while a request does."""

    def __init__(self, runner: asyncio.Runner, client: httpx.AsyncClient) -> None:
        self._runner = runner
        self._client = client

    def post(self, path: str, body: bytes, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self._runner.run(self._client.post(path, content=body, headers=named))
        assert answer.status_code in {200, 201, 400, 413, 415, 422}, (answer.status_code, answer.text, body[:500])
        assert isinstance(answer.json(), dict)
        return answer

    def status(self, path: str, body: bytes, headers: dict[bytes, bytes]) -> int:
        return self._runner.run(self._client.post(path, content=body, headers=headers)).status_code

    def is_well(self) -> None:
        good = b'{"service_name": "api", "error_message": "boom"}'
        assert self.post("/webhook/alert", good, Content_Type="application/json").status_code in {200, 201}


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    home = Path(tempfile.mkdtemp(prefix="jk", dir="/tmp"))
    config = Config(home=home, http=HttpConfig(listen="127.0.0.1:0", max_unpacked_bytes=4 * MEGABYTE))
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def start() -> httpx.AsyncClient:
            core = await stack.enter_async_context(host(config, ingest=True, background=False))
            base_url = f"http://{core.ingest_address}"
            return await stack.enter_async_context(httpx.AsyncClient(base_url=base_url, trust_env=False, timeout=20))

        try:
            yield Target(runner, runner.run(start()))
        finally:
            runner.run(stack.aclose())
            shutil.rmtree(home, ignore_errors=True)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**400), max_value=10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=30)  # surrogates and NUL among them
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
OWN = (
    "service_name", "error_message", "exception_type", "stack_trace", "related_logs", "request_path", "environment",
    "instance_id", "commit_sha", "severity", "additional_context", "occurred_at", "fingerprint", "unknown",
)  # fmt: skip
EVENT = (
    "event_id", "message", "logentry", "exception", "threads", "stacktrace", "breadcrumbs", "request", "user", "tags",
    "contexts", "extra", "level", "timestamp", "fingerprint", "release", "environment", "server_name", "transaction",
    "platform", "logger", "dist", "_meta",
)  # fmt: skip
FRAME = ("function", "module", "filename", "abs_path", "lineno", "colno", "in_app", "context_line", "platform")


def some(names: tuple[str, ...], values: st.SearchStrategy[object] = ANYTHING) -> st.SearchStrategy[dict[str, object]]:
    return st.dictionaries(st.sampled_from(names), values, max_size=len(names))


EXCEPTION = st.builds(
    lambda value, frames, mechanism: {**value, "stacktrace": {"frames": frames}, "mechanism": mechanism},
    some(("type", "value", "module")),
    st.lists(some(FRAME) | SCALARS, max_size=4),
    some(("exception_id", "parent_id", "source", "type"), st.integers(-1, 3) | SCALARS) | SCALARS,
)
EVENTS = st.builds(
    lambda event, values, platform: {**event, "exception": {"values": values}, "platform": platform},
    some(EVENT),
    st.lists(EXCEPTION | SCALARS, max_size=4),
    st.sampled_from(("python", "java", "javascript", "go", "ruby", "php", "csharp", "native", "", "\0")),
) | some(EVENT)


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()  # lone surrogates become escapes, as JavaScript's own encoder writes them


@FUZZ
@given(alert=some(OWN), sure=st.booleans())
def test_own_json(target: Target, alert: dict[str, object], sure: bool) -> None:
    if sure:
        alert = {**alert, "service_name": "api", "error_message": "boom"}
    for kind, body in zip(KINDS["/webhook/alert"], (as_json([alert, alert]), as_json(alert)), strict=True):
        target.post("/webhook/alert", body, Content_Type=kind)


@FUZZ
@given(event=EVENTS)
def test_events(target: Target, event: dict[str, object]) -> None:
    body = as_json(event)
    target.post("/api/1/store/", body)
    framed = b'{}\n{"type":"event","length":%d}\n%s\n{"type":"session"}\n{}\n' % (len(body), body)
    target.post("/api/1/envelope/", framed)


@FUZZ
@given(
    path=st.sampled_from(PATHS),
    body=st.binary(max_size=300),
    declared=st.sampled_from(tuple(PACK)),
    packed=st.sampled_from(tuple(PACK)),
)
def test_bytes(target: Target, path: str, body: bytes, declared: str, packed: str) -> None:
    for kind in KINDS[path]:
        headers = {"Content_Type": kind} | ({"Content_Encoding": declared} if declared else {})
        target.post(path, PACK[packed](body), **headers)


@FUZZ
@given(
    event=EVENTS,
    cut=st.integers(0, 400),
    length=st.one_of(st.integers(-5, 500), st.sampled_from(("x", None, 1e3, 10**30, True, []))),
    tail=st.binary(max_size=40),
)
def test_envelopes_that_lie(target: Target, event: dict[str, object], cut: int, length: object, tail: bytes) -> None:
    body = as_json(event)
    whole = b'{"event_id":"x"}\n' + as_json({"type": "event", "length": length}) + b"\n" + body + b"\n" + tail
    target.post("/api/1/envelope/", whole)
    target.post("/api/1/envelope/", whole[:cut])


@FUZZ
@given(
    name=st.sampled_from(("Content-Type", "Content-Encoding", "Idempotency-Key", "Authorization", "X-Sentry-Auth")),
    value=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60),
)
def test_headers(target: Target, name: str, value: str) -> None:
    for path in PATHS:
        headers = {b"Content-Type": b"application/json", name.encode(): value.strip().encode("latin-1")}
        assert target.status(path, b"{}", headers) in {200, 201, 400, 401, 415, 422}


HOSTILE = {
    "deep arrays": b"[" * 900_000,
    "deep objects": b'{"a":' * 150_000,
    "deep in a field": b'{"service_name":"a","error_message":"b","additional_context":' + b'{"a":[' * 100_000,
    "a huge number": b'{"service_name":"a","error_message":"b","occurred_at":' + b"9" * 900_000 + b"}",
    "a huge exponent": b'{"service_name":"a","error_message":"b","occurred_at":1e999999999}',
    "NULs": b"\0" * 900_000,
    "a line of NULs in a text": b'{"service_name":"a","error_message":"' + b"\\u0000" * 150_000 + b'"}',
    "lone surrogates": b'{"service_name":"a","error_message":"' + b"\\ud800" * 150_000 + b'"}',
    "UTF-16": '{"service_name":"a","error_message":"b"}'.encode("utf-16"),
    "Latin-1": '{"service_name":"a","error_message":"ä"}'.encode("latin-1"),
    "backslashes": b'{"service_name":"' + b"\\" * 900_000,
    "quotes": b'{"service_name":"a","error_message":' + b'"' * 900_000,
    "many items": b"[" + b"{}," * 300_000 + b"{}]",
    "many lines": b"{}\n" * 300_000,
    "many fields": b"{" + b",".join(b'"f%d":1' % number for number in range(80_000)) + b"}",
    "many equal fields": b"{" + b'"a":1,' * 150_000 + b'"a":1}',
    "a wide line": b'{"service_name":"a","error_message":"' + b"x" * 900_000 + b'"}',
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_bodies_are_answered_soon_and_within_bounds(target: Target, what: str) -> None:
    for path in PATHS:
        for kind in KINDS[path]:
            target.post(path, HOSTILE[what], Content_Type=kind)
    target.is_well()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
@pytest.mark.parametrize("path", PATHS)
def test_ten_megabytes_in_a_line_and_bombs_cost_their_bound(target: Target, path: str, encoding: str) -> None:
    line = b'{"service_name":"a","error_message":"' + b"x" * (10 * MEGABYTE) + b'"}'
    bomb = PACK[encoding](bytes(30 * MEGABYTE))
    packed = PACK[encoding](line)
    fits = PACK[encoding](line[: 3 * MEGABYTE] + b'"}')
    kind = KINDS[path][0]
    tracemalloc.start()
    try:
        for body in (bomb, packed):
            assert target.post(path, body, Content_Type=kind, Content_Encoding=encoding).status_code == 413
        assert tracemalloc.get_traced_memory()[1] < 16 * MEGABYTE
    finally:
        tracemalloc.stop()
    assert target.post(path, fits, Content_Type=kind, Content_Encoding=encoding).status_code in {200, 201, 400}
    assert target.post(path, line, Content_Type=kind).status_code == 413
    target.is_well()
