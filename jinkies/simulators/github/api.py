"""The routes of the simulated GitHub's REST API, with the statuses and required fields that GitHub documents."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Mapping

import jwt
import msgspec
from aiohttp import web

from jinkies.simulators.github.answers import answer, read_json
from jinkies.simulators.github.errors import ApiError, fields, not_found
from jinkies.simulators.github.issues import IssuesApi
from jinkies.simulators.github.repositories import Pull, Repository, check_text
from jinkies.simulators.github.views import Json, Views

_PULL_STATES = ("open", "closed")


class Credentials(msgspec.Struct, kw_only=True):
    """Who may call: a token; and an app that exchanges its signed JWT for installation tokens."""

    token: str
    app_id: str | None = None
    app_public_key: str | None = None  # PEM
    installed: set[str] = msgspec.field(default_factory=set)  # installation tokens given out

    def check(self, request: web.Request, path: str) -> None:
        """Let a request pass. Raises ``ApiError`` 401 or 403."""
        if not request.headers.get("User-Agent"):
            raise ApiError(403, "Request forbidden by administrative rules. Please set a User-Agent header.")
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() not in ("token", "bearer") or not given:
            raise ApiError(401, "Requires authentication")
        if path.startswith("/app/") or path.endswith("/installation"):
            self._check_jwt(given)
        elif not any(hmac.compare_digest(given.encode(), known.encode()) for known in (self.token, *self.installed)):
            raise ApiError(401, "Bad credentials")

    def _check_jwt(self, given: str) -> None:
        if self.app_public_key is None:
            raise ApiError(401, "A JSON web token could not be decoded")
        try:
            claims = jwt.decode(given, self.app_public_key, algorithms=["RS256"], options={"verify_iat": False})
        except jwt.PyJWTError:
            raise ApiError(401, "A JSON web token could not be decoded") from None
        if str(claims.get("iss")) != self.app_id:
            raise ApiError(401, "'Issuer' claim ('iss') must be an Integer")


class Api:
    """Handlers over shared state."""

    def __init__(self, repositories: Mapping[str, Repository], views: Views, credentials: Credentials) -> None:
        self._repositories = repositories
        self._views = views
        self._credentials = credentials
        self.rate: Json = {}  # the answer of /rate_limit, set by who counts

    def routes(self, root: str) -> list[web.RouteDef]:
        """Every route, below ``root``."""
        repo = f"{root}/repos/{{owner}}/{{repo}}"
        return [
            web.get(f"{root}/rate_limit", self.rate_limit),
            web.get(repo, self.get_repository),
            web.get(f"{repo}/installation", self.get_installation),
            web.post(f"{root}/app/installations/{{id:\\d+}}/access_tokens", self.create_installation_token),
            web.get(f"{repo}/git/ref/{{ref:.+}}", self.get_ref),
            web.post(f"{repo}/git/refs", self.create_ref),
            web.patch(f"{repo}/git/refs/{{ref:.+}}", self.update_ref),
            web.get(f"{repo}/contents/{{path:.+}}", self.get_file),
            web.put(f"{repo}/contents/{{path:.+}}", self.put_file),
            *IssuesApi(self._repository, self._views).routes(repo),
            web.get(f"{repo}/pulls", self.list_pulls),
            web.post(f"{repo}/pulls", self.create_pull),
            web.get(f"{repo}/pulls/{{number:\\d+}}", self.get_pull),
            web.patch(f"{repo}/pulls/{{number:\\d+}}", self.update_pull),
            web.put(f"{repo}/pulls/{{number:\\d+}}/merge", self.merge_pull),
        ]

    async def rate_limit(self, _request: web.Request) -> web.Response:
        """GET /rate_limit."""
        return answer({"resources": {"core": self.rate}, "rate": self.rate})

    async def get_repository(self, request: web.Request) -> web.Response:
        """GET /repos/{owner}/{repo}."""
        return answer(self._views.repository(self._repository(request)))

    async def get_installation(self, request: web.Request) -> web.Response:
        """GET /repos/{owner}/{repo}/installation."""
        self._repository(request)
        return answer({"id": 1, "app_id": self._credentials.app_id, "permissions": {"contents": "write"}})

    async def create_installation_token(self, request: web.Request) -> web.Response:
        """POST /app/installations/{installation_id}/access_tokens."""
        if request.match_info["id"] != "1":
            raise not_found("apps/apps#create-an-installation-access-token-for-an-app")
        token = f"ghs_{secrets.token_hex(18)}"
        self._credentials.installed.add(token)
        expires_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3_600))
        return answer({"token": token, "expires_at": expires_at, "permissions": {"contents": "write"}}, status=201)

    async def get_ref(self, request: web.Request) -> web.Response:
        """GET …/git/ref/{ref}: an exact match only."""
        repository = self._repository(request)
        return answer(self._views.ref(repository, repository.branch_of(request.match_info["ref"])))

    async def create_ref(self, request: web.Request) -> web.Response:
        """POST …/git/refs."""
        repository = self._repository(request)
        given = fields(await read_json(request), required={"ref": str, "sha": str}, docs="git/refs#create-a-reference")
        branch = repository.create_ref(str(given["ref"]), str(given["sha"]))
        return answer(self._views.ref(repository, branch), status=201)

    async def update_ref(self, request: web.Request) -> web.Response:
        """PATCH …/git/refs/{ref}."""
        repository = self._repository(request)
        given = fields(
            await read_json(request),
            required={"sha": str},
            optional={"force": bool},
            docs="git/refs#update-a-reference",
        )
        branch = repository.update_ref(
            request.match_info["ref"], str(given["sha"]), force=bool(given.get("force", False))
        )
        return answer(self._views.ref(repository, branch))

    async def get_file(self, request: web.Request) -> web.Response:
        """GET …/contents/{path}?ref=: a file, no folders."""
        repository = self._repository(request)
        commit = repository.resolve(request.query.get("ref", repository.default_branch))
        path = request.match_info["path"]
        if path not in commit.files:
            raise not_found("repos/contents#get-repository-content")
        return answer(self._views.file(repository, path, commit.files[path]))

    async def put_file(self, request: web.Request) -> web.Response:
        """PUT …/contents/{path}."""
        repository = self._repository(request)
        docs = "repos/contents#create-or-update-file-contents"
        given = fields(
            await read_json(request),
            required={"message": str, "content": str},
            optional={"branch": str, "sha": str},
            docs=docs,
        )
        try:
            content = base64.b64decode(str(given["content"]), validate=True)
        except binascii.Error:
            raise ApiError(422, "content is not valid Base64", docs=docs) from None
        sha = given.get("sha")
        path = request.match_info["path"]
        commit = repository.put_file(
            path,
            content,
            message=str(given["message"]),
            branch=str(given.get("branch", repository.default_branch)),
            sha=None if sha is None else str(sha),
        )
        return answer(self._views.file_commit(repository, path, commit), status=201 if sha is None else 200)

    async def list_pulls(self, request: web.Request) -> web.Response:
        """GET …/pulls?state=&head=owner:branch&base=&per_page=&page=, newest first."""
        repository = self._repository(request)
        query = request.query
        state, head, base = query.get("state", "open"), query.get("head"), query.get("base")
        size = min(max(int(query.get("per_page", "30")), 1), 100)
        start = (max(int(query.get("page", "1")), 1) - 1) * size
        found = [
            pull
            for pull in reversed(repository.pulls)
            if state in ("all", pull.state)
            and (head is None or head.lower() == f"{repository.owner}:{pull.head}".lower())
            and base in (None, pull.base)
        ]
        return answer([self._views.pull(repository, pull) for pull in found[start : start + size]])

    async def create_pull(self, request: web.Request) -> web.Response:
        """POST …/pulls."""
        repository = self._repository(request)
        given = fields(
            await read_json(request),
            required={"head": str, "base": str},
            optional={"title": str, "body": str, "draft": bool},
            docs="pulls/pulls#create-a-pull-request",
        )
        pull = repository.open_pull(
            title=str(given.get("title", "")),
            body=str(given.get("body", "")),
            head=str(given["head"]),
            base=str(given["base"]),
            draft=bool(given.get("draft", False)),
        )
        return answer(self._views.pull(repository, pull), status=201)

    async def get_pull(self, request: web.Request) -> web.Response:
        """GET …/pulls/{number}."""
        repository = self._repository(request)
        return answer(self._views.pull(repository, _pull(repository, request)))

    async def update_pull(self, request: web.Request) -> web.Response:
        """PATCH …/pulls/{number}: title, body, state."""
        repository = self._repository(request)
        pull = _pull(repository, request)
        given = fields(await read_json(request), required={}, optional={"title": str, "body": str, "state": str})
        title, body = str(given.get("title", pull.title)), str(given.get("body", pull.body))
        state = str(given.get("state", pull.state))
        check_text(title, body)
        if state not in _PULL_STATES:
            raise ApiError(422, "Invalid request.\n\nstate is not one of: open, closed.")
        repository.turn_pull(pull, state)
        pull.title, pull.body = title, body
        return answer(self._views.pull(repository, pull))

    async def merge_pull(self, request: web.Request) -> web.Response:
        """PUT …/pulls/{number}/merge."""
        repository = self._repository(request)
        pull = _pull(repository, request)
        repository.merge_pull(pull, "jinkies-bot")
        return answer({"sha": pull.merge_commit_sha, "merged": True, "message": "Pull Request successfully merged"})

    def _repository(self, request: web.Request) -> Repository:
        name = f"{request.match_info['owner']}/{request.match_info['repo']}".lower()
        for full_name, repository in self._repositories.items():
            if full_name.lower() == name:
                return repository
        raise not_found("repos/repos#get-a-repository")


def _pull(repository: Repository, request: web.Request) -> Pull:
    return repository.pull(int(request.match_info["number"]))
