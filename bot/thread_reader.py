"""Hears what people write in threads: as Discord tells of it, and what it told nobody while the bot was away.

A thread's delivery says up to which message it was looked at. After each new session of the gateway and each new term
of the lease, every thread is read on from there before what is written in it is taken as it comes: so each comment is
taken once, and in its order. What its author changed since is taken as it stands then, what was deleted not at all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import msgspec

from bot.commands.desk import Desk
from bot.contexts import Member, caller_of
from bot.courier import LIST_LIMIT, Courier, CourierError, Trouble, Written
from bot.heard import Heard, Said
from bot.lease import Lease
from bot.members import Members
from bot.recorder import Recorder
from bot.slowness import SlowMode
from bot.thread_comments import ANYWHERE, ThreadComments, has_words
from bot.waiting import first_of
from jinkies.errors import Conflict, JinkiesError, NotFound
from jinkies.model import Actor, AlertDetail, AlertQuery, Delivery, DeliveryState, State, What

log = logging.getLogger(__name__)

MOST_THREADS = 200  # unresolved alerts whose threads are read after an absence, those seen last first
MOST_RESOLVED = 50  # likewise of resolved ones, which were resolved at most so long ago:
RESOLVED_MS = 3 * 86_400_000
OLDEST_MS = 30 * 86_400_000  # what was written before that is not taken
UNMARKED_MS = (
    6 * 86_400_000
)  # nor, where no place is recorded, what the core may know no more (it knows keys for 7 days)
PAGES = 5  # of 100 messages: then it is the other threads' turn
PACE_S = 0.5  # from one thread to the next,
TAKEN_PACE_S = 2.0  # after comments were taken, which changed a card: Discord takes about an edit a second and channel
IDLE_S = 2.0  # look again at least this often; what was looked at is recorded as often
OFFLINE_S = 0.5
PAUSE_S = 2.0  # after a failure with a thread; doubles up to ``LONGEST_PAUSE_S``
LONGEST_PAUSE_S = 300.0
BUSY = 100  # messages that are being taken as they come; further ones are read from their threads
UNKNOWN_CHANNEL = 10003  # Discord's code: there is no such thread
_EPOCH_MS = 1_420_070_400_000  # of Discord's ids, whose upper 42 bits are milliseconds since then ("Snowflakes")

_Term = tuple[int, str, str]  # of the lease, the core's epoch, the gateway's session


class _Patience(msgspec.Struct):
    failures: int = 0
    not_before_s: float = 0.0


class _Reading:
    """A thread that is being read: how far, and what was refused."""

    def __init__(self, thread: Delivery, thread_id: str, after: int, slow_mode: SlowMode) -> None:
        self.thread = thread
        self.thread_id = thread_id
        self.after = after
        self.slow_mode = slow_mode  # by the times at which it was written
        self.refused: list[tuple[Written, str]] = []  # and why


class ThreadReader:
    """Reads threads, one at a time, while the board's lease is held.

    Args:
        desk: the core to ask.
        courier: reads Discord.
        lease: the board's.
        comments: takes what is read.
        hearing: the gateway's session in which Discord tells what is written, or None; see ``DiscordLink.hearing``.
    """

    def __init__(
        self, desk: Desk, courier: Courier, lease: Lease, comments: ThreadComments, hearing: Callable[[], str | None]
    ) -> None:
        self._desk = desk
        self._clock = desk.clock
        self._courier = courier
        self._lease = lease
        self._comments = comments
        self._hearing = hearing
        self._members = Members(courier, desk.config.discord.guild_id or "", desk.clock)
        self._heard = Heard()
        self._term: _Term | None = None
        self._queue: dict[int, None] = {}  # alerts whose threads are to be read
        self._patience: dict[int, _Patience] = {}
        self._closed: dict[str, dict[str, int]] = {}  # channels that may not be read → their threads → alerts
        self._hurry = asyncio.Event()
        self._turn = asyncio.Lock()  # of what is taken as it comes: in its order
        self._busy = 0

    async def said(self, payload: dict[str, Any]) -> None:
        """A message that Discord tells of, by its gateway's payload; what is no comment is left alone."""
        try:
            written = msgspec.convert(payload, Written)
        except msgspec.ValidationError:
            return
        thread = self._thread(written.channel_id)
        if thread is None or not has_words(written):
            return
        # A message's member has no user of its own, as an interaction's has.
        member = msgspec.convert({**(payload.get("member") or {}), "user": payload.get("author")}, Member)
        said = Said(written, caller_of(member, (written.channel_id, thread.channel_id)))
        if self._busy >= BUSY:
            self._wait(thread, said)
            return
        self._busy += 1
        try:
            async with self._turn:
                await self._take(thread, said)
        finally:
            self._busy -= 1

    def _thread(self, channel_id: str) -> Delivery | None:
        """By its card too, whose message it has the id of: people write before the thread is recorded."""
        held = self._desk.replica.deliveries.values()
        found = (one for one in held if one.message_id == channel_id and one.what in (What.THREAD, What.CARD))
        return next(found, None) or self._heard.known(channel_id)

    async def _take(self, thread: Delivery, said: Said) -> None:
        """As it comes, unless something that was written before it may be missing."""
        written, caller = said
        term = self._standing()
        if term is None or term != self._term or not self._heard.is_caught_up(written.channel_id):
            self._wait(thread, said)
            return
        slow_mode, now_s = self._desk.slow_mode, self._clock.monotonic_s()
        try:
            reason = await self._comments.take(thread.alert_id, written, caller, slow_mode, now_s)
            self._heard.mark(written.channel_id, thread, written.id)
            if reason is not None:  # recorded before it is told, so that it is told once
                await self._record(written.channel_id)
        except JinkiesError as error:
            log.debug("a comment waits for the core: %s", error)
            self._wait(thread, said)
            return
        if reason is not None and self._comments.is_news(written.channel_id, caller.id, reason):
            await self._comments.explain(written, reason)

    def _wait(self, thread: Delivery, said: Said) -> None:
        self._heard.wait(thread, said)
        self._hurry.set()

    def look_again(self) -> None:
        """What the bot may do may have changed: threads that were closed to it are read."""
        for threads in self._closed.values():
            for thread_id, alert_id in threads.items():
                self._heard.missed(thread_id)
                self._queue[alert_id] = None
        self._closed.clear()
        self._hurry.set()

    async def run(self) -> None:
        """Read for ever."""
        while True:
            await self._lease.wait()
            self._hurry.clear()
            try:
                wait_s = await self._step()
            except Conflict as error:  # the core gave the lease away
                log.warning("threads are not read: %s", error)
                self._lease.lost()
                continue
            except JinkiesError as error:
                log.debug("threads are not read just now: %s", error)
                wait_s = IDLE_S
            if wait_s > 0:
                await first_of(self._hurry.wait(), self._clock.sleep(wait_s))

    async def _step(self) -> float:
        """One thread's turn, or none; gives how long nothing is to be done then."""
        term = self._standing()
        if term is None:
            await self._clock.sleep(OFFLINE_S)
            return 0.0
        if term != self._term:
            await self._begin(term)
        for thread_id in list(self._heard.marks):
            await self._record(thread_id)
        alert_id = self._next()
        if alert_id is None:
            return IDLE_S
        comments = self._comments.taken
        await self._try(alert_id)
        await self._clock.sleep(PACE_S if self._comments.taken == comments else TAKEN_PACE_S)
        return 0.0

    def _standing(self) -> _Term | None:
        """By what it is known that nothing was missed; None: the bot hears nothing, or another reads."""
        hello, session = self._desk.replica.hello, self._hearing()
        if hello is None or session is None or not self._lease.held:
            return None
        return self._lease.term, hello.epoch, session

    async def _begin(self, term: _Term) -> None:
        """Anything may have been said anywhere."""
        replica = self._desk.replica
        carded = {one.alert_id for one in replica.deliveries.values() if one.what is What.CARD and one.message_id}
        rows = [row for row in replica.rows.values() if row.unresolved and row.alert_id in carded]
        rows.sort(key=lambda row: row.last_seen_at_ms, reverse=True)
        since_ms = self._clock.now_ms() - RESOLVED_MS
        over = await self._desk.ask(
            self._desk.operator.alerts(AlertQuery(states=(State.RESOLVED,), limit=MOST_RESOLVED))
        )
        resolved = [row for row in over.rows if (row.resolved_at_ms or 0) >= since_ms]
        self._heard.begin()
        self._queue = dict.fromkeys(row.alert_id for row in (*rows[:MOST_THREADS], *resolved))
        self._patience.clear()
        self._closed.clear()
        self._term = term

    def _next(self) -> int | None:
        now_s = self._clock.monotonic_s()
        wanted = (*self._heard.waiting_alerts(), *self._queue)
        return next((one for one in wanted if self._patience.get(one, _Patience()).not_before_s <= now_s), None)

    async def _try(self, alert_id: int) -> None:
        """Read an alert's threads, and pause with it when that fails."""
        try:
            detail = await self._desk.ask(self._desk.operator.alert(alert_id))
            done = [await self._catch_up(*one) for one in self._threads(detail)]
        except NotFound:  # expired
            self._heard.forget(alert_id)
            done = []
        except CourierError as error:
            log.log(logging.DEBUG if error.retry else logging.WARNING, "threads of alert %d: %s", alert_id, error)
            self._pause(alert_id, error.wait_s)
            return
        except JinkiesError:
            self._pause(alert_id)
            raise
        except Exception:  # a fault of ours with this one: the others go on
            log.exception("the threads of alert %d can't be read", alert_id)
            self._pause(alert_id)
            return
        self._queue.pop(alert_id, None)
        self._patience.pop(alert_id, None)
        if not all(done):
            self._queue[alert_id] = None

    def _pause(self, alert_id: int, wait_s: float = 0.0) -> None:
        patience = self._patience.setdefault(alert_id, _Patience())
        pause_s = max(wait_s, min(LONGEST_PAUSE_S, PAUSE_S * 2.0**patience.failures))
        patience.not_before_s = self._clock.monotonic_s() + pause_s
        patience.failures = min(patience.failures + 1, 16)

    def _threads(self, detail: AlertDetail) -> list[tuple[str, Delivery]]:
        """Those that are to be read. One that is not recorded yet is known by what was said in it."""
        held = {one.channel_id: one for one in detail.deliveries if one.what is What.THREAD}
        found = {one.message_id: one for one in held.values() if one.message_id}
        for thread_id, card in self._heard.waiting_of(detail.row.alert_id).items():
            found.setdefault(thread_id, held.get(card.channel_id, card))
        return [
            (thread_id, one)
            for thread_id, one in found.items()
            if one.state is not DeliveryState.DELETED and not self._heard.is_caught_up(thread_id)
        ]

    async def _catch_up(self, thread_id: str, thread: Delivery) -> bool:
        """Read a thread; False: there is more. Raises ``CourierError`` for what may pass, and what the core raises."""
        self._heard.know(thread_id, thread)
        slow_mode = SlowMode(self._desk.config.discord.max_actions_per_minute)
        reading = _Reading(thread, thread_id, self._start(thread, thread_id), slow_mode)
        try:
            whole = await self._read(reading)
        except CourierError as error:
            if error.retry:
                raise
            log.info("the thread of alert %d can't be read: %s", thread.alert_id, error)
            if error.trouble is Trouble.CHANNEL and error.code_number != UNKNOWN_CHANNEL:
                self._closed.setdefault(thread.channel_id, {})[thread_id] = thread.alert_id
            whole = True
        whole = whole and await self._take_waiting(reading)
        if whole:
            self._heard.caught_up(thread_id)
        await self._tell(reading)
        return whole

    def _start(self, thread: Delivery, thread_id: str) -> int:
        """The message after which to begin."""
        oldest_ms = self._clock.now_ms() - (OLDEST_MS if thread.read_to else UNMARKED_MS)
        _, marked = self._heard.marks.get(thread_id, (thread, "0"))
        return max((oldest_ms - _EPOCH_MS) << 22, int(thread_id), int(thread.read_to or 0), int(marked))

    async def _read(self, reading: _Reading) -> bool:
        if reading.thread.channel_id in self._closed:
            raise CourierError("its channel is closed to the bot", trouble=Trouble.CHANNEL)
        for _ in range(PAGES):
            page = await self._courier.written(reading.thread_id, after=str(reading.after))
            for written in page:
                await self._offer(reading, written)
            if len(page) < LIST_LIMIT:
                return True
            self._heard.mark(reading.thread_id, reading.thread, page[-1].id)  # a page of the bot's own is read once
        return False

    async def _offer(self, reading: _Reading, written: Written) -> None:
        """Take a message that follows what was looked at before."""
        if int(written.id) <= reading.after:
            return
        if has_words(written):
            caller = await self._caller(reading, written)
            if caller is not None:  # who left may not comment any more, and nobody is there to be told
                written_s = (int(written.id) >> 22) / 1_000
                alert_id = reading.thread.alert_id
                reason = await self._comments.take(alert_id, written, caller, reading.slow_mode, written_s)
                if reason is not None:
                    reading.refused.append((written, reason))
            self._heard.mark(reading.thread_id, reading.thread, written.id)
        reading.after = int(written.id)

    async def _caller(self, reading: _Reading, written: Written) -> Actor | None:
        """Who wrote it, as Discord said then or says now; None: somebody who left. Raises ``CourierError``."""
        waiting = self._heard.waiting(reading.thread_id)
        if waiting is not None and written.id in waiting.said:
            return waiting.said[written.id].caller
        member = await self._members.get(written.author.id)
        return caller_of(member, (reading.thread_id, reading.thread.channel_id)) if member is not None else None

    async def _take_waiting(self, reading: _Reading) -> bool:
        """Take what came meanwhile; False: there was more than was kept."""
        while (waiting := self._heard.waiting(reading.thread_id)) is not None:
            later = [one for one in waiting.said if int(one) > reading.after]
            if not later:
                more, waiting.more = waiting.more, False
                return not more
            await self._offer(reading, waiting.said[min(later, key=int)].written)
        return True

    async def _tell(self, reading: _Reading) -> None:
        """Say once to each whose words were not taken why, wherever they wrote; it is recorded before."""
        if reading.refused:
            await self._record(reading.thread_id)
        for written, reason in reading.refused:
            here = self._comments.is_news(reading.thread_id, written.author.id, reason)
            if self._comments.is_news(ANYWHERE, written.author.id, reason) and here:
                await self._comments.explain(written, reason)

    async def _record(self, thread_id: str) -> None:
        """Tell the core how far a thread was looked at. Raises what the core raises."""
        marked = self._heard.marks.get(thread_id)
        if marked is None:
            return
        thread, message_id = marked
        recorder = Recorder(self._desk.operator, self._desk.replica, self._clock, self._lease, thread.channel_id)
        try:
            await self._desk.ask(recorder.read(thread, message_id))
        except NotFound:  # no thread of ours, or none any more
            log.debug("alert %d has no thread in channel %s", thread.alert_id, thread.channel_id)
        if self._heard.marks.get(thread_id) is marked:
            del self._heard.marks[thread_id]
