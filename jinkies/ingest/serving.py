"""Where the ingest application listens, and how it is served there."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from jinkies.errors import ConfigError
from jinkies.ingest.auth import split_listen
from jinkies.serving import listen_on, served

IDLE_TIMEOUT_S = 75.0
SHUTDOWN_TIMEOUT_S = 10.0
BACKLOG = 1024  # connections that wait to be let in


@asynccontextmanager
async def serve_ingest(
    app: web.Application, listen: str, *, idle_timeout_s: float = IDLE_TIMEOUT_S
) -> AsyncIterator[str]:
    """Listen on ``host:port`` and yield the address that came of it; port 0 takes a free one.

    A connection on which no whole request head comes within ``idle_timeout_s`` is closed, a fresh one too.
    Leaving stops accepting, lets requests under way finish for at most 10 s, then closes.

    Raises:
        ConfigError: not an address, or not one that can be listened on.
    """
    listening = listen_at(listen)
    async with serve_on(app, listening, idle_timeout_s=idle_timeout_s):
        yield address_of(listening)


def listen_at(listen: str) -> socket.socket:
    """A socket that takes connections at ``host:port``, though nobody answers them yet. Raises ``ConfigError``."""
    host, port = split_listen(listen)
    try:
        return listen_on("127.0.0.1" if host.lower() == "localhost" else host, port, backlog=BACKLOG)
    except OSError as error:
        why = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else error.strerror
        raise ConfigError((f"http.listen: {listen}: {why}; set another address or port",)) from error


def address_of(listening: socket.socket) -> str:
    """Where a socket listens, as ``host:port``."""
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@asynccontextmanager
async def serve_on(
    app: web.Application, listening: socket.socket, *, idle_timeout_s: float = IDLE_TIMEOUT_S
) -> AsyncIterator[None]:
    """Serve on a socket that listens; see ``serve_ingest``. The socket is closed with it."""
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_of_the_server(),
        auto_decompress=False,
        keepalive_timeout=idle_timeout_s,
        shutdown_timeout=SHUTDOWN_TIMEOUT_S,
    )
    async with served(runner, listening, backlog=BACKLOG):
        yield


def _of_the_server() -> logging.Logger:
    """One line for a request that is no HTTP: aiohttp would log a traceback and quote it, credentials too."""
    log = logging.getLogger(f"{__name__}.server")
    if not log.filters:
        log.addFilter(_without_traceback)
    return log


def _without_traceback(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        record.msg, record.args = f"{record.getMessage()}: {type(error).__name__}", ()
        record.exc_info = record.exc_text = None
        if isinstance(error, HttpProcessingError):  # the sender's mistake, which its answer says
            record.levelno, record.levelname = logging.INFO, "INFO"
            return logging.getLogger(record.name).isEnabledFor(logging.INFO)
    return True
