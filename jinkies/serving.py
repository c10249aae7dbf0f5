"""HTTP servers of ours: begun on a socket that is bound already, and ended with every connection that it let in."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

ROUNDS = 3  # of the loop, between accepting a connection and telling its protocol of it


@asynccontextmanager
async def served(runner: web.AppRunner, listening: socket.socket, *, backlog: int = 128) -> AsyncIterator[None]:
    """Serve an application on a socket while the context lasts; the socket is closed with it.

    Nobody is let in any more before the server closes: asyncio up to 3.11 forgets a connection that it accepted just
    then, and its client waits for an answer from nobody (python/cpython#109564).
    """
    try:
        await runner.setup()
        await web.SockSite(runner, listening, backlog=backlog).start()
        yield
    finally:
        asyncio.get_running_loop().remove_reader(listening)
        for _ in range(ROUNDS):
            await asyncio.sleep(0)
        await runner.cleanup()
        listening.close()


def listen_on(host: str, port: int, *, backlog: int = 128) -> socket.socket:
    """A TCP socket that listens; port 0 takes a free one. Raises ``OSError``."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(address[:2], family=family, backlog=backlog)
