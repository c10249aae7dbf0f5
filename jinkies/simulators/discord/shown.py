"""Messages as HTML, as people see them. Every text is escaped here; nothing carries a script or a style attribute."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from html import escape
from typing import Any

from jinkies.simulators.discord.markdown import rendered
from jinkies.simulators.discord.messages import LOADING
from jinkies.simulators.discord.state import State
from jinkies.simulators.discord.world import Json, User

STYLES = {1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link"}
COLOURS = ("#5865f2", "#57a773", "#c58b2b", "#c0505c", "#8a63c9", "#3f93a8")
NO_COLOUR = 0x4E5058
GROUPED_WITHIN_S = 420
PREVIEW_BYTES, PREVIEW_LINES = 4_000, 12
KB = 1024


def text(value: Any) -> str:
    """Any value as escaped text, fit for an attribute too."""
    return escape(str(value), quote=True)


def avatar(name: str, key: str) -> str:
    """A round picture: the first letter on a colour of its own."""
    colour = COLOURS[int(hashlib.sha256(key.encode()).hexdigest(), 16) % len(COLOURS)]
    circle = f'<circle cx="20" cy="20" r="20" fill="{colour}"/>'
    letter = f'<text x="20" y="27" text-anchor="middle" fill="#fff">{text(name[:1].upper())}</text>'
    return f'<svg class="avatar" viewBox="0 0 40 40" aria-hidden="true">{circle}{letter}</svg>'


def role_class(state: State, user: User | None) -> str:
    """The class that colours a name: of the first of its roles that has a colour."""
    known = () if user is None else user.roles
    role = next((each for each in state.world.roles if each.id in known and each.color), None)
    return f"name role-{role.id}" if role is not None else "name"


class Shown:
    """Renders the messages of a channel or thread for one person.

    Args:
        state: where names, threads and files are looked up.
        viewer_id: whose eyes they are: what only others see is not shown.
    """

    def __init__(self, state: State, viewer_id: str) -> None:
        self._state = state
        self._viewer_id = viewer_id

    def channel(self, channel_id: str, most: int) -> str:
        """The newest ``most`` messages, the newest last; those that follow each other closely under one name."""
        messages = list(reversed(self._state.seen_by(self._viewer_id, channel_id)[:most]))
        before: Json | None = None
        parts = []
        for message in messages:
            parts.append(self.message(message, joined=_joins(before, message)))
            before = message
        return "".join(parts)

    def _name(self, sign: str, found_id: str) -> str | None:
        world = self._state.world
        if sign == "@":
            user = world.bot if found_id == world.application_id else world.user(found_id)
            return None if user is None else user.shown_name
        if sign == "@&":
            return next((role.name for role in world.roles if role.id == found_id), None)
        place = world.channel(found_id) or self._state.threads.get(found_id)
        return None if place is None else place.name

    def _markdown(self, content: str) -> str:
        return rendered(content, self._name)

    def message(self, message: Json, *, joined: bool = False) -> str:
        """One message; ``joined`` leaves out who wrote it."""
        if message["type"] in (18, 21):
            return self._system(message)
        hidden = message["id"] in self._state.only_for
        body = "".join(self._body(message))
        note = _ONLY_YOU if hidden else ""
        classes = " ".join(name for name, on in (("joined", joined), ("hidden", hidden)) if on)
        head = "" if joined else self._head(message)
        return (
            f'<article class="{classes}" data-id="{text(message["id"])}">{self._quoted(message)}'
            f'<div class="gutter">{self._gutter(message, joined=joined)}</div>'
            f'<div class="said">{head}{body}{note}</div></article>'
        )

    def _gutter(self, message: Json, *, joined: bool) -> str:
        if joined:
            return f'<time class="small">{text(message["timestamp"][11:16])}</time>'
        return avatar(self._author(message), message["author"]["id"])

    def _author(self, message: Json) -> str:
        user = self._state.world.user(message["author"]["id"])
        return user.shown_name if user is not None else str(message["author"]["username"])

    def _head(self, message: Json) -> str:
        author = message["author"]
        badge = ' <span class="badge">APP</span>' if author["bot"] else ""
        colour = role_class(self._state, self._state.world.user(author["id"]))
        at = f'<time class="small">{text(message["timestamp"][11:19])}</time>'
        return f'<header><b class="{colour}">{text(self._author(message))}</b>{badge} {at}</header>'

    def _quoted(self, message: Json) -> str:
        if answered := message.get("referenced_message"):
            about = str(answered["content"] or "(a card)").replace("\n", " ")[:90]
            return f'<p class="quoted"><b>{text(self._author(answered))}</b> {text(about)}</p>'
        asked = message.get("interaction_metadata")
        if message["type"] == 20 and asked is not None:
            user = self._state.world.user(asked["user"]["id"])
            who = user.shown_name if user is not None else asked["user"]["username"]
            used = next(
                (each.name for each in self._state.interactions.values() if each.id == asked["id"]), "a command"
            )
            return f'<p class="quoted"><b>{text(who)}</b> used <span class="mention">/{text(used)}</span></p>'
        return ""

    def _system(self, message: Json) -> str:
        if message["type"] == 21:
            quoted = message.get("referenced_message")
            return "" if quoted is None else self.message(quoted | {"components": [], "thread": None})
        who, thread_id = text(self._author(message)), text(message["message_reference"]["channel_id"])
        opened = f'<a class="opens" data-thread="{thread_id}">{text(message["content"])}</a>'
        told = f"<p><b>{who}</b> started a thread: {opened}</p>"
        return f'<article class="system"><div class="gutter">›</div>{told}</article>'

    def _body(self, message: Json) -> Iterator[str]:
        edited = '<span class="small">(edited)</span>' if message["edited_timestamp"] else ""
        if message["flags"] & LOADING:
            yield '<div class="content thinking"><i></i><i></i><i></i> is thinking…</div>'
        elif message["content"]:
            yield f'<div class="content">{self._markdown(message["content"])}{edited}</div>'
        yield from (self._embed(each) for each in message["embeds"])
        yield from (self._attached(each) for each in message["attachments"])
        for row in message["components"]:
            yield f'<div class="row">{"".join(_component(message, each) for each in row["components"])}</div>'
        if message.get("thread"):
            yield self._thread(message["id"])

    def _embed(self, embed: Json) -> str:
        colour = f"#{int(embed.get('color', NO_COLOUR)) & 0xFFFFFF:06x}"
        rectangle = f'<rect width="1" height="1" fill="{colour}"/>'
        bar = f'<svg class="bar" viewBox="0 0 1 1" preserveAspectRatio="none">{rectangle}</svg>'
        parts = []
        if author := embed.get("author"):
            parts.append(f'<p class="by">{text(author.get("name", ""))}</p>')
        if title := embed.get("title"):
            inside = self._markdown(title)
            link = (
                f'<a target="_blank" rel="noreferrer noopener" href="{text(embed["url"])}">' if "url" in embed else ""
            )
            parts.append(f'<div class="title">{link}{inside}{"</a>" if link else ""}</div>')
        if description := embed.get("description"):
            parts.append(f'<div class="description">{self._markdown(description)}</div>')
        fields = "".join(
            f'<div class="{"inline" if field.get("inline") else "block"}">'
            f"<dt>{self._markdown(field['name'])}</dt><dd>{self._markdown(field['value'])}</dd></div>"
            for field in embed.get("fields", [])
        )
        parts.append(f"<dl>{fields}</dl>" if fields else "")
        ends = [text(embed["footer"]["text"])] if "footer" in embed else []
        ends += [f"{text(embed['timestamp'][:16].replace('T', ' '))}"] if "timestamp" in embed else []
        parts.append(f'<p class="footer">{" • ".join(ends)}</p>' if ends else "")
        return f'<div class="embed">{bar}<div>{"".join(parts)}</div></div>'

    def _attached(self, attachment: Json) -> str:
        size = f"{attachment['size'] / KB:.1f} KB" if attachment["size"] >= KB else f"{attachment['size']} bytes"
        link = f'<a target="_blank" rel="noreferrer noopener" href="{text(attachment["url"])}">'
        name = f'{link}{text(attachment["filename"])}</a> <span class="small">{size}</span>'
        return f'<div class="file">{self._preview(attachment)}<p>{name}</p></div>'

    def _preview(self, attachment: Json) -> str:
        if not str(attachment.get("content_type", "")).startswith(("text/", "application/json")):
            return ""
        try:
            start = self._state.files.data(attachment["id"])[:PREVIEW_BYTES].decode(errors="replace")
        except KeyError:
            return ""
        lines = start.splitlines()
        more = "\n…" if len(lines) > PREVIEW_LINES or attachment["size"] > PREVIEW_BYTES else ""
        return f"<pre>{text(chr(10).join(lines[:PREVIEW_LINES]))}{more}</pre>"

    def _thread(self, thread_id: str) -> str:
        thread = self._state.threads.get(thread_id)
        if thread is None:
            return ""
        newest = next(iter(self._state.listed(thread_id)), None)
        last = "" if newest is None else f" · {text(self._author(newest))}: {text(str(newest['content'])[:80])}"
        number = f"{thread.message_count} message{'' if thread.message_count == 1 else 's'}"
        state = " · archived" if thread.archived else ""
        return (
            f'<a class="thread opens" data-thread="{text(thread_id)}"><b>{text(thread.name)}</b> '
            f'<span class="count">{number} ›</span><span class="small">{state}{last}</span></a>'
        )


_ONLY_YOU = '<p class="only">Only you can see this</p>'


def _joins(before: Json | None, message: Json) -> bool:
    """Whether a message is shown under the name of the one before it."""
    if before is None or before["author"]["id"] != message["author"]["id"] or message["type"] != 0:
        return False
    apart_s = ((int(message["id"]) >> 22) - (int(before["id"]) >> 22)) / 1000
    return apart_s < GROUPED_WITHIN_S and before["type"] in (0, 20) and not message.get("interaction_metadata")


def _component(message: Json, component: Json) -> str:
    if component["type"] != 2:
        return _select(message, component)
    emoji = text((component.get("emoji") or {}).get("name", ""))
    label = f"{emoji} {text(component.get('label') or '')}".strip()
    style = STYLES.get(component.get("style", 2), "secondary")
    if style == "link":
        url = text(component.get("url", ""))
        return f'<a class="button" target="_blank" rel="noreferrer noopener" href="{url}">{label} ↗</a>'
    disabled = " disabled" if component.get("disabled") else ""
    target = f'data-message="{text(message["id"])}" data-custom-id="{text(component.get("custom_id", ""))}"'
    return f'<button type="button" class="{style}" {target}{disabled}>{label}</button>'


def _select(message: Json, menu: Json) -> str:
    """A string select; of people, roles and channels only that there is one."""
    disabled = " disabled" if menu.get("disabled") or menu["type"] != 3 else ""
    several = " multiple" if menu.get("max_values", 1) > 1 else ""
    first = f'<option value="">{text(menu.get("placeholder") or "Make a selection")}</option>' if not several else ""
    options = first + "".join(_option(each) for each in menu.get("options", []))
    target = f'data-message="{text(message["id"])}" data-custom-id="{text(menu["custom_id"])}"'
    return f'<select class="menu" {target}{several}{disabled}>{options}</select>'


def _option(option: Json) -> str:
    about = f" — {text(option['description'])}" if option.get("description") else ""
    chosen = " selected" if option.get("default") else ""
    return f'<option value="{text(option["value"])}"{chosen}>{text(option["label"])}{about}</option>'


def form(shown: Json) -> str:
    """A modal as a form to fill in."""
    fields = []
    for outer in shown["components"]:
        labelled = outer["type"] == 18
        inside = [outer["component"]] if labelled else outer.get("components", [])
        fields += [_field(each, outer if labelled else each) for each in inside]
    return (
        f'<form data-custom-id="{text(shown["custom_id"])}"><h3>{text(shown["title"])}</h3>{"".join(fields)}'
        '<footer><button type="button" class="secondary" data-cancel>Cancel</button>'
        '<button type="submit" class="primary">Submit</button></footer></form>'
    )


def _field(component: Json, about: Json) -> str:
    required = component.get("required", True)
    star = '<span class="star">*</span>' if required else ""
    hint = f'<span class="small">{text(about["description"])}</span>' if about.get("description") else ""
    name = f'name="{text(component["custom_id"])}"{" required" if required else ""}'
    if component["type"] == 3:
        control = f"<select {name}>{''.join(_option(each) for each in component['options'])}</select>"
    else:
        value, holder = text(component.get("value") or ""), text(component.get("placeholder") or "")
        most = f'maxlength="{int(component.get("max_length") or 4_000)}" placeholder="{holder}"'
        long = component.get("style") == 2
        control = f"<textarea {name} {most}>{value}</textarea>" if long else f'<input {name} {most} value="{value}">'
    return f"<label><span>{text(about.get('label') or '')}{star}</span>{hint}{control}</label>"
