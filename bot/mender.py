"""Mends one channel's cards, one effect at a time."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from bot.agenda import Agenda, Progress, outstanding
from bot.catching_up import LATE_S, missed, standing_for
from bot.courier import NOTHING_TRIED, Courier, CourierError, Trouble
from bot.custom_ids import nonce
from bot.lease import Lease
from bot.recorder import Recorder
from bot.showing import Showing, showing
from bot.sightings import Sightings
from bot.waiting import first_of
from jinkies.clock import Clock
from jinkies.errors import Conflict, JinkiesError, NotFound, Unavailable
from jinkies.model import AlertDetail, Delivery, DeliveryState, What
from jinkies.operator import Operator

if TYPE_CHECKING:
    from bot.board import Wanted

log = logging.getLogger(__name__)

IDLE_S = 5.0  # look again at least this often
CORE_PAUSE_S = 1.0
OFFLINE_PAUSE_S = 0.5
BROKEN_PAUSE_S = 10.0
GONE_PAUSE_S = 60.0
TOLD_AFTER = 3  # failures in a row
_HINT = "the bot needs View Channel, Send Messages, Embed Links and Read Message History there"

# (first, longest) pause in seconds after a failure, doubling in between
_PAUSES = {
    Trouble.OFFLINE: (0.5, 2.0),
    Trouble.UNCLEAR: (1.0, 60.0),
    Trouble.PENDING: (1.0, 1.0),
    Trouble.BUSY: (1.0, 60.0),
    Trouble.CHANNEL: (30.0, 300.0),
    Trouble.LOCKED: (30.0, 300.0),
    Trouble.THREAD_THERE: (60.0, 3_600.0),
    Trouble.TOO_OLD: (60.0, 600.0),
    Trouble.MESSAGE_GONE: (1.0, 60.0),
    Trouble.REFUSED: (60.0, 3_600.0),
}
# These say nothing about the other cards of the channel; the rest pause the channel as a whole, so that five hundred
# cards don't make five hundred refusals (10,000 within ten minutes ban an address: Discord's "Invalid Request Limit").
_OF_ONE_CARD = frozenset(
    {Trouble.PENDING, Trouble.REFUSED, Trouble.TOO_OLD, Trouble.MESSAGE_GONE, Trouble.THREAD_THERE}
)
_CLOSED = frozenset({Trouble.CHANNEL, Trouble.LOCKED})  # a person must open it
_NOTHING_HAPPENED = frozenset({Trouble.OFFLINE, Trouble.BUSY, Trouble.REFUSED}) | _CLOSED


class Mender:
    """Brings the cards of a channel in step with what the core wants, while the lease is held."""

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
    ) -> None:
        self._operator = operator
        self._replica = replica
        self._courier = courier
        self._clock = clock
        self._lease = lease
        self._channel_id = channel_id
        self._guild_id = guild_id
        self._recorder = Recorder(operator, replica, clock, lease, channel_id)
        self._agenda = Agenda()
        self._term: tuple[int, str] = (0, "")
        self._watermark = 0
        self._sightings = Sightings(courier, channel_id, "")
        self._channel_failures = 0
        self._channel_not_before_s = 0.0
        self._closed = False  # the channel is not ours to write in, or not there
        self._looked_at_s = float("-inf")  # when Discord last took something here, or was caught up with
        self._hurry = asyncio.Event()
        self.trouble: str | None = None  # why the channel can't be written to, in words

    def look_again(self) -> None:
        """What the bot may do may have changed: a channel that was closed to it is tried at once."""
        if self._closed:
            self._channel_failures, self._channel_not_before_s = 0, 0.0
            self._hurry.set()

    @property
    def _epoch(self) -> str:
        return self._term[1]

    async def run(self) -> None:
        """Mend for ever."""
        while True:
            term = await self._lease.wait()
            try:
                await self._step(term)
            except Unavailable as error:  # the core went away: what is wanted can't be known
                log.debug("channel %s waits for the core: %s", self._channel_id, error)
                await self._clock.sleep(CORE_PAUSE_S)
            except Conflict as error:  # the core gave the lease away: what we believe of it is wrong
                log.warning("channel %s: the core refused: %s", self._channel_id, error)
                self._lease.lost()
            except JinkiesError as error:
                log.warning("channel %s: the core refused: %s", self._channel_id, error)
                await self._clock.sleep(CORE_PAUSE_S)
            except Exception:  # a fault of ours: the other channels, and the commands, go on
                log.exception("channel %s can't be mended just now", self._channel_id)
                await self._clock.sleep(BROKEN_PAUSE_S)

    async def _step(self, term: int) -> None:
        hello = self._replica.hello
        if hello is not None and self._term != (term, hello.epoch):
            await self._begin(term, hello.epoch)
        if not self._courier.ready:  # the core need not be asked what can't be shown
            await self._clock.sleep(OFFLINE_PAUSE_S)
            return
        version = self._replica.version
        self._hurry.clear()
        if found := self._missed():
            await self._catch_up(found)
            return
        delivery, wait_s = self._next()
        if delivery is not None:
            await self._mend(delivery)
        else:
            pause = self._clock.sleep(min(wait_s, IDLE_S))
            await first_of(self._replica.changed(version), self._hurry.wait(), pause)

    async def _begin(self, term: int, epoch: str) -> None:
        """A new term: cards of alerts up to the watermark may have been posted by whoever mended before."""
        snapshot = await self._operator.snapshot()
        known = [row.alert_id for row in snapshot.rows] + [delivery.alert_id for delivery in snapshot.deliveries]
        self._watermark = max(known, default=0)
        self._sightings = Sightings(self._courier, self._channel_id, epoch)
        self._agenda = Agenda()  # another board may have done anything meanwhile
        self._term = (term, epoch)
        self._looked_at_s = float("-inf")

    def _wanted(self) -> list[Delivery]:
        self._agenda.prune(self._replica.deliveries)
        return [one for one in self._replica.unsettled.values() if self._is_due(one)]

    def _missed(self) -> list[Delivery]:
        """What is no news any more, because the channel could not be written to."""
        now_s = self._clock.monotonic_s()
        if now_s < self._channel_not_before_s or now_s - self._looked_at_s < LATE_S:
            return []
        return missed(self._wanted(), self._agenda, now_s=now_s, now_ms=self._clock.now_ms())

    async def _catch_up(self, found: list[Delivery]) -> None:
        """One digest for all that the channel doesn't show; reading it first shows that it is there again."""
        self._sightings = Sightings(self._courier, self._channel_id, self._epoch)
        try:
            await self._sightings.look()
            unseen = [one for one in found if not await self._seen(one)]
            self._looked_at_s = self._clock.monotonic_s()
            while len(unseen) > 1:
                await self._recorder.tell_late(unseen)
                log.info("channel %s: %d deliveries told in a digest", self._channel_id, len(unseen))
                unseen = [one for one in await self._recorder.unknown() if not await self._seen(one)]
        except CourierError as error:
            await self._failed(found[0], error)

    async def _seen(self, delivery: Delivery) -> bool:
        """Whether the channel shows it, unrecorded; it is recorded then, as of a state to be edited."""
        if not self._suspect(delivery, self._agenda.of(delivery)):
            return False
        message_id = await self._sightings.find(delivery.alert_id, delivery.kind, since_ms=delivery.wanted_at_ms)
        if message_id is None:
            self._agenda.of(delivery).unclear = False
            return False
        seq = await self._recorder.record(delivery, DeliveryState.POSTED, message_id=message_id)
        await self._settle(delivery, seq)
        return True

    def _next(self) -> tuple[Delivery | None, float]:
        now_s = self._clock.monotonic_s()
        if now_s < self._channel_not_before_s:
            return None, self._channel_not_before_s - now_s
        return self._agenda.next(self._wanted(), self._replica.rows, now_s)

    def _is_due(self, delivery: Delivery) -> bool:
        """Threads are mended by ``bot.threads``."""
        here = delivery.channel_id == self._channel_id and delivery.what is not What.THREAD
        return here and outstanding(delivery)

    async def _mend(self, delivery: Delivery) -> None:
        try:
            detail = await self._operator.alert(delivery.alert_id)
        except NotFound:  # expired: the replica drops the delivery soon
            self._agenda.of(delivery).not_before_s = self._clock.monotonic_s() + GONE_PAUSE_S
            return
        if self._lease.term != self._term[0] or not self._lease.held:  # it lapsed while the core was asked
            return
        try:
            shown = showing(delivery, detail, epoch=self._epoch, link=self._about(delivery))
            await self._show(delivery, detail, shown)
        except CourierError as error:
            await self._failed(delivery, error)
            return
        except JinkiesError:
            raise
        except Exception:  # a fault of ours with this card: the others, and the commands, go on
            log.exception("%s of alert %d can't be shown", delivery.kind, delivery.alert_id)
            self._pause(self._agenda.of(delivery), Trouble.REFUSED)
            return
        progress = self._agenda.of(delivery)
        progress.decision_rev = detail.row.decision_rev
        self._channel_failures, self._closed, self.trouble = 0, False, None
        self._looked_at_s = self._clock.monotonic_s()
        seq = await self._recorder.record(
            delivery,
            DeliveryState.POSTED,
            message_id=progress.message_id,
            revision=shown.revision,
            digest=progress.digest,
        )
        await self._settle(delivery, seq)

    def _about(self, delivery: Delivery) -> str | None:
        """A link to what a call is about: the alert's card, or the digest that stands for it."""
        deliveries = self._replica.deliveries.values()
        mine = [one for one in deliveries if one.channel_id == self._channel_id and one.message_id is not None]
        card = self._replica.deliveries.get((delivery.alert_id, self._channel_id, "card"))
        told_in = None
        if card is not None and card.state is DeliveryState.DIGESTED:
            told_in = standing_for(self._replica.deliveries, self._channel_id, card.told_in)
        for one in mine:
            if one.kind == told_in or (told_in is None and (one.alert_id, one.kind) == (delivery.alert_id, "card")):
                return self._link(one.message_id or "")
        return None

    async def _show(self, delivery: Delivery, detail: AlertDetail, shown: Showing) -> None:
        """Make the channel show it; the delivery's progress then holds the message's id and digest."""
        progress = self._agenda.of(delivery)
        if progress.message_id is None:
            progress.message_id, progress.digest = delivery.message_id, delivery.shown_hash
        if progress.unclear or (progress.message_id is None and self._suspect(delivery, progress)):
            found = await self._adopt(delivery, detail, progress, newer_than=progress.message_id or "0")
            if found is not None:
                progress.message_id, progress.digest = found, ""
        digest = shown.message.digest()
        if progress.message_id is None:
            await self._post(progress, delivery, shown)
            progress.edited_at_s = self._clock.monotonic_s()
        elif shown.edited and progress.digest != digest:
            await self._edit(progress, delivery, detail, shown, progress.message_id)
            progress.edited_at_s = self._clock.monotonic_s()
        progress.digest = digest

    def _suspect(self, delivery: Delivery, progress: Progress) -> bool:
        return progress.unclear or delivery.alert_id <= self._watermark

    async def _adopt(
        self, delivery: Delivery, detail: AlertDetail, progress: Progress, *, newer_than: str = "0"
    ) -> str | None:
        """Our own message for it, if the channel has one that nobody recorded."""
        if progress.unclear:  # what was read before is older than the post in question
            self._sightings = Sightings(self._courier, self._channel_id, self._epoch)
        opened_at_ms = min([detail.row.first_seen_at_ms, *(entry.at_ms for entry in detail.timeline[:1])])
        since_ms = delivery.wanted_at_ms or opened_at_ms
        found = await self._sightings.find(delivery.alert_id, delivery.kind, since_ms=since_ms)
        progress.unclear = False
        if found is None or int(found) <= int(newer_than):
            return None
        log.info("adopted the %s of alert %d: message %s", delivery.kind, delivery.alert_id, found)
        return found

    async def _post(
        self, progress: Progress, delivery: Delivery, shown: Showing, *, old: str | None = None, earlier: str = ""
    ) -> None:
        """Post it; in the place of ``old``, of which ``earlier`` tells."""
        progress.unclear = True  # until Discord answered
        named = nonce(delivery, self._epoch, instead=old)
        content = earlier or shown.content
        pings = shown.pings if old is None else None
        try:
            found = await self._courier.post(self._channel_id, shown.message, nonce=named, content=content, pings=pings)
        except CourierError as error:
            progress.unclear = error.trouble not in _NOTHING_HAPPENED
            raise
        progress.unclear = False
        progress.message_id = found.message_id

    async def _edit(
        self, progress: Progress, delivery: Delivery, detail: AlertDetail, shown: Showing, message_id: str
    ) -> None:
        try:
            await self._courier.edit(self._channel_id, message_id, shown.message)
        except CourierError as error:
            if error.trouble is not Trouble.TOO_OLD:
                raise
            await self._post_again(progress, delivery, detail, shown, old=message_id)

    async def _post_again(
        self, progress: Progress, delivery: Delivery, detail: AlertDetail, shown: Showing, *, old: str
    ) -> None:
        """A card that Discord won't let be edited any more: post it afresh, with a link back to the old one."""
        found = await self._adopt(delivery, detail, progress, newer_than=old)
        if found is not None:
            progress.message_id = found
            await self._courier.edit(self._channel_id, found, shown.message)
            return
        await self._post(progress, delivery, shown, old=old, earlier=self._earlier(detail, old))

    def _link(self, message_id: str) -> str:
        return f"https://discord.com/channels/{self._guild_id}/{self._channel_id}/{message_id}"

    def _earlier(self, detail: AlertDetail, old: str) -> str:
        """Where the card was before, and its thread, which stays on the first one."""
        here = (one for one in detail.deliveries if (one.channel_id, one.what) == (self._channel_id, What.THREAD))
        thread = next((one for one in here if one.message_id and one.state is not DeliveryState.DELETED), None)
        more = f"\nThread: https://discord.com/channels/{self._guild_id}/{thread.message_id}" if thread else ""
        return f"Earlier card: {self._link(old)}{more}"

    async def _failed(self, delivery: Delivery, error: CourierError) -> None:
        progress = self._agenda.of(delivery)
        if error.trouble is Trouble.MESSAGE_GONE:  # a person deleted the card; it stays deleted
            seq = await self._recorder.record(delivery, DeliveryState.DELETED, message_id=progress.message_id)
            await self._settle(delivery, seq)
            return
        self._pause(progress, error.trouble, error.wait_s)
        self._tell(error)
        if error.trouble in NOTHING_TRIED:  # the bot's health says why
            return
        log.warning("alert %d in channel %s: %s", delivery.alert_id, self._channel_id, error)
        await self._recorder.record(
            delivery,
            DeliveryState.FAILED,
            message_id=progress.message_id,
            revision=delivery.shown_revision,
            digest=delivery.shown_hash,
            error=str(error),
        )

    def _tell(self, error: CourierError) -> None:
        """Say what is wrong with the channel: at once what a person must mend, the rest when it lasts."""
        self._closed = error.trouble in _CLOSED
        if self._closed:
            self.trouble = f"{error}: {_HINT}"
        elif error.trouble in _OF_ONE_CARD or error.trouble is Trouble.OFFLINE:
            self.trouble = None
        elif self._channel_failures >= TOLD_AFTER:
            self.trouble = str(error)

    def _pause(self, progress: Progress, trouble: Trouble, wait_s: float = 0.0) -> None:
        first_s, longest_s = _PAUSES[trouble]
        now_s = self._clock.monotonic_s()
        if trouble in _OF_ONE_CARD:
            progress.not_before_s = now_s + max(wait_s, min(longest_s, first_s * 2**progress.failures))
            progress.failures = min(progress.failures + 1, 16)
        else:
            self._channel_not_before_s = now_s + max(wait_s, min(longest_s, first_s * 2**self._channel_failures))
            self._channel_failures = min(self._channel_failures + 1, 16)

    async def _settle(self, delivery: Delivery, seq: int | None) -> None:
        """Wait until the replica shows what was recorded: before, it still asks for what was just done.

        When that can't be seen, what was done stays known here, so that it is recorded again and not done again.
        """
        if await self._recorder.seen(seq):
            self._agenda.done(delivery)
        else:
            self._agenda.of(delivery).not_before_s = self._clock.monotonic_s() + CORE_PAUSE_S
