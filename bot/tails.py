"""Tails in Discord: a task for each channel that shows some, under the lease of the board."""

from __future__ import annotations

import asyncio

from bot.board import Wanted
from bot.courier import Courier
from bot.lease import Lease
from bot.tail_channel import TailChannel
from jinkies.clock import Clock
from jinkies.operator import Operator
from jinkies.redact import Redactor


class Tails:
    """Shows what the core wants shown.

    Args:
        operator: the core.
        replica: follows the core's journal; somebody else runs it.
        courier: carries messages to Discord; the board's, so that sends to a channel don't overlap.
        clock: the time by which is waited.
        lease: the board's; somebody else runs it.
        guild_id: the server of the channels, for links to messages.
        redactor: cuts secrets from lines.
    """

    def __init__(  # its parts, injected
        self,
        operator: Operator,
        replica: Wanted,
        courier: Courier,
        clock: Clock,
        lease: Lease,
        *,
        guild_id: str,
        redactor: Redactor,
    ) -> None:
        self._operator = operator
        self._replica = replica
        self._courier = courier
        self._clock = clock
        self._lease = lease
        self._guild_id = guild_id
        self._redactor = redactor

    async def run(self) -> None:
        """Show them, for ever."""
        async with asyncio.TaskGroup() as group:
            await self._replica.live()
            channels: set[str] = set()
            while True:
                version = self._replica.version
                for channel_id in {tail.channel_id for tail in self._replica.channel_tails.values()} - channels:
                    channels.add(channel_id)
                    group.create_task(self._channel(channel_id).run(), name=f"tails-{channel_id}")
                await self._replica.changed(version)

    def _channel(self, channel_id: str) -> TailChannel:
        return TailChannel(
            self._operator,
            self._replica,
            self._courier,
            self._clock,
            self._lease,
            channel_id=channel_id,
            guild_id=self._guild_id,
            redactor=self._redactor,
        )
