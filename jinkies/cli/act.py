"""``jinkies ack``, ``resolve``, ``snooze``, ``pr`` …: deciding and asking."""

from __future__ import annotations

import argparse
import asyncio

import msgspec

from jinkies.app import carry_out_pull_request
from jinkies.cli.many import decide_on_many
from jinkies.cli.output import complain, line
from jinkies.cli.records import alert_record, encode
from jinkies.cli.session import with_operator
from jinkies.clock import SystemClock
from jinkies.commands import (
    Acknowledge,
    Assign,
    Comment,
    CreatePullRequest,
    Merge,
    Reopen,
    Resolve,
    Snooze,
    Split,
    Undo,
)
from jinkies.config import Config
from jinkies.errors import Disconnected, Invalid, NotConfigured, ResyncNeeded, UpstreamError
from jinkies.events import JournalEntry
from jinkies.model import AlertRow, PartState, WorkState
from jinkies.operator import Hosting, Operator
from jinkies.reading.times import parse_time

Decision = Acknowledge | Resolve | Reopen | Snooze | Assign | Comment | Undo | Merge | Split
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


def pull_request(arguments: argparse.Namespace) -> int:
    """``jinkies pr ID``: print the address of the draft, or say why there is none and return 1."""
    command = CreatePullRequest(
        alert_id=arguments.alert_id, title=arguments.title, base_branch=arguments.base, notes=arguments.notes
    )

    async def call(config: Config, operator: Operator) -> int:
        await _refuse_unconfigured(config, operator, command.alert_id)
        outcome = await operator.execute(command)
        if arguments.no_wait:
            row = (await operator.alert(command.alert_id)).row
            print(
                encode(alert_record(row, SystemClock().now_ms()))
                if arguments.json
                else f"#{command.alert_id} {line(outcome.reason)}"
            )
            return 0
        if operator.hosting is Hosting.EMBEDDED:
            await carry_out_pull_request(operator, command.alert_id)  # no core runs, so nobody else does the work
        row = await _settled(operator, command.alert_id, arguments.timeout)
        return _report(row, as_json=arguments.json)

    return with_operator(call)


async def _refuse_unconfigured(config: Config, operator: Operator, alert_id: int) -> None:
    """Nobody would carry it out: say so now, unless the pull request is there already."""
    asked = (await operator.alert(alert_id)).row.pull_request
    if asked is not None and asked.state is WorkState.DONE:
        return
    missing = config.github.missing()
    if operator.hosting is Hosting.ATTACHED:  # what counts is the core's configuration, which may not be ours
        health = (await operator.snapshot()).health
        missing = next(
            (one.detail for one in health if one.part == "github" and one.state is PartState.UNCONFIGURED), None
        )
    if missing is not None:
        raise NotConfigured(f"GitHub is not configured: {missing}")


async def _settled(operator: Operator, alert_id: int, timeout_s: float) -> AlertRow:
    """The alert once its pull request is there or has failed."""
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    return await _follow(operator, alert_id)
                except ResyncNeeded:  # too slow, or compacted: look again at what is there
                    continue
    except TimeoutError:
        what = f"no pull request for #{alert_id} within {timeout_s:g} s; it is still asked for"
        raise UpstreamError(f"{what}: see `jinkies alert {alert_id}`", retry=True) from None


async def _follow(operator: Operator, alert_id: int) -> AlertRow:
    """Position first, then the alert, then everything after the position: nothing falls in between."""
    position = (await operator.snapshot()).position
    row = (await operator.alert(alert_id)).row
    if _is_settled(row):
        return row
    async with operator.subscribe(position) as updates:
        async for update in updates:
            if isinstance(update, JournalEntry) and update.alert_id == alert_id and update.alert is not None:
                row = update.alert
                if _is_settled(row):
                    return row
    raise Disconnected("the core went away while its answer was awaited")


def _is_settled(row: AlertRow) -> bool:
    return row.pull_request is not None and row.pull_request.state is not WorkState.REQUESTED


def _report(row: AlertRow, *, as_json: bool) -> int:
    asked = row.pull_request
    if asked is None or asked.state is not WorkState.DONE:
        complain(f"no pull request for #{row.alert_id}: {(asked and asked.error) or 'unknown reason'}")
        return 1
    print(encode(alert_record(row, SystemClock().now_ms())) if as_json else line(asked.url or ""))
    return 0
