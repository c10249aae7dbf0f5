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

from jinkies.simulators.discord import asks, disturb
from jinkies.simulators.discord.answers import Answer, Refused
from jinkies.simulators.discord.faults import Fault
from jinkies.simulators.discord.gateway import Gateway
from jinkies.simulators.discord.messages import components_of
from jinkies.simulators.discord.people import People
from jinkies.simulators.discord.server import Rest
from jinkies.simulators.discord.state import State
from jinkies.simulators.discord.world import Json

LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")


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

    async def press(self, body: asks.Press) -> Answer:
        """Press a component."""
        return await self._people.press(
            body.message_id, body.custom_id, body.user, values=body.values, wait_s=body.wait_s
        )

    async def slash(self, body: asks.Slash) -> Answer:
        """Type a command."""
        return await self._people.slash(body.name, body.options, body.user, body.channel, wait_s=body.wait_s)

    async def modal(self, body: asks.Modal) -> Answer:
        """Send a form."""
        return await self._people.modal(body.custom_id, body.fields, body.user, wait_s=body.wait_s)

    async def say(self, body: asks.Say) -> Json:
        """Post as a person."""
        return await self._people.say(body.content, body.user, body.channel, reply_to=body.reply_to)

    async def menu(self, body: asks.Menu) -> Answer:
        """Use a context menu."""
        return await self._people.menu(body.name, body.target, body.user, body.channel, wait_s=body.wait_s)

    async def autocomplete(self, body: asks.Autocomplete) -> Answer:
        """Type into an option."""
        people, others = self._people, body.others
        return await people.autocomplete(body.name, body.option, body.typed, body.user, body.channel, others=others)

    async def dismiss(self, body: asks.Dismiss) -> Json:
        """Close a form."""
        await self._people.dismiss(body.custom_id, body.user)
        return {"dismissed": body.custom_id}

    async def start_thread(self, body: asks.StartThread) -> Json:
        """Make a thread as a person."""
        people = self._people
        return await people.start_thread(body.name, body.user, message_id=body.message_id, channel=body.channel)

    async def archive(self, body: asks.Archive) -> Json:
        """Archive a thread as a moderator."""
        await self._people.archive(body.thread, archived=body.archived, locked=body.locked)
        return {"archived": body.archived}

    async def forward(self, body: asks.Forward) -> Json:
        """Put the clock forward."""
        await disturb.forward(self._state, body.seconds)
        return {"now_ms": self._state.clock.now_ms()}

    async def outage(self, body: asks.Outage) -> Json:
        """Let Discord go down, or come back."""
        if body.down:
            await disturb.go_down(self._rest, self._gateway, body.status)
        else:
            await disturb.come_back(self._rest, self._gateway)
        return {"down": body.down}

    async def delete_message(self, body: asks.DeleteMessage) -> Json:
        """Delete as a moderator."""
        await self._people.delete(body.message_id)
        return {"deleted": body.message_id}

    async def fault(self, body: Fault) -> Json:
        """Arm a fault."""
        self._rest.faults.add(body)
        return {"faults_left": self._rest.faults.left}

    async def act_on_gateway(self, body: asks.GatewayAction) -> Json:
        """Disturb the gateway.

        Raises:
            Refused: no such action.
        """
        gateway = self._gateway
        acts: dict[str, Callable[[], None]] = {
            "reconnect": gateway.request_reconnect,
            "invalidate": gateway.invalidate,
            "invalidate-resumable": lambda: gateway.invalidate(resumable=True),
            "close": lambda: gateway.close(body.code),
            "forget": gateway.forget,
            "freeze": gateway.freeze,
        }
        if body.action in ("refuse", "accept"):
            gateway.refuse = body.action == "refuse"
        elif body.action in acts:
            acts[body.action]()
        else:
            raise Refused(f"no action {body.action!r}: {', '.join(acts)}, refuse or accept")
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
                "rate_limited": self._rest.buckets.refused,
                "threads": len(self._state.threads.all),
                "presence": self._gateway.presence,
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
        ("press", asks.Press, control.press),
        ("slash", asks.Slash, control.slash),
        ("modal", asks.Modal, control.modal),
        ("say", asks.Say, control.say),
        ("menu", asks.Menu, control.menu),
        ("autocomplete", asks.Autocomplete, control.autocomplete),
        ("dismiss", asks.Dismiss, control.dismiss),
        ("thread", asks.StartThread, control.start_thread),
        ("archive", asks.Archive, control.archive),
        ("forward", asks.Forward, control.forward),
        ("outage", asks.Outage, control.outage),
        ("delete_message", asks.DeleteMessage, control.delete_message),
        ("faults", Fault, control.fault),
        ("gateway", asks.GatewayAction, control.act_on_gateway),
    ):
        app.router.add_post(f"/_sim/{name}", posted(kind, act))
