"""The demo: the whole desk on loopback, as processes of its own in a temporary home, cleaned up afterwards.

Nothing here reads the user's configuration or environment: the desk it starts can reach nothing but itself.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO

import httpx
import msgspec
import tomli_w

from jinkies.app import Mode, open_operator
from jinkies.clock import Clock, SystemClock
from jinkies.commands import Acknowledge, CreatePullRequest
from jinkies.config import Config, load_config
from jinkies.errors import Conflict, JinkiesError, UpstreamError
from jinkies.model import ActorKind, AlertRow, Delivery, DeliveryState, LinkKind, State, WorkState
from jinkies.operator import Operator
from jinkies.replica import Replica

START_S = 60.0  # how long each process may take to answer
STOP_S = 5.0  # how long it may take to leave
PATIENCE_S = 60.0  # how much longer a demo without a screen may take than it was asked to
TEAMMATE_S = 12.0  # pace of the teammate in the simulated Discord, about
REPOSITORY = "demo/shop"
REGION = "us-east-1"


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """A running demo."""

    config: Config
    discord_url: str  # the simulated Discord's page, for a browser
    github_url: str
    aws_url: str
    recording: Path  # every request the bot made, one JSON object a line
    processes: dict[str, int]  # name → pid


def run(headless_s: float | None, show: Callable[[Config, str], int]) -> int:
    """The demo until its user leaves, or for ``headless_s`` seconds without a screen. Answers the exit status.

    Args:
        headless_s: None shows the console; a number prints a ``Report`` as JSON, see ``headless``.
        show: runs a console that attaches to this configuration's core and begins by telling its user the text, and
            answers its exit status.
    """
    try:
        if headless_s is not None:
            sys.stdout.write(msgspec.json.format(msgspec.json.encode(headless(headless_s))).decode() + "\n")
            return 0
        sys.stderr.write("Starting the demo: CloudWatch, Discord and GitHub on loopback, the core and the bot …\n")
        with running() as desk:
            greeting = f"The simulated Discord is at {desk.discord_url}: open it in a browser."
            sys.stderr.write(greeting + "\n")
            code = show(desk.config, greeting)
            sys.stderr.write(f"The simulated Discord was at {desk.discord_url}; everything is cleaned up.\n")
            return code
    except JinkiesError as error:
        sys.stderr.write(f"jinkies-tui: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


class _Processes:
    """Started in order, stopped in reverse; what they print goes to files beside the home."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = dict(environ)
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, *arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        log: IO[bytes]
        with (self._folder / f"{name}.log").open("wb") as log, _signals_wait():
            process = subprocess.Popen(  # noqa: S603 - our own modules with our own arguments
                [sys.executable, "-m", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if name in _SPEAKERS else log,
                stderr=log,
                cwd=self._folder,
                env=self._environ | dict(environ or {}),
            )
            self._running.append((name, process))
        return process

    def hello(self, name: str, process: subprocess.Popen[bytes]) -> dict[str, object]:
        """The one JSON line that a simulator prints when it listens."""
        line = process.stdout.readline() if process.stdout is not None else b""
        if not line:
            raise self.failure(name)
        return msgspec.json.decode(line, type=dict[str, object])

    def failure(self, name: str) -> UpstreamError:
        """What a process that did not start had to say."""
        said = (self._folder / f"{name}.log").read_text(errors="replace").strip().splitlines()
        return UpstreamError(f"the demo's {name} did not start: {said[-1] if said else 'it said nothing'}")

    def alive(self, name: str) -> bool:
        return all(process.poll() is None for held, process in self._running if held == name)

    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._running}

    def stop(self) -> None:
        for _, process in reversed(self._running):
            process.terminate()
        for _, process in reversed(self._running):
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


_SPEAKERS = frozenset({"discord", "github", "traffic"})


@contextmanager
def running(*, teammate_s: float = TEAMMATE_S, traffic: bool = True) -> Iterator[Desk]:
    """A whole desk; leaving stops every process and removes every file.

    Raises ``UpstreamError`` when a part does not start; says which and why.
    """
    if importlib.util.find_spec("ministack") is None:
        raise UpstreamError("the demo needs ministack: pip install 'jinkies[demo]'")
    with ExitStack() as stack:
        stack.enter_context(_signals_leave(stack.close))
        folder = Path(tempfile.mkdtemp(prefix="jinkies-demo-", dir=_short_temporary()))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        processes = _Processes(folder, _clean_environ(folder))
        stack.callback(processes.stop)
        stack.callback(_leave_in_peace)
        yield _start(processes, folder, teammate_s=teammate_s, traffic=traffic)


def _start(processes: _Processes, folder: Path, *, teammate_s: float, traffic: bool) -> Desk:
    recording = folder / "discord.ndjson"
    port = _free_port()
    processes.start("aws", "ministack", environ=_ministack_environ(folder, port))
    pace = ("--teammate", str(teammate_s)) if teammate_s > 0 else ()
    listening = ("--record", str(recording), "--message-content")
    discord_process = processes.start("discord", "jinkies.simulators.discord", *listening, *pace)
    github_process = processes.start("github", "jinkies.simulators.github", "--repository", REPOSITORY)
    discord = processes.hello("discord", discord_process)
    github = processes.hello("github", github_process)
    aws_url = f"http://127.0.0.1:{port}"
    _wait_http(processes, "aws", f"{aws_url}/_ministack/health")
    _write_config(folder, discord, github, aws_url)
    config = load_config(_desk_environ(folder), cwd=folder)
    aws = ("--endpoint", aws_url, "--region", REGION)
    writer = processes.start("traffic", "jinkies.simulators.traffic", *aws, *(() if traffic else ("--silent",)))
    processes.hello("traffic", writer)
    processes.start("core", "jinkies", "serve")
    processes.start("bot", "bot")
    _wait_socket(processes, config.socket_path)
    return Desk(
        config=config,
        discord_url=str(discord["address"]),
        github_url=str(github["address"]),
        aws_url=aws_url,
        recording=recording,
        processes=processes.pids(),
    )


def _write_config(folder: Path, discord: dict[str, object], github: dict[str, object], aws_url: str) -> None:
    channels = msgspec.convert(discord["channels"], dict[str, str])
    owner, repository = REPOSITORY.split("/")
    services = {"api": ["/app/api"], "worker": ["/app/worker"], "edge": ["/aws/lambda/edge"]}
    content = {
        "environment": "demo",
        "discord": {
            "api_url": discord["api_url"],
            "guild_id": discord["guild_id"],
            "alert_channel_id": next(iter(channels.values())),
        },
        "github": {"api_url": github["api_url"], "owner": owner, "repository": repository},
        "aws": {"region": REGION, "endpoint_url": aws_url},
        "http": {"listen": "127.0.0.1:0"},
        "services": {
            name: {"log_groups": groups, "runbook": f"https://runbooks.example/{name}"}
            for name, groups in services.items()
        },
        "watches": [
            {"service": name, "level": "error", "severity": "critical" if name == "worker" else "error"}
            for name in services
        ],
    }
    (folder / "jinkies.toml").write_bytes(tomli_w.dumps(content).encode())


def _clean_environ(folder: Path) -> dict[str, str]:
    kept = ("PATH", "LANG", "LC_ALL", "TERM", "COLORTERM", "TZ", "PYTHONPATH", "VIRTUAL_ENV")
    environ = {name: os.environ[name] for name in kept if name in os.environ}
    return environ | {"HOME": str(folder), "TMPDIR": str(folder)} | _desk_environ(folder)


def _desk_environ(folder: Path) -> dict[str, str]:
    return {
        "JINKIES_HOME": str(folder / "home"),
        "JINKIES_CONFIG": str(folder / "jinkies.toml"),
        "DISCORD_BOT_TOKEN": "demo-discord-token",
        "GITHUB_TOKEN": "demo-github-token",
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _ministack_environ(folder: Path, port: int) -> dict[str, str]:
    listen = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    # Its MQTT port would listen on every interface, whatever BIND_HOST says.
    return listen | {"SERVICES": "logs", "TMPDIR": str(folder), "IOT_MTLS_ENABLED": "0"}


def _wait_http(processes: _Processes, name: str, url: str) -> None:
    clock = SystemClock()
    deadline_s = clock.monotonic_s() + START_S
    while processes.alive(name) and clock.monotonic_s() < deadline_s:
        with suppress(httpx.TransportError):
            if httpx.get(url, timeout=1, trust_env=False).is_success:
                return
        clock.pause(0.05)
    raise processes.failure(name)


def _wait_socket(processes: _Processes, path: Path) -> None:
    clock = SystemClock()
    deadline_s = clock.monotonic_s() + START_S
    while processes.alive("core") and clock.monotonic_s() < deadline_s:
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            probe.connect(str(path))
            return
        clock.pause(0.05)
    raise processes.failure("core")


_LEAVING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _signals_wait() -> Iterator[None]:
    """A process that starts just now must be known before anybody leaves."""
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _LEAVING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for late in came:
        signal.raise_signal(late)


def _leave_in_peace() -> None:
    """Cleaning up takes seconds; an impatient second signal would leave processes behind."""
    for number in _LEAVING:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _signals_leave(clean_up: Callable[[], None]) -> Iterator[None]:
    """``kill``, or a terminal that closes, cleans up too."""

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    def leave_at_once(number: int, _: object) -> None:
        clean_up()  # whoever draws may wait for ever for a terminal that is gone: nobody is asked
        os._exit(128 + number)

    before = {number: signal.getsignal(number) for number in _LEAVING}
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave_at_once)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _short_temporary() -> str | None:
    """A folder for the home: macOS's own temporary one is too deep for a Unix socket's path."""
    return "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108 - mkdtemp makes a private folder in it


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# ---------------------------------------------------------------------- without a screen


class Report(msgspec.Struct, kw_only=True):
    """What happened in a demo without a screen; times are seconds since the processes were up."""

    seconds: float = 0.0
    alerts: int = 0
    occurrences: int = 0
    first_alert_s: float | None = None
    cards: int = 0  # in the simulated Discord at the end
    cards_in_step: int = 0
    acknowledged_in_console: int = 0
    acknowledged_in_discord: int = 0
    pull_request: str | None = None  # the draft's address
    card_shows_pull_request: bool = False
    trouble: list[str] = []


def headless(seconds: float) -> Report:
    """Run the demo for ``seconds`` with a scripted user at the console, and say what happened.

    The user acknowledges the first alert with a card and asks for a draft pull request. On a busy machine that may
    take longer than ``seconds``: it is waited for, ``PATIENCE_S`` at most.
    """
    with running(teammate_s=min(TEAMMATE_S, max(1.0, seconds / 4))) as desk:
        return asyncio.run(_watch(desk, seconds))


async def _watch(desk: Desk, seconds: float) -> Report:
    clock, report = SystemClock(), Report(seconds=seconds)
    started_s = clock.monotonic_s()
    async with open_operator(desk.config, Mode.ATTACH) as operator, _followed(operator) as replica:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds + PATIENCE_S):
                row = await _scripted_user(replica, report, clock, started_s)
                await clock.sleep(max(0.0, started_s + seconds - clock.monotonic_s()))
                await _mirrored(replica, row)
        await _count(desk, replica, report)
    return report


@asynccontextmanager
async def _followed(operator: Operator) -> AsyncIterator[Replica]:
    replica = Replica(operator)
    following = asyncio.create_task(replica.run())
    try:
        await replica.live()
        yield replica
    finally:
        following.cancel()
        await asyncio.wait({following})


async def _scripted_user(replica: Replica, report: Report, clock: Clock, started_s: float) -> AlertRow | None:
    """The alert once its pull request is there; None where that failed."""
    version = 0
    while not replica.rows:
        version = await replica.changed(version)
    report.first_alert_s = round(clock.monotonic_s() - started_s, 2)
    try:
        while (alert_id := await _acknowledged(replica)) is None:
            version = await replica.changed(version)
        await replica.operator.execute(CreatePullRequest(alert_id=alert_id))
    except JinkiesError as error:
        report.trouble.append(str(error))
        return None
    while (work := replica.rows[alert_id].pull_request) is None or work.state is WorkState.REQUESTED:
        version = await replica.changed(version)
    report.pull_request = work.url
    if work.error:
        report.trouble.append(work.error)
    return replica.rows[alert_id]


async def _acknowledged(replica: Replica) -> int | None:
    """The first open alert with a card, acknowledged; None where there is none, or the teammate was faster."""
    shown = (one.alert_id for one in replica.deliveries.values() if one.state is DeliveryState.POSTED)
    for alert_id in shown:
        row = replica.rows.get(alert_id)
        if row is not None and row.state is State.OPEN:
            with suppress(Conflict):
                if (await replica.operator.execute(Acknowledge(alert_id=alert_id))).changed:
                    return alert_id
    return None


async def _mirrored(replica: Replica, row: AlertRow | None) -> None:
    """Until Discord has every alert, and the card of this one shows it as it is here."""

    def shown(one: Delivery) -> bool:
        as_it_is = row is None or one.alert_id != row.alert_id or one.shown_revision >= row.revision
        return one.in_step or (one.state is DeliveryState.POSTED and as_it_is)

    version = 0
    while not all(shown(one) for one in replica.deliveries.values()):
        version = await replica.changed(version)


async def _count(desk: Desk, replica: Replica, report: Report) -> None:
    rows = replica.rows.values()
    report.alerts = len(rows)
    report.occurrences = sum(row.count for row in rows)
    by = [row.acknowledged_by.kind for row in rows if row.state is State.ACKNOWLEDGED and row.acknowledged_by]
    report.acknowledged_in_discord = by.count(ActorKind.DISCORD)
    report.acknowledged_in_console = by.count(ActorKind.LOCAL)
    report.cards_in_step = sum(one.in_step for one in replica.deliveries.values())
    channel_id = desk.config.discord.alert_channel_id
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{desk.discord_url}/_sim/channels/{channel_id}/messages")
    messages = answer.text
    report.cards = len(answer.json())
    link = next((link for row in rows for link in row.links if link.kind is LinkKind.PULL_REQUEST), None)
    report.card_shows_pull_request = link is not None and link.url in messages
