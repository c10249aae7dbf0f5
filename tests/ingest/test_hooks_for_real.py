"""Programs that others wrote, sending: Debian's Alertmanager, and the emulator's SNS through a relay that signs."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest
from aiohttp import web

from jinkies.config import Config, SnsConfig
from jinkies.model import LinkKind, Severity, State
from tests.ingest.hooking import TOKEN, Hook, hooking
from tests.ingest.signing import signer
from tests.ministack import ministack

ALERTMANAGER = shutil.which("prometheus-alertmanager") or os.environ.get("JINKIES_TEST_ALERTMANAGER")
SETTINGS = """
route: {{receiver: jinkies, group_by: [alertname], group_wait: 0s, group_interval: 100ms, repeat_interval: 200ms}}
receivers:
- name: jinkies
  webhook_configs:
  - url: http://{address}/alertmanager
    http_config: {{basic_auth: {{username: alertmanager, password: {token}}}}}
"""


async def until(hook: Hook, wanted: Callable[[tuple[int, ...], tuple[State, ...]], bool]) -> None:
    """Wait until the alerts' counts and states are as wanted."""

    async def so() -> bool:
        rows = await hook.rows()
        return wanted(tuple(row.count for row in rows), tuple(row.state for row in rows))

    await _wait(so)


async def _wait(so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await so():  # noqa: ASYNC110 - another program sets no event of ours
            await asyncio.sleep(0.05)


@asynccontextmanager
async def alertmanager(folder: Path, address: str) -> AsyncIterator[httpx.AsyncClient]:
    assert ALERTMANAGER is not None
    settings = folder / "alertmanager.yml"
    settings.write_text(SETTINGS.format(address=address, token=TOKEN))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        ALERTMANAGER,
        f"--config.file={settings}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
            await _wait(lambda: _ready(client))
            yield client
    finally:
        process.terminate()
        await process.wait()


async def _ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/-/ready")).status_code == 200
    except httpx.TransportError:
        return False


def told(instance: str, *, ended: bool = False) -> dict[str, object]:
    """As Prometheus tells Alertmanager."""
    now = datetime.now(UTC)
    return {
        "labels": {"alertname": "HighLatency", "service": "checkout", "instance": instance, "severity": "page"},
        "annotations": {"summary": "p99 over 2 s", "runbook_url": "https://runbooks.example/latency"},
        "startsAt": (now - timedelta(minutes=5)).isoformat(),
        **({"endsAt": (now - timedelta(seconds=1)).isoformat()} if ended else {}),
        "generatorURL": "http://prometheus.example/graph",
    }


@pytest.mark.skipif(ALERTMANAGER is None, reason="needs Debian's prometheus-alertmanager")
async def test_alertmanager_tells_of_alerts_and_of_their_end(config: Config, tmp_path: Path) -> None:
    async with (
        hooking(config) as hook,
        alertmanager(tmp_path, hook.client.base_url.netloc.decode()) as client,
    ):
        first = told("web-1")
        assert (await client.post("/api/v2/alerts", json=[first])).status_code == 200
        await until(hook, lambda counts, _: counts == (1,))
        assert (await client.post("/api/v2/alerts", json=[first, told("web-2")])).status_code == 200
        await until(hook, lambda counts, _: len(counts) == 2)
        over = {**first, "endsAt": told("web-1", ended=True)["endsAt"]}
        assert (await client.post("/api/v2/alerts", json=[over])).status_code == 200
        await until(hook, lambda _, states: states == (State.RESOLVED, State.OPEN))
        rows = await hook.rows()
        assert [row.count for row in rows] == [1, 1]  # though it was told again all the while
        assert {(row.service, row.severity, row.title) for row in rows} == {
            ("checkout", Severity.CRITICAL, "HighLatency: p99 over 2 s")
        }
        detail = await hook.detail(rows[0].alert_id)
        assert {link.kind for link in detail.row.links} == {LinkKind.RUNBOOK, LinkKind.SOURCE}
        assert detail.latest.tags["instance"] == "web-1"


@asynccontextmanager
async def signing_relay(address: str) -> AsyncIterator[str]:
    """The emulator writes FAKE where a signature belongs: this signs what it posts, and posts that."""

    async def relay(request: web.Request) -> web.Response:
        fields = msgspec.json.decode(await request.read(), type=dict[str, str])
        headers = {name: value for name, value in request.headers.items() if name.lower().startswith("x-amz-")}
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            answer = await client.post(
                f"http://{address}/sns",
                content=msgspec.json.encode(signer().signed(fields)),
                headers=headers | {"Content-Type": request.headers["Content-Type"]},
            )
        return web.Response(status=answer.status_code, body=answer.content)

    app = web.Application()
    app.router.add_post("/", relay)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/"
    finally:
        await runner.cleanup()


async def test_a_topic_of_the_emulator_is_subscribed_to_and_tells(
    configure: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import aioboto3

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    certificate = tmp_path / "emulator.pem"
    certificate.write_bytes(signer().pem)
    with ministack("sns") as endpoint:
        own = endpoint.replace("127.0.0.1", "localhost")  # as it names itself in a SubscribeURL
        session = aioboto3.Session(region_name="us-east-1")
        async with session.client("sns", endpoint_url=endpoint) as client:
            arn = (await client.create_topic(Name="alarms"))["TopicArn"]

            async def confirmed() -> bool:
                told = await client.get_topic_attributes(TopicArn=arn)
                return bool(told["Attributes"]["SubscriptionsConfirmed"] == "1")

            settings = SnsConfig(topics=(arn,), certificate_file=certificate, endpoint_url=own)
            async with (
                hooking(configure(sns=settings), fetch=_from_the_emulator) as hook,
                signing_relay(hook.client.base_url.netloc.decode()) as relay,
            ):
                await client.subscribe(TopicArn=arn, Protocol="http", Endpoint=relay)
                await _wait(confirmed)
                await client.publish(TopicArn=arn, Subject="Disk is full", Message='line 1\nline 2 "ü" 🎉')
                await until(hook, lambda counts, _: counts == (1,))
                (row,) = await hook.rows()
                assert (row.service, row.title) == ("alarms", "Disk is full")


async def _from_the_emulator(url: str) -> bytes:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.get(url)
        assert answer.status_code == 200
        return answer.content
