"""The simulated CloudWatch Logs as a server on loopback: AWS JSON 1.1, signatures not verified."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import msgspec
from aiohttp import web

from jinkies.clock import Clock, SystemClock
from jinkies.serving import listen_on, served
from jinkies.simulators.cloudwatch import requests
from jinkies.simulators.cloudwatch.errors import ServiceError, throttled
from jinkies.simulators.cloudwatch.faults import Fault, Faults, Kind, RateLimit, error_of
from jinkies.simulators.cloudwatch.live import LiveTails
from jinkies.simulators.cloudwatch.pages import describe_log_groups, filter_log_events
from jinkies.simulators.cloudwatch.queries import Queries
from jinkies.simulators.cloudwatch.world import World, name_of

TARGET = "Logs_20140328."
MAX_REQUEST_BYTES = 2 * 1_048_576
MAX_CALLS = 20_000
MAX_RECORDED_BODY = 20_000  # bytes; longer bodies are cut in the recording
STOP_S = 0.2

_JSON = "application/x-amz-json-1.1"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came, and how it was answered."""

    at_ms: int
    action: str
    body: str
    status: int  # 0: the connection was dropped
    error: str = ""  # the error's name
    events: int = 0  # given


class SimulatedCloudWatch:
    """A CloudWatch Logs on 127.0.0.1; an async context manager that serves while it is entered.

    Args:
        world: what it holds.
        clock: its time: what is visible when, and how long faults last.
        port: 0 takes a free one.
        rate_per_s: FilterLogEvents that it answers a second, more are throttled; None is no limit.
        page_delay_s: added to each FilterLogEvents, as the real service takes its time.
        seed: of what sampling leaves out.
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        clock: Clock | None = None,
        port: int = 0,
        rate_per_s: float | None = None,
        page_delay_s: float = 0.0,
        seed: int = 1,
    ) -> None:
        self.world = world if world is not None else World()
        self.faults = Faults()
        self.calls: deque[Call] = deque(maxlen=MAX_CALLS)  # overflow: the oldest are forgotten
        self.page_delay_s = page_delay_s
        self.address = ""  # "http://127.0.0.1:<port>" while it serves
        self._clock = clock if clock is not None else SystemClock()
        self._port = port
        self._rate = RateLimit(rate_per_s)
        self.live = LiveTails(self.world, self.faults, self._clock, seed=seed)
        self.queries = Queries(self.world, self._clock)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.router.add_post("/", self._serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_S, handler_cancellation=True)
        listener = listen_on("127.0.0.1", self._port)
        await self._stack.enter_async_context(served(runner, listener))
        self.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def fault(self, *faults: Fault) -> None:
        """Plan what goes wrong."""
        self.faults.add(*faults)

    def asked(self, action: str = "FilterLogEvents") -> list[Call]:
        """The calls of an action so far, oldest first."""
        return [call for call in self.calls if call.action == action]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        at_ms, body = self._clock.now_ms(), await request.read()
        action = request.headers.get("X-Amz-Target", "").removeprefix(TARGET)
        status, code, events = 200, "", 0
        try:
            await self._hinder(action, body)
            if action == "StartLiveTail":
                ask = requests.decoded(body, requests.StartLiveTail)
                groups = self.live.check(ask)
                return await self.live.serve(request, ask, groups)
            answer, events = self._answer(action, body)
        except ServiceError as error:
            answer, status, code = error.body(), error.status, error.code
        except ConnectionAbortedError:
            status = 0
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        finally:
            text = body[:MAX_RECORDED_BODY].decode("utf-8", "replace")
            self.calls.append(Call(at_ms=at_ms, action=action, body=text, status=status, error=code, events=events))
        headers = {"x-amzn-RequestId": f"request-{len(self.calls)}", "Content-Type": _JSON}
        return web.Response(body=answer, status=status, headers=headers)

    async def _hinder(self, action: str, body: bytes) -> None:
        """Wait as long as asked for, then refuse. Raises ``ServiceError``, or ``ConnectionAbortedError`` for a drop."""
        groups = _groups(body)
        delay_s = self.faults.value(Kind.DELAY, self._clock.now_ms(), action, groups, 0.0)
        if action == "FilterLogEvents":
            delay_s += self.page_delay_s
        if delay_s:
            await self._clock.sleep(delay_s)
        if action == "FilterLogEvents" and not self._rate.take(self._clock.monotonic_s()):
            raise throttled()
        fault = self.faults.refusal(self._clock.now_ms(), action, groups)
        if fault is not None:
            raise error_of(fault, action) or ConnectionAbortedError

    def _answer(self, action: str, body: bytes) -> tuple[bytes, int]:
        """The body, and how many log events it holds. Raises ``ServiceError``."""
        if action == "FilterLogEvents":
            ask = requests.decoded(body, requests.FilterLogEvents)
            return filter_log_events(ask, self.world, self.faults, self._clock.now_ms())
        answers: dict[str, Callable[[], bytes]] = {
            "DescribeLogGroups": lambda: describe_log_groups(
                requests.decoded(body, requests.DescribeLogGroups), self.world
            ),
            "StartQuery": lambda: self.queries.start(requests.decoded(body, requests.StartQuery)),
            "GetQueryResults": lambda: self.queries.results(requests.decoded(body, requests.GetQueryResults)),
            "StopQuery": lambda: self.queries.stop(requests.decoded(body, requests.StopQuery)),
            "PutLogEvents": lambda: self._put(requests.decoded(body, requests.PutLogEvents)),
        }
        if action not in answers:
            raise ServiceError("UnknownOperationException", f"this simulator does not know {action[:80]!r}")
        return answers[action](), 0

    def _put(self, ask: requests.PutLogEvents) -> bytes:
        self.world.group(ask.log_group_name)
        now_ms = self._clock.now_ms()
        for event in ask.log_events:
            stream = ask.log_stream_name
            self.world.put(ask.log_group_name, event.message, event.timestamp, stream=stream, ingestion_ms=now_ms)
        return b"{}"


class _Named(msgspec.Struct, frozen=True, rename="camel"):
    """The members by which requests name log groups."""

    log_group_name: str | None = None
    log_group_identifier: str | None = None
    log_group_identifiers: list[str] = []
    log_group_names: list[str] = []


def _groups(body: bytes) -> Iterable[str]:
    """The names of the groups that a request is about, as far as it can be read."""
    try:
        named = msgspec.json.decode(body, type=_Named)
        given = [named.log_group_name, named.log_group_identifier, *named.log_group_identifiers, *named.log_group_names]
        return tuple(name_of(group) for group in given if group)
    except (msgspec.DecodeError, ServiceError):
        return ()


async def serve_until(simulator: SimulatedCloudWatch, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Serve; ``ready`` is called once it listens."""
    async with simulator:
        ready()
        await stop.wait()
