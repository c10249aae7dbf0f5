"""An operator small enough to fail on purpose, and a client for a server on a port of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import msgspec

from jinkies.clock import Clock, SystemClock
from jinkies.commands import AnyCommand, Outcome, ReportOccurrence
from jinkies.config import Config, HttpConfig
from jinkies.errors import KeyReused
from jinkies.events import Hello, Position, Snapshot, Update
from jinkies.ingest.http import build_app
from jinkies.ingest.serving import serve_ingest
from jinkies.matching import Matcher
from jinkies.model import (
    Actor,
    AlertDetail,
    AlertPage,
    AlertQuery,
    AlertRow,
    LogEvent,
    QueryProgress,
    QuerySpec,
    TailBatch,
    TailSpec,
)
from jinkies.operator import Hosting
from jinkies.stats import Stats, StatsQuery


class StandIn:
    """Groups by message, keeps keys, and fails with ``failure`` while that is set."""

    hosting = Hosting.EMBEDDED

    def __init__(self) -> None:
        self.commands: list[ReportOccurrence] = []
        self.failure: Exception | None = None
        self.held: asyncio.Event | None = None
        self.asked = asyncio.Event()  # at least once
        self._ids: dict[str, int] = {}
        self._answers: dict[str, tuple[ReportOccurrence, Outcome]] = {}

    async def execute(
        self, command: AnyCommand, *, on_behalf_of: Actor | None = None, key: str | None = None
    ) -> Outcome:
        assert isinstance(command, ReportOccurrence)
        self.asked.set()
        if self.held is not None:
            await self.held.wait()
        if self.failure is not None:
            raise self.failure
        if key is not None and key in self._answers:
            before, outcome = self._answers[key]
            if before != command:
                raise KeyReused("this Idempotency-Key came before with another body")
            return outcome
        created = command.message not in self._ids
        alert_id = self._ids.setdefault(command.message, len(self._ids) + 1)
        self.commands.append(command)
        outcome = Outcome(alert_id=alert_id, created=created, revision=1)
        if key is not None:
            self._answers[key] = (command, outcome)
        return outcome

    async def alerts(self, query: AlertQuery) -> AlertPage:
        if self.failure is not None:
            raise self.failure
        return AlertPage(rows=())

    async def stats(self, query: StatsQuery) -> Stats:
        raise NotImplementedError

    async def hello(self) -> Hello:
        raise NotImplementedError

    async def snapshot(self) -> Snapshot:
        raise NotImplementedError

    def subscribe(self, after: Position) -> AbstractAsyncContextManager[AsyncIterator[Update]]:
        raise NotImplementedError

    async def alert(self, alert_id: int) -> AlertDetail:
        raise NotImplementedError

    def tail(self, tail_id: str) -> AbstractAsyncContextManager[AsyncIterator[TailBatch]]:
        raise NotImplementedError

    async def logs_around(self, alert_id: int, *, limit: int = 50) -> tuple[LogEvent, ...]:
        raise NotImplementedError

    async def matching(self, matchers: tuple[Matcher, ...]) -> tuple[AlertRow, ...]:
        raise NotImplementedError

    async def fetch_logs(self, spec: TailSpec, *, start_ms: int, end_ms: int, limit: int) -> tuple[LogEvent, ...]:
        raise NotImplementedError

    def query_logs(self, spec: QuerySpec) -> AbstractAsyncContextManager[AsyncIterator[QueryProgress]]:
        raise NotImplementedError


class Answer(msgspec.Struct, frozen=True):
    """What an answer's body may hold."""

    status: str
    alert_id: str | None = None
    created: bool | None = None
    ignored: tuple[str, ...] = ()
    error: str = ""
    field: str = ""
    message: str = ""
    store: str = ""


class Sender:
    """Posts to one ingest server."""

    def __init__(self, client: httpx.AsyncClient, address: str) -> None:
        self.client = client
        self.address = address

    async def post(self, content: bytes | AsyncIterator[bytes], **headers: str) -> tuple[int, Answer, httpx.Headers]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = await self.client.post(
            "/webhook/alert", content=content, headers={"Content-Type": "application/json", **named}
        )
        assert response.headers["Content-Type"].startswith("application/json")
        return response.status_code, msgspec.json.decode(response.content, type=Answer), response.headers

    @property
    def host_port(self) -> tuple[str, int]:
        host, _, port = self.address.rpartition(":")
        return host, int(port)


def config(**http: object) -> Config:
    """A configuration that listens on a free loopback port; ``http`` overrides."""
    values = {"listen": "127.0.0.1:0", **http}
    return Config(home=Path("/nonexistent"), http=HttpConfig(**values))  # type: ignore[arg-type] # the caller's own types


@asynccontextmanager
async def serving(
    operator: StandIn,
    settings: Config,
    *,
    clock: Clock | None = None,
    body_timeout_s: float = 20.0,
    operator_of: Callable[[Actor], StandIn] | None = None,
) -> AsyncIterator[Sender]:
    """A real server before ``operator``."""
    app = build_app(
        operator_of or (lambda _: operator), settings, clock or SystemClock(), body_timeout_s=body_timeout_s
    )
    async with serve_ingest(app, settings.http.listen) as address:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(
            base_url=f"http://{address}", limits=limits, timeout=30, trust_env=False
        ) as client:
            yield Sender(client, address)
