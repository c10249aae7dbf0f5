"""Durable accepts a second: small JSON alerts over HTTP into a core that syncs each group commit to the disk.

    python -m benchmarks.ingest [--seconds 5] [--connections 16]

The core runs as a process of its own, the senders in this one. Beside it, in the same run, the disk's own pace: one
SQLite transaction after another with the same settings, one row each: what a desk without group commit could do.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

STACK = "Traceback (most recent call last):\n" + "".join(
    f'  File "app/views/v{n}.py", line {n}, in f{n}\n    return cart[{n}]\n' for n in range(8)
)


def body(number: int) -> dict[str, str]:
    return {
        "service_name": "api",
        "exception_type": "KeyError",
        "error_message": f"order {number}",
        "fingerprint": f"kind-{number % 200}",
        "stack_trace": STACK,
    }


async def send(url: str, seconds: float, connections: int) -> list[float]:
    """The latency of each answered alert, in seconds."""
    latencies: list[float] = []
    until = time.perf_counter() + seconds

    async def one(session: aiohttp.ClientSession, offset: int) -> None:
        number = offset
        while time.perf_counter() < until:
            started = time.perf_counter()
            async with session.post(url, json=body(number)) as answer:
                await answer.read()
                if answer.status not in {200, 201}:
                    raise RuntimeError(f"{answer.status}: {await answer.text()}")
            latencies.append(time.perf_counter() - started)
            number += connections

    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(one(session, offset) for offset in range(connections)))
    return latencies


def one_by_one(folder: Path, seconds: float) -> float:
    """Transactions a second of one row each, WAL and synchronous=FULL."""
    connection = sqlite3.connect(folder / "plain.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT)")
    count, until = 0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        connection.execute("INSERT INTO rows (body) VALUES (?)", (STACK,))
        count += 1
    connection.close()
    return count / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=16)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jkb", dir="/tmp") as name:
        folder = Path(name)
        (folder / "jinkies.toml").write_text('[http]\nlisten = "127.0.0.1:0"\n')
        environ = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        core = subprocess.Popen(
            [sys.executable, "-m", "jinkies", "serve"],
            cwd=folder,
            env=environ | {"HOME": name, "JINKIES_HOME": f"{name}/h"},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert core.stdout is not None
            found = re.search(r"http://\S+", core.stdout.readline())
            assert found
            latencies = sorted(asyncio.run(send(found[0], arguments.seconds, arguments.connections)))
        finally:
            core.terminate()
            core.wait(10)
            if core.stdout is not None:
                core.stdout.close()
        plain = one_by_one(folder, min(arguments.seconds, 3.0))
    rate = len(latencies) / arguments.seconds
    p50, p99 = statistics.median(latencies) * 1000, latencies[int(len(latencies) * 0.99)] * 1000
    print(
        f"jinkies, {arguments.connections} connections: {rate:,.0f} durable accepts/s, p50 {p50:.1f}, p99 {p99:.1f} ms"
    )
    print(f"plain SQLite, one row a transaction:   {plain:,.0f} commits/s")


if __name__ == "__main__":
    main()
