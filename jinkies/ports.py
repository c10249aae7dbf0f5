"""What the core asks of the rooms that it does not import: CloudWatch, as a protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from jinkies.commands import AnyCommand, Outcome
from jinkies.model import LogEvent, PartHealth, QueryProgress, QuerySpec, SavedTail, TailBatch, TailInfo, TailSpec

LoadCursor = Callable[[str], Awaitable[str | None]]


class Execute(Protocol):
    """``Operator.execute``, as a function."""

    async def __call__(self, command: AnyCommand, *, key: str | None = None) -> Outcome:
        """Carry a command out."""
        ...


class Logs(Protocol):
    """What the core needs of CloudWatch; ``jinkies.logs`` provides it."""

    def start_tail(self, spec: TailSpec) -> TailInfo:
        """Follow, or join those who follow the same. Raises ``NotConfigured`` or ``Invalid``."""
        ...

    def open_tail(self, tail_id: str) -> AbstractAsyncContextManager[AsyncIterator[TailBatch]]:
        """What was held, then what comes. Entering raises ``NotFound``."""
        ...

    def tails(self) -> tuple[TailInfo, ...]:
        """Those that run."""
        ...

    def saved_tails(self) -> tuple[SavedTail, ...]:
        """What ``resume_tail`` takes, of those that run."""
        ...

    def resume_tail(self, saved: SavedTail) -> None:
        """Follow again what was followed before a restart, unless that is too long ago. Raises as ``start_tail``."""
        ...

    async def fetch(self, spec: TailSpec, start_ms: int, end_ms: int, limit: int) -> tuple[LogEvent, ...]:
        """A time range, oldest first. Raises ``NotConfigured``, ``Invalid`` or ``UpstreamError``."""
        ...

    async def around(self, service: str, log_groups: tuple[str, ...], at_ms: int, limit: int) -> tuple[LogEvent, ...]:
        """Lines around a moment, of these groups or, with none given, of the service's."""
        ...

    def query(self, spec: QuerySpec) -> AbstractAsyncContextManager[AsyncIterator[QueryProgress]]:
        """Ask Logs Insights; see ``Operator.query_logs``."""
        ...

    async def check(self) -> PartHealth:
        """How AWS is doing."""
        ...

    async def run_watches(self, execute: Execute, load_cursor: LoadCursor) -> None:
        """Turn matching lines into alerts, for ever."""
        ...
