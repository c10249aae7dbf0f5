"""``kill -9`` of the core while alerts are posted, and what its disk saw before each yes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from jinkies.model import AlertQuery
from jinkies.replica import Replica
from jinkies.simulators.discord import DEFAULT_TOKEN, RateLimits, SimulatedDiscord
from jinkies.wire.client import attach
from tests.e2e.processes import environ, line_with, process
from tests.waiting import replica_of, until

KINDS = 40
SENDERS = 16

pytestmark = pytest.mark.processes


def write_config(home: Path, discord: SimulatedDiscord | None = None) -> None:
    text = 'environment = "test"\n[http]\nlisten = "127.0.0.1:0"\n'
    if discord is not None:
        world = discord.world
        text += (
            f'[discord]\napi_url = "{discord.api_url}"\nguild_id = "{world.guild_id}"\n'
            f'alert_channel_id = "{world.channels[0].id}"\nmax_new_cards_per_minute = 0\n'
        )
    (home / "jinkies.toml").write_text(text)


@asynccontextmanager
async def core_process(home: Path, env: dict[str, str], *prefix: str) -> AsyncIterator[tuple[int, str]]:
    async with process("jinkies", "serve", env=env, cwd=home, prefix=prefix) as running:
        found = await line_with(running, r"(http://\S+/webhook/alert)")
        yield running.pid, found[1]


class Senders:
    """They post each alert until it is answered, wherever the core has moved to meanwhile."""

    def __init__(self, alerts: int) -> None:
        self.url = ""
        self.answered: dict[int, str] = {}  # alert's number → id of the alert it became
        self._waiting = list(range(alerts))
        self._moved = asyncio.Condition()

    async def run(self) -> None:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client, asyncio.TaskGroup() as tasks:
            for _ in range(SENDERS):
                tasks.create_task(self._send_all(client))

    async def until(self, answered: int) -> None:
        async with self._moved:
            await self._moved.wait_for(lambda: len(self.answered) >= answered)

    async def _send_all(self, client: httpx.AsyncClient) -> None:
        while self._waiting:
            number = self._waiting.pop()
            try:
                reply = await client.post(self.url, json=body(number), headers={"Idempotency-Key": f"alert-{number}"})
            except httpx.TransportError:
                self._waiting.append(number)
                await asyncio.sleep(0.02)  # the core is down: a sender's own pause, not a wait of the test
                continue
            assert reply.status_code in {200, 201}, reply.text
            async with self._moved:
                self.answered[number] = reply.json()["alert_id"]
                self._moved.notify_all()


def body(number: int) -> dict[str, str]:
    kind = number % KINDS
    return {
        "service_name": "api",
        "exception_type": "KillError",
        "error_message": "boom",
        "fingerprint": f"kind-{kind}",
    }


@pytest.mark.parametrize(
    ("alerts", "kills"),
    [
        pytest.param(500, 2, marks=pytest.mark.timeout(180)),
        pytest.param(10_000, 20, marks=[pytest.mark.soak, pytest.mark.timeout(1_800)]),
    ],
)
async def test_killed_while_taking_alerts_in_it_loses_nothing_and_posts_no_card_twice(
    home: Path, alerts: int, kills: int
) -> None:
    async with SimulatedDiscord(limits=RateLimits(enabled=False)) as discord:
        write_config(home, discord)
        env = environ(home, DISCORD_BOT_TOKEN=DEFAULT_TOKEN)
        senders = Senders(alerts)
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            for kill in range(kills):
                async with core_process(home, env) as (pid, url):
                    senders.url = url
                    if kill == 0:
                        await stack.enter_async_context(process("bot", env=env, cwd=home))
                        sending = tasks.create_task(senders.run())
                    await senders.until((kill + 1) * alerts // (kills + 2))
                    os.kill(pid, signal.SIGKILL)
            assert not sending.done(), "the core was killed while alerts were being posted"
            async with core_process(home, env) as (_, url):
                senders.url = url
                await sending
                async with attach(home / "h" / "core.sock") as operator:
                    rows = (await operator.alerts(AlertQuery(limit=500))).rows
                    assert {str(row.alert_id) for row in rows} == set(senders.answered.values())
                    expected = Counter(number % KINDS for number in range(alerts))
                    assert sorted(row.count for row in rows) == sorted(expected.values())
                    async with replica_of(operator) as replica:
                        await until(replica, lambda: all_in_step(replica), timeout_s=60)
                posts = [call for call in discord.calls if call.method == "POST" and call.path.endswith("/messages")]
                assert len(cards(discord)) == KINDS
                assert len({alert_of(card) for card in cards(discord)}) == KINDS, "each alert has one card"
                assert len(posts) <= KINDS + kills * 2, "a kill may repeat a post; the nonce makes it the same message"
    print(f"{kills} kills, {alerts:,} alerts answered, none lost or doubled; {KINDS} cards, {len(posts)} posts")


def all_in_step(replica: Replica) -> bool:
    return len(replica.deliveries) == KINDS and all(one.in_step for one in replica.deliveries.values())


def cards(discord: SimulatedDiscord) -> list[dict[str, object]]:
    return discord.messages(discord.world.channels[0].id)


def alert_of(card: dict[str, object]) -> str:
    found = re.search(r'"jk:ack:(\d+):', json.dumps(card))
    assert found
    return found[1]


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
async def test_the_disk_is_synced_before_each_yes(home: Path) -> None:
    """Under strace: between the last byte read of a request and its 2xx, the database's log was synced."""
    write_config(home)
    trace = home / "trace"
    calls = "trace=fsync,fdatasync,openat,recvfrom,read,sendto,write,writev,sendmsg"
    strace = ("strace", "-f", "-qq", "-s", "48", "-e", calls, "-o", str(trace))
    async with (
        core_process(home, environ(home), *strace) as (pid, url),
        httpx.AsyncClient(trust_env=False, timeout=30) as client,
    ):
        for number in range(5):
            assert (await client.post(url, json=body(number))).status_code == 201
        assert await post_together(pid, url, range(5, 25)) == {b"HTTP/1.1 201 Created"}
    syncs, answers, unsynced = judge(trace.read_text())
    assert answers == 25
    assert unsynced == []
    assert 6 <= syncs < 25, "five alone, and the twenty in groups that share a transaction"


async def post_together(pid: int, url: str, numbers: Iterable[int]) -> set[bytes]:
    """Posts that all wait when the core, stopped meanwhile, goes on; the status lines of the answers."""
    host, port = httpx.URL(url).host, httpx.URL(url).port
    os.kill(pid, signal.SIGSTOP)  # strace's: what it traces stands still at its next call
    streams = []
    for number in numbers:
        reader, writer = await asyncio.open_connection(host, port)
        content = json.dumps(body(number)).encode()
        head = f"POST {httpx.URL(url).path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode() + content)
        await writer.drain()
        streams.append((reader, writer))
    os.kill(pid, signal.SIGCONT)
    found = set()
    for reader, writer in streams:
        found.add((await asyncio.wait_for(reader.readline(), 30)).strip())
        writer.close()
    return found


def judge(trace: str) -> tuple[int, int, list[str]]:
    """(syncs of the database's log, 2xx answers, those answers that no sync came before)."""
    logs: set[str] = set()
    last_read: dict[str, int] = {}
    syncs, last_sync, answers = 0, -1, 0
    unsynced: list[str] = []
    for at, (begun, call) in enumerate(whole_calls(trace)):
        name, _, rest = call.partition("(")
        descriptor = rest.split(",")[0].split(")")[0].strip()
        if name == "openat" and "jinkies.db-wal" in call:
            logs.add(call.rsplit("=", 1)[1].strip())
        elif name in {"fsync", "fdatasync"} and descriptor in logs and call.endswith("= 0"):
            syncs, last_sync = syncs + (not begun), at if not begun else last_sync
        elif name in {"recvfrom", "read"} and not begun:
            last_read[descriptor] = at
        elif name in {"sendto", "write", "writev", "sendmsg"} and re.search(r'"HTTP/1\.1 20[01]', call) and begun:
            answers += 1
            if last_sync < last_read.get(descriptor, at):
                unsynced.append(call)
    return syncs, answers, unsynced


def whole_calls(trace: str) -> Iterator[tuple[bool, str]]:
    """Each system call twice: (True, …) where it began, (False, …) where it returned; threads interleave."""
    unfinished: dict[str, str] = {}
    for line in trace.splitlines():
        thread, _, text = line.partition(" ")
        text = text.strip()
        if text.startswith("<... "):
            text = unfinished.pop(thread, "") + text.partition("resumed>")[2]
            yield False, text
        elif text.endswith("<unfinished ...>"):
            unfinished[thread] = text.removesuffix("<unfinished ...>").strip()
            yield True, unfinished[thread]
        else:
            yield True, text
            yield False, text


def test_the_judge_sees_an_answer_that_came_too_early() -> None:
    opened = '7 openat(AT_FDCWD, "/h/jinkies.db-wal", O_RDWR) = 9\n7 recvfrom(12, "POST /", 99, 0) = 6\n'
    early = '7 fdatasync(9 <unfinished ...>\n8 sendto(12, "HTTP/1.1 201 C", 9) = 9\n7 <... fdatasync resumed>) = 0\n'
    late = '7 fdatasync(9 <unfinished ...>\n7 <... fdatasync resumed>) = 0\n8 sendto(12, "HTTP/1.1 201 C", 9) = 9\n'
    assert len(judge(opened + early)[2]) == 1
    assert judge(opened + late) == (1, 1, [])
