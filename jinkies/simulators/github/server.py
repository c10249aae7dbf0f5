"""The simulated GitHub as a server on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import msgspec
from aiohttp import web

from jinkies.serving import listen_on, served
from jinkies.simulators.github.answers import answer
from jinkies.simulators.github.api import Api, Credentials
from jinkies.simulators.github.control import Control, Fault, RateLimits, When
from jinkies.simulators.github.errors import ApiError, not_found
from jinkies.simulators.github.page import issue_page, pull_page
from jinkies.simulators.github.people import People
from jinkies.simulators.github.repositories import Repository
from jinkies.simulators.github.views import Views

API_ROOT = "/api/v3"  # where a GitHub Enterprise Server has its REST API
MAX_REQUEST_BYTES = 8 * 1024 * 1024

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SimulatedGitHub:
    """A GitHub with a few repositories, on 127.0.0.1; an async context manager that serves while it is entered.

    ``/api/v3`` is the REST API, ``/<owner>/<repo>/pull/<n>`` and ``…/issues/<n>`` are pages with buttons; ``/_sim/``
    takes faults and what people do (merge, close, reopen), and shows the recording.
    """

    def __init__(
        self,
        *,
        token: str,
        repositories: tuple[str, ...] = ("octo/shop",),
        port: int = 0,
        app_id: str | None = None,
        app_public_key: str | None = None,
        limits: RateLimits | None = None,
    ) -> None:
        self.control = Control()
        self.limits = limits or RateLimits()
        self.repositories = {name: _seeded(name) for name in repositories}
        self.people = People(self._repository)
        self._credentials = Credentials(token=token, app_id=app_id, app_public_key=app_public_key)
        self._port = port
        self._stack = AsyncExitStack()
        self.address = ""  # "http://127.0.0.1:<port>" while it serves

    @property
    def api_url(self) -> str:
        """The base URL of the REST API."""
        return self.address + API_ROOT

    async def __aenter__(self) -> Self:
        self._views = Views("", "")
        self._api = Api(self.repositories, self._views, self._credentials)
        app = web.Application(middlewares=[self._serve], client_max_size=MAX_REQUEST_BYTES)
        app.add_routes([*self._api.routes(API_ROOT), *self._own_routes()])
        listener = listen_on("127.0.0.1", self._port)
        await self._stack.enter_async_context(
            served(web.AppRunner(app, access_log=None, shutdown_timeout=0.2), listener)
        )
        self.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._views.web, self._views.api = self.address, self.api_url
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def _own_routes(self) -> list[web.RouteDef]:
        return [
            web.get("/{owner}/{repo}/pull/{number:\\d+}", self._page),
            web.get("/{owner}/{repo}/issues/{number:\\d+}", self._issue_page),
            web.get("/_sim/calls", self._calls),
            web.get("/_sim/pulls", self._pulls),
            web.post("/_sim/faults", self._add_fault),
            web.delete("/_sim/faults", self._clear_faults),
            *self.people.routes(),
        ]

    @web.middleware
    async def _serve(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        if not request.path.startswith(API_ROOT):
            return await handler(request)
        path = request.path_qs.removeprefix(API_ROOT)
        body = (await request.read()).decode("utf-8", "replace")
        response = await self._with_faults(request, path, handler)
        self.control.record(request.method, path, body, response.status if response is not None else 0)
        if response is None:
            return _drop(request)
        response.headers.update(self.limits.headers())
        response.headers["x-github-request-id"] = secrets.token_hex(8).upper()
        return response

    async def _with_faults(self, request: web.Request, path: str, handler: _Handler) -> web.StreamResponse | None:
        fault = self.control.fault(request.method, path, When.BEFORE)
        if fault is not None:
            return await _strike(fault)
        response = await self._answer(request, path, handler)
        after = self.control.fault(request.method, path, When.AFTER)
        return response if after is None else await _strike(after)

    async def _answer(self, request: web.Request, path: str, handler: _Handler) -> web.StreamResponse:
        try:
            self._credentials.check(request, path.partition("?")[0])
            self._check_limits(request.method)
            self._api.rate = {
                "limit": self.limits.per_hour,
                "used": self.limits.used,
                "remaining": self.limits.per_hour - self.limits.used,
                "reset": self.limits.reset_at_s,
            }
            return self._unless_known(request, await handler(request))
        except ApiError as error:
            response = answer(error.body(), status=error.status)
            response.headers.update(error.headers)
            return response
        except web.HTTPNotFound:
            return answer(not_found().body(), status=404)

    def _unless_known(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        """With its ETag; a bare 304 that isn't counted where that is the one that the client has."""
        if request.method != "GET" or response.status != 200 or not isinstance(response, web.Response):
            return response
        body = response.body if isinstance(response.body, bytes) else b""
        etag = f'W/"{hashlib.sha256(body).hexdigest()}"'
        if etag in request.headers.get("If-None-Match", ""):
            self.limits.give_back()
            response = web.Response(status=304)
        response.headers["ETag"] = etag
        return response

    def _check_limits(self, method: str) -> None:
        docs = "using-the-rest-api/rate-limits-for-the-rest-api"
        if not self.limits.take():
            raise ApiError(403, "API rate limit exceeded for user ID 1.", docs=docs)
        if method != "GET" and not self.limits.take_write():
            message = (
                "You have exceeded a secondary rate limit and have been temporarily blocked from content creation."
            )
            raise ApiError(403, message, docs=docs, headers={"retry-after": "60"})

    async def _page(self, request: web.Request) -> web.Response:
        return self._page_of(request, lambda repository, number: pull_page(repository, repository.pull(number)))

    async def _issue_page(self, request: web.Request) -> web.Response:
        return self._page_of(request, lambda repository, number: issue_page(repository, repository.issue(number)))

    def _repository(self, full_name: str) -> Repository:
        if full_name not in self.repositories:
            raise not_found()
        return self.repositories[full_name]

    def _page_of(self, request: web.Request, page: Callable[[Repository, int], str]) -> web.Response:
        repository = self.repositories.get(f"{request.match_info['owner']}/{request.match_info['repo']}")
        if repository is None:
            raise web.HTTPNotFound
        try:
            text = page(repository, int(request.match_info["number"]))
        except ApiError:
            raise web.HTTPNotFound from None
        response = web.Response(text=text, content_type="text/html")
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"
        )
        return response

    async def _calls(self, _request: web.Request) -> web.Response:
        return answer(list(self.control.calls))

    async def _pulls(self, _request: web.Request) -> web.Response:
        found = [
            self._views.recorded_pull(repository, pull)
            for repository in self.repositories.values()
            for pull in repository.pulls
        ]
        return answer(found)

    async def _add_fault(self, request: web.Request) -> web.Response:
        try:
            fault = msgspec.json.decode(await request.read(), type=Fault)
        except msgspec.DecodeError as error:
            raise web.HTTPUnprocessableEntity(text=str(error)) from None
        self.control.faults.append(fault)
        return web.Response(status=204)

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self.control.faults.clear()
        return web.Response(status=204)


async def _strike(fault: Fault) -> web.Response | None:
    if fault.delay_s:
        await asyncio.sleep(fault.delay_s)
    if fault.status == 0:
        return None
    response = web.Response(body=bytes(fault.body), status=fault.status, content_type="application/json")
    response.headers.update(fault.headers)
    return response


def _drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _seeded(full_name: str) -> Repository:
    repository = Repository(full_name=full_name)
    repository.commit("main", "Initial commit", {"README.md": f"# {repository.name}\n".encode()})
    return repository
