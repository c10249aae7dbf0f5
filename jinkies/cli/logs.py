"""``jinkies logs`` and ``jinkies tail``: CloudWatch lines on stdout, messages on stderr.

JSON is one object a line: ``timestamp`` and ``ingestion`` (ISO 8601, UTC), ``group``, ``stream``, ``level`` (``none``
where the line names none), ``message`` (as CloudWatch holds it), ``late`` (it came behind a newer line).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import re
import select
import stat
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager

import msgspec

from jinkies.cli.output import DIM, RED, YELLOW, Printer, block, complain, line
from jinkies.cli.parser import Parser, Subparsers
from jinkies.clock import SystemClock, iso
from jinkies.commands import StartTail
from jinkies.config import Config
from jinkies.errors import Disconnected, Invalid
from jinkies.logs.levels import level_named
from jinkies.logs.service import LogsService
from jinkies.logs.targets import check_spec, resolve
from jinkies.model import Level, LogEvent, TailBatch, TailSpec
from jinkies.reading.times import FORMS, RANGES, parse_range, parse_time

EXIT_USAGE = 2
LOGS_SINCE = "15m"
TAIL_SINCE = "5m"
OUTPUTS = ("text", "json", "raw")
CYAN = "36"

_COLOURS = {Level.CRITICAL: "1;31", Level.ERROR: RED, Level.WARNING: YELLOW, Level.DEBUG: DIM}
_COUNT = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)

Run = Callable[[argparse.Namespace, Config], Awaitable[int]]


class LineRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A line as JSON."""

    timestamp: str
    ingestion: str
    group: str
    stream: str
    level: str
    message: str
    late: bool


def add_parsers(subparsers: Subparsers[Parser]) -> None:
    """Add ``logs`` and ``tail``."""
    logs = subparsers.add_parser("logs", help="log lines of a time range, asked of AWS directly, oldest first")
    _add_common(logs, LOGS_SINCE, "at most this many, from --since on (default: MAX_LOG_LINES, 1000)")
    until = f"the end of the range (default: now); or name both in --since: {RANGES}"
    logs.add_argument("--until", metavar="TIME", default="now", help=until)
    logs.set_defaults(run=lambda arguments: _command(run_logs, arguments))
    tail = subparsers.add_parser("tail", help="follow log lines, late ones included, until Ctrl-C")
    _add_common(tail, TAIL_SINCE, "stop after this many (default: never)")
    tail.set_defaults(run=lambda arguments: _command(run_tail, arguments))


async def run_logs(arguments: argparse.Namespace, config: Config) -> int:
    """Print a range of lines, oldest first. Raises what ``LogsService.stream`` and ``times.parse_range`` raise."""
    clock = SystemClock()
    start_ms, end_ms = parse_range(arguments.since, arguments.until, now_ms=clock.now_ms())
    left = arguments.limit or config.max_log_lines
    write = _writer(arguments, config)
    async with (
        LogsService(config, clock) as logs,
        # One more than is shown tells whether anything was left out.
        aclosing(logs.stream(_spec(arguments, since_ms=0), start_ms, end_ms, left + 1)) as runs,
    ):
        async for run in runs:
            write(run[: max(0, left)])
            left -= len(run)
    if left < 0:
        complain("stopped at --limit, there are more lines: raise it, or narrow --since, --until or --grep")
    return 0


async def run_tail(arguments: argparse.Namespace, config: Config) -> int:
    """Print lines as they come: through the core when one runs, else by asking AWS from here."""
    clock = SystemClock()
    now_ms = clock.now_ms()
    since_ms = now_ms - parse_time(arguments.since, now_ms=now_ms, name="--since")
    if since_ms < 0:
        raise Invalid(f"--since: {arguments.since!r} lies in the future")
    write, left = _writer(arguments, config), arguments.limit
    with _until_reader_leaves():
        async with AsyncExitStack() as stack:
            batches = _told(await _follow(stack, config, _spec(arguments, since_ms=since_ms)))
            await stack.enter_async_context(aclosing(batches))
            async for batch in batches:
                write(batch.events[:left])
                sys.stdout.flush()
                left = None if left is None else left - len(batch.events)
                if left is not None and left <= 0:
                    break
    return 0


class Writer:
    """Prints lines in one of ``OUTPUTS``; ``groups`` says that text names each line's log group."""

    def __init__(self, output: str, *, groups: bool) -> None:
        self._paint = Printer().paint
        self._groups = groups
        self._format = {"text": self._text, "json": _json, "raw": _raw}[output]

    def __call__(self, events: Iterable[LogEvent]) -> None:
        """Print some. Raises ``BrokenPipeError`` when nobody reads any more."""
        sys.stdout.write("".join(map(self._format, events)))

    def _text(self, event: LogEvent) -> str:
        """Further lines of an event are indented, so that none can pass for an event of its own."""
        when = self._paint(f"{iso(event.timestamp_ms)}{' late' if event.late else ''}", DIM)
        where = line(f"{event.log_group} {event.log_stream}" if self._groups else event.log_stream)
        colour = _COLOURS.get(event.level, "")
        message = "\n  ".join(self._paint(one, colour) for one in block(event.message, indent="").split("\n"))
        return f"{when} {self._paint(where, CYAN)} {message}\n"


def _json(event: LogEvent) -> str:
    record = LineRecord(
        timestamp=iso(event.timestamp_ms),
        ingestion=iso(event.ingestion_ms),
        group=event.log_group,
        stream=event.log_stream,
        level=event.level.value,
        message=event.message,
        late=event.late,
    )
    return msgspec.json.encode(record).decode() + "\n"


def _raw(event: LogEvent) -> str:
    return event.message if event.message.endswith("\n") else f"{event.message}\n"


def _add_common(parser: Parser, since: str, limit: str) -> None:
    parser.add_argument("targets", nargs="+", metavar="TARGET", help="a service, or a log group by name or ARN")
    parser.add_argument("--since", metavar="TIME", default=since, help=f"{FORMS} (default: {since})")
    parser.add_argument("--level", type=_level, default=Level.NONE, help="at least this: debug, info, warning, error …")
    parser.add_argument("--grep", metavar="REGEX", default="", help="a Python regular expression, searched here")
    parser.add_argument("--filter", metavar="PATTERN", default="", help="CloudWatch's filter pattern, applied there")
    parser.add_argument("--limit", type=_count, metavar="N", help=limit)
    parser.add_argument("--output", choices=OUTPUTS, default="text", help="text, JSON lines, or just the messages")


def _level(text: str) -> Level:
    found = Level.NONE if text == Level.NONE else level_named(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(list(Level)[1:])}, got {text!r}")
    return found


def _count(text: str) -> int:
    if not _COUNT.fullmatch(text):
        raise argparse.ArgumentTypeError(f"expected a number of lines, 1 or more, got {text!r}")
    return int(text)


def _command(run: Run, arguments: argparse.Namespace) -> int:
    from jinkies.config import load_config

    config = load_config()
    logging.basicConfig(level=logging.ERROR, format="jinkies: %(message)s")
    try:
        return asyncio.run(_awaited(run(arguments, config)))
    except Invalid as error:
        complain(str(error))
        return EXIT_USAGE


async def _awaited(running: Awaitable[int]) -> int:
    return await running


def _spec(arguments: argparse.Namespace, *, since_ms: int) -> TailSpec:
    return TailSpec(
        targets=tuple(arguments.targets),
        filter_pattern=arguments.filter,
        level=arguments.level,
        grep=arguments.grep,
        since_ms=since_ms,
    )


def _writer(arguments: argparse.Namespace, config: Config) -> Writer:
    return Writer(arguments.output, groups=len(resolve(config, tuple(arguments.targets))) > 1)


async def _follow(stack: AsyncExitStack, config: Config, spec: TailSpec) -> AsyncIterator[TailBatch]:
    """The batches of a tail of the core's or, when none runs, of our own."""
    from jinkies.app import Mode, open_operator

    check_spec(spec)
    try:
        operator = await stack.enter_async_context(open_operator(config, Mode.ATTACH))
    except Disconnected:
        logs = await stack.enter_async_context(LogsService(config, SystemClock()))
        return await stack.enter_async_context(logs.open_tail(logs.start_tail(spec).tail_id))
    tail_id = (await operator.execute(StartTail(spec=spec))).tail_id
    return await stack.enter_async_context(operator.tail(tail_id or ""))


async def _told(batches: AsyncIterator[TailBatch]) -> AsyncGenerator[TailBatch, None]:
    """The batches with events; what else they say goes to stderr, once."""
    trouble: str | None = None
    async for batch in batches:
        if batch.dropped:
            complain(f"{batch.dropped:,} lines were dropped: whoever reads this is too slow")
        if batch.trouble != trouble:
            trouble = batch.trouble
            complain(f"{trouble}; trying on" if trouble else "following again")
        if batch.events:
            yield batch


@contextmanager
def _until_reader_leaves() -> Iterator[None]:
    """Raise ``BrokenPipeError`` in the body once stdout is a pipe that nobody reads, though nothing is written.

    poll(2): the writing end of a pipe whose reader is gone reports POLLERR.
    """
    try:
        stdout = sys.stdout.fileno()
        piped = stat.S_ISFIFO(os.fstat(stdout).st_mode)
    except (OSError, ValueError):
        piped = False
    if not piped:
        yield
        return
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    left: list[bool] = []

    def look() -> None:
        poll = select.poll()
        poll.register(stdout, 0)
        if poll.poll(0) and task is not None and not left:
            left.append(True)
            task.cancel()

    loop.add_reader(stdout, look)
    try:
        yield
    except asyncio.CancelledError:
        if left and task is not None and task.uncancel() == 0:
            raise BrokenPipeError from None
        raise
    finally:
        loop.remove_reader(stdout)
