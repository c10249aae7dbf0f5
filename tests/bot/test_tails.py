"""Tails in Discord, through the real client: one message that is edited, whatever restarts meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from jinkies.config import Config
from jinkies.core import Core
from jinkies.simulators.cloudwatch import SimulatedCloudWatch, World
from jinkies.simulators.discord import SimulatedDiscord
from tests.bot.conftest import CHANNEL, posts, running_bot, until
from tests.bot.logs import GROUP, desk_with_logs, now_ms, put


@pytest.fixture
async def cloudwatch() -> AsyncIterator[SimulatedCloudWatch]:
    async with SimulatedCloudWatch(World(GROUP)) as simulated:
        yield simulated


@pytest.fixture
async def core(desk_config: Config, cloudwatch: SimulatedCloudWatch) -> AsyncIterator[Core]:
    async with desk_with_logs(desk_config, cloudwatch) as running:
        yield running


def say(cloudwatch: SimulatedCloudWatch, message: str) -> None:
    """A line of now."""
    cloudwatch.world.put(GROUP, message, now_ms())


def text(discord: SimulatedDiscord, channel: str = CHANNEL) -> str:
    """What the one message of a tail says."""
    messages = [one for one in discord.messages(channel) if one["embeds"]]
    return str(messages[0]["embeds"][0]["description"]) if messages else ""


def pressed(discord: SimulatedDiscord, action: str, channel: str = CHANNEL) -> tuple[str, str]:
    """The message and the custom_id of one of its buttons."""
    [message] = discord.messages(channel)
    [row] = message["components"]
    [found] = [one["custom_id"] for one in row["components"] if f":{action}:" in one["custom_id"]]
    return message["id"], found


async def shows(discord: SimulatedDiscord, words: str, channel: str = CHANNEL, timeout_s: float = 15.0) -> None:
    await discord.wait_for(lambda: words in text(discord, channel), timeout_s)


async def test_a_message_is_posted_once_and_edited_as_lines_come(
    discord: SimulatedDiscord, core: Core, cloudwatch: SimulatedCloudWatch
) -> None:
    put(cloudwatch, "INFO earlier", "ERROR before")
    async with running_bot(core) as session:
        answer = await discord.slash("logs-tail", {"service": "api", "duration": "5m"}, wait_s=12)
        assert answer.ephemeral
        [message] = discord.messages(CHANNEL)
        assert f"/{message['id']})" in answer.text
        assert message["embeds"][0]["title"] == "Tail 1 · api"
        await shows(discord, "ERROR before")
        say(cloudwatch, "WARN now")
        await shows(discord, "WARN now")
        assert "**3 lines**: 1 error · 1 warning · 1 info" in text(discord)
        stopped = await discord.press(*pressed(discord, "stop"), "fred")
        assert not stopped.followups
        await shows(discord, "**ended**")
        await until(session, lambda: not session.replica.channel_tails)
    [message] = discord.messages(CHANNEL)
    assert "stopped by fred" in text(discord)
    assert "**3 lines**" in text(discord)
    assert message["components"] == []
    assert posts(discord) == 1
