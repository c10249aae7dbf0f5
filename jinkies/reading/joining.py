"""Which log events belong together: a line, and the stack trace that its stream sent after it line by line. Pure.

Knows the traces of Python, Java and Node as their runtimes print them. A trace that came as one event is one anyway.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence

from jinkies.model import Level, LogEvent

GAP_MS = 1_000  # lines of one trace that a stream took one by one are closer together than this
BLOCK_LINES = 500
STREAMS = 10_000  # whose blocks are remembered; beyond that the one that was silent longest begins anew

PYTHON = "Traceback (most recent call last):"
RAISED = re.compile(  # the last line of a Python traceback
    r"((?:[A-Za-z_$][\w$]*\.)*[A-Za-z_$][\w$]*)(?:: ?(.*))?"
)
NAMED = r"(?:[A-Za-z_$][\w$]*[./])*[\w$]*(?:Error|Exception|Throwable|Exit|Interrupt|Fault|Timeout|Failure)[\w$]*"
THROWN = re.compile(  # the first line of Java and Node
    rf"(?:Exception in thread \"[^\"]*\" |Uncaught |Unhandled |Caused by: )?({NAMED})(?: \[[\w_]+\])?(?::\s*(.*))?"
)
_CHAINED = ("During handling of the above exception", "The above exception was the direct cause")
_CONTINUES = re.compile(r"\s|at |Caused by: |\.\.\. \d+ more|$|[}\])]+[,;]?$")
_BEGINNINGS = " \t\r\n\v\faC.}])DT"  # of lines that may continue any other: those of ``_CONTINUES`` and ``_CHAINED``
_ERROR = Level.ERROR.rank
_ERRORS = frozenset({Level.ERROR, Level.CRITICAL})
_LINE_CHARS = 1_000  # of a line that are looked at for an exception's name


def joined(events: Sequence[LogEvent]) -> list[list[LogEvent]]:
    """Events of any mix of streams, in order, as those that belong together, by their first; order is kept.

    A group holds events of one stream, at most ``BLOCK_LINES``. Takes time linear in the events.
    """
    joiner = Joiner()
    groups: dict[int, list[LogEvent]] = {}
    for event in events:
        groups.setdefault(joiner.feed(event), []).append(event)
    return list(groups.values())


class Joiner:
    """Joins events as they come; holds one small record a stream, at most ``STREAMS``."""

    def __init__(self) -> None:
        self._fed = 0
        self._blocks: OrderedDict[tuple[str, str], _Block] = OrderedDict()

    def feed(self, event: LogEvent) -> int:
        """Take the next event.

        Returns:
            The number of the event that heads its block, the first event fed being 0: its own number when it begins
            one, an earlier one's when it continues what its stream sent before.
        """
        number, self._fed = self._fed, self._fed + 1
        key = (event.log_group, event.log_stream)
        block = self._blocks.get(key)
        if block is None:
            if len(self._blocks) >= STREAMS:
                self._blocks.popitem(last=False)
            self._blocks[key] = _Block(number, event)
            return number
        if len(self._blocks) > 1:
            self._blocks.move_to_end(key)
        if block.lines < BLOCK_LINES and block.continued_by(event):
            block.add(event)
        else:
            block.begin(number, event)
        return block.head


class Neighbours:
    """Tells whether an event continues the one just before it: for output that is never gone back to."""

    def __init__(self) -> None:
        self._last: LogEvent | None = None
        self._block: _Block | None = None  # of the last event; None while it stands alone

    def continues(self, event: LogEvent) -> bool:
        """Take the next event of any mix of streams; as ``Joiner.feed`` says of it, were its stream alone."""
        last, self._last = self._last, event
        if last is None or last.log_stream != event.log_stream or last.log_group != event.log_group:
            self._block = None
            return False
        block = self._block
        if block is None:
            if event.message[:1] not in _BEGINNINGS and last.level not in _ERRORS:
                return False  # nearly every line: nothing else is looked at
            block = _Block(0, last)
        if block.lines < BLOCK_LINES and block.continued_by(event):
            block.add(event)
            self._block = block
            return True
        self._block = None
        return False

    def begun(self, event: LogEvent) -> None:
        """Take an event that is known to begin anew: its stream is not the last one's."""
        self._last, self._block = event, None


class _Block:
    """What is known of the events of a stream that belong together."""

    __slots__ = ("chained", "head", "last", "lines", "traced", "unfinished")

    def __init__(self, number: int, event: LogEvent) -> None:
        self.begin(number, event)

    def begin(self, number: int, event: LogEvent) -> None:
        """Forget what was, and begin with an event."""
        self.head = number
        self.lines = 0
        self.traced = False  # a Python traceback began in it
        self.unfinished = False  # and its last line, the exception, has not come
        self.add(event)

    def add(self, event: LogEvent) -> None:
        """The event is part of it."""
        self.last = event
        self.lines += 1
        message = event.message
        if PYTHON in message:
            self.traced = True
            tail = message.strip("\n").rpartition("\n" + PYTHON)
            if tail[1] or message.startswith(PYTHON):
                lines = tail[2].split("\n")[1:]
                self.unfinished = not any(line and not line[0].isspace() for line in lines)
                return
        if self.unfinished:
            ending = message.strip("\n").rpartition("\n")[2]
            self.unfinished = not ending or ending[0].isspace()

    def continued_by(self, event: LogEvent) -> bool:
        """Whether the stream's next event belongs to it."""
        last, line = self.last, event.message
        if abs(event.timestamp_ms - last.timestamp_ms) > GAP_MS:
            return False
        if _CONTINUES.match(line) or line.startswith(_CHAINED):
            return self.traced or not _is_blank(line)
        if line.startswith(PYTHON):  # logger.exception() prints its own line first
            return last.level.rank >= _ERROR or last.message.startswith(_CHAINED) or _is_blank(last.message)
        if self.unfinished:
            named = event.level is Level.NONE or event.level.rank >= _ERROR  # "INFO:root: …" is no exception
            return named and RAISED.fullmatch(_first_line(line)) is not None
        return self.lines == 1 and _announces(last) and THROWN.fullmatch(_first_line(line)) is not None


def _announces(event: LogEvent) -> bool:
    """An error that names no exception itself: the exception may follow as an event of its own."""
    if event.level.rank < _ERROR or "\n" in event.message:
        return False
    return THROWN.fullmatch(event.message[:_LINE_CHARS]) is None


def _first_line(message: str) -> str:
    return message[:_LINE_CHARS].partition("\n")[0]


def _is_blank(message: str) -> bool:
    return not message or message.isspace()
