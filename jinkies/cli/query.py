"""``jinkies query``: CloudWatch Logs Insights from the shell. Rows on stdout, progress and figures on stderr.

JSON is one object a line, each field as the service gives it, as text; a row has the fields that it has.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
import shutil
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TextIO

import msgspec

from jinkies.cli.output import DIM, Printer, complain, fit, line, width
from jinkies.cli.parser import Parser, Subparsers, lazily
from jinkies.cli.parser import limit as row_limit
from jinkies.clock import SystemClock
from jinkies.config import Config, load_config
from jinkies.errors import Invalid
from jinkies.logs.service import LogsService
from jinkies.model import QueryProgress, QuerySpec, QueryState
from jinkies.reading.times import FORMS, RANGES, parse_range
from jinkies.words import number_of

DEFAULT_QUERY = "fields @timestamp, @logStream, @message | sort @timestamp desc"
DEFAULT_SINCE = "1h"
DEFAULT_LIMIT = 1_000
OUTPUTS = ("table", "json", "csv")
EXIT_USAGE = 2
USD_PER_GB = 0.005  # CloudWatch's list price of Logs Insights in us-east-1; a few regions ask more
NARROWEST = 8  # cells of a column
WIDEST_PIPED = 80  # cells that a column is padded to where there is no terminal to fit
_GB = 1_000_000_000


def add_parsers(subparsers: Subparsers[Parser]) -> None:
    """Add ``query``."""
    query = subparsers.add_parser(
        "query",
        help="ask CloudWatch Logs Insights",
        usage="%(prog)s ['QUERY'] TARGET… [--since TIME] [--until TIME] [--limit N] [--output table|json|csv]",
    )
    query.add_argument(
        "words",
        nargs="+",
        metavar="TARGET",
        help="a service, or a log group by name or ARN; before them the query, in one argument "
        f"(default: {DEFAULT_QUERY})",
    )
    query.add_argument("--since", metavar="TIME", default=DEFAULT_SINCE, help=f"{FORMS} (default: {DEFAULT_SINCE})")
    until = f"the end of the range (default: now); or name both in --since: {RANGES}"
    query.add_argument("--until", metavar="TIME", default="now", help=until)
    query.add_argument("--limit", type=row_limit, default=DEFAULT_LIMIT, metavar="N", help="rows (default: 1000)")
    query.add_argument("--output", choices=OUTPUTS, default="table", help="default: a table that fits the terminal")
    query.set_defaults(run=lazily("query", "run"))


def run(arguments: argparse.Namespace) -> int:
    """Ask, and print the rows. Ctrl-C ends the query at the service too."""
    try:
        return asyncio.run(_run(arguments, load_config()))
    except Invalid as error:
        complain(str(error))
        return EXIT_USAGE


async def _run(arguments: argparse.Namespace, config: Config) -> int:
    clock = SystemClock()
    spec = spec_of(arguments, clock.now_ms())
    teller = Teller(sys.stderr)
    try:
        async with LogsService(config, clock) as logs, logs.query(spec) as progress:
            last = await _awaited(progress, teller)
    except asyncio.CancelledError:
        teller.clear()
        complain("stopped: CloudWatch was told to end the query")
        raise
    finally:
        teller.clear()
    {"table": print_table, "json": print_json, "csv": print_csv}[arguments.output](last, sys.stdout)
    sys.stdout.flush()
    complain(summary(last, spec))
    return 0


def spec_of(arguments: argparse.Namespace, now_ms: int) -> QuerySpec:
    """What was asked for: a first word with a blank or a ``|`` in it is the query. Raises ``Invalid``."""
    words: list[str] = arguments.words
    query, targets = (words[0], words[1:]) if " " in words[0].strip() or "|" in words[0] else (DEFAULT_QUERY, words)
    if not targets:
        raise Invalid("target: name a service or a log group behind the query")
    start_ms, end_ms = parse_range(arguments.since, arguments.until, now_ms=now_ms)
    return QuerySpec(query=query, targets=tuple(targets), start_ms=start_ms, end_ms=end_ms, limit=arguments.limit)


async def _awaited(progress: AsyncIterator[QueryProgress], teller: Teller) -> QueryProgress:
    last = QueryProgress(state=QueryState.SCHEDULED)
    async for last in progress:
        teller.tell(last)
    return last


class Teller:
    """Progress on a terminal, on a line that is written over; elsewhere only what is wrong, once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._trouble: str | None = None
        self._shown = False

    def tell(self, progress: QueryProgress) -> None:
        """Show how far it is."""
        if progress.trouble != self._trouble:
            self._trouble = progress.trouble
            self.clear()
            complain(f"{self._trouble}; trying on" if self._trouble else "CloudWatch answers again")
        if self._terminal:
            text = fit(f"jinkies: {progress.state} · {figures(progress)}", shutil.get_terminal_size().columns - 1)
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()
            self._shown = True

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = False


def figures(progress: QueryProgress) -> str:
    """``12 of 3,400 records matched · 1.2 GB scanned · 4.2 s``."""
    matched = f"{progress.records_matched:,} of {progress.records_scanned:,} records matched"
    return f"{matched} · {size(progress.bytes_scanned)} scanned · {progress.elapsed_ms / 1000:.1f} s"


def summary(progress: QueryProgress, spec: QuerySpec) -> str:
    """What is said at the end: rows, whether they are all, figures, and what the scan costs where it costs a cent."""
    rows = number_of(len(progress.rows), "row")
    cut = f", cut at the limit of {spec.most_rows:,}: there may be more" if progress.cut else ""
    dollars = progress.bytes_scanned / _GB * USD_PER_GB
    cost = f" · about ${dollars:,.2f} at us-east-1's list price" if dollars >= 0.01 else ""
    return f"{rows}{cut} · {figures(progress)}{cost}"


def size(count: int) -> str:
    """``999 B``, ``1.2 MB``, ``3.4 GB``: decimal, as AWS counts what it bills."""
    for unit, bytes_ in (("GB", _GB), ("MB", 1_000_000), ("kB", 1_000)):
        if count >= bytes_:
            return f"{count / bytes_:,.1f} {unit}"
    return f"{count} B"


def print_table(progress: QueryProgress, stream: TextIO) -> None:
    """Aligned columns; on a terminal cut so that they fit."""
    if not progress.rows:
        return
    printer = Printer(stream)
    rows = [tuple(map(line, row)) for row in progress.rows]
    natural = [max(map(width, column)) for column in zip(progress.columns, *rows, strict=True)]
    if printer.terminal:
        widths = fitting(natural, shutil.get_terminal_size().columns)
    else:
        widths = [min(cells, WIDEST_PIPED) for cells in natural]
    printer.print(printer.paint(_row(progress.columns, widths, cut=printer.terminal), DIM))
    for row in rows:
        printer.print(_row(row, widths, cut=printer.terminal))


def fitting(natural: Sequence[int], cells: int) -> list[int]:
    """Widths of columns, two cells apart, in ``cells``: the widest give way first, none below ``NARROWEST``."""
    widths = list(natural)
    room = cells - 2 * (len(widths) - 1)
    low, high = NARROWEST, max(widths, default=NARROWEST)
    while low < high:  # the largest width that all can be held to
        middle = (low + high + 1) // 2
        low, high = (middle, high) if sum(min(one, middle) for one in widths) <= room else (low, middle - 1)
    return [min(one, low) for one in widths]


def _row(cells: Iterable[str], widths: Sequence[int], *, cut: bool) -> str:
    shown = (fit(cell, cells_) if cut else cell for cell, cells_ in zip(cells, widths, strict=True))
    return "  ".join(
        text + " " * max(0, cells_ - width(text)) for text, cells_ in zip(shown, widths, strict=True)
    ).rstrip()


def print_json(progress: QueryProgress, stream: TextIO) -> None:
    """One object a line."""
    for row in progress.rows:
        fields = {name: value for name, value in zip(progress.columns, row, strict=True) if value}
        stream.write(msgspec.json.encode(fields).decode() + "\n")


def print_csv(progress: QueryProgress, stream: TextIO) -> None:
    """RFC 4180, with a head line; on a terminal what would drive it is shown as symbols."""
    if not progress.columns:
        return
    held = io.StringIO()
    writer = csv.writer(held)
    writer.writerow(progress.columns)
    writer.writerows([map(line, row) for row in progress.rows] if stream.isatty() else progress.rows)
    stream.write(held.getvalue().replace("\r\n", "\n") if stream.isatty() else held.getvalue())
