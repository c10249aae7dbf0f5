r"""Sentry's envelopes: a line of headers, then items, each a line of headers and a payload.

A payload is as long as its header's ``length`` says, and ends at the next ``\n`` without one (Sentry's developer
documentation, "Envelopes"). Only ``\n`` ends a line; one behind a payload, and more at the end, belong to nothing.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from jinkies.ingest.bounded_json import decode
from jinkies.ingest.refusals import MalformedJson

MAX_ITEMS = 1_000
MAX_HEADER_BYTES = 65_536

_T = TypeVar("_T")


class Headers(msgspec.Struct):
    """Of an envelope; what is of another type than expected counts as absent."""

    event_id: object = None
    dsn: object = None


class _ItemHeaders(msgspec.Struct):
    type: object = None
    length: object = None


class Item(msgspec.Struct, frozen=True):
    """One item."""

    type: str  # "" when its header names none
    payload: bytes


class Envelope(msgspec.Struct, frozen=True):
    """What came in one request."""

    headers: Headers
    items: tuple[Item, ...]


_HEADERS = msgspec.json.Decoder(Headers)
_ITEM_HEADERS = msgspec.json.Decoder(_ItemHeaders)


def read_headers(body: bytes) -> Headers:
    """The first line. Raises ``MalformedJson``."""
    return _headers(body[: _line_end(body, 0)], _HEADERS, "the envelope's header")


def read_envelope(body: bytes) -> Envelope:
    """All of it. Raises ``MalformedJson`` for a header that can't be read, or a payload that is not all here."""
    items: list[Item] = []
    at = _line_end(body, 0) + 1
    while at < len(body):
        if body[at] == 0x0A:
            at += 1
            continue
        if len(items) == MAX_ITEMS:
            raise MalformedJson(f"more than {MAX_ITEMS:,} items in one envelope")
        item, at = _read_item(body, at, len(items))
        items.append(item)
    return Envelope(read_headers(body), tuple(items))


def _read_item(body: bytes, at: int, index: int) -> tuple[Item, int]:
    """The item that begins at ``at``, and where what follows it begins."""
    end = _line_end(body, at)
    header = _headers(body[at:end], _ITEM_HEADERS, f"the header of item {index}")
    start, length = min(end + 1, len(body)), header.length
    if isinstance(length, int) and not isinstance(length, bool):
        stop = start + length
        if length < 0 or stop > len(body) or body[stop : stop + 1] not in (b"", b"\n"):
            raise MalformedJson(f"item {index}: its payload is not {length} bytes long")
    else:
        stop = _line_end(body, start)
    kind = header.type if isinstance(header.type, str) else ""
    return Item(kind, body[start:stop]), stop + 1


def _line_end(body: bytes, at: int) -> int:
    end = body.find(b"\n", at)
    return len(body) if end < 0 else end


def _headers(line: bytes, decoder: msgspec.json.Decoder[_T], what: str) -> _T:
    if len(line) > MAX_HEADER_BYTES:
        raise MalformedJson(f"{what} is longer than {MAX_HEADER_BYTES} bytes")
    try:
        return decode(line, decoder)
    except MalformedJson as error:
        raise MalformedJson(f"{what}: {error}") from None
    except msgspec.ValidationError:
        raise MalformedJson(f"{what}: expected a JSON object") from None
