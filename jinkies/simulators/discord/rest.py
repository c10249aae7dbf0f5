"""The REST endpoints that a bot needs: who it is, its guild and channels, messages, commands."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from jinkies.simulators.discord import errors, validate
from jinkies.simulators.discord.callbacks import CALLBACK, WEBHOOK, Callbacks
from jinkies.simulators.discord.channels import CHANNEL, Channels
from jinkies.simulators.discord.errors import ApiError, FormErrors
from jinkies.simulators.discord.forms import Snowflake, Whole
from jinkies.simulators.discord.messages import EPHEMERAL, as_read
from jinkies.simulators.discord.objects import (
    application_object,
    channel_object,
    guild_object,
    member_object,
    own_user_object,
    user_object,
)
from jinkies.simulators.discord.permissions import ATTACH_FILES, MANAGE_MESSAGES, READ_MESSAGE_HISTORY, VIEW_CHANNEL
from jinkies.simulators.discord.server import API, Received, Rest, attachments_after, no_such_route
from jinkies.simulators.discord.state import State
from jinkies.simulators.discord.validate_commands import check_commands
from jinkies.simulators.discord.world import Json, User

OLD_S = 3_600.0  # a message is old from here on: see RateLimits.old_edits
IDENTIFIES_A_DAY = 1_000
UNDELETABLE = (21,)  # THREAD_STARTER_MESSAGE


class Endpoints:
    """The handlers; each takes what was received and gives the JSON to answer, None for 204."""

    def __init__(self, state: State, rest: Rest) -> None:
        self.state = state
        self._rest = rest

    # Who and what

    async def own_user(self, _received: Received) -> Json:
        """GET /users/@me."""
        return own_user_object(self.state.world)

    async def application(self, _received: Received) -> Json:
        """GET /oauth2/applications/@me."""
        return application_object(self.state.world)

    async def gateway(self, received: Received) -> Json:
        """GET /gateway."""
        return {"url": f"ws://{received.host}/gateway"}

    async def gateway_bot(self, received: Received) -> Json:
        """GET /gateway/bot."""
        left = max(0, IDENTIFIES_A_DAY - self.state.identifies)
        limit = {"total": IDENTIFIES_A_DAY, "remaining": left, "reset_after": 14_400_000, "max_concurrency": 1}
        return {"url": f"ws://{received.host}/gateway", "shards": 1, "session_start_limit": limit}

    async def guild(self, received: Received) -> Json:
        """GET /guilds/{guild_id}."""
        self._check_guild(received)
        counts = {"approximate_member_count": 1 + len(self.state.world.users), "approximate_presence_count": 1}
        return guild_object(self.state.world) | (counts if received.query.get("with_counts") == "true" else {})

    async def guild_channels(self, received: Received) -> list[Json]:
        """GET /guilds/{guild_id}/channels."""
        self._check_guild(received)
        world = self.state.world
        return [channel_object(world, each) for each in world.channels if each.bot_permissions & VIEW_CHANNEL]

    async def guild_member(self, received: Received) -> Json:
        """GET /guilds/{guild_id}/members/{user_id}."""
        self._check_guild(received)
        return member_object(self._user(received, errors.unknown_member()))

    async def guild_roles(self, received: Received) -> list[Json]:
        """GET /guilds/{guild_id}/roles."""
        self._check_guild(received)
        return list(guild_object(self.state.world)["roles"])

    async def user(self, received: Received) -> Json:
        """GET /users/{user_id}."""
        return user_object(self._user(received, errors.unknown_user()))

    def _user(self, received: Received, missing: ApiError) -> User:
        world, user_id = self.state.world, received.params["user_id"]
        found = next((each for each in (world.bot, *world.users) if each.id == user_id), None)
        if found is None:
            raise missing
        return found

    def _check_guild(self, received: Received) -> None:
        if received.params["guild_id"] != self.state.world.guild_id:
            raise errors.unknown_guild()

    # Messages

    async def list_messages(self, received: Received) -> list[Json]:
        """GET /channels/{channel_id}/messages: newest first, at most 100 (50 by default)."""
        query, problems = received.query, FormErrors()
        channel_id = received.params["channel_id"]
        self.state.channel(channel_id)
        if not self.state.bot_permissions(channel_id) & READ_MESSAGE_HISTORY:
            return []
        Whole(1, 100).check(query.get("limit", 50), ("limit",), problems)
        for name in {"before", "after", "around"} & query.keys():
            Snowflake().check(query[name], (name,), problems)
        problems.raise_if_any()
        found = [self._read(each) for each in self.state.listed(channel_id)]
        limit = int(query.get("limit", 50))
        if "after" in query:
            return [message for message in found if int(message["id"]) > int(query["after"])][-limit:]
        if "before" in query:
            found = [message for message in found if int(message["id"]) < int(query["before"])]
        elif "around" in query:
            newer = [message for message in found if int(message["id"]) > int(query["around"])][-(limit // 2) :]
            return newer + found[found.index(newer[-1]) + 1 if newer else 0 :][: limit - len(newer)]
        return found[:limit]

    def _read(self, message: Json) -> Json:
        world = self.state.world
        return as_read(self.state.shown(message), world.application_id, content=world.message_content)

    async def post_message(self, received: Received) -> Json:
        """POST /channels/{channel_id}/messages."""
        channel_id = received.params["channel_id"]
        body = validate.check_message(received.body)
        body["flags"] = int(body.get("flags") or 0) & ~EPHEMERAL  # only interaction answers can be ephemeral
        self.state.channel(channel_id, needed=ATTACH_FILES if received.files else 0)
        return self.state.post(channel_id, body, lambda: attachments_after(self.state, received, body, channel_id))

    async def get_message(self, received: Received) -> Json:
        """GET /channels/{channel_id}/messages/{message_id}."""
        return self._read(self._message(received, needed=READ_MESSAGE_HISTORY))

    async def edit_message(self, received: Received) -> Json:
        """PATCH /channels/{channel_id}/messages/{message_id}."""
        message = self._message(received)
        if message["type"] in (18, 21):
            raise errors.system_message()
        if message["author"]["id"] != self.state.world.application_id:
            raise errors.not_the_author()
        body = validate.check_message(received.body)
        if self.state.age_s(message) > OLD_S:
            self._rest.buckets.take_old_edit(message["channel_id"])
        files = attachments_after(self.state, received, body, message["channel_id"], existing=message["attachments"])
        return self.state.edit(message, body, files)

    async def delete_message(self, received: Received) -> None:
        """DELETE /channels/{channel_id}/messages/{message_id}: its own; those of others with Manage Messages."""
        message = self._message(received)
        if message["type"] in UNDELETABLE:
            raise errors.system_message()
        own = message["author"]["id"] == self.state.world.application_id
        if not own and not self.state.bot_permissions(message["channel_id"]) & MANAGE_MESSAGES:
            raise errors.missing_permissions()
        self.state.delete(message)

    def _message(self, received: Received, *, needed: int = 0) -> Json:
        channel_id = received.params["channel_id"]
        self.state.channel(channel_id, needed=needed)
        return self.state.message(channel_id, received.params["message_id"])

    # Commands

    async def get_commands(self, received: Received) -> list[Json]:
        """GET the application's commands, global or of a guild."""
        return [*self.state.commands.get(self._scope(received), [])]

    async def put_commands(self, received: Received) -> list[Json]:
        """PUT the application's commands: replaces them all."""
        scope = self._scope(received)
        return self.state.registered.replace(self.state.world, scope, check_commands(received.body))

    def _scope(self, received: Received) -> str | None:
        if received.params["application_id"] != self.state.world.application_id:
            raise ApiError(403, 20012, "You are not authorized to perform this action on this application")
        if "guild_id" in received.params:
            if received.params["guild_id"] != self.state.world.guild_id:
                raise errors.missing_access()
            return self.state.world.guild_id
        return None


def add_routes(app: web.Application, rest: Rest, state: State) -> None:
    """Register every endpoint; what is left over is Discord's 404."""
    end, calls, places = Endpoints(state, rest), Callbacks(state), Channels(state)

    def add(method: str, template: str, handler: Any, *, open_to_all: bool = False) -> None:
        app.router.add_route(method, API + template, rest.route(template, handler, open_to_all=open_to_all))

    add("GET", "/users/@me", end.own_user)
    add("GET", "/oauth2/applications/@me", end.application)
    add("GET", "/applications/@me", end.application)
    add("GET", "/gateway", end.gateway, open_to_all=True)
    add("GET", "/gateway/bot", end.gateway_bot)
    add("GET", "/guilds/{guild_id}", end.guild)
    add("GET", "/guilds/{guild_id}/channels", end.guild_channels)
    add("GET", "/guilds/{guild_id}/roles", end.guild_roles)
    add("GET", "/guilds/{guild_id}/members/{user_id}", end.guild_member)
    add("GET", "/users/{user_id}", end.user)
    add("GET", CHANNEL + "/messages", end.list_messages)
    add("POST", CHANNEL + "/messages", end.post_message)
    add("GET", CHANNEL + "/messages/{message_id}", end.get_message)
    add("PATCH", CHANNEL + "/messages/{message_id}", end.edit_message)
    add("DELETE", CHANNEL + "/messages/{message_id}", end.delete_message)
    for method, template, handler in places.routes():
        add(method, template, handler)
    for scope in ("/applications/{application_id}", "/applications/{application_id}/guilds/{guild_id}"):
        add("GET", scope + "/commands", end.get_commands)
        add("PUT", scope + "/commands", end.put_commands)
    add("POST", CALLBACK, calls.callback, open_to_all=True)
    add("POST", WEBHOOK, calls.post_followup, open_to_all=True)
    for answer in (WEBHOOK + "/messages/@original", WEBHOOK + "/messages/{message_id}"):
        add("GET", answer, calls.get_answer, open_to_all=True)
        add("PATCH", answer, calls.edit_answer, open_to_all=True)
        add("DELETE", answer, calls.delete_answer, open_to_all=True)
    app.router.add_route("*", API + "/{rest:.*}", rest.route("", no_such_route, open_to_all=True))
    app.router.add_get("/attachments/{channel_id}/{attachment_id}/{name}", state.files.serve)
