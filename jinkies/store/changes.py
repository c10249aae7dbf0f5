"""What a transaction loads and what it writes, as values: the seam between decisions and SQL."""

from __future__ import annotations

from collections import Counter

import msgspec

from jinkies.events import JournalEntry
from jinkies.matching import Silence
from jinkies.model import AlertRow, ChannelTail, Counts, Delivery, Occurrence, SavedTail
from jinkies.searched import Later
from jinkies.storms import Storm


class StoredAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as the store holds it."""

    row: AlertRow
    fingerprint: str
    names: str = ""  # parts of CamelCase names in its text; only known of one that is opened just now
    due_at_ms: int | None = None  # when time alone decides something of it
    tags: str = ""  # "name=value", one a line; only known of one that is opened just now


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """The newest time that an alert was unresolved: begun now, or what became of it."""

    alert_id: int
    service: str
    begun_at_ms: int | None  # None: it goes on, and these are its new times
    acknowledged_at_ms: int | None
    resolved_at_ms: int | None
    taken_back: bool = False  # by an undo: else who acknowledged first did, whatever comes later
    never_was: bool = False  # it was begun by what is taken back


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """An idempotency key that was used: the request's hash and the response given."""

    sender: str
    key: str
    request: bytes
    response: bytes


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """Who may mend what, until when."""

    name: str
    holder: str
    expires_at_ms: int


class Wanted(msgspec.Struct, kw_only=True):
    """What the commands of a transaction touch."""

    alert_ids: set[int] = msgspec.field(default_factory=set)
    fingerprints: set[str] = msgspec.field(default_factory=set)
    keys: set[tuple[str, str]] = msgspec.field(default_factory=set)
    channel_tails: bool = False
    now_ms: int = 0
    due_before_ms: int | None = None  # alerts that time decides on by then,
    due_limit: int = 0  # so many at most
    expire_before_ms: int | None = None
    expire_limit: int = 0
    compact_before_ms: int | None = None


class Loaded(msgspec.Struct, kw_only=True):
    """What the store held of it when the transaction began."""

    head_seq: int
    next_alert_id: int
    counts: Counts
    alerts: dict[int, StoredAlert]
    deliveries: dict[int, list[Delivery]]
    answered: dict[tuple[str, str], Answered]
    leases: dict[str, Lease]
    storms: dict[str, Storm]  # by channel; the newest digest of each that runs is among ``deliveries``
    next_silence_id: int
    silences: dict[int, Silence]  # those that run or are to come
    channel_tails: dict[int, ChannelTail]  # those that are not settled
    due: list[int]  # ids of alerts that time decides on
    expired: list[int]  # ids of resolved alerts that are past keeping
    due_tags: dict[int, dict[str, str]] = {}  # of the newest occurrences of those of ``due`` that are silenced
    compactable: int = 0  # the journal may go up to here, in this step


class Changes(msgspec.Struct, kw_only=True):
    """What the transaction writes; empty is no write at all."""

    alerts: dict[int, StoredAlert] = msgspec.field(default_factory=dict)
    opened: set[int] = msgspec.field(default_factory=set)  # those of ``alerts`` that were not there before
    renamed: set[int] = msgspec.field(default_factory=set)  # those whose searched fields changed
    episodes: list[Episode] = msgspec.field(default_factory=list)  # in order
    occurrences: list[tuple[int, int, Occurrence]] = msgspec.field(default_factory=list)  # (alert, ordinal, it)
    entries: list[JournalEntry] = msgspec.field(default_factory=list)
    deliveries: dict[tuple[int, str, str], Delivery] = msgspec.field(default_factory=dict)
    answered: list[Answered] = msgspec.field(default_factory=list)
    leases: dict[str, Lease | None] = msgspec.field(default_factory=dict)  # None: given back
    cursors: dict[str, str] = msgspec.field(default_factory=dict)
    tails: tuple[SavedTail, ...] | None = None  # all that are to be kept; None: as before
    channel_tails: dict[int, ChannelTail] = msgspec.field(default_factory=dict)
    expired: list[int] = msgspec.field(default_factory=list)
    silences: dict[int, Silence] = msgspec.field(default_factory=dict)
    compact_through: int = 0  # the journal goes up to here; 0 is nothing of it
    storms: dict[str, Storm] = msgspec.field(default_factory=dict)
    cut: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)  # secrets, by service and kind
    rescheduled: dict[int, int | None] = msgspec.field(
        default_factory=dict
    )  # when time decides, where nothing else is new
    searched: dict[int, Later] = msgspec.field(default_factory=dict)  # what the search is told of later occurrences
    next_alert_id: int = 0
    counts: Counts = Counts()
    at_ms: int = 0

    @property
    def empty(self) -> bool:
        """Nothing to write."""
        written = (
            self.entries,
            self.answered,
            self.leases,
            self.cursors,
            self.deliveries,
            self.compact_through,
            self.channel_tails,
            self.searched,
            self.rescheduled,
        )
        return not any(written) and self.tails is None
