"""A server's end ends every connection that it let in, however shortly before."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from aiohttp import web

from jinkies.serving import listen_on, served


@pytest.mark.parametrize("rounds", range(8))
async def test_who_connects_while_it_ends_hears_of_the_end(rounds: int) -> None:
    async def nobody_answers(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    app = web.Application()
    app.router.add_get("/", nobody_answers)
    listening = listen_on("127.0.0.1", 0)
    port = listening.getsockname()[1]

    async def connect() -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: jinkies\r\n\r\n")
            await reader.read()
            writer.close()
        except ConnectionError:
            pass

    async with AsyncExitStack() as stack:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01, handler_cancellation=True)
        await stack.enter_async_context(served(runner, listening))
        client = asyncio.create_task(connect())
        for _ in range(rounds):
            await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await client


def test_an_address_that_is_taken_is_an_error() -> None:
    with listen_on("127.0.0.1", 0) as one, pytest.raises(OSError, match="in use"):
        listen_on("127.0.0.1", one.getsockname()[1])
