"""The HTTP server: the middleware that every REST request passes, and the routes."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from jinkies.simulators.discord import errors
from jinkies.simulators.discord.errors import ApiError
from jinkies.simulators.discord.faults import Fault, FaultKind, Faults
from jinkies.simulators.discord.limits import Buckets
from jinkies.simulators.discord.recording import Call, Recording, masked
from jinkies.simulators.discord.state import State
from jinkies.simulators.discord.world import Json

API = "/api/v10"
MAX_BODY_BYTES = 12 * 1024 * 1024  # ten MiB of attachments, Discord's default, and their frame
KEPT_HEADERS = ("authorization", "content-type", "user-agent", "x-audit-log-reason")
MAJOR = ("channel_id", "guild_id", "webhook_token")  # what Discord counts rate limits by, beside the route
Handler = Callable[["Received"], Awaitable[Any]]


class Received(msgspec.Struct, frozen=True):
    """A REST request, decoded: path parameters, query, JSON body, and the files of a multipart body."""

    params: dict[str, str]
    query: dict[str, str]
    body: Any = None
    files: tuple[tuple[str, bytes], ...] = ()
    host: str = ""


class Rest:
    """Runs REST handlers: decodes, applies faults, checks the token, counts rate limits, answers, records."""

    def __init__(self, state: State, token: str, buckets: Buckets, recording: Recording) -> None:
        self.state = state
        self.faults = Faults()
        self.recording = recording
        self.invalid_requests = 0  # 401, 403 and 429: Discord bans an address at 10,000 in ten minutes
        self._buckets = buckets
        self._expected = f"Bot {token}".encode()

    def route(self, template: str, handler: Handler, *, open_to_all: bool = False) -> Callable[..., Any]:
        """An aiohttp handler for a route; ``open_to_all`` ones need no token (interactions carry their own)."""

        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._serve(request, template, handler, open_to_all=open_to_all)

        return handle

    async def _serve(
        self, request: web.Request, template: str, handler: Handler, *, open_to_all: bool
    ) -> web.StreamResponse:
        fault = self.faults.take(request.method, request.path)
        received, problem = await _received(request)
        if fault is not None and fault.kind is FaultKind.DELAY:
            await self.state.clock.sleep(fault.delay_s)
        headers: dict[str, str] = {}
        if fault is not None and fault.kind is FaultKind.DROP_BEFORE:
            status, answer = 0, None
        elif fault is not None and fault.kind is FaultKind.STATUS:
            status, answer, headers = _faulty(fault)
        else:
            authorized = open_to_all or self._authorized(request)
            status, answer, headers = await self._answer(request, template, handler, received, problem, authorized)
        self.invalid_requests += status in (401, 403, 429)
        text = b"" if answer is None else json.dumps(answer).encode()
        dropped = fault.kind.removeprefix("drop-") if fault is not None and "drop" in fault.kind else None
        self._record(request, template, received, status, text, headers, dropped)
        await self.state.touch()
        return _respond(request, status, text, headers, dropped=dropped is not None)

    def _authorized(self, request: web.Request) -> bool:
        return secrets.compare_digest(request.headers.get("Authorization", "").encode(), self._expected)

    async def _answer(
        self,
        request: web.Request,
        template: str,
        handler: Handler,
        received: Received,
        problem: ApiError | None,
        authorized: bool,
    ) -> tuple[int, Any, dict[str, str]]:
        headers: dict[str, str] = {}
        try:
            if not authorized:
                raise errors.unauthorized()
            major = next((received.params[name] for name in MAJOR if name in received.params), "")
            verdict = self._buckets.take(request.method, template, major)
            headers = verdict.headers
            if verdict.refusal is not None:
                return 429, verdict.refusal, headers
            if problem is not None:
                raise problem
            answer = await handler(received)
        except ApiError as error:
            return error.status, error.body, headers
        return (204 if answer is None else 200), answer, headers

    def _record(
        self,
        request: web.Request,
        template: str,
        received: Received,
        status: int,
        text: bytes,
        headers: dict[str, str],
        dropped: str | None,
    ) -> None:
        kept = {name: value for name, value in request.headers.items() if name.lower() in KEPT_HEADERS}
        self.recording.add(
            Call(
                at_ms=self.state.clock.now_ms(),
                method=request.method,
                path=request.path,
                template=template or request.path.removeprefix(API),
                query=received.query,
                headers=masked(kept),
                body=received.body,
                files=tuple(name for name, _data in received.files),
                status=status,
                response=json.loads(text) if text else None,
                response_headers=headers,
                dropped=dropped,
            )
        )


async def no_such_route(_received: Received) -> Json:
    """Discord's 404 for everything that the simulator does not know."""
    raise errors.not_found()


def _faulty(fault: Fault) -> tuple[int, Any, dict[str, str]]:
    body = fault.body if fault.body is not None else {"message": f"{fault.status}: simulated fault", "code": 0}
    return fault.status, body, fault.headers


def _respond(
    request: web.Request, status: int, text: bytes, headers: dict[str, str], *, dropped: bool
) -> web.StreamResponse:
    """The answer; ``Content-Type`` exactly ``application/json``, since interactions.py compares the whole header."""
    if dropped and request.transport is not None:
        request.transport.abort()
    response = web.Response(status=status or 500, body=text or None, headers=headers)
    if text:
        response.headers["Content-Type"] = "application/json"
    else:
        response.headers.popall("Content-Type", None)
    return response


async def _received(request: web.Request) -> tuple[Received, ApiError | None]:
    """Decode a request; a body that is no JSON is a problem to answer only once the token is known to be right."""
    params, query = dict(request.match_info), dict(request.query)
    blank = Received(params, query, host=request.host)
    try:
        if request.content_type == "multipart/form-data":
            body, files = await _multipart(request)
            return msgspec.structs.replace(blank, body=body, files=files), None
        raw = await request.read()
        return (msgspec.structs.replace(blank, body=json.loads(raw)) if raw else blank), None
    except web.HTTPRequestEntityTooLarge:
        return blank, ApiError(413, 40005, "Request entity too large")
    except ValueError:
        return blank, errors.invalid_json()


async def _multipart(request: web.Request) -> tuple[Any, tuple[tuple[str, bytes], ...]]:
    """The ``payload_json`` of a multipart body, and its files by name (Discord: ``files[n]``)."""
    body: Any = {}
    files = []
    form = await request.post()
    for name, value in form.items():
        if isinstance(value, web.FileField):
            files.append((value.filename, value.file.read()))
            value.file.close()
        elif name == "payload_json" and isinstance(value, str):
            body = json.loads(value)
        elif match := re.fullmatch(r"files\[(\d+)\]", name):
            files.append((match.group(0), value.encode() if isinstance(value, str) else bytes(value)))
    return body, tuple(files)
