"""The real bot on a real core and a simulated Discord, all in one loop of virtual time: minutes pass in a second."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from bot.session import Session
from jinkies.app import host
from jinkies.clock import Clock
from jinkies.commands import Outcome, ReportOccurrence
from jinkies.config import Config, DiscordConfig, Secret
from jinkies.core import Core
from jinkies.model import Delivery, PartHealth, PartState
from jinkies.operator import Operator
from jinkies.simulators.discord import DEFAULT_TOKEN, Fault, FaultKind, RateLimits, SimulatedDiscord, World
from jinkies.simulators.discord.world import ON_CALL
from jinkies.wire.client import attach
from jinkies.wire.peer import local_actor
from tests.virtual import run_virtually

CHANNEL = "alerts"
CHANNEL_ID = "1300000000000000001"
EVERYTHING = Fault(method="*", path="", kind=FaultKind.DROP_BEFORE, times=1_000_000)


class Desk:
    """A world of its own: Discord, a core, and a bot that can be stopped and started."""

    def __init__(self, stack: AsyncExitStack, clock: Clock, discord: SimulatedDiscord, config: Config) -> None:
        self.clock = clock
        self.discord = discord
        self.config = config
        self.core: Core | None = None
        self._stack = stack
        self._hosting = AsyncExitStack()
        self._running = AsyncExitStack()
        self._session: Session | None = None

    @property
    def operator(self) -> Operator:
        assert self.core is not None
        return self.core.operator(local_actor())

    @property
    def session(self) -> Session:
        assert self._session is not None
        return self._session

    @property
    def health(self) -> PartHealth | None:
        """As the console shows it."""
        return self.core.health.get("discord") if self.core is not None else None

    async def start_core(self) -> None:
        self.core = await self._hosting.enter_async_context(host(self.config, ingest=False, clock=self.clock))

    async def stop_core(self) -> None:
        self.core = None
        await self._hosting.aclose()

    async def start_bot(self) -> None:
        operator = await self._running.enter_async_context(attach(self.config.socket_path))
        self._session = Session(self.config, operator, self.clock)
        task = asyncio.create_task(self._session.run())

        async def end() -> None:
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                task.result()

        self._running.push_async_callback(end)

    async def stop_bot(self, *, kill: bool = False) -> None:
        """Stop it; ``kill`` as a ``kill -9`` does, which gives no lease back."""
        if kill and self._session is not None:
            self._session.board._lease._ends_at_s = float("-inf")
        self._session = None
        await self._running.aclose()

    def down(self) -> None:
        """Discord answers nobody from now on."""
        self.discord.fault(EVERYTHING)
        self.discord.gateway.refuse = True
        self.discord.gateway.close(0)

    def up(self) -> None:
        self.discord.rest.faults.clear()
        self.discord.gateway.refuse = False

    async def report(self, name: str = "boom", **more: object) -> Outcome:
        command = ReportOccurrence(service="api", message=name, fingerprint=name)
        return await self.operator.execute(msgspec.structs.replace(command, **more))

    async def until(self, condition: Callable[[], object], limit_s: float = 600.0) -> None:
        """Asked ten times a second of virtual time, which costs nothing."""
        end_s = self.clock.monotonic_s() + limit_s
        while not condition():
            if self.clock.monotonic_s() > end_s:
                raise AssertionError(f"not within {limit_s:.0f} s; health {self.health}")
            await self.clock.sleep(0.1)

    async def deliveries(self) -> list[Delivery]:
        """All of those of the snapshot."""
        return list((await self.operator.snapshot()).deliveries)

    async def until_in_step(self, limit_s: float = 600.0) -> None:
        """Until the core wants nothing more of Discord."""
        end_s = self.clock.monotonic_s() + limit_s
        while waiting := [one for one in await self.deliveries() if not one.in_step]:
            if self.clock.monotonic_s() > end_s:
                raise AssertionError(f"not within {limit_s:.0f} s: {waiting[:5]}")
            await self.clock.sleep(0.5)

    def posts(self, since: int = 0) -> int:
        """Messages that were asked for since a number of calls."""
        calls = self.discord.calls[since:]
        return sum(one.method == "POST" and one.path.endswith("/messages") and one.status == 200 for one in calls)

    def edits(self, since: int = 0) -> int:
        calls = self.discord.calls[since:]
        return sum(one.method == "PATCH" and "/channels/" in one.path and one.status == 200 for one in calls)


def in_a_world(
    work: Callable[[Desk], Awaitable[None]],
    *,
    limits: RateLimits | None = None,
    world: World | None = None,
    nonce_memory_s: float = 300.0,
    heartbeat_interval_ms: int = 41_250,
    bot: bool = True,
    change: Callable[[Config], Config] = lambda config: config,
) -> None:
    """Run it with a core and, where wanted, a bot that is connected."""

    async def run(clock: Clock) -> None:
        async with _desk(clock, limits, world, nonce_memory_s, heartbeat_interval_ms, change) as desk:
            await desk.start_core()
            if bot:
                await desk.start_bot()
                await desk.until(lambda: desk.health is not None and desk.health.state is PartState.OK, 60)
            await work(desk)

    run_virtually(run)


@asynccontextmanager
async def _desk(
    clock: Clock,
    limits: RateLimits | None,
    world: World | None,
    nonce_memory_s: float,
    heartbeat_interval_ms: int,
    change: Callable[[Config], Config],
) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        discord = await stack.enter_async_context(
            SimulatedDiscord(
                world,
                clock=clock,
                limits=limits,
                nonce_memory_s=nonce_memory_s,
                heartbeat_interval_ms=heartbeat_interval_ms,
            )
        )
        home = Path(tempfile.mkdtemp(prefix="jk", dir="/tmp"))
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        config = Config(
            home=home,
            environment="test",
            discord=DiscordConfig(
                token=Secret(DEFAULT_TOKEN),
                guild_id=discord.world.guild_id,
                alert_channel_id=CHANNEL_ID,
                allowed_roles=(ON_CALL.id,),
                api_url=discord.api_url,
            ),
        )
        desk = Desk(stack, clock, discord, change(config))
        stack.push_async_callback(desk.stop_core)
        stack.push_async_callback(desk.stop_bot)
        yield desk
