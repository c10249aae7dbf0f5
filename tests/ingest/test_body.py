"""What a compressed body may cost."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib

import brotli
import pytest

from jinkies.ingest.body import CHUNK_BYTES, unpack
from jinkies.ingest.refusals import Refused, TooLarge
from tests.ingest.standin import StandIn, config, serving

TEXT = b"It was the caretaker. " * 20_000
PACKED = {
    "gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "br": brotli.compress(TEXT),
}


@pytest.mark.parametrize("encoding", PACKED)
def test_what_was_packed_is_unpacked(encoding: str) -> None:
    assert unpack(PACKED[encoding], encoding, len(TEXT)) == TEXT
    with pytest.raises(TooLarge):
        unpack(PACKED[encoding], encoding, len(TEXT) - 1)


def test_members_and_bare_streams_are_read_too() -> None:
    assert unpack(gzip.compress(b"one ") + gzip.compress(b"two") + b"\0\0", "gzip", 100) == b"one two"
    bare = zlib.compressobj(wbits=-15)
    assert unpack(bare.compress(TEXT) + bare.flush(), "deflate", len(TEXT)) == TEXT
    assert unpack(TEXT, "", 1) == TEXT


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_what_is_cut_or_something_else_is_refused(encoding: str, cut: int) -> None:
    for wrong in (PACKED[encoding][:cut], b"plain text, not packed at all"):
        if encoding == "gzip" and not wrong:
            assert unpack(wrong, encoding, 10) == b""
            continue
        with pytest.raises(Refused, match=f"the body is no {encoding}, or not all of it"):
            unpack(wrong, encoding, len(TEXT))


@pytest.mark.parametrize("encoding", PACKED)
def test_a_bomb_costs_its_bound(encoding: str) -> None:
    zeros = bytes(64 * 1_048_576)
    bomb = {"gzip": gzip.compress, "deflate": zlib.compress, "br": lambda one: brotli.compress(one, quality=5)}
    packed = bomb[encoding](zeros)
    del zeros
    assert len(packed) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            unpack(packed, encoding, 1_048_576)
        assert tracemalloc.get_traced_memory()[1] < 3 * 1_048_576 + 2 * CHUNK_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("encoding", PACKED)
async def test_a_compressed_alert_arrives_and_a_bomb_is_413(encoding: str) -> None:
    operator = StandIn()
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}[encoding]
    async with serving(operator, config(max_unpacked_bytes=200_000)) as sender:
        alert = json.dumps({"service_name": "api", "error_message": "boom"}).encode()
        assert (await sender.post(pack(alert), Content_Encoding=encoding))[0] == 201
        assert (await sender.post(pack(alert + b" " * 150_000), Content_Encoding=encoding))[0] == 200
        status, answer, _ = await sender.post(pack(alert + b" " * 200_000), Content_Encoding=encoding)
        assert (status, answer.error) == (413, "too_large")
        assert "200000 bytes when unpacked ([http] max_unpacked_bytes)" in answer.message
        status, answer, _ = await sender.post(alert, Content_Encoding=encoding)
        assert (status, answer.error) == (400, "content_encoding")
    assert len(operator.commands) == 2
