"""From a press in Discord to the console, and from the console to the card, over loopback.

A real ``jinkies serve``, a real ``jinkies-bot``, a simulated Discord without rate limits in this process, and a replica
that is attached as the console's is. Each round presses Acknowledge and waits until the replica shows it, then reopens
the alert as the console does and waits until Discord shows that. A round begins every ``PACE_S``: much faster than
people press, and slow enough for the 50 requests a second that Discord lets a bot make, which the bot keeps to by
itself. ``python -m benchmarks.buttons [rounds]``
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from jinkies.commands import Reopen, ReportOccurrence
from jinkies.errors import Disconnected
from jinkies.events import JournalEntry, Update
from jinkies.model import DeliveryState, PartState, State
from jinkies.operator import Operator
from jinkies.replica import Replica
from jinkies.simulators.discord import DEFAULT_TOKEN, RateLimits, SimulatedDiscord, User, World
from jinkies.wire.client import attach

ALERTS = 10
ROUNDS = 300
PEOPLE = 100
GOAL_MS = 150.0
PACE_S = 0.1
START_S = 30.0


async def main(rounds: int) -> int:
    """Measure and print; 1 when a goal is missed."""
    home = Path(tempfile.mkdtemp(prefix="jk", dir="/tmp"))  # short enough for a socket's path
    try:
        people = tuple(User(f"15{number:017}", f"user-{number}") for number in range(PEOPLE))
        world = World(users=people)  # many, since whoever presses too often is slowed down
        limits = RateLimits(enabled=False)
        async with SimulatedDiscord(world, limits=limits) as discord, _desk(home, discord) as replica:
            there, back = await _rounds(replica.operator, replica, discord, rounds)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    met = [_tell("press in Discord → console", there), _tell("console → card in Discord", back)]
    return 0 if all(met) else 1


def _tell(what: str, latencies_s: list[float]) -> bool:
    found = sorted(one * 1000 for one in latencies_s)
    p99 = found[min(len(found) - 1, int(len(found) * 0.99))]
    verdict = "met" if p99 < GOAL_MS else "MISSED"
    line = f"{what:28} p50 {statistics.median(found):6.1f} ms   p99 {p99:6.1f} ms   most {found[-1]:6.1f} ms"
    sys.stdout.write(f"{line}   (goal: p99 under {GOAL_MS:.0f} ms, {verdict}; {len(found)} of them)\n")
    return p99 < GOAL_MS


@asynccontextmanager
async def _desk(home: Path, discord: SimulatedDiscord) -> AsyncIterator[Replica]:
    """A core and a bot as processes, and a replica that is live; the cards are posted."""
    (home / "jinkies.toml").write_text(
        f'[http]\nlisten = "127.0.0.1:0"\n[discord]\napi_url = "{discord.api_url}"\n'
        f'guild_id = "{discord.world.guild_id}"\nalert_channel_id = "{discord.world.channels[0].id}"\n'
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JINKIES_", "DISCORD_"))}
    environment |= {"JINKIES_CONFIG": str(home / "jinkies.toml"), "JINKIES_HOME": str(home / "h")}
    environment |= {"DISCORD_BOT_TOKEN": DEFAULT_TOKEN}
    async with AsyncExitStack() as stack:
        for arguments in (("jinkies", "serve"), ("bot",)):
            stack.push_async_callback(_end, await _started(home, environment, *arguments))
        operator = await _attached(stack, home / "h" / "core.sock")
        replica = Replica(operator)
        running = asyncio.create_task(replica.run())
        stack.callback(running.cancel)
        await replica.live()
        for number in range(ALERTS):
            await operator.execute(ReportOccurrence(service="api", message=f"boom {number}", fingerprint=f"{number}"))
        await _until(replica, lambda: _ready(replica))
        yield replica


async def _started(home: Path, environment: dict[str, str], *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", *arguments, env=environment, cwd=home, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
    )


async def _end(process: Process) -> None:
    process.send_signal(signal.SIGTERM)
    await process.wait()


async def _attached(stack: AsyncExitStack, socket: Path) -> Operator:
    async with asyncio.timeout(START_S):
        while True:
            try:
                return await stack.enter_async_context(attach(socket))
            except Disconnected:
                await asyncio.sleep(0.05)


def _ready(replica: Replica) -> bool:
    health = replica.health.get("discord")
    posted = [one for one in replica.deliveries.values() if one.state is DeliveryState.POSTED]
    return health is not None and health.state is PartState.OK and len(posted) == ALERTS


async def _until(replica: Replica, condition: Callable[[], object]) -> None:
    async with asyncio.timeout(START_S):
        version = 0
        while not condition():
            version = await replica.changed(version)


async def _rounds(
    operator: Operator, replica: Replica, discord: SimulatedDiscord, rounds: int
) -> tuple[list[float], list[float]]:
    """Seconds from each press to the replica's change, and from each command to the card's."""
    there, back = [], []
    cards = {alert_id: one.message_id or "" for (alert_id, _, _), one in replica.deliveries.items()}
    for number in range(rounds):
        alert_id, next_s = number % ALERTS + 1, time.perf_counter() + PACE_S
        there.append(await _press(replica, discord, alert_id, cards[alert_id], f"user-{number % PEOPLE}"))
        await discord.wait_for(lambda: _shown(discord, cards[alert_id]) is None)  # noqa: B023 - awaited in this round
        began_s = time.perf_counter()
        await operator.execute(Reopen(alert_id=alert_id))
        await discord.wait_for(lambda: _shown(discord, cards[alert_id]))  # noqa: B023 - likewise
        back.append(time.perf_counter() - began_s)
        await asyncio.sleep(max(0.0, next_s - time.perf_counter()))
    return there, back


async def _press(replica: Replica, discord: SimulatedDiscord, alert_id: int, message_id: str, user: str) -> float:
    seen_s: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def note(update: Update | None) -> None:
        known = isinstance(update, JournalEntry) and update.alert is not None and update.alert.alert_id == alert_id
        if known and replica.rows[alert_id].state is State.ACKNOWLEDGED and not seen_s.done():
            seen_s.set_result(time.perf_counter())

    forget = replica.listen(note)
    try:
        began_s = time.perf_counter()
        pressing = asyncio.create_task(discord.press(message_id, _shown(discord, message_id) or "", user))
        found_s = await asyncio.wait_for(seen_s, START_S)
        await pressing
        return found_s - began_s
    finally:
        forget()


def _shown(discord: SimulatedDiscord, message_id: str) -> str | None:
    """The ``custom_id`` of the card's Acknowledge button, if that can be pressed."""
    message = next(one for one in discord.messages(discord.world.channels[0].id) if one["id"] == message_id)
    buttons = [one for row in message["components"] for one in row["components"]]
    usable = [one["custom_id"] for one in buttons if not one.get("disabled") and "custom_id" in one]
    return next((str(one) for one in usable if one.startswith("jk:ack:")), None)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)))
