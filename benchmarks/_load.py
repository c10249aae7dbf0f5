"""Requests as fast as a server answers them, over raw sockets: what the sender costs is not what is measured."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import NamedTuple


class Measured(NamedTuple):
    """A load that was answered."""

    per_second: float
    p50_ms: float
    p99_ms: float

    def __str__(self) -> str:
        return f"{self.per_second:>8,.0f}/s   p50 {self.p50_ms:5.1f} ms   p99 {self.p99_ms:5.1f} ms"


def request(address: str, path: str, body: bytes, **headers: str) -> bytes:
    """One HTTP request, ready to be sent."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named |= {"Host": address, "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def load(address: str, requests: Sequence[bytes], *, seconds: float, connections: int) -> Measured:
    """Sends ``requests`` in turn, from the start again where they do not last; every answer has to be a 2xx."""
    latencies = asyncio.run(_all(address, requests, seconds, connections))
    if not latencies:
        raise RuntimeError("nothing was answered")
    latencies.sort()
    return Measured(
        len(latencies) / seconds,
        statistics.median(latencies) * 1000,
        latencies[int(len(latencies) * 0.99)] * 1000,
    )


async def _all(address: str, requests: Sequence[bytes], seconds: float, connections: int) -> list[float]:
    latencies: list[float] = []
    until = time.perf_counter() + seconds
    in_turn = cycle(requests)
    await asyncio.gather(*(_one(address, in_turn, until, latencies) for _ in range(connections)))
    return latencies


async def _one(address: str, in_turn: Iterator[bytes], until: float, latencies: list[float]) -> None:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    while time.perf_counter() < until:
        sent = next(in_turn)
        started = time.perf_counter()
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _length(head)
        body = await (reader.readexactly(length) if length is not None else _chunked(reader))
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"{head.decode()}{body.decode(errors='replace')}"[:2_000])
        latencies.append(time.perf_counter() - started)
        if b"\r\nconnection: close" in head.lower():
            writer.close()
            reader, writer = await asyncio.open_connection(host, int(port))
    writer.close()
    await writer.wait_closed()


def _length(head: bytes) -> int | None:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else None if b"chunked" in head.lower() else 0


async def _chunked(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).strip() or b"0", 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body
