"""Messages as Discord keeps and returns them: what it adds to, drops from and makes of the body that a bot sent."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from jinkies.simulators.discord.interaction import Interaction
from jinkies.simulators.discord.objects import user_object
from jinkies.simulators.discord.world import Json, User, World

HAS_THREAD = 1 << 5
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
    known = (*world.users, world.bot)
    users = [user for user in known if user.id in named and ("users" in parse or user.id in people)]
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
    return message


def answer_metadata(interaction: Interaction, world: World) -> Json:
    """The ``interaction_metadata`` of a message that answers an interaction: who asked, and how."""
    about: Json = {
        "id": interaction.id,
        "type": interaction.kind,
        "user": user_object(interaction.user),
        "authorizing_integration_owners": {"0": world.guild_id},
    }
    if interaction.kind == 3:
        about["interacted_message_id"] = interaction.source_id
    if interaction.kind == 5 and interaction.opened_by is not None:
        about["triggering_interaction_metadata"] = answer_metadata(interaction.opened_by, world)
    if interaction.target_id is not None and any(interaction.target_id == each.id for each in world.users):
        about["target_user"] = user_object(next(each for each in world.users if each.id == interaction.target_id))
    elif interaction.target_id is not None:
        about["target_message_id"] = interaction.target_id
    return about


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
    return after


def thread_starter(world: World, message_id: str, thread_id: str, source: Json, at_ms: int) -> Json:
    """The first message of a thread that was made from ``source``: THREAD_STARTER_MESSAGE, nothing but a reference."""
    message = new_message(world, message_id, thread_id, world.bot, {}, at_ms)
    reference = {"type": 0, "message_id": source["id"], "channel_id": source["channel_id"], "guild_id": world.guild_id}
    quoted = {key: value for key, value in source.items() if key not in ("thread", "referenced_message")}
    return message | {
        "type": 21,
        "author": source["author"],
        "message_reference": reference,
        "referenced_message": quoted,
    }


def thread_created(
    world: World, message_id: str, channel_id: str, thread_id: str, name: str, owner: User, at_ms: int
) -> Json:
    """What a channel shows of a thread that was made without a message: type THREAD_CREATED, with the thread's name."""
    message = new_message(world, message_id, channel_id, owner, {"content": name}, at_ms)
    reference = {"type": 0, "channel_id": thread_id, "guild_id": world.guild_id}
    return message | {"type": 18, "message_reference": reference}


def as_read(message: Json, bot_id: str, *, content: bool) -> Json:
    """A message as the bot may read it: without the message content intent a person's is empty.

    It is not when the message mentions the bot or answers one of its messages with a mention (Discord's
    documentation, "Message Content Intent").
    """
    mentioned = any(user["id"] == bot_id for user in message["mentions"])
    if content or mentioned or message["author"]["id"] == bot_id:
        return message
    return message | {"content": "", "embeds": [], "attachments": [], "components": []}


def components_of(message: Json) -> list[Json]:
    """Every interactive component of a message, in the order it shows them."""
    return [component for row in message["components"] for component in row.get("components", [])]


def answer_to(message: Json, answered: Json, world: World, *, mentioning: bool = True) -> None:
    """Make a message a reply to another one, mentioning who wrote that."""
    reference = {"type": 0, "message_id": answered["id"], "channel_id": answered["channel_id"]}
    message["type"] = 19
    message["message_reference"] = reference | {"guild_id": world.guild_id}
    message["referenced_message"] = {key: value for key, value in answered.items() if key != "referenced_message"}
    if mentioning and all(user["id"] != answered["author"]["id"] for user in message["mentions"]):
        message["mentions"] = [*message["mentions"], answered["author"]]
