"""The lines that a log view holds: a ring in columns, without an object a line. Pure.

A line has a sequence number that never changes, so that a reader's place survives what comes and what goes. Held in
columns, 100,000 lines cost what their texts do and about 40 bytes each, and the garbage collector sees none of them.
"""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass

from jinkies.model import Level, LogEvent

MAX_LINES = 100_000
MAX_BYTES = 64 * 1024 * 1024
_COMPACT_AT = 10_000  # lines that left before the columns are cut
_LEVELS = tuple(Level)
_RANKS = {level: rank for rank, level in enumerate(_LEVELS)}
_LATE, _BACKFILLED, _NOTE = 1, 2, 4
_LINE_BYTES = 40  # of a line beside its text
LATE_MS = 1_000  # behind the newest; streams that are nearer to each other come in any order within an update


@dataclass(frozen=True, slots=True)
class Held:
    """A line as it is held."""

    seq: int
    text: str  # as it came: data, never markup
    at_ms: int
    level: Level
    log_group: str
    log_stream: str
    late: bool = False
    backfilled: bool = False
    note: bool = False  # of the view's own, such as lines that were lost


class _Sources:
    """(group, stream) pairs, each held once for as long as a line of it is."""

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []
        self._numbers: dict[tuple[str, str], int] = {}
        self._lines = array("q")
        self._free: list[int] = []

    def take(self, pair: tuple[str, str]) -> int:
        number = self._numbers.get(pair)
        if number is None:
            if self._free:
                number = self._free.pop()
                self.pairs[number] = pair
            else:
                number = len(self.pairs)
                self.pairs.append(pair)
                self._lines.append(0)
            self._numbers[pair] = number
        self._lines[number] += 1
        return number

    def release(self, number: int) -> None:
        self._lines[number] -= 1
        if not self._lines[number]:
            del self._numbers[self.pairs[number]]
            self.pairs[number] = ("", "")
            self._free.append(number)


class LogRing:
    """At most ``max_lines`` lines and about ``max_bytes`` of text; the oldest make room. The newest always stays."""

    def __init__(self, max_lines: int = MAX_LINES, max_bytes: int = MAX_BYTES) -> None:
        self.max_lines, self.max_bytes = max_lines, max_bytes
        self.evicted = 0  # lines that left since the start, for want of room
        self.late = 0  # lines that came late since the start
        self._newest_ms = 0
        self._base = 0  # number of the line at index 0 of the columns
        self._head = 0  # index of the oldest that is held
        self._bytes = 0
        self._texts: list[str] = []
        self._at_ms = array("q")
        self._ingested_ms = array("q")
        self._source = array("i")
        self._rank = bytearray()
        self._flags = bytearray()
        self._sources = _Sources()

    def __len__(self) -> int:
        return len(self._texts) - self._head

    @property
    def first(self) -> int:
        """The number of the oldest line held, or that of the next one."""
        return self._base + self._head

    @property
    def next_seq(self) -> int:
        """The number of the line that comes next."""
        return self._base + len(self._texts)

    def append(self, event: LogEvent) -> int:
        """Add an event; answers its number."""
        source = self._sources.take((event.log_group, event.log_stream))
        flags = (_LATE if self._is_late(event) else 0) | (_BACKFILLED if event.backfilled else 0)
        return self._add(event.message, event.timestamp_ms, event.ingestion_ms, source, _RANKS[event.level], flags)

    def _is_late(self, event: LogEvent) -> bool:
        """What the tail calls late, but for what is hardly behind the newest line that is or was held."""
        behind_ms, self._newest_ms = self._newest_ms - event.timestamp_ms, max(self._newest_ms, event.timestamp_ms)
        late = event.late and not 0 < behind_ms < LATE_MS
        self.late += late
        return late

    def note(self, text: str, at_ms: int = 0) -> int:
        """Add a line of the view's own; it counts as critical, so that no level hides it."""
        return self._add(text, at_ms, 0, self._sources.take(("", "")), _RANKS[Level.CRITICAL], _NOTE)

    def _add(self, text: str, at_ms: int, ingested_ms: int, source: int, rank: int, flags: int) -> int:
        self._texts.append(text)
        self._at_ms.append(at_ms)
        self._ingested_ms.append(ingested_ms)
        self._source.append(source)
        self._rank.append(rank)
        self._flags.append(flags)
        self._bytes += sys.getsizeof(text) + _LINE_BYTES
        while len(self) > self.max_lines or (self._bytes > self.max_bytes and len(self) > 1):
            self._evict()
        return self.next_seq - 1

    def _evict(self) -> None:
        index = self._head
        self._bytes -= sys.getsizeof(self._texts[index]) + _LINE_BYTES
        self._texts[index] = ""  # its place stays for a while, its megabyte doesn't
        self._sources.release(self._source[index])
        self._head += 1
        self.evicted += 1
        if self._head >= _COMPACT_AT:
            for column in (self._texts, self._at_ms, self._ingested_ms, self._source, self._rank, self._flags):
                del column[: self._head]
            self._base += self._head
            self._head = 0

    def clear(self) -> None:
        """Forget all; numbers go on."""
        base, lines, size = self.next_seq, self.max_lines, self.max_bytes
        LogRing.__init__(self, lines, size)
        self._base = base

    def holds(self, seq: int) -> bool:
        """Whether a line is still there."""
        return self.first <= seq < self.next_seq

    # Of a line that is held

    def text(self, seq: int) -> str:
        """As it came."""
        return self._texts[seq - self._base]

    def at_ms(self, seq: int) -> int:
        """Its timestamp."""
        return self._at_ms[seq - self._base]

    def rank(self, seq: int) -> int:
        """Its level's rank."""
        return self._rank[seq - self._base]

    def is_note(self, seq: int) -> bool:
        """Whether it is a line of the view's own."""
        return bool(self._flags[seq - self._base] & _NOTE)

    def is_late(self, seq: int) -> bool:
        """Whether it came well behind a newer one."""
        return bool(self._flags[seq - self._base] & _LATE)

    def line(self, seq: int) -> Held:
        """All of it. Raises ``IndexError`` for a line that left or is yet to come."""
        if not self.holds(seq):
            raise IndexError(seq)
        index = seq - self._base
        group, stream = self._sources.pairs[self._source[index]]
        flags = self._flags[index]
        return Held(
            seq=seq,
            text=self._texts[index],
            at_ms=self._at_ms[index],
            level=_LEVELS[self._rank[index]],
            log_group=group,
            log_stream=stream,
            late=bool(flags & _LATE),
            backfilled=bool(flags & _BACKFILLED),
            note=bool(flags & _NOTE),
        )

    def event(self, seq: int) -> LogEvent | None:
        """It as an event again; None for a note."""
        held = self.line(seq)
        if held.note:
            return None
        return LogEvent(
            log_group=held.log_group,
            log_stream=held.log_stream,
            timestamp_ms=held.at_ms,
            ingestion_ms=self._ingested_ms[seq - self._base],
            message=held.text,
            level=held.level,
            late=held.late,
            backfilled=held.backfilled,
        )
