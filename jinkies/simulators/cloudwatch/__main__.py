"""``python -m jinkies.simulators.cloudwatch``: the simulated CloudWatch Logs as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

import msgspec

from jinkies.clock import SystemClock
from jinkies.simulators.cloudwatch.bulk import Bulk
from jinkies.simulators.cloudwatch.server import SimulatedCloudWatch, serve_until
from jinkies.simulators.cloudwatch.world import REGION, World


def main() -> int:
    """Serve until SIGTERM or SIGINT; one JSON line on stdout says where and what, once it listens."""
    parser = argparse.ArgumentParser(prog="python -m jinkies.simulators.cloudwatch", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--group", default="/bulk", help="name of the log group that holds generated events")
    parser.add_argument("--events", type=int, default=200_000, help="generated, over the last --span-s seconds")
    parser.add_argument("--span-s", type=int, default=3_600)
    parser.add_argument("--dense", action="store_true", help="60 %% of the events in a tenth of the time")
    parser.add_argument("--page-delay-ms", type=float, default=0.0, help="added to each page")
    parser.add_argument("--rate", type=float, default=None, help="FilterLogEvents a second; more are throttled")
    arguments = parser.parse_args()
    end_ms = SystemClock().now_ms() // 1000 * 1000
    first_ms = end_ms - arguments.span_s * 1000
    bulk = Bulk(arguments.group, count=arguments.events, first_ms=first_ms, end_ms=end_ms, dense=arguments.dense)
    bulk.warm()
    world = World()
    world.add(bulk)
    simulator = SimulatedCloudWatch(
        world, port=arguments.port, rate_per_s=arguments.rate, page_delay_s=arguments.page_delay_ms / 1000
    )
    about = {"group": arguments.group, "region": REGION, "events": len(bulk), "start_ms": first_ms, "end_ms": end_ms}
    asyncio.run(_serve(simulator, about))
    return 0


async def _serve(simulator: SimulatedCloudWatch, about: dict[str, object]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def ready() -> None:
        sys.stdout.write(msgspec.json.encode({"address": simulator.address, **about}).decode() + "\n")
        sys.stdout.flush()

    await serve_until(simulator, stop, ready)


if __name__ == "__main__":
    raise SystemExit(main())
