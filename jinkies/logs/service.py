"""CloudWatch Logs for the rest of the program: fetch, tails and watches behind one object."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from typing import Protocol, Self

from jinkies.clock import Clock
from jinkies.config import Config
from jinkies.errors import Invalid, JinkiesError, NotConfigured
from jinkies.logs.budget import Budget, Lane, Paced, rate_of
from jinkies.logs.fetch import Ask, LineFilter, Page, PageSource, is_full
from jinkies.logs.follow import Follower
from jinkies.logs.hub import TailHub
from jinkies.logs.insights import InsightsSource, asked, check_query
from jinkies.logs.live import LiveFollower
from jinkies.logs.newest import NewestFirst
from jinkies.logs.quotas import Quotas
from jinkies.logs.ring import RING_EVENTS
from jinkies.logs.sessions import LiveSession, LiveSource
from jinkies.logs.slices import Progress, sliced
from jinkies.logs.targets import check_spec, resolve
from jinkies.logs.watches import Execute, LoadCursor, WatchRunner
from jinkies.model import (
    LogEvent,
    PartHealth,
    PartState,
    QueryProgress,
    QuerySpec,
    SavedTail,
    TailBatch,
    TailInfo,
    TailMode,
    TailSpec,
)

AROUND_MS = 300_000  # how far from the moment ``around`` looks, either way
RESUME_MS = 6 * 3_600_000  # a tail of before a restart is taken up again if it had come this far
FETCH_LIMIT = 10_000  # most events that ``fetch`` and ``around`` hold in memory


class LogsService:
    """Enter it before use; leaving ends tails and closes the client.

    aioboto3 is imported, and the client opened, by the first request: who asks nothing of AWS pays nothing.

    Args:
        config: of the desk.
        clock: the time by which is waited.
        ring_events: that a tail holds for those who come later.
        room: characters of messages at which ``fetch`` and ``around`` stop; None is no bound.
    """

    def __init__(
        self, config: Config, clock: Clock, *, ring_events: int = RING_EVENTS, room: int | None = None
    ) -> None:
        self._config = config
        self._clock = clock
        self._stack = AsyncExitStack()
        self._room = room
        self._newest = NewestFirst(room)
        self._budget = Budget(clock, rate_of(config.aws, config.aws.region))
        self._quotas = Quotas(clock, bounded=self._budget.rate is not None)
        self._source = _LazySource(config, self._budget, self._quotas)
        self.hub = TailHub(self._follow, clock, ring_events=ring_events)

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        self._stack.push_async_callback(self._source.close)
        self._stack.push_async_callback(self._budget.close)
        self._stack.push_async_callback(self._quotas.close)
        self._stack.push_async_callback(self.hub.close)
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self._stack.aclose()

    def start_tail(self, spec: TailSpec) -> TailInfo:
        """Follow, or join those who follow the same. Raises ``NotConfigured``, ``Invalid`` or ``Overloaded``."""
        return self.hub.start(spec, self._groups(spec))

    def open_tail(self, tail_id: str) -> AbstractAsyncContextManager[AsyncIterator[TailBatch]]:
        """What was held, then what comes. Entering raises ``NotFound``."""
        return self.hub.open(tail_id)

    def tails(self) -> tuple[TailInfo, ...]:
        """Those that run."""
        return self.hub.tails()

    def saved_tails(self) -> tuple[SavedTail, ...]:
        """What ``resume_tail`` takes, of those that run."""
        return self.hub.saved()

    def resume_tail(self, saved: SavedTail) -> None:
        """Follow again what was followed before a restart, unless that is too long ago. Raises as ``start_tail``."""
        if self._clock.now_ms() - saved.done_ms <= RESUME_MS:
            self.hub.resume(saved, self._groups(saved.spec))

    async def fetch(self, spec: TailSpec, start_ms: int, end_ms: int, limit: int) -> tuple[LogEvent, ...]:
        """The newest ``limit`` (1 to ``FETCH_LIMIT``) events of a range, both ends inclusive, oldest first.

        Raises:
            NotConfigured: AWS is not set up, or a service has no log groups; says what to set.
            Invalid: a target, pattern, range or limit makes no sense.
            UpstreamError: CloudWatch refused.
        """
        _check_limit(limit, FETCH_LIMIT)
        asks = _asks(self._groups(spec), spec, start_ms, end_ms)
        return await self._newest.read(self._paced(), asks, LineFilter.of(spec), end_ms=end_ms, limit=limit)

    async def stream(
        self,
        spec: TailSpec,
        start_ms: int,
        end_ms: int,
        limit: int,
        progress: Progress | None = None,
        *,
        bare: bool = False,
    ) -> AsyncGenerator[tuple[LogEvent, ...], None]:
        """The oldest ``limit`` events of a range, in order, in runs as they arrive.

        Slices of the range are read side by side; memory holds a bounded number of pages. ``progress`` is told how far
        it is. ``bare`` is for who only prints them, see ``Ask.bare``. Raises as ``fetch`` does.
        """
        _check_limit(limit, None)
        asks = _asks(self._groups(spec), spec, start_ms, end_ms, bare=bare)
        lane = self._budget.lane()
        await self._source.open()  # else the first page's delay, by which the others are spread, would hold this too
        runs = sliced(
            [self._paced(lane) for _ in asks],
            asks,
            LineFilter.of(spec),
            wanted=limit,
            progress=progress,
        )
        async with aclosing(runs):
            async for run in runs:
                yield tuple(run[:limit])
                limit -= len(run)
                if limit <= 0:
                    return

    async def around(self, service: str, log_groups: tuple[str, ...], at_ms: int, limit: int) -> tuple[LogEvent, ...]:
        """Lines around a moment, oldest first: of these groups or, with none given, of the service's.

        Half of ``limit`` from before the moment, the rest from it on; raises as ``fetch`` does.
        """
        _check_limit(limit, FETCH_LIMIT)
        spec = TailSpec(targets=log_groups or (service,))
        if not log_groups and service not in self._config.services:
            raise NotConfigured(f"service {service} has no log groups: set log_groups under [services.{service}]")
        after: list[LogEvent] = []
        async with aclosing(self.stream(spec, at_ms, at_ms + AROUND_MS, limit)) as runs:
            async for run in runs:
                after.extend(run)
                if is_full(after, limit, self._room):
                    break
        before = await self.fetch(spec, at_ms - AROUND_MS, at_ms - 1, limit)
        wanted_after = max(limit - limit // 2, limit - len(before))
        after = after[:wanted_after]
        kept = limit - len(after)
        return (*before[len(before) - kept if len(before) > kept else 0 :], *after)

    @asynccontextmanager
    async def query(self, spec: QuerySpec) -> AsyncIterator[AsyncIterator[QueryProgress]]:
        """Ask Logs Insights; see ``Operator.query_logs``."""
        check_query(spec)
        groups = resolve(self._config, spec.targets)
        async with asked(await self._source.insights(), spec, groups, self._clock) as progress:
            yield progress

    async def run_watches(self, execute: Execute, load_cursor: LoadCursor) -> None:
        """Turn log lines into alerts, for ever: each ``[[watches]]`` of the configuration."""
        runner = WatchRunner(self._config, self._paced(), self._clock, execute, load_cursor)
        await runner.run()

    async def check(self) -> PartHealth:
        """Whether CloudWatch answers, and how quickly. Raises nothing."""
        missing = self._config.aws.missing()
        if missing:
            return PartHealth(part="aws", state=PartState.UNCONFIGURED, detail=missing, at_ms=self._clock.now_ms())
        begun_s = self._clock.monotonic_s()
        try:
            detail, state = await self._source.answers(), PartState.OK
        except NotConfigured as error:
            detail, state = str(error), PartState.UNCONFIGURED
        except JinkiesError as error:
            detail, state = str(error), PartState.FAILED
        latency_ms = (self._clock.monotonic_s() - begun_s) * 1000 if state is PartState.OK else None
        return PartHealth(part="aws", state=state, detail=detail, latency_ms=latency_ms, at_ms=self._clock.now_ms())

    def _paced(self, lane: Lane | None = None) -> Paced:
        """CloudWatch within the budget, for one caller; those that are parts of one share its lane."""
        return Paced(self._source, self._budget, self._clock, lane)

    def _groups(self, spec: TailSpec) -> tuple[str, ...]:
        check_spec(spec)
        groups = resolve(self._config, spec.targets)
        self._source.require()
        return groups

    def _follow(
        self, spec: TailSpec, log_groups: tuple[str, ...], start_ms: int | None = None
    ) -> AsyncGenerator[TailBatch, None]:
        source = self._paced()
        if spec.mode is TailMode.POLL:
            return Follower(source, spec, log_groups, self._clock, start_ms=start_ms).batches()
        return LiveFollower(source, self._source, spec, log_groups, self._clock, start_ms=start_ms).batches()


class _LazySource:
    """The client, opened by the first request; a failed opening is tried again by the next."""

    def __init__(self, config: Config, budget: Budget, quotas: Quotas) -> None:
        self._config = config
        self._budget = budget
        self._quotas = quotas
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._client: _Client | None = None
        self._live: LiveSource | None = None
        self._insights: InsightsSource | None = None

    def require(self) -> None:
        """Raise ``NotConfigured`` when AWS is not set up."""
        missing = self._config.aws.missing()
        if missing:
            raise NotConfigured(f"AWS is not configured: {missing}")

    async def page(self, ask: Ask, token: str | None = None, /) -> Page:
        """See ``PageSource.page``."""
        return await (await self._opened()).page(ask, token)

    async def open(self) -> None:
        """Open the client now. Raises ``NotConfigured`` for a profile or keys that can't work."""
        await self._opened()

    async def answers(self) -> str:
        """See ``LogsClient.answers``."""
        client = await self._opened()
        async with self._quotas.turn("DescribeLogGroups"):
            return await client.answers()

    @asynccontextmanager
    async def session(self, log_groups: tuple[str, ...], pattern: str) -> AsyncIterator[LiveSession]:
        """See ``LiveSource.session``."""
        await self._opened()  # imports what is heavy, and says what can't work
        async with self._opening:
            if self._live is None:
                from jinkies.logs.livetail import open_live_tail

                self._live = await self._stack.enter_async_context(open_live_tail(self._config, self._quotas))
        async with self._live.session(log_groups, pattern) as opened:
            yield opened

    async def insights(self) -> InsightsSource:
        """Logs Insights, on connections of its own."""
        await self._opened()  # imports what is heavy, and says what can't work
        async with self._opening:
            if self._insights is None:
                from jinkies.logs.insights_client import open_insights

                self._insights = await self._stack.enter_async_context(open_insights(self._config, self._quotas))
            return self._insights

    async def close(self) -> None:
        """Close the client."""
        await self._stack.aclose()

    async def _opened(self) -> _Client:
        self.require()
        async with self._opening:
            if self._client is None:
                await asyncio.to_thread(importlib.import_module, "jinkies.logs.client")
                from jinkies.logs.client import open_client

                self._client = await self._stack.enter_async_context(open_client(self._config))
                self._budget.bound(rate_of(self._config.aws, self._client.region))
            return self._client


class _Client(PageSource, Protocol):
    """What ``client.LogsClient`` is to this module, which must not import it."""

    @property
    def region(self) -> str:
        """The region that is asked."""
        ...

    async def answers(self) -> str:
        """See ``LogsClient.answers``."""
        ...


def _asks(log_groups: tuple[str, ...], spec: TailSpec, start_ms: int, end_ms: int, *, bare: bool = False) -> list[Ask]:
    if start_ms > end_ms:
        raise Invalid(f"start_ms: {start_ms} is after end_ms {end_ms}")
    return [
        Ask(log_group=group, start_ms=start_ms, end_ms=end_ms, pattern=spec.filter_pattern, bare=bare)
        for group in log_groups
    ]


def _check_limit(limit: int, most: int | None) -> None:
    if limit < 1 or (most is not None and limit > most):
        raise Invalid(f"limit: {limit:,} is out of bounds; 1 to {most:,}" if most else f"limit: {limit:,}; at least 1")
