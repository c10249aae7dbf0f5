"""Work on GitHub that is asked for an alert, and what becomes of it, as pure decisions like those of ``lifecycle``."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from jinkies.commands import CreateIssue, CreatePullRequest, RecordIssue, RecordPullRequest
from jinkies.errors import Invalid
from jinkies.lifecycle import TITLE_LIMIT, Decision, check_length
from jinkies.model import Actor, AlertRow, EntryKind, Issue, Link, LinkKind, PullRequest, WorkState

_Work = TypeVar("_Work", PullRequest, Issue)

NOTES_LIMIT = 10_000  # characters of the notes of a pull request or an issue


def request_pull_request(row: AlertRow, command: CreatePullRequest, actor: Actor) -> Decision:
    """Record the intent of a draft pull request; one that is asked for or there stays the one."""
    check_length("title", command.title, TITLE_LIMIT)
    check_length("notes", command.notes, NOTES_LIMIT)
    check_length("base_branch", command.base_branch or "", 255)
    if (there := _already(row.pull_request)) is not None:
        return Decision(row=row, kind=None, reason=there)
    wanted = PullRequest(
        state=WorkState.REQUESTED,
        title=command.title.strip() or default_pull_request_title(row),
        base_branch=command.base_branch or None,
        notes=command.notes,
        requested_by=actor,
    )
    new = msgspec.structs.replace(row, pull_request=wanted, revision=row.revision + 1)
    reason = f"draft pull request asked for by {actor.name}"
    return Decision(row=new, kind=EntryKind.PULL_REQUEST_REQUESTED, reason=reason)


def record_pull_request(row: AlertRow, command: RecordPullRequest) -> Decision:
    """What became of it."""
    work, what = _recorded(row, row.pull_request, command, "pull request")
    if work is None:
        return Decision(row=row, kind=None, reason=what)
    new = msgspec.structs.replace(row, pull_request=work, revision=row.revision + 1)
    if work.state is WorkState.FAILED:
        return Decision(row=new, kind=EntryKind.PULL_REQUEST_FAILED, reason=what)
    new = _linked(new, LinkKind.PULL_REQUEST, work.url, f"PR #{work.number}")
    return Decision(row=new, kind=EntryKind.PULL_REQUEST_OPENED, reason=f"draft PR #{work.number} opened")


def default_pull_request_title(row: AlertRow) -> str:
    """What a draft is called when nobody said: "Fix KeyError: order_id in api"."""
    return f"Fix {row.title} in {row.service}"[:TITLE_LIMIT]


def request_issue(row: AlertRow, command: CreateIssue, actor: Actor, now_ms: int) -> Decision:
    """Record the intent of an issue; one that is asked for or there stays the one."""
    check_length("title", command.title, TITLE_LIMIT)
    check_length("notes", command.notes, NOTES_LIMIT)
    if (there := _already(row.issue)) is not None:
        return Decision(row=row, kind=None, reason=there)
    wanted = Issue(
        state=WorkState.REQUESTED,
        title=command.title.strip() or default_issue_title(row),
        notes=command.notes,
        requested_by=actor,
        requested_at_ms=row.issue.requested_at_ms if row.issue is not None else now_ms,
    )
    new = msgspec.structs.replace(row, issue=wanted, revision=row.revision + 1)
    return Decision(row=new, kind=EntryKind.ISSUE_REQUESTED, reason=f"issue asked for by {actor.name}")


def record_issue(row: AlertRow, command: RecordIssue) -> Decision:
    """What became of it."""
    work, what = _recorded(row, row.issue, command, "issue")
    if work is None:
        return Decision(row=row, kind=None, reason=what)
    new = msgspec.structs.replace(row, issue=work, revision=row.revision + 1)
    if work.state is WorkState.FAILED:
        return Decision(row=new, kind=EntryKind.ISSUE_FAILED, reason=what)
    new = _linked(new, LinkKind.ISSUE, work.url, f"Issue #{work.number}")
    return Decision(row=new, kind=EntryKind.ISSUE_OPENED, reason=f"issue #{work.number} opened")


def default_issue_title(row: AlertRow) -> str:
    """What an issue is called when nobody said: "KeyError: order_id in api"."""
    return f"{row.title} in {row.service}"[:TITLE_LIMIT]


def _already(held: PullRequest | Issue | None) -> str | None:
    """Why asking again changes nothing; None when it does."""
    if held is not None and held.state is WorkState.DONE:
        return f"already there: {held.url}"
    if held is not None and held.state is WorkState.REQUESTED:
        return f"already asked for by {held.requested_by.name}"
    return None


def _recorded(
    row: AlertRow, held: _Work | None, command: RecordPullRequest | RecordIssue, name: str
) -> tuple[_Work | None, str]:
    """The work as it is now, and what became of it in words; no work: it was recorded already."""
    if held is None:
        raise Invalid(f"#{row.alert_id} has no {name} asked for")
    if command.error is not None:
        failed = msgspec.structs.replace(held, state=WorkState.FAILED, error=command.error)
        return failed, f"{name} failed: {command.error}"
    if command.url is None or command.number is None:
        raise Invalid(f"url: of the {name} that was opened, a number and a url are needed")
    if held.url == command.url and held.state is WorkState.DONE:
        return None, "already recorded"
    done = msgspec.structs.replace(held, state=WorkState.DONE, number=command.number, url=command.url, error=None)
    return done, f"{name} opened"


def _linked(row: AlertRow, kind: LinkKind, url: str | None, label: str) -> AlertRow:
    others = tuple(one for one in row.links if one.kind is not kind)
    return msgspec.structs.replace(row, links=(*others, Link(kind=kind, url=url or "", label=label)))
