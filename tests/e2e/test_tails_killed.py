"""``kill -9`` of core and bot while a tail is shown in Discord: its message is edited on, and no second one comes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from jinkies.simulators.cloudwatch import SimulatedCloudWatch, World
from jinkies.simulators.discord import Answer, RateLimits, SimulatedDiscord
from tests.e2e.processes import environ, line_with, process

GROUP = "/app/api"
CHANNEL = "alerts"

pytestmark = pytest.mark.processes


def environment(home: Path, discord: SimulatedDiscord, cloudwatch: SimulatedCloudWatch) -> dict[str, str]:
    (home / "jinkies.toml").write_text(
        f'[http]\nlisten = "127.0.0.1:0"\n[services.api]\nlog_groups = ["{GROUP}"]\n'
        f'[discord]\napi_url = "{discord.api_url}"\nguild_id = "{discord.world.guild_id}"\n'
        f'alert_channel_id = "{discord.world.channels[0].id}"\n'
    )
    return environ(
        home,
        DISCORD_BOT_TOKEN=discord.token,
        AWS_REGION="us-east-1",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="not-a-secret",
        AWS_ENDPOINT_URL=cloudwatch.address,
    )


class Processes:
    """A core and a bot that can be killed and started again."""

    def __init__(self, home: Path, env: dict[str, str], discord: SimulatedDiscord) -> None:
        self._home, self._env, self._discord = home, env, discord
        self._core, self._bot = AsyncExitStack(), AsyncExitStack()

    async def start_core(self) -> None:
        core = process("jinkies", "serve", env=self._env, cwd=self._home)
        await line_with(await self._core.enter_async_context(core), "/webhook/alert")

    async def start_bot(self) -> None:
        known = set(self._discord.gateway.sessions)
        driver = ("tests.bot.driver", str(self._home / "h"), self._discord.api_url)
        env = self._env | {"PYTHONPATH": str(Path(__file__).parents[2])}
        await self._bot.enter_async_context(process(*driver, env=env, cwd=self._home))
        await self._discord.wait_for(lambda: set(self._discord.gateway.sessions) - known, 60)

    async def kill_core(self) -> None:
        await self._core.aclose()

    async def kill_bot(self) -> None:
        await self._bot.aclose()


def text(discord: SimulatedDiscord) -> str:
    messages = discord.messages(CHANNEL)
    return str(messages[0]["embeds"][0]["description"]) if messages else ""


async def answered(ask: Callable[[], Awaitable[Answer]]) -> None:
    """On a busy machine the bot may still be starting: whoever reads that asks again."""
    while "is starting up" in (await ask()).text:
        pass


async def test_killed_in_turn_they_go_on_with_the_one_message(home: Path) -> None:
    async with (
        SimulatedCloudWatch(World(GROUP)) as cloudwatch,
        SimulatedDiscord(nonce_memory_s=0.0, limits=RateLimits(enabled=False)) as discord,
    ):

        async def says(line: str) -> None:
            cloudwatch.world.put(GROUP, line, int(time.time() * 1000))
            await discord.wait_for(lambda: line in text(discord), 60)

        desk = Processes(home, environment(home, discord, cloudwatch), discord)
        async with aclosing_both(desk):
            await desk.start_core()
            await desk.start_bot()
            await discord.wait_for(lambda: discord.state.command("logs-tail"), 60)
            await answered(lambda: discord.slash("logs-tail", {"service": "api"}))
            await says("ERROR at first")
            await desk.kill_core()
            await desk.start_core()
            await says("ERROR after the core was killed")
            await desk.kill_bot()
            await desk.start_bot()
            await says("ERROR after the bot was killed")
            await desk.kill_bot()
            await desk.kill_core()
            await desk.start_core()
            await desk.start_bot()
            await says("ERROR after both were killed")
            await discord.wait_for(lambda: "**4 lines**: 4 errors" in text(discord), 60)
            [message] = discord.messages(CHANNEL)
            stop = message["components"][0]["components"][1]["custom_id"]
            await answered(lambda: discord.press(message["id"], stop))
            await discord.wait_for(lambda: "**ended**" in text(discord), 60)
    assert [one["id"] for one in discord.messages(CHANNEL)] == [message["id"]]


@asynccontextmanager
async def aclosing_both(desk: Processes) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await desk.kill_bot()
        await desk.kill_core()
