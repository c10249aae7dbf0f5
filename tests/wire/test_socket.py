"""The socket itself: who may open it, what it refuses, and what happens when one end goes quiet."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
from contextlib import AsyncExitStack

import httpx
import msgspec
import pytest

from jinkies import app, hub
from jinkies.app import Mode, host, open_operator
from jinkies.commands import ReportOccurrence
from jinkies.config import Config
from jinkies.core import Core
from jinkies.errors import AlreadyRunning, ConfigError, Disconnected, Invalid, JinkiesError, Lagged, ProtocolMismatch
from jinkies.events import Heartbeat, JournalEntry, Position
from jinkies.operator import Hosting
from jinkies.wire import codec, server
from jinkies.wire.client import attach
from jinkies.wire.peer import local_actor


def curl(core: Core) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(uds=str(core.config.socket_path)), base_url="http://core"
    )


async def test_only_the_owner_can_reach_the_socket(core: Core) -> None:
    assert stat.S_IMODE(core.config.home.stat().st_mode) == 0o700
    assert stat.S_IMODE(core.config.socket_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(core.config.database_path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
async def test_the_kernel_tells_who_connects_and_others_are_refused(core: Core) -> None:
    core.config.home.chmod(0o755)
    core.config.socket_path.chmod(0o666)
    script = (
        "import http.client, socket, sys\n"
        "c = http.client.HTTPConnection('core'); c.sock = socket.socket(socket.AF_UNIX); c.sock.connect(sys.argv[1])\n"
        "c.request('GET', '/v1/hello', headers={'Jinkies-Protocol': '1'}); r = c.getresponse()\n"
        "print(r.status, r.read().decode())\n"
    )
    process = await asyncio.create_subprocess_exec(
        "/usr/bin/env",
        "python3",
        "-c",
        script,
        str(core.config.socket_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        user=65534,
        env={"PATH": "/usr/bin:/bin"},
    )
    out, err = await process.communicate()
    assert out.startswith(b"403 "), err
    assert b"user id 65534 may not attach" in out


async def test_another_protocol_is_told_to_update(core: Core) -> None:
    async with curl(core) as client:
        answer = await client.get("/v1/hello", headers={"Jinkies-Protocol": "99"})
    assert answer.status_code == 426
    assert answer.json()["message"] == "this core speaks protocol 1, the caller 99: update the older of the two"


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/v1/execute", b"{", "truncated"),
        ("/v1/execute", b'{"command":{"type":"no_such"}}', "no_such"),
        ("/v1/execute", b'{"command":{"type":"acknowledge","alert_id":"x"}}', "alert_id"),
        ("/v1/alerts", b"[]", "Expected `object`"),
    ],
)
async def test_a_body_that_makes_no_sense_names_what_is_wrong(core: Core, path: str, body: bytes, message: str) -> None:
    async with curl(core) as client:
        answer = await client.post(path, content=body, headers={"Jinkies-Protocol": "1"})
    assert answer.status_code == 409
    assert answer.json()["code"] == "invalid"
    assert message in answer.json()["message"]


async def test_a_fault_of_the_core_is_said_and_logged_and_no_riddle(
    core: Core, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(core, "snapshot", broken)
    async with attach(core.config.socket_path) as operator:
        with pytest.raises(JinkiesError, match="internal error: the core's log says more"):
            await operator.snapshot()
        assert (await operator.hello()).pid == os.getpid(), "the core goes on"
    assert "a bug" in caplog.text


async def test_an_unknown_route_is_not_found(core: Core) -> None:
    async with curl(core) as client:
        answer = await client.get("/v1/nothing", headers={"Jinkies-Protocol": "1"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_body_beyond_the_bound_is_refused_with_the_bound(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jinkies.core.prepare", None)  # it never gets there
    async with attach(core.config.socket_path) as operator:
        with pytest.raises(Invalid, match="at most 33,554,432 bytes"):
            await operator.execute(ReportOccurrence(service="api", message="x" * codec.BODY_LIMIT_BYTES))
        assert (await operator.hello()).pid == os.getpid()


async def test_an_answer_that_cannot_be_read_says_to_update(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    async with attach(core.config.socket_path) as operator:
        with monkeypatch.context() as patched:
            patched.setattr(core, "snapshot", core.operator(local_actor()).hello)
            with pytest.raises(ProtocolMismatch, match="update the older of the two"):
                await operator.snapshot()
        entry = msgspec.json.encode({"type": "of another time"})
        async with operator.subscribe(Position(core.epoch, 0)) as updates:
            core.hub.publish(Heartbeat(seq=0), entry)
            with pytest.raises(ProtocolMismatch, match="update the older of the two"):
                await anext(updates)


async def test_no_core_says_how_to_start_one(config: Config) -> None:
    with pytest.raises(Disconnected, match="jinkies serve"):
        async with open_operator(config, Mode.ATTACH):
            pass


async def test_one_core_a_database(core: Core) -> None:
    with pytest.raises(AlreadyRunning, match="another core runs"):
        async with host(core.config, ingest=False):
            pass
    async with open_operator(core.config) as operator:
        assert operator.hosting is Hosting.ATTACHED


async def test_a_core_that_starts_beside_a_one_shot_command_waits_for_it(config: Config) -> None:
    done = asyncio.Event()

    async def one_shot() -> None:
        async with open_operator(config, Mode.ONE_SHOT) as operator:
            assert operator.hosting is Hosting.EMBEDDED
            started.set()
            await done.wait()

    started = asyncio.Event()
    command = asyncio.create_task(one_shot())
    await started.wait()
    async with asyncio.TaskGroup() as tasks:

        async def embed() -> None:
            async with open_operator(config, Mode.EMBED) as operator:
                assert (await operator.hello()).ingest is not None

        embedding = tasks.create_task(embed())
        await asyncio.sleep(
            0
        )  # it has asked for the lock by now, or will find it free: either way it must come to hold it
        done.set()
    await command
    assert embedding.done()


async def test_a_stale_socket_is_no_obstacle(config: Config) -> None:
    server.bind_private(config.socket_path).close()
    async with open_operator(config) as operator:
        assert operator.hosting is Hosting.EMBEDDED
        async with attach(config.socket_path) as attached:
            assert (await attached.hello()).pid == os.getpid()
    assert not config.socket_path.exists()


async def test_nobody_attaches_to_a_one_shot_command_and_is_left_alone(config: Config) -> None:
    """Two consoles and a command at once: the command's core ends at once, and must not be anybody's desk."""
    async with AsyncExitStack() as stack, asyncio.timeout(30):
        async with open_operator(config, Mode.ONE_SHOT) as command:
            assert command.hosting is Hosting.EMBEDDED
            consoles = [asyncio.create_task(stack.enter_async_context(open_operator(config))) for _ in range(2)]
            done, _ = await asyncio.wait(consoles, timeout=0.3)
            assert not done
            await command.execute(ReportOccurrence(service="api", message="m"))
        operators = await asyncio.gather(*consoles)
        assert sorted(one.hosting for one in operators) == [Hosting.ATTACHED, Hosting.EMBEDDED]
        for operator in operators:
            assert (await operator.snapshot()).counts.open == 1


async def test_a_core_that_holds_the_lock_and_does_not_answer_is_named(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "HANDOVER_S", 0.1)
    app.prepare_home(config)
    with app.hold_lock(config.lock_path):
        for mode in (Mode.ONE_SHOT, Mode.ATTACH_OR_EMBED):
            with pytest.raises(
                AlreadyRunning, match=r"holds core\.lock\), and the core does not answer.*: wait for it"
            ):
                async with open_operator(config, mode):
                    pass


async def test_a_home_is_closed_to_others_unless_it_is_not_ours_alone(config: Config) -> None:
    config.home.chmod(0o755)
    app.prepare_home(config)
    assert stat.S_IMODE(config.home.stat().st_mode) == 0o700
    (config.home / "somebody's notes").touch()
    config.home.chmod(0o755)
    with pytest.raises(ConfigError, match="choose a folder of its own, or close this one with `chmod 700`"):
        app.prepare_home(config)
    assert stat.S_IMODE(config.home.stat().st_mode) == 0o755
    config.lock_path.touch()
    app.prepare_home(config)
    assert stat.S_IMODE(config.home.stat().st_mode) == 0o700


async def test_a_lock_that_cannot_be_had_is_a_mistake_of_the_home(config: Config) -> None:
    config.lock_path.mkdir()
    with pytest.raises(ConfigError, match="JINKIES_HOME: cannot lock"):
        async with host(config, ingest=False):
            pass


async def test_a_home_too_deep_for_a_socket_names_the_limit(config: Config) -> None:
    deep = msgspec.structs.replace(config, home=config.home / ("x" * 100))
    with pytest.raises(ConfigError, match="at most 103"):
        async with open_operator(deep):
            pass


async def test_a_quiet_stream_carries_heartbeats(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEARTBEAT_S", 0.01)
    async with (
        curl(core) as client,
        client.stream("GET", f"/v1/subscribe?epoch={core.epoch}&after=0", headers={"Jinkies-Protocol": "1"}) as stream,
    ):
        lines = stream.aiter_lines()
        beats = [json.loads(await anext(lines)) for _ in range(3)]
        await lines.aclose()  # type: ignore[attr-defined]  # httpx annotates its generator as an iterator
    assert {beat["type"] for beat in beats} == {"heartbeat"}


async def test_a_dead_core_is_noticed_by_its_silence(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    from jinkies.wire import client as client_module

    monkeypatch.setattr(client_module, "SILENCE_S", 0.05)
    assert codec.HEARTBEAT_S > 1
    async with attach(core.config.socket_path) as operator:
        with pytest.raises(Disconnected, match="does not answer"):
            async with operator.subscribe(Position(core.epoch, 0)) as updates:
                await anext(updates)


async def test_a_reader_that_stands_still_is_marked_lagged_and_slows_nobody(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "QUEUE_LIMIT", 600)
    fast: list[int] = []
    total = 3_000
    start = Position(core.epoch, 0)
    local = core.operator(local_actor())

    async def report(first: int) -> None:
        for n in range(first, first + 100):
            await local.execute(ReportOccurrence(service="api", message=f"m{n} " + "x" * 1_000, fingerprint=f"{n}"))

    async def follow() -> None:
        async with local.subscribe(start) as updates:
            async for update in updates:
                if isinstance(update, JournalEntry):
                    fast.append(update.seq)
                if len(fast) == total:
                    return

    async with attach(core.config.socket_path) as operator, operator.subscribe(start) as slow:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(follow())
            for first in range(0, total, 100):
                tasks.create_task(report(first))
        with pytest.raises(Lagged):
            async for _ in slow:
                pass
    assert fast == list(range(1, total + 1))
