"""A bot whose board's lease is short, to be killed and started again: ``python -m tests.bot.driver HOME URL [STEP]``.

With a step it kills itself there, as ``kill -9`` would, when it first comes to posting.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any

from bot.courier import InteractionsCourier, Shown
from bot.http import PoliteHTTP
from bot.recorder import Recorder
from bot.session import Session
from jinkies.clock import SystemClock
from jinkies.config import Config, DiscordConfig, Secret
from jinkies.simulators.discord import DEFAULT_TOKEN
from jinkies.wire.client import attach


class Step(StrEnum):
    """Of a post."""

    BEFORE_REQUEST = "before-request"
    AFTER_EFFECT = "after-effect"  # Discord has answered, and nobody has looked at it
    BEFORE_RECORD = "before-record"
    AFTER_RECORD = "after-record"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(step: Step) -> None:
    """Put the end of this process in the way."""
    post, judge, record = InteractionsCourier.post, PoliteHTTP._judge, Recorder.record
    posted = False

    async def posting(self: InteractionsCourier, *arguments: Any, **more: Any) -> Shown:
        nonlocal posted
        if step is Step.BEFORE_REQUEST:
            die()
        posted = True
        return await post(self, *arguments, **more)

    def judging(self: PoliteHTTP, *arguments: Any) -> Any:
        if posted and step is Step.AFTER_EFFECT:
            die()
        return judge(self, *arguments)

    async def recording(self: Recorder, *arguments: Any, **more: Any) -> int | None:
        if posted and step is Step.BEFORE_RECORD:
            die()
        seq = await record(self, *arguments, **more)
        if posted and step is Step.AFTER_RECORD:
            die()
        return seq

    InteractionsCourier.post = posting  # type: ignore[method-assign] # for as long as the process lives
    PoliteHTTP._judge = judging  # type: ignore[method-assign,assignment] # likewise
    Recorder.record = recording  # type: ignore[method-assign] # likewise


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
    for wanted in sys.argv[3:]:
        die_at(Step(wanted))
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
