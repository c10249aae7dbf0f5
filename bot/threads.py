"""The thread on each card, where they are switched on: the alert's timeline as it grows, and comments from people.

A delivery of the kind ``thread`` says up to which place of the journal a thread tells; this brings it there. A thread
that was begun from a message has the message's id, so that none is begun twice; of what may have been posted without
being recorded, the lines are looked for in the thread first.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import TYPE_CHECKING

import msgspec

from bot.courier import NOTHING_TRIED, Courier, CourierError, Shown, Trouble
from bot.lease import Lease
from bot.recorder import Recorder
from bot.render import CONTENT_LIMIT, Message
from bot.text import escaped, plain_label, units
from bot.waiting import first_of
from jinkies.clock import Clock
from jinkies.errors import JinkiesError, NotFound, Unavailable
from jinkies.model import (
    THREAD_KINDS,
    ActorKind,
    AlertDetail,
    AlertRow,
    Delivery,
    DeliveryState,
    EntryKind,
    TimelineEntry,
    What,
)
from jinkies.operator import Operator

if TYPE_CHECKING:
    from bot.board import Wanted

log = logging.getLogger(__name__)

IDLE_S = 5.0  # look again at least this often
PAUSE_S = 2.0  # after a failure that may pass; doubles up to ``LONGEST_PAUSE_S``
LONGEST_PAUSE_S = 600.0
CLOSED_PAUSE_S = 30.0  # of a channel in which no thread may be begun or written in; likewise up to ``LONGEST_PAUSE_S``
OFFLINE_PAUSE_S = 0.5
LINE_LIMIT = 500  # units of a line
NAME_LIMIT = 100  # characters of a thread's name (Discord limit)
UNKNOWN_CHANNEL = 10003  # Discord's code: a person deleted the thread
TAKEN = 1_000  # comments that are remembered as written in their threads
_HINT = "the bot needs Create Public Threads and Send Messages in Threads there"

_Key = tuple[int, str]  # alert and channel
_EMPTY = Message(embeds=())


class _Patience(msgspec.Struct):
    failures: int = 0
    not_before_s: float = 0.0


class Threads:
    """Brings threads in step, one effect at a time, while the board's lease is held.

    Args:
        operator: the core.
        replica: follows the core's journal; somebody else runs it.
        courier: carries messages to Discord.
        clock: the time by which is waited.
        lease: the board's.
    """

    def __init__(self, operator: Operator, replica: Wanted, courier: Courier, clock: Clock, lease: Lease) -> None:
        self._operator = operator
        self._replica = replica
        self._courier = courier
        self._clock = clock
        self._lease = lease
        self._term: tuple[int, str] = (0, "")
        self._told: dict[_Key, int] = {}  # how far each is known to be, of this term; what is not there is looked at
        self._patience: dict[_Key, _Patience] = {}
        self._closed: dict[str, _Patience] = {}  # channels; five hundred threads there are no reason for as many 403s
        self._hurry = asyncio.Event()
        self._taken: dict[int, None] = {}  # places in the journal of comments that their threads show already

    def took(self, seq: int) -> None:
        """The comment at a place of the journal was written in its thread: it is not told there again."""
        self._taken[seq] = None
        while len(self._taken) > TAKEN:
            del self._taken[next(iter(self._taken))]

    def look_again(self) -> None:
        """What the bot may do may have changed: channels that were closed to it are tried at once."""
        self._closed.clear()
        self._hurry.set()

    async def run(self) -> None:
        """Mend for ever."""
        while True:
            term, hello = await self._lease.wait(), self._replica.hello
            if hello is not None and self._term != (term, hello.epoch):
                self._term, self._told, self._patience, self._closed = (term, hello.epoch), {}, {}, {}
            if not self._courier.ready:  # the core need not be asked what can't be told
                await self._clock.sleep(OFFLINE_PAUSE_S)
                continue
            version = self._replica.version
            self._hurry.clear()
            delivery, wait_s = self._next()
            if delivery is None:
                pause = self._clock.sleep(min(wait_s, IDLE_S))
                await first_of(self._replica.changed(version), self._hurry.wait(), pause)
            else:
                await self._try(delivery)

    async def _try(self, delivery: Delivery) -> None:
        try:
            await self._mend(delivery)
        except JinkiesError as error:
            level = logging.DEBUG if isinstance(error, Unavailable) else logging.WARNING
            log.log(level, "a thread waits: %s", error)
            self._pause(delivery)
        except Exception:  # a fault of ours with this thread: the others, the cards and the commands go on
            log.exception("the thread of alert %d can't be told", delivery.alert_id)
            self._pause(delivery)

    def _next(self) -> tuple[Delivery | None, float]:
        now_s, wait_s = self._clock.monotonic_s(), IDLE_S
        for delivery in self._replica.unsettled.values():
            if delivery.what is not What.THREAD:
                continue
            if self._told.get(_key(delivery), -1) >= delivery.wanted_revision:  # recorded; the replica is behind
                continue
            held_back = (self._patience.get(_key(delivery)), self._closed.get(delivery.channel_id))
            left_s = max((one.not_before_s - now_s for one in held_back if one is not None), default=0.0)
            if left_s <= 0:
                return delivery, 0.0
            wait_s = min(wait_s, left_s)
        return None, wait_s

    async def _mend(self, delivery: Delivery) -> None:
        try:
            detail = await self._operator.alert(delivery.alert_id)
        except NotFound:  # expired: the replica drops the delivery soon
            self._told[_key(delivery)] = delivery.wanted_revision
            return
        thread_id = delivery.message_id
        try:
            thread_id = thread_id or await self._open(delivery, detail.row)
            await self._tell(delivery, detail, thread_id)
        except CourierError as error:
            await self._failed(delivery, thread_id, error)
            return
        told = max([delivery.wanted_revision, *(entry.seq for entry in detail.timeline)])
        await self._recorder(delivery).record(delivery, DeliveryState.POSTED, message_id=thread_id, revision=told)
        self._told[_key(delivery)] = told
        self._patience.pop(_key(delivery), None)
        self._closed.pop(delivery.channel_id, None)

    async def _open(self, delivery: Delivery, row: AlertRow) -> str:
        card = self._replica.deliveries.get((delivery.alert_id, delivery.channel_id, What.CARD))
        if card is None or card.message_id is None or card.state is DeliveryState.DELETED:
            raise CourierError("its card is not there", trouble=Trouble.MESSAGE_GONE)
        name = plain_label(f"#{row.alert_id} {row.title} · {row.service}", NAME_LIMIT)
        return await self._courier.open_thread(delivery.channel_id, card.message_id, name)

    async def _tell(self, delivery: Delivery, detail: AlertDetail, thread_id: str) -> None:
        """Post what is new, and was not posted already."""
        key = _key(delivery)
        after = max(delivery.shown_revision, self._told.get(key, 0))
        entries = [
            entry
            for entry in detail.timeline
            if entry.kind in THREAD_KINDS and entry.seq > after and entry.seq not in self._taken
        ]
        if not entries:
            return
        if key not in self._told or any(map(_is_said_in_discord, entries)):  # an earlier bot may have told of them
            shown = await self._courier.list(thread_id)
            entries = [entry for entry in entries if not _is_there(entry, shown)]
        self._told.pop(key, None)  # until all of it is there
        for lines, seq in _messages(entries):
            await self._courier.post(thread_id, _EMPTY, nonce=self._nonce(thread_id, seq), content=lines)

    def _nonce(self, thread_id: str, seq: int) -> str:
        meant = f"{self._term[1]}/{thread_id}/{seq}"
        return "jt" + hashlib.blake2b(meant.encode(), digest_size=10).hexdigest()

    async def _failed(self, delivery: Delivery, thread_id: str | None, error: CourierError) -> None:
        if error.trouble is Trouble.MESSAGE_GONE or error.code_number == UNKNOWN_CHANNEL:  # a person deleted it
            await self._noted(delivery, DeliveryState.DELETED, thread_id)
            self._told[_key(delivery)] = delivery.wanted_revision
            return
        closed = error.trouble is Trouble.CHANNEL
        self._pause(delivery, closed=closed, wait_s=error.wait_s)
        if error.trouble not in NOTHING_TRIED:
            log.warning("thread of alert %d in channel %s: %s", delivery.alert_id, delivery.channel_id, error)
            words = f"{error}: {_HINT}" if closed else str(error)
            await self._noted(delivery, DeliveryState.FAILED, thread_id, words)

    async def _noted(
        self, delivery: Delivery, state: DeliveryState, thread_id: str | None, error: str | None = None
    ) -> None:
        """It tells what it told before, and why no more."""
        recorder, told = self._recorder(delivery), delivery.shown_revision
        await recorder.record(delivery, state, message_id=thread_id, revision=told, error=error)

    def _recorder(self, delivery: Delivery) -> Recorder:
        return Recorder(self._operator, self._replica, self._clock, self._lease, delivery.channel_id)

    def _pause(self, delivery: Delivery, *, closed: bool = False, wait_s: float = 0.0) -> None:
        """Leave the thread alone for a while; ``closed``: all of its channel's."""
        if closed:
            patience, first_s = self._closed.setdefault(delivery.channel_id, _Patience()), CLOSED_PAUSE_S
        else:
            patience, first_s = self._patience.setdefault(_key(delivery), _Patience()), PAUSE_S
        pause_s = max(wait_s, min(LONGEST_PAUSE_S, first_s * 2.0**patience.failures))
        patience.not_before_s = self._clock.monotonic_s() + pause_s
        patience.failures = min(patience.failures + 1, 16)


def _key(delivery: Delivery) -> _Key:
    return (delivery.alert_id, delivery.channel_id)


def entry_line(entry: TimelineEntry) -> str:
    """A line of the timeline, with its moment in the reader's own time."""
    return f"<t:{entry.at_ms // 1000}:T> {escaped(entry.text, LINE_LIMIT)}"


def _messages(entries: list[TimelineEntry]) -> list[tuple[str, int]]:
    """The fewest messages that hold the lines, each with the place of its last one."""
    found: list[tuple[str, int]] = []
    for entry in entries:
        line = entry_line(entry)
        if found and units(found[-1][0]) + 1 + units(line) <= CONTENT_LIMIT:
            found[-1] = (f"{found[-1][0]}\n{line}", entry.seq)
        else:
            found.append((line, entry.seq))
    return found


def _is_said_in_discord(entry: TimelineEntry) -> bool:
    return entry.kind is EntryKind.ALERT_COMMENTED and entry.actor.kind is ActorKind.DISCORD


def _is_there(entry: TimelineEntry, shown: tuple[Shown, ...]) -> bool:
    """Whether a line stands in the thread: told by this bot, or said there by the person themselves."""
    line = entry_line(entry)  # of several, where the words have line feeds
    said = entry.text.removeprefix(f"{entry.actor.name}: ").strip() if _is_said_in_discord(entry) else None
    return any(
        f"\n{line}\n" in f"\n{one.content}\n"
        if one.mine
        else one.author == entry.actor.id and one.content.strip() == said
        for one in shown
    )
