"""Which of the lines held are one stack trace that a stream sent line by line. Pure."""

from __future__ import annotations

import heapq

from jinkies.model import LogEvent
from jinkies.reading.joining import Joiner

_MOST_STREAMS = 10_000  # whose newest block is known; all are forgotten when there are more


class Joins:
    """Blocks of lines, known by the number of their first; a line in no block is alone."""

    def __init__(self) -> None:
        self._joiner = Joiner()
        self._fed = 0
        self._newest: dict[tuple[str, str], int] = {}  # the number of the line that heads a stream's newest block
        self._members: dict[int, list[int]] = {}
        self._heads: dict[int, int] = {}  # of lines that are not the first of their block
        self._order: list[int] = []  # a heap of the keys of ``_members``

    @property
    def none(self) -> bool:
        """Whether every line is alone."""
        return not self._heads

    def feed(self, seq: int, event: LogEvent) -> int:
        """Take the next line; answers the head of its block, which is itself when it begins one."""
        number = self._joiner.feed(event)
        fed, self._fed = self._fed, self._fed + 1
        stream = (event.log_group, event.log_stream)
        head = self._newest.get(stream)
        if number == fed or head is None:
            if len(self._newest) >= _MOST_STREAMS:
                self._newest.clear()
            self._newest[stream] = seq
            return seq
        if head not in self._members:
            self._members[head] = [head]
            heapq.heappush(self._order, head)
        self._members[head].append(seq)
        self._heads[seq] = head
        return head

    def of(self, head: int) -> list[int]:
        """The lines of a block, by its head."""
        return self._members.get(head) or [head]

    def head_of(self, seq: int) -> int:
        """The head of the block that a line is in."""
        return self._heads.get(seq, seq)

    def is_inner(self, seq: int) -> bool:
        """Whether a line is in a block and not its head."""
        return seq in self._heads

    def forget(self, first: int) -> list[int]:
        """Lines before ``first`` are held no more. Answers the lines that head what is left of their blocks now."""
        promoted = []
        while self._order and self._order[0] < first:
            head = heapq.heappop(self._order)
            members = self._members.pop(head)
            left = [seq for seq in members if seq >= first]
            for seq in members[1:]:
                self._heads.pop(seq, None)
            if not left:
                continue
            promoted.append(left[0])
            for stream, newest in self._newest.items():
                if newest == head:
                    self._newest[stream] = left[0]
                    break
            if len(left) > 1:
                self._members[left[0]] = left
                heapq.heappush(self._order, left[0])
                self._heads.update(dict.fromkeys(left[1:], left[0]))
        return promoted
