"""Tells the core what a channel shows, and sees that the replica knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.catching_up import CHUNK
from bot.lease import Lease
from bot.waiting import first_of
from jinkies.clock import Clock
from jinkies.commands import CatchUp, RecordDelivery
from jinkies.model import Delivery, DeliveryState, What
from jinkies.operator import Operator

if TYPE_CHECKING:
    from bot.board import Wanted

FOLD_LIMIT_S = 5.0


class Recorder:
    """Speaks to the core for one channel, as the holder of the lease.

    Every method raises what ``Operator.execute`` does.
    """

    def __init__(self, operator: Operator, replica: Wanted, clock: Clock, lease: Lease, channel_id: str) -> None:
        self._operator = operator
        self._replica = replica
        self._clock = clock
        self._lease = lease
        self._channel_id = channel_id

    async def record(  # what a channel shows, as the core's command takes it
        self,
        delivery: Delivery,
        state: DeliveryState,
        *,
        message_id: str | None,
        revision: int = 0,
        digest: str = "",
        error: str | None = None,
    ) -> int | None:
        """Tell the core; gives the journal entry that shows it, None when it was so already."""
        outcome = await self._operator.execute(
            RecordDelivery(
                alert_id=delivery.alert_id,
                channel_id=delivery.channel_id,
                holder=self._lease.holder,
                kind=delivery.kind,
                state=state,
                message_id=message_id,
                shown_revision=revision,
                shown_hash=digest,
                error=error,
            )
        )
        return outcome.seq

    async def read(self, delivery: Delivery, message_id: str) -> None:
        """Tell the core that the thread on a card was looked at for comments up to a message."""
        read = RecordDelivery(
            alert_id=delivery.alert_id,
            channel_id=delivery.channel_id,
            holder=self._lease.holder,
            kind=What.THREAD,
            state=None,
            read_to=message_id,
        )
        await self._operator.execute(read)

    async def tell_late(self, missed: list[Delivery]) -> None:
        """These are told in a digest, in the one that was made just now if nobody has seen it yet."""
        keys = tuple((one.alert_id, one.kind) for one in missed)
        for start in range(0, len(keys), CHUNK):
            told = CatchUp(channel_id=self._channel_id, holder=self._lease.holder, missed=keys[start : start + CHUNK])
            await self.seen((await self._operator.execute(told)).seq)

    async def unknown(self) -> list[Delivery]:
        """What the channel never showed, and the replica doesn't know of: a snapshot is bounded."""
        known = self._replica.deliveries
        found = [one for one in (await self._operator.snapshot()).deliveries if one.channel_id == self._channel_id]
        missed = (one for one in found if one.message_id is None and not one.in_step and one.what is not What.THREAD)
        return [one for one in missed if (one.alert_id, one.channel_id, one.kind) not in known]

    async def seen(self, seq: int | None) -> bool:
        """Whether the replica shows what an entry says, which is waited for a while."""
        if seq is not None and not self._folded(seq):
            await first_of(self._fold(seq), self._clock.sleep(FOLD_LIMIT_S))
        return seq is not None and self._folded(seq)

    def _folded(self, seq: int) -> bool:
        position, hello = self._replica.position, self._replica.hello
        return position is not None and hello is not None and position.epoch == hello.epoch and position.seq >= seq

    async def _fold(self, seq: int) -> None:
        while not self._folded(seq):
            await self._replica.changed(self._replica.version)
