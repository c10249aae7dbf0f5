"""``jinkies silence``, ``silences`` and ``unsilence``.

JSON is one object a line: ``id``, ``matchers`` (as they are typed), ``reason``, ``by``, ``from`` and
``until`` (ISO 8601, UTC).
"""

from __future__ import annotations

import argparse

import msgspec

from jinkies.cli.act import snooze_end
from jinkies.cli.output import DIM, Cell, Printer, line
from jinkies.cli.records import encode
from jinkies.cli.session import with_operator
from jinkies.clock import SystemClock, iso
from jinkies.commands import EndSilence, StartSilence
from jinkies.config import Config
from jinkies.errors import Invalid
from jinkies.matching import Silence, parse_matchers
from jinkies.operator import Operator


class SilenceRecord(msgspec.Struct, frozen=True, kw_only=True, rename={"begin": "from"}):
    """A silence as JSON."""

    id: int
    matchers: str
    reason: str
    by: str
    begin: str
    until: str


def silence(arguments: argparse.Namespace) -> int:
    """``jinkies silence service=api --for 2h --reason deploying``."""
    matchers = parse_matchers(" ".join(arguments.matchers))
    now_ms = SystemClock().now_ms()

    async def preview(_config: Config, operator: Operator) -> int:
        caught = await operator.matching(matchers)
        for row in caught:
            print(f"#{row.alert_id} {line(row.service)} {line(row.title)} ×{row.count:,}")
        print(f"{len(caught)} of the newest alerts match")
        return 0

    if arguments.preview:
        return with_operator(preview)
    starts_at_ms = snooze_end(None, arguments.begin, now_ms)
    ends_at_ms = snooze_end(arguments.span, arguments.until, now_ms)
    if ends_at_ms is None:
        raise Invalid("say until when: --for 2h or --until 13:10")
    if starts_at_ms is not None and arguments.span is not None:
        ends_at_ms += starts_at_ms - now_ms
    command = StartSilence(matchers=matchers, ends_at_ms=ends_at_ms, starts_at_ms=starts_at_ms, reason=arguments.reason)

    async def start(_config: Config, operator: Operator) -> int:
        outcome = await operator.execute(command)
        started = next(one for one in (await operator.snapshot()).silences if one.silence_id == outcome.silence_id)
        if arguments.json:
            print(encode(_record(started)))
        else:
            print(f"{outcome.silence_id} {line(outcome.reason)}, until {_minute(started.ends_at_ms)}")
        return 0

    return with_operator(start)


def list_silences(arguments: argparse.Namespace) -> int:
    """``jinkies silences``."""

    async def call(_config: Config, operator: Operator) -> int:
        silences = (await operator.snapshot()).silences
        if arguments.json:
            for one in silences:
                print(encode(_record(one)))
            return 0
        if not silences:
            print("nothing is silenced")
            return 0
        rows = [_cells(one) for one in silences]
        Printer().table(("id", "matchers", "from", "until", "by", "reason"), rows)
        return 0

    return with_operator(call)


def end(arguments: argparse.Namespace) -> int:
    """``jinkies unsilence ID``."""

    async def call(_config: Config, operator: Operator) -> int:
        outcome = await operator.execute(EndSilence(silence_id=arguments.silence_id))
        print(line(outcome.reason))
        return 0

    return with_operator(call)


def _cells(one: Silence) -> tuple[Cell, ...]:
    return (
        Cell(str(one.silence_id)),
        Cell(line(one.text)),
        Cell(_minute(one.starts_at_ms), DIM),
        Cell(_minute(one.ends_at_ms)),
        Cell(line(one.started_by.name)),
        Cell(line(one.reason)),
    )


def _record(one: Silence) -> SilenceRecord:
    return SilenceRecord(
        id=one.silence_id,
        matchers=one.text,
        reason=one.reason,
        by=one.started_by.name,
        begin=iso(one.starts_at_ms),
        until=iso(one.ends_at_ms),
    )


def _minute(at_ms: int) -> str:
    return f"{iso(at_ms)[:16].replace('T', ' ')} UTC"
