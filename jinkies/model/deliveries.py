"""What Discord should show, and what it does."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from jinkies.model.alerts import Severity


class DeliveryState(StrEnum):
    """How what Discord shows stands to what it should show."""

    PENDING = "pending"  # wanted, not posted yet
    POSTED = "posted"  # there; in step when ``shown_revision == wanted_revision``
    FAILED = "failed"  # ``error`` says why; the board tries again
    DELETED = "deleted"  # a person deleted the card; it stays deleted
    DIGESTED = "digested"  # another message stands for it: ``told_in`` names it


class What(StrEnum):
    """What a delivery is."""

    CARD = "card"
    CALL = "call"  # a short message that pings people; never edited
    DIGEST = "digest"  # one card for many alerts that came too fast
    THREAD = "thread"  # on the card: the timeline as it grows; revisions are positions of the journal


class DigestLine(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that a digest names."""

    alert_id: int
    severity: Severity
    service: str
    title: str  # at most 100 characters


class Digest(msgspec.Struct, frozen=True, kw_only=True):
    """What a digest stands for; ``count`` is exact."""

    count: int  # alerts
    since_ms: int  # when the first of them joined, and the newest
    until_ms: int
    services: dict[str, int]  # alerts by service; "" counts those of services beyond DIGEST_SERVICES
    worst: tuple[DigestLine, ...]  # at most DIGEST_WORST, the worst first
    mentions: tuple[str, ...] = ()  # whom its alerts have called
    late: bool = False  # they came while the channel could not be written to, and not too fast


RESTORED = "restore"  # in ``told_in``: not posted when a backup was made, and maybe since
DIGEST_SERVICES = 20


DIGEST_WORST = 8


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel should show; unique by (alert, channel, kind).

    Kinds: ``card``; ``call-N`` when the alert came back, ``escalation-N`` when nobody acted, both with the decision
    revision that they call for; ``thread``, where threads are on, once the card is posted; ``digest-N``, the channel's
    Nth digest, under the id of its first alert.
    """

    alert_id: int
    channel_id: str
    kind: str = "card"
    state: DeliveryState = DeliveryState.PENDING
    wanted_revision: int
    shown_revision: int = 0
    shown_hash: str = ""  # of the rendered card
    message_id: str | None = None
    error: str | None = None
    changed_at_ms: int
    wanted_at_ms: int = 0  # since when it is wanted; 0: not known
    mentions: tuple[str, ...] = ()  # whom its post pings, as in ``Calling``
    text: str = ""  # of a call: why, in words
    told_in: str = ""  # kind of the message in the channel that stands for it, or did before it got its own
    digest: Digest | None = None
    read_to: str = ""  # of a thread: the last message that was looked at for comments; "": not known

    @property
    def what(self) -> What:
        """What it is, by its kind."""
        word = self.kind.partition("-")[0]
        return What.CALL if word in ("call", "escalation") else What(word)

    @property
    def in_step(self) -> bool:
        """Nothing is left to do: what was wanted is shown, another message stands for it, or a person deleted it."""
        if self.state in (DeliveryState.DELETED, DeliveryState.DIGESTED):
            return True
        return self.state is DeliveryState.POSTED and self.shown_revision >= self.wanted_revision
