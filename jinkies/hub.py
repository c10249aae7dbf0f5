"""Fan-out: every subscriber a bounded queue, a replay ring for those who come back, lag marked and never hidden."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from jinkies.errors import Lagged
from jinkies.events import JournalEntry, Update

QUEUE_LIMIT = 2_000  # updates a subscriber may be behind; then it is marked lagged and resyncs
RING_LIMIT = 4_000  # newest entries kept in memory for reconnects

_encode = msgspec.json.Encoder().encode


class Published(msgspec.Struct, frozen=True):
    """An update and its one encoding, shared by all who send it on."""

    update: Update
    body: bytes


class Subscription:
    """One subscriber's queue. Overflow: it is emptied, and ``get`` raises ``Lagged`` from then on."""

    def __init__(self, head: int) -> None:
        self.head = head  # entries up to here are not in the queue
        self._queue: deque[Published] = deque()
        self._ready = asyncio.Event()
        self._lagged = False

    def put(self, published: Published) -> None:
        """Never waits."""
        if self._lagged:
            return
        if len(self._queue) >= QUEUE_LIMIT:
            self._lagged = True
            self._queue.clear()
        else:
            self._queue.append(published)
        self._ready.set()

    async def get(self) -> Published:
        """The next update. Raises ``Lagged``. Cancelling it loses nothing."""
        while not self._queue:
            if self._lagged:
                raise Lagged(f"more than {QUEUE_LIMIT:,} updates behind")
            self._ready.clear()
            await self._ready.wait()
        return self._queue.popleft()


class Hub:
    """Publishes what was committed. All of it runs on the core's loop; ``publish`` never waits for anybody."""

    def __init__(self, head: int) -> None:
        self.head = head
        self._subscriptions: set[Subscription] = set()
        self._ring: deque[tuple[int, Published]] = deque(maxlen=RING_LIMIT)

    @property
    def subscribers(self) -> int:
        """How many follow now."""
        return len(self._subscriptions)

    def publish(self, update: Update, body: bytes | None = None) -> None:
        """Give an update to everyone; ``body`` is its encoding where that exists already."""
        published = Published(update, body if body is not None else _encode(update))
        if isinstance(update, JournalEntry):
            self.head = update.seq
            self._ring.append((update.seq, published))
        for subscription in self._subscriptions:
            subscription.put(published)

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """A queue of everything published from here on."""
        subscription = Subscription(self.head)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def replay(self, after: int, until: int) -> list[Published] | None:
        """Entries ``after < seq <= until`` from memory, or None when they reach further back than the ring."""
        if after >= until:
            return []
        if not self._ring or self._ring[0][0] > after + 1:
            return None
        return [published for seq, published in self._ring if after < seq <= until]
