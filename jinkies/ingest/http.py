"""The HTTP server that takes alerts in: one address a wire format (``routes.py``); ``/health`` and ``/metrics``.

An answer of 2xx is given only after ``operator.execute`` returned, that is after the alert is durable. What comes from
outside is bounded before it is parsed, and a sender that dawdles is cut off. No format sees a body before that.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from jinkies.clock import Clock
from jinkies.commands import Outcome
from jinkies.config import Config
from jinkies.errors import JinkiesError, StoreFailed
from jinkies.events import Snapshot
from jinkies.ingest.answers import Health, answer, answer_error
from jinkies.ingest.auth import KEY_HEADER, SIGNATURE_HEADER, Gate, Unauthorized
from jinkies.ingest.body import Bounds, encoding_of, receive, unpack
from jinkies.ingest.metrics import CONTENT_TYPE, render
from jinkies.ingest.rate import RateLimit
from jinkies.ingest.refusals import BadField, MalformedJson, Refused, TooLarge
from jinkies.ingest.routes import all_ways
from jinkies.ingest.senders import Senders, sender_actor
from jinkies.ingest.ways import AnyReport, Incoming, Parsed, Way
from jinkies.model import Actor, AlertPage, AlertQuery, PartHealth, PartState

BODY_TIMEOUT_S = 20.0
HEALTH_TIMEOUT_S = 5.0
FAILURE_SHOWN_MS = 30_000
INLINE_BYTES = 65_536  # larger bodies are unpacked and parsed in a thread, so that the loop stays quick
LARGE_AT_ONCE = 8  # of those; the others wait, packed: this bounds the memory that senders can take
ANY_SITE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After, X-Sentry-Rate-Limits, X-Sentry-Error",
}
PREFLIGHT = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Content-Type, Content-Encoding, Authorization, X-Sentry-Auth",
    "Access-Control-Max-Age": "86400",
}

_REFUSALS = (Refused, Unauthorized, MalformedJson, BadField, JinkiesError, web.HTTPException)
_log = logging.getLogger(__name__)


class Desk(Protocol):
    """What of the Operator the server asks for, for one sender."""

    async def execute(self, command: AnyReport, *, key: str | None = None) -> Outcome:
        """See ``Operator.execute``."""

    async def alerts(self, query: AlertQuery) -> AlertPage:
        """See ``Operator.alerts``."""

    async def snapshot(self) -> Snapshot:
        """See ``Operator.snapshot``."""


def build_app(
    operator_of: Callable[[Actor], Desk],
    config: Config,
    clock: Clock,
    *,
    ways: tuple[Way, ...] | None = None,
    report: Callable[[PartHealth], None] = lambda _: None,
    body_timeout_s: float = BODY_TIMEOUT_S,
) -> web.Application:
    """The ingest application.

    Args:
        operator_of: the operator of a sender.
        config: its ``http`` part bounds size and rate, and holds the tokens.
        clock: for the rate and for timestamps of signatures.
        ways: the formats that are taken in; None: all that there are.
        report: told when the file of tokens can't be used, and when it can again.
        body_timeout_s: how long a whole body may take to come in.
    """
    ingest = _Ingest(operator_of, config, clock, report, body_timeout_s)
    app = web.Application(middlewares=[_every_error_is_json], client_max_size=config.http.max_body_bytes)
    for way in all_ways(config, clock) if ways is None else ways:
        app.router.add_post(way.path, ingest.handler(way))
        if way.any_site:
            app.router.add_route("OPTIONS", way.path, _preflight)
    app.router.add_get("/health", ingest.health)
    app.router.add_get("/metrics", ingest.metrics)
    return app


class _Ingest:
    """The way of a request through the server, the same for every format."""

    def __init__(
        self,
        operator_of: Callable[[Actor], Desk],
        config: Config,
        clock: Clock,
        report: Callable[[PartHealth], None],
        body_timeout_s: float,
    ) -> None:
        self._operator_of = operator_of
        self._report = report
        self._clock = clock
        self._gate = Gate(Senders(config.http, self._tokens_changed), clock)
        self._rate = RateLimit(config.http.max_per_second, clock)
        self._bounds = Bounds(
            packed_bytes=config.http.max_body_bytes,
            unpacked_bytes=config.http.max_unpacked_bytes,
            timeout_s=body_timeout_s,
        )
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self._store_failed_at_ms: int | None = None
        self._answers: Counter[int] = Counter()  # statuses of answers to senders

    def handler(self, way: Way) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """The handler of one format."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                response = await self._take_in(way, request)
            except _REFUSALS as error:
                response = way.answer_error(error)
            except Exception as error:
                _log_fault(error)
                response = way.answer_error(error)
            if way.any_site:
                response.headers.update(ANY_SITE)
            self._answers[response.status] += 1
            return response

        return handle

    async def _take_in(self, way: Way, request: web.Request) -> web.Response:
        sender = self._check_head(way, request)
        _check_content(way, request)
        encoding, key = encoding_of(request), _idempotency_key(request)
        if way.prove is not None and encoding:
            raise Refused(
                415, "content_encoding", "send the body as it is: nothing is unpacked for who is not known yet"
            )
        packed = await receive(request, self._bounds)
        if sender is None and SIGNATURE_HEADER in request.headers:
            sender = self._gate.check_body(request.headers, packed)
        if not way.packed_inside:
            try:
                body = unpack(packed, encoding, INLINE_BYTES)
            except TooLarge:
                pass
            else:
                return await self._read(way, request, sender, body, key)
        async with self._large:
            body = await asyncio.to_thread(unpack, packed, encoding, self._bounds.unpacked_bytes)
            return await self._read(way, request, sender, body, key)

    def _check_head(self, way: Way, request: web.Request) -> str | None:
        """The sender's name, None while it isn't known."""
        if way.prove is not None:
            return None
        return self._gate.check_headers(
            request.headers,
            request.remote,
            token=way.token(request),
            later=way.token_of_body is not None,
        )

    async def _read(
        self, way: Way, request: web.Request, sender: str | None, body: bytes, key: str | None
    ) -> web.Response:
        incoming = Incoming(
            sender=sender or "",
            headers=request.headers,
            path=request.match_info,
            query=request.query,
            body=body,
            now_ms=self._clock.now_ms(),
        )
        if way.prove is not None:
            incoming = msgspec.structs.replace(incoming, sender=await way.prove(incoming))
        elif sender is None:
            shown = way.token_of_body(body) if way.token_of_body is not None else None
            incoming = msgspec.structs.replace(incoming, sender=self._gate.check_token(shown))
        if way.packed_inside or len(body) > INLINE_BYTES:
            parsed = await asyncio.to_thread(way.parse, incoming)
        else:
            parsed = way.parse(incoming)
        outcome = await self._execute(parsed, incoming.sender, key)
        return parsed.answer(outcome)

    async def _execute(self, parsed: Parsed, sender: str, key: str | None) -> Outcome:
        if parsed.command is None:
            return Outcome(changed=False, reason="nothing to take in")
        wait_s = self._rate.take()
        if wait_s:
            raise Refused(429, "rate", f"more than the configured rate: try again in {wait_s} s", retry_after_s=wait_s)
        operator = self._operator_of(sender_actor(sender))
        try:
            outcome = await operator.execute(parsed.command, key=parsed.key or key)
            for part in parsed.more:
                done = await operator.execute(part.command, key=part.key)
                outcome = msgspec.structs.replace(outcome, items=outcome.items + done.items)
        except StoreFailed:
            self._store_failed_at_ms = self._clock.now_ms()
            raise
        self._store_failed_at_ms = None
        return outcome

    async def health(self, _request: web.Request) -> web.Response:
        """``GET /health``: 200, or 503 when the store can't be read or failed to write a moment ago."""
        store = "failed" if self._just_failed() else "ok"
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_S):
                await self._operator_of(sender_actor("health")).alerts(AlertQuery(limit=1))
        except (JinkiesError, TimeoutError):
            store = "failed"
        if store == "ok":
            return answer(200, Health(status="ok", store=store))
        return answer(503, Health(status="failing", store=store), {"Retry-After": "5"})

    async def metrics(self, request: web.Request) -> web.Response:
        """``GET /metrics``, for Prometheus: with any sender's token, or from this machine."""
        self._gate.check_reader(request.headers, request.remote)
        snapshot = await self._operator_of(sender_actor("metrics")).snapshot()
        text = render(snapshot, self._answers)
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

    def _just_failed(self) -> bool:
        at_ms = self._store_failed_at_ms
        return at_ms is not None and self._clock.now_ms() - at_ms < FAILURE_SHOWN_MS

    def _tokens_changed(self, problem: str) -> None:
        state = PartState.FAILED if problem else PartState.OK
        self._report(PartHealth(part="tokens", state=state, detail=problem or "read from their file"))


def _check_content(way: Way, request: web.Request) -> None:
    """Besides being clear, it keeps web pages of other sites from posting here unasked: forms can't send JSON."""
    if way.content_types is None:
        return
    if request.content_type not in way.content_types or "Content-Type" not in request.headers:
        given = request.headers.get("Content-Type")
        shown = f"got {given[:100]!a}" if given else "none was sent"
        raise Refused(415, "content_type", f"send Content-Type: {' or '.join(sorted(way.content_types))} ({shown})")
    charset = (request.charset or "utf-8").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise Refused(415, "content_type", f"send UTF-8, not {charset[:40]!a}")


def _idempotency_key(request: web.Request) -> str | None:
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return None
    if not 1 <= len(key) <= 200 or not key.isprintable():
        raise BadField(KEY_HEADER, "must be 1 to 200 printable characters")
    return key


async def _preflight(_request: web.Request) -> web.Response:
    """A browser asks before its page may send (the Fetch standard's preflight)."""
    return web.Response(status=204, headers=PREFLIGHT)


@web.middleware
async def _every_error_is_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except _REFUSALS as error:
        return answer_error(error)
    except Exception as error:
        _log_fault(error)
        return answer_error(error)


def _log_fault(error: Exception) -> None:
    """No message and no traceback: they may quote the alert or the token."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    _log.error("ingest failed with %s in %s, line %s", type(error).__name__, last.name, last.lineno)
