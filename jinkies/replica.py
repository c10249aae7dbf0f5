"""The follow loop that frontends share: fold the journal, check for gaps, reconnect, resync.

Folding is replacing: each entry carries after-images. Drawing is not done here: a listener only notes that something
changed, and a timer draws.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from enum import StrEnum

from jinkies.clock import Clock, SystemClock
from jinkies.errors import JinkiesError, ResyncNeeded
from jinkies.events import (
    HealthChanged,
    Heartbeat,
    Hello,
    JournalEntry,
    Position,
    Snapshot,
    TailsChanged,
    Update,
)
from jinkies.matching import Silence
from jinkies.model import AlertRow, ChannelTail, Counts, Delivery, EntryKind, PartHealth, TailInfo
from jinkies.operator import Operator

BACKOFF_FIRST_S = 0.1
BACKOFF_LAST_S = 5.0
HELD_ROWS = 5_000  # rows kept; beyond that the resolved ones seen longest ago are dropped,
DROPPED_ROWS = 100  # so many at once, since finding them is a look at all

Listener = Callable[[Update | None], None]


class LinkState(StrEnum):
    """How the replica stands to the core."""

    CONNECTING = "connecting"  # not yet once
    LIVE = "live"
    LOST = "lost"  # was live; what is held is shown, and is old


class Replica:
    """The core's state as this process knows it. Everything happens on the loop that runs ``run()``."""

    def __init__(self, operator: Operator, clock: Clock | None = None) -> None:
        self.operator = operator
        self.hello: Hello | None = None
        self.link = LinkState.CONNECTING
        self.trouble: str | None = None
        self.lost_at_ms: int | None = None
        self.position: Position | None = None
        self.counts = Counts()
        self.rows: dict[int, AlertRow] = {}
        self.deliveries: dict[tuple[int, str, str], Delivery] = {}
        self.unsettled: dict[tuple[int, str, str], Delivery] = {}  # those of them that are not in step
        self.tails: tuple[TailInfo, ...] = ()
        self.channel_tails: dict[int, ChannelTail] = {}  # those that are not settled
        self.silences: dict[int, Silence] = {}  # from the snapshot, and what started or ended since
        self.health: dict[str, PartHealth] = {}
        self.version = 0
        self._clock = clock or SystemClock()
        self._listeners: list[Listener] = []
        self._moved = asyncio.Event()
        self._delay_s = BACKOFF_FIRST_S

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` after each fold; with None after a resync or a change of the link."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def live(self) -> None:
        """Until the first snapshot is in."""
        while self.link is LinkState.CONNECTING:
            await self._moved.wait()

    async def changed(self, version: int) -> int:
        """Until ``version`` moves past the given one; gives the new one."""
        while self.version <= version:
            await self._moved.wait()
        return self.version

    async def run(self) -> None:
        """Snapshot, follow, reconnect or resync with backoff: for ever. The owner cancels it."""
        while True:
            try:
                await self._sync()
                await self._follow()
                self._lose("the core closed the stream")
            except ResyncNeeded as error:
                if self._delay_s > BACKOFF_FIRST_S:  # once is nothing to speak of; again means that nothing follows
                    self._lose(str(error))
            except JinkiesError as error:
                self._lose(str(error))
            delay_s, self._delay_s = self._delay_s, min(self._delay_s * 2, BACKOFF_LAST_S)
            await self._clock.sleep(delay_s * random.uniform(0.8, 1.2))  # noqa: S311 - spreads reconnects

    async def _sync(self) -> None:
        hello = await self.operator.hello()
        snapshot = await self.operator.snapshot()
        self.hello = hello
        self._adopt(snapshot)
        self.link, self.trouble, self.lost_at_ms = LinkState.LIVE, None, None
        self._tell(None)

    def _adopt(self, snapshot: Snapshot) -> None:
        self.position = snapshot.position
        self.counts = snapshot.counts
        self.rows = {row.alert_id: row for row in snapshot.rows}
        self.deliveries = {(one.alert_id, one.channel_id, one.kind): one for one in snapshot.deliveries}
        self.unsettled = {key: one for key, one in self.deliveries.items() if not one.in_step}
        self.tails = snapshot.tails
        self.channel_tails = {tail.number: tail for tail in snapshot.channel_tails}
        self.silences = {silence.silence_id: silence for silence in snapshot.silences}
        self.health = {health.part: health for health in snapshot.health}

    async def _follow(self) -> None:
        if self.position is None:
            raise ResyncNeeded("no snapshot yet")
        async with self.operator.subscribe(self.position) as updates:
            async for update in updates:
                self._fold(update)
                self._delay_s = BACKOFF_FIRST_S  # a snapshot alone does not show that the core can be followed

    def _fold(self, update: Update) -> None:
        match update:
            case JournalEntry():
                self._fold_entry(update)
            case HealthChanged(health=health):
                self.health[health.part] = health
            case TailsChanged(tails=tails):
                self.tails = tails
            case Heartbeat():
                return
        self._tell(update)

    def _fold_entry(self, entry: JournalEntry) -> None:
        held = self.position
        if held is None or entry.seq > held.seq + 1:
            raise ResyncNeeded(f"a gap before entry {entry.seq}")
        if entry.seq <= held.seq:
            return
        self.position = Position(held.epoch, entry.seq)
        if entry.counts is not None:
            self.counts = entry.counts
        if entry.alert is not None:
            self.rows.pop(entry.alert.alert_id, None)
            self.rows[entry.alert.alert_id] = entry.alert
            self._bound()
        elif entry.kind is EntryKind.ALERT_EXPIRED and entry.alert_id is not None:
            self.rows.pop(entry.alert_id, None)
            for key in [key for key in self.deliveries if key[0] == entry.alert_id]:
                del self.deliveries[key]
                self.unsettled.pop(key, None)
        if entry.silence is not None:
            self.silences[entry.silence.silence_id] = entry.silence
        if entry.channel_tail is not None:
            self.channel_tails[entry.channel_tail.number] = entry.channel_tail
            if entry.channel_tail.settled:
                del self.channel_tails[entry.channel_tail.number]
        for delivery in entry.deliveries:
            self._keep(delivery)

    def _keep(self, delivery: Delivery) -> None:
        key = (delivery.alert_id, delivery.channel_id, delivery.kind)
        self.deliveries[key] = delivery
        if delivery.in_step:
            self.unsettled.pop(key, None)
        else:
            self.unsettled[key] = delivery

    def _bound(self) -> None:
        if len(self.rows) <= HELD_ROWS:
            return
        resolved = [alert_id for alert_id, row in self.rows.items() if not row.unresolved]
        gone = set((resolved or list(self.rows))[:DROPPED_ROWS])
        for alert_id in gone:
            del self.rows[alert_id]
        for key in [key for key, one in self.deliveries.items() if key[0] in gone and one.in_step]:
            del self.deliveries[key]

    def _lose(self, trouble: str) -> None:
        self.trouble = trouble
        if self.link is LinkState.LIVE:
            self.link, self.lost_at_ms = LinkState.LOST, self._clock.now_ms()
        self._tell(None)

    def _tell(self, update: Update | None) -> None:
        self.version += 1
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
        for listener in list(self._listeners):
            listener(update)
