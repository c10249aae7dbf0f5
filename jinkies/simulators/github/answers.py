"""JSON in and out of the simulated GitHub's routes."""

from __future__ import annotations

import msgspec
from aiohttp import web

from jinkies.simulators.github.errors import ApiError


def answer(body: object, *, status: int = 200) -> web.Response:
    """A JSON answer with GitHub's content type."""
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json", charset="utf-8")


async def read_json(request: web.Request) -> object:
    """The body of a request. Raises ``ApiError`` 400."""
    try:
        return msgspec.json.decode(await request.read())
    except msgspec.DecodeError:
        raise ApiError(400, "Problems parsing JSON") from None
