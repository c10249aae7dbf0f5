"""A page that shows the channels as people would see them, at ``/``.

Every text is escaped here, on the server; the page's script only swaps in what this module rendered. The policy
allows no inline script or style and nothing from elsewhere. An embed's colour is an SVG attribute, since a style
attribute would need a weaker policy.
"""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import Any

from aiohttp import web

from jinkies.simulators.discord.control import loopback_only
from jinkies.simulators.discord.markdown import rendered
from jinkies.simulators.discord.messages import LOADING
from jinkies.simulators.discord.state import State
from jinkies.simulators.discord.world import Json

SHOWN_MESSAGES = 50
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
STYLES = {1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link"}


def _text(value: Any) -> str:
    return escape(str(value), quote=True)


def _component(message: Json, component: Json) -> str:
    label = _text(component.get("label") or component.get("placeholder") or component.get("custom_id") or "")
    emoji = _text((component.get("emoji") or {}).get("name", ""))
    style = STYLES.get(component.get("style", 2), "secondary")
    disabled = " disabled" if component.get("disabled") or component["type"] != 2 or style == "link" else ""
    target = f'data-message="{_text(message["id"])}" data-custom-id="{_text(component.get("custom_id", ""))}"'
    return f'<button type="button" class="{style}" {target}{disabled}>{emoji} {label}</button>'


def _embed(embed: Json) -> str:
    colour = f"#{int(embed.get('color', 0x4E5058)) & 0xFFFFFF:06x}"
    rectangle = f'<rect width="1" height="1" fill="{colour}"/>'
    bar = f'<svg class="bar" viewBox="0 0 1 1" preserveAspectRatio="none">{rectangle}</svg>'
    parts = []
    if author := embed.get("author"):
        parts.append(f'<p class="small">{_text(author.get("name", ""))}</p>')
    parts += [
        f'<div class="{name}">{rendered(embed[name])}</div>' for name in ("title", "description") if name in embed
    ]
    fields = "".join(
        f'<div class="{"inline" if field.get("inline") else "block"}">'
        f"<dt>{_text(field['name'])}</dt><dd>{rendered(field['value'])}</dd></div>"
        for field in embed.get("fields", [])
    )
    footer = f'<p class="small">{_text(embed["footer"]["text"])}</p>' if "footer" in embed else ""
    return f'<div class="embed">{bar}<div>{"".join(parts)}<dl>{fields}</dl>{footer}</div></div>'


def _message(message: Json) -> str:
    author = message["author"]
    badge = '<span class="badge">APP</span>' if author["bot"] else ""
    edited = '<span class="small">(edited)</span>' if message["edited_timestamp"] else ""
    content = "thinking…" if message["flags"] & LOADING else message["content"]
    rows = "".join(
        f'<div class="row">{"".join(_component(message, each) for each in row["components"])}</div>'
        for row in message["components"]
    )
    embeds = "".join(_embed(each) for each in message["embeds"])
    attached = "".join(f'<p class="small">📎 {_text(each["filename"])}</p>' for each in message["attachments"])
    return (
        f"<article><header><b>{_text(author['username'])}</b> {badge} "
        f'<time class="small">{_text(message["timestamp"][11:19])}</time> {edited}</header>'
        f'<div class="content">{rendered(content)}</div>{embeds}{attached}{rows}'
        "</article>"
    )


def render_channels(state: State) -> str:
    """The channels side by side, the newest messages at the bottom of each. Everything is escaped."""
    columns = []
    for channel in state.world.channels:
        shown = list(reversed(state.listed(channel.id)[:SHOWN_MESSAGES]))
        inside = "".join(_message(message) for message in shown)
        width = "" if shown else ' class="empty"'
        columns.append(f"<section{width}><h2>#{_text(channel.name)}</h2><div class=messages>{inside}</div></section>")
    return "".join(columns)


def _whole(state: State) -> str:
    people = "".join(f'<option value="{_text(user.id)}">{_text(user.name)}</option>' for user in state.world.users)
    name = _text(state.world.guild_name)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{name} (simulated Discord)</title>"
        '<link rel="stylesheet" href="/_sim/page.css"><script src="/_sim/page.js" defer></script></head><body>'
        f'<h1>{name} <span class="small">simulated Discord</span> '
        f'<label class="small">you are <select id="who">{people}</select></label> '
        '<output id="answer" class="small"></output></h1>'
        f'<main id="channels">{render_channels(state)}</main></body></html>'
    )


def add_page_routes(app: web.Application, state: State) -> None:
    """Register the page, its script, its style and the fragment that the script asks for."""
    package = files(__package__)

    def serve(content_type: str, render: Any) -> Any:
        async def handle(request: web.Request) -> web.Response:
            loopback_only(request)
            return web.Response(text=render(), content_type=content_type, headers=HEADERS)

        return handle

    app.router.add_get("/", serve("text/html", lambda: _whole(state)))
    app.router.add_get("/_sim/page", serve("text/html", lambda: render_channels(state)))
    app.router.add_get("/_sim/page.js", serve("text/javascript", (package / "page.js").read_text))
    app.router.add_get("/_sim/page.css", serve("text/css", (package / "page.css").read_text))
