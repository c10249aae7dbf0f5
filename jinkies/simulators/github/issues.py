"""The routes of issues in the simulated GitHub's REST API."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from jinkies.simulators.github.answers import answer, read_json
from jinkies.simulators.github.errors import ApiError, fields
from jinkies.simulators.github.repositories import Repository, check_text
from jinkies.simulators.github.views import Json, Views

_STATES = ("open", "closed")
_REASONS = ("completed", "duplicate", "not_planned", "reopened")
_MAKING = "issues/issues#create-an-issue"


class IssuesApi:
    """Handlers over shared state; ``repository_of`` gives a request's repository, or raises ``ApiError`` 404."""

    def __init__(self, repository_of: Callable[[web.Request], Repository], views: Views) -> None:
        self._repository = repository_of
        self._views = views

    def routes(self, repo: str) -> list[web.RouteDef]:
        """Every route, below ``repo``."""
        return [
            web.get(f"{repo}/issues", self.list_issues),
            web.post(f"{repo}/issues", self.create_issue),
            web.get(f"{repo}/issues/{{number:\\d+}}", self.get_issue),
            web.patch(f"{repo}/issues/{{number:\\d+}}", self.update_issue),
        ]

    async def list_issues(self, request: web.Request) -> web.Response:
        """GET …/issues?state=&since=&per_page=&page=, newest first; pull requests stand among them."""
        repository = self._repository(request)
        repository.check_issues()
        query = request.query
        state, since = query.get("state", "open"), query.get("since", "")
        size = min(max(int(query.get("per_page", "30")), 1), 100)
        start = (max(int(query.get("page", "1")), 1) - 1) * size
        listed: list[tuple[int, str, str, Json]] = [
            (one.number, one.state, one.updated_at, self._views.issue(repository, one)) for one in repository.issues
        ]
        listed += [
            (one.number, one.state, one.created_at, self._views.pull_as_issue(repository, one))
            for one in repository.pulls
        ]
        listed.sort(key=lambda one: -one[0])
        found = [view for _, held, at, view in listed if state in ("all", held) and at >= since]
        return answer(found[start : start + size])

    async def create_issue(self, request: web.Request) -> web.Response:
        """POST …/issues."""
        repository = self._repository(request)
        given = fields(
            await read_json(request), required={"title": str}, optional={"body": str, "labels": list}, docs=_MAKING
        )
        labels = given.get("labels", [])
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise ApiError(422, "Invalid request.\n\nFor 'items/0', an element is not a string.", docs=_MAKING)
        issue = repository.open_issue(
            title=str(given["title"]), body=str(given.get("body", "")), labels=tuple(map(str, labels))
        )
        return answer(self._views.issue(repository, issue), status=201)

    async def get_issue(self, request: web.Request) -> web.Response:
        """GET …/issues/{number}."""
        repository = self._repository(request)
        return answer(self._views.issue(repository, repository.issue(int(request.match_info["number"]))))

    async def update_issue(self, request: web.Request) -> web.Response:
        """PATCH …/issues/{number}: title, body, state, state_reason."""
        repository = self._repository(request)
        issue = repository.issue(int(request.match_info["number"]))
        texts: dict[str, type] = {"title": str, "body": str, "state": str, "state_reason": str}
        given = fields(await read_json(request), required={}, optional=texts)
        reason = str(given["state_reason"]) if "state_reason" in given else None
        title, body = str(given.get("title", issue.title)), str(given.get("body", issue.body))
        state = str(given.get("state", issue.state))
        check_text(title, body, resource="Issue", docs=_MAKING)
        if state not in _STATES:
            raise ApiError(422, "Invalid request.\n\nstate is not one of: open, closed.")
        if reason is not None and reason not in _REASONS:
            raise ApiError(422, f"Invalid request.\n\nstate_reason is not one of: {', '.join(_REASONS)}.")
        issue.title, issue.body = title, body
        issue.turn(state, reason, "jinkies-bot")
        return answer(self._views.issue(repository, issue))
