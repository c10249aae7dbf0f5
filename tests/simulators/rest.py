"""Plain requests to a simulated Discord's REST API."""

from __future__ import annotations

from typing import Any

import aiohttp

from jinkies.simulators.discord import SimulatedDiscord

Json = Any


def authorized(sim: SimulatedDiscord) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(sim.api_url + "/", headers={"Authorization": f"Bot {sim.token}"})


async def ask(http: aiohttp.ClientSession, method: str, path: str, body: Json = None) -> tuple[int, Json]:
    async with http.request(method, path, json=body) as response:
        return response.status, await response.json() if response.status != 204 else None
