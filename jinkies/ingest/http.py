"""The HTTP server that takes alerts in: ``POST /webhook/alert`` and ``GET /health``.

An answer of 2xx is given only after ``operator.execute`` returned, that is after the alert is durable. Every answer is
JSON. What comes from outside is bounded before it is parsed, and a sender that dawdles is cut off.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from jinkies.clock import Clock
from jinkies.config import Config
from jinkies.errors import ConfigError, JinkiesError, StoreFailed
from jinkies.ingest import own_json
from jinkies.ingest.answers import Health, Refused, answer, answer_error, answer_outcome
from jinkies.ingest.auth import KEY_HEADER, Gate, Unauthorized, refuse_open_listen, split_listen
from jinkies.ingest.fields import BadField
from jinkies.ingest.rate import RateLimit
from jinkies.model import AlertQuery
from jinkies.operator import Operator

__all__ = ["build_app", "refuse_open_listen", "serve_ingest"]

BODY_TIMEOUT_S = 20.0
HEALTH_TIMEOUT_S = 5.0
IDLE_TIMEOUT_S = 75.0
SHUTDOWN_TIMEOUT_S = 10.0
FAILURE_SHOWN_MS = 30_000

_log = logging.getLogger(__name__)


def build_app(
    operator: Operator, config: Config, clock: Clock, *, body_timeout_s: float = BODY_TIMEOUT_S
) -> web.Application:
    """The ingest application.

    Args:
        operator: acts as the ingest actor already.
        config: its ``http`` part bounds size and rate, and holds the token.
        clock: for the rate and for timestamps of signatures.
        body_timeout_s: how long a whole body may take to come in.
    """
    ingest = _Ingest(operator, config, clock, body_timeout_s)
    app = web.Application(middlewares=[_every_error_is_json], client_max_size=config.http.max_body_bytes)
    app.router.add_post("/webhook/alert", ingest.alert)
    app.router.add_get("/health", ingest.health)
    return app


@asynccontextmanager
async def serve_ingest(
    app: web.Application, listen: str, *, idle_timeout_s: float = IDLE_TIMEOUT_S
) -> AsyncIterator[str]:
    """Listen on ``host:port`` and yield the address that came of it; port 0 takes a free one.

    A connection on which no whole request head comes within ``idle_timeout_s`` is closed, a fresh one too.
    Leaving stops accepting, lets requests under way finish for at most 10 s, then closes.

    Raises:
        ConfigError: not an address, or not one that can be listened on.
    """
    host, port = split_listen(listen)
    host = "127.0.0.1" if host.lower() == "localhost" else host
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_of_the_server(),
        auto_decompress=False,
        keepalive_timeout=idle_timeout_s,
        shutdown_timeout=SHUTDOWN_TIMEOUT_S,
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port, backlog=1024).start()
        except OSError as error:
            raise ConfigError(
                (f"http.listen: {listen}: {error.strerror or error}; set another address or port",)
            ) from error
        bound_host, bound_port = runner.addresses[0][:2]
        yield f"[{bound_host}]:{bound_port}" if ":" in bound_host else f"{bound_host}:{bound_port}"
    finally:
        await runner.cleanup()


def _of_the_server() -> logging.Logger:
    """One line for a request that is no HTTP: aiohttp would log a traceback and quote it, credentials too."""
    log = logging.getLogger(f"{__name__}.server")
    if not log.filters:
        log.addFilter(_without_traceback)
    return log


def _without_traceback(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        record.msg, record.args = f"{record.getMessage()}: {type(error).__name__}", ()
        record.exc_info = record.exc_text = None
        if isinstance(error, HttpProcessingError):  # the sender's mistake, which its answer says
            record.levelno, record.levelname = logging.INFO, "INFO"
            return logging.getLogger(record.name).isEnabledFor(logging.INFO)
    return True


class _Ingest:
    """The two handlers and what they share."""

    def __init__(self, operator: Operator, config: Config, clock: Clock, body_timeout_s: float) -> None:
        self._operator = operator
        self._clock = clock
        self._gate = Gate(config.http.token, clock)
        self._rate = RateLimit(config.http.max_per_second, clock)
        self._max_body_bytes = config.http.max_body_bytes
        self._body_timeout_s = body_timeout_s
        self._store_failed_at_ms: int | None = None

    async def alert(self, request: web.Request) -> web.Response:
        """``POST /webhook/alert``."""
        to_verify = self._gate.check_headers(request.headers, request.remote)
        _check_content(request)
        key = _idempotency_key(request)
        body = await self._read(request)
        if to_verify:
            self._gate.check_body(request.headers, body)
        parsed = own_json.parse(body, now_ms=self._clock.now_ms())
        wait_s = self._rate.take()
        if wait_s:
            raise Refused(429, "rate", f"more than the configured rate: try again in {wait_s} s", retry_after_s=wait_s)
        try:
            outcome = await self._operator.execute(parsed.command, key=key)
        except StoreFailed:
            self._store_failed_at_ms = self._clock.now_ms()
            raise
        self._store_failed_at_ms = None
        return answer_outcome(outcome, parsed.ignored)

    async def health(self, _request: web.Request) -> web.Response:
        """``GET /health``: 200, or 503 when the store can't be read or failed to write a moment ago."""
        store = "failed" if self._just_failed() else "ok"
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_S):
                await self._operator.alerts(AlertQuery(limit=1))
        except (JinkiesError, TimeoutError):
            store = "failed"
        if store == "ok":
            return answer(200, Health(status="ok", store=store))
        return answer(503, Health(status="failing", store=store), {"Retry-After": "5"})

    def _just_failed(self) -> bool:
        at_ms = self._store_failed_at_ms
        return at_ms is not None and self._clock.now_ms() - at_ms < FAILURE_SHOWN_MS

    async def _read(self, request: web.Request) -> bytes:
        """The body, never holding more than the bound and a chunk, whatever Content-Length says or doesn't."""
        limit = self._max_body_bytes
        too_large = Refused(413, "too_large", f"the body is larger than {limit} bytes ([http] max_body_bytes)")
        if (request.content_length or 0) > limit:
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_timeout_s):
                async for chunk in request.content.iter_any():
                    body += chunk
                    if len(body) > limit:
                        raise too_large
        except TimeoutError:
            message = f"the body did not come within {self._body_timeout_s:g} s"
            raise Refused(408, "timeout", message, close=True) from None
        except (web.RequestPayloadError, ConnectionError) as error:
            raise Refused(400, "incomplete", "the body ended early", close=True) from error
        return bytes(body)


def _check_content(request: web.Request) -> None:
    """Only ``application/json``: besides being clear, it keeps web pages of other sites from posting here unasked."""
    if request.content_type != "application/json" or "Content-Type" not in request.headers:
        given = request.headers.get("Content-Type")
        shown = f"got {given[:100]!a}" if given else "none was sent"
        raise Refused(415, "content_type", f"send Content-Type: application/json ({shown})")
    charset = (request.charset or "utf-8").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise Refused(415, "content_type", f"send UTF-8, not {charset[:40]!a}")
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity":
        raise Refused(415, "content_encoding", f"send the body uncompressed, not {encoding[:40]!a}")


def _idempotency_key(request: web.Request) -> str | None:
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return None
    if not 1 <= len(key) <= 200 or not key.isprintable():
        raise BadField(KEY_HEADER, "must be 1 to 200 printable characters")
    return key


@web.middleware
async def _every_error_is_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except (Refused, Unauthorized, own_json.MalformedJson, BadField, JinkiesError, web.HTTPException) as error:
        return answer_error(error)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        # No message and no traceback: they may quote the alert or the token.
        _log.error("ingest failed with %s in %s, line %s", type(error).__name__, last.name, last.lineno)
        return answer_error(error)
