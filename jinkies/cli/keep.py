"""``jinkies stats``, ``jinkies backup``, ``jinkies restore`` and ``jinkies export``."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import msgspec

from jinkies.cli.output import BOLD, DIM, Cell, Printer, complain, line
from jinkies.cli.parser import Parser, Subparsers, lazily
from jinkies.cli.records import AlertDetailRecord, OccurrenceRecord, detail_record, encode, occurrence_record
from jinkies.cli.session import with_operator
from jinkies.clock import SystemClock
from jinkies.config import Config, load_config
from jinkies.errors import StoreFailed
from jinkies.operator import Operator
from jinkies.query import parse
from jinkies.reading.times import FORMS, parse_range
from jinkies.stats import Span, Stats, StatsQuery, took_text
from jinkies.words import number_of

PAGE = 500
BAR = 30  # cells


def add_parsers(subparsers: Subparsers[Parser]) -> None:
    """The subcommands of this module."""
    stats_ = subparsers.add_parser("stats", help="how fast people act, what happens where, what is noisy")
    stats_.add_argument("--since", default="30d", metavar="TIME", help=f"{FORMS} (default: 30d)")
    stats_.add_argument("--until", default="now", metavar="TIME", help="likewise (default: now)")
    stats_.add_argument("--service", metavar="NAME")
    stats_.add_argument("--json", action="store_true", help="one JSON object")
    stats_.set_defaults(run=lazily("keep", "stats"))
    backup_ = subparsers.add_parser("backup", help="copy the database while the core runs, and check the copy")
    backup_.add_argument("file", type=Path, metavar="FILE")
    backup_.add_argument("--force", action="store_true", help="replace FILE if it is there")
    backup_.set_defaults(run=lazily("keep", "backup"))
    restore_ = subparsers.add_parser(
        "restore",
        help="put a backup in the database's place",
        description="Put a backup in the database's place, while no core runs. The old database stays beside it. Cards"
        " that were posted by then are kept, and those of unresolved alerts get buttons that work; what was not posted"
        " by then counts as told. What happened since the backup is not in it: alerts that were opened since keep"
        " their numbers to themselves, and their cards say that they are of another database.",
    )
    restore_.add_argument("file", type=Path, metavar="FILE", help="as jinkies backup made it")
    restore_.set_defaults(run=lazily("keep", "restore"))
    export_ = subparsers.add_parser(
        "export", help="every alert with its kept occurrences and its timeline, one JSON object a line"
    )
    export_.add_argument("query", nargs="*", metavar="QUERY", help="as for alerts; of all states if it names none")
    export_.add_argument("--since", metavar="TIME", help=f"last seen since: {FORMS}")
    export_.set_defaults(run=lazily("keep", "export"))


def stats(arguments: argparse.Namespace) -> int:
    """``jinkies stats``."""
    since_ms, until_ms = parse_range(arguments.since, arguments.until, now_ms=SystemClock().now_ms())
    query = StatsQuery(since_ms=since_ms, until_ms=until_ms, service=arguments.service)

    async def call(_config: Config, operator: Operator) -> int:
        found = await operator.stats(query)
        if arguments.json:
            print(encode(found))
        else:
            _print_stats(found)
        return 0

    return with_operator(call)


def backup(arguments: argparse.Namespace) -> int:
    """``jinkies backup``."""
    from jinkies.store.backup import back_up

    made = back_up(load_config().database_path, arguments.file, force=arguments.force)
    counts = made.counts
    print(
        f"{line(str(arguments.file))}: {made.size_bytes:,} bytes, checked;"
        f" {counts.unresolved:,} unresolved alerts, {counts.resolved:,} resolved, journal up to {made.seq:,}"
    )
    return 0


def restore(arguments: argparse.Namespace) -> int:
    """``jinkies restore``."""
    from jinkies.app import hold_lock, prepare_home
    from jinkies.store.restore import restore as put_in_place

    config = load_config()
    prepare_home(config)
    with hold_lock(config.lock_path):
        made = asyncio.run(put_in_place(arguments.file, config.database_path, now_ms=SystemClock().now_ms()))
    counts = made.counts
    print(
        f"{line(str(arguments.file))}: checked and put in place; {counts.unresolved:,} unresolved alerts,"
        f" {counts.resolved:,} resolved; the next is #{made.next_alert_id}"
    )
    if made.edited or made.untold:
        print(
            f"Discord: {made.edited:,} cards get new buttons; {made.untold:,} messages that were not posted by then"
            " count as told"
        )
    if made.aside is not None:
        print(f"the database that was there: {line(str(made.aside))}")
    return 0


class ExportRecord(AlertDetailRecord, frozen=True, kw_only=True):
    """An alert as ``jinkies export`` prints it."""

    occurrences: tuple[OccurrenceRecord, ...]  # those that are kept, oldest first; ``count`` says how many there were


def export(arguments: argparse.Namespace) -> int:
    """``jinkies export``."""
    words = [*arguments.query, *([f'since:"{arguments.since}"'] if arguments.since else [])]
    now_ms = SystemClock().now_ms()
    query = parse(" ".join(words), now_ms=now_ms, states=()).query(limit=PAGE)
    path = load_config().database_path
    if not path.exists():
        raise StoreFailed(f"there is no database at {path}")

    async def run() -> int:
        from jinkies.store.reader import open_moment

        exported, wanted = 0, query
        async with open_moment(path) as reader:
            while True:
                page = await reader.alerts(wanted)
                for row in page.rows:
                    detail = await reader.alert(row.alert_id)
                    kept = tuple(occurrence_record(one) for one in await reader.occurrences(row.alert_id))
                    shown = msgspec.structs.asdict(detail_record(detail, now_ms=now_ms))
                    print(encode(ExportRecord(**shown, occurrences=kept)))
                exported += len(page.rows)
                if page.next_cursor is None:
                    break
                wanted = msgspec.structs.replace(wanted, cursor=page.next_cursor)
        complain(f"{number_of(exported, 'alert')} exported")
        return 0

    return asyncio.run(run())


def _print_stats(found: Stats) -> None:
    printer = Printer()
    facts = (
        ("opened", f"{found.opened:,}"),
        ("occurrences", f"{found.occurrences:,}"),
        ("to acknowledge", _span(found.to_acknowledge)),
        ("to resolve", _span(found.to_resolve)),
        ("secrets cut", _secrets(found.secrets)),
    )
    printer.table((), [(Cell(name, DIM), Cell(text)) for name, text in facts])
    most = max((day.opened for day in found.days), default=0)
    printer.print()
    rows = [
        (Cell(day.day, DIM), Cell(f"{day.opened:,}"), Cell(f"{day.occurrences:,}"), Cell(_bar(day.opened, most)))
        for day in found.days
    ]
    printer.table(("DAY (UTC)", "OPENED", "OCCURRENCES", ""), rows)
    if found.services:
        printer.print()
        printer.table(
            ("SERVICE", "OPENED", "UNRESOLVED", "OCCURRENCES"),
            [
                (
                    Cell(line(one.service)),
                    Cell(f"{one.opened:,}"),
                    Cell(f"{one.unresolved:,}"),
                    Cell(f"{one.occurrences:,}"),
                )
                for one in found.services
            ],
        )
    if found.noisy:
        printer.print()
        printer.table(
            ("NOISY", "OCCURRENCES", "STATE", "SERVICE", "TITLE"),
            [
                (
                    Cell(f"#{one.alert_id}", BOLD),
                    Cell(f"×{one.occurrences:,}"),
                    Cell(one.state or "deleted"),
                    Cell(line(one.service)),
                    Cell(line(one.title)),
                )
                for one in found.noisy
            ],
        )


def _bar(count: int, most: int) -> str:
    return "▇" * round(count / most * BAR) if most else ""


def _secrets(cut: dict[str, int]) -> str:
    kinds = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in cut.items())
    return f"{sum(cut.values()):,}{f': {kinds}' if kinds else ''}"


def _span(span: Span) -> str:
    if span.median_ms is None or span.p90_ms is None:
        return "none was"
    mean = f"mean {took_text(span.mean_ms)}, " if span.mean_ms is not None else ""
    return f"{mean}median {took_text(span.median_ms)}, 90% within {took_text(span.p90_ms)}, of {span.count:,}"
