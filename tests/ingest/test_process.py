"""The HTTP server in a process of its own: killed, started again, left, and never outliving its core."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from jinkies.app import host
from jinkies.clock import SystemClock
from jinkies.config import Config, HttpConfig
from jinkies.core import Asked, Core
from jinkies.errors import StoreFailed, Unavailable
from jinkies.events import HealthChanged
from jinkies.ingest import process
from jinkies.ingest.process import IngestProcess, serve_apart
from jinkies.ingest.serving import listen_at
from jinkies.model import AlertQuery, PartState
from jinkies.wire.peer import local_actor
from tests.e2e.processes import environ, line_with
from tests.e2e.processes import process as started

JSON = {"Content-Type": "application/json"}

pytestmark = pytest.mark.processes


@asynccontextmanager
async def apart(config: Config) -> AsyncIterator[tuple[Core, IngestProcess]]:
    async with host(config, ingest=False, background=False) as core, serve_apart(core, config, SystemClock()) as child:
        yield core, child


def to(address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://{address}", timeout=30, trust_env=False)


def body(**fields: object) -> bytes:
    return json.dumps({"service_name": "api", "error_message": "boom", **fields}).encode()


async def until_ingest(core: Core, state: PartState) -> str:
    """Until it is so; says in which words."""
    async with asyncio.timeout(30):
        with core.hub.subscribe() as subscription:
            while core.health["ingest"].state is not state:
                while not isinstance((await subscription.get()).update, HealthChanged):
                    pass
    return core.health["ingest"].detail


async def counts(core: Core) -> list[int]:
    page = await core.operator(local_actor()).alerts(AlertQuery())
    return [row.count for row in page.rows]


def runs(pid: int | None) -> bool:
    try:
        os.kill(pid or 0, 0)
    except ProcessLookupError:
        return False
    return True


async def connected(address: str) -> tuple[StreamReader, StreamWriter]:
    host_name, _, port = address.rpartition(":")
    return await asyncio.open_connection(host_name, int(port))


async def test_one_that_is_killed_is_started_again_and_nobody_is_refused(config: Config) -> None:
    async with apart(config) as (core, child), to(child.address) as client:
        first = child.pid
        os.kill(first or 0, signal.SIGKILL)
        assert await until_ingest(core, PartState.FAILED) == "its process ended with status -9; starting it again"
        assert (await client.post("/webhook/alert", content=body(), headers=JSON)).status_code == 201
        assert await until_ingest(core, PartState.OK) == child.address
        assert child.pid != first
        assert await counts(core) == [1]


async def test_who_is_in_is_answered_before_it_leaves(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = body()
    head = f"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(sent)}\r\n"
    async with AsyncExitStack() as stack:
        core, child = await stack.enter_async_context(apart(config))
        idle, asking = await connected(child.address)
        asking.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await idle.readuntil(b"}")
        writes, begun = core._write, asyncio.Event()

        async def write_late(batch: list[Asked]) -> None:
            begun.set()
            await idle.read()  # nothing is asked there: it is closed as soon as the process leaves
            await writes(batch)

        monkeypatch.setattr(core, "_write", write_late)
        reader, writer = await connected(child.address)
        writer.write(f"POST /webhook/alert HTTP/1.1\r\n{head}\r\n".encode() + sent)
        await begun.wait()
        pid = child.pid
        await stack.aclose()
        assert await reader.readuntil(b"\r\n") == b"HTTP/1.1 201 Created\r\n"
        assert not runs(pid)
        for each in (writer, asking):
            each.close()


async def test_signals_that_are_meant_for_the_core_do_not_end_it(config: Config) -> None:
    async with apart(config) as (_, child), to(child.address) as client:
        pid = child.pid or 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(pid, number)
        assert (await client.post("/webhook/alert", content=body(), headers=JSON)).status_code == 201
        assert child.pid == pid


async def test_it_runs_what_its_core_runs_and_nothing_of_the_folder_it_is_started_in(
    config: Config, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("jinkies", "logging"):
        (home / name).mkdir()
        (home / name / "__init__.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(home)
    async with apart(config) as (_, child), to(child.address) as client:
        assert (await client.get("/health")).status_code == 200


async def test_one_that_does_not_leave_is_killed(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LEAVE_S", 0.1)
    async with apart(config) as (_, child):
        pid = child.pid or 0
        os.kill(pid, signal.SIGSTOP)
    assert not runs(pid)


async def test_one_that_did_not_begin_yet_is_not_waited_for(config: Config) -> None:
    async with host(config, ingest=False, background=False) as core:
        with listen_at("127.0.0.1:0") as listening:
            child = IngestProcess(core, config, SystemClock(), listening)
            running = asyncio.create_task(child.run())
            while child.pid is None:  # noqa: ASYNC110 - a turn of the loop or two
                await asyncio.sleep(0)
            pid = child.pid
            os.kill(pid, signal.SIGSTOP)
            await child.leave()
            await running
            assert not runs(pid)
            assert child.pid is None


async def test_one_that_can_not_start_is_said(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Unavailable, match="the ingest process does not start: it ended with status 1"):
        async with host(config, ingest=True, background=False):
            pass


async def test_a_core_that_fails_to_store_is_answered_with_503(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise StoreFailed("the disk is full")

    async with apart(config) as (core, child), to(child.address) as client:
        monkeypatch.setattr(core._store, "transact", fails)
        answer = await client.post("/webhook/alert", content=body(), headers=JSON)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.json()["message"] == "the disk is full"
        assert (await client.get("/health")).status_code == 503


async def test_a_key_that_was_used_for_something_else_is_refused(config: Config) -> None:
    async with apart(config) as (core, child), to(child.address) as client:
        keyed = JSON | {"Idempotency-Key": "k-1"}
        first = await client.post("/webhook/alert", content=body(), headers=keyed)
        again = await client.post("/webhook/alert", content=body(), headers=keyed)
        other = await client.post("/webhook/alert", content=body(error_message="other"), headers=keyed)
        assert (first.status_code, other.status_code) == (201, 422)
        assert again.json() == first.json()
        assert await counts(core) == [1]


async def test_more_than_may_wait_are_told_to_come_again(
    configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure(http=HttpConfig(listen="127.0.0.1:0", max_waiting=1))
    async with apart(config) as (core, child), to(child.address) as client:
        writes, go_on = core._write, asyncio.Event()

        async def slowly(batch: list[Asked]) -> None:
            await go_on.wait()
            await writes(batch)

        monkeypatch.setattr(core, "_write", slowly)

        async def post(number: int) -> int:
            sent = await client.post(
                "/webhook/alert", content=body(fingerprint=f"alert {chr(97 + number)}"), headers=JSON
            )
            if sent.status_code == 429:
                go_on.set()
            return sent.status_code

        answers = await asyncio.gather(*(post(number) for number in range(8)))
        assert set(answers) == {201, 429}


async def test_a_core_that_is_killed_takes_it_along_and_the_next_one_has_the_address(home: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (home / "jinkies.toml").write_text(f'[http]\nlisten = "127.0.0.1:{port}"\n')
    async with started("jinkies", "serve", env=environ(home), cwd=home) as first, to(f"127.0.0.1:{port}") as client:
        await line_with(first, "/webhook/alert")
        assert (await client.post("/webhook/alert", content=body(), headers=JSON)).status_code == 201
        first.kill()
        async with started("jinkies", "serve", env=environ(home), cwd=home) as second:
            await line_with(second, "/webhook/alert")
            assert (await client.post("/webhook/alert", content=body(), headers=JSON)).status_code == 200


async def test_it_can_be_had_in_the_cores_own_process(configure: Callable[..., Config]) -> None:
    config = configure(http=HttpConfig(listen="127.0.0.1:0", own_process=False))
    async with host(config, ingest=True, background=False) as core, to(core.ingest_address or "") as client:
        assert (await client.post("/webhook/alert", content=body(), headers=JSON)).status_code == 201
        assert core.health["ingest"].detail == core.ingest_address
        assert await counts(core) == [1]
