"""The lines that a log view holds: a bounded ring, split into rows for a width, filtered by level. Pure.

A line has a sequence number that never changes, so that a reader's place survives what comes and what goes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from rich.cells import cell_len

from jinkies.model import Level, LogEvent
from tui.format import clean, wrap

MAX_LINES = 100_000
MAX_BYTES = 64 * 1024 * 1024
_COMPACT_AT = 10_000  # rows dropped from the front before the list is cut
_LONGEST_ROW = 20_000  # characters of a row that are drawn; a copy still has all of them


@dataclass(frozen=True, slots=True)
class Entry:
    """A log event, or (without an event) a note of the view's own, such as lines that were lost."""

    seq: int
    event: LogEvent | None
    text: str

    @property
    def size_bytes(self) -> int:
        """About what it costs to hold."""
        return 2 * len(self.text) + 400

    @property
    def level(self) -> Level:
        """The event's; a note counts as critical, so that no filter hides it."""
        return self.event.level if self.event is not None else Level.CRITICAL


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the screen: a part of an entry."""

    entry: Entry
    text: str  # clean
    part: int  # 0 is the first


class LogBuffer:
    """Entries, and the rows that the view shows of them."""

    def __init__(self, max_lines: int = MAX_LINES, max_bytes: int = MAX_BYTES) -> None:
        self.entries: deque[Entry] = deque()
        self.level = Level.NONE
        self.wrap_width: int | None = None  # cells for the text; None does not wrap
        self.evicted = 0  # entries that left since the start, for want of room
        self.widest = 0  # cells of the widest row
        self._max_lines, self._max_bytes = max_lines, max_bytes
        self._next_seq = 0
        self._bytes = 0
        self._rows: list[Row] = []
        self._offset = 0  # rows at the front that have left

    def __len__(self) -> int:
        """Entries held."""
        return len(self.entries)

    @property
    def row_count(self) -> int:
        """Rows shown."""
        return len(self._rows) - self._offset

    @property
    def next_seq(self) -> int:
        """The number of the entry that comes next."""
        return self._next_seq

    def row(self, index: int) -> Row:
        """A row, 0 the oldest. Raises ``IndexError``."""
        if not 0 <= index < self.row_count:
            raise IndexError(index)
        return self._rows[self._offset + index]

    def append(self, event: LogEvent) -> None:
        """Add an event; the oldest make room."""
        self._add(Entry(self._next_seq, event, event.message))

    def note(self, text: str) -> None:
        """Add a line of the view's own."""
        self._add(Entry(self._next_seq, None, text))

    def clear(self) -> None:
        """Forget all."""
        self.entries.clear()
        self._rows, self._offset, self._bytes, self.widest, self.evicted = [], 0, 0, 0, 0

    def show(self, *, level: Level, wrap_width: int | None) -> None:
        """Other rows of the same entries: another level, wrapped or not."""
        if (level, wrap_width) == (self.level, self.wrap_width):
            return
        self.level, self.wrap_width = level, wrap_width
        self._rows, self._offset, self.widest = [], 0, 0
        for entry in self.entries:
            self._rows += self._rows_of(entry)

    def index_of(self, seq: int) -> int:
        """The first row whose entry is ``seq`` or newer; ``row_count`` when there is none."""
        low, high = self._offset, len(self._rows)
        while low < high:
            middle = (low + high) // 2
            if self._rows[middle].entry.seq < seq:
                low = middle + 1
            else:
                high = middle
        return low - self._offset

    def _add(self, entry: Entry) -> None:
        self._next_seq += 1
        self.entries.append(entry)
        self._bytes += entry.size_bytes
        self._rows += self._rows_of(entry)
        while len(self.entries) > self._max_lines or (self._bytes > self._max_bytes and len(self.entries) > 1):
            self._evict()

    def _evict(self) -> None:
        oldest = self.entries.popleft()
        self._bytes -= oldest.size_bytes
        self.evicted += 1
        while self._offset < len(self._rows) and self._rows[self._offset].entry.seq == oldest.seq:
            self._offset += 1
        if self._offset >= _COMPACT_AT:
            del self._rows[: self._offset]
            self._offset = 0

    def _rows_of(self, entry: Entry) -> list[Row]:
        if entry.level.rank < self.level.rank:
            return []
        rows: list[Row] = []
        for text in _lines(entry.text):
            pieces = [text] if self.wrap_width is None else wrap(text, self.wrap_width)
            for piece in pieces:
                rows.append(Row(entry, piece, len(rows)))
                self.widest = max(self.widest, cell_len(piece))
        return rows


def _lines(text: str) -> list[str]:
    if "\n" not in text and len(text) <= _LONGEST_ROW:
        return [clean(text)]
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    return [clean(one if len(one) <= _LONGEST_ROW else one[:_LONGEST_ROW] + " … cut here") for one in lines]
