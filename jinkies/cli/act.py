"""``jinkies ack``, ``resolve``, ``snooze`` …: deciding."""

from __future__ import annotations

import argparse

import msgspec

from jinkies.cli.many import decide_on_many
from jinkies.cli.output import line
from jinkies.cli.records import alert_record, encode
from jinkies.cli.session import with_operator
from jinkies.clock import SystemClock
from jinkies.commands import (
    Acknowledge,
    Assign,
    Comment,
    Merge,
    Reopen,
    Resolve,
    ShowCard,
    Snooze,
    Split,
    Undo,
)
from jinkies.config import Config
from jinkies.errors import Invalid
from jinkies.operator import Operator
from jinkies.reading.times import parse_time

Decision = Acknowledge | Resolve | Reopen | Snooze | Assign | Comment | Undo | Merge | Split | ShowCard
DAY_MS = 86_400_000


def ack(arguments: argparse.Namespace) -> int:
    """``jinkies ack ID``, ``jinkies ack --query QUERY``."""
    if arguments.query is not None:
        return decide_on_many(
            arguments,
            "acknowledge",
            lambda row: Acknowledge(alert_id=row.alert_id, seen_rev=row.decision_rev, note=arguments.note),
        )
    return _decide(Acknowledge(alert_id=arguments.alert_id, note=arguments.note), as_json=arguments.json)


def resolve(arguments: argparse.Namespace) -> int:
    """``jinkies resolve ID``, ``jinkies resolve --query QUERY``."""
    if arguments.query is not None:
        return decide_on_many(
            arguments,
            "resolve",
            lambda row: Resolve(alert_id=row.alert_id, seen_rev=row.decision_rev, note=arguments.note),
        )
    return _decide(Resolve(alert_id=arguments.alert_id, note=arguments.note), as_json=arguments.json)


def reopen(arguments: argparse.Namespace) -> int:
    """``jinkies reopen ID``, ``jinkies reopen --query QUERY``."""
    if arguments.query is not None:
        return decide_on_many(
            arguments,
            "reopen",
            lambda row: Reopen(alert_id=row.alert_id, seen_rev=row.decision_rev, note=arguments.note),
        )
    return _decide(Reopen(alert_id=arguments.alert_id, note=arguments.note), as_json=arguments.json)


def snooze(arguments: argparse.Namespace) -> int:
    """``jinkies snooze ID --for 2h --times 5``, ``jinkies snooze --query QUERY --for 2h``."""
    until_ms = snooze_end(arguments.span, arguments.until, SystemClock().now_ms())
    if until_ms is None and arguments.times is None:
        raise Invalid("say until when: --for 2h, --until 13:10 or --times 5")
    command = Snooze(
        alert_id=arguments.alert_id or 0, until_ms=until_ms, occurrences=arguments.times, note=arguments.note
    )
    if arguments.query is not None:
        return decide_on_many(
            arguments,
            "snooze",
            lambda row: msgspec.structs.replace(command, alert_id=row.alert_id, seen_rev=row.decision_rev),
        )
    return _decide(command, as_json=arguments.json)


def snooze_end(span: str | None, until: str | None, now_ms: int) -> int | None:
    """When a snooze ends, milliseconds since the epoch; None when neither is given. Raises ``Invalid``."""
    if span is not None and until is not None:
        raise Invalid("--for and --until: give one of them")
    if span is not None:
        return now_ms + (now_ms - parse_time(span, now_ms=now_ms, name="--for"))
    if until is None:
        return None
    at_ms = parse_time(until, now_ms=now_ms, name="--until")
    return at_ms + DAY_MS if at_ms <= now_ms and ":" in until and "-" not in until else at_ms


def assign(arguments: argparse.Namespace) -> int:
    """``jinkies assign ID NAME``."""
    command = Assign(alert_id=arguments.alert_id, to=arguments.to, note=arguments.note)
    return _decide(command, as_json=arguments.json)


def comment(arguments: argparse.Namespace) -> int:
    """``jinkies comment ID TEXT``."""
    return _decide(Comment(alert_id=arguments.alert_id, text=arguments.text), as_json=arguments.json)


def undo(arguments: argparse.Namespace) -> int:
    """``jinkies undo ID``."""
    return _decide(Undo(alert_id=arguments.alert_id), as_json=arguments.json)


def card(arguments: argparse.Namespace) -> int:
    """``jinkies card ID``."""
    return _decide(ShowCard(alert_id=arguments.alert_id), as_json=arguments.json)


def merge(arguments: argparse.Namespace) -> int:
    """``jinkies merge ID INTO``."""
    command = Merge(alert_id=arguments.alert_id, into=arguments.into, note=arguments.note)
    return _decide(command, as_json=arguments.json)


def split(arguments: argparse.Namespace) -> int:
    """``jinkies split ID``."""
    return _decide(Split(alert_id=arguments.alert_id, note=arguments.note), as_json=arguments.json)


def _decide(command: Decision, *, as_json: bool) -> int:
    async def call(_config: Config, operator: Operator) -> int:
        outcome = await operator.execute(command)
        if as_json:
            print(encode(alert_record((await operator.alert(command.alert_id)).row, SystemClock().now_ms())))
        else:
            print(f"#{command.alert_id} {line(outcome.reason)}")
        return 0

    return with_operator(call)
