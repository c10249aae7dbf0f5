"""The control API: HTTP on a Unix socket that only its owner may open. Never on TCP.

``curl --unix-socket $JINKIES_HOME/core.sock -H 'Jinkies-Protocol: 1' http://core/v1/hello`` shows it working.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
from aiohttp import web

from jinkies.core import Core
from jinkies.embedded import EmbeddedOperator
from jinkies.errors import (
    AlreadyRunning,
    CommandError,
    Forbidden,
    Invalid,
    JinkiesError,
    NotConfigured,
    NotFound,
    ProtocolMismatch,
    Unavailable,
)
from jinkies.events import PROTOCOL, Heartbeat, Position
from jinkies.model import AlertQuery, QuerySpec
from jinkies.serving import served
from jinkies.stats import StatsQuery
from jinkies.wire.codec import (
    BODY_LIMIT_BYTES,
    HEARTBEAT_S,
    PROTOCOL_HEADER,
    ExecuteBody,
    FetchLogsBody,
    MatchingBody,
    encode_error,
)
from jinkies.wire.peer import local_actor, may_attach, peer_uid

SEND_BUFFER_BYTES = 65_536  # small, so that a slow reader is noticed by its queue and not hidden by the kernel

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
_T = TypeVar("_T")
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serve_socket(core: Core, path: Path) -> AsyncIterator[None]:
    """Serve the control API while the context lasts. The caller holds the core's lock, so a socket there is stale."""
    listening = bind_private(path)
    runner = web.AppRunner(
        build_app(core), access_log=None, handler_cancellation=True, shutdown_timeout=0.5, keepalive_timeout=60
    )
    try:
        async with served(runner, listening):
            yield
    finally:
        _remove(path)


def bind_private(path: Path) -> socket.socket:
    """A listening socket of mode 0600. Raises ``AlreadyRunning`` when it can't be bound."""
    _remove(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listening.bind(str(path))
    except OSError as error:
        listening.close()
        raise AlreadyRunning(f"cannot listen on {path}: {error}") from error
    finally:
        os.umask(mask)
    listening.setblocking(False)
    listening.listen(128)
    return listening


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def build_app(core: Core) -> web.Application:
    """The routes."""
    api = _Api(core)
    app = web.Application(middlewares=[api.guard], client_max_size=BODY_LIMIT_BYTES)
    app.router.add_get("/v1/hello", api.hello)
    app.router.add_post("/v1/execute", api.execute)
    app.router.add_get("/v1/snapshot", api.snapshot)
    app.router.add_get("/v1/subscribe", api.subscribe)
    app.router.add_post("/v1/alerts", api.alerts)
    app.router.add_post("/v1/matching", api.matching)
    app.router.add_get("/v1/alerts/{alert_id}", api.alert)
    app.router.add_post("/v1/stats", api.stats)
    app.router.add_get("/v1/alerts/{alert_id}/logs", api.logs_around)
    app.router.add_post("/v1/logs", api.fetch_logs)
    app.router.add_get("/v1/tails/{tail_id}", api.tail)
    app.router.add_post("/v1/logs/query", api.query_logs)
    return app


class _Api:
    """Translates requests into calls of the Operator, and errors into answers."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @web.middleware
    async def guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            self._check_protocol(request)
            return await handler(request)
        except JinkiesError as error:
            return web.Response(
                body=_encode(encode_error(error)), status=_status(error), content_type="application/json"
            )
        except web.HTTPException as error:
            kind = NotFound if error.status == 404 else Invalid
            said = f"at most {BODY_LIMIT_BYTES:,} bytes" if error.status == 413 else error.reason
            wrapped = kind(f"{request.method} {request.path}: {said}")
            return web.Response(
                body=_encode(encode_error(wrapped)), status=error.status, content_type="application/json"
            )
        except Exception:
            _log.exception("%s %s failed", request.method, request.path)
            fault = JinkiesError("internal error: the core's log says more")
            return web.Response(body=_encode(encode_error(fault)), status=500)

    @staticmethod
    def _check_protocol(request: web.Request) -> None:
        spoken = request.headers.get(PROTOCOL_HEADER)
        if spoken != str(PROTOCOL):
            raise ProtocolMismatch(
                f"this core speaks protocol {PROTOCOL}, the caller {spoken or 'none'}: update the older of the two"
            )

    def _operator(self, request: web.Request) -> EmbeddedOperator:
        connection = request.transport.get_extra_info("socket") if request.transport else None
        if connection is None:
            raise Forbidden("the connection is gone")
        uid = peer_uid(connection)
        if not may_attach(uid):
            raise Forbidden(f"user id {uid} may not attach to this core")
        return self._core.operator(local_actor(uid))

    async def hello(self, request: web.Request) -> web.Response:
        return _answer(await self._operator(request).hello())

    async def execute(self, request: web.Request) -> web.Response:
        operator = self._operator(request)
        body = await _body(request, ExecuteBody)
        return _answer(await operator.execute(body.command, on_behalf_of=body.on_behalf_of, key=body.key))

    async def snapshot(self, request: web.Request) -> web.Response:
        return _answer(await self._operator(request).snapshot())

    async def alerts(self, request: web.Request) -> web.Response:
        operator = self._operator(request)
        return _answer(await operator.alerts(await _body(request, AlertQuery)))

    async def stats(self, request: web.Request) -> web.Response:
        operator = self._operator(request)
        return _answer(await operator.stats(await _body(request, StatsQuery)))

    async def alert(self, request: web.Request) -> web.Response:
        operator = self._operator(request)
        return _answer(await operator.alert(_number(request.match_info["alert_id"], "alert_id")))

    async def matching(self, request: web.Request) -> web.Response:
        operator = self._operator(request)
        body = await _body(request, MatchingBody)
        return _answer(await operator.matching(body.matchers))

    async def logs_around(self, request: web.Request) -> web.Response:
        operator = self._operator(request)
        alert_id = _number(request.match_info["alert_id"], "alert_id")
        limit = _number(request.query.get("limit", "50"), "limit")
        return _answer(await operator.logs_around(alert_id, limit=limit))

    async def fetch_logs(self, request: web.Request) -> web.Response:
        operator = self._operator(request)
        body = await _body(request, FetchLogsBody)
        return _answer(
            await operator.fetch_logs(body.spec, start_ms=body.start_ms, end_ms=body.end_ms, limit=body.limit)
        )

    async def subscribe(self, request: web.Request) -> web.StreamResponse:
        self._operator(request)
        after = Position(request.query.get("epoch", ""), _number(request.query.get("after", ""), "after"))
        async with self._core.subscribe(after) as published:
            lines = (one.body async for one in published)
            return await _stream(request, lines, lambda: _encode(Heartbeat(seq=self._core.hub.head)))

    async def tail(self, request: web.Request) -> web.StreamResponse:
        operator = self._operator(request)
        async with operator.tail(request.match_info["tail_id"]) as batches:
            lines = (_encode(batch) async for batch in batches)
            return await _stream(request, lines, lambda: _encode(Heartbeat(seq=self._core.hub.head)))

    async def query_logs(self, request: web.Request) -> web.StreamResponse:
        operator = self._operator(request)
        spec = await _body(request, QuerySpec)
        async with operator.query_logs(spec) as progress:
            lines = (_encode(one) async for one in progress)
            return await _stream(request, lines, lambda: _encode(Heartbeat(seq=self._core.hub.head)))


async def _stream(
    request: web.Request, lines: AsyncIterator[bytes], heartbeat: Callable[[], bytes]
) -> web.StreamResponse:
    """NDJSON with heartbeats; an error becomes the last line. A reader that goes away cancels the handler."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    if request.transport is not None:
        request.transport.set_write_buffer_limits(high=SEND_BUFFER_BYTES)
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    await response.prepare(request)
    upcoming = asyncio.ensure_future(anext(lines))
    try:
        while True:
            done, _ = await asyncio.wait({upcoming}, timeout=HEARTBEAT_S)
            line = upcoming.result() if done else heartbeat()
            if done:
                upcoming = asyncio.ensure_future(anext(lines))
            await response.write(line + b"\n")
    except StopAsyncIteration:
        pass
    except JinkiesError as error:
        await response.write(_encode(encode_error(error)) + b"\n")
    except ConnectionResetError:
        return response
    finally:
        upcoming.cancel()
        await asyncio.wait({upcoming})
    await response.write_eof()
    return response


def _answer(value: msgspec.Struct | tuple[msgspec.Struct, ...]) -> web.Response:
    return web.Response(body=_encode(value), content_type="application/json")


async def _body(request: web.Request, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{request.path}: {error}") from error


def _number(text: str, field: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid(f"{field}: {text[:40]!r} is not a whole number")
    return int(text)


def _status(error: JinkiesError) -> int:
    match error:
        case Forbidden():
            return 403
        case NotFound():
            return 404
        case CommandError() | NotConfigured():
            return 409
        case ProtocolMismatch():
            return 426
        case Unavailable():
            return 503
        case _:
            return 500
