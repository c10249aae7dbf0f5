"""The Operator: all that a frontend may call. Embedded and attached, it is the same protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

from jinkies.commands import AnyCommand, Outcome
from jinkies.events import Hello, Position, Snapshot, Update
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
from jinkies.stats import Stats, StatsQuery

MATCHED = 1_000  # newest alerts that a preview of matchers looks at


class Hosting(StrEnum):
    """Where the core of an operator runs."""

    EMBEDDED = "embedded"  # in this process
    ATTACHED = "attached"  # in another one, over the Unix socket


class Operator(Protocol):
    """The seam between the core and whoever watches.

    Every method raises ``Disconnected`` when the core can't be reached, and what ``jinkies.errors`` names.
    """

    @property
    def hosting(self) -> Hosting:
        """Embedded or attached."""
        ...

    async def hello(self) -> Hello:
        """Who answers: protocol, epoch, ingest address, and who the caller is to the core."""
        ...

    async def execute(
        self, command: AnyCommand, *, on_behalf_of: Actor | None = None, key: str | None = None
    ) -> Outcome:
        """Carry a command out, durably, before this returns.

        Args:
            command: what to do.
            on_behalf_of: the Discord user who asked; only the bot's uid may say so.
            key: idempotency key, 1 to 200 characters. The same key with the same command gives the first
                outcome again and does nothing.

        Raises:
            NotFound, Conflict, Forbidden, Invalid, KeyReused: refused, nothing changed.
            NotConfigured: the command needs a part that is not set up.
            StoreFailed, Overloaded: nothing was done.
        """
        ...

    async def snapshot(self) -> Snapshot:
        """The state now, bounded, with its position."""
        ...

    def subscribe(self, after: Position) -> AbstractAsyncContextManager[AsyncIterator[Update]]:
        """Everything after a position, in order, then as it happens; with heartbeats.

        The iterator raises ``ResyncNeeded`` or ``Lagged`` when the position can't be followed any further, and
        ``Disconnected`` when the core went away.
        """
        ...

    async def alerts(self, query: AlertQuery) -> AlertPage:
        """A page of alerts, newest ``last_seen`` first. Raises ``Invalid`` for a cursor or limit out of bounds."""
        ...

    async def stats(self, query: StatsQuery) -> Stats:
        """Figures of a time range: times to act, counts by day and service, noisy alerts.

        Raises ``Invalid`` for a range that is empty or longer than 400 days.
        """
        ...

    async def alert(self, alert_id: int) -> AlertDetail:
        """One alert with its context. Raises ``NotFound``."""
        ...

    async def matching(self, matchers: tuple[Matcher, ...]) -> tuple[AlertRow, ...]:
        """Which of the newest ``MATCHED`` alerts a silence would have caught, newest first. Raises ``Invalid``."""
        ...

    def tail(self, tail_id: str) -> AbstractAsyncContextManager[AsyncIterator[TailBatch]]:
        """The log events of a tail that ``StartTail`` gave: those held first, then as they come. Ends with the tail.

        Entering raises ``NotFound`` for an unknown tail.
        """
        ...

    async def logs_around(self, alert_id: int, *, limit: int = 50) -> tuple[LogEvent, ...]:
        """Log events of the alert's service around its last occurrence, oldest first.

        Raises:
            NotFound: no such alert.
            NotConfigured: AWS is not set up, or the service has no log groups; says what to set.
            UpstreamError: CloudWatch refused.
        """
        ...

    async def fetch_logs(self, spec: TailSpec, *, start_ms: int, end_ms: int, limit: int) -> tuple[LogEvent, ...]:
        """Log events of a time range, oldest first; the newest ``limit`` (1 to 10,000) of them.

        Fewer where those are very long: the one that brings their messages to ``FETCHED_CHARS`` is the oldest.

        Raises:
            NotConfigured, Invalid, UpstreamError: as ``logs_around``.
        """
        ...

    def query_logs(self, spec: QuerySpec) -> AbstractAsyncContextManager[AsyncIterator[QueryProgress]]:
        """Ask CloudWatch Logs Insights: progress as it comes, the last with all rows. Leaving early ends the query.

        Raises, on entering or from the iterator:
            NotConfigured: AWS is not set up, or a service has no log groups; says what to set.
            Invalid: the query is malformed (says where), or a target, range or limit makes no sense.
            UpstreamError: CloudWatch refused, or gave up.
        """
        ...
