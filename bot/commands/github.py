"""``/create-pr`` and ``/create-issue``: asked for at once, then told what GitHub made of it."""

from __future__ import annotations

import interactions
import msgspec

from bot.answers import Reply, Seen
from bot.commands import options
from bot.commands.desk import Desk
from bot.commands.wiring import Call, slash
from bot.render import linked_message
from jinkies.commands import CreateIssue, CreatePullRequest
from jinkies.model import AlertRow, Issue, PullRequest, WorkState
from jinkies.permissions import Permission

TITLE_LIMIT = 256  # characters of a title (as the core bounds them)
BRANCH_LIMIT = 255  # characters of a branch's name (as the core bounds them)
NOTES_LIMIT = 4_000  # characters; Discord takes up to 6,000 of an option
WAIT_S = 120.0  # for GitHub; what takes longer shows on the card


class _Options(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    title: str = ""
    base_branch: str | None = None
    fix_notes: str = ""


def install(client: interactions.Client, desk: Desk) -> None:
    """Give a client the commands."""
    github = _GitHub(desk)
    title = options.text("title", "Default: made from the alert", most=TITLE_LIMIT)
    complete = options.complete_alert(desk)
    slash(
        client,
        desk,
        "create-pr",
        "Open a draft pull request with the incident's report",
        github.pull_request,
        options=[
            options.alert_id(),
            options.text("base_branch", "Default: the configured base branch", most=BRANCH_LIMIT),
            options.text("fix_notes", "What to look at, for the reviewer", most=NOTES_LIMIT),
            title,
        ],
        completes=complete,
        needs=Permission.CREATE,
        limit_s=WAIT_S + 30.0,
    )
    slash(
        client,
        desk,
        "create-issue",
        "Open a GitHub issue with the alert's context",
        github.issue,
        options=[options.alert_id(), title, options.text("fix_notes", "What you found", most=NOTES_LIMIT)],
        completes=complete,
        needs=Permission.CREATE,
        limit_s=WAIT_S + 30.0,
    )


class _GitHub:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def pull_request(self, call: Call) -> Reply:
        asked = call.read(_Options)
        command = CreatePullRequest(
            alert_id=options.read_alert_id(asked.id),
            title=asked.title.strip(),
            base_branch=(asked.base_branch or "").strip() or None,
            notes=asked.fix_notes.strip(),
        )
        return await self._ask(call, command)

    async def issue(self, call: Call) -> Reply:
        asked = call.read(_Options)
        command = CreateIssue(
            alert_id=options.read_alert_id(asked.id), title=asked.title.strip(), notes=asked.fix_notes.strip()
        )
        return await self._ask(call, command)

    async def _ask(self, call: Call, command: CreatePullRequest | CreateIssue) -> Reply:
        self._desk.check_github()
        reply = await self._desk.act(command, call.caller, call.key)
        if not isinstance(reply, Seen):
            return reply
        name = "issue" if isinstance(command, CreateIssue) else "draft pull request"
        await call.progress(f"The {name} of #{command.alert_id} is asked for; GitHub is at work…")
        work = await self._settled(command)
        if work is None:
            return f"The {name} of #{command.alert_id} is still on its way; its card will show it."
        if work.state is WorkState.DONE:
            state = "open" if work.on_github is None or work.on_github.is_open else work.on_github.text
            return linked_message(f"The {name} of #{command.alert_id} is {state}", work.url or "")
        return f"There is no {name} of #{command.alert_id}: {work.error or 'unknown reason'}"

    async def _settled(self, command: CreatePullRequest | CreateIssue) -> PullRequest | Issue | None:
        """What came of it; None when it takes too long."""
        clock, replica = self._desk.clock, self._desk.replica
        end_s = clock.monotonic_s() + WAIT_S
        version = replica.version
        row = (await self._desk.ask(self._desk.operator.alert(command.alert_id))).row
        while (work := _work_of(row, command)) is None or work.state is WorkState.REQUESTED:
            if not await self._desk.moved(version, end_s - clock.monotonic_s()):
                return None
            version, seen = replica.version, replica.rows.get(command.alert_id, row)
            row = seen if seen.revision > row.revision else row  # what is at hand may be behind what was asked
        return work


def _work_of(row: AlertRow, command: CreatePullRequest | CreateIssue) -> PullRequest | Issue | None:
    return row.issue if isinstance(command, CreateIssue) else row.pull_request
