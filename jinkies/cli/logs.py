"""``jinkies logs`` and ``jinkies tail``: CloudWatch lines on stdout, messages on stderr.

JSON is one object a line: ``timestamp`` and ``ingestion`` (ISO 8601, UTC), ``group``, ``stream``, ``level`` (``none``
where the line names none), ``message`` (as CloudWatch holds it), ``late`` (it came behind a newer line),
``backfilled`` (it did not come live: it was read afterwards, to close a gap). Where lines are missing from a tail, an
object with the one key ``gap`` stands between: see ``gaps.Gap``.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import logging
import re
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from functools import lru_cache

import msgspec

from jinkies.cli.gaps import Gap
from jinkies.cli.output import DIM, RED, YELLOW, Printer, block, complain, line
from jinkies.cli.parser import Parser, Subparsers
from jinkies.cli.progress import shown
from jinkies.clock import SystemClock, iso
from jinkies.config import Config
from jinkies.errors import Invalid
from jinkies.lean import keep_freed_memory, trusting_nobody, uncollected, without
from jinkies.logs.levels import level_named
from jinkies.logs.service import FETCH_LIMIT, LogsService
from jinkies.logs.slices import Progress
from jinkies.logs.targets import resolve
from jinkies.model import Level, LogEvent, TailMode, TailSpec
from jinkies.reading.joining import Neighbours
from jinkies.reading.times import FORMS, RANGES, parse_range, parse_time

EXIT_USAGE = 2
LOGS_SINCE = "15m"
TAIL_SINCE = "5m"
OUTPUTS = ("text", "json", "raw")
CYAN = "36"
GC_THRESHOLD = (100_000, 20, 50)  # events hold no cycles: looking for some at Python's own pace costs a tenth
MOST_STREAMS = 10_000  # whose names are kept, made safe

_COLOURS = {Level.CRITICAL: "1;31", Level.ERROR: RED, Level.WARNING: YELLOW, Level.DEBUG: DIM}
_MILLIS = tuple(f"{at_ms:03d}Z" for at_ms in range(1_000))
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
    backfilled: bool


def add_parsers(subparsers: Subparsers[Parser]) -> None:
    """Add ``logs`` and ``tail``."""
    logs = subparsers.add_parser("logs", help="log lines of a time range, asked of AWS directly, oldest first")
    _add_common(logs, LOGS_SINCE, "at most this many, from --since on (default: MAX_LOG_LINES, 1000)")
    until = f"the end of the range (default: now); or name both in --since: {RANGES}"
    logs.add_argument("--tail", type=_count, metavar="N", help="only the newest N of them, at most 10,000")
    logs.add_argument("--until", metavar="TIME", default="now", help=until)
    logs.set_defaults(run=lambda arguments: _command(run_logs, arguments))
    tail = subparsers.add_parser("tail", help="follow log lines, late ones included, until Ctrl-C")
    _add_common(tail, TAIL_SINCE, "stop after this many (default: never)")
    tail.add_argument(
        "--poll", action="store_true", help="ask every 2 s instead of Live Tail, which is paid by the minute"
    )
    tail.set_defaults(run=lambda arguments: _command(_run_tail, arguments))


async def run_logs(arguments: argparse.Namespace, config: Config) -> int:
    """Print a range of lines, oldest first. Raises what ``LogsService.stream`` and ``times.parse_range`` raise."""
    keep_freed_memory()
    _import_client()
    clock = SystemClock()
    start_ms, end_ms = parse_range(arguments.since, arguments.until, now_ms=clock.now_ms())
    write = _writer(arguments, config)
    if arguments.tail is not None:
        await _write_newest(arguments, config, start_ms, end_ms, write)
        return 0
    left = arguments.limit or config.max_log_lines
    progress = Progress()
    async with (
        LogsService(config, clock) as logs,
        shown(progress, clock) as progress_line,
        # One more than is shown tells whether anything was left out.
        aclosing(
            logs.stream(_spec(arguments, since_ms=0), start_ms, end_ms, left + 1, progress, bare=write.bare)
        ) as runs,
    ):
        async for run in runs:
            progress_line.erase()
            write(run[: max(0, left)])
            left -= len(run)
    if left < 0:
        complain("stopped at --limit, there are more lines: raise it, or narrow --since, --until or --grep")
    return 0


def _import_client() -> None:
    """Now, with nothing else under way, rather than by the first request."""
    if "jinkies.logs.client" in sys.modules:
        return
    with uncollected(), trusting_nobody(), without("httpx"):  # aiobotocore's other backend: 50 ms of it, for nothing
        importlib.import_module("jinkies.logs.client")


async def _write_newest(
    arguments: argparse.Namespace, config: Config, start_ms: int, end_ms: int, write: Writer
) -> None:
    if arguments.limit is not None:
        raise Invalid("--tail: not together with --limit, which counts from --since on")
    if arguments.tail > FETCH_LIMIT:
        raise Invalid(f"--tail: {arguments.tail:,}; at most {FETCH_LIMIT:,} (--limit has no such bound)")
    async with LogsService(config, SystemClock()) as logs:
        write(await logs.fetch(_spec(arguments, since_ms=0), start_ms, end_ms, arguments.tail))


async def _run_tail(arguments: argparse.Namespace, config: Config) -> int:
    from jinkies.cli.tail import run_tail

    clock = SystemClock()
    now_ms = clock.now_ms()
    since_ms = now_ms - parse_time(arguments.since, now_ms=now_ms, name="--since")
    if since_ms < 0:
        raise Invalid(f"--since: {arguments.since!r} lies in the future")
    spec = _spec(arguments, since_ms=since_ms)
    if arguments.poll:
        spec = msgspec.structs.replace(spec, mode=TailMode.POLL)
    return await run_tail(config, spec, _writer(arguments, config), arguments.limit, clock)


class Writer:
    """Prints lines in one of ``OUTPUTS``; ``groups`` says that text names each line's log group."""

    def __init__(self, output: str, *, groups: bool) -> None:
        printer = Printer()
        self.output = output
        self._paint = printer.paint
        self._plain = not printer.colour
        self._groups = groups
        self._neighbours = Neighbours()
        self._marks = ""  # of the event before
        self._wheres: dict[str, dict[str, str]] = {}  # by group and stream
        self._named = 0  # of them
        self._format = {"text": self._text, "json": _json, "raw": _raw}[output]

    @property
    def bare(self) -> bool:
        """Whether levels are hardly looked at, see ``Ask.bare``."""
        return self._plain and self._format != _json

    def __call__(self, events: Iterable[LogEvent]) -> None:
        """Print some. Raises ``BrokenPipeError`` when nobody reads any more."""
        texts = self._plain_texts(events) if self._plain and self._format == self._text else map(self._format, events)
        sys.stdout.write("".join(texts))

    def gap(self, gap: Gap) -> None:
        """Say among JSON lines that some are missing here; who reads text is told on stderr. Raises as ``__call__``."""
        if self.output == "json":
            sys.stdout.write(msgspec.json.encode({"gap": gap}).decode() + "\n")
        self._neighbours = Neighbours()  # what comes is no further line of what came before

    def _plain_texts(self, events: Iterable[LogEvent]) -> list[str]:
        """As ``_text`` of each, with a short way for most: one line of another stream than the last."""
        texts: list[str] = []
        append = texts.append
        group = stream = None  # of the event before; None is not known
        last: LogEvent | None = None  # where it took the short way
        begin_ms, second = -1_000, _second(-1)  # whose thousand milliseconds are cheap
        wheres: dict[str, str] = {}  # of the group
        for event in events:
            message, of = event.message, event.log_stream
            if (
                stream is None
                or of == stream
                or event.late
                or event.backfilled
                or not (event.printable or message.isprintable())
            ):
                if last is not None:
                    self._neighbours.begun(last)
                    self._marks, last = "", None
                append(self._text(event))
            else:
                if event.log_group != group:
                    group = event.log_group
                    wheres = self._wheres.setdefault(group, {})
                past_ms = event.timestamp_ms - begin_ms
                if not 0 <= past_ms < 1_000:
                    at_s, past_ms = divmod(event.timestamp_ms, 1_000)
                    begin_ms, second = at_s * 1_000, _second(at_s)
                where = wheres.get(of) or self._where(event)
                append(f"{second}{_MILLIS[past_ms]} {where} {message.rstrip()}\n")
                last = event
            stream = of
        if last is not None:
            self._neighbours.begun(last)
            self._marks = ""
        return texts

    def _text(self, event: LogEvent) -> str:
        """Further lines of an event are indented, so that none can pass for an event of its own.

        So are the lines of a trace that a stream sent one by one, where no other event came in between.
        """
        marks = ""
        if event.late or event.backfilled:
            marks = f"{' late' if event.late else ''}{' backfilled' if event.backfilled else ''}"
        continues = self._neighbours.continues(event) and marks == self._marks
        self._marks = marks
        where = self._where(event)
        if self._plain and not continues and event.message.isprintable():  # one line, with nothing to make safe
            return f"{_when(event.timestamp_ms)}{marks} {where} {event.message.rstrip()}\n"
        colour = _COLOURS.get(event.level, "")
        message = "\n  ".join(self._paint(one, colour) for one in block(event.message, indent="").split("\n"))
        if continues:
            return f"  {message}\n"
        return f"{self._paint(_when(event.timestamp_ms) + marks, DIM)} {where} {message}\n"

    def _where(self, event: LogEvent) -> str:
        known = self._wheres.get(event.log_group, {}).get(event.log_stream)
        if known is not None:
            return known
        if self._named >= MOST_STREAMS:
            self._wheres.clear()
            self._named = 0
        where = line(f"{event.log_group} {event.log_stream}" if self._groups else event.log_stream)
        self._named += 1
        return self._wheres.setdefault(event.log_group, {}).setdefault(event.log_stream, self._paint(where, CYAN))


@lru_cache(maxsize=64)
def _minute(at_min: int) -> str:
    return iso(at_min * 60_000)[:-7]


@lru_cache(maxsize=1_024)
def _second(at_s: int) -> str:
    return f"{_minute(at_s // 60)}{at_s % 60:02d}."


def _when(at_ms: int) -> str:
    """As ``clock.iso``, for many moments in few seconds."""
    return f"{_second(at_ms // 1000)}{at_ms % 1000:03d}Z"


def _json(event: LogEvent) -> str:
    record = LineRecord(
        timestamp=_when(event.timestamp_ms),
        ingestion=_when(event.ingestion_ms),
        group=event.log_group,
        stream=event.log_stream,
        level=event.level.value,
        message=event.message,
        late=event.late,
        backfilled=event.backfilled,
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

    gc.set_threshold(*GC_THRESHOLD)
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
