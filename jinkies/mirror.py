"""What Discord should show of the alerts of one transaction, and what it is said to show."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from jinkies import storms
from jinkies.commands import RecordDelivery
from jinkies.errors import Invalid, NotFound
from jinkies.model import AlertRow, Delivery, DeliveryState, State, What
from jinkies.storms import Storm

MENTIONS_LIMIT = 50  # of one digest: each takes up to 24 of the 2,000 characters of a message (Discord limit)
_ID = re.compile(r"[0-9]{1,20}")  # Discord's ids: decimal, of 64 bits

Key = tuple[int, str, str]  # alert, channel, kind


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What is new of an alert, as far as Discord is concerned."""

    decided: bool = False  # it gets a card of its own, if a digest stands for it
    back: bool = False  # it opened or came back, and who its route names is told
    escalated: bool = False
    text: str = ""  # what happened, in words
    told_seq: int = 0  # its place in the journal, where threads tell of it


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where deliveries come from and go to: what a transaction loaded, and what it writes."""

    held: dict[Key, Delivery]
    changed: dict[Key, Delivery]
    storms: dict[str, Storm]
    changed_storms: dict[str, Storm]


class Mirror:
    """The deliveries of a transaction.

    Args:
        places: what was loaded, and what is written.
        now_ms: of the transaction.
        channel_id: the alert channel; None: there is none.
        bound: new cards a minute and channel; 0 is no bound.
        threads: whether cards get threads.
    """

    def __init__(
        self, places: Places, *, now_ms: int, channel_id: str | None, bound: int = 0, threads: bool = False
    ) -> None:
        self._places = places
        self._now_ms = now_ms
        self._channel_id = channel_id
        self._bound = bound
        self._threads = threads

    def want(self, row: AlertRow, news: News) -> tuple[Delivery, ...]:
        """What should be shown from now on: the alert's card in each of its channels, and who is called there.

        None for one that was never told and is silenced, or over. Gives what changes, digests included.
        """
        default = (self._channel_id,) if self._channel_id is not None else ()
        channels = row.channels or default
        return tuple(delivery for channel_id in channels for delivery in self._want_in(row, channel_id, news))

    def _want_in(self, row: AlertRow, channel_id: str, news: News) -> list[Delivery]:
        held = self._held((row.alert_id, channel_id, What.CARD))
        if held is None:
            hidden = row.silenced_by is not None or row.state is State.RESOLVED
            return [] if hidden else self._want_card(row, channel_id, None, news)
        found: list[Delivery] = []
        if held.state is not DeliveryState.DIGESTED:
            found.append(self._keep(msgspec.structs.replace(held, wanted_revision=row.revision)))
        elif row.silenced_by is None:
            found += self._want_own(row, channel_id, held, news)
        covered = held.state is DeliveryState.DIGESTED and not found
        if row.calling is not None and news.escalated:
            found += self._call(row, channel_id, "escalation", row.calling.escalate_to, news.text)
        told = covered or held.message_id is not None or held.state is DeliveryState.DELETED
        if row.calling is not None and news.back and told:  # else the card's own post calls
            found += self._call(row, channel_id, "call", row.calling.mention, news.text)
        return found + self._thread(row.alert_id, channel_id, news.told_seq)

    def _thread(self, alert_id: int, channel_id: str, told_seq: int) -> list[Delivery]:
        """The thread on a card that stands, be it out of date, up to a place in the journal."""
        card = self._held((alert_id, channel_id, What.CARD))
        if not self._threads or told_seq == 0 or card is None or card.message_id is None:
            return []
        if card.state in (DeliveryState.DELETED, DeliveryState.DIGESTED):
            return []
        held = self._held((alert_id, channel_id, What.THREAD))
        if held is None:
            begun = self._new(alert_id, 0, channel_id, What.THREAD)
            held = msgspec.structs.replace(begun, read_to=card.message_id)  # nothing in it is older than its card
        return [self._keep(msgspec.structs.replace(held, wanted_revision=told_seq))]

    def _want_card(self, row: AlertRow, channel_id: str, held: Delivery | None, news: News) -> list[Delivery]:
        """A new card, or a place in the channel's digest; a digest that runs already stands for what is in it."""
        storm = self._storm(channel_id)
        admitted = storms.admit(storm, self._bound, self._now_ms)
        if admitted is None:
            there = held is not None and (row.state is State.RESOLVED or self._is_told(storm, held))
            return [] if there else self._digest(row, storm)
        self._keep_storm(admitted)
        calls = row.calling is not None and row.state is State.OPEN and (held is None or news.back)
        card = self._new(row.alert_id, row.revision, channel_id, What.CARD)
        mentions = row.calling.mention if row.calling and calls else ()
        told_in = held.told_in if held is not None else ""
        return [self._keep(msgspec.structs.replace(card, mentions=mentions, told_in=told_in))]

    def _want_own(self, row: AlertRow, channel_id: str, held: Delivery, news: News) -> list[Delivery]:
        """A card of its own for what a digest stands for: what only counts on waits for room, and is told once."""
        if news.decided or news.back:
            return self._want_card(row, channel_id, held, news)
        storm = self._storm(channel_id)
        if row.state is State.RESOLVED or self._is_told(storm, held):
            return []
        fits = storms.admit(storm, self._bound, self._now_ms) is not None
        return self._want_card(row, channel_id, held, news) if fits else []

    def _is_told(self, storm: Storm, held: Delivery) -> bool:
        return storm.running(self._now_ms) and held.told_in == storm.kind

    def _digest(self, row: AlertRow, storm: Storm) -> list[Delivery]:
        """One more alert in the channel's digest; whom it calls is called once a digest."""
        channel_id = storm.channel_id
        held = self._held((storm.alert_id, channel_id, storm.kind)) if storm.running(self._now_ms) else None
        if held is None or not _grows(held):
            storm = storms.begin(storm, row, self._now_ms)
            held = self._new(row.alert_id, row.revision, channel_id, storm.kind)
        self._keep_storm(msgspec.structs.replace(storm, joined_at_ms=self._now_ms))
        digest = storms.joined(held.digest, row, self._now_ms)
        mention = row.calling.mention if row.calling is not None and row.state is State.OPEN else ()
        mention = tuple(who for who in mention if who not in digest.mentions)
        digest = msgspec.structs.replace(digest, mentions=(*digest.mentions, *mention))
        card = msgspec.structs.replace(
            self._new(row.alert_id, row.revision, channel_id, What.CARD),
            state=DeliveryState.DIGESTED,
            told_in=storm.kind,
        )
        grown = msgspec.structs.replace(held, digest=digest, wanted_revision=digest.count)
        told = [self._keep(card), self._keep(grown)]
        return told + self._call(row, channel_id, "call", mention, f"is one of many: {storm.kind}")

    def _call(self, row: AlertRow, channel_id: str, why: str, mentions: tuple[str, ...], text: str) -> list[Delivery]:
        kind = f"{why}-{row.decision_rev}"
        if not mentions or self._held((row.alert_id, channel_id, kind)) is not None:
            return []
        storm, pinged = storms.call(self._storm(channel_id), mentions, self._bound, self._now_ms)
        self._keep_storm(storm)
        call = msgspec.structs.replace(
            self._new(row.alert_id, row.revision, channel_id, kind), mentions=pinged, text=text
        )
        if not pinged:
            call = msgspec.structs.replace(call, state=DeliveryState.DIGESTED, told_in="calls")
        return [self._keep(call)]

    def show(self, row: AlertRow) -> tuple[Delivery, ...]:
        """A card of its own wherever a digest stands for the alert: somebody asked."""
        cards = [one for one in self._places.held.values() if (one.alert_id, one.kind) == (row.alert_id, What.CARD)]
        return tuple(
            self._keep(self._new(row.alert_id, row.revision, one.channel_id, What.CARD))
            for one in cards
            if one.state is DeliveryState.DIGESTED
        )

    def catch_up(self, channel_id: str, kinds: Iterable[tuple[AlertRow, str]]) -> tuple[Delivery, ...]:
        """One digest for what a channel should have shown and never did; what was shown meanwhile is left alone.

        Args:
            channel_id: of the channel.
            kinds: alerts with the kind of each delivery.
        """
        found = [(row, held) for row, kind in kinds if (held := self._held((row.alert_id, channel_id, kind)))]
        missed = sorted(((row, one) for row, one in found if _never_shown(one)), key=lambda two: _since(two[1]))
        if not missed:
            return ()
        before = self._storm(channel_id)
        unseen = self._held((before.alert_id, channel_id, before.kind))
        if unseen is not None and _never_shown(unseen) and all(one is not unseen for _, one in missed):
            missed.append((missed[0][0], unseen))  # the digest of what was missed before
        storm = storms.begin(before, missed[0][0], self._now_ms)
        self._keep_storm(storm)
        unseen_kinds = {one.kind for _, one in missed if one.digest is not None}
        alone = [(row, one) for row, one in missed if not self._is_counted(row, one, unseen_kinds)]
        named = alone if alone or unseen_kinds else missed  # calls alone, for what was told before
        alerts = {row.alert_id: (row, _since(one)) for row, one in reversed(named)}
        digest = storms.told_late(
            sorted(alerts.values(), key=lambda two: two[1]),
            [one.digest for _, one in missed if one.digest is not None],
        )
        waiting = [one.mentions for row, one in missed if one.digest is not None or _waits(row)]
        mentions = tuple(dict.fromkeys(who for mention in waiting for who in mention))[:MENTIONS_LIMIT]
        told = msgspec.structs.replace(
            self._new(missed[0][0].alert_id, 0, channel_id, storm.kind),
            wanted_revision=digest.count,
            mentions=mentions,
            digest=msgspec.structs.replace(digest, mentions=tuple(dict.fromkeys((*digest.mentions, *mentions)))),
        )
        digested = {"state": DeliveryState.DIGESTED, "told_in": storm.kind, "error": None}
        changed = [msgspec.structs.replace(one, **digested, changed_at_ms=self._now_ms) for _, one in missed]
        return tuple(self._keep(one) for one in (*changed, told))

    def _is_counted(self, row: AlertRow, delivery: Delivery, digests: set[str]) -> bool:
        """Whether one of these digests stands for the alert already, or another that was shown."""
        card = self._held((row.alert_id, delivery.channel_id, What.CARD))
        digested = delivery.what is What.CALL and card is not None and card.state is DeliveryState.DIGESTED
        return delivery.digest is not None or digested or (card is not None and card.told_in in digests)

    def record(self, command: RecordDelivery, seq: int) -> tuple[tuple[Delivery, ...], str] | None:
        """What is shown now, and that in words; None when it was recorded already. Raises ``NotFound`` and ``Invalid``.

        A card that was posted is one more to have a thread. ``seq`` is the place of the entry that will say so.
        """
        held = self._held((command.alert_id, command.channel_id, command.kind))
        if held is None:
            raise NotFound(f"#{command.alert_id} is not wanted in channel {command.channel_id}")
        if not _ID.fullmatch(command.read_to or "0"):
            raise Invalid("read_to: not the id of a message")
        new = _shown(held, command)
        if new == held:
            return None
        new = msgspec.structs.replace(new, changed_at_ms=self._now_ms)
        self._keep(new)
        begun = new.what is What.CARD and held.message_id is None and new.message_id is not None
        return (new, *(self._thread(new.alert_id, new.channel_id, seq) if begun else ())), _text(held, new)

    def _new(self, alert_id: int, revision: int, channel_id: str, kind: str) -> Delivery:
        return Delivery(
            alert_id=alert_id,
            channel_id=channel_id,
            kind=kind,
            wanted_revision=revision,
            changed_at_ms=self._now_ms,
            wanted_at_ms=self._now_ms,
        )

    def _held(self, key: Key) -> Delivery | None:
        return self._places.held.get(key)

    def _keep(self, delivery: Delivery) -> Delivery:
        key = (delivery.alert_id, delivery.channel_id, delivery.kind)
        self._places.held[key] = self._places.changed[key] = delivery
        return delivery

    def _storm(self, channel_id: str) -> Storm:
        return self._places.storms.get(channel_id) or Storm(channel_id=channel_id)

    def _keep_storm(self, storm: Storm) -> None:
        self._places.storms[storm.channel_id] = self._places.changed_storms[storm.channel_id] = storm


def _grows(digest: Delivery) -> bool:
    """Whether what comes too fast may join it: one that says what was missed, and was read, is done."""
    done = digest.digest is not None and digest.digest.late and digest.message_id is not None
    return not done and digest.state not in (DeliveryState.DELETED, DeliveryState.DIGESTED)


def _never_shown(delivery: Delivery) -> bool:
    return delivery.message_id is None and delivery.state in (DeliveryState.PENDING, DeliveryState.FAILED)


def _waits(row: AlertRow) -> bool:
    return row.state is State.OPEN and row.silenced_by is None


def _since(delivery: Delivery) -> int:
    return delivery.wanted_at_ms or delivery.changed_at_ms


def places_of(held: Iterable[Delivery], changed: dict[Key, Delivery], storms: dict[str, Storm]) -> Places:
    """What was loaded, and where what changes goes."""
    by_key = {(one.alert_id, one.channel_id, one.kind): one for one in held}
    return Places(held=by_key, changed=changed, storms=dict(storms), changed_storms={})


def _shown(held: Delivery, command: RecordDelivery) -> Delivery:
    """A delivery as the command says that it is now."""
    read_to = max(held.read_to, command.read_to or "", key=_age)
    if command.state is None:
        return msgspec.structs.replace(held, read_to=read_to)
    return msgspec.structs.replace(
        held,
        state=command.state,
        message_id=command.message_id,
        shown_revision=command.shown_revision,
        shown_hash=command.shown_hash,
        error=command.error,
        read_to=read_to,
    )


def _age(message_id: str) -> tuple[int, str]:
    """Orders Discord's ids, which are decimal and grow with time."""
    return len(message_id), message_id


def _text(held: Delivery, new: Delivery) -> str:
    what = new.what
    if new == msgspec.structs.replace(held, read_to=new.read_to, changed_at_ms=new.changed_at_ms):
        return f"{what} read"
    match new.state:
        case DeliveryState.POSTED if held.state is DeliveryState.POSTED and held.message_id == new.message_id:
            return f"{what} edited to rev {new.shown_revision}"
        case DeliveryState.POSTED:
            return f"{what} posted in channel {new.channel_id}"
        case DeliveryState.FAILED:
            return f"{what} failed: {new.error or 'unknown reason'}"
        case DeliveryState.DELETED:
            return f"{what} deleted in Discord"
        case DeliveryState.DIGESTED:
            return f"{what} told in a digest"
        case DeliveryState.PENDING:
            return f"{what} waits"
