"""The ingest process: ``python -m jinkies.ingest LISTENING CHANNEL``, two descriptors that its core opened."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys
from collections.abc import Sequence
from typing import TypeVar

from jinkies import logsetup
from jinkies.clock import SystemClock
from jinkies.commands import Outcome, Report
from jinkies.config import Config
from jinkies.events import Snapshot
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
    ToProcess,
    to_process,
)
from jinkies.ingest.http import build_app
from jinkies.ingest.serving import serve_on
from jinkies.ingest.ways import AnyReport
from jinkies.model import Actor, AlertPage, AlertQuery, PartHealth
from jinkies.preparing import prepare
from jinkies.redact import Redactor, by_rules
from jinkies.requests import check_key, digest
from jinkies.wire.codec import decode_error

_Answer = TypeVar("_Answer")

GC_THRESHOLD = (10_000, 20, 50)  # what comes in holds no cycles


class Link:
    """The core, from here: what was asked and is not answered yet."""

    def __init__(self) -> None:
        self.begun: asyncio.Future[Config] = asyncio.get_running_loop().create_future()
        self.leaving = asyncio.Event()
        self.channel: Channel[ToProcess] = Channel(to_process, self._heard, _core_is_gone)
        self._asked: dict[int, asyncio.Future[object]] = {}
        self._number = 0

    async def ask(self, message: Take | Look, kind: type[_Answer]) -> _Answer:
        """Send it and wait for the answer. Raises what the core raised."""
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._asked[message.number] = answer
        self.channel.send(message)
        try:
            found = await answer
        finally:
            del self._asked[message.number]
        if not isinstance(found, kind):
            raise TypeError(f"{type(found).__name__} is no answer to that")
        return found

    def number(self) -> int:
        """The next question's."""
        self._number += 1
        return self._number

    def tell(self, health: PartHealth) -> None:
        """Let the core know how a part is doing."""
        self.channel.send(Tell(health))

    def _heard(self, message: ToProcess) -> None:
        match message:
            case Begin(config=config):
                self.begun.set_result(config)
            case Leave():
                self.leaving.set()
            case Failed(number=number, error=error):
                if (asked := self._of(number)) is not None:
                    asked.set_exception(decode_error(error))
            case (
                Done(number=number, outcome=found)
                | Page(number=number, page=found)
                | Picture(number=number, snapshot=found)
            ):
                if (asked := self._of(number)) is not None:
                    asked.set_result(found)

    def _of(self, number: int) -> asyncio.Future[object] | None:
        """Who waits for an answer, if they still do: a sender may have gone away."""
        asked = self._asked.get(number)
        return asked if asked is not None and not asked.done() else None


class DistantDesk:
    """The desk for one sender, over the link; see ``jinkies.ingest.http.Desk``."""

    def __init__(self, link: Link, config: Config, redactor: Redactor, sender: Actor) -> None:
        self._link = link
        self._config = config
        self._redactor = redactor
        self._sender = sender

    async def execute(self, command: AnyReport, *, key: str | None = None) -> Outcome:
        """Redact and group here; what is left for the core is to decide and to store."""
        check_key(key)
        take = Take(
            number=self._link.number(),
            sender=self._sender.id,
            key=key,
            digest=digest(command) if key is not None else b"",
            prepared=await prepare(command, self._config, self._redactor),
            several=isinstance(command, Report),
        )
        return await self._link.ask(take, Outcome)

    async def alerts(self, query: AlertQuery) -> AlertPage:
        """See ``Operator.alerts``."""
        return await self._link.ask(Look(self._link.number(), query), AlertPage)

    async def snapshot(self) -> Snapshot:
        """See ``Operator.snapshot``."""
        return await self._link.ask(Look(self._link.number()), Snapshot)


def _core_is_gone() -> None:
    """At once: nobody can be answered any more, and the next core wants the address."""
    os._exit(0)


async def _serve(listening: socket.socket, ours: socket.socket) -> None:
    link = Link()
    await asyncio.get_running_loop().create_unix_connection(lambda: link.channel, sock=ours)
    config = await link.begun
    with logsetup.configured(config):
        redactor = by_rules(config.redact)
        app = build_app(
            lambda sender: DistantDesk(link, config, redactor, sender), config, SystemClock(), report=link.tell
        )
        async with serve_on(app, listening):
            gc.freeze()
            gc.set_threshold(*GC_THRESHOLD)
            link.channel.send(Ready())
            await link.leaving.wait()


def main(arguments: Sequence[str]) -> int:
    """Serve until the core says to leave."""
    listening, ours = (socket.socket(fileno=int(text)) for text in arguments)
    asyncio.run(_serve(listening, ours))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
