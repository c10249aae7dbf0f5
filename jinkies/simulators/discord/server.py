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
from jinkies.simulators.discord.files import Upload, check_sizes, chosen
from jinkies.simulators.discord.limits import Buckets
from jinkies.simulators.discord.recording import Call, Recording, masked
from jinkies.simulators.discord.state import State
from jinkies.simulators.discord.world import Json

API = "/api/v10"
MAX_BODY_BYTES = 26 * 1024 * 1024  # a request as a whole: 25 MiB of files, and their frame
BANNED = "error code: 1015"  # what Discord's network answers an address with too many invalid requests
MAJOR = ("channel_id", "guild_id", "webhook_token")  # what Discord counts rate limits by, beside the route
DROPS = {FaultKind.DROP_BEFORE: "before", FaultKind.DROP_AFTER_EFFECT: "after-effect"}
Handler = Callable[["Received"], Awaitable[Any]]


class Received(msgspec.Struct, frozen=True):
    """A REST request, decoded: path parameters, query, JSON body, and the files of a multipart body."""

    params: dict[str, str]
    query: dict[str, str]
    body: Any = None
    files: tuple[Upload, ...] = ()
    host: str = ""


class Created(msgspec.Struct, frozen=True):
    """An answer with the status 201."""

    body: Any


def attachments_after(
    state: State,
    received: Received,
    body: Json,
    channel_id: str,
    *,
    existing: list[Json] | None = None,
    path: tuple[str, ...] = (),
) -> list[Json]:
    """The attachments that a message has after a request, those that came with it stored.

    Args:
        state: where they are stored.
        received: the request, with its files.
        body: the checked message in it.
        channel_id: where the message is.
        existing: the message's attachments before; None for a new message.
        path: where ``body`` stands in the request.

    Raises:
        ApiError: see ``check_sizes`` and ``chosen``.
    """
    check_sizes(received.files)
    listed = body["attachments"] or [] if "attachments" in body else None
    if listed is None and not received.files:
        return existing or []
    after = []
    for found, described in chosen(listed, received.files, existing or [], path):
        if isinstance(found, Upload):
            found = state.files.keep(state.new_id(), received.host, channel_id, found, described)
        elif described.get("description") is not None:
            found = found | {"description": str(described["description"])}
        after.append(found)
    return after


class Rest:
    """Runs REST handlers: decodes, applies faults, checks the token, counts rate limits, answers, records."""

    def __init__(self, state: State, token: str, buckets: Buckets, recording: Recording) -> None:
        self.state = state
        self.faults = Faults()
        self.recording = recording
        self.buckets = buckets
        self._expected = f"Bot {token}".encode()

    @property
    def invalid_requests(self) -> int:
        """Answers so far that count as invalid requests: 401, 403, and 429 but for shared limits."""
        return self.buckets.invalid

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
        self.state.threads.archive_idle()
        if fault is not None and fault.kind is FaultKind.DELAY:
            await self.state.clock.sleep(fault.delay_s)
        headers: dict[str, str] = {}
        if fault is not None and fault.kind is FaultKind.DROP_BEFORE:
            status, answer = 0, None
        elif (banned_s := self.buckets.banned_for_s()) is not None:
            status, answer, headers = 429, BANNED, {"Retry-After": str(banned_s)}
        elif fault is not None and fault.kind is FaultKind.STATUS:
            status, answer, headers = _faulty(fault)
        else:
            authorized = open_to_all or self._authorized(request)
            status, answer, headers = await self._answer(request, template, handler, received, problem, authorized)
        self.buckets.count(status, headers)
        text = BANNED.encode() if answer == BANNED else b"" if answer is None else json.dumps(answer).encode()
        self._record(request, template, received, status, answer, headers, fault)
        await self.state.touch()
        if fault is not None and fault.kind is FaultKind.LATE_ANSWER:
            await self.state.clock.sleep(fault.delay_s)
        return _respond(request, status, text, headers, dropped=fault is not None and fault.kind in DROPS)

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
            verdict = self.buckets.take(request.method, template, major)
            headers = verdict.headers
            if verdict.refusal is not None:
                return 429, verdict.refusal, headers
            if problem is not None:
                raise problem
            answer = await handler(received)
        except ApiError as error:
            return error.status, error.body, headers
        if isinstance(answer, Created):
            return 201, answer.body, headers
        return (204 if answer is None else 200), answer, headers

    def _record(
        self,
        request: web.Request,
        template: str,
        received: Received,
        status: int,
        answer: Any,
        headers: dict[str, str],
        fault: Fault | None,
    ) -> None:
        self.recording.add(
            Call(
                at_ms=self.state.clock.now_ms(),
                method=request.method,
                path=request.path,
                template=template or request.path.removeprefix(API),
                query=received.query,
                headers=masked(dict(request.headers)),
                body=received.body,
                files=tuple(upload.name for upload in received.files),
                status=status,
                response=json.loads(json.dumps(answer)),
                response_headers=headers,
                dropped=None if fault is None else DROPS.get(fault.kind),
                fault=None if fault is None else fault.kind.value,
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
    if text == BANNED.encode():
        response.headers["Content-Type"] = "text/plain; charset=UTF-8"
    elif text:
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


async def _multipart(request: web.Request) -> tuple[Any, tuple[Upload, ...]]:
    """The ``payload_json`` of a multipart body, and its files (Discord: ``files[n]``)."""
    body: Any = {}
    files: list[Upload] = []
    form = await request.post()
    for field, value in form.items():
        match = re.fullmatch(r"files?(?:\[(\d{1,2})\])?", field)
        number = int(match[1]) if match and match[1] else len(files)
        if isinstance(value, web.FileField):
            files.append(Upload(number, value.filename, value.file.read()))
            value.file.close()
        elif field == "payload_json":
            body = json.loads(value)
        elif match:
            files.append(Upload(number, field, value.encode() if isinstance(value, str) else bytes(value)))
    return body, tuple(files)
