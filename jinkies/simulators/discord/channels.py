"""The REST endpoints of channels and threads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from jinkies.simulators.discord import errors, validate
from jinkies.simulators.discord.errors import FormErrors
from jinkies.simulators.discord.forms import Timestamp, Whole
from jinkies.simulators.discord.messages import timestamp
from jinkies.simulators.discord.objects import channel_object, member_object
from jinkies.simulators.discord.permissions import (
    CREATE_PUBLIC_THREADS,
    MANAGE_CHANNELS,
    MANAGE_THREADS,
    READ_MESSAGE_HISTORY,
    SEND_MESSAGES,
    THREAD_MAKING,
    VIEW_CHANNEL,
)
from jinkies.simulators.discord.server import Created, Received
from jinkies.simulators.discord.state import State
from jinkies.simulators.discord.threads import PRIVATE, PUBLIC, Thread, member_of
from jinkies.simulators.discord.world import Json

CHANNEL = "/channels/{channel_id}"
MOST_LISTED = 50


class Channels:
    """The handlers; each takes what was received and gives the JSON to answer, None for 204."""

    def __init__(self, state: State) -> None:
        self.state = state

    def routes(self) -> Iterator[tuple[str, str, Any]]:
        """Every endpoint: method, route as Discord's API description writes it, handler."""
        yield "GET", CHANNEL, self.get
        yield "PATCH", CHANNEL, self.change
        yield "DELETE", CHANNEL, self.delete
        yield "POST", CHANNEL + "/typing", self.type
        yield "POST", CHANNEL + "/messages/{message_id}/threads", self.thread_from_message
        yield "POST", CHANNEL + "/threads", self.thread_without_message
        yield "GET", CHANNEL + "/threads/archived/public", self.archived_public
        yield "GET", CHANNEL + "/threads/archived/private", self.archived_private
        yield "GET", "/guilds/{guild_id}/threads/active", self.active
        yield "GET", CHANNEL + "/thread-members", self.members
        yield "PUT", CHANNEL + "/thread-members/@me", self.join
        yield "DELETE", CHANNEL + "/thread-members/@me", self.leave

    async def get(self, received: Received) -> Json:
        """GET /channels/{channel_id}: a channel or a thread."""
        channel_id = received.params["channel_id"]
        channel, thread = self.state.channel(channel_id), self.state.threads.get(channel_id)
        if thread is not None:
            return self.state.threads.shown(thread)
        newest = self.state.listed(channel.id)[:1]
        return channel_object(self.state.world, channel) | {"last_message_id": newest[0]["id"] if newest else None}

    async def change(self, received: Received) -> Json:
        """PATCH /channels/{channel_id}: threads only, since the bot manages no channels."""
        thread = self._thread(received, needed=0)
        wanted = validate.check_thread_change(received.body)
        return self.state.threads.change(thread, wanted, manages=self._manages(thread.id))

    async def delete(self, received: Received) -> Json:
        """DELETE /channels/{channel_id}: threads only, with Manage Threads."""
        thread = self._thread(received, needed=MANAGE_THREADS)
        gone = self.state.threads.shown(thread)
        self.state.remove_thread(thread)
        return gone

    async def type(self, received: Received) -> None:
        """POST /channels/{channel_id}/typing."""
        channel_id = received.params["channel_id"]
        self.state.channel(channel_id, needed=SEND_MESSAGES)
        data = {"channel_id": channel_id, "guild_id": self.state.world.guild_id}
        who = {"user_id": self.state.world.application_id, "member": member_object(self.state.world.bot)}
        self.state.tell("TYPING_START", data | who | {"timestamp": self.state.clock.now_ms() // 1000}, channel_id)

    async def thread_from_message(self, received: Received) -> Created:
        """POST /channels/{channel_id}/messages/{message_id}/threads."""
        channel_id = received.params["channel_id"]
        channel = self.state.channel(channel_id, needed=CREATE_PUBLIC_THREADS | READ_MESSAGE_HISTORY)
        if channel_id in self.state.threads.all:
            raise errors.wrong_channel_type()
        wanted = validate.check_thread(received.body)
        source = self.state.message(channel_id, received.params["message_id"])
        return Created(self._made(self.state.start_thread(channel, self.state.world.bot, wanted, source, PUBLIC)))

    async def thread_without_message(self, received: Received) -> Created:
        """POST /channels/{channel_id}/threads: a private one unless ``type`` is 11."""
        channel_id = received.params["channel_id"]
        wanted = validate.check_thread(received.body)
        kind = int(wanted.get("type") or PRIVATE)
        channel = self.state.channel(channel_id, needed=THREAD_MAKING[kind])
        if channel_id in self.state.threads.all:
            raise errors.wrong_channel_type()
        return Created(self._made(self.state.start_thread(channel, self.state.world.bot, wanted, None, kind)))

    def _made(self, thread: Thread) -> Json:
        return self.state.threads.shown(thread)

    async def active(self, received: Received) -> Json:
        """GET /guilds/{guild_id}/threads/active."""
        if received.params["guild_id"] != self.state.world.guild_id:
            raise errors.unknown_guild()
        seen = [each for each in self.state.threads.active() if self.state.bot_permissions(each.id) & VIEW_CHANNEL]
        return self._listed(seen, more=False)

    async def archived_public(self, received: Received) -> Json:
        """GET /channels/{channel_id}/threads/archived/public."""
        return self._archived(received, PUBLIC, READ_MESSAGE_HISTORY)

    async def archived_private(self, received: Received) -> Json:
        """GET /channels/{channel_id}/threads/archived/private: with Manage Threads."""
        return self._archived(received, PRIVATE, READ_MESSAGE_HISTORY | MANAGE_THREADS)

    def _archived(self, received: Received, kind: int, needed: int) -> Json:
        query, problems = received.query, FormErrors()
        channel = self.state.channel(received.params["channel_id"], needed=needed)
        limit = query.get("limit", MOST_LISTED)
        Whole(2, 100).check(limit, ("limit",), problems)
        if "before" in query:
            Timestamp().check(query["before"], ("before",), problems)
        problems.raise_if_any()
        found = self.state.threads.of(channel.id, archived=True, kind=kind)
        if "before" in query:
            before = datetime.fromisoformat(query["before"])
            found = [each for each in found if datetime.fromisoformat(timestamp(each.archive_changed_at_ms)) < before]
        return self._listed(found[: int(limit)], more=len(found) > int(limit))

    def _listed(self, threads: list[Thread], *, more: bool) -> Json:
        own = self.state.world.application_id
        shown = [{key: value for key, value in self._made(each).items() if key != "member"} for each in threads]
        members = [member_of(each, own) for each in threads if own in each.members]
        return {"threads": shown, "members": members, "has_more": more}

    async def members(self, received: Received) -> list[Json]:
        """GET /channels/{channel_id}/thread-members: with the privileged members intent, which nobody gave the bot."""
        self._thread(received, needed=0)
        raise errors.missing_access()

    async def join(self, received: Received) -> None:
        """PUT /channels/{channel_id}/thread-members/@me."""
        thread = self._thread(received, needed=0)
        if thread.archived:
            raise errors.thread_is_archived()
        self.state.threads.join(thread, self.state.world.application_id)

    async def leave(self, received: Received) -> None:
        """DELETE /channels/{channel_id}/thread-members/@me."""
        thread = self._thread(received, needed=0)
        if thread.archived:
            raise errors.thread_is_archived()
        self.state.threads.leave(thread, self.state.world.application_id)

    def _thread(self, received: Received, *, needed: int) -> Thread:
        """The thread of a request.

        Raises:
            ApiError: see ``State.channel``; 50013 for a channel, which the bot cannot manage.
        """
        channel_id = received.params["channel_id"]
        self.state.channel(channel_id, needed=needed)
        thread = self.state.threads.get(channel_id)
        if thread is None:
            self.state.channel(channel_id, needed=MANAGE_CHANNELS)
            raise errors.wrong_channel_type()
        return thread

    def _manages(self, channel_id: str) -> bool:
        return bool(self.state.bot_permissions(channel_id) & MANAGE_THREADS)
