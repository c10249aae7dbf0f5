"""Bodies, bounded as they come in and as they unpack. No format sees one that is not."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Generator, Iterator

import brotli
import msgspec
from aiohttp import web

from jinkies.ingest.refusals import Refused, TooLarge

CHUNK_BYTES = 65_536
ENCODINGS = ("gzip", "deflate", "br")
_GZIP, _ZLIB, _RAW_DEFLATE = 31, 15, -15  # zlib's wbits


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a body may be."""

    packed_bytes: int  # as sent
    unpacked_bytes: int  # of one that is compressed
    timeout_s: float  # until all of it is here


class _Broken(Exception):
    """The body is not what its Content-Encoding says."""


async def receive(request: web.Request, bounds: Bounds) -> bytes:
    """The body as sent, never holding more than the bound and a chunk, whatever Content-Length says or doesn't.

    Raises ``Refused``.
    """
    limit = bounds.packed_bytes
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    content = request.content
    if content.is_eof() and content.exception() is None:  # a small one came with its head, as nearly all do
        whole = content.read_nowait()
        if len(whole) > limit:
            raise _too_large(limit)
        return whole
    return await _receive_slowly(request, bounds)


async def _receive_slowly(request: web.Request, bounds: Bounds) -> bytes:
    limit = bounds.packed_bytes
    body = bytearray()
    try:
        async with asyncio.timeout(bounds.timeout_s):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit:
                    raise _too_large(limit)
    except TimeoutError:
        message = f"the body did not come within {bounds.timeout_s:g} s"
        raise Refused(408, "timeout", message, close=True) from None
    except (web.RequestPayloadError, ConnectionError) as error:
        raise Refused(400, "incomplete", "the body ended early", close=True) from error
    return bytes(body)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {limit} bytes ([http] max_body_bytes)")


def encoding_of(request: web.Request) -> str:
    """The Content-Encoding, "" for none. Raises ``Refused`` for one that isn't known."""
    encoding = request.headers.get("Content-Encoding", "").strip().lower().removeprefix("x-")
    if encoding in ("", "identity"):
        return ""
    if encoding not in ENCODINGS:
        known = ", ".join(ENCODINGS)
        raise Refused(415, "content_encoding", f"send the body as it is or as {known}, not {encoding[:40]!a}")
    return encoding


def unpack(packed: bytes, encoding: str, limit: int) -> bytes:
    """The body itself; a bomb costs no more than ``limit`` bytes and a chunk. Raises ``Refused``, of it ``TooLarge``.

    A body that isn't compressed was bounded when it came in.
    """
    if not encoding:
        return packed
    body = bytearray()
    try:
        for chunk in _chunks(packed, encoding):
            body += chunk
            if len(body) > limit:
                raise TooLarge(f"the body is larger than {limit} bytes when unpacked ([http] max_unpacked_bytes)")
    except (_Broken, zlib.error, brotli.error):
        raise Refused(400, "content_encoding", f"the body is no {encoding}, or not all of it") from None
    return bytes(body)


def _chunks(packed: bytes, encoding: str) -> Iterator[bytes]:
    match encoding:
        case "gzip":
            return _gzip(packed)
        case "br":
            return _brotli(packed)
        case _:  # RFC 9110 says zlib's format, and some send the bare stream
            return _inflate(packed, _ZLIB if _is_zlib(packed) else _RAW_DEFLATE)


def _is_zlib(packed: bytes) -> bool:
    """By its header (RFC 1950): method 8, and the two bytes divide by 31."""
    return len(packed) > 1 and packed[0] & 0x0F == 8 and (packed[0] << 8 | packed[1]) % 31 == 0


def _gzip(packed: bytes) -> Iterator[bytes]:
    """One member after the other (RFC 1952)."""
    while packed:
        packed = yield from _inflate(packed, _GZIP)
        packed = packed.lstrip(b"\0")  # padding


def _inflate(packed: bytes, window_bits: int) -> Generator[bytes, None, bytes]:
    stream = zlib.decompressobj(window_bits)
    while not stream.eof:
        chunk = stream.decompress(packed, CHUNK_BYTES)
        packed = stream.unconsumed_tail
        if not chunk and not packed and not stream.eof:
            raise _Broken
        yield chunk
    return stream.unused_data


def _brotli(packed: bytes) -> Iterator[bytes]:
    stream = brotli.Decompressor()
    chunk = stream.process(packed, output_buffer_limit=CHUNK_BYTES)
    while not stream.is_finished():
        yield chunk
        if not chunk and stream.can_accept_more_data():
            raise _Broken
        chunk = stream.process(b"", output_buffer_limit=CHUNK_BYTES)
    yield chunk
