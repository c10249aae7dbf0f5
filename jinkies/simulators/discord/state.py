"""What the simulated Discord remembers: messages, commands, interactions and nonces; and who waits for a change."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from jinkies.clock import Clock
from jinkies.simulators.discord import errors, messages
from jinkies.simulators.discord.messages import EPHEMERAL
from jinkies.simulators.discord.validate import check_not_empty
from jinkies.simulators.discord.world import Access, Channel, Json, User, World

DISCORD_EPOCH_MS = 1_420_070_400_000
NONCE_MEMORY_S = 300.0
ANSWER_WITHIN_S = 3.0
TOKEN_LIFE_S = 900.0


@dataclass
class Interaction:
    """One thing that a person did, and how the bot answered it so far."""

    id: str
    token: str
    kind: int  # Discord's interaction type: 2 command, 3 component, 5 modal
    user: User
    channel_id: str
    at_s: float
    name: str  # the command's name or the custom_id
    source_id: str | None = None  # the message whose component was used
    source: Json | None = None  # that message as it was then
    callback: int | None = None  # the type of the first answer
    data: Json = field(default_factory=dict)  # its data, for modals and choices
    original_id: str | None = None  # the message that @original means
    loading: bool = False  # deferred, and not filled in yet
    followups: list[str] = field(default_factory=list)
    submitted: bool = False  # its modal was sent


Listener = Callable[[str, Json], None]


class State:
    """The whole memory of one simulated Discord. Not thread safe: it lives in one event loop.

    Args:
        world: who and what exists.
        clock: the source of ids and of every timeout.
        nonce_memory_s: how long an enforced nonce is remembered; Discord says "the past few minutes".
    """

    def __init__(self, world: World, clock: Clock, *, nonce_memory_s: float = NONCE_MEMORY_S) -> None:
        self.world = world
        self.clock = clock
        self.nonce_memory_s = nonce_memory_s
        self.messages: dict[str, Json] = {}
        self.only_for: dict[str, str] = {}  # ephemeral message id to the one user who sees it
        self.commands: dict[str | None, list[Json]] = {}
        self.interactions: dict[str, Interaction] = {}
        self.changed = asyncio.Condition()
        self.listener: Listener = lambda _event, _data: None  # the gateway's dispatch
        self._nonces: dict[tuple[str, str], tuple[float, Json]] = {}
        self._last_id = 0

    async def touch(self) -> None:
        """Wake everyone who waits for a condition."""
        async with self.changed:
            self.changed.notify_all()

    def new_id(self) -> str:
        """A snowflake for now, larger than every earlier one."""
        self._last_id = max(self._last_id + 1, (self.clock.now_ms() - DISCORD_EPOCH_MS) << 22)
        return str(self._last_id)

    # Channels and messages

    def channel(self, channel_id: str, *, write: bool = False) -> Channel:
        """The channel that the bot asks for.

        Raises:
            ApiError: 10003 unknown, 50001 not visible to the bot, 50013 when ``write`` and it may only read.
        """
        found = next((channel for channel in self.world.channels if channel.id == channel_id), None)
        if found is None:
            raise errors.unknown_channel()
        if found.access == Access.NONE:
            raise errors.missing_access()
        if write and found.access == Access.READ:
            raise errors.missing_permissions()
        return found

    def message(self, channel_id: str, message_id: str) -> Json:
        """A message of a channel; ephemeral ones cannot be found this way.

        Raises:
            ApiError: 10008 when there is none (any more).
        """
        found = self.messages.get(message_id)
        if found is None or found["channel_id"] != channel_id or message_id in self.only_for:
            raise errors.unknown_message()
        return found

    def listed(self, channel_id: str) -> list[Json]:
        """What a channel shows everyone, newest first."""
        shown = [
            message
            for message in self.messages.values()
            if message["channel_id"] == channel_id and message["id"] not in self.only_for
        ]
        return sorted(shown, key=lambda message: int(message["id"]), reverse=True)

    def add(self, message: Json, *, seen_by: str | None = None) -> Json:
        """Store a message and tell the gateway; ``seen_by`` makes it ephemeral."""
        self.messages[message["id"]] = message
        if message["flags"] & EPHEMERAL and seen_by is not None:
            self.only_for[message["id"]] = seen_by
        else:
            self.listener("MESSAGE_CREATE", message | {"guild_id": self.world.guild_id})
        return message

    def compose(self, channel_id: str, author: User, body: Json, attachments: list[Json]) -> Json:
        """A new message for a checked body, not stored yet.

        Raises:
            ApiError: 50006 when it would show nothing.
        """
        message = messages.new_message(self.world, self.new_id(), channel_id, author, body, self.clock.now_ms())
        message["attachments"] = attachments
        check_not_empty(message)
        return message

    def post(self, channel_id: str, body: Json, attachments: list[Json]) -> Json:
        """The bot posts. An enforced nonce that was used lately gives the message of that time again.

        Raises:
            ApiError: see ``channel`` and ``compose``.
        """
        self.channel(channel_id, write=True)
        now_s = self.clock.monotonic_s()
        self._nonces = {key: kept for key, kept in self._nonces.items() if kept[0] > now_s}
        nonce = body.get("nonce")
        key = (channel_id, str(nonce))
        if nonce is not None and body.get("enforce_nonce") and key in self._nonces:
            return self._nonces[key][1] | {"nonce": nonce}
        message = self.add(self.compose(channel_id, self.world.bot, body, attachments))
        if nonce is None:
            return message
        self._nonces[key] = (now_s + self.nonce_memory_s, message)
        return message | {"nonce": nonce}

    def edit(self, message: Json, body: Json, attachments: list[Json]) -> Json:
        """Change a message in place.

        Raises:
            ApiError: 50006 when nothing would be left.
        """
        after = messages.edited(self.world, message, body, self.clock.now_ms())
        after["attachments"] = [*after["attachments"], *attachments]
        check_not_empty(after)
        self.messages[message["id"]] = after
        if message["id"] not in self.only_for:
            self.listener("MESSAGE_UPDATE", after | {"guild_id": self.world.guild_id})
        return after

    def delete(self, message: Json) -> None:
        """Remove a message, and tell the gateway."""
        del self.messages[message["id"]]
        if self.only_for.pop(message["id"], None) is None:
            where = {"channel_id": message["channel_id"], "guild_id": self.world.guild_id}
            self.listener("MESSAGE_DELETE", {"id": message["id"], **where})

    # Commands and interactions

    def put_commands(self, scope: str | None, commands: list[Json]) -> list[Json]:
        """Overwrite the application's commands, globally (None) or in a guild."""
        kept_ids = {(each["type"], each["name"]): each["id"] for each in self.commands.get(scope, [])}
        stored = []
        for command in commands:
            known = {
                "application_id": self.world.application_id,
                "version": self.new_id(),
                "type": 1,
                "description": "",
                "nsfw": False,
                "dm_permission": True,
                "integration_types": [0],
            }
            sent = _pruned(command)
            kept = (
                known | sent | {"default_member_permissions": _permissions(command), "contexts": sent.get("contexts")}
            )
            kept["id"] = kept_ids.get((kept["type"], kept["name"])) or self.new_id()
            stored.append(kept | ({"guild_id": scope} if scope is not None else {}))
        self.commands[scope] = stored
        return stored

    def command(self, name: str) -> Json | None:
        """The chat command with this name: the guild's own wins over a global one."""
        for scope in (self.world.guild_id, None):
            for command in self.commands.get(scope, []):
                if command["name"] == name and command["type"] == 1:
                    return command
        return None

    def begin(self, kind: int, user: User, channel_id: str, name: str, source_id: str | None = None) -> Interaction:
        """Open an interaction with a fresh token, and forget those whose tokens have run out."""
        now_s = self.clock.monotonic_s()
        self.interactions = {
            token: each for token, each in self.interactions.items() if each.at_s > now_s - 2 * TOKEN_LIFE_S
        }
        token = "aW50ZXJhY3Rpb246" + secrets.token_hex(24)
        interaction = Interaction(self.new_id(), token, kind, user, channel_id, now_s, name, source_id)
        interaction.source = self.messages.get(str(source_id))
        self.interactions[token] = interaction
        return interaction

    def answered(self, token: str) -> Interaction:
        """The interaction whose webhook is used.

        Raises:
            ApiError: 10015 without a first answer, 50027 after fifteen minutes.
        """
        found = self.interactions.get(token)
        if found is None or found.callback is None:
            raise errors.unknown_webhook()
        if self.clock.monotonic_s() - found.at_s > TOKEN_LIFE_S:
            raise errors.invalid_webhook_token()
        return found


def _pruned(command: Json) -> Json:
    """A command as Discord returns it: no nulls, no empty lists of options or choices, no false ``required``."""
    kept = {}
    for key, value in command.items():
        if value is None or (key in ("options", "choices", "channel_types") and not value):
            continue
        if key in ("required", "autocomplete") and value is False:
            continue
        nested = key in ("options", "choices")
        kept[key] = [_pruned(item) for item in value] if nested else value
    return kept


def _permissions(command: Json) -> str | None:
    value = command.get("default_member_permissions")
    return None if value is None else str(value)
