"""What people do on the simulated GitHub: on the pages of pull requests and issues, or by ``POST /_sim/…``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

import msgspec
from aiohttp import web

from jinkies.simulators.github.errors import ApiError
from jinkies.simulators.github.repositories import Issue, Pull, Repository

PERSON = "velma"  # who does it, where nobody is named


class PullAct(StrEnum):
    """What can be done to a pull request."""

    READY = "ready"  # it is no draft any more
    DRAFT = "draft"
    MERGE = "merge"  # a draft is made ready first
    CLOSE = "close"
    REOPEN = "reopen"


class IssueAct(StrEnum):
    """What can be done to an issue."""

    COMPLETE = "complete"  # close it as completed; likewise below
    NOT_PLANNED = "not_planned"
    DUPLICATE = "duplicate"
    REOPEN = "reopen"


class OnPull(msgspec.Struct, frozen=True, kw_only=True):
    """POST /_sim/pull."""

    repository: str  # owner/name
    number: int
    do: PullAct
    by: str = PERSON


class OnIssue(msgspec.Struct, frozen=True, kw_only=True):
    """POST /_sim/issue."""

    repository: str  # owner/name
    number: int
    do: IssueAct
    by: str = PERSON


def act_on_pull(repository: Repository, pull: Pull, do: PullAct, by: str = PERSON) -> None:
    """Do it. Raises ``ApiError`` for what GitHub would not let anybody do."""
    match do:
        case PullAct.READY | PullAct.DRAFT:
            pull.draft = do is PullAct.DRAFT
        case PullAct.MERGE:
            pull.draft = False
            repository.merge_pull(pull, by)
        case PullAct.CLOSE | PullAct.REOPEN:
            repository.turn_pull(pull, "closed" if do is PullAct.CLOSE else "open")


def act_on_issue(issue: Issue, do: IssueAct, by: str = PERSON) -> None:
    """Do it."""
    reason = {IssueAct.COMPLETE: "completed", IssueAct.REOPEN: "reopened"}.get(do, do.value)
    issue.turn("open" if do is IssueAct.REOPEN else "closed", reason, by)


class People:
    """The routes; ``repository_of`` gives a repository by its full name, or raises ``ApiError`` 404."""

    def __init__(self, repository_of: Callable[[str], Repository]) -> None:
        self._repository_of = repository_of

    def routes(self) -> list[web.RouteDef]:
        """A control call each, and what the buttons of the pages send."""
        return [
            web.post("/_sim/pull", self._on_pull),
            web.post("/_sim/issue", self._on_issue),
            web.post("/{owner}/{repo}/pull/{number:\\d+}", self._pull_button),
            web.post("/{owner}/{repo}/issues/{number:\\d+}", self._issue_button),
        ]

    def pull(self, asked: OnPull) -> None:
        """Raises ``ApiError``."""
        repository = self._repository_of(asked.repository)
        act_on_pull(repository, repository.pull(asked.number), asked.do, asked.by)

    def issue(self, asked: OnIssue) -> None:
        """Raises ``ApiError``."""
        act_on_issue(self._repository_of(asked.repository).issue(asked.number), asked.do, asked.by)

    async def _on_pull(self, request: web.Request) -> web.Response:
        body = await request.read()
        with _refusing():
            self.pull(msgspec.json.decode(body, type=OnPull))
        return web.Response(status=204)

    async def _on_issue(self, request: web.Request) -> web.Response:
        body = await request.read()
        with _refusing():
            self.issue(msgspec.json.decode(body, type=OnIssue))
        return web.Response(status=204)

    async def _pull_button(self, request: web.Request) -> web.Response:
        pressed = await _pressed(request)
        with _refusing():
            self.pull(msgspec.convert(pressed, OnPull))
        raise web.HTTPSeeOther(request.path)

    async def _issue_button(self, request: web.Request) -> web.Response:
        pressed = await _pressed(request)
        with _refusing():
            self.issue(msgspec.convert(pressed, OnIssue))
        raise web.HTTPSeeOther(request.path)


async def _pressed(request: web.Request) -> dict[str, object]:
    repository = f"{request.match_info['owner']}/{request.match_info['repo']}"
    do = (await request.post()).get("do", "")
    return {"repository": repository, "number": int(request.match_info["number"]), "do": do}


@contextmanager
def _refusing() -> Iterator[None]:
    """What can't be done, as an answer that says why."""
    try:
        yield
    except msgspec.DecodeError as error:
        raise web.HTTPUnprocessableEntity(text=str(error)) from None
    except ApiError as error:
        raise web.HTTPConflict(text=error.message) if error.status != 404 else web.HTTPNotFound from None
