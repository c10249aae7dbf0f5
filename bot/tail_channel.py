"""Shows the tails of one channel: a message each, posted once and edited at a pace that Discord likes.

Reconciling, like the board: the core says which tails a channel should show and until when, and holds their messages'
ids and what was counted; whatever restarts, the same message is edited on. ``kill -9`` between a post and its record
gives no second message: who can't be sure looks into the channel first.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from bot import tail_ids
from bot.courier import Courier, CourierError, Trouble
from bot.lease import Lease
from bot.render import Message
from bot.sightings import posted_at_ms
from bot.tail_follower import follow
from bot.tail_view import TailView, last_lines, tail_message
from bot.waiting import first_of
from jinkies.clock import Clock
from jinkies.commands import RecordChannelTail, ReportHealth
from jinkies.errors import Conflict, JinkiesError, NotFound, Unavailable
from jinkies.model import ChannelTail, PartHealth, PartState, TailTotals
from jinkies.operator import Operator
from jinkies.redact import Redactor

if TYPE_CHECKING:
    from bot.board import Wanted

log = logging.getLogger(__name__)

PACE_S = 2.5  # between two edits in a channel: Discord takes about five in 5 s, and cards are edited too
SLOWEST_S = 30.0
HASTE_S = 1.0  # likewise, when somebody pressed a button or it is over
SLOW_CALL_S = 2.0  # an edit that took longer waited for Discord
RECORD_S = 10.0  # between two records of what was counted
COUNTED_MS = 120_000  # of event time, behind which it is recorded though nothing was counted
PATIENCE_S = 10.0  # for the core to tell of a tail whose message has lines already
IDLE_S = 5.0
CORE_PAUSE_S = 1.0
BROKEN_PAUSE_S = 60.0
TROUBLE_S = 600.0  # so long a tail that could not be shown is said in the health
PAGES = 10  # of 100 messages, in which a message is looked for that nobody recorded
SKEW_MS = 120_000
TIME_IS_UP = "its time is up"

_FINAL = {
    Trouble.MESSAGE_GONE: "its message was deleted",
    Trouble.CHANNEL: "the channel can't be written to: {}",
    Trouble.REFUSED: "Discord refuses its message: {}",
}


class Shown:
    """How far the message of a tail is."""

    def __init__(self, tail: ChannelTail, view: TailView, follower: asyncio.Task[None], now_s: float) -> None:
        self.tail = tail
        self.view = view
        self.follower = follower
        self.message_id = tail.message_id
        self.too_old: str | None = None  # a message that can't be edited any more: another one follows it
        self.suspect = False  # there may be a message that nobody recorded
        self.drawn: Message | None = None
        self.state: tuple[bool, bool] | None = None  # (paused, over) as drawn
        self.dirty = True
        self.failures = 0
        self.tended_s = now_s
        self.not_before_s = now_s
        self.known_s = now_s
        self.recorded_s = now_s
        self.recorded: tuple[str | None, TailTotals] = (tail.message_id, tail.totals)


class TailChannel:
    """Keeps the tails of a channel in step, while the lease is held."""

    def __init__(  # its parts, injected
        self,
        operator: Operator,
        replica: Wanted,
        courier: Courier,
        clock: Clock,
        lease: Lease,
        *,
        channel_id: str,
        guild_id: str,
        redactor: Redactor,
    ) -> None:
        self._operator = operator
        self._replica = replica
        self._courier = courier
        self._clock = clock
        self._lease = lease
        self._channel_id = channel_id
        self._guild_id = guild_id
        self._redactor = redactor
        self._shown: dict[int, Shown] = {}
        self._heard: dict[int, TailView] = {}  # of tails that were shown when the lease ran out
        self._settled: set[int] = set()  # recorded as over; the replica has not folded it yet
        self._term: tuple[int, str] = (0, "")
        self._began_ms = 0
        self._moved = asyncio.Event()
        self._pace_s = PACE_S
        self._sent_s = float("-inf")
        self._troubled_s: float | None = None  # since when the health says so

    async def run(self) -> None:
        """Show them, for ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                if not self._lease.held:
                    self._forget()
                term = await self._lease.wait()
                try:
                    await self._step(group, term)
                except Conflict as error:
                    log.warning("tails of channel %s: the core refused: %s", self._channel_id, error)
                    self._lease.lost()
                except JinkiesError as error:
                    level = logging.DEBUG if isinstance(error, Unavailable) else logging.WARNING
                    log.log(level, "tails of channel %s wait for the core: %s", self._channel_id, error)
                    await self._clock.sleep(CORE_PAUSE_S)

    async def _step(self, group: asyncio.TaskGroup, term: int) -> None:
        hello = self._replica.hello
        if hello is not None and self._term != (term, hello.epoch):
            self._forget()
            if self._term[1] != hello.epoch:
                self._heard = {}
            self._term, self._began_ms = (term, hello.epoch), self._clock.now_ms()
        if self._troubled_s is not None and self._clock.monotonic_s() > self._troubled_s + TROUBLE_S:
            await self._report(PartState.OK, "shown")
        self._moved.clear()
        version = self._replica.version
        self._attend(group)
        shown, wait_s = self._next()
        if shown is not None:
            await self._tend(shown)
        else:
            pause = self._clock.sleep(min(wait_s, IDLE_S))
            await first_of(self._moved.wait(), self._replica.changed(version), pause)

    def _attend(self, group: asyncio.TaskGroup) -> None:
        """Follow what is wanted, and nothing else."""
        wanted = {
            number: tail for number, tail in self._replica.channel_tails.items() if tail.channel_id == self._channel_id
        }
        self._settled &= wanted.keys()
        self._heard = {number: view for number, view in self._heard.items() if number in wanted}
        for number in self._shown.keys() - wanted.keys():
            self._drop(number)
        for number, tail in wanted.items():
            if number in self._shown:
                self._shown[number].tail = tail
            elif number not in self._settled:
                self._shown[number] = self._begin(group, tail)
            if number in self._shown and self._over(self._shown[number]) is not None:
                self._shown[number].follower.cancel()

    def _begin(self, group: asyncio.TaskGroup, tail: ChannelTail) -> Shown:
        view = self._heard.pop(tail.number, None) or TailView(tail, self._clock)

        def moved() -> None:
            shown.dirty = True
            self._moved.set()

        work = follow(self._operator, self._clock, tail, view, moved)
        shown = Shown(tail, view, group.create_task(work, name=f"tail-{tail.number}"), self._clock.monotonic_s())
        shown.suspect = tail.started_at_ms <= self._began_ms
        return shown

    def _forget(self) -> None:
        """Where the messages are may have changed; what was heard of a tail has not."""
        for number, shown in list(self._shown.items()):
            if shown.view.refused is None:
                self._heard[number] = shown.view
            self._drop(number)

    def _drop(self, number: int) -> None:
        self._shown.pop(number).follower.cancel()

    def _over(self, shown: Shown) -> str | None:
        """Why the tail is over; None while it runs."""
        tail = shown.tail
        if tail.ended_at_ms is not None:
            return tail.ended_why
        return shown.view.refused or (None if tail.runs(self._clock.now_ms()) else TIME_IS_UP)

    # ------------------------------------------------------------------ which one next

    def _next(self) -> tuple[Shown | None, float]:
        """The one that is due and was tended longest ago, or how long until one may be."""
        now_s = self._clock.monotonic_s()
        due_s = {number: self._due_s(shown, now_s) for number, shown in self._shown.items()}
        due = [self._shown[number] for number, at_s in due_s.items() if at_s <= now_s]
        if due:
            return min(due, key=lambda shown: shown.tended_s), 0.0
        return None, min(due_s.values(), default=IDLE_S + now_s) - now_s

    def _due_s(self, shown: Shown, now_s: float) -> float:
        over = self._over(shown) is not None
        if shown.state != (shown.tail.paused, over):  # posted first, pressed, or over
            at_s = self._sent_s + HASTE_S
            if shown.message_id is not None and not (shown.view.heard or over):
                at_s = max(at_s, shown.known_s + PATIENCE_S)  # rather old lines than none
        elif over:
            at_s = now_s
        elif shown.tail.paused or not shown.dirty:
            at_s = shown.recorded_s + RECORD_S if self._unrecorded(shown) else float("inf")
        else:
            at_s = self._sent_s + self._pace_s
        ends_s = now_s + (shown.tail.ends_at_ms - self._clock.now_ms()) / 1000
        return max(at_s if over else min(at_s, ends_s), shown.not_before_s)

    # ------------------------------------------------------------------ showing one

    async def _tend(self, shown: Shown) -> None:
        shown.tended_s = self._clock.monotonic_s()
        over = self._over(shown)
        try:
            if shown.state != (shown.tail.paused, over is not None) or (shown.dirty and not shown.tail.paused):
                await self._draw(shown, over)
            if over is not None:
                await self._settle(shown, over)
            else:
                await self._record(shown)
        except CourierError as error:
            await self._failed(shown, error)
        except NotFound:  # the core has settled it
            self._settled.add(shown.tail.number)
            self._drop(shown.tail.number)
        except JinkiesError:
            raise
        except Exception:  # a fault of ours with this one: the others, and the board, go on
            log.exception("tail %d can't be shown", shown.tail.number)
            shown.not_before_s = self._clock.monotonic_s() + BROKEN_PAUSE_S

    async def _draw(self, shown: Shown, over: str | None) -> None:
        shown.dirty = False
        state = (shown.tail.paused, over is not None)
        message = tail_message(shown.tail, shown.view, self._redactor, epoch=self._term[1], over=over)
        if shown.suspect:
            await self._adopt(shown)
        begun_s = self._clock.monotonic_s()
        if shown.message_id is None or shown.message_id == shown.too_old:
            if over is not None and shown.too_old is None:  # it was over before anybody could see it
                return
            await self._post(shown, message)
        elif message != shown.drawn and not await self._edit(shown, message, over):
            return
        if message != shown.drawn:
            self._sent(begun_s)
        shown.drawn, shown.state, shown.failures = message, state, 0

    async def _post(self, shown: Shown, message: Message) -> None:
        tail, old = shown.tail, shown.too_old
        name = tail_ids.nonce(tail.number, self._channel_id, self._term[1], after=old)
        link = f"https://discord.com/channels/{self._guild_id}/{self._channel_id}/{old}"
        shown.suspect = True  # until Discord answered
        try:
            content = f"Continued from {link}" if old is not None else ""
            found = await self._courier.post(self._channel_id, message, nonce=name, content=content)
        except CourierError as error:
            shown.suspect = error.trouble in (Trouble.UNCLEAR, Trouble.PENDING)
            raise
        shown.suspect, shown.message_id, shown.too_old = False, found.message_id, None

    async def _edit(self, shown: Shown, message: Message, over: str | None) -> bool:
        """Whether the message shows it now; else it is too old for that, and another one follows it."""
        try:
            if over is None or not await self._close(shown, over):
                await self._courier.edit(self._channel_id, shown.message_id or "", message)
        except CourierError as error:
            if error.trouble is not Trouble.TOO_OLD:
                raise
            shown.too_old, shown.suspect, shown.dirty, shown.state = shown.message_id, True, True, None
            return False
        return True

    async def _close(self, shown: Shown, over: str) -> bool:
        """The last edit, with a file of the lines; False where there are no more than it shows, or no file may be."""
        upload, note = await asyncio.to_thread(last_lines, shown.tail, shown.view, self._redactor)
        if upload is None:
            return False
        message = tail_message(shown.tail, shown.view, self._redactor, epoch=self._term[1], over=over, note=note)
        try:
            await self._courier.edit(self._channel_id, shown.message_id or "", message, upload=upload)
        except CourierError as error:
            if error.trouble not in (Trouble.CHANNEL, Trouble.REFUSED):
                raise
            log.info("the file of tail %d is refused: %s", shown.tail.number, error)
            return False
        return True

    async def _adopt(self, shown: Shown) -> None:
        """Take a message of ours for the tail's that is newer than the one that was recorded, if there is one."""
        found = await self._sight(shown.tail, newer_than=shown.message_id)
        if found is not None:
            log.info("adopted the message %s of tail %d", found, shown.tail.number)
            shown.message_id, shown.too_old = found, None
        shown.suspect = False

    async def _sight(self, tail: ChannelTail, *, newer_than: str | None) -> str | None:
        """The newest message of ours in the channel that is the tail's, newer than another; None: there is none."""
        before: str | None = None
        for _ in range(PAGES):
            page = await self._courier.list(self._channel_id, before=before)
            for one in page:
                meant = [tail_ids.parse(text) for text in one.custom_ids] if one.mine else []
                if any(each is not None and self._names(each, tail) for each in meant):
                    return one.message_id if int(one.message_id) > int(newer_than or 0) else None
            if not page:
                return None
            before = min((one.message_id for one in page), key=int)
            if posted_at_ms(before) < tail.started_at_ms - SKEW_MS:
                return None
        return None

    def _names(self, button: tail_ids.TailButton, tail: ChannelTail) -> bool:
        return (button.number, button.epoch8) == (tail.number, self._term[1][:8])

    def _sent(self, begun_s: float) -> None:
        """Pace: slower while Discord makes us wait."""
        self._sent_s = self._clock.monotonic_s()
        slow = self._sent_s - begun_s > SLOW_CALL_S
        self._pace_s = min(SLOWEST_S, self._pace_s * 1.5) if slow else max(PACE_S, self._pace_s * 0.9)

    # ------------------------------------------------------------------ telling the core

    def _unrecorded(self, shown: Shown) -> bool:
        """Whether the core should hear of something: of a message at once, of counts now and then."""
        message_id, totals = shown.recorded
        known = shown.view.totals()
        counted = known.levels != totals.levels or known.until_ms - totals.until_ms > COUNTED_MS
        return shown.message_id != message_id or counted

    async def _record(self, shown: Shown) -> None:
        now_s, posted = self._clock.monotonic_s(), shown.message_id != shown.recorded[0]
        if not self._unrecorded(shown) or not (posted or now_s >= shown.recorded_s + RECORD_S):
            return
        known = (shown.message_id, shown.view.totals())
        await self._execute(
            RecordChannelTail(number=shown.tail.number, holder=self._lease.holder, message_id=known[0], totals=known[1])
        )
        shown.recorded, shown.recorded_s = known, now_s
        if posted:
            await self._report(PartState.OK, "shown")

    async def _settle(self, shown: Shown, why: str) -> None:
        number = shown.tail.number
        shown.follower.cancel()
        await self._execute(
            RecordChannelTail(
                number=number,
                holder=self._lease.holder,
                message_id=shown.message_id,
                totals=shown.view.totals(),
                settled=True,
                why=why,
            )
        )
        self._settled.add(number)
        self._drop(number)

    async def _execute(self, command: RecordChannelTail) -> None:
        await self._operator.execute(command)

    async def _report(self, state: PartState, detail: str) -> None:
        await self._operator.execute(ReportHealth(health=PartHealth(part="tails", state=state, detail=detail)))
        self._troubled_s = self._clock.monotonic_s() if state is PartState.FAILED else None

    async def _failed(self, shown: Shown, error: CourierError) -> None:
        shown.dirty = True
        if error.trouble in _FINAL:
            why = _FINAL[error.trouble].format(error)
            log.warning("tail %d in channel %s ends: %s", shown.tail.number, self._channel_id, why)
            if error.trouble is not Trouble.MESSAGE_GONE:
                detail = f"tail {shown.tail.number} in channel {self._channel_id} ended: {why}"
                await self._report(PartState.FAILED, detail)
            await self._settle(shown, why)
            return
        now_s = self._clock.monotonic_s()
        pause_s = min(SLOWEST_S, 2.0**shown.failures)
        shown.failures = min(shown.failures + 1, 8)
        shown.not_before_s = now_s + max(pause_s, error.wait_s)
        if error.trouble is Trouble.BUSY:
            self._pace_s = min(SLOWEST_S, self._pace_s * 2)
            self._sent_s = now_s + error.wait_s
