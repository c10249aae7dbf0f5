"""``jinkies serve`` and ``jinkies status``."""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal

import msgspec

from jinkies import __version__, logsetup
from jinkies.cli.output import BOLD, DIM, PART_COLOURS, Cell, Printer, line
from jinkies.cli.records import encode
from jinkies.cli.session import with_operator
from jinkies.config import Config, load_config
from jinkies.events import Hello, Snapshot
from jinkies.model import Counts, PartHealth, PartState, State
from jinkies.operator import Hosting, Operator

GC_THRESHOLD = (10_000, 20, 50)  # alerts hold no cycles: looking for some at Python's own pace costs 16 µs of each


def serve(_arguments: argparse.Namespace) -> int:
    """``jinkies serve``: run the core until SIGTERM or SIGINT, both a clean end."""
    config = load_config()
    with logsetup.configured(config):
        return asyncio.run(_serve(config))


async def _serve(config: Config) -> int:
    from jinkies import app

    def ready(address: str) -> None:
        gc.freeze()  # what is there now stays: nothing that collecting would find
        gc.set_threshold(*GC_THRESHOLD)
        print(f"jinkies {__version__} takes alerts at http://{address}/webhook/alert", flush=True)

    loop, serving, stopped = asyncio.get_running_loop(), asyncio.current_task(), False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)  # a second signal ends it at once
        if serving is not None:
            serving.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await app.serve(config, ready=ready)
    except asyncio.CancelledError:
        if not stopped:
            raise
    return 0


class CoreRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a core runs, and which."""

    running: bool
    pid: int | None
    version: str


class PartRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How one part is."""

    part: str
    state: str
    detail: str


class StatusRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What ``jinkies status --json`` prints."""

    core: CoreRecord
    home: str
    environment: str
    ingest: str | None
    counts: Counts
    parts: tuple[PartRecord, ...]


def status(arguments: argparse.Namespace) -> int:
    """``jinkies status``."""

    async def call(config: Config, operator: Operator) -> int:
        record = _status(config, operator.hosting, await operator.hello(), await operator.snapshot())
        if arguments.json:
            print(encode(record))
        else:
            _print_status(record)
        return 0

    return with_operator(call)


def _status(config: Config, hosting: Hosting, hello: Hello, snapshot: Snapshot) -> StatusRecord:
    running = hosting is Hosting.ATTACHED
    return StatusRecord(
        core=CoreRecord(running=running, pid=hello.pid if running else None, version=hello.version),
        home=str(config.home),
        environment=hello.environment,
        ingest=None if hello.ingest is None else f"http://{hello.ingest}",
        counts=snapshot.counts,
        parts=tuple(
            PartRecord(part=part.part, state=part.state, detail=part.detail)
            for part in _parts(config, snapshot.health, running=running)
        ),
    )


def _parts(config: Config, known: tuple[PartHealth, ...], *, running: bool) -> list[PartHealth]:
    """What the core says of its parts, and of those that it says nothing of, what the configuration does."""
    parts = {health.part: health for health in known}
    for name, missing in (
        ("discord", config.discord.missing()),
        ("aws", config.aws.missing()),
        ("github", config.github.missing()),
    ):
        if name in parts:
            continue
        state, detail = PartState.UNCONFIGURED, missing or ""
        if missing is None:
            state = PartState.CONNECTING
            detail = "configured, not seen yet" if running else "configured; nothing checks it while no core runs"
        parts[name] = PartHealth(part=name, state=state, detail=detail)
    return [parts[name] for name in sorted(parts)]


def _print_status(record: StatusRecord) -> None:
    printer, counts = Printer(), record.counts
    core = f"runs, pid {record.core.pid}, version {record.core.version}"
    if not record.core.running:
        core = "does not run: start it with `jinkies serve`"
    alerts = ", ".join(f"{getattr(counts, state.value)} {state.value}" for state in State)
    facts = (
        ("core", core),
        ("home", record.home),
        ("environment", record.environment),
        ("ingest", record.ingest or "not open"),
        ("alerts", f"{alerts}; {counts.critical} unresolved critical"),
    )
    printer.table((), [(Cell(name, DIM), Cell(line(text))) for name, text in facts])
    printer.print()
    rows = [
        (Cell(line(part.part), BOLD), Cell(part.state, PART_COLOURS[PartState(part.state)]), Cell(line(part.detail)))
        for part in record.parts
    ]
    printer.table((), rows)
