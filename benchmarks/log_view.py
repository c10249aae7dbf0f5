"""The log view in a real pty: what it keeps up with, what it costs, how far behind it is. RichLog beside it.

    python -m benchmarks.log_view [--only NAME …] [--without-richlog]

A core in a process of its own makes up log events at a rate and serves them on its Unix socket. `jinkies-tui --attach`
follows them in a pty of 120×36, true colour; beside it a bare Textual app does with RichLog, fed from the same socket.
Every event's text holds when it was made, so that what the pty gives shows how far behind the screen is: the age of the
newest line on it, at its worst, just before a newer one comes. A key (space: pause, follow) is on the screen when the
words that it brings are. CPU and memory are the console's process alone, as /proc tells them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from textual.app import App, ComposeResult
from textual.widgets import RichLog, Static

from jinkies.app import Mode, host, open_operator
from jinkies.commands import StartTail
from jinkies.config import Config, ServiceConfig
from jinkies.model import (
    Level,
    LogEvent,
    PartHealth,
    PartState,
    QueryProgress,
    QuerySpec,
    SavedTail,
    TailBatch,
    TailInfo,
    TailSpec,
)
from jinkies.ports import Execute, LoadCursor
from tui.pace import QUESTION

COLUMNS, ROWS = 120, 36
BATCH = 500
TICK_S = 0.02
KEY_EVERY_S, KEY_LIMIT_S = 0.4, 5.0
SLOW_LINK = 200_000  # bytes a second
HELD = 100_000
_MADE = re.compile(rb"made=(\d{13})/(\d+) ")
_HELD = re.compile(rb"([\d,]+) held of")
_LEVELS = (Level.INFO,) * 16 + (Level.DEBUG, Level.DEBUG, Level.WARNING, Level.ERROR)


def made_up(number: int, now_ms: int) -> LogEvent:
    """About 120 characters, of four streams."""
    level = _LEVELS[number % len(_LEVELS)]
    return LogEvent(
        log_group="/app/api",
        log_stream=f"web/{number % 4:02d}/i-0abc{number % 4}",
        timestamp_ms=now_ms,
        ingestion_ms=now_ms + 120,
        message=f"made={now_ms}/{number} GET /orders/{number % 977} 200 {number % 90}ms user={number % 4001} "
        f"req={number:08x} agent=Mozilla/5.0 (X11; Linux) referer=/cart/{number % 53}",
        level=level,
    )


class MadeUp:
    """CloudWatch as the core sees it: so many events a second, for each viewer anew."""

    def __init__(self, rate: int) -> None:
        self.rate = rate

    def start_tail(self, spec: TailSpec) -> TailInfo:
        return TailInfo(tail_id="t1", spec=spec, log_groups=("/app/api",), viewers=1, started_at_ms=0)

    @asynccontextmanager
    async def open_tail(self, tail_id: str) -> AsyncIterator[AsyncIterator[TailBatch]]:
        batches = self._batches()
        try:
            yield batches
        finally:
            await batches.aclose()

    async def _batches(self) -> AsyncGenerator[TailBatch, None]:
        begun, made = time.monotonic(), 0
        while True:
            due = int((time.monotonic() - begun) * self.rate)
            while made < due:
                upto = min(due, made + BATCH)
                now_ms = time.time_ns() // 1_000_000
                yield TailBatch(events=tuple(made_up(number, now_ms) for number in range(made, upto)))
                made = upto
            await asyncio.sleep(TICK_S)

    def tails(self) -> tuple[TailInfo, ...]:
        return ()

    def saved_tails(self) -> tuple[SavedTail, ...]:
        return ()

    def resume_tail(self, saved: SavedTail) -> None:
        raise NotImplementedError

    async def fetch(self, spec: TailSpec, start_ms: int, end_ms: int, limit: int) -> tuple[LogEvent, ...]:
        return ()

    async def around(self, service: str, log_groups: tuple[str, ...], at_ms: int, limit: int) -> tuple[LogEvent, ...]:
        return ()

    def query(self, spec: QuerySpec) -> AbstractAsyncContextManager[AsyncIterator[QueryProgress]]:
        raise NotImplementedError

    async def check(self) -> PartHealth:
        return PartHealth(part="aws", state=PartState.OK)

    async def run_watches(self, execute: Execute, load_cursor: LoadCursor) -> None:
        return


def configuration(home: Path) -> Config:
    return Config(home=home, services={"api": ServiceConfig(name="api", log_groups=("/app/api",))})


async def serve(home: Path, rate: int) -> None:
    """The core, until it is ended."""
    async with host(configuration(home), ingest=False, background=False) as core:
        core.logs = MadeUp(rate)
        print("serving", flush=True)
        await asyncio.Event().wait()


class RichLogApp(App[None]):
    """What is usual: a RichLog, a line a write, and the same key."""

    BINDINGS = [("space", "pause", "pause")]  # noqa: RUF012 - as Textual's examples have it
    CSS = "RichLog { height: 1fr; }"

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.home = home
        self.following = True

    def compose(self) -> ComposeResult:
        yield Static("FOLLOWING")
        yield RichLog(max_lines=HELD)

    def on_mount(self) -> None:
        self.run_worker(self.follow())

    async def follow(self) -> None:
        log = self.query_one(RichLog)
        async with open_operator(configuration(self.home), Mode.ATTACH) as operator:
            outcome = await operator.execute(StartTail(spec=TailSpec(targets=("api",))))
            async with operator.tail(outcome.tail_id or "") as batches:
                async for batch in batches:
                    for event in batch.events:
                        log.write(f"{event.timestamp_ms} {event.level:8} {event.message}", scroll_end=self.following)
                    await asyncio.sleep(0)

    def action_pause(self) -> None:
        self.following = not self.following
        self.query_one(Static).update("FOLLOWING" if self.following else "PAUSED")


@dataclass
class Seen:
    """What was measured."""

    keys_ms: list[float] = field(default_factory=list)
    behind_ms: list[float] = field(default_factory=list)
    cpu: float = 0.0  # share of a core
    resident_mb: float = 0.0
    bytes_s: float = 0.0
    events_s: float = 0.0
    held: int = 0  # as the console says


@dataclass(frozen=True)
class Link:
    """What is between the program and its terminal."""

    bytes_s: int | None = None
    buffered: bool = False  # takes all at once and gives it on at its speed, as SSH over a slow line does
    columns: int = COLUMNS
    rows: int = ROWS


class Terminal:
    """A program in a pty, read no faster than a link allows."""

    def __init__(self, command: list[str], environ: dict[str, str], link: Link) -> None:
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, environ)  # noqa: S606 - our own command line
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", link.rows, link.columns, 0, 0))
        self.bytes_s, self.buffered = link.bytes_s, link.buffered
        self._buffer = self._cut = b""
        self.read_bytes = 0
        self.newest_ms = self.newest = self.held = 0
        self.behind_ms: list[float] = []
        self._since = time.monotonic()
        self._allowed = 0.0
        self._rest = b""

    def send(self, keys: bytes) -> None:
        os.write(self.file, keys)

    def read(self, timeout_s: float) -> bytes:
        """What came, with what came just before: a word may be cut in two."""
        size = 65_536
        if self.bytes_s is not None:
            now = time.monotonic()
            self._allowed = min(self._allowed + (now - self._since) * self.bytes_s, self.bytes_s * 0.02)
            self._since = now
            size = int(self._allowed)
            if size < 256:
                time.sleep(0.002)
                return b""
        data = self._taken(size, timeout_s)
        if not data:
            return b""
        self.read_bytes += len(data)
        self._allowed -= len(data)
        text, self._rest = self._rest + data, data[-32:]
        self._note(text)
        if self.buffered:  # such a link ends in a terminal that answers
            asked, self._cut = self._cut + data, data[1 - len(QUESTION) :]
            for _ in range(asked.count(QUESTION.encode())):
                self.send(b"\x1b[?2026;2$y")
        return text

    def _taken(self, size: int, timeout_s: float) -> bytes:
        if not self.buffered:
            return os.read(self.file, size) if select.select([self.file], [], [], timeout_s)[0] else b""
        while select.select([self.file], [], [], 0 if self._buffer else timeout_s)[0]:
            self._buffer += os.read(self.file, 65_536)
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _note(self, text: bytes) -> None:
        found = [(int(made_ms), int(number)) for made_ms, number in _MADE.findall(text)]
        if found and max(found)[0] > self.newest_ms:
            if self.newest_ms:
                self.behind_ms.append(time.time() * 1000 - self.newest_ms)
            self.newest_ms, self.newest = max(found)
        for held in _HELD.findall(text):
            self.held = int(held.replace(b",", b""))

    def until(self, word: bytes, limit_s: float) -> float:
        """Seconds until a word came; infinite beyond the limit."""
        begun = time.monotonic()
        while (took := time.monotonic() - begun) < limit_s:
            if word in self.read(0.05):
                return time.monotonic() - begun
        return float("inf") if took >= limit_s else took

    def pump(self, seconds: float) -> None:
        """Read on."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.read(0.01)

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        os.close(self.file)


def console(_home: Path, environ: dict[str, str], link: Link) -> Terminal:
    """The console, following."""
    terminal = Terminal([sys.executable, "-m", "tui", "--attach"], environ, link)
    for word, keys in ((b"seq 0", b"2"), (b"AWS is not set up", b"s"), (b"esc back", b"api\r"), (b"FOLLOWING", b"")):
        if terminal.until(word, 20) == float("inf"):
            terminal.end()
            raise SystemExit(f"the console never showed {word.decode()}")
        if keys:
            terminal.send(keys)
    return terminal


def richlog(home: Path, environ: dict[str, str], link: Link) -> Terminal:
    """The RichLog app, following."""
    command = [sys.executable, "-m", "benchmarks.log_view", "--richlog", str(home)]
    terminal = Terminal(command, environ, link)
    terminal.until(b"made=", 20)
    return terminal


def measure(terminal: Terminal, warm_s: float, seconds: float) -> Seen:
    """Watch it for a while, with keys."""
    terminal.pump(warm_s)
    terminal.behind_ms.clear()
    seen = Seen()
    cpu, read, begun, newest = terminal.cpu_s(), terminal.read_bytes, time.monotonic(), terminal.newest
    following = True
    while time.monotonic() - begun < seconds:
        terminal.pump(KEY_EVERY_S if following else 0.05)  # a pause is short: it is what streams that is measured
        terminal.behind_ms, kept = [], terminal.behind_ms
        seen.behind_ms += kept if following else []
        terminal.send(b" ")
        following = not following
        seen.keys_ms.append(terminal.until(b"FOLLOWING" if following else b"PAUSED", KEY_LIMIT_S) * 1000)
        if following:
            terminal.pump(0.3)
            terminal.behind_ms.clear()  # what came while it stood still is no lag
    took = time.monotonic() - begun
    seen.cpu, seen.bytes_s = (terminal.cpu_s() - cpu) / took, (terminal.read_bytes - read) / took
    seen.events_s = (terminal.newest - newest) / took
    seen.resident_mb, seen.held = terminal.resident_mb(), terminal.held
    return seen


@contextlib.contextmanager
def desk(rate: int) -> Iterator[tuple[Path, dict[str, str]]]:
    """A core that makes up events, in a process of its own."""
    home = Path(tempfile.mkdtemp(prefix="jk", dir="/tmp"))
    (home / "jinkies.toml").write_text('[services.api]\nlog_groups = ["/app/api"]\n')
    environ = {**os.environ, "JINKIES_HOME": str(home), "JINKIES_CONFIG": str(home / "jinkies.toml")}
    environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    command = [sys.executable, "-m", "benchmarks.log_view", "--serve", str(home), "--rate", str(rate)]
    core = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE)
    try:
        assert core.stdout is not None
        core.stdout.readline()
        yield home, environ
    finally:
        core.terminate()
        core.wait()
        shutil.rmtree(home, ignore_errors=True)


def share(values: list[float], part: float) -> float:
    """A percentile; not a number of nothing."""
    return sorted(values)[min(int(len(values) * part), len(values) - 1)] if values else float("nan")


@dataclass(frozen=True)
class Scenario:
    """What is fed, how long, over which link."""

    name: str
    rate: int
    warm_s: float
    seconds: float
    link: Link = Link()
    goals: tuple[tuple[str, float], ...] = ()


SCENARIOS = (
    Scenario("flood", 20_000, 6.0, 15.0, goals=(("keys p95", 150.0), ("resident", 150.0))),
    Scenario("calm", 500, 2.0, 12.0, goals=(("cpu", 20.0),)),
    Scenario("slow link", 2_000, 2.0, 15.0, Link(SLOW_LINK), goals=(("behind max", 1_000.0),)),
    Scenario("slow flood", 20_000, 3.0, 15.0, Link(SLOW_LINK), goals=(("behind max", 1_000.0),)),
    Scenario(
        "ssh", 2_000, 3.0, 15.0, Link(SLOW_LINK, buffered=True, columns=200, rows=60), goals=(("behind max", 1_000.0),)
    ),
)


def report(name: str, seen: Seen, goals: tuple[tuple[str, float], ...]) -> bool:
    """Print the figures; answers whether the goals hold."""
    figures = {
        "keys p50": (share(seen.keys_ms, 0.5), "ms"),
        "keys p95": (share(seen.keys_ms, 0.95), "ms"),
        "behind p50": (share(seen.behind_ms, 0.5), "ms"),
        "behind max": (max(seen.behind_ms, default=float("nan")), "ms"),
        "cpu": (seen.cpu * 100, "%"),
        "resident": (seen.resident_mb, "MB"),
        "wire": (seen.bytes_s / 1000, "KB/s"),
        "taken": (seen.events_s, "events/s"),
        "held": (seen.held, "lines"),
    }
    words = " · ".join(f"{key} {value:,.0f} {unit}" for key, (value, unit) in figures.items())
    print(f"  {name:<9} {words}", flush=True)
    held = True
    for key, most in goals:
        value, unit = figures[key]
        held = held and value < most
        print(f"  {'':<10}  goal: {key} under {most:,.0f} {unit}: {'holds' if value < most else 'MISSED'}", flush=True)
    return held


def run(names: list[str], *, beside: bool) -> int:
    worst = 0
    for scenario in SCENARIOS:
        if names and scenario.name not in names:
            continue
        link = f", {scenario.link.bytes_s:,} bytes/s drained" if scenario.link.bytes_s else ""
        link += f" behind a buffer, {scenario.link.columns}×{scenario.link.rows}" if scenario.link.buffered else ""
        print(f"{scenario.name}: {scenario.rate:,} events/s{link} (load {os.getloadavg()[0]:.1f})", flush=True)
        with desk(scenario.rate) as (home, environ):
            for name, program in (("jinkies", console), ("RichLog", richlog)):
                if name == "RichLog" and not beside:
                    continue
                terminal = program(home, environ, scenario.link)
                try:
                    seen = measure(terminal, scenario.warm_s, scenario.seconds)
                finally:
                    terminal.end()
                held = report(name, seen, scenario.goals if name == "jinkies" else ())
                worst = max(worst, 0 if held else 1)
    return worst


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="flood, calm, slow link, slow flood, ssh")
    parser.add_argument("--without-richlog", action="store_true")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rate", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--richlog", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        asyncio.run(serve(options.serve, options.rate))
    elif options.richlog is not None:
        RichLogApp(options.richlog).run()
    else:
        return run(options.only, beside=not options.without_richlog)
    return 0


if __name__ == "__main__":
    sys.exit(main())
