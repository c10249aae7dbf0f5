"""Composition: what is built, in which order, and how it is torn down. Heavy parts are imported only when built.

A program that attaches to a running core pays for httpx and nothing else.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from jinkies.clock import Clock, SystemClock
from jinkies.config import Config
from jinkies.errors import AlreadyRunning, ConfigError, Disconnected
from jinkies.model import FETCHED_CHARS, SYSTEM, Actor, PartHealth, PartState
from jinkies.operator import Operator

if TYPE_CHECKING:
    from jinkies.core import Core
    from jinkies.github.following import Following
    from jinkies.github.worker import GitHubWorker

SOCKET_PATH_LIMIT_BYTES = 103  # sun_path holds 104 bytes on macOS and 108 on Linux, with the closing NUL
HANDOVER_S = 5.0  # how long to wait for a core that is starting or stopping, or for a one-shot command
RESTART_FIRST_S = 1.0
RESTART_LAST_S = 60.0

_log = logging.getLogger(__name__)


class Mode(StrEnum):
    """How a program gets at a core."""

    ATTACH = "attach"  # a running one, else ``Disconnected``
    EMBED = "embed"  # host one here, with HTTP ingest, else ``AlreadyRunning``
    ATTACH_OR_EMBED = "attach_or_embed"  # a running one, else host one here without ingest
    ONE_SHOT = "one_shot"  # a running one, else work on the database for this one call: no background, no socket


@asynccontextmanager
async def open_operator(config: Config, mode: Mode = Mode.ATTACH_OR_EMBED) -> AsyncIterator[Operator]:
    """An Operator, attached or embedded as ``mode`` says.

    Raises:
        Disconnected: ``ATTACH`` and no core answers.
        AlreadyRunning: ``EMBED`` and another core holds the lock.
        ConfigError: the home folder can't be used.
        StoreFailed: the database can't be used.
    """
    async with AsyncExitStack() as stack:
        yield await _open(stack, config, mode)


async def _open(stack: AsyncExitStack, config: Config, mode: Mode) -> Operator:
    from jinkies.wire.client import attach

    if mode is Mode.EMBED:
        return (await _host_when_free(stack, config)).operator(_this_user())
    clock = SystemClock()
    deadline_s = clock.monotonic_s() + HANDOVER_S
    while True:
        try:
            return await stack.enter_async_context(attach(config.socket_path))
        except Disconnected as error:
            if mode is Mode.ATTACH:
                raise Disconnected(f"no core runs for {config.home}: start one with `jinkies serve`") from error
            silence = str(error)
        try:
            lasting = mode is Mode.ATTACH_OR_EMBED  # whoever attached to a one-shot command would soon have no core
            core = await stack.enter_async_context(host(config, ingest=False, background=lasting, socket=lasting))
            return core.operator(_this_user())
        except AlreadyRunning as error:  # it holds the lock and does not answer yet, or does not answer any more
            if clock.monotonic_s() > deadline_s:
                raise AlreadyRunning(f"{error}, and {silence}: wait for it, or end it") from error
            await clock.sleep(0.05)


async def serve(config: Config, *, ready: Callable[[str], None] | None = None) -> None:
    """Host a core with ingest until cancelled; ``ready`` gets the ingest address once everything listens."""
    async with AsyncExitStack() as stack:
        core = await _host_when_free(stack, config)
        if ready is not None:
            ready(core.ingest_address or "")
        await asyncio.Event().wait()


async def _host_when_free(stack: AsyncExitStack, config: Config) -> Core:
    """Host with ingest; a one-shot command that holds the lock for its call is waited for, a running core is not."""
    clock = SystemClock()
    deadline_s = clock.monotonic_s() + HANDOVER_S
    while True:
        try:
            return await stack.enter_async_context(host(config, ingest=True))
        except AlreadyRunning:
            if clock.monotonic_s() > deadline_s or await _answers(config):
                raise
            await clock.sleep(0.05)


async def _answers(config: Config) -> bool:
    from jinkies.wire.client import attach

    try:
        async with attach(config.socket_path):
            return True
    except Disconnected:
        return False


@asynccontextmanager
async def host(
    config: Config, *, ingest: bool, background: bool = True, socket: bool = True, clock: Clock | None = None
) -> AsyncIterator[Core]:
    """A core of this process: lock, store, logs, writer, then socket, ingest and background work where wanted.

    Torn down in reverse: nothing new is let in, what waits is answered, the database closes, the lock is freed.
    """
    from jinkies.core import Core
    from jinkies.housekeeping import resume_tails
    from jinkies.policies import policy_text
    from jinkies.redact import by_rules, use
    from jinkies.store.database import open_writer
    from jinkies.store.reader import open_readers
    from jinkies.store.writer import Writer
    from jinkies.wire.server import serve_socket

    clock = clock or SystemClock()
    use(by_rules(config.redact))  # what its workers tell others goes through the same rules as what comes in
    async with AsyncExitStack() as stack:
        prepare_home(config)
        stack.enter_context(hold_lock(config.lock_path))
        connection = await stack.enter_async_context(open_writer(config.database_path))
        reader = await stack.enter_async_context(open_readers(config.database_path))
        writer = Writer(connection)
        await writer.reconsider(policy_text(config), clock.now_ms())
        core = Core(
            config=config,
            clock=clock,
            writer=writer,
            reader=reader,
            epoch=await reader.epoch(),
            head=await reader.head(),
            logs=None,
        )
        await stack.enter_async_context(core)
        await _add_logs(stack, core)
        if background and core.logs is not None:
            await resume_tails(core, core.logs)
        if socket:
            await stack.enter_async_context(serve_socket(core, config.socket_path))
        if ingest:
            await _add_ingest(stack, core)
        if background:
            await _add_background(stack, core)
        yield core


async def carry_out_work(operator: Operator, alert_id: int) -> None:
    """Open what is asked for an alert on GitHub, in a core that has no background work (``Mode.ONE_SHOT``)."""
    from jinkies.embedded import EmbeddedOperator

    if isinstance(operator, EmbeddedOperator):
        worker = _github_worker(operator.core)
        await worker.carry_out(alert_id)


def prepare_home(config: Config) -> None:
    """Make the home folder, 0700, and check that a socket fits into it. Raises ``ConfigError``."""
    length = len(os.fsencode(config.socket_path))
    if length > SOCKET_PATH_LIMIT_BYTES:
        raise ConfigError(
            f"JINKIES_HOME: {config.socket_path} is {length} bytes long; a Unix socket's path holds at most"
            f" {SOCKET_PATH_LIMIT_BYTES}: choose a shorter folder"
        )
    try:
        config.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if config.home.stat().st_mode & 0o077:
            _refuse_shared(config)
            config.home.chmod(0o700)
    except OSError as error:
        raise ConfigError(f"JINKIES_HOME: cannot use {config.home}: {error.strerror}") from error


def _refuse_shared(config: Config) -> None:
    """A folder that others may open and that holds other things is not ours to close."""
    if not config.lock_path.exists() and next(config.home.iterdir(), None) is not None:
        raise ConfigError(
            f"JINKIES_HOME: {config.home} holds other things and is open to others: choose a folder of its own,"
            " or close this one with `chmod 700`"
        )


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """The exclusive lock of a database's one core; the kernel frees it when the process ends, however it ends."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"JINKIES_HOME: cannot lock {path}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(f"another core runs for {path.parent} (it holds {path.name})") from error
        except OSError as error:  # a file system without locks
            raise ConfigError(f"JINKIES_HOME: cannot lock {path}: {error.strerror}") from error
        yield
    finally:
        os.close(descriptor)


async def _add_logs(stack: AsyncExitStack, core: Core) -> None:
    if (missing := core.config.aws.missing()) is not None:
        core.report_health(PartHealth(part="aws", state=PartState.UNCONFIGURED, detail=missing))
        return
    from jinkies.logs.service import LogsService

    logs = await stack.enter_async_context(LogsService(core.config, core.clock, room=FETCHED_CHARS))
    logs.hub.on_change = core.tails_changed
    core.logs = logs


async def _add_ingest(stack: AsyncExitStack, core: Core) -> None:
    from jinkies.ingest.auth import refuse_open_listen

    refuse_open_listen(core.config)
    if core.config.http.own_process:
        from jinkies.ingest.process import serve_apart

        process = await stack.enter_async_context(serve_apart(core, core.config, core.clock))
        core.ingest_address = process.address
        return
    from jinkies.ingest.http import build_app
    from jinkies.ingest.serving import serve_ingest

    app = build_app(core.operator, core.config, core.clock, report=core.report_health)
    core.ingest_address = await stack.enter_async_context(serve_ingest(app, core.config.http.listen))
    core.report_health(PartHealth(part="ingest", state=PartState.OK, detail=core.ingest_address))


async def _add_background(stack: AsyncExitStack, core: Core) -> None:
    from jinkies import housekeeping

    work: dict[str, Callable[[], Awaitable[None]]] = {
        "retention": lambda: housekeeping.expire(core),
        "time": lambda: housekeeping.keep_time(core),
        "search": lambda: housekeeping.read_later(core),
    }
    if (missing := core.config.github.missing()) is None:
        worker = _github_worker(core)
        work["github"] = worker.run
        work["github following"] = _github_following(core, worker).run
        work["github health"] = lambda: _check_for_ever(core, worker.check)
    else:
        core.report_health(PartHealth(part="github", state=PartState.UNCONFIGURED, detail=missing))
    if (missing := core.config.discord.missing()) is not None:
        core.report_health(PartHealth(part="discord", state=PartState.UNCONFIGURED, detail=missing))
    else:
        work["bot watch"] = lambda: housekeeping.notice_silence(core)
    if core.logs is not None:
        logs = core.logs
        work["tails"] = lambda: housekeeping.keep_tails(core, logs)
        work["aws health"] = lambda: _check_for_ever(core, logs.check)
        if core.config.watches:
            operator = core.operator(SYSTEM)
            work["watches"] = lambda: logs.run_watches(operator.execute, core.reader.watch_cursor)
    tasks = [asyncio.create_task(_keep_running(core, name, run), name=f"jinkies-{name}") for name, run in work.items()]
    stack.push_async_callback(_stop, tasks)


def _github_worker(core: Core) -> GitHubWorker:
    from jinkies.github.worker import GitHubWorker

    return GitHubWorker(core.operator(SYSTEM), core.config, core.epoch, core.clock, core.reader.requested_work)


def _github_following(core: Core, worker: GitHubWorker) -> Following:
    from jinkies.github.following import Following

    return Following(core.operator(SYSTEM), worker.client, core.clock, core.reader.followed_work)


async def _keep_running(core: Core, name: str, run: Callable[[], Awaitable[None]]) -> None:
    """One background part's fault is never another's: it is logged, and the part starts again."""
    delay_s = RESTART_FIRST_S
    while True:
        try:
            await run()
        except Exception:
            _log.exception("the %s work failed; it starts again in %.0f s", name, delay_s)
        else:
            return
        await core.clock.sleep(delay_s)
        delay_s = min(delay_s * 2, RESTART_LAST_S)


async def _check_for_ever(core: Core, check: Callable[[], Awaitable[PartHealth]]) -> None:
    while True:
        core.report_health(await check())
        await core.clock.sleep(60)


async def _stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def _this_user() -> Actor:
    from jinkies.wire.peer import local_actor

    return local_actor()
