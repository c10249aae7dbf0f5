"""What the simulated Discord remembers: messages, threads, interactions and nonces; and who waits for a change."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from jinkies.clock import Clock
from jinkies.simulators.discord import errors, messages
from jinkies.simulators.discord.commands import Commands
from jinkies.simulators.discord.errors import FormErrors
from jinkies.simulators.discord.files import Files
from jinkies.simulators.discord.interaction import Interaction
from jinkies.simulators.discord.messages import EPHEMERAL
from jinkies.simulators.discord.objects import channel_object, member_object
from jinkies.simulators.discord.permissions import (
    MANAGE_MESSAGES,
    MANAGE_THREADS,
    SEND_MESSAGES,
    SEND_MESSAGES_IN_THREADS,
    VIEW_CHANNEL,
)
from jinkies.simulators.discord.threads import PRIVATE, Thread, Threads
from jinkies.simulators.discord.validate import check_not_empty
from jinkies.simulators.discord.world import Channel, Json, User, World

DISCORD_EPOCH_MS = 1_420_070_400_000
NONCE_MEMORY_S = 300.0
ANSWER_WITHIN_S = 3.0
TOKEN_LIFE_S = 900.0


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
        self.registered = Commands(self.new_id)
        self.files = Files(clock)
        self.threads = Threads(clock, world.guild_id, world.application_id, self.tell)
        self.interactions: dict[str, Interaction] = {}
        self.changed = asyncio.Condition()
        self.ending = False  # nobody shall wait any more
        self.version = 0  # of what people see: one more with every touch
        self.listener: Listener = lambda _event, _data: None  # the gateway's dispatch
        self._nonces: dict[tuple[str, str], tuple[float, Json]] = {}
        self.identifies = 0
        self._last_id = 0

    def age_s(self, message: Json) -> float:
        """How long ago a message was posted, by its id."""
        posted_ms = (int(message["id"]) >> 22) + DISCORD_EPOCH_MS
        return (self.clock.now_ms() - posted_ms) / 1000

    async def touch(self) -> None:
        """Wake everyone who waits for a condition."""
        self.version += 1
        async with self.changed:
            self.changed.notify_all()

    def new_id(self) -> str:
        """A snowflake for now, larger than every earlier one."""
        self._last_id = max(self._last_id + 1, (self.clock.now_ms() - DISCORD_EPOCH_MS) << 22)
        return str(self._last_id)

    # Channels and threads

    @property
    def commands(self) -> dict[str | None, list[Json]]:
        """The registered commands by scope: a guild's id, or None for global ones."""
        return self.registered.by_scope

    def command(self, name: str) -> Json | None:
        """The registered slash command with this name, or None."""
        return self.registered.find(self.world, name)

    def tell(self, event: str, data: Json, channel_id: str) -> None:
        """Tell the gateway, unless the bot cannot see where it happened."""
        place = self.place(channel_id)
        if place is not None and place.bot_permissions & VIEW_CHANNEL:
            self.listener(event, data)

    def place(self, channel_id: str) -> Channel | None:
        """The channel with this id, of a thread the one it belongs to; None when there is none."""
        thread = self.threads.get(channel_id)
        wanted = thread.parent_id if thread is not None else channel_id
        return next((channel for channel in self.world.channels if channel.id == wanted), None)

    def bot_permissions(self, channel_id: str) -> int:
        """What the bot may do in a channel or thread, as bits; nothing where there is none."""
        place = self.place(channel_id)
        managing = MANAGE_THREADS | MANAGE_MESSAGES if self.world.bot_manages else 0
        return 0 if place is None else place.bot_permissions | (managing & ~place.denied)

    def channel(self, channel_id: str, *, needed: int = 0) -> Channel:
        """The channel that the bot asks for; of a thread the one it belongs to.

        Raises:
            ApiError: 10003 unknown, 50001 not visible to the bot, 50013 when it lacks one of the ``needed`` bits.
        """
        found = self.place(channel_id)
        if found is None:
            raise errors.unknown_channel()
        thread = self.threads.get(channel_id)
        hidden = thread is not None and thread.kind == PRIVATE and self.world.application_id not in thread.members
        allowed = self.bot_permissions(channel_id)
        if not allowed & VIEW_CHANNEL or (hidden and not self.world.bot_manages):
            raise errors.missing_access()
        if allowed & needed != needed:
            raise errors.missing_permissions()
        return found

    def _open(self, channel_id: str) -> Thread | None:
        """Where the bot may write now; the thread, if it is one.

        Raises:
            ApiError: see ``channel``; 160005 when it is a locked thread that is archived.
        """
        thread = self.threads.get(channel_id)
        self.channel(channel_id, needed=SEND_MESSAGES if thread is None else SEND_MESSAGES_IN_THREADS)
        if thread is not None and thread.archived and thread.locked and not self.world.bot_manages:
            raise errors.thread_is_locked()
        return thread

    def change_channel(self, channel: Channel) -> None:
        """Replace a channel by what it is from now on (the same id), and tell the gateway as Discord would."""
        before = self.place(channel.id)
        self.world = self.world.with_channel(channel)
        seen_before = before is not None and bool(before.bot_permissions & VIEW_CHANNEL)
        seen = bool(channel.bot_permissions & VIEW_CHANNEL)
        if seen or seen_before:
            event = "CHANNEL_DELETE" if not seen else "CHANNEL_UPDATE" if seen_before else "CHANNEL_CREATE"
            self.listener(event, channel_object(self.world, channel))

    def remove_channel(self, channel: Channel) -> None:
        """Delete a channel with everything in it, and tell the gateway."""
        threads = [each for each in self.threads.all.values() if each.parent_id == channel.id]
        for thread in threads:
            self.remove_thread(thread)
        self._forget_messages(channel.id)
        gone = channel_object(self.world, channel)
        self.world = self.world.without_channel(channel)
        if channel.bot_permissions & VIEW_CHANNEL:
            self.listener("CHANNEL_DELETE", gone)

    def remove_thread(self, thread: Thread) -> None:
        """Delete a thread with its messages, and tell the gateway."""
        self._forget_messages(thread.id)
        self.threads.delete(thread)

    def _forget_messages(self, channel_id: str) -> None:
        for message in [each for each in self.messages.values() if each["channel_id"] == channel_id]:
            del self.messages[message["id"]]
            self.only_for.pop(message["id"], None)

    # Messages

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
        return sorted(shown, key=_age, reverse=True)

    def seen_by(self, user_id: str, channel_id: str) -> list[Json]:
        """What a channel shows one person, newest first."""
        seen = (each for each in self.messages.values() if self.only_for.get(each["id"], user_id) == user_id)
        return sorted((each for each in seen if each["channel_id"] == channel_id), key=_age, reverse=True)

    def add(self, message: Json, *, seen_by: str | None = None) -> Json:
        """Store a message and tell the gateway; ``seen_by`` makes it ephemeral."""
        self.messages[message["id"]] = message
        thread = self.threads.get(message["channel_id"])
        if thread is not None and not message["flags"] & EPHEMERAL:
            self.threads.speak(thread, message)
        if message["flags"] & EPHEMERAL and seen_by is not None:
            self.only_for[message["id"]] = seen_by
        else:
            self.tell("MESSAGE_CREATE", self.dispatched(message), message["channel_id"])
        return message

    def dispatched(self, message: Json) -> Json:
        """A message as the gateway sends it: with its guild, and a person's with its membership there."""
        author = self.world.user(message["author"]["id"])
        member = {} if author is None else {"member": member_object(author, inside=True)}
        return message | member | {"guild_id": self.world.guild_id}

    def shown(self, message: Json) -> Json:
        """A message as it is now: what it says of its thread is as old as the message."""
        if "thread" not in message:
            return message
        thread = self.threads.get(message["id"])
        rest = {key: value for key, value in message.items() if key != "thread"}
        return rest | ({} if thread is None else {"thread": self.threads.shown(thread)})

    def compose(self, channel_id: str, author: User, body: Json, attachments: list[Json]) -> Json:
        """A new message for a checked body, not stored yet.

        Raises:
            ApiError: 50006 when it would show nothing.
        """
        message = messages.new_message(self.world, self.new_id(), channel_id, author, body, self.clock.now_ms())
        message["attachments"] = attachments
        check_not_empty(message)
        return message

    def post(self, channel_id: str, body: Json, attachments: Callable[[], list[Json]]) -> Json:
        """The bot posts, with the files that ``attachments`` stores.

        An enforced nonce that was used lately gives the message of that time again.

        Raises:
            ApiError: see ``_open`` and ``compose``.
        """
        self._open(channel_id)
        now_s = self.clock.monotonic_s()
        self._nonces = {key: kept for key, kept in self._nonces.items() if kept[0] > now_s}
        nonce = body.get("nonce")
        key = (channel_id, str(nonce))
        if nonce is not None and body.get("enforce_nonce") and key in self._nonces:
            return self._nonces[key][1] | {"nonce": nonce}
        answered = self._answered_message(channel_id, body.get("message_reference"))
        message = self.compose(channel_id, self.world.bot, body, attachments())
        if answered is not None:
            allowed = body.get("allowed_mentions")
            mentioning = True if allowed is None else bool(allowed.get("replied_user"))
            messages.answer_to(message, answered, self.world, mentioning=mentioning)
        self.add(message)
        if nonce is None:
            return message
        self._nonces[key] = (now_s + self.nonce_memory_s, message)
        return message | {"nonce": nonce}

    def _answered_message(self, channel_id: str, reference: Json | None) -> Json | None:
        """The message that a post answers, if it answers one.

        Raises:
            ApiError: 50035 when it is not there, unless the post says that this is no matter.
        """
        if reference is None:
            return None
        found = self.messages.get(str(reference["message_id"]))
        if found is not None and found["channel_id"] == channel_id and found["id"] not in self.only_for:
            return found
        if reference.get("fail_if_not_exists") is not False:
            problem = FormErrors()
            problem.add(("message_reference",), "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")
            problem.raise_if_any()
        return None

    def edit(self, message: Json, body: Json, attachments: list[Json]) -> Json:
        """Change a message in place; ``attachments`` are all that it has afterwards.

        Raises:
            ApiError: 50006 when nothing would be left, 50083 in an archived thread.
        """
        thread = self.threads.get(message["channel_id"])
        if thread is not None and thread.archived:
            raise errors.thread_is_archived()
        after = messages.edited(self.world, message, body, self.clock.now_ms()) | {"attachments": attachments}
        check_not_empty(after)
        self.replace(after)
        return after

    def replace(self, message: Json) -> None:
        """Put a message in the place of its former self, and tell the gateway."""
        self.messages[message["id"]] = message
        if message["id"] not in self.only_for:
            self.tell("MESSAGE_UPDATE", self.dispatched(message), message["channel_id"])

    def delete(self, message: Json) -> None:
        """Remove a message, and tell the gateway. Its thread stays."""
        del self.messages[message["id"]]
        thread = self.threads.get(message["channel_id"])
        if thread is not None and "position" in message:
            thread.message_count -= 1
        if self.only_for.pop(message["id"], None) is None:
            where = {"channel_id": message["channel_id"], "guild_id": self.world.guild_id}
            self.tell("MESSAGE_DELETE", {"id": message["id"], **where}, message["channel_id"])

    def start_thread(self, channel: Channel, owner: User, wanted: Json, source: Json | None, kind: int) -> Thread:
        """Make a thread for a checked body, from ``source`` or without a message.

        Raises:
            ApiError: 160004 when the message has one.
        """
        if source is not None and "thread" in source:
            raise errors.thread_exists()
        thread_id = source["id"] if source is not None else self.new_id()
        thread = self.threads.create(thread_id, channel.id, owner.id, kind, wanted)
        if source is not None:
            shown = self.threads.shown(thread)
            self.replace(source | {"flags": source["flags"] | messages.HAS_THREAD, "thread": shown})
            self.add(messages.thread_starter(self.world, self.new_id(), thread_id, source, self.clock.now_ms()))
        elif kind != PRIVATE:
            now_ms = self.clock.now_ms()
            self.add(
                messages.thread_created(self.world, self.new_id(), channel.id, thread_id, thread.name, owner, now_ms)
            )
        return thread

    # Interactions

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


def _age(message: Json) -> int:
    return int(message["id"])
