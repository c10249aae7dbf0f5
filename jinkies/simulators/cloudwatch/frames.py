"""Amazon's event stream encoding: prelude, its CRC, headers, payload, the CRC of all; big-endian.

Source: the ``application/vnd.amazon.eventstream`` format of AWS's SDKs. The first frame of a stream must be
``initial-response``.
"""

from __future__ import annotations

import struct
import zlib

CONTENT_TYPE = "application/vnd.amazon.eventstream"

_STRING = 7  # the type of a header's value


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One message. Header names are at most 255 bytes, values at most 65,535."""
    block = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack("!II", 16 + len(block) + len(payload), len(block))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + block + payload
    return message + struct.pack("!I", zlib.crc32(message))


def event_frame(name: str, payload: bytes) -> bytes:
    """An event of the stream."""
    return frame({":message-type": "event", ":event-type": name, ":content-type": "application/json"}, payload)


def exception_frame(name: str, payload: bytes) -> bytes:
    """A modelled exception; the stream ends behind it."""
    return frame({":message-type": "exception", ":exception-type": name, ":content-type": "application/json"}, payload)


def _header(name: str, value: str) -> bytes:
    text = value.encode()
    return struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", _STRING, len(text)) + text
