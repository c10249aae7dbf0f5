"""Live Tail as the rest of ``logs`` sees it: sessions that bring updates, and end in one typed way. Pure.

Limits from CloudWatch Logs: 10 groups a session, an update every second even when nothing came, 3 hours a session.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

import msgspec

from jinkies.model import LogEvent

MOST_GROUPS = 10  # of a session


class End(StrEnum):
    """How a session ended; whichever it was, what it may have missed is read, and another begins."""

    DROPPED = "the connection broke"
    STALLED = "it fell silent"
    TIMED_OUT = "its time was up"
    FAILED = "CloudWatch ended it with an error"
    CLOSED = "CloudWatch closed it"


class SessionEnd(msgspec.Struct, frozen=True):
    """A session is over."""

    why: End
    detail: str = ""  # what the service or the driver said, one line


class LiveUpdate(msgspec.Struct, frozen=True):
    """What came in about a second."""

    events: tuple[LogEvent, ...] = ()
    sampled: bool = False  # there were more than these


class LiveSession(Protocol):
    """A session that has begun."""

    @property
    def log_groups(self) -> tuple[str, ...]:
        """Names of the groups that it follows: those asked for that are there."""
        ...

    async def update(self) -> LiveUpdate | SessionEnd:
        """The next one. After a ``SessionEnd`` there is none."""
        ...


class LiveSource(Protocol):
    """Who opens sessions: CloudWatch, through ``livetail.LiveTail``."""

    def session(self, log_groups: tuple[str, ...], pattern: str) -> AbstractAsyncContextManager[LiveSession]:
        """A session of at most ``MOST_GROUPS`` groups, closed when left.

        Entering returns once the service has said that it begins.

        Raises:
            UpstreamError: refused; ``retry`` says whether it may pass (quota, throttling, network).
            NotConfigured, Invalid: as ``PageSource.page``.
        """
        ...
