"""Messages between core and ingest process arrive whole and in order, however the pieces come."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinkies.config import Config, HttpConfig, Secret, SenderToken
from jinkies.ingest.channel import HEAD_BYTES, Begin, Channel, Look, Ready, Tell, ToCore, to_core, to_process
from jinkies.model import AlertQuery, PartHealth, PartState

MESSAGES: tuple[ToCore, ...] = (
    Ready(),
    Look(1),
    Look(2, AlertQuery(limit=3, search="dead\0lock 😀")),
    Tell(PartHealth(part="tokens", state=PartState.FAILED, detail="x" * 70_000)),
)


class Wire(asyncio.WriteTransport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: object) -> None:
        assert isinstance(data, bytes)
        self.written.append(data)

    def close(self) -> None:
        self.closed = True


def sent(messages: list[ToCore]) -> bytes:
    async def send() -> list[bytes]:
        channel, wire = Channel(to_process, lambda _: None), Wire()
        channel.connection_made(wire)
        for message in messages:
            channel.send(message)
        await asyncio.sleep(0)
        return wire.written

    written = asyncio.run(send())
    assert len(written) == bool(messages), "one turn of the loop, one write"
    return b"".join(written)


@given(st.lists(st.sampled_from(MESSAGES), max_size=8), st.lists(st.integers(1, 200_000), max_size=6))
def test_pieces_become_the_messages_that_were_sent(messages: list[ToCore], cuts: list[int]) -> None:
    heard: list[ToCore] = []
    channel: Channel[ToCore] = Channel(to_core, heard.append)
    data, at = sent(messages), 0
    for end in (*sorted(cuts), len(data)):
        channel.data_received(data[at:end])
        at = max(at, min(end, len(data)))
    assert heard == messages


def test_what_is_no_message_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[ToCore] = []
    channel, wire = Channel(to_core, heard.append), Wire()
    channel.connection_made(wire)
    channel.data_received((3).to_bytes(HEAD_BYTES, "big") + b"abc")
    assert wire.closed
    assert heard == []
    assert "a message of 3 bytes between core and ingest could not be taken" in caplog.text


async def test_who_hung_up_is_sent_nothing() -> None:
    ended: list[bool] = []
    channel, wire = Channel(to_process, lambda _: None, lambda: ended.append(True)), Wire()
    channel.connection_made(wire)
    channel.connection_lost(None)
    channel.send(Ready())
    await asyncio.sleep(0)
    assert (wire.written, ended) == ([], [True])


def test_a_configuration_arrives_as_it_was(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = (SenderToken(name="shop", token=Secret("s3cret-token")),)
    http = HttpConfig(token=Secret("another-token"), tokens=tokens, tokens_file=Path("/run/tokens"))
    whole = msgspec.structs.replace(config, http=http)
    held: list[object] = []
    channel = Channel(to_process, held.append)
    channel.data_received(sent([Begin(whole)]))  # type: ignore[list-item]  # it goes the other way
    assert held == [Begin(whole)]
    assert "s3cret" not in caplog.text
