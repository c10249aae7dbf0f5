"""A real core behind a real server with the ways in under test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import msgspec

from jinkies.app import host
from jinkies.clock import Clock, SystemClock
from jinkies.config import Config, Secret
from jinkies.core import Core
from jinkies.ingest import routes, sns
from jinkies.ingest.http import build_app
from jinkies.ingest.serving import serve_ingest
from jinkies.ingest.sns_signature import Fetch
from jinkies.model import Actor, ActorKind, AlertDetail, AlertQuery, AlertRow
from jinkies.operator import Operator

TOKEN = "a-token-of-the-tests"


class Taken(msgspec.Struct, frozen=True):
    """What an answer may hold."""

    status: str = ""
    reports: int = 0
    changed: int = 0
    created: int = 0
    alert_ids: tuple[str, ...] = ()
    note: str = ""
    error: str = ""
    field: str = ""
    message: str = ""


class Hook:
    """Posts, and looks at what came of it."""

    def __init__(self, client: httpx.AsyncClient, core: Core) -> None:
        self.client = client
        self.core = core
        self.operator: Operator = core.operator(Actor(kind=ActorKind.LOCAL, id="0", name="tests"))

    async def post(self, path: str, body: bytes | object, **headers: str) -> tuple[int, Taken]:
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        named = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.client.post(path, content=content, headers=named)
        return answer.status_code, msgspec.json.decode(answer.content, type=Taken)

    async def rows(self) -> tuple[AlertRow, ...]:
        """All alerts, oldest first."""
        page = await self.operator.alerts(AlertQuery(limit=100))
        return tuple(sorted(page.rows, key=lambda row: row.alert_id))

    async def detail(self, alert_id: int = 1) -> AlertDetail:
        return await self.operator.alert(alert_id)


@asynccontextmanager
async def hooking(config: Config, *, fetch: Fetch | None = None, clock: Clock | None = None) -> AsyncIterator[Hook]:
    """``fetch`` stands for SNS; without it that one can't be reached."""
    clock = clock or SystemClock()
    http = msgspec.structs.replace(config.http, token=Secret(TOKEN))
    config = msgspec.structs.replace(config, http=http)
    async with host(config, ingest=False, background=False, socket=False) as core:
        ways = tuple(one for one in routes.all_ways(config, clock) if one.path != "/sns")
        ways += (sns.way(config, clock, fetch or _nobody),)
        app = build_app(core.operator, config, clock, ways=ways)
        async with (
            serve_ingest(app, "127.0.0.1:0") as address,
            httpx.AsyncClient(base_url=f"http://{address}", timeout=60, trust_env=False) as client,
        ):
            yield Hook(client, core)


async def _nobody(url: str) -> bytes:
    raise AssertionError(f"fetched {url}")
