"""Keeping Live Tail sessions alive: each shard of at most ten groups has one, and two while one takes over."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Protocol

from jinkies.clock import Clock
from jinkies.errors import JinkiesError, UpstreamError
from jinkies.logs.seen import Ordinals
from jinkies.logs.sessions import MOST_GROUPS, End, LiveSource, LiveUpdate, SessionEnd
from jinkies.logs.sweep import Backoff

SILENCE_S = 10.0  # CloudWatch Logs sends an update every second, even an empty one
ROLLOVER_S = 9_900.0  # a session ends after 3 h (CloudWatch Logs): another takes over before
OVERLAP_S = 5.0  # how long both run
HEALTHY_S = 30.0  # a session that lived this long makes the next failure a first one
BACKOFF_FIRST_S = 1.0
BACKOFF_MOST_S = 300.0
SESSION_IDENTITIES = 50_000

_log = logging.getLogger(__name__)


class Ears(Protocol):
    """Who is told; called in the event loop, must not wait. Groups are named without their ARN."""

    def began(self, log_groups: tuple[str, ...]) -> None:
        """A session follows these from now on."""
        ...

    def came(self, log_groups: tuple[str, ...], ordinals: Ordinals, update: LiveUpdate) -> None:
        """An update of a session of these groups."""
        ...

    def lost(self, log_groups: tuple[str, ...], reason: str) -> None:
        """No session follows these any more."""
        ...


class _Session:
    """One session at work, from before it is asked for."""

    def __init__(self, asked_s: float) -> None:
        self.heard_s = asked_s
        self.begun_s: float | None = None
        self.log_groups: tuple[str, ...] = ()
        self.ordinals = Ordinals(SESSION_IDENTITIES)
        self.task: asyncio.Task[None] | None = None


class Shard:
    """Sessions of some log groups. Its owner calls ``tick`` about every second, and ``close``."""

    def __init__(self, live: LiveSource, log_groups: tuple[str, ...], pattern: str, clock: Clock, ears: Ears) -> None:
        self.refused: str | None = None  # why Live Tail can't be had at all
        self.failed: str | None = None  # why the last attempt came to nothing
        self.opened = 0
        self._live = live
        self._log_groups = log_groups
        self._pattern = pattern
        self._clock = clock
        self._ears = ears
        self._backoff = Backoff(BACKOFF_FIRST_S, BACKOFF_MOST_S)
        self._retry_s = 0.0
        self._paid_s = 0.0
        self._sessions: list[_Session] = []  # the newest last

    @property
    def running(self) -> bool:
        """Whether a session follows the groups."""
        return any(session.begun_s is not None for session in self._sessions)

    @property
    def hopeless(self) -> bool:
        """Whether nothing runs, and the last attempt failed."""
        return not self._sessions and self.failed is not None

    def live_s(self) -> float:
        """Seconds of sessions so far: what is paid for."""
        now_s = self._clock.monotonic_s()
        return self._paid_s + sum(now_s - one.begun_s for one in self._sessions if one.begun_s is not None)

    def tick(self) -> None:
        """End what fell silent, hand over what is old, open what is missing."""
        now_s = self._clock.monotonic_s()
        for session in list(self._sessions):
            if now_s - session.heard_s >= SILENCE_S:
                self._over(session, SessionEnd(End.STALLED))
        if len(self._sessions) > 1 and _age(self._sessions[-1], now_s) >= OVERLAP_S:
            self._leave(self._sessions[0])
        if self.refused is not None or now_s < self._retry_s:
            return
        if not self._sessions or (len(self._sessions) == 1 and _age(self._sessions[0], now_s) >= ROLLOVER_S):
            self._open(now_s)

    async def close(self) -> None:
        """End all sessions."""
        tasks = [session.task for session in self._sessions if session.task is not None]
        for session in list(self._sessions):
            self._leave(session)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _open(self, now_s: float) -> None:
        session = _Session(now_s)
        self._sessions.append(session)
        session.task = asyncio.get_running_loop().create_task(self._run(session))

    async def _run(self, session: _Session) -> None:
        try:
            async with self._live.session(self._log_groups, self._pattern) as opened:
                self._begin(session, opened.log_groups)
                while not isinstance(update := await opened.update(), SessionEnd):
                    session.heard_s = self._clock.monotonic_s()
                    self._ears.came(session.log_groups, session.ordinals, update)
            self._over(session, update)
        except JinkiesError as error:
            self._refuse(session, error)
        except Exception as error:
            _log.exception("a Live Tail session broke")
            self._over(session, SessionEnd(End.FAILED, type(error).__name__))

    def _begin(self, session: _Session, log_groups: tuple[str, ...]) -> None:
        session.begun_s = session.heard_s = self._clock.monotonic_s()
        session.log_groups = log_groups
        self.opened += 1
        self.failed = None
        self._ears.began(log_groups)

    def _refuse(self, session: _Session, error: JinkiesError) -> None:
        self.failed = str(error)
        if not (isinstance(error, UpstreamError) and error.retry):
            self.refused = self.failed
            _log.info("no Live Tail: %s", error)
        self._over(session, SessionEnd(End.FAILED, str(error)))

    def _over(self, session: _Session, end: SessionEnd) -> None:
        """A session ended by itself, or was found dead."""
        if session not in self._sessions:
            return
        now_s = self._clock.monotonic_s()
        age_s = _age(session, now_s)
        self._leave(session)
        reason = f"{end.why}: {end.detail}" if end.detail else str(end.why)
        if session.begun_s is None:
            self.failed = self.failed or reason
        if age_s >= HEALTHY_S:
            self._backoff.succeeded()
            self._retry_s = now_s
        else:
            self._retry_s = now_s + self._backoff.failed(random.random())  # noqa: S311 - spreads retries, hides nothing
        if session.begun_s is not None and not self.running:
            self._ears.lost(session.log_groups, f"the Live Tail session ended: {reason}")

    def _leave(self, session: _Session) -> None:
        self._sessions.remove(session)
        if session.begun_s is not None:
            self._paid_s += self._clock.monotonic_s() - session.begun_s
        if session.task is not None and session.task is not asyncio.current_task():
            session.task.cancel()


def shards(live: LiveSource, log_groups: tuple[str, ...], pattern: str, clock: Clock, ears: Ears) -> tuple[Shard, ...]:
    """As few as can follow all of these groups."""
    parts = (log_groups[at : at + MOST_GROUPS] for at in range(0, len(log_groups), MOST_GROUPS))
    return tuple(Shard(live, part, pattern, clock, ears) for part in parts)


def _age(session: _Session, now_s: float) -> float:
    """Seconds since it began; 0 before."""
    return 0.0 if session.begun_s is None else now_s - session.begun_s
