"""JSON from outside: nesting bounded before it is parsed, lone surrogates mended, mistakes told with their place."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from jinkies.ingest.refusals import MalformedJson

MAX_DEPTH = 100  # of objects and arrays in each other

_T = TypeVar("_T")
_OPENERS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|([\[{])|([\]}])', re.DOTALL)
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
_BYTE = re.compile(r"\(byte (\d+)\)")
BOM = b"\xef\xbb\xbf"


def decode(body: bytes, decoder: msgspec.json.Decoder[_T]) -> _T:
    """Parse ``body``: UTF-8 JSON, a byte order mark allowed.

    Raises:
        MalformedJson: not JSON, not UTF-8, or nested deeper than 100.
        msgspec.ValidationError: JSON of another shape than the decoder's.
    """
    body = body.removeprefix(BOM)
    _check_depth(body)
    try:
        return _decode(body, decoder)
    except msgspec.ValidationError:
        raise
    except RecursionError:
        raise MalformedJson(f"nested deeper than {MAX_DEPTH} levels") from None
    except UnicodeDecodeError:
        raise MalformedJson(_not_utf8(body)) from None
    except msgspec.DecodeError as error:
        raise MalformedJson(_where(str(error), body)) from None


def _decode(body: bytes, decoder: msgspec.json.Decoder[_T]) -> _T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        mended = _ESCAPE.sub(_without_lone_surrogate, body)
        if mended == body:
            raise
        return decoder.decode(mended)


def _without_lone_surrogate(escape: re.Match[bytes]) -> bytes:
    """JSON.stringify and Python's json both write lone surrogates; as text they exist nowhere. U+FFFD instead."""
    return rb"\ufffd" if escape[1] else escape[0]


def _check_depth(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for found in _OPENERS.finditer(body):
        if found[1]:
            depth += 1
            if depth > MAX_DEPTH:
                raise MalformedJson(f"nested deeper than {MAX_DEPTH} levels at byte {found.start()}")
        elif found[2]:
            depth -= 1


def _not_utf8(body: bytes) -> str:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return f"not UTF-8 at byte {error.start}"
    return "not UTF-8"


def _where(message: str, body: bytes) -> str:
    """Msgspec's message with line and column (both from 1) instead of a byte offset."""
    if not body.strip():
        return "the body is empty; expected a JSON object"
    found = _BYTE.search(message)
    if found is None:
        return f"ends too early, after {len(body)} bytes"
    before = body[: int(found[1])]
    line = before.count(b"\n") + 1
    column = len(before.rpartition(b"\n")[2].decode(errors="replace")) + 1
    reason = _BYTE.sub("", message.removeprefix("JSON is malformed: ")).strip()
    return f"{reason} at line {line}, column {column} (byte {found[1]})"
