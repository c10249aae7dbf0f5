"""What is asked of the store, and what it answers."""

from __future__ import annotations

import msgspec

from jinkies.model.alerts import AlertRow, Occurrence, Severity, State
from jinkies.model.deliveries import Delivery
from jinkies.model.journal import TimelineEntry


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts by state, and the unresolved critical ones among them."""

    open: int = 0
    acknowledged: int = 0
    snoozed: int = 0
    resolved: int = 0
    critical: int = 0

    @property
    def unresolved(self) -> int:
        """Open, acknowledged and snoozed ones."""
        return self.open + self.acknowledged + self.snoozed


class AlertQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts, newest ``last_seen`` first; a page of at most ``limit`` (1 to 500)."""

    states: tuple[State, ...] = ()  # () is any
    service: str | None = None
    severity: Severity | None = None  # at least this
    search: str = ""  # words, "phrases" and -exclusions, as ``jinkies.query.terms`` reads them; "42" also finds that id
    limit: int = 100
    cursor: str | None = None  # the ``next_cursor`` of the page before
    environment: str | None = None
    since_ms: int | None = None  # last seen at or after
    until_ms: int | None = None  # last seen before
    tags: tuple[tuple[str, str], ...] = ()  # names and values, all of them; of any kept occurrence
    min_count: int = 0  # occurrences, at least
    ids: tuple[int, ...] = ()  # only these; at most 500
    services: tuple[str, ...] | None = None  # only these, "*" being any run of characters; at most 500; None is any
    newer: bool = False  # with the ``previous_cursor`` of a page: the one before it


class AlertPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of alerts."""

    rows: tuple[AlertRow, ...]
    next_cursor: str | None = None  # None: that was the last page
    previous_cursor: str | None = None  # None: that is the first page


class AlertDetail(msgspec.Struct, frozen=True, kw_only=True):
    """An alert with its context: the latest occurrence, the first if it differs, timeline and deliveries."""

    row: AlertRow
    fingerprint: str
    latest: Occurrence
    first: Occurrence
    timeline: tuple[TimelineEntry, ...]  # oldest first, at most the newest 200
    deliveries: tuple[Delivery, ...]
