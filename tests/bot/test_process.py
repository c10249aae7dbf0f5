"""``jinkies-bot`` as a process: what it says, how it ends, and what a ``kill -9`` leaves behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from jinkies.app import host
from jinkies.config import Config
from jinkies.model import DeliveryState
from jinkies.simulators.discord import DEFAULT_TOKEN, RateLimits, SimulatedDiscord
from jinkies.wire.client import attach
from jinkies.wire.peer import local_actor
from tests.bot.conftest import CHANNEL, button, posts, report, running_bot, until_in_step, with_discord
from tests.bot.driver import Step

pytestmark = pytest.mark.processes

BOT = (sys.executable, "-m", "bot")


def environment(home: Path, api_url: str = "http://127.0.0.1:9/api/v10", **more: str) -> dict[str, str]:
    (home / "jinkies.toml").write_text(f'[discord]\napi_url = "{api_url}"\n[http]\nlisten = "127.0.0.1:0"\n')
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME", "LANG", "PYTHONPATH", "VIRTUAL_ENV")
    }
    return (
        kept
        | {
            "JINKIES_CONFIG": str(home / "jinkies.toml"),
            "JINKIES_HOME": str(home),
            "DISCORD_BOT_TOKEN": DEFAULT_TOKEN,
            "DISCORD_GUILD_ID": "1200000000000000001",
            "DISCORD_ALERT_CHANNEL_ID": "1300000000000000001",
            "LOG_LEVEL": "DEBUG",
        }
        | more
    )


def run_to_end(home: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    wanted = {name: value for name, value in environment(home, **changes).items() if value}
    return subprocess.run(BOT, env=wanted, capture_output=True, text=True, timeout=60, check=False, cwd=home)


def test_without_a_token_it_says_what_to_set(home: Path) -> None:
    ended = run_to_end(home, DISCORD_BOT_TOKEN="", DISCORD_GUILD_ID="")
    assert ended.returncode == 2
    assert ended.stderr == "jinkies-bot: Discord is not configured: set DISCORD_BOT_TOKEN, DISCORD_GUILD_ID\n"


def test_every_mistake_in_the_configuration_is_listed(home: Path) -> None:
    ended = run_to_end(home, DISCORD_GUILD_ID="ours", MAX_LOG_LINES="many")
    assert ended.returncode == 2
    assert "DISCORD_GUILD_ID" in ended.stderr
    assert "MAX_LOG_LINES" in ended.stderr
    assert "Traceback" not in ended.stderr


BREAKS = """
import sys
from bot import __main__ as bot

async def broken(config, *, embedded):
    raise ExceptionGroup("unhandled errors", [ValueError(f"with {config.discord.token.reveal()}")])

bot._run = broken
sys.exit(bot.main([]))
"""


def test_a_fault_of_its_own_ends_it_with_a_log_line_and_without_secrets(home: Path) -> None:
    command = (sys.executable, "-c", BREAKS)
    ended = subprocess.run(
        command, env=environment(home), capture_output=True, text=True, timeout=60, check=False, cwd=Path.cwd()
    )
    assert ended.returncode == 1
    assert "CRITICAL bot the bot broke" in ended.stderr
    assert "ValueError: with [redacted]" in ended.stderr
    assert DEFAULT_TOKEN not in ended.stderr


def started(home: Path, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
    with (home / "bot.log").open("ab") as log:
        return subprocess.Popen([*BOT, *arguments], env=environment(home, **more), stdout=log, stderr=log, cwd=home)


async def ended_promptly(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    began = time.monotonic()
    process.send_signal(number)
    assert await asyncio.to_thread(process.wait, 30) == 0
    took_s = time.monotonic() - began
    print(f"ended {took_s:.2f} s after {number.name}")
    assert took_s < 20, "0.3 s on a quiet machine; the library's own stop() never ends"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_promptly_and_the_log_holds_no_secret(
    home: Path, discord: SimulatedDiscord, number: signal.Signals
) -> None:
    process = started(home, "--embedded", api_url=discord.api_url)
    try:
        await discord.wait_for(lambda: discord.state.command("ack"))
        async with attach(home / "core.sock") as operator:
            await report(operator)
            await discord.wait_for(lambda: discord.messages(CHANNEL))
        [card] = discord.messages(CHANNEL)
        await discord.press(card["id"], button(card, "ack"))
        await ended_promptly(process, number)
    finally:
        process.kill()
        process.wait()
    log = (home / "bot.log").read_text()
    assert "hosting a core" in log
    assert DEFAULT_TOKEN not in log
    for call in discord.calls:
        for token in re.findall(r"/(?:interactions|webhooks)/\d+/([^/]+)", call.path):
            assert token not in log


async def test_it_waits_for_a_core_and_says_so(home: Path, config: Config, discord: SimulatedDiscord) -> None:
    process = started(home, api_url=discord.api_url)
    try:
        deadline = time.monotonic() + 30
        while "waiting for one" not in (home / "bot.log").read_text():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)  # another process's file: there is nothing to await
        async with host(config, ingest=False, background=False) as core:
            await report(core.operator(local_actor()))
            await discord.wait_for(lambda: discord.messages(CHANNEL))
            await ended_promptly(process, signal.SIGTERM)
    finally:
        process.kill()
        process.wait()


def started_driver(home: Path, api_url: str, *steps: str) -> subprocess.Popen[bytes]:
    driver = (sys.executable, "-m", "tests.bot.driver", str(home), api_url, *steps)
    return subprocess.Popen(driver, cwd=Path(__file__).parents[2])


def shows(discord: SimulatedDiscord, number: int) -> bool:
    return len(discord.messages(CHANNEL)) >= number


async def test_killed_again_and_again_it_posts_no_card_twice(home: Path, config: Config) -> None:
    wanted, orphans = 24, 0
    async with SimulatedDiscord(nonce_memory_s=0.0, limits=RateLimits(enabled=False)) as discord:
        async with host(config, ingest=False, background=False) as core:
            operator = core.operator(local_actor())
            for number in range(wanted):
                await report(operator, f"ValueError: {number}")
            for stop_at in (5, 14, wanted):
                process = started_driver(home, discord.api_url)
                try:
                    await discord.wait_for(partial(shows, discord, stop_at), 60)
                finally:
                    process.kill()
                    process.wait()
                snapshot = await operator.snapshot()
                recorded = sum(each.state is DeliveryState.POSTED for each in snapshot.deliveries)
                orphans += len(discord.messages(CHANNEL)) - recorded
        titles = [card["embeds"][0]["title"] for card in discord.messages(CHANNEL)]
    assert len(titles) == len(set(titles)) == wanted
    assert orphans > 0  # else no kill fell between Discord's taking a card and the core's hearing of it


async def test_killed_at_each_step_of_a_post_it_leaves_one_card(home: Path, config: Config) -> None:
    """Each bot mends what the one before left, then dies over a post of its own; Discord's nonce is no help."""
    async with SimulatedDiscord(nonce_memory_s=0.0, limits=RateLimits(enabled=False)) as discord:
        config = with_discord(config, discord.api_url)
        async with host(config, ingest=False, background=False) as core:
            operator = core.operator(local_actor())
            left = []
            for step in Step:
                await report(operator, f"ValueError: {step}")
                process = started_driver(home, discord.api_url, step)
                try:
                    assert await asyncio.to_thread(process.wait, 60) == -signal.SIGKILL
                finally:
                    process.kill()
                    process.wait()
                recorded = sum(one.message_id is not None for one in (await operator.snapshot()).deliveries)
                left.append((step, len(discord.messages(CHANNEL)), recorded))
            async with running_bot(core) as session:
                for alert_id in range(1, len(Step) + 1):
                    await until_in_step(session, alert_id)
        titles = [card["embeds"][0]["title"] for card in discord.messages(CHANNEL)]
    assert left == [
        (Step.BEFORE_REQUEST, 0, 0),
        (Step.AFTER_EFFECT, 1, 0),
        (Step.BEFORE_RECORD, 2, 1),
        (Step.AFTER_RECORD, 3, 3),
    ]
    assert len(titles) == len(set(titles)) == posts(discord) == len(Step)
