"""Which events of one log group were taken already: identities above a floor, bounded.

An event's identity is (group, stream, timestamp, ingestion time, message, ordinal among equals). Identical lines are
legitimate, so equals are counted within each reading of the range that holds them all (they share a timestamp).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from jinkies.model import LogEvent

KEY_BYTES = 8  # 64 bits: a collision among 100,000 identities has odds of one in three thousand million


class Ordinals:
    """Numbers equals in one reading of a range, or in one Live Tail session. Use a new one for each.

    Args:
        most: identities to remember, twice at most; beyond that the oldest are forgotten. Equals share their times, so
            they come together, by a reading and by a session.
    """

    def __init__(self, most: int | None = None) -> None:
        self._count: dict[bytes, int] = {}
        self._before: dict[bytes, int] = {}
        self._most = most

    def key(self, event: LogEvent) -> bytes:
        """The event's identity, ``KEY_BYTES`` long, its ordinal included."""
        base = _digest(
            f"{event.log_group}\0{event.log_stream}\0{event.timestamp_ms}\0{event.ingestion_ms}\0{event.message}".encode(
                errors="surrogatepass"
            )
        )
        ordinal = self._count.get(base) or self._before.get(base, 0)
        self._count[base] = ordinal + 1
        if self._most is not None and len(self._count) > self._most:
            self._before, self._count = self._count, {}
        return base if ordinal == 0 else _digest(base + ordinal.to_bytes(8, "big"))


class SeenState(msgspec.Struct, frozen=True, kw_only=True):
    """A ``Seen`` as JSON: identities in hex, joined, by second of their timestamps."""

    floor_ms: int
    keys: dict[int, str] = {}


class Seen:
    """Identities of events at or above ``floor_ms``; what lies below is never read again, so never asked for.

    Overflow: past ``capacity`` identities the oldest seconds are forgotten and the floor rises above them, so that
    nothing is ever taken twice; what arrives later still for those seconds is not found. Seconds that are
    being read (``keep_from_ms``) are never forgotten.
    """

    def __init__(self, floor_ms: int, capacity: int) -> None:
        self.floor_ms = floor_ms
        self._capacity = capacity
        self._seconds: dict[int, set[bytes]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def has(self, event: LogEvent, key: bytes) -> bool:
        """Whether it was taken, or lies below the floor."""
        if event.timestamp_ms < self.floor_ms:
            return True
        return key in self._seconds.get(event.timestamp_ms // 1000, ())

    def add(self, event: LogEvent, key: bytes) -> None:
        """It is taken."""
        keys = self._seconds.setdefault(event.timestamp_ms // 1000, set())
        if key not in keys:
            keys.add(key)
            self._size += 1

    def discard(self, event: LogEvent, key: bytes) -> None:
        """It is not taken after all."""
        keys = self._seconds.get(event.timestamp_ms // 1000)
        if keys is not None and key in keys:
            keys.remove(key)
            self._size -= 1

    def raise_floor(self, floor_ms: int) -> None:
        """Nothing below will be read again."""
        self.floor_ms = max(self.floor_ms, floor_ms)
        self._drop(second for second in list(self._seconds) if (second + 1) * 1000 <= self.floor_ms)

    def trim(self, keep_from_ms: int) -> bool:
        """Forget the oldest above capacity, never from ``keep_from_ms`` on. Returns whether anything was forgotten."""
        if self._size <= self._capacity:
            return False
        floor_ms = self.floor_ms
        excess = self._size - self._capacity
        for second in sorted(self._seconds):
            if excess <= 0 or (second + 1) * 1000 > keep_from_ms:
                break
            excess -= len(self._seconds[second])
            floor_ms = max(floor_ms, (second + 1) * 1000)
        forgotten = floor_ms > self.floor_ms
        self.raise_floor(floor_ms)
        return forgotten

    def state(self) -> SeenState:
        """All of it, for a cursor."""
        return SeenState(
            floor_ms=self.floor_ms,
            keys={second: b"".join(sorted(keys)).hex() for second, keys in sorted(self._seconds.items())},
        )

    @classmethod
    def of(cls, state: SeenState, capacity: int) -> Seen:
        """What ``state`` gave. Raises ``ValueError`` when it is damaged."""
        seen = cls(state.floor_ms, capacity)
        for second, text in state.keys.items():
            joined = bytes.fromhex(text)
            seen._seconds[second] = {joined[at : at + KEY_BYTES] for at in range(0, len(joined), KEY_BYTES)}
            seen._size += len(seen._seconds[second])
        return seen

    def _drop(self, seconds: Iterable[int]) -> None:
        for second in seconds:
            self._size -= len(self._seconds.pop(second))


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=KEY_BYTES).digest()
