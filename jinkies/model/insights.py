"""Queries that Logs Insights answers."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec


class QuerySpec(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask of CloudWatch Logs Insights."""

    query: str  # in Logs Insights' own language, 1 to 10,000 characters
    targets: tuple[str, ...]  # services or log groups, at least one
    start_ms: int  # inclusive, as is the end; the service knows whole seconds and takes all of the first and the last
    end_ms: int
    limit: int = 1_000  # rows, 1 to 10,000; a limit in the query itself counts too

    @property
    def most_rows(self) -> int:
        """How many rows there can be: the query's own last limit or, where that is less, ours."""
        own = _OWN_LIMIT.findall(self.query)
        return min(self.limit, int(own[-1])) if own else self.limit


_OWN_LIMIT = re.compile(r"\|\s*limit\s+(\d{1,9})\b", re.IGNORECASE)


class QueryState(StrEnum):
    """How far a query is."""

    SCHEDULED = "scheduled"
    RUNNING = "running"
    COMPLETE = "complete"


class QueryProgress(msgspec.Struct, frozen=True, kw_only=True, tag="query"):
    """How far a query is, and its rows; each replaces the one before.

    While it is not complete the rows are some of those found so far; what is counted or sorted may still change.
    """

    state: QueryState
    columns: tuple[str, ...] = ()  # names of the fields, in the order of the query; without ``@ptr``
    rows: tuple[tuple[str, ...], ...] = ()  # each as long as ``columns``; "" where a row lacks a field
    cut: bool = False  # complete, but at a limit: there may be more rows
    records_matched: int = 0
    records_scanned: int = 0
    bytes_scanned: int = 0
    elapsed_ms: int = 0
    trouble: str | None = None  # why nothing new is known just now

    @property
    def complete(self) -> bool:
        """Whether these are all rows there are."""
        return self.state is QueryState.COMPLETE and not self.cut
