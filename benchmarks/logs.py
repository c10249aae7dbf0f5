"""Fetching a range of logs as whole processes: `jinkies logs`, the AWS CLI's `aws logs tail`, and `awslogs`.

    python -m benchmarks.logs [--events N] [--runs N]

One local server answers FilterLogEvents for all, from events that it encoded before; its times come in bursts. What is
printed is the least wall time of several runs, start-up included; each run must print every line. Then the same with
300 ms added to each page, as the real service has, at a budget of 10 and of 25 requests a second; then the peak memory
of a fetch five times as long. `aws` is the AWS CLI 2 (on Debian: apt-get install awscli); `awslogs` comes from PyPI
into a venv of its own. What is missing is named and left out.
"""

from __future__ import annotations

import argparse
import asyncio
import bisect
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

START_MS = 1_767_225_600_000
RANGE_MS = 3_600_000
PAGE_EVENTS = 5_000  # about 1 MB of these, which is a page's bound
DELAY_S = 0.3
GROUP = "/bench/api"
GOALS = {"aws": 0.25, "awslogs": 0.025, "aws 10/s": 0.40, "aws 25/s": 0.20}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        aws, awslogs = shutil.which("aws", path="/usr/local/bin:/usr/bin"), _awslogs(home)
        with _server(arguments.events, 0.0) as url:
            print(f"{arguments.events:,} events in pages of {PAGE_EVENTS:,}, least of {arguments.runs} runs")
            ours_s = _show("jinkies logs", _jinkies(arguments.events), home, url, arguments)
            if aws:
                theirs_s = _show("aws logs tail", _aws(aws), home, url, arguments)
                _ratio("aws", ours_s, theirs_s)
            if awslogs:
                _ratio("awslogs", ours_s, _show("awslogs get", _awslogs_get(awslogs), home, url, arguments, runs=1))
        with _server(arguments.events, DELAY_S) as url:
            print(f"\nwith {DELAY_S * 1000:.0f} ms added to each page")
            delayed_s = _show("aws logs tail", _aws(aws), home, url, arguments, runs=1) if aws else 0.0
            for rate in (10, 25):
                name = f"jinkies logs, {rate}/s"
                ours_s = _show(name, _jinkies(arguments.events), home, url, arguments, runs=3, rate=rate)
                if aws:
                    _ratio(f"aws {rate}/s", ours_s, delayed_s)
        print("\npeak memory of jinkies logs")
        for events in (arguments.events, 5 * arguments.events):
            with _server(events, 0.0) as url:
                _, peak_mb = _run(_jinkies(events), home, url, events)
                print(f"{events:>28,} events {peak_mb:>7.1f} MB", flush=True)


def _show(
    name: str,
    command: Sequence[str],
    home: Path,
    url: str,
    arguments: argparse.Namespace,
    *,
    runs: int | None = None,
    rate: int | None = None,
) -> float:
    ran = [_run(command, home, url, arguments.events, rate) for _ in range(runs or arguments.runs)]
    seconds, peak_mb = min(one for one, _ in ran), max(peak for _, peak in ran)
    print(f"{name:<22} {seconds:7.2f} s {arguments.events / seconds:>12,.0f} events/s {peak_mb:>7.1f} MB", flush=True)
    return seconds


def _ratio(against: str, ours_s: float, theirs_s: float) -> None:
    ratio, goal = ours_s / theirs_s, GOALS[against]
    print(f"{'':<22} {ratio:7.3f} of {against}'s; goal: under {goal} {'✓' if ratio < goal else '✗'}", flush=True)


def _run(command: Sequence[str], home: Path, url: str, events: int, rate: int | None = None) -> tuple[float, float]:
    """Wall seconds and peak megabytes of a process; raises if it didn't print every line."""
    (home / "jinkies.toml").write_text(f"[aws]\nrequests_per_second = {rate}\n" if rate else "")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "JINKIES_HOME": str(home),
        "JINKIES_CONFIG": str(home / "jinkies.toml"),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_ENDPOINT_URL": url,
        "PYTHONPATH": str(Path(__file__).parents[1]) if command[0] == sys.executable else "",
    }
    with (home / "out").open("wb") as out:
        begun_s = time.perf_counter()
        process = subprocess.Popen([one.format(url=url) for one in command], env=environment, stdout=out, cwd=home)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun_s
    process.returncode = os.waitstatus_to_exitcode(status)
    with (home / "out").open("rb") as printed:
        lines = sum(1 for line in printed if b"GET /orders/" in line)
    if process.returncode or lines != events:
        raise SystemExit(f"{command[0]} ended with {process.returncode} and printed {lines:,} of {events:,} lines")
    return seconds, used.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _jinkies(events: int) -> list[str]:
    program = [sys.executable, "-c", "import sys; from jinkies.cli import main; sys.exit(main())", "logs", GROUP]
    times = ["--since", f"{_iso(START_MS)}Z", "--until", f"{_iso(START_MS + RANGE_MS)}Z"]
    return [*program, *times, "--limit", str(events)]


def _aws(program: str) -> list[str]:
    return [program, "--endpoint-url", "{url}", "logs", "tail", GROUP, "--since", f"{_iso(START_MS)}Z"]


def _awslogs_get(program: str) -> list[str]:
    times = ["--start", _iso(START_MS), "--end", _iso(START_MS + RANGE_MS)]
    return [program, "get", GROUP, "ALL", *times, "--aws-endpoint-url", "{url}"]


def _awslogs(home: Path) -> str | None:
    """awslogs in a venv of its own; None where it can't be had."""
    venv = home / "awslogs"
    made = subprocess.run([sys.executable, "-m", "venv", venv], check=False, capture_output=True)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "awslogs", "setuptools"]
    if made.returncode or subprocess.run(pip, check=False, capture_output=True).returncode:
        print("awslogs can't be installed: left out")
        return None
    return str(venv / "bin" / "awslogs")


@contextmanager
def _server(events: int, delay_s: float) -> Iterator[str]:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(events, delay_s, theirs), daemon=True)
    server.start()
    try:
        yield ours.recv()
    finally:
        server.terminate()
        server.join()


def _serve(events: int, delay_s: float, pipe: Connection) -> None:
    asyncio.run(_serving(Group(events), delay_s, pipe))


async def _serving(group: Group, delay_s: float, pipe: Connection) -> None:
    from aiohttp import web

    def answered(body: bytes) -> web.Response:
        return web.Response(body=body, content_type="application/x-amz-json-1.1")

    async def answer(request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        action = request.headers["X-Amz-Target"].rpartition(".")[2]
        if action == "DescribeLogStreams":
            return answered(group.streams())
        if delay_s:
            await asyncio.sleep(delay_s)
        return answered(group.page(body))

    app = web.Application()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    pipe.send(f"http://127.0.0.1:{runner.addresses[0][1]}")
    await asyncio.Event().wait()


class Group:
    """A log group, encoded once: a page is a copy of a part of it."""

    def __init__(self, events: int) -> None:
        self._times = _times(events)
        parts = [_event(at, at_ms) for at, at_ms in enumerate(self._times)]
        self._places = [0]
        for part in parts:
            self._places.append(self._places[-1] + len(part))
        self._encoded = b"".join(parts)

    def page(self, body: dict[str, object]) -> bytes:
        """An answer to FilterLogEvents; a token is the place of the next event."""
        first = bisect.bisect_left(self._times, int(str(body.get("startTime", 0))))
        place = int(str(body.get("nextToken", first)))
        end = bisect.bisect_right(self._times, int(str(body.get("endTime", 1 << 60))))
        stop = min(end, place + PAGE_EVENTS)
        held = self._encoded[self._places[place] : self._places[stop] - 1] if stop > place else b""
        token = b',"nextToken":"%d"' % stop if stop < end else b""
        return b'{"events":[%s],"searchedLogStreams":[]%s}' % (held, token)

    def streams(self) -> bytes:
        """An answer to DescribeLogStreams, which awslogs asks first."""
        streams = [
            {
                "logStreamName": f"web-{at}",
                "firstEventTimestamp": START_MS,
                "lastEventTimestamp": START_MS + RANGE_MS,
                "lastIngestionTime": START_MS + RANGE_MS,
            }
            for at in range(8)
        ]
        return json.dumps({"logStreams": streams}).encode()


def _times(events: int) -> list[int]:
    """Moments in the first 59 minutes of the range, in bursts: half of them in a tenth of the time."""
    chance = random.Random(7)  # noqa: S311 - the same every time
    bursts = [(chance.randrange(0, RANGE_MS - 120_000), chance.randrange(5_000, 30_000)) for _ in range(20)]
    times = []
    for at in range(events):
        begin, length = bursts[at % 20]
        inside = begin + chance.random() * length if at % 2 else chance.random() * (RANGE_MS - 60_000)
        times.append(START_MS + int(inside))
    return sorted(times)


def _event(at: int, at_ms: int) -> bytes:
    """A believable line, about 200 bytes an event, with a comma."""
    when = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    event = {
        "logStreamName": f"web-{at % 8}",
        "timestamp": at_ms,
        "ingestionTime": at_ms + 900,
        "eventId": f"{at:056d}",
        "message": f"{when},{at_ms % 1000:03d} INFO app.views GET /orders/{at} 200 in {at % 97} ms",
    }
    return json.dumps(event).encode() + b","


if __name__ == "__main__":
    main()
