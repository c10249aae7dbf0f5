"""The board: compares what Discord should show (the core's deliveries) with what it does show, and mends.

Reconciling, not pushing: whatever happened in between, the newest state is rendered and posted or edited once. Only the
holder of the lease mends. ``kill -9`` at any point gives no second card: a delivery whose posting may have happened
without being recorded is looked for in the channel first, and Discord drops a second post with the same nonce.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from bot.courier import Courier
from bot.lease import Lease
from bot.mender import Mender
from jinkies.clock import Clock
from jinkies.events import Hello, Position
from jinkies.model import AlertRow, ChannelTail, Delivery, PartHealth
from jinkies.operator import Operator

log = logging.getLogger(__name__)


class Wanted(Protocol):
    """What the board needs of a replica."""

    @property
    def hello(self) -> Hello | None:
        """Who the core is; None before the first snapshot."""
        ...

    @property
    def position(self) -> Position | None:
        """How far the journal is folded."""
        ...

    @property
    def rows(self) -> dict[int, AlertRow]:
        """Alerts as they are now."""
        ...

    @property
    def deliveries(self) -> dict[tuple[int, str, str], Delivery]:
        """What channels should show."""
        ...

    @property
    def channel_tails(self) -> dict[int, ChannelTail]:
        """Tails that channels should show, until they show that they ended."""
        ...

    @property
    def unsettled(self) -> dict[tuple[int, str, str], Delivery]:
        """Those of them that are not in step."""
        ...

    @property
    def health(self) -> dict[str, PartHealth]:
        """How the parts are doing."""
        ...

    @property
    def version(self) -> int:
        """Moves with every change."""
        ...

    async def live(self) -> None:
        """Until the first snapshot is in."""
        ...

    async def changed(self, version: int) -> int:
        """Until ``version`` moves past the given one."""
        ...


class Board:
    """Keeps every channel's cards in step, a task for each channel, while the lease is held.

    Args:
        operator: the core.
        replica: follows the core's journal; somebody else runs it.
        courier: carries messages to Discord.
        clock: the time by which is waited.
        lease: which board mends; run by this one.
        guild_id: the server of the channels, for links to messages.
    """

    def __init__(  # its parts, injected
        self, operator: Operator, replica: Wanted, courier: Courier, clock: Clock, lease: Lease, *, guild_id: str
    ) -> None:
        self._operator = operator
        self._replica = replica
        self._courier = courier
        self._clock = clock
        self._lease = lease
        self._guild_id = guild_id
        self._menders: dict[str, Mender] = {}

    @property
    def troubles(self) -> dict[str, str]:
        """Why channels can't be written to, by channel, in words; empty when all can."""
        return {channel_id: one.trouble for channel_id, one in self._menders.items() if one.trouble is not None}

    def look_again(self) -> None:
        """What the bot may do in Discord may have changed: channels that were closed to it are tried at once."""
        for mender in self._menders.values():
            mender.look_again()

    async def run(self) -> None:
        """Mend for ever."""
        self._menders.clear()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._lease.run(), name="board-lease")
            await self._replica.live()
            while True:
                version = self._replica.version
                for channel_id in {channel for _, channel, _ in self._replica.unsettled} - set(self._menders):
                    mender = self._menders[channel_id] = self._mender(channel_id)
                    group.create_task(mender.run(), name=f"board-{channel_id}")
                await self._replica.changed(version)

    def _mender(self, channel_id: str) -> Mender:
        return Mender(
            self._operator,
            self._replica,
            self._courier,
            self._clock,
            self._lease,
            channel_id=channel_id,
            guild_id=self._guild_id,
        )
