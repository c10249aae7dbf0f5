"""Work on GitHub that is asked for an alert, and what becomes of it, as pure decisions like those of ``lifecycle``."""

from __future__ import annotations

import msgspec

from jinkies.commands import CreateIssue, CreatePullRequest, RecordIssue, RecordOnGitHub, RecordPullRequest
from jinkies.errors import Invalid
from jinkies.lifecycle import TITLE_LIMIT, Decision, check_length
from jinkies.model import Actor, AlertRow, EntryKind, Issue, Link, LinkKind, OnGitHub, PullRequest, WorkState

Decidable = CreatePullRequest | RecordPullRequest | CreateIssue | RecordIssue | RecordOnGitHub


class _Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What tells a pull request from an issue, where the same is decided of both."""

    field: str  # of the alert's row
    link: LinkKind
    name: str
    short: str
    label: str  # of its link
    opens_as: str
    entry_opened: EntryKind
    entry_failed: EntryKind
    entry_changed: EntryKind

    def of(self, row: AlertRow) -> PullRequest | Issue | None:
        """The alert's."""
        held: PullRequest | Issue | None = getattr(row, self.field)
        return held

    def changed(self, row: AlertRow, work: PullRequest | Issue) -> AlertRow:
        """The alert with it as it is now, a revision later."""
        return msgspec.structs.replace(row, **{self.field: work, "revision": row.revision + 1})


_PULL_REQUEST = _Kind(
    field="pull_request",
    link=LinkKind.PULL_REQUEST,
    name="pull request",
    short="PR",
    label="PR",
    opens_as="draft PR",
    entry_opened=EntryKind.PULL_REQUEST_OPENED,
    entry_failed=EntryKind.PULL_REQUEST_FAILED,
    entry_changed=EntryKind.PULL_REQUEST_CHANGED,
)
_ISSUE = _Kind(
    field="issue",
    link=LinkKind.ISSUE,
    name="issue",
    short="issue",
    label="Issue",
    opens_as="issue",
    entry_opened=EntryKind.ISSUE_OPENED,
    entry_failed=EntryKind.ISSUE_FAILED,
    entry_changed=EntryKind.ISSUE_CHANGED,
)

NOTES_LIMIT = 10_000  # characters of the notes of a pull request or an issue
LOGIN_LIMIT = 100  # characters; GitHub's own are shorter


def decide_on(row: AlertRow, command: Decidable, actor: Actor, now_ms: int) -> Decision:
    """What a command about work on GitHub does to an alert. Raises ``CommandError``."""
    match command:
        case CreatePullRequest():
            return request_pull_request(row, command, actor)
        case RecordPullRequest():
            return record_pull_request(row, command)
        case CreateIssue():
            return request_issue(row, command, actor, now_ms)
        case RecordIssue():
            return record_issue(row, command)
        case RecordOnGitHub():
            return record_on_github(row, command)


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
        after=_closed_before(row.pull_request),
    )
    new = msgspec.structs.replace(row, pull_request=wanted, revision=row.revision + 1)
    reason = f"draft pull request asked for by {actor.name}"
    return Decision(row=new, kind=EntryKind.PULL_REQUEST_REQUESTED, reason=reason)


def record_pull_request(row: AlertRow, command: RecordPullRequest) -> Decision:
    """What became of it."""
    return _record(row, command, _PULL_REQUEST)


def _closed_before(held: PullRequest | None) -> int:
    """The number of the one that was closed unmerged, whatever became of asking for the next."""
    if held is None:
        return 0
    return held.number or held.after if held.state is WorkState.DONE else held.after


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
    return _record(row, command, _ISSUE)


def record_on_github(row: AlertRow, command: RecordOnGitHub) -> Decision:
    """How it stands there; what is said of another than the alert's, or was known, changes nothing."""
    check_length("by", command.by, LOGIN_LIMIT)
    kind = next((one for one in (_PULL_REQUEST, _ISSUE) if one.link is command.kind), None)
    if kind is None:
        raise Invalid(f"kind: {command.kind} is no work on GitHub")
    held = kind.of(row)
    if held is None or held.state is not WorkState.DONE or held.number != command.number:
        return Decision(row=row, kind=None, reason="the alert has another by now")
    if held.on_github is command.on_github:
        return Decision(row=row, kind=None, reason="known already")
    work = msgspec.structs.replace(held, on_github=command.on_github)
    reason = f"{kind.short} #{command.number} {_became(held.on_github, command.on_github)}"
    if command.by and not command.on_github.is_open:
        reason += f" by {command.by}"
    return Decision(row=kind.changed(row, work), kind=kind.entry_changed, reason=reason)


def _became(before: OnGitHub | None, now: OnGitHub) -> str:
    """``merged``, ``closed as completed``, ``reopened``, ``is ready for review``."""
    if not now.is_open:
        return now.text
    if before is None:
        return "is a draft" if now is OnGitHub.DRAFT else "is open"
    if not before.is_open:
        return "reopened"
    return "is a draft again" if now is OnGitHub.DRAFT else "is ready for review"


def default_issue_title(row: AlertRow) -> str:
    """What an issue is called when nobody said: "KeyError: order_id in api"."""
    return f"{row.title} in {row.service}"[:TITLE_LIMIT]


def _already(held: PullRequest | Issue | None) -> str | None:
    """Why asking again changes nothing; None when it does."""
    if held is not None and held.stands:
        over = f", {held.on_github.text}" if held.on_github is not None and not held.on_github.is_open else ""
        return f"already there{over}: {held.url}"
    if held is not None and held.state is WorkState.REQUESTED:
        return f"already asked for by {held.requested_by.name}"
    return None


def _record(row: AlertRow, command: RecordPullRequest | RecordIssue, kind: _Kind) -> Decision:
    held = kind.of(row)
    if held is None:
        raise Invalid(f"#{row.alert_id} has no {kind.name} asked for")
    if command.error is not None:
        failed = msgspec.structs.replace(held, state=WorkState.FAILED, error=command.error)
        reason = f"{kind.name} failed: {command.error}"
        return Decision(row=kind.changed(row, failed), kind=kind.entry_failed, reason=reason)
    if command.url is None or command.number is None:
        raise Invalid(f"url: of the {kind.name} that was opened, a number and a url are needed")
    if held.url == command.url and held.state is WorkState.DONE:
        return Decision(row=row, kind=None, reason="already recorded")
    done = msgspec.structs.replace(
        held,
        state=WorkState.DONE,
        number=command.number,
        url=command.url,
        on_github=command.on_github,
        error=None,
    )
    link = Link(kind=kind.link, url=command.url, label=f"{kind.label} #{command.number}")
    others = tuple(one for one in row.links if one.kind is not kind.link)
    new = msgspec.structs.replace(kind.changed(row, done), links=(*others, link))
    return Decision(row=new, kind=kind.entry_opened, reason=f"{kind.opens_as} #{command.number} opened")
