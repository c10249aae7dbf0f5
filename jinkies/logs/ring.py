"""What a tail holds for those who join it later, bounded in number and bytes."""

from __future__ import annotations

import sys

from jinkies.model import LogEvent

RING_EVENTS = 100_000
RING_BYTES = 64 * 1_048_576
BATCH_EVENTS = 500
BATCH_BYTES = 1_048_576
EVENT_BYTES = 300  # of an event beside its message, about

_GONE = LogEvent(log_group="", log_stream="", timestamp_ms=0, ingestion_ms=0, message="")


class Ring:
    """The newest events, bounded in number and bytes; places in it are counted from the tail's start."""

    def __init__(self, most_events: int, most_bytes: int) -> None:
        self._events: list[LogEvent] = []
        self._head = 0  # index of the oldest in ``_events``
        self.bytes = 0  # of all that is held
        self._most_events = most_events
        self._most_bytes = most_bytes
        self.first = 0  # place of the oldest held
        self.gone_ms: int | None = None  # the newest timestamp that ever left

    @property
    def end(self) -> int:
        """The place of the next event."""
        return self.first + len(self._events) - self._head

    def extend(self, events: tuple[LogEvent, ...]) -> set[int]:
        """Take some in; the oldest leave, as ``shrink`` says. The newest stays, however large."""
        self._events.extend(events)
        self.bytes += sum(map(size_of, events))
        return self.shrink(self._most_events, self._most_bytes)

    def shrink(self, most_events: int, most_bytes: int) -> set[int]:
        """Let the oldest leave until both bounds are kept, or one event is left.

        Returns the seconds since the epoch of those that left.
        """
        left: set[int] = set()
        while self.end - self.first > 1 and (self.end - self.first > most_events or self.bytes > most_bytes):
            event = self._events[self._head]
            self.bytes -= size_of(event)
            left.add(event.timestamp_ms // 1000)
            self.gone_ms = max(self.gone_ms or 0, event.timestamp_ms)
            self._events[self._head] = _GONE  # its place stays for a while, its megabyte doesn't
            self._head += 1
            self.first += 1
        if self._head > len(self._events) // 2:
            del self._events[: self._head]
            self._head = 0
        return left

    def read(self, place: int) -> tuple[LogEvent, ...]:
        """Events from a place that is held on, at most a batch of them, at least one if there is one."""
        start = self._head + place - self.first
        total = 0
        found: list[LogEvent] = []
        for event in self._events[start : start + BATCH_EVENTS]:
            total += size_of(event)
            if found and total > BATCH_BYTES:
                break
            found.append(event)
        return tuple(found)


def size_of(event: LogEvent) -> int:
    """Bytes of memory that an event takes, about."""
    return sys.getsizeof(event.message) + EVENT_BYTES
