"""A page that shows the guild as people would see it, at ``/``, and lets them act.

Every text is escaped in ``shown``, on the server; the page's script only swaps in what was rendered there. The policy
allows no inline script or style and nothing from elsewhere. Colours of embeds and avatars are SVG attributes, those of
roles a style sheet of their own, since a style attribute would need a weaker policy.

The script asks for ``/_sim/page`` with the version that it shows; the answer comes as soon as there is a newer one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

import msgspec
from aiohttp import web

from jinkies.simulators.discord.control import loopback_only
from jinkies.simulators.discord.gateway import Gateway
from jinkies.simulators.discord.people import People
from jinkies.simulators.discord.shown import Shown, avatar, form, role_class, text
from jinkies.simulators.discord.state import State
from jinkies.simulators.discord.world import Json, User

SHOWN_MESSAGES = 80
WAIT_S = 20.0
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
ACTIVITIES = {0: "Playing", 1: "Streaming", 2: "Listening to", 3: "Watching", 4: "", 5: "Competing in"}
TYPED = {3: "text", 4: "number", 5: "true|false", 6: "user", 7: "channel", 8: "role", 10: "number"}


Handler = Callable[[web.Request], Awaitable[web.Response]]


class View(msgspec.Struct, frozen=True):
    """What the page shows: whose eyes, which channel, which thread beside it (ids; "" for none)."""

    user: str
    channel: str
    thread: str = ""


class Page:
    """Renders the parts of the page."""

    def __init__(self, state: State, people: People, gateway: Gateway) -> None:
        self._state = state
        self._people = people
        self._gateway = gateway

    def view(self, query: Any) -> View:
        """The view that a query asks for; what it names and is not there is the first of its kind."""
        world = self._state.world
        user = world.user(query.get("user", "")) or (world.users[0] if world.users else world.bot)
        channel = world.channel(query.get("channel", "")) or (world.channels[0] if world.channels else None)
        thread = self._state.threads.get(query.get("thread", ""))
        return View(user.id, "" if channel is None else channel.id, "" if thread is None else thread.id)

    def parts(self, view: View) -> dict[str, str]:
        """Every part's HTML, by the id of the element that holds it."""
        shown = Shown(self._state, view.user)
        return {
            "channels": self._channels(view),
            "title": self._title(view.channel),
            "messages": shown.channel(view.channel, SHOWN_MESSAGES),
            "thread-title": self._title(view.thread) if view.thread else "",
            "thread": shown.channel(view.thread, SHOWN_MESSAGES) if view.thread else "",
            "members": self._members(),
            "form": self._form(view.user),
            "commands": self._commands(),
        }

    def _channels(self, view: View) -> str:
        parts = []
        for channel in self._state.world.channels:
            here = ' class="here"' if channel.id == view.channel else ""
            parts.append(f'<a{here} data-channel="{text(channel.id)}"><i>#</i> {text(channel.name)}</a>')
            parts += [
                f'<a class="sub opens{" here" if each.id == view.thread else ""}" data-channel="{text(channel.id)}" '
                f'data-thread="{text(each.id)}">{text(each.name)}</a>'
                for each in self._state.threads.active()
                if each.parent_id == channel.id
            ]
        return "".join(parts)

    def _title(self, channel_id: str) -> str:
        thread = self._state.threads.get(channel_id)
        place = self._state.place(channel_id)
        if thread is not None:
            archived = " <span class=small>archived</span>" if thread.archived else ""
            return f"<i>›</i> {text(thread.name)}{archived}"
        topic = f' <span class="small">{text(place.topic)}</span>' if place is not None and place.topic else ""
        return "" if place is None else f"<i>#</i> {text(place.name)}{topic}"

    def _members(self) -> str:
        live, presence = bool(self._gateway.live), self._gateway.presence or {}
        told = " ".join(_activity(each) for each in presence.get("activities", []))
        status = presence.get("status", "online") if live else "offline"
        bot = self._member(self._state.world.bot, told if live else "", str(status))
        people = "".join(self._member(each, "", "online") for each in self._state.world.users)
        return f"<h4>Apps</h4>{bot}<h4>People</h4>{people}"

    def _member(self, user: User, about: str, status: str) -> str:
        badge = ' <span class="badge">APP</span>' if user.bot else ""
        told = f'<span class="small">{about}</span>' if about else ""
        name = f'<b class="{role_class(self._state, user)}">{text(user.shown_name)}</b>{badge}'
        dot = f'<span class="dot {text(status)}"></span>'
        return (
            f'<div class="member {text(status)}">{avatar(user.shown_name, user.id)}{dot}<div>{name}{told}</div></div>'
        )

    def _form(self, user_id: str) -> str:
        opened = self._people.forms(user_id) if self._state.world.user(user_id) is not None else []
        return form(opened[0]) if opened else ""

    def _commands(self) -> str:
        kept = [each for commands in self._state.commands.values() for each in commands if each["type"] == 1]
        return "".join(self._command(each["name"], each) for each in sorted(kept, key=lambda each: str(each["name"])))

    def _command(self, name: str, defined: Json) -> str:
        options = defined.get("options", [])
        if any(each["type"] in (1, 2) for each in options):
            return "".join(self._command(f"{name} {each['name']}", each) for each in options)
        takes = " ".join(_taken(each) for each in options)
        about = f'<span class="small">{text(defined.get("description", ""))}</span>'
        return f'<a data-command="{text(name)}"><b>/{text(name)}</b> <code>{takes}</code>{about}</a>'

    def whole(self, view: View) -> str:
        """The page, with everything that it shows first."""
        people = "".join(
            f'<option value="{text(user.id)}"{" selected" if user.id == view.user else ""}>{text(user.name)}</option>'
            for user in self._state.world.users
        )
        name, parts = text(self._state.world.guild_name), self.parts(view)
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{name} (simulated Discord)</title>"
            '<link rel="stylesheet" href="/_sim/page.css"><link rel="stylesheet" href="/_sim/roles.css">'
            '<script src="/_sim/page.js" defer></script></head>'
            f'<body data-channel="{text(view.channel)}" data-thread="{text(view.thread)}">'
            f'<nav><h1>{name}<span class="small">simulated Discord</span></h1>'
            f'<div id="channels">{parts["channels"]}</div>'
            f'<label class="you"><span class="small">you are</span><select id="who">{people}</select></label></nav>'
            f'<main><h2 id="title">{parts["title"]}</h2><div id="messages" class="messages">{parts["messages"]}</div>'
            f'<div id="commands" hidden>{parts["commands"]}</div>{_COMPOSER.format(where="")}</main>'
            f'<section id="beside"{"" if view.thread else " hidden"}><h2>'
            f'<span id="thread-title">{parts["thread-title"]}</span>'
            '<button id="close" type="button" title="Close the thread">✕</button></h2>'
            f'<div id="thread" class="messages">{parts["thread"]}</div>{_COMPOSER.format(where="thread")}</section>'
            f'<aside id="members">{parts["members"]}</aside><dialog id="form">{parts["form"]}</dialog>'
            '<output id="answer" hidden></output></body></html>'
        )

    def role_colours(self) -> str:
        """A style sheet with the colours of roles."""
        coloured = [role for role in self._state.world.roles if role.color and role.id.isdigit()]
        return "\n".join(f".role-{role.id} {{ color: #{role.color & 0xFFFFFF:06x}; }}" for role in coloured)

    async def fragments(self, request: web.Request) -> web.Response:
        """GET /_sim/page: the parts as JSON, at once or as soon as something changed after ``?seen=``."""
        loopback_only(request)
        state, seen = self._state, request.query.get("seen", "")
        try:
            async with asyncio.timeout(WAIT_S), state.changed:
                await state.changed.wait_for(lambda: state.ending or str(state.version) != seen)
        except TimeoutError:
            return web.Response(status=204, headers=HEADERS)
        if state.ending:
            return web.Response(status=503, headers=HEADERS)
        answer: dict[str, Any] = {"version": str(state.version), "parts": self.parts(self.view(request.query))}
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json", headers=HEADERS)


_COMPOSER = '<form class="composer" data-where="{where}"><input autocomplete="off" maxlength="2000"></form>'


def _activity(activity: Json) -> str:
    verb = ACTIVITIES.get(activity.get("type", 0), "")
    return text(f"{verb} {activity.get('state') or activity.get('name', '')}".strip())


def _taken(option: Json) -> str:
    shown = f"{option['name']}:{TYPED.get(option['type'], 'value')}"
    return text(shown if option.get("required") else f"[{shown}]")


def add_page_routes(app: web.Application, state: State, people: People, gateway: Gateway) -> None:
    """Register the page, its script, its styles and what the script asks for."""
    package, page = files(__package__), Page(state, people, gateway)

    def serve(content_type: str, render: Callable[[web.Request], str]) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            loopback_only(request)
            return web.Response(text=render(request), content_type=content_type, headers=HEADERS)

        return handle

    app.router.add_get("/", serve("text/html", lambda request: page.whole(page.view(request.query))))
    app.router.add_get("/_sim/page", page.fragments)
    app.router.add_get("/_sim/page.js", serve("text/javascript", lambda _: (package / "page.js").read_text()))
    app.router.add_get("/_sim/page.css", serve("text/css", lambda _: (package / "page.css").read_text()))
    app.router.add_get("/_sim/roles.css", serve("text/css", lambda _: page.role_colours()))
