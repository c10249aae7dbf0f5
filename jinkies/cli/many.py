"""``jinkies ack --query …`` and its like: shows what it will touch, asks once, decides on all of it.

What it will touch goes to stderr, what came of it to stdout. Exit codes: 0 done, also when nothing matches; 1 declined,
or some were refused; 2 it was not said yes and nobody could be asked. JSON is one object an alert: ``id``, ``changed``,
``refused``, ``reason``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import msgspec

from jinkies.bulk import BULK_LIMIT, counted, done, touched
from jinkies.cards import MARKS
from jinkies.cli.output import BOLD, DIM, SEVERITY_COLOURS, STATE_COLOURS, Cell, Printer, ago, complain, line
from jinkies.cli.records import encode
from jinkies.cli.session import with_operator
from jinkies.clock import SystemClock
from jinkies.commands import Acknowledge, Bulk, Outcome, Reopen, Resolve, Snooze
from jinkies.config import Config
from jinkies.model import AlertPage, AlertRow
from jinkies.operator import Operator
from jinkies.query import parse

EXIT_FAILED = 1
EXIT_USAGE = 2
SHOWN = 10  # of the alerts it will touch

Item = Acknowledge | Resolve | Reopen | Snooze


class ItemRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one alert."""

    id: str
    changed: bool
    refused: str
    reason: str


def decide_on_many(arguments: argparse.Namespace, verb: str, decision: Callable[[AlertRow], Item]) -> int:
    """Decide on all that a query means. ``verb`` is what is asked: "acknowledge"."""
    page = _page(arguments.query)
    if not page.rows:
        complain("no alerts match")
        return 0
    _show(page)
    if not arguments.yes and (refused := _asked(verb, len(page.rows))):
        return refused
    command = Bulk(items=tuple(decision(row) for row in page.rows))
    return with_operator(lambda _config, operator: _carry_out(operator, command, as_json=arguments.json))


def _page(text: str) -> AlertPage:
    query = parse(text, now_ms=SystemClock().now_ms()).query(limit=BULK_LIMIT)
    found: list[AlertPage] = []

    async def call(_config: Config, operator: Operator) -> int:
        found.append(await operator.alerts(query))
        return 0

    with_operator(call)  # and let go of it: who is asked may take an hour to answer
    return found[0]


def _show(page: AlertPage) -> None:
    printer, now_ms, what = Printer(sys.stderr), SystemClock().now_ms(), touched(page.rows)
    printer.print(
        f"{what.count:,} alert{'s' if what.count != 1 else ''}: {counted(what.states)} · {line(counted(what.services))}"
    )
    rows = [
        (
            Cell(f"#{row.alert_id}", BOLD),
            Cell(f"{MARKS[row.severity]} {row.severity}", SEVERITY_COLOURS[row.severity]),
            Cell(row.state, STATE_COLOURS[row.state]),
            Cell(line(row.service)),
            Cell(f"×{row.count}"),
            Cell(ago(row.last_seen_at_ms, now_ms), DIM),
            Cell(line(row.title)),
        )
        for row in page.rows[:SHOWN]
    ]
    printer.table((), rows, indent="  ")
    if what.count > SHOWN:
        printer.print(f"  and {what.count - SHOWN:,} more")
    if page.next_cursor is not None:
        printer.print(f"more than {BULK_LIMIT} match: these are the newest {BULK_LIMIT}")


def _asked(verb: str, count: int) -> int:
    """0 for yes, else the exit code."""
    if not sys.stdin.isatty():
        complain(f"nothing was done: say --yes to {verb} {'it' if count == 1 else 'them'}")
        return EXIT_USAGE
    print(f"{verb} {'it' if count == 1 else f'these {count:,}'}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return 0
    complain("nothing was done")
    return EXIT_FAILED


async def _carry_out(operator: Operator, command: Bulk, *, as_json: bool) -> int:
    outcome = await operator.execute(command)
    result = done(outcome)
    if as_json:
        for one in outcome.items:
            print(encode(_record(one)))
    else:
        for alert_id, reason in result.refused:
            print(f"#{alert_id} refused: {line(reason)}")
        print(result.words)
    return EXIT_FAILED if result.refused else 0


def _record(one: Outcome) -> ItemRecord:
    return ItemRecord(id=str(one.alert_id or ""), changed=one.changed, refused=one.refused, reason=one.reason)
