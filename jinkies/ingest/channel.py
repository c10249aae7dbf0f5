"""What a core and its ingest process say to each other over a socket pair: messages, one after the other, both ways.

A message is its length in bytes (four, big-endian) and itself in MessagePack. Nobody but the two has an end of the
pair, so what comes over it is believed; what came from outside was bounded before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from jinkies.commands import Outcome
from jinkies.config import Config, Secret
from jinkies.events import Snapshot
from jinkies.model import AlertPage, AlertQuery, PartHealth
from jinkies.requests import Prepared, PreparedRecovery
from jinkies.wire.codec import WireError

HEAD_BYTES = 4


class Message(msgspec.Struct, frozen=True, array_like=True):
    """Base of all messages."""


class Begin(Message, frozen=True, array_like=True, tag="begin"):
    """To the process, first: its configuration, secrets too."""

    config: Config


class Leave(Message, frozen=True, array_like=True, tag="leave"):
    """To the process: let nobody in any more, answer who is in, and end."""


class Done(Message, frozen=True, array_like=True, tag="done"):
    """To the process: what came of a ``Take``."""

    number: int
    outcome: Outcome


class Page(Message, frozen=True, array_like=True, tag="page"):
    """To the process: the alerts that it asked for."""

    number: int
    page: AlertPage


class Picture(Message, frozen=True, array_like=True, tag="picture"):
    """To the process: the snapshot that it asked for."""

    number: int
    snapshot: Snapshot


class Failed(Message, frozen=True, array_like=True, tag="failed"):
    """To the process: why nothing came of what it asked."""

    number: int
    error: WireError


class Ready(Message, frozen=True, array_like=True, tag="ready"):
    """To the core: whoever connects is let in from now on."""


class Take(Message, frozen=True, array_like=True, tag="take"):
    """To the core: carry out a sender's reports, which are redacted already."""

    number: int
    sender: str
    key: str | None
    digest: bytes
    prepared: tuple[Prepared | PreparedRecovery, ...]
    several: bool  # a ``Report`` of them, not one alone


class Look(Message, frozen=True, array_like=True, tag="look"):
    """To the core: show alerts, or without a query the snapshot."""

    number: int
    query: AlertQuery | None = None


class Tell(Message, frozen=True, array_like=True, tag="tell"):
    """To the core: how a part of the process is doing."""

    health: PartHealth


ToProcess = Begin | Leave | Done | Page | Picture | Failed
ToCore = Ready | Take | Look | Tell
_In = TypeVar("_In")


def _plain(value: object) -> object:
    """Of a configuration, what MessagePack doesn't know."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} can't be sent")


def _ours(kind: type, value: Any) -> object:  # Any: msgspec's own signature
    if kind is Secret:
        return Secret(value)
    if issubclass(kind, Path):
        return Path(value)
    raise NotImplementedError(f"{kind.__name__} can't be received")


_encode = msgspec.msgpack.Encoder(enc_hook=_plain).encode
to_process = msgspec.msgpack.Decoder(ToProcess, dec_hook=_ours).decode
to_core = msgspec.msgpack.Decoder(ToCore, dec_hook=_ours).decode

_log = logging.getLogger(__name__)


class Channel(asyncio.Protocol, Generic[_In]):
    """One end of the pair.

    What is sent in one turn of the loop goes out in one write. Nothing bounds what waits to be written: a core sends
    small answers, and a process has as many commands under way as it has connections.

    Args:
        decode: reads a message.
        heard: called with each one.
        ended: called once, when the other end is gone.
    """

    def __init__(
        self, decode: Callable[[bytes], _In], heard: Callable[[_In], None], ended: Callable[[], None] = lambda: None
    ) -> None:
        self._decode = decode
        self._heard = heard
        self._ended = ended
        self._transport: asyncio.WriteTransport | None = None
        self._held = bytearray()
        self._waiting: list[bytes] = []
        self._flush: asyncio.Handle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is there."""
        if isinstance(transport, asyncio.WriteTransport):
            self._transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        """The other end is gone."""
        self._transport = None
        self._ended()

    def send(self, message: Message) -> None:
        """Send a message soon; nothing happens when the other end is gone."""
        body = _encode(message)
        self._waiting += (len(body).to_bytes(HEAD_BYTES, "big"), body)
        if self._flush is None:
            self._flush = asyncio.get_running_loop().call_soon(self._write)

    def close(self) -> None:
        """Write what waits, then hang up."""
        self._write()
        if self._transport is not None:
            self._transport.close()

    def _write(self) -> None:
        waiting, self._waiting, self._flush = self._waiting, [], None
        if self._transport is not None and waiting:
            self._transport.write(b"".join(waiting))

    def data_received(self, data: bytes) -> None:
        """Some bytes of messages."""
        self._held += data
        held, at = self._held, 0
        while len(held) - at >= HEAD_BYTES:
            end = at + HEAD_BYTES + int.from_bytes(held[at : at + HEAD_BYTES], "big")
            if end > len(held):
                break
            body = bytes(held[at + HEAD_BYTES : end])
            at = end
            self._take(body)
        del held[:at]

    def _take(self, body: bytes) -> None:
        try:
            self._heard(self._decode(body))
        except Exception:
            _log.exception("a message of %d bytes between core and ingest could not be taken", len(body))
            self.close()
