"""From exec to the first paint in a pty: `jinkies-tui --attach` beside a bare Textual app, alternating.

    python -m benchmarks.first_paint [--alerts 10000] [--rounds 7]

Painted is when the terminal (pyte) shows a given text: the bare app its word, the console its tabs, then its rows.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import os
import pty
import select
import shutil
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pyte

from jinkies.app import Mode, open_operator
from jinkies.commands import ReportOccurrence
from jinkies.config import Config
from jinkies.errors import Disconnected
from jinkies.operator import Operator

COLUMNS, ROWS = 120, 36
LIMIT_S = 30.0
BARE = (
    "from textual.app import App\nfrom textual.widgets import Static\n"
    "class Bare(App):\n    def compose(self):\n        yield Static('bare app painted')\n"
    "Bare().run()\n"
)


def seconds_until(command: list[str], environ: dict[str, str], texts: tuple[str, ...]) -> list[float]:
    """Seconds from exec until each text was first on the screen; the process is killed afterwards."""
    started = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(command[0], command, environ)  # noqa: S606 - our own command line
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    seen: dict[str, float] = {}
    try:
        while len(seen) < len(texts) and time.perf_counter() - started < LIMIT_S:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            data = os.read(terminal, 65_536)
            at = time.perf_counter() - started
            stream.feed(data)
            page = "\n".join(screen.display)
            seen.update({text: at for text in texts if text not in seen and text in page})
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(terminal)
    return [seen.get(text, float("inf")) for text in texts]


async def fill(operator: Operator, alerts: int) -> None:
    """So many open alerts."""
    for start in range(0, alerts, 200):
        reports = [
            ReportOccurrence(service="api", message=f"alert {number}", fingerprint=str(number))
            for number in range(start, min(start + 200, alerts))
        ]
        await asyncio.gather(*(operator.execute(report) for report in reports))


@asynccontextmanager
async def core(home: Path, environ: dict[str, str]) -> AsyncIterator[Operator]:
    """A core in a process of its own."""
    (home / "jinkies.toml").write_text('[http]\nlisten = "127.0.0.1:0"\n')
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "jinkies", "serve", env=environ)
    try:
        while True:
            with contextlib.suppress(Disconnected):
                async with open_operator(Config(home=home), Mode.ATTACH) as operator:
                    yield operator
                    return
            await asyncio.sleep(0.1)
    finally:
        process.terminate()
        await process.wait()


async def measure(alerts: int, rounds: int) -> None:
    """Alternate, and print medians and the ratio."""
    home = Path(tempfile.mkdtemp(prefix="jk", dir="/tmp"))
    environ = {**os.environ, "JINKIES_HOME": str(home), "JINKIES_CONFIG": str(home / "jinkies.toml")}
    environ["TERM"] = "xterm-256color"
    bare_app = [sys.executable, "-c", BARE]
    console = [sys.executable, "-m", "tui", "--attach"]
    bare, painted, rows = [], [], []
    try:
        async with core(home, environ) as operator:
            await fill(operator, alerts)
            for _ in range(rounds):
                bare += await asyncio.to_thread(seconds_until, bare_app, environ, ("bare app painted",))
                texts = ("1 Alerts", "▶")  # the tabs, then the mark of the selected row
                first, full = await asyncio.to_thread(seconds_until, console, environ, texts)
                painted.append(first)
                rows.append(full)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    base = statistics.median(bare)
    print(f"{alerts:,} alerts, {rounds} rounds each, alternating; medians")
    print(f"bare Textual app          {base:.3f} s")
    for name, times in (("console, first paint", painted), ("console, rows shown", rows)):
        median = statistics.median(times)
        print(f"{name:<25} {median:.3f} s   {median / base:.2f} times the bare app")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    asyncio.run(measure(options.alerts, options.rounds))


if __name__ == "__main__":
    main()
