"""Regular expressions that a person typed, under a bound of time.

Python's engine goes back over what it matched: ``(a+)+$`` on forty characters, or ``.*x`` on one wide line, runs for
minutes and holds the interpreter meanwhile, in whichever thread. It looks for signals as it goes, though, so a timer
ends it. The timer counts processor time of this process, so that a busy or suspended machine refuses nothing.
"""

from __future__ import annotations

import re
import signal
import threading
import time
from types import FrameType

PATIENCE_S = 0.25  # of processor time, for so many searches:
SEARCHES = 1_000


class _OutOfPatienceError(Exception):
    """The timer ran out."""


class _Timer:
    """The process's one timer of processor time, and whether a search is under it."""

    def __init__(self) -> None:
        self.searching = False
        self._known = False

    def ready(self) -> bool:
        """Whether it can be set: signals reach the main thread only, which is where the console runs."""
        if threading.current_thread() is not threading.main_thread():
            return False
        if not self._known:
            signal.signal(signal.SIGVTALRM, self._rang)
            self._known = True
        return True

    def _rang(self, _signal: int, _frame: FrameType | None) -> None:
        if self.searching:
            self.searching = False
            raise _OutOfPatienceError


_TIMER = _Timer()


class Patient:
    """An expression that finds nothing any more once it took too long; ``slow`` says so."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern
        self.slow = False
        self._left_s = PATIENCE_S
        self._searches = 0

    def found_in(self, text: str, longest: int) -> bool:
        """Whether it is in the first ``longest`` characters."""
        return bool(self._timed(text, longest, every=False))

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where it is, from and to, empty places left out."""
        return self._timed(text, len(text), every=True)

    def _timed(self, text: str, longest: int, *, every: bool) -> list[tuple[int, int]]:
        if self.slow:
            return []
        self._searches += 1
        if self._searches > SEARCHES:
            self._searches, self._left_s = 0, PATIENCE_S
        try:
            found = self._search(text, longest, every=every)
        except _OutOfPatienceError:
            self.slow = True
            return []
        self.slow = self._left_s <= 0  # the timer looks at every tick only, and many a search ends between two
        return found

    def _search(self, text: str, longest: int, *, every: bool) -> list[tuple[int, int]]:
        if not _TIMER.ready():
            return self._found(text, longest, every=every)
        began_s = time.thread_time()  # the timer's own rest counts by the kernel's tick, some milliseconds
        _TIMER.searching = True
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, self._left_s)
            return self._found(text, longest, every=every)
        finally:
            _TIMER.searching = False
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            self._left_s -= time.thread_time() - began_s

    def _found(self, text: str, longest: int, *, every: bool) -> list[tuple[int, int]]:
        if every:
            return [one.span() for one in self.pattern.finditer(text, 0, longest) if one.end() > one.start()]
        found = self.pattern.search(text, 0, longest)
        return [found.span()] if found is not None else []
