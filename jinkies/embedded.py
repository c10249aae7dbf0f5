"""The Operator on a core in the same process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from jinkies import __version__, authz
from jinkies.commands import (
    AnyCommand,
    Outcome,
)
from jinkies.events import PROTOCOL, Hello, Position, Snapshot, Update
from jinkies.hub import Published
from jinkies.matching import Matcher, check_matchers, matches
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
from jinkies.operator import MATCHED, Hosting
from jinkies.stats import Stats, StatsQuery

if TYPE_CHECKING:
    from jinkies.core import Core


class EmbeddedOperator:
    """The Operator in the core's own process, for one actor. See ``jinkies.operator.Operator``."""

    def __init__(self, core: Core, actor: Actor) -> None:
        self.core = core
        self._actor = actor

    @property
    def hosting(self) -> Hosting:
        """Embedded."""
        return Hosting.EMBEDDED

    async def hello(self) -> Hello:
        """Who answers."""
        return Hello(
            protocol=PROTOCOL,
            version=__version__,
            epoch=self.core.epoch,
            pid=os.getpid(),
            environment=self.core.config.environment,
            ingest=self.core.ingest_address,
            actor=self._actor,
        )

    async def execute(
        self, command: AnyCommand, *, on_behalf_of: Actor | None = None, key: str | None = None
    ) -> Outcome:
        """See ``Operator.execute``."""
        return await self.core.execute(command, authz.speaker(self._actor, on_behalf_of), key)

    async def snapshot(self) -> Snapshot:
        """See ``Operator.snapshot``."""
        return await self.core.snapshot()

    @asynccontextmanager
    async def subscribe(self, after: Position) -> AsyncIterator[AsyncIterator[Update]]:
        """See ``Operator.subscribe``."""
        async with self.core.subscribe(after) as published, contextlib.aclosing(_updates(published)) as updates:
            yield updates

    async def alerts(self, query: AlertQuery) -> AlertPage:
        """See ``Operator.alerts``."""
        return await self.core.reader.alerts(query)

    async def stats(self, query: StatsQuery) -> Stats:
        """See ``Operator.stats``."""
        return await self.core.reader.stats(query)

    async def alert(self, alert_id: int) -> AlertDetail:
        """See ``Operator.alert``."""
        return await self.core.reader.alert(alert_id)

    async def matching(self, matchers: tuple[Matcher, ...]) -> tuple[AlertRow, ...]:
        """See ``Operator.matching``."""
        check_matchers(matchers)
        subjects = await self.core.reader.newest_subjects(MATCHED)
        return tuple(subject.row for subject in subjects if matches(matchers, subject))

    def tail(self, tail_id: str) -> AbstractAsyncContextManager[AsyncIterator[TailBatch]]:
        """See ``Operator.tail``."""
        return self.core.open_tail(tail_id)

    async def logs_around(self, alert_id: int, *, limit: int = 50) -> tuple[LogEvent, ...]:
        """See ``Operator.logs_around``."""
        return await self.core.logs_around(alert_id, limit)

    async def fetch_logs(self, spec: TailSpec, *, start_ms: int, end_ms: int, limit: int) -> tuple[LogEvent, ...]:
        """See ``Operator.fetch_logs``."""
        return await self.core.fetch_logs(spec, start_ms, end_ms, limit)

    @asynccontextmanager
    async def query_logs(self, spec: QuerySpec) -> AsyncIterator[AsyncIterator[QueryProgress]]:
        """See ``Operator.query_logs``."""
        async with self.core.query_logs(spec) as progress:
            yield progress


async def _updates(published: AsyncIterator[Published]) -> AsyncGenerator[Update, None]:
    async for one in published:
        yield one.update
