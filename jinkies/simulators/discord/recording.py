"""Every REST request and its answer, kept for tests and written to a file, one JSON object a line."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

KEPT_CALLS = 20_000


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded request.

    ``template`` is the route as Discord's API description writes it, relative to the API's base
    (``/channels/{channel_id}/messages``), or the bare path when no route matched. ``body`` and ``response`` are
    decoded JSON; of a multipart request ``body`` is its ``payload_json`` and ``files`` names the rest. ``status`` is 0
    when the connection was dropped before anything happened; ``dropped`` says which fault cut it ("before" or
    "after-effect": then ``status`` and ``response`` are what the client never saw). ``fault`` is the kind of the fault
    that befell it, on demand or by a schedule.
    """

    at_ms: int
    method: str
    path: str
    template: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    files: tuple[str, ...]
    status: int
    response: Any
    response_headers: dict[str, str]
    dropped: str | None = None
    fault: str | None = None


def masked(headers: dict[str, str]) -> dict[str, str]:
    """Headers without the secret: of ``Authorization`` only its scheme is kept."""
    return {
        name: f"{value.partition(' ')[0]} ***" if name.lower() == "authorization" else value
        for name, value in headers.items()
    }


class Recording:
    """The last ``KEPT_CALLS`` calls in memory (the oldest are dropped), all of them in the file if there is one."""

    def __init__(self, path: Path | None = None) -> None:
        self.calls: deque[Call] = deque(maxlen=KEPT_CALLS)
        self._file: BinaryIO | None = None if path is None else path.open("ab")

    def add(self, call: Call) -> None:
        """Keep a call. Written at once, so that a killed process leaves whole lines behind."""
        self.calls.append(call)
        if self._file is not None:
            self._file.write(msgspec.json.encode(call) + b"\n")
            self._file.flush()

    def lines(self) -> Iterator[bytes]:
        """What is kept in memory, one JSON object a line, oldest first."""
        for call in tuple(self.calls):
            yield msgspec.json.encode(call) + b"\n"

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def read_calls(path: Path) -> list[Call]:
    """The calls of a file that ``--record`` wrote.

    Raises:
        msgspec.DecodeError: a line is not a recorded call.
    """
    decoder = msgspec.json.Decoder(Call)
    return [decoder.decode(line) for line in path.read_bytes().splitlines() if line.strip()]
