"""A world of virtual time in which a service writes into a simulated CloudWatch, and Discord shows its tails."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from jinkies.config import Config
from jinkies.model import ChannelTail, PartState, TailInfo
from jinkies.simulators.cloudwatch import SimulatedCloudWatch
from jinkies.simulators.cloudwatch import World as Account
from jinkies.simulators.discord import Answer, RateLimits, SimulatedDiscord, World
from tests.bot.logs import GROUP, with_aws
from tests.bot.worlds import CHANNEL, Desk, in_a_world

Change = Callable[[Config], Config]


@dataclass
class Scene:
    """A desk, an account, and what a channel shows."""

    desk: Desk
    cloudwatch: SimulatedCloudWatch
    lines: int = 0

    @property
    def discord(self) -> SimulatedDiscord:
        return self.desk.discord

    def say(self, *messages: str, ago_s: float = 0.0) -> None:
        """Lines of now, or of some time ago."""
        now_ms = self.desk.clock.now_ms()
        for message in messages:  # the update of this very moment may be on its way already
            self.cloudwatch.world.put(GROUP, message, now_ms - int(ago_s * 1000), live_ms=now_ms + 1)
            self.lines += 1

    async def follow(self, who: str = "velma", channel: str = CHANNEL, **options: object) -> Answer:
        return await self.discord.slash("logs-tail", {"service": "api", **options}, who, channel, wait_s=15)

    def message(self, channel: str = CHANNEL) -> dict[str, Any]:
        """The newest one."""
        return self.discord.messages(channel)[0]

    def text(self, channel: str = CHANNEL) -> str:
        messages = self.discord.messages(channel)
        return str(messages[0]["embeds"][0]["description"]) if messages else ""

    async def shows(self, words: str, channel: str = CHANNEL, limit_s: float = 60.0) -> None:
        try:
            await self.desk.until(lambda: words in self.text(channel), limit_s)
        except AssertionError as error:
            raise AssertionError(f"{words!r} is not shown: {self.text(channel)!r}; {error}") from None

    async def press(self, action: str, who: str = "velma", channel: str = CHANNEL) -> Answer:
        message = self.message(channel)
        ids = [one["custom_id"] for row in message["components"] for one in row["components"]]
        [pressed] = [one for one in ids if f":{action}:" in one]
        return await self.discord.press(message["id"], pressed, who)

    async def tails(self) -> list[ChannelTail]:
        """Those that the core holds."""
        return list((await self.desk.operator.snapshot()).channel_tails)

    async def upstreams(self) -> tuple[TailInfo, ...]:
        return (await self.desk.operator.snapshot()).tails

    async def restart_bot(self, away_s: float = 0.0) -> None:
        await self.desk.stop_bot()
        await self.desk.clock.sleep(away_s)
        await self.desk.start_bot()
        await self.desk.until(lambda: self.desk.session.health.state is PartState.OK, 60)

    async def restart_core(self, away_s: float = 0.0) -> None:
        await self.desk.stop_core()
        await self.desk.clock.sleep(away_s)
        await self.desk.start_core()

    async def settled(self) -> None:
        """Until the core has nothing more to show."""
        end_s = self.desk.clock.monotonic_s() + 120
        while await self.tails():
            assert self.desk.clock.monotonic_s() < end_s, self.text()
            await self.desk.clock.sleep(0.5)


def in_a_scene(
    work: Callable[[Scene], Awaitable[None]],
    *,
    limits: RateLimits | None = None,
    world: World | None = None,
    change: Change = lambda config: config,
    nonce_memory_s: float = 300.0,
) -> None:
    """Run it with a core that reads the account, and a bot that is connected."""

    async def run(desk: Desk) -> None:
        async with SimulatedCloudWatch(Account(GROUP), clock=desk.clock) as cloudwatch:
            await desk.stop_core()
            desk.config = change(with_aws(desk.config, cloudwatch.address))
            await desk.start_core()
            await desk.start_bot()
            await desk.until(lambda: desk.health is not None and desk.health.detail == "connected", 60)
            await work(Scene(desk, cloudwatch))
            await desk.stop_bot()
            await desk.stop_core()

    in_a_world(run, limits=limits, world=world, bot=False, nonce_memory_s=nonce_memory_s)


def scene(
    *,
    limits: RateLimits | None = None,
    world: World | None = None,
    change: Change = lambda config: config,
    nonce_memory_s: float = 300.0,
) -> Callable[[Callable[[Scene], Awaitable[None]]], Callable[[], None]]:
    """Make a test of a work."""

    def made(work: Callable[[Scene], Awaitable[None]]) -> Callable[[], None]:
        @functools.wraps(work)
        def test() -> None:
            in_a_scene(work, limits=limits, world=world, change=change, nonce_memory_s=nonce_memory_s)

        del test.__wrapped__  # pytest would take its argument for a fixture
        return test

    return made


def with_log_channel(config: Config) -> Config:
    return msgspec.structs.replace(
        config, discord=msgspec.structs.replace(config.discord, log_channel_id="1300000000000000002")
    )
