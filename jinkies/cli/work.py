"""``jinkies pr`` and ``jinkies issue``: asking for work on GitHub, and waiting for it."""

from __future__ import annotations

import argparse
import asyncio
from enum import StrEnum

from jinkies.app import carry_out_work
from jinkies.cli.output import complain, line
from jinkies.cli.records import alert_record, encode
from jinkies.cli.session import with_operator
from jinkies.clock import SystemClock
from jinkies.commands import CreateIssue, CreatePullRequest
from jinkies.config import Config
from jinkies.errors import Disconnected, NotConfigured, ResyncNeeded, UpstreamError
from jinkies.events import JournalEntry
from jinkies.model import AlertRow, Issue, PartState, PullRequest, WorkState
from jinkies.operator import Hosting, Operator


class _Work(StrEnum):
    """What is asked for, as people call it."""

    PULL_REQUEST = "pull request"
    ISSUE = "issue"

    def of(self, row: AlertRow) -> PullRequest | Issue | None:
        """The alert's."""
        return row.pull_request if self is _Work.PULL_REQUEST else row.issue

    def is_settled(self, row: AlertRow) -> bool:
        """It is there, or it has failed."""
        asked = self.of(row)
        return asked is not None and asked.state is not WorkState.REQUESTED


def pull_request(arguments: argparse.Namespace) -> int:
    """``jinkies pr ID``: print the address of the draft, or say why there is none and return 1."""
    command = CreatePullRequest(
        alert_id=arguments.alert_id, title=arguments.title, base_branch=arguments.base, notes=arguments.notes
    )
    return _ask(arguments, command, _Work.PULL_REQUEST)


def issue(arguments: argparse.Namespace) -> int:
    """``jinkies issue ID``: print the address of the issue, or say why there is none and return 1."""
    command = CreateIssue(alert_id=arguments.alert_id, title=arguments.title, notes=arguments.notes)
    return _ask(arguments, command, _Work.ISSUE)


def _ask(arguments: argparse.Namespace, command: CreatePullRequest | CreateIssue, work: _Work) -> int:
    async def call(config: Config, operator: Operator) -> int:
        await _refuse_unconfigured(config, operator, command.alert_id, work)
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
            await carry_out_work(operator, command.alert_id)  # no core runs, so nobody else does the work
        row = await _settled(operator, command.alert_id, work, arguments.timeout)
        return _report(row, work, as_json=arguments.json)

    return with_operator(call)


async def _refuse_unconfigured(config: Config, operator: Operator, alert_id: int, work: _Work) -> None:
    """Nobody would carry it out: say so now, unless it is there already."""
    asked = work.of((await operator.alert(alert_id)).row)
    if asked is not None and asked.stands:
        return
    missing = config.github.missing()
    if operator.hosting is Hosting.ATTACHED:  # what counts is the core's configuration, which may not be ours
        health = (await operator.snapshot()).health
        missing = next(
            (one.detail for one in health if one.part == "github" and one.state is PartState.UNCONFIGURED), None
        )
    if missing is not None:
        raise NotConfigured(f"GitHub is not configured: {missing}")


async def _settled(operator: Operator, alert_id: int, work: _Work, timeout_s: float) -> AlertRow:
    """The alert once the work is there or has failed."""
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    return await _follow(operator, alert_id, work)
                except ResyncNeeded:  # too slow, or compacted: look again at what is there
                    continue
    except TimeoutError:
        what = f"no {work} for #{alert_id} within {timeout_s:g} s; it is still asked for"
        raise UpstreamError(f"{what}: see `jinkies alert {alert_id}`", retry=True) from None


async def _follow(operator: Operator, alert_id: int, work: _Work) -> AlertRow:
    """Position first, then the alert, then everything after the position: nothing falls in between."""
    position = (await operator.snapshot()).position
    row = (await operator.alert(alert_id)).row
    if work.is_settled(row):
        return row
    async with operator.subscribe(position) as updates:
        async for update in updates:
            if isinstance(update, JournalEntry) and update.alert_id == alert_id and update.alert is not None:
                row = update.alert
                if work.is_settled(row):
                    return row
    raise Disconnected("the core went away while its answer was awaited")


def _report(row: AlertRow, work: _Work, *, as_json: bool) -> int:
    asked = work.of(row)
    if asked is None or asked.state is not WorkState.DONE:
        complain(f"no {work} for #{row.alert_id}: {(asked and asked.error) or 'unknown reason'}")
        return 1
    print(encode(alert_record(row, SystemClock().now_ms())) if as_json else line(asked.url or ""))
    return 0
