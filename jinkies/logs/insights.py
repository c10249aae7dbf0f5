"""Logs Insights: a query from its start to its last row, and its end at the service when nobody waits for it any more.

Rules from CloudWatch Logs: StartQuery takes times in whole seconds, both inclusive, at most 50 log groups and 10,000
rows; GetQueryResults gives what was found so far until the state says that it is over; an hour is the longest that a
query runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Protocol

import msgspec

from jinkies.clock import Clock
from jinkies.errors import Invalid, JinkiesError, UpstreamError
from jinkies.model import QueryProgress, QuerySpec, QueryState

MAX_QUERY = 10_000  # characters (CloudWatch Logs: queryString)
MAX_ROWS = 10_000
PARTIAL_ROWS = 200  # given while a query runs
ROW_CHARS = 24_000_000  # of all rows together; further rows are cut
FIRST_POLL_S = 0.25
POLL_GROWTH = 1.5
MOST_POLL_S = 2.0  # CloudWatch Logs: GetQueryResults, 5 a second for an account
FAILURES = 6  # in a row, before a query is given up
STOP_S = 5.0

_POINTER = "@ptr"  # leads to the whole record through another request; of no use to people

_log = logging.getLogger(__name__)

Row = Sequence[tuple[str, str]]  # field and value


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What GetQueryResults says."""

    status: str  # the service's word
    rows: Sequence[Row] = ()
    records_matched: int = 0
    records_scanned: int = 0
    bytes_scanned: int = 0


class InsightsSource(Protocol):
    """Who answers: CloudWatch, through ``insights_client.InsightsClient``."""

    async def start(self, groups: tuple[str, ...], query: str, start_s: int, end_s: int, limit: int) -> str:
        """Start a query; its id. Raises ``Invalid`` or ``UpstreamError``."""
        ...

    async def results(self, query_id: str) -> Answer:
        """What was found so far. Raises ``UpstreamError``."""
        ...

    async def stop(self, query_id: str) -> None:
        """End it. Raises ``JinkiesError``, also when it is over."""
        ...


def check_query(spec: QuerySpec) -> None:
    """Refuse what can't be asked. Raises ``Invalid``, naming the field."""
    if not spec.query.strip():
        raise Invalid("query: it is empty")
    if len(spec.query) > MAX_QUERY:
        raise Invalid(f"query: {len(spec.query):,} characters; CloudWatch takes {MAX_QUERY:,}")
    if not 1 <= spec.limit <= MAX_ROWS:
        raise Invalid(f"limit: {spec.limit:,} is out of bounds; 1 to {MAX_ROWS:,}")
    if not 0 <= spec.start_ms <= spec.end_ms:
        raise Invalid(f"start_ms: {spec.start_ms} is after end_ms {spec.end_ms}, or before 1970")


@asynccontextmanager
async def asked(
    source: InsightsSource, spec: QuerySpec, groups: tuple[str, ...], clock: Clock
) -> AsyncIterator[AsyncIterator[QueryProgress]]:
    """Run a query that ``check_query`` has passed; see ``Operator.query_logs``."""
    starting = source.start(groups, spec.query, spec.start_ms // 1000, spec.end_ms // 1000, spec.limit)
    running = _Running(source, spec, clock, await _started(source, starting))
    try:
        async with aclosing(running.progress()) as progress:
            yield progress
    finally:
        if not running.over:
            await _stop(source, running.query_id)


class _Running:
    def __init__(self, source: InsightsSource, spec: QuerySpec, clock: Clock, query_id: str) -> None:
        self.query_id = query_id
        self.over = False  # at the service
        self._source = source
        self._most = spec.most_rows
        self._clock = clock
        self._begun_s = clock.monotonic_s()

    async def progress(self) -> AsyncGenerator[QueryProgress, None]:
        """How far it is, until it is complete."""
        pause_s, failures = FIRST_POLL_S, 0
        progress = QueryProgress(state=QueryState.SCHEDULED)
        while progress.state is not QueryState.COMPLETE:
            await self._clock.sleep(pause_s)
            pause_s = min(MOST_POLL_S, pause_s * POLL_GROWTH)
            try:
                progress, failures = self._read(await self._source.results(self.query_id)), 0
            except UpstreamError as error:
                failures += 1
                if not error.retry or failures >= FAILURES:
                    raise
                progress = msgspec.structs.replace(progress, trouble=str(error), elapsed_ms=self._elapsed_ms())
            yield progress

    def _read(self, answer: Answer) -> QueryProgress:
        state = _state(answer.status)
        self.over = state is None or state is QueryState.COMPLETE
        if state is None:
            raise UpstreamError(_WHY.get(answer.status, f"the query ended as {answer.status[:40]!r}"))
        rows = answer.rows if self.over else answer.rows[:PARTIAL_ROWS]
        columns, table = _table(rows)
        return QueryProgress(
            state=state,
            columns=columns,
            rows=table,
            cut=self.over and (len(answer.rows) >= self._most or len(table) < len(rows)),
            records_matched=answer.records_matched,
            records_scanned=answer.records_scanned,
            bytes_scanned=answer.bytes_scanned,
            elapsed_ms=self._elapsed_ms(),
        )

    def _elapsed_ms(self) -> int:
        return int((self._clock.monotonic_s() - self._begun_s) * 1000)


_STATES = {
    "Scheduled": QueryState.SCHEDULED,
    "Running": QueryState.RUNNING,
    "Unknown": QueryState.RUNNING,
    "Complete": QueryState.COMPLETE,
}
_WHY = {
    "Failed": "CloudWatch failed to carry out the query: try again, or simplify it",
    "Cancelled": "somebody stopped the query at CloudWatch",
    "Timeout": "the query ran for an hour and was given up: narrow its time range or its log groups",
}


def _state(status: str) -> QueryState | None:
    """None: it is over, without rows."""
    return _STATES.get(status)


def _table(rows: Sequence[Row]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Columns in the order in which fields first appear, and the rows; as many as ``ROW_CHARS`` allows."""
    columns = tuple(dict.fromkeys(field for row in rows for field, _ in row if field != _POINTER))
    table: list[tuple[str, ...]] = []
    characters = 0
    for row in rows:
        values = dict(row)
        cells = tuple(values.get(column, "") for column in columns)
        characters += sum(map(len, cells))
        if characters > ROW_CHARS:
            break
        table.append(cells)
    return columns, tuple(table)


async def _started(source: InsightsSource, starting: Coroutine[None, None, str]) -> str:
    """The query's id. Whoever is cancelled meanwhile leaves no query running that nobody knows of."""
    task = asyncio.ensure_future(starting)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with contextlib.suppress(JinkiesError, TimeoutError):
            async with asyncio.timeout(STOP_S):
                await _stop(source, await task)
        raise


async def _stop(source: InsightsSource, query_id: str) -> None:
    try:
        async with asyncio.timeout(STOP_S):
            await source.stop(query_id)
    except (JinkiesError, TimeoutError) as error:  # it may have ended by itself just now
        _log.info("query %s could not be stopped: %s", query_id, error)
