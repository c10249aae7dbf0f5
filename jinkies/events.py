"""What the core says happened: journal entries, positions in the journal, and snapshots."""

from __future__ import annotations

import msgspec

from jinkies.matching import Silence
from jinkies.model import Actor, AlertRow, ChannelTail, Counts, Delivery, EntryKind, PartHealth, TailInfo


class Position(msgspec.Struct, frozen=True):
    """A place in a journal. ``epoch`` names the database (32 hex digits); ``seq`` is the last entry seen."""

    epoch: str
    seq: int


class JournalEntry(msgspec.Struct, frozen=True, kw_only=True, tag="entry"):
    """One thing that happened, with after-images, so that folding it is replacing what was held."""

    seq: int
    at_ms: int
    actor: Actor
    kind: EntryKind
    alert_id: int | None = None
    text: str  # one line for people
    alert: AlertRow | None = None  # None with ``alert.expired``: drop it
    deliveries: tuple[Delivery, ...] = ()
    counts: Counts | None = None
    channel_tail: ChannelTail | None = None  # with ``tail.…``
    silence: Silence | None = None  # with ``silence.started`` and ``silence.ended``


class HealthChanged(msgspec.Struct, frozen=True, kw_only=True, tag="health"):
    """A part's health; not journaled, the newest is in the snapshot."""

    health: PartHealth


class TailsChanged(msgspec.Struct, frozen=True, kw_only=True, tag="tails"):
    """The tails that run now; not journaled."""

    tails: tuple[TailInfo, ...]


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, tag="heartbeat"):
    """Sent when nothing else was for a while, so that a dead peer is noticed."""

    seq: int


Update = JournalEntry | HealthChanged | TailsChanged | Heartbeat


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The state at ``position``, bounded; everything else is a query."""

    position: Position
    counts: Counts
    rows: tuple[AlertRow, ...]  # unresolved, newest ``last_seen`` first, at most SNAPSHOT_ROWS
    deliveries: tuple[Delivery, ...]  # those of ``rows``, and those not in step, at most SNAPSHOT_DELIVERIES
    tails: tuple[TailInfo, ...]
    health: tuple[PartHealth, ...]
    channel_tails: tuple[ChannelTail, ...] = ()  # those that are not settled
    silences: tuple[Silence, ...] = ()  # those that run or are to come
    secrets: dict[str, int] = {}  # cut since there is a database, by kind


SNAPSHOT_ROWS = 500
SNAPSHOT_DELIVERIES = 2_000


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers, before anything else is said."""

    protocol: int
    version: str
    epoch: str
    pid: int
    environment: str
    ingest: str | None  # the HTTP address that takes alerts in, None when this core has none
    actor: Actor  # who the caller is to the core


PROTOCOL = 1
