"""The attached Operator: the same protocol over the Unix socket, by httpx."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from jinkies.commands import AnyCommand, Outcome
from jinkies.errors import Disconnected, ProtocolMismatch
from jinkies.events import PROTOCOL, Heartbeat, Hello, Position, Snapshot, Update
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
    QueryState,
    TailBatch,
    TailSpec,
)
from jinkies.operator import Hosting
from jinkies.stats import Stats, StatsQuery
from jinkies.wire.codec import (
    PROTOCOL_HEADER,
    SILENCE_S,
    ExecuteBody,
    FetchLogsBody,
    MatchingBody,
    QueryLine,
    TailLine,
    UpdateLine,
    WireError,
    decode_error,
)
from jinkies.wire.lean import httpx

REQUEST_TIMEOUT_S = 30.0
LINE_LIMIT_BYTES = 64 * 1_048_576  # a batch of wide log events; more than that is no peer of ours

_encode = msgspec.json.Encoder().encode
_update_line = msgspec.json.Decoder(UpdateLine).decode
_query_line = msgspec.json.Decoder(QueryLine).decode
_tail_line = msgspec.json.Decoder(TailLine).decode
_T = TypeVar("_T")


@asynccontextmanager
async def attach(path: Path) -> AsyncIterator[AttachedOperator]:
    """Attach to the core that serves this socket. Raises ``Disconnected`` or ``ProtocolMismatch``."""
    # There is no TLS on a Unix socket; loading the certificate store all the same would cost 70 ms of every start.
    transport = httpx.AsyncHTTPTransport(uds=str(path), verify=False)
    async with httpx.AsyncClient(
        transport=transport,
        base_url="http://core",
        headers={PROTOCOL_HEADER: str(PROTOCOL)},
        timeout=httpx.Timeout(REQUEST_TIMEOUT_S, connect=5.0),
        trust_env=False,
    ) as client:
        operator = AttachedOperator(client)
        hello = await operator.hello()
        if hello.protocol != PROTOCOL:
            raise ProtocolMismatch(f"the core speaks protocol {hello.protocol}, this program {PROTOCOL}")
        yield operator


class AttachedOperator:
    """See ``jinkies.operator.Operator``. Survives restarts of the core: each call connects anew where it must."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @property
    def hosting(self) -> Hosting:
        """Attached."""
        return Hosting.ATTACHED

    async def hello(self) -> Hello:
        """Who answers."""
        return await self._ask("GET", "/v1/hello", Hello)

    async def execute(
        self, command: AnyCommand, *, on_behalf_of: Actor | None = None, key: str | None = None
    ) -> Outcome:
        """See ``Operator.execute``. After ``Disconnected`` only a key makes asking again safe."""
        body = ExecuteBody(command=command, on_behalf_of=on_behalf_of, key=key)
        return await self._ask("POST", "/v1/execute", Outcome, body)

    async def snapshot(self) -> Snapshot:
        """See ``Operator.snapshot``."""
        return await self._ask("GET", "/v1/snapshot", Snapshot)

    async def alerts(self, query: AlertQuery) -> AlertPage:
        """See ``Operator.alerts``."""
        return await self._ask("POST", "/v1/alerts", AlertPage, query)

    async def stats(self, query: StatsQuery) -> Stats:
        """See ``Operator.stats``."""
        return await self._ask("POST", "/v1/stats", Stats, query)

    async def alert(self, alert_id: int) -> AlertDetail:
        """See ``Operator.alert``."""
        return await self._ask("GET", f"/v1/alerts/{alert_id}", AlertDetail)

    async def matching(self, matchers: tuple[Matcher, ...]) -> tuple[AlertRow, ...]:
        """See ``Operator.matching``."""
        return await self._ask("POST", "/v1/matching", tuple[AlertRow, ...], MatchingBody(matchers=matchers))

    async def logs_around(self, alert_id: int, *, limit: int = 50) -> tuple[LogEvent, ...]:
        """See ``Operator.logs_around``."""
        return await self._ask("GET", f"/v1/alerts/{alert_id}/logs?limit={limit}", tuple[LogEvent, ...])

    async def fetch_logs(self, spec: TailSpec, *, start_ms: int, end_ms: int, limit: int) -> tuple[LogEvent, ...]:
        """See ``Operator.fetch_logs``."""
        body = FetchLogsBody(spec=spec, start_ms=start_ms, end_ms=end_ms, limit=limit)
        return await self._ask("POST", "/v1/logs", tuple[LogEvent, ...], body)

    @asynccontextmanager
    async def subscribe(self, after: Position) -> AsyncIterator[AsyncIterator[Update]]:
        """See ``Operator.subscribe``."""
        path = f"/v1/subscribe?epoch={after.epoch}&after={after.seq}"
        async with self._open(path) as lines, contextlib.aclosing(_updates(lines)) as updates:
            yield updates

    @asynccontextmanager
    async def tail(self, tail_id: str) -> AsyncIterator[AsyncIterator[TailBatch]]:
        """See ``Operator.tail``."""
        async with self._open(f"/v1/tails/{tail_id}") as lines, contextlib.aclosing(_batches(lines)) as batches:
            yield batches

    @asynccontextmanager
    async def query_logs(self, spec: QuerySpec) -> AsyncIterator[AsyncIterator[QueryProgress]]:
        """See ``Operator.query_logs``."""
        async with self._open("/v1/logs/query", spec) as lines, contextlib.aclosing(_progress(lines)) as progress:
            yield progress

    async def _ask(self, method: str, path: str, kind: type[_T], body: msgspec.Struct | None = None) -> _T:
        content = None if body is None else _encode(body)
        with _translated():
            response = await self._client.request(method, path, content=content)
        if response.status_code != 200:
            raise _refusal(response.content)
        with _understood():
            return msgspec.json.decode(response.content, type=kind)

    @asynccontextmanager
    async def _open(self, path: str, body: msgspec.Struct | None = None) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        timeout = httpx.Timeout(REQUEST_TIMEOUT_S, connect=5.0, read=SILENCE_S)
        method, content = ("GET", None) if body is None else ("POST", _encode(body))
        with _translated():
            async with self._client.stream(method, path, content=content, timeout=timeout) as response:
                if response.status_code != 200:
                    raise _refusal(await response.aread())
                async with contextlib.aclosing(_lines(response)) as lines:
                    yield lines


async def _lines(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    held = b""
    with _translated():
        async for chunk in response.aiter_bytes():
            *whole, held = (held + chunk).split(b"\n")
            for line in whole:
                yield line
            if len(held) > LINE_LIMIT_BYTES:
                raise Disconnected(f"the core sent a line of more than {LINE_LIMIT_BYTES:,} bytes")
    raise Disconnected("the core closed the stream")


async def _updates(lines: AsyncIterator[bytes]) -> AsyncGenerator[Update, None]:
    async for line in lines:
        with _understood():
            update = _update_line(line)
        if isinstance(update, WireError):
            raise decode_error(update)
        yield update


async def _batches(lines: AsyncIterator[bytes]) -> AsyncGenerator[TailBatch, None]:
    async for line in lines:
        with _understood():
            batch = _tail_line(line)
        if isinstance(batch, WireError):
            raise decode_error(batch)
        if not isinstance(batch, Heartbeat):
            yield batch


async def _progress(lines: AsyncIterator[bytes]) -> AsyncGenerator[QueryProgress, None]:
    async for line in lines:
        with _understood():
            progress = _query_line(line)
        if isinstance(progress, WireError):
            raise decode_error(progress)
        if not isinstance(progress, Heartbeat):
            yield progress
            if progress.state is QueryState.COMPLETE:
                return


def _refusal(content: bytes) -> Exception:
    try:
        return decode_error(msgspec.json.decode(content, type=WireError))
    except msgspec.DecodeError:
        return Disconnected("what answers on the socket is no core")


@contextlib.contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolMismatch(
            f"what the core says makes no sense here ({error}): update the older of the two"
        ) from error


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except httpx.TransportError as error:
        reason = str(error) or type(error).__name__
        raise Disconnected(f"the core does not answer: {reason}") from error
