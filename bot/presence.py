"""The bot's presence: how many alerts are open. Said when it changes, far slower than Discord allows (5 in 20 s)."""

from __future__ import annotations

import logging
from collections.abc import Callable

import interactions
from interactions import Activity, ActivityType, Status

from jinkies.clock import Clock
from jinkies.model import Counts
from jinkies.replica import LinkState, Replica

log = logging.getLogger(__name__)

EVERY_S = 15.0
LOOK_EVERY_S = 1.0
LOST = "the core can't be reached"


class Presence:
    """Keeps what the server's list of members shows beside the bot.

    Args:
        replica: whose counts are shown.
        clock: the time by which is waited.
        ready: the client whose gateway can be written to, or None.
        every_s: least time between two changes.
    """

    def __init__(
        self,
        replica: Replica,
        clock: Clock,
        ready: Callable[[], interactions.Client | None],
        *,
        every_s: float = EVERY_S,
    ) -> None:
        self._replica = replica
        self._clock = clock
        self._ready = ready
        self._every_s = every_s
        self._told: tuple[interactions.Client, str] | None = None

    async def run(self) -> None:
        """For ever."""
        await self._replica.live()
        while True:
            client, words = self._ready(), presence_text(self._replica.counts, lost=self._lost)
            told = client is not None and self._told != (client, words) and await self._tell(client, words)
            await self._clock.sleep(self._every_s if told else LOOK_EVERY_S)

    @property
    def _lost(self) -> bool:
        return self._replica.link is not LinkState.LIVE

    async def _tell(self, client: interactions.Client, words: str) -> bool:
        critical = self._replica.counts.critical > 0
        status = Status.IDLE if self._lost else Status.DND if critical else Status.ONLINE
        activity = Activity(name="Custom Status", type=ActivityType.CUSTOM, state=words)
        try:
            await client.change_presence(status, activity)
        except Exception as error:  # the gateway is just being lost, and the library raises whatever it trips over
            log.debug("the presence could not be told: %s", type(error).__name__)
        else:
            self._told = (client, words)
        return True  # what failed may have been sent all the same


def presence_text(counts: Counts, *, lost: bool = False) -> str:
    """``3 open · 1 critical``; at most 128 characters (Discord limit)."""
    if lost:
        return LOST
    critical = f" · {counts.critical:,} critical" if counts.critical else ""
    return f"{counts.open:,} open{critical}" if counts.open or critical else "all quiet"
