"""A running bot: the replica, the connection to Discord, the board, and the reports about them, as one.

The core may go away and come back: the replica reconnects, the lease is taken again, commands answer privately that the
core is not reachable meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import interactions

from bot.board import Board
from bot.client import DiscordLink, same_health
from bot.commands import Desk, install
from bot.courier import InteractionsCourier
from bot.lease import TTL_S, Lease
from bot.presence import Presence
from bot.tails import Tails
from bot.thread_comments import ThreadComments
from bot.thread_reader import ThreadReader
from bot.threads import Threads
from jinkies.clock import Clock
from jinkies.commands import ReportHealth
from jinkies.config import Config
from jinkies.errors import JinkiesError
from jinkies.events import Update
from jinkies.model import PartHealth, PartState
from jinkies.operator import Operator
from jinkies.replica import Replica

log = logging.getLogger(__name__)

REPORT_EVERY_S = 15.0
LOOK_EVERY_S = 0.5
RESTART_FIRST_S = 1.0
RESTART_LAST_S = 60.0


class Session:
    """All that a bot does.

    Args:
        config: of the desk; Discord must be configured.
        operator: the core, embedded or attached.
        clock: the time by which is waited.
        lease_ttl_s: how long a board that died keeps others waiting, 1 to 300.
    """

    def __init__(self, config: Config, operator: Operator, clock: Clock, *, lease_ttl_s: float = TTL_S) -> None:
        self.replica = Replica(operator, clock)
        self._operator = operator
        self._clock = clock
        self._resynced = False
        self._desk = Desk(config, operator, self.replica, clock)
        words = self._said if config.discord.threads else None
        self.link = DiscordLink(config.discord, clock, self._install, self._look_again, words)
        courier = InteractionsCourier(self.link.online, clock)
        lease = Lease(operator, clock, ttl_s=lease_ttl_s, keep_s=courier.unanswered_s)
        guild_id = config.discord.guild_id or ""
        self.board = Board(operator, self.replica, courier, clock, lease, guild_id=guild_id)
        self.presence = Presence(self.replica, clock, self.link.ready)
        self.tails = Tails(
            operator, self.replica, courier, clock, lease, guild_id=guild_id, redactor=self._desk.redactor
        )
        self._threads = Threads(operator, self.replica, courier, clock, lease)
        self._comments = ThreadComments(self._desk, courier, self._threads.took)
        self._reader = ThreadReader(self._desk, courier, lease, self._comments, lambda: self.link.hearing)

    def _install(self, client: interactions.Client) -> None:
        install(client, self._desk)

    def _look_again(self) -> None:
        self.board.look_again()
        self._threads.look_again()
        self._reader.look_again()

    @property
    def health(self) -> PartHealth:
        """How Discord is doing: the connection, and the channels that are written to."""
        health, troubles = self.link.health, self.board.troubles
        if health.state is not PartState.OK or not troubles:
            return health
        channel_id, trouble = min(troubles.items())
        more = f" (and {len(troubles) - 1} more channels)" if len(troubles) > 1 else ""
        detail = f"channel {channel_id}: {trouble}{more}"
        return PartHealth(part="discord", state=PartState.FAILED, detail=detail, latency_ms=health.latency_ms)

    async def _said(self, message: dict[str, Any]) -> None:
        await self._reader.said(message)

    async def run(self) -> None:
        """Everything, until cancelled."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.replica.listen(self._note))
            await self._run_parts()

    def _note(self, update: Update | None) -> None:
        self._resynced = self._resynced or update is None  # a core that restarted has forgotten how Discord does

    async def _run_parts(self) -> None:
        parts = {
            "replica": self.replica.run,
            "discord-link": self.link.run,
            "board": self.board.run,
            "tails": self.tails.run,
            "threads": self._threads.run,
            "presence": self.presence.run,
            "later": self._desk.later.run,
            "health": self._report,
        }
        if self._desk.config.discord.threads:
            parts["thread-reader"] = self._reader.run
        async with asyncio.TaskGroup() as group:
            for name, run in parts.items():
                group.create_task(self._kept(name, run), name=name)

    async def _kept(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """One part's fault is never another's: it is logged, and the part starts again."""
        delay_s = RESTART_FIRST_S
        while True:
            try:
                await run()
            except Exception:
                log.exception("%s broke; it starts again in %.0f s", name, delay_s)
            await self._clock.sleep(delay_s)
            delay_s = min(delay_s * 2, RESTART_LAST_S)

    async def _report(self) -> None:
        """Tell the core how Discord is doing: on every change, and every 15 s."""
        told: PartHealth | None = None
        told_at_s = 0.0
        while True:
            health, now_s = self.health, self._clock.monotonic_s()
            due = self._resynced or now_s - told_at_s >= REPORT_EVERY_S
            if due or told is None or not same_health(told, health):
                self._resynced = False
                try:
                    await self._operator.execute(ReportHealth(health=health))
                    told, told_at_s = health, now_s
                except JinkiesError as error:
                    log.debug("the core did not take the report: %s", error)
            await self._clock.sleep(LOOK_EVERY_S)
