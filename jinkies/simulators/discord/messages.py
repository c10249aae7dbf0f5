"""Messages as Discord keeps and returns them: what it adds to, drops from and makes of the body that a bot sent."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from jinkies.simulators.discord.world import Json, User, World, user_object

EPHEMERAL = 1 << 6
LOADING = 1 << 7
EDITABLE_FLAGS = (1 << 2) | (1 << 12)  # SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS


def timestamp(at_ms: int) -> str:
    """``2026-01-01T00:00:00.123000+00:00``, as Discord writes times."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="microseconds")


def without_nulls(value: Any) -> Any:
    """The same JSON without null members: Discord treats them as absent and does not store them."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def stored_embeds(embeds: list[Json] | None) -> list[Json]:
    """Embeds as they come back: typed ``rich``, every field with its ``inline``, times in UTC."""
    stored = []
    for sent in embeds or []:
        embed: Json = _trimmed(without_nulls(sent)) | {"type": "rich"}
        embed["fields"] = [{"inline": False} | field for field in embed.get("fields", [])]
        if not embed["fields"]:
            del embed["fields"]
        if "timestamp" in embed:
            moment = datetime.fromisoformat(embed["timestamp"])
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            embed["timestamp"] = timestamp(round(moment.timestamp() * 1000))
        if not embed.get("footer", {}).get("text"):
            embed.pop("footer", None)
        stored.append(embed)
    return stored


def _trimmed(value: Any) -> Any:
    """The same JSON with white space around its texts removed, as Discord does to embeds."""
    if isinstance(value, dict):
        return {key: _trimmed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_trimmed(item) for item in value]
    return value.strip() if isinstance(value, str) else value


def stored_components(rows: list[Json] | None) -> list[Json]:
    """Components as they come back: each with an ``id``, numbered through the message from 1."""
    number = 0

    def store(component: Json) -> Json:
        nonlocal number
        number += 1
        kept: Json = {"id": number} | without_nulls(component)
        if kept["type"] == 3:
            kept = {"min_values": 1, "max_values": 1} | kept
        if "components" in kept:
            kept["components"] = [store(inside) for inside in kept["components"]]
        return kept

    return [store(row) for row in rows or []]


def mentions(world: World, content: str, allowed: Json | None) -> Json:
    """Whom a message pings. Only ``content`` counts, never an embed; no ``allowed_mentions`` means everything."""
    rules = allowed if allowed is not None else {"parse": ["everyone", "roles", "users"]}
    parse = rules.get("parse") or []
    people, roles = rules.get("users") or [], rules.get("roles") or []
    named = re.findall(r"<@!?(\d+)>", content)
    users = [user for user in world.users if user.id in named and ("users" in parse or user.id in people)]
    found = [role for role in dict.fromkeys(re.findall(r"<@&(\d+)>", content)) if "roles" in parse or role in roles]
    return {
        "mentions": [user_object(user) for user in users],
        "mention_roles": found,
        "mention_everyone": "everyone" in parse and bool(re.search(r"@(everyone|here)\b", content)),
    }


def new_message(world: World, message_id: str, channel_id: str, author: User, body: Json, at_ms: int) -> Json:
    """A ``MessageResponse`` for a body that was already checked."""
    content = str(body.get("content") or "").strip()
    message: Json = {
        "id": message_id,
        "channel_id": channel_id,
        "type": 0,
        "content": content,
        "author": user_object(author),
        "attachments": [],
        "embeds": stored_embeds(body.get("embeds")),
        "components": stored_components(body.get("components")),
        "pinned": False,
        "tts": bool(body.get("tts")),
        "timestamp": timestamp(at_ms),
        "edited_timestamp": None,
        "flags": int(body.get("flags") or 0) & (EDITABLE_FLAGS | EPHEMERAL),
    } | mentions(world, content, body.get("allowed_mentions"))
    if reference := body.get("message_reference"):
        message["type"] = 19
        message["message_reference"] = {
            "type": 0,
            "message_id": str(reference["message_id"]),
            "channel_id": str(reference.get("channel_id") or channel_id),
            "guild_id": world.guild_id,
        }
    return message


def edited(world: World, message: Json, body: Json, at_ms: int) -> Json:
    """The message after an edit: what the body names is replaced, what it leaves out (or sends as null embeds) stays.

    A null ``content`` empties it; a null list of embeds or components empties that list.
    """
    after = message | {"edited_timestamp": timestamp(at_ms), "flags": message["flags"] & ~LOADING}
    if "content" in body:
        after["content"] = str(body["content"] or "").strip()
        after |= mentions(world, after["content"], body.get("allowed_mentions"))
    if "embeds" in body:
        after["embeds"] = stored_embeds(body["embeds"])
    if "components" in body:
        after["components"] = stored_components(body["components"])
    if body.get("flags") is not None:
        after["flags"] = (after["flags"] & ~EDITABLE_FLAGS) | (int(body["flags"]) & EDITABLE_FLAGS)
    if "attachments" in body:
        kept = {str(attachment["id"]) for attachment in body["attachments"] or []}
        after["attachments"] = [attachment for attachment in after["attachments"] if attachment["id"] in kept]
    return after


def components_of(message: Json) -> list[Json]:
    """Every interactive component of a message, in the order it shows them."""
    return [component for row in message["components"] for component in row.get("components", [])]
