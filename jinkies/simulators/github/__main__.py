"""``python -m jinkies.simulators.github``: the simulated GitHub as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys

import msgspec

from jinkies.simulators.github.server import SimulatedGitHub


def main() -> int:
    """Serve until SIGTERM or SIGINT; one JSON line on stdout says where, once it listens."""
    parser = argparse.ArgumentParser(prog="python -m jinkies.simulators.github", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--token-env", default="GITHUB_TOKEN", help="the variable that holds the token it accepts")
    parser.add_argument("--repository", action="append", metavar="OWNER/NAME", help="may be given more than once")
    arguments = parser.parse_args()
    token = os.environ.get(arguments.token_env, "")
    if not token:
        parser.error(f"set {arguments.token_env}: the simulator accepts no request without a token")
    names = tuple(arguments.repository or ("octo/shop",))
    if any(name.count("/") != 1 or not all(name.split("/")) for name in names):
        parser.error("--repository is owner/name")
    asyncio.run(_serve(SimulatedGitHub(token=token, repositories=names, port=arguments.port)))
    return 0


async def _serve(simulator: SimulatedGitHub) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with simulator:
        line = msgspec.json.encode({"address": simulator.address, "api_url": simulator.api_url})
        sys.stdout.write(line.decode() + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    raise SystemExit(main())
