"""``jinkies alerts`` and ``jinkies alert``: reading."""

from __future__ import annotations

import argparse

import msgspec

from jinkies.cards import MARKS, card
from jinkies.cli.output import (
    BOLD,
    DIM,
    SEVERITY_COLOURS,
    STATE_COLOURS,
    Cell,
    Printer,
    ago,
    block,
    complain,
    line,
    moment,
)
from jinkies.cli.records import ExplainRecord, alert_record, detail_record, encode
from jinkies.cli.session import with_operator
from jinkies.clock import SystemClock
from jinkies.config import Config
from jinkies.model import AlertDetail, AlertQuery, AlertRow, Rule, State
from jinkies.operator import Operator
from jinkies.priority import priority
from jinkies.query import Filter, parse

PAGE = 500  # the most that one query answers

_HEADS = ("ID", "SEVERITY", "STATE", "SERVICE", "ENVIRONMENT", "COUNT", "LAST SEEN", "TITLE")


_RULES = {
    Rule.OWN: "the sender's own fingerprint",
    Rule.FRAMES: "exception type and in-app frames",
    Rule.MESSAGE: "exception type and masked message",
}


def list_alerts(arguments: argparse.Namespace) -> int:
    """``jinkies alerts``."""
    query = wanted_alerts(arguments).query()

    async def call(_config: Config, operator: Operator) -> int:
        rows, more = await _collect(operator, query, arguments.limit)
        if arguments.json:
            now_ms = SystemClock().now_ms()
            for row in rows:
                print(encode(alert_record(row, now_ms)))
            return 0
        if rows:
            _print_rows(rows)
        else:
            complain("no alerts match")
        if more:
            complain(f"there are more than these {len(rows)}: --limit N shows more")
        return 0

    return with_operator(call)


def show_alert(arguments: argparse.Namespace) -> int:
    """``jinkies alert ID``."""

    async def call(_config: Config, operator: Operator) -> int:
        detail = await operator.alert(arguments.alert_id)
        if arguments.explain:
            _explain(detail, as_json=arguments.json)
        elif arguments.json:
            print(encode(detail_record(detail, SystemClock().now_ms())))
        else:
            _print_detail(detail)
        return 0

    return with_operator(call)


def wanted_alerts(arguments: argparse.Namespace) -> Filter:
    """The query of a command line: its words, and the options, which win. Raises ``Invalid``."""
    found = parse(" ".join(arguments.query), now_ms=SystemClock().now_ms())
    states = () if arguments.state and set(arguments.state) == set(State) else arguments.state
    options = {"states": states, "service": arguments.service, "severity": arguments.severity}
    changes: dict[str, object] = {field: given for field, given in options.items() if given is not None}
    if arguments.search:
        added = parse(arguments.search, now_ms=0) if arguments.search.startswith("#") else None
        if added is not None and added.ids:
            changes["ids"] = (*found.ids, *added.ids)
        else:
            changes["search"] = f"{found.search} {arguments.search}".strip()
    return msgspec.structs.replace(found, **changes)


def _explain(detail: AlertDetail, *, as_json: bool) -> None:
    """Why the occurrences are one alert: what the fingerprint was made of."""
    grouping = detail.first.grouping
    if as_json:
        print(encode(ExplainRecord(id=str(detail.row.alert_id), fingerprint=detail.fingerprint, grouping=grouping)))
        return
    printer, row = Printer(), detail.row
    printer.print(f"#{row.alert_id} {line(row.title)}  ×{row.count:,}")
    printer.print(f"fingerprint {detail.fingerprint}")
    if grouping is None:
        printer.print("it was opened before reasons were kept")
        return
    printer.print(
        f"within service {line(row.service)} and environment {line(row.environment)}, by {_RULES[grouping.rule]}:"
    )
    for part in grouping.parts:
        printer.print(f"  {line(part)}" if part else "  (no exception type)")
    if grouping.refined_by:
        printer.print(f"and by the sender's own: {line(grouping.refined_by)}")
    printer.print(f"version {grouping.version} of the rules")


async def _collect(operator: Operator, query: AlertQuery, limit: int) -> tuple[list[AlertRow], bool]:
    """At most ``limit`` rows, page by page, and whether there are more."""
    rows: list[AlertRow] = []
    cursor: str | None = None
    while len(rows) < limit:
        page = await operator.alerts(msgspec.structs.replace(query, limit=min(PAGE, limit - len(rows)), cursor=cursor))
        rows.extend(page.rows)
        cursor = page.next_cursor
        if cursor is None:
            break
    return rows, cursor is not None


def _print_rows(rows: list[AlertRow]) -> None:
    printer, now_ms = Printer(), SystemClock().now_ms()
    table = [
        (
            Cell(f"#{row.alert_id}", BOLD),
            Cell(f"{MARKS[row.severity]} {row.severity}", SEVERITY_COLOURS[row.severity]),
            Cell(row.state, STATE_COLOURS[row.state]),
            Cell(line(row.service)),
            Cell(line(row.environment), DIM),
            Cell(f"×{row.count}"),
            Cell(ago(row.last_seen_at_ms, now_ms), DIM),
            Cell(line(row.title)),
        )
        for row in rows
    ]
    printer.table(_HEADS, table)


def _print_detail(detail: AlertDetail) -> None:
    printer, now_ms, shown = Printer(), SystemClock().now_ms(), card(detail)
    row = detail.row
    printer.print(
        f"{printer.paint(shown.mark, SEVERITY_COLOURS[row.severity])} "
        f"{printer.paint(f'#{row.alert_id} {line(shown.title)}', BOLD)}"
    )
    printer.print(f"{row.severity} · {line(shown.status)} · {line(shown.summary)}")
    how_soon = priority(row, now_ms)
    printer.print(f"priority {how_soon.level.word}: {line(how_soon.reason)}")
    printer.print(
        f"first seen {moment(row.first_seen_at_ms)} ({ago(row.first_seen_at_ms, now_ms)}), "
        f"last seen {moment(row.last_seen_at_ms)} ({ago(row.last_seen_at_ms, now_ms)})"
    )
    facts = [(field.name, f"{field.value} · {field.note}" if field.note else field.value) for field in shown.fields]
    if row.parts:
        facts.append(("Merged into it", " ".join(f"#{part}" for part in row.parts)))
    facts.extend(detail.latest.context.items())
    printer.print()
    printer.table((), [(Cell(line(name), DIM), Cell(line(value))) for name, value in facts])
    for title, text in (("Stack trace", shown.stack), ("Logs", shown.logs)):
        if text:
            _heading(printer, title)
            printer.print(block(text))
    _print_history(printer, detail)


def _print_history(printer: Printer, detail: AlertDetail) -> None:
    if detail.deliveries:
        _heading(printer, "Discord")
        rows = [
            (
                Cell(f"channel {line(delivery.channel_id)}"),
                Cell(delivery.kind),
                Cell(delivery.state if delivery.in_step else f"{delivery.state}, behind"),
                Cell(line(delivery.error or "")),
            )
            for delivery in detail.deliveries
        ]
        printer.table((), rows, indent="  ")
    _heading(printer, "Timeline")
    entries = [(Cell(moment(entry.at_ms), DIM), Cell(line(entry.text))) for entry in detail.timeline]
    printer.table((), entries, indent="  ")


def _heading(printer: Printer, text: str) -> None:
    printer.print()
    printer.print(printer.paint(text, BOLD))
