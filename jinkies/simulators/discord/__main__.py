"""The simulated Discord as a process: prints one JSON line when it listens, ends on SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import msgspec

from jinkies.simulators.discord import DEFAULT_TOKEN, RateLimit, RateLimits, SimulatedDiscord, World


def _rate(text: str) -> RateLimits:
    """``off``, or ``REQUESTS/SECONDS`` for the messages of one channel."""
    if text == "off":
        return RateLimits(enabled=False)
    requests, _, seconds = text.partition("/")
    return RateLimits(messages=RateLimit(int(requests), float(seconds)))


def _world(path: str) -> World:
    """A ``World`` from a JSON file; what it leaves out is as in the default one."""
    return msgspec.json.decode(Path(path).read_bytes(), type=World)


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m jinkies.simulators.discord", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 (the default) chooses a free one; loopback only")
    parser.add_argument("--token-env", default="DISCORD_BOT_TOKEN", help="environment variable with the bot's token")
    parser.add_argument("--world", type=_world, default=World(), metavar="FILE",
                        help="JSON: guild_id, guild_name, application_id, channels, users, roles")  # fmt: skip
    parser.add_argument("--message-content", action="store_true", help="the bot may ask for what people write")
    parser.add_argument("--record", type=Path, help="append every REST call to this file, one JSON object a line")
    parser.add_argument("--teammate", type=float, metavar="SECONDS", help="acknowledge a card now and then")
    parser.add_argument("--seed", type=int, default=1, help="of the teammate's pauses")
    parser.add_argument("--rate-limit", type=_rate, default=RateLimits(), metavar="5/5|off",
                        help="messages per seconds in a channel, or off")  # fmt: skip
    return parser.parse_args(arguments)


def _hello(sim: SimulatedDiscord) -> str:
    world = sim.world
    return json.dumps(
        {
            "address": sim.address,
            "api_url": sim.api_url,
            "application_id": world.application_id,
            "guild_id": world.guild_id,
            "channels": {channel.name: channel.id for channel in world.channels},
            "users": {user.name: user.id for user in world.users},
            "roles": {role.name: role.id for role in world.roles},
        }
    )


async def _run(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    token = os.environ.get(options.token_env) or DEFAULT_TOKEN
    world: World = options.world
    async with SimulatedDiscord(
        msgspec.structs.replace(world, message_content=world.message_content or options.message_content),
        token=token,
        port=options.port,
        limits=options.rate_limit,
        record=options.record,
        teammate_s=options.teammate,
        seed=options.seed,
    ) as sim:
        sys.stdout.write(_hello(sim) + "\n")
        sys.stdout.flush()
        await stop.wait()


def main(arguments: list[str] | None = None) -> None:
    """Run until a signal."""
    asyncio.run(_run(_arguments(arguments)))


if __name__ == "__main__":
    main()
