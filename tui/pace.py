"""How often to draw: as fast as the terminal takes it, and never more than one frame ahead of it.

Textual hands each frame to a thread that writes it; over a slow link that thread is behind, and whatever is queued
there is time that keys and the newest lines wait. So what is handed over is counted where it leaves the process, and
nothing more is drawn before it has left, nor before the link has been idle for as long as the frame took.

What left the process may still wait in the buffers of a link, megabytes of them over SSH. A terminal that answers the
question whether it knows synchronized output (Textual asks it at the start) is therefore asked again behind each frame:
its answer says that the frame is on the screen.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from textual.app import App
from textual.driver import Driver

SLOWEST_S = 1.0  # a frame is drawn at least this often, unless the one before has not left yet
FRAME_CHARS = 1_000  # what is shorter is no frame
ANSWER_S = 3.0  # an answer that takes longer is not waited for
QUESTION = "\x1b[?2026$p"  # DECRQM of synchronized output; answered with CSI ? 2026 ; … $ y


class Pace:
    """Characters handed over and written; when the next frame is due."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._now_s = monotonic_s
        self._lock = threading.Lock()
        self._given = 0
        self._gone = 0
        self._began_s = 0.0  # when what is on its way was handed over
        self._took_s = 0.0  # how long the last of it took
        self._idle_s = 0.0  # since when nothing is on its way
        self._answers = False  # the terminal answered once
        self._asked_s: float | None = None  # when, while the answer is on its way

    def gave(self, characters: int) -> None:
        """Handed to the writer."""
        with self._lock:
            if self._given == self._gone:
                self._began_s = self._now_s()
            self._given += characters

    def left(self, characters: int) -> None:
        """Taken by the terminal."""
        with self._lock:
            self._gone += characters
            if self._gone >= self._given:
                self._idle_s = self._now_s()
                self._took_s = self._idle_s - self._began_s

    def asks(self, characters: int) -> bool:
        """Whether to send the question behind so many characters; it then counts as sent."""
        if not self._answers or self._unanswered or characters < FRAME_CHARS:
            return False
        self._asked_s = self._now_s()
        return True

    def answered(self) -> None:
        """The terminal gave an answer: what came before the question is on its screen."""
        self._answers, self._asked_s = True, None

    @property
    def _unanswered(self) -> bool:
        return self._asked_s is not None and self._now_s() - self._asked_s < ANSWER_S

    @property
    def waiting(self) -> bool:
        """Whether something is still on its way."""
        return self._gone < self._given or self._unanswered

    def ready(self) -> bool:
        """Whether to draw what streams."""
        with self._lock:
            if self.waiting:
                return False
            return self._now_s() - self._idle_s >= min(self._took_s, SLOWEST_S) or self._took_s < 0.02


class _Counted:
    """The terminal's file, as the writer thread uses it."""

    def __init__(self, file: TextIO, pace: Pace) -> None:
        self._file = file
        self._pace = pace
        self._held = 0

    def write(self, text: str) -> int:
        with _hung_up():
            count = self._file.write(text)
        self._held += len(text)
        return count

    def flush(self) -> None:
        with _hung_up():
            self._file.flush()
        held, self._held = self._held, 0
        self._pace.left(held)

    def fileno(self) -> int:
        return self._file.fileno()


@contextmanager
def _hung_up() -> Iterator[None]:
    """A terminal that went away ends the program, as if it had been told.

    The thread that writes ends with the error, and whoever draws soon waits for it for ever, looking at nothing more.
    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.EIO:
            os.kill(os.getpid(), signal.SIGHUP)
        raise


def paced(base: type[Driver], pace: Pace) -> type[Driver]:
    """A driver that tells ``pace`` what it writes; one that has no writer thread is left alone."""

    class Paced(base):  # type: ignore[misc, valid-type] # the class is chosen by Textual at run time
        def __init__(self, app: App[object], **options: object) -> None:
            super().__init__(app, **options)
            setattr(self, "_file", _Counted(getattr(self, "_file"), pace))  # noqa: B009, B010 - a private name that the type checker does not know

        def write(self, data: str) -> None:
            if pace.asks(len(data)):
                data += QUESTION
            pace.gave(len(data))
            super().write(data)

    return Paced if hasattr(base, "_get_terminal_size") else base
