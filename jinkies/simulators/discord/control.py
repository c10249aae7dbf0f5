"""The control API under ``/_sim/``: what people do, what went over the wire, and what shall go wrong.

Loopback only and without a secret, so it defends itself against pages in a browser on the same machine: the Host must
be a loopback name, and a POST must say ``application/json``, which no page of another origin can send unasked.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from jinkies.simulators.discord.answers import Answer, Refused
from jinkies.simulators.discord.faults import Fault
from jinkies.simulators.discord.gateway import Gateway
from jinkies.simulators.discord.messages import components_of
from jinkies.simulators.discord.people import People
from jinkies.simulators.discord.server import Rest
from jinkies.simulators.discord.state import State
from jinkies.simulators.discord.world import Json

LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")


class Press(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/press. ``user`` is an id or a name."""

    message_id: str
    custom_id: str
    user: str = "velma"
    values: tuple[str, ...] = ()
    wait_s: float = 5.0


class Slash(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/slash. ``options`` are values by name; ``channel`` is an id or a name."""

    name: str
    options: dict[str, str | int | float | bool] = {}
    user: str = "velma"
    channel: str = "alerts"
    wait_s: float = 5.0


class Modal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/modal: fill in the form that the bot last showed this user."""

    custom_id: str
    fields: dict[str, str]
    user: str = "velma"
    wait_s: float = 5.0


class Say(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/say: a person posts a message."""

    content: str
    user: str = "velma"
    channel: str = "alerts"


class DeleteMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/delete_message: a moderator deletes it."""

    message_id: str


class GatewayAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/gateway.

    ``action``: ``reconnect`` (op 7), ``invalidate`` (op 9), ``close`` (with ``code``; 0 cuts the connection),
    ``refuse`` (503 to new connections), ``accept`` (no longer).
    """

    action: str
    code: int = 1001


def loopback_only(request: web.Request) -> None:
    """Refuse a request that reached us under another name than loopback's.

    Raises:
        web.HTTPForbidden: the Host header names something else (DNS rebinding).
    """
    if not LOOPBACK.fullmatch(request.host):
        raise web.HTTPForbidden(text="this server answers on loopback names only")


def _json(data: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(data), status=status, content_type="application/json")


def posted(kind: type[Any], act: Callable[[Any], Awaitable[Any]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that decodes a ``kind``, acts on it and answers JSON: 409 when it is refused, 400 when it is wrong."""

    async def handle(request: web.Request) -> web.Response:
        loopback_only(request)
        if request.content_type != "application/json":
            return _json({"error": "send application/json"}, 415)
        try:
            return _json(await act(msgspec.json.decode(await request.read(), type=kind)))
        except Refused as refused:
            return _json({"error": str(refused)}, 409)
        except (msgspec.DecodeError, re.error, ValueError) as error:
            return _json({"error": str(error)}, 400)

    return handle


class Control:
    """The handlers behind the routes."""

    def __init__(self, state: State, people: People, rest: Rest, gateway: Gateway) -> None:
        self._state = state
        self._people = people
        self._rest = rest
        self._gateway = gateway

    async def press(self, body: Press) -> Answer:
        """Press a component."""
        return await self._people.press(
            body.message_id, body.custom_id, body.user, values=body.values, wait_s=body.wait_s
        )

    async def slash(self, body: Slash) -> Answer:
        """Type a command."""
        return await self._people.slash(body.name, body.options, body.user, body.channel, wait_s=body.wait_s)

    async def modal(self, body: Modal) -> Answer:
        """Send a form."""
        return await self._people.modal(body.custom_id, body.fields, body.user, wait_s=body.wait_s)

    async def say(self, body: Say) -> Json:
        """Post as a person."""
        return await self._people.say(body.content, body.user, body.channel)

    async def delete_message(self, body: DeleteMessage) -> Json:
        """Delete as a moderator."""
        await self._people.delete(body.message_id)
        return {"deleted": body.message_id}

    async def fault(self, body: Fault) -> Json:
        """Arm a fault."""
        self._rest.faults.add(body)
        return {"faults_left": self._rest.faults.left}

    async def act_on_gateway(self, body: GatewayAction) -> Json:
        """Disturb the gateway.

        Raises:
            Refused: no such action.
        """
        if body.action == "reconnect":
            self._gateway.request_reconnect()
        elif body.action == "invalidate":
            self._gateway.invalidate()
        elif body.action == "close":
            self._gateway.close(body.code)
        elif body.action in ("refuse", "accept"):
            self._gateway.refuse = body.action == "refuse"
        else:
            raise Refused(f"no action {body.action!r}: reconnect, invalidate, close, refuse or accept")
        await self._state.touch()
        return {"sessions": len(self._gateway.sessions), "live": len(self._gateway.live)}

    async def messages(self, request: web.Request) -> web.Response:
        """GET /_sim/channels/{id or name}/messages: newest first; ``?ephemeral=1`` adds what only one person sees."""
        loopback_only(request)
        channel = self._state.world.channel(request.match_info["channel"])
        if channel is None:
            return _json({"error": f"no channel {request.match_info['channel']!r}"}, 404)
        found = self._state.listed(channel.id)
        if request.query.get("ephemeral") == "1":
            hidden = [self._state.messages[message_id] for message_id in self._state.only_for]
            found = [*found, *(message for message in hidden if message["channel_id"] == channel.id)]
            found.sort(key=lambda message: int(message["id"]), reverse=True)
        return _json(found)

    async def calls(self, request: web.Request) -> web.Response:
        """GET /_sim/calls: every REST request, one JSON object a line."""
        loopback_only(request)
        return web.Response(body=b"".join(self._rest.recording.lines()), content_type="application/x-ndjson")

    async def overview(self, request: web.Request) -> web.Response:
        """GET /_sim/state: counters for drills."""
        loopback_only(request)
        return _json(
            {
                "sessions": len(self._gateway.sessions),
                "live": len(self._gateway.live),
                "identifies": self._gateway.identifies,
                "resumes": self._gateway.resumes,
                "messages": len(self._state.messages),
                "buttons": sum(len(components_of(message)) for message in self._state.messages.values()),
                "calls": len(self._rest.recording.calls),
                "invalid_requests": self._rest.invalid_requests,
                "faults_left": self._rest.faults.left,
                "commands": self._state.registered.names,
            }
        )


def add_control_routes(app: web.Application, state: State, people: People, rest: Rest, gateway: Gateway) -> None:
    """Register the control API."""
    control = Control(state, people, rest, gateway)
    app.router.add_get("/_sim/channels/{channel}/messages", control.messages)
    app.router.add_get("/_sim/calls", control.calls)
    app.router.add_get("/_sim/state", control.overview)
    for name, kind, act in (
        ("press", Press, control.press),
        ("slash", Slash, control.slash),
        ("modal", Modal, control.modal),
        ("say", Say, control.say),
        ("delete_message", DeleteMessage, control.delete_message),
        ("faults", Fault, control.fault),
        ("gateway", GatewayAction, control.act_on_gateway),
    ):
        app.router.add_post(f"/_sim/{name}", posted(kind, act))
