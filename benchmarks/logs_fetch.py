"""Fetching log events: `jinkies`' own path beside a plain aioboto3 paginator loop, against one fast local server.

    python -m benchmarks.logs_fetch [EVENTS] [--page EVENTS]

The server answers FilterLogEvents from pages that it encoded before, in a process of its own; both clients run one
after the other in this process, three times, and the best run of each is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path

START_MS = 1_767_225_600_000
RUNS = 3
KEYS = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench", "region_name": "us-east-1"}
GROUP = "/bench/api"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("events", nargs="?", type=int, default=200_000)
    parser.add_argument("--page", type=int, default=5_000, help="events a page (CloudWatch: 1 MB or 10,000)")
    arguments = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(arguments.events, arguments.page, theirs), daemon=True)
    server.start()
    url: str = ours.recv()
    try:
        plain_s = _best(lambda: _plain(url), arguments.events)
        jinkies_s = _best(lambda: _jinkies(url), arguments.events)
    finally:
        server.terminate()
        server.join()
    for name, seconds in (("aioboto3 paginator", plain_s), ("jinkies", jinkies_s)):
        print(f"{name:<20} {seconds:6.2f} s  {arguments.events / seconds:>10,.0f} events/s")
    print(f"{'ratio':<20} {jinkies_s / plain_s:6.2f}")


def _best(client: Callable[[], Awaitable[int]], events: int) -> float:
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        count = asyncio.run(_awaited(client()))
        times.append(time.perf_counter() - begun)
        assert count == events, f"{count:,} of {events:,} events came"
    return min(times)


async def _awaited(work: Awaitable[int]) -> int:
    return await work


async def _plain(url: str) -> int:
    import aioboto3

    count = 0
    async with aioboto3.Session(**KEYS).client("logs", endpoint_url=url) as client:
        async for page in client.get_paginator("filter_log_events").paginate(logGroupName=GROUP, startTime=START_MS):
            count += len(page["events"])
    return count


async def _jinkies(url: str) -> int:
    from jinkies.clock import SystemClock
    from jinkies.config import AwsConfig, Config, Secret
    from jinkies.logs.service import LogsService
    from jinkies.model import TailSpec

    aws = AwsConfig(region="us-east-1", access_key_id="bench", secret_access_key=Secret("bench"), endpoint_url=url)
    count = 0
    async with LogsService(Config(home=Path("/nonexistent"), aws=aws), SystemClock()) as logs:
        async for run in logs.stream(TailSpec(targets=(GROUP,)), START_MS, START_MS + (1 << 40), 1 << 40):
            count += len(run)
    return count


def _serve(events: int, page: int, pipe: Connection) -> None:
    asyncio.run(_serving(_pages(events, page), pipe))


async def _serving(pages: list[bytes], pipe: Connection) -> None:
    from aiohttp import web

    async def answer(request: web.Request) -> web.Response:
        token = json.loads(await request.read()).get("nextToken", "0")
        return web.Response(body=pages[int(token)], content_type="application/x-amz-json-1.1")

    app = web.Application()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    pipe.send(f"http://127.0.0.1:{runner.addresses[0][1]}")
    await asyncio.Event().wait()


def _pages(events: int, page: int) -> list[bytes]:
    """Believable lines, about 200 bytes an event, encoded once."""
    pages: list[bytes] = []
    for first in range(0, events, page):
        held = [
            {
                "logStreamName": f"web-{at % 8}",
                "timestamp": START_MS + at,
                "ingestionTime": START_MS + at + 900,
                "eventId": f"{at:056d}",
                "message": f"2026-01-01 00:00:00,{at % 1000:03d} INFO app.views GET /orders/{at} 200 in {at % 97} ms",
            }
            for at in range(first, min(events, first + page))
        ]
        body: dict[str, object] = {"events": held, "searchedLogStreams": []}
        if first + page < events:
            body["nextToken"] = str(len(pages) + 1)
        pages.append(json.dumps(body).encode())
    return pages


if __name__ == "__main__":
    main()
