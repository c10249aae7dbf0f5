"""The HTTP server in a process of its own: what the core does with it.

Reading, redacting and grouping what comes in takes as long as deciding and storing it, and Python does one thing at a
time in a process. So one process talks to senders and another owns the state. They share nothing but a socket pair; the
listening socket is the core's too, so that nobody is refused while the other one is started again.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Protocol

from jinkies.clock import Clock
from jinkies.commands import Outcome, Report
from jinkies.config import Config
from jinkies.errors import ConfigError, JinkiesError, StoreFailed, Unavailable
from jinkies.ingest.channel import (
    Begin,
    Channel,
    Done,
    Failed,
    Leave,
    Look,
    Page,
    Picture,
    Ready,
    Take,
    Tell,
    ToCore,
    to_core,
)
from jinkies.ingest.senders import sender_actor
from jinkies.ingest.serving import SHUTDOWN_TIMEOUT_S, address_of, listen_at
from jinkies.model import SYSTEM, Actor, PartHealth, PartState
from jinkies.operator import Operator
from jinkies.requests import Request
from jinkies.wire.codec import encode_error

START_S = 60.0  # how long the first may take until it lets senders in
LEAVE_S = SHUTDOWN_TIMEOUT_S + 2.0  # how long one may take to end
AGAIN_FIRST_S = 0.1
AGAIN_LAST_S = 30.0
PREDECESSOR_S = 5.0  # so long the process of a core that was killed may still hold the address

_log = logging.getLogger(__name__)


class State(Protocol):
    """What the process needs of the core."""

    def submit(self, request: Request) -> asyncio.Future[Outcome]:
        """See ``Core.submit``."""

    def operator(self, actor: Actor) -> Operator:
        """See ``Core.operator``."""

    def report_health(self, health: PartHealth) -> None:
        """See ``Core.report_health``."""


@asynccontextmanager
async def serve_apart(state: State, config: Config, clock: Clock) -> AsyncIterator[IngestProcess]:
    """Run the process for as long as the context lasts, again whenever it ends; it lets senders in when this yields.

    Leaving lets nobody in any more and answers who is in, for at most 10 s.

    Raises:
        ConfigError: ``[http] listen`` can't be listened on.
        Unavailable: the process does not start.
    """
    listening = await _listen(config.http.listen, clock)
    process = IngestProcess(state, config, clock, listening)
    running = asyncio.create_task(process.run(), name="ingest process")
    try:
        await process.started(running)
        yield process
    finally:
        await process.leave()
        running.cancel()
        await asyncio.wait({running})
        listening.close()


async def _listen(listen: str, clock: Clock) -> socket.socket:
    """The process of a core that was killed ends as soon as it notices: the address is waited for a little."""
    until_s = clock.monotonic_s() + PREDECESSOR_S
    while True:
        try:
            return listen_at(listen)
        except ConfigError as error:
            in_use = isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE
            if not in_use or clock.monotonic_s() > until_s:
                raise
        await clock.sleep(0.05)


class IngestProcess:
    """Starts the process, answers it, and starts it again when it ended unasked."""

    def __init__(self, state: State, config: Config, clock: Clock, listening: socket.socket) -> None:
        self._state = state
        self._config = config
        self._clock = clock
        self._listening = listening
        self._ready = asyncio.Event()
        self._leaving = False
        self._serving = False  # the one that runs now lets senders in
        self._ended = asyncio.Event()  # none runs now
        self._ended.set()
        self._process: asyncio.subprocess.Process | None = None
        self._channel: Channel[ToCore] | None = None
        self._looking: set[asyncio.Task[None]] = set()
        self.address = address_of(listening)

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._process.pid if self._process is not None else None

    async def started(self, running: asyncio.Task[None]) -> None:
        """Returns once the process lets senders in. Raises ``Unavailable`` when it does not."""
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait({ready, running}, timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if running.done():
            await running
        if not self._ready.is_set():
            raise Unavailable(f"the ingest process does not start: no word of it for {START_S:.0f} s")

    async def run(self) -> None:
        """Keep it running until ``leave``. Raises ``Unavailable`` when the first one ends before it lets anybody in."""
        pause_s = AGAIN_FIRST_S
        while True:
            began_s = self._clock.monotonic_s()
            code = await self._once()
            if self._leaving:
                return
            if not self._ready.is_set():
                raise Unavailable(f"the ingest process does not start: it ended with status {code}; the log says more")
            _log.error("the ingest process ended with status %s; it is started again", code)
            detail = f"its process ended with status {code}; starting it again"
            self._state.report_health(PartHealth(part="ingest", state=PartState.FAILED, detail=detail))
            if self._clock.monotonic_s() - began_s > AGAIN_LAST_S:
                pause_s = AGAIN_FIRST_S
            await self._clock.sleep(pause_s)
            pause_s = min(pause_s * 4, AGAIN_LAST_S)

    async def leave(self) -> None:
        """Let it end, in bounded time."""
        self._leaving = True
        if self._channel is not None and self._serving:
            self._channel.send(Leave())
        else:  # nobody is in yet
            self._kill()
        try:
            async with asyncio.timeout(LEAVE_S):
                await self._ended.wait()
        except TimeoutError:
            _log.warning("the ingest process does not end; it is killed")
            self._kill()
            await self._ended.wait()

    async def _once(self) -> int:
        """One process from its beginning to its end; its exit status."""
        ours, theirs = socket.socketpair()
        self._ended.clear()
        try:
            with theirs, _signals_blocked():
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-P", "-m", "jinkies.ingest"),
                    *(str(self._listening.fileno()), str(theirs.fileno())),
                    pass_fds=(self._listening.fileno(), theirs.fileno()),
                    stdin=subprocess.DEVNULL,
                    env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},  # not the folder it is in
                )
            loop = asyncio.get_running_loop()
            _, channel = await loop.create_unix_connection(lambda: Channel(to_core, self._heard), sock=ours)
            self._channel = channel
            channel.send(Begin(self._config))
            if self._leaving:
                self._kill()
            return await self._process.wait()
        finally:
            self._kill()
            if self._channel is not None:
                self._channel.close()
            else:
                ours.close()
            self._process, self._channel, self._serving = None, None, False
            self._ended.set()

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    def _heard(self, message: ToCore) -> None:
        match message:
            case Take():
                self._take(message)
            case Look():
                task = asyncio.create_task(self._look(message))
                self._looking.add(task)
                task.add_done_callback(self._looking.discard)
            case Tell(health=health):
                self._state.report_health(health)
            case Ready():
                self._serving = True
                self._ready.set()
                self._state.report_health(PartHealth(part="ingest", state=PartState.OK, detail=self.address))

    def _take(self, take: Take) -> None:
        reports = tuple(prepared.command for prepared in take.prepared)
        request = Request(
            command=Report(items=reports) if take.several else reports[0],
            actor=sender_actor(take.sender),
            prepared=take.prepared,
            key=take.key,
            digest=take.digest,
        )
        try:
            outcome = self._state.submit(request)
        except JinkiesError as error:
            self._send(Failed(take.number, encode_error(error)))
        else:
            outcome.add_done_callback(partial(self._taken, take.number))

    def _taken(self, number: int, outcome: asyncio.Future[Outcome]) -> None:
        if outcome.cancelled():
            self._send(Failed(number, encode_error(StoreFailed("the core is shutting down"))))
            return
        error = outcome.exception()
        if error is None:
            self._send(Done(number, outcome.result()))
        else:
            ours = error if isinstance(error, JinkiesError) else StoreFailed("internal error; the log says more")
            self._send(Failed(number, encode_error(ours)))

    async def _look(self, look: Look) -> None:
        operator = self._state.operator(SYSTEM)
        try:
            if look.query is None:
                self._send(Picture(look.number, await operator.snapshot()))
            else:
                self._send(Page(look.number, await operator.alerts(look.query)))
        except JinkiesError as error:
            self._send(Failed(look.number, encode_error(error)))

    def _send(self, message: Done | Failed | Page | Picture) -> None:
        if self._channel is not None:
            self._channel.send(message)


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """A child that is born now never hears of Ctrl-C or SIGTERM: it ends when its core says so, or is gone."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
