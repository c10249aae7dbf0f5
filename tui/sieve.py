"""Which of the lines held pass a test: kept in order, made in slices, right at every moment for what was looked at."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator

_COMPACT_AT = 10_000


class Sieve:
    """Numbers of lines that pass, oldest first.

    A test of all that is held begins at the newest line, so that what is on the screen is there at once, and goes
    back in time as ``step`` is called; what comes meanwhile is tested by ``add``.
    """

    def __init__(self) -> None:
        self._passes: Callable[[int], bool] | None = None  # None passes all
        self._items = array("q")
        self._head = 0
        self._untested = 0  # lines below this number, down to ``_until``, are still to be tested
        self._until = 0
        self._span = 0

    def __len__(self) -> int:
        return len(self._items) - self._head

    def __getitem__(self, rank: int) -> int:
        if not 0 <= rank < len(self):
            raise IndexError(rank)
        return self._items[self._head + rank]

    def __iter__(self) -> Iterator[int]:
        return iter(self._items[self._head :])

    @property
    def busy(self) -> bool:
        """Whether lines are still to be tested."""
        return self._untested > self._until

    @property
    def progress(self) -> float:
        """How much has been tested, 0 to 1."""
        return 1 - (self._untested - self._until) / self._span if self.busy and self._span else 1.0

    def begin(self, passes: Callable[[int], bool] | None, first: int, next_seq: int) -> None:
        """Another test, of the lines from ``first`` to before ``next_seq``."""
        self._passes, self._items, self._head = passes, array("q"), 0
        self._until, self._untested, self._span = first, next_seq, next_seq - first

    def step(self, lines: int) -> None:
        """Test so many more of the lines held."""
        floor = max(self._untested - lines, self._until)
        passes = self._passes
        every = range(floor, self._untested)
        found = array("q", every if passes is None else filter(passes, every))
        self._items[self._head : self._head] = found
        self._untested = floor

    def add(self, seq: int) -> bool:
        """Test a line that came; answers whether it passes."""
        if self._passes is None or self._passes(seq):
            self._items.append(seq)
            return True
        return False

    def retest(self, seq: int) -> None:
        """A line that was tested changed: what passes now is in, what doesn't is out."""
        if seq < self._untested:
            return
        place = bisect_left(self._items, seq, self._head)
        there = place < len(self._items) and self._items[place] == seq
        passes = self._passes is None or self._passes(seq)
        if passes and not there:
            self._items.insert(place, seq)
        elif there and not passes:
            del self._items[place]

    def forget(self, first: int) -> None:
        """Lines before ``first`` are held no more."""
        while self._head < len(self._items) and self._items[self._head] < first:
            self._head += 1
        self._until = max(self._until, first)
        self._untested = max(self._untested, self._until)
        if self._head >= _COMPACT_AT:
            del self._items[: self._head]
            self._head = 0

    def rank_of(self, seq: int) -> int:
        """How many that pass are older."""
        return bisect_left(self._items, seq, self._head) - self._head

    def has(self, seq: int) -> bool:
        """Whether a line passes."""
        rank = self.rank_of(seq)
        return rank < len(self) and self[rank] == seq
