"""A bot whose board's lease is short, to be killed and started again: ``python -m tests.bot.driver HOME API_URL``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bot.session import Session
from jinkies.clock import SystemClock
from jinkies.config import Config, DiscordConfig, Secret
from jinkies.simulators.discord import DEFAULT_TOKEN
from jinkies.wire.client import attach


async def main(home: Path, api_url: str) -> None:
    config = Config(
        home=home,
        discord=DiscordConfig(
            token=Secret(DEFAULT_TOKEN),
            guild_id="1200000000000000001",
            alert_channel_id="1300000000000000001",
            api_url=api_url,
        ),
    )
    async with attach(config.socket_path) as operator:
        await Session(config, operator, SystemClock(), lease_ttl_s=1.0).run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
