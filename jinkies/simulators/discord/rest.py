"""The REST endpoints that a bot needs: who it is, its guild and channels, messages, commands, interaction answers."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from jinkies.simulators.discord import errors, validate
from jinkies.simulators.discord.errors import ApiError, FormErrors
from jinkies.simulators.discord.forms import Snowflake, Whole
from jinkies.simulators.discord.messages import EPHEMERAL, LOADING, new_message
from jinkies.simulators.discord.server import API, Received, Rest, no_such_route
from jinkies.simulators.discord.state import ANSWER_WITHIN_S, Interaction, State
from jinkies.simulators.discord.world import (
    Access,
    Json,
    application_object,
    channel_object,
    guild_object,
    own_user_object,
)

WEBHOOK = "/webhooks/{webhook_id}/{webhook_token}"
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"
CHANNEL = "/channels/{channel_id}"


class Endpoints:
    """The handlers; each takes what was received and gives the JSON to answer, None for 204."""

    def __init__(self, state: State) -> None:
        self.state = state

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
        limit = {"total": 1_000, "remaining": 999, "reset_after": 14_400_000, "max_concurrency": 1}
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
        return [channel_object(world, channel) for channel in world.channels if channel.access != Access.NONE]

    async def channel(self, received: Received) -> Json:
        """GET /channels/{channel_id}."""
        channel = self.state.channel(received.params["channel_id"])
        newest = self.state.listed(channel.id)[:1]
        return channel_object(self.state.world, channel) | {"last_message_id": newest[0]["id"] if newest else None}

    def _check_guild(self, received: Received) -> None:
        if received.params["guild_id"] != self.state.world.guild_id:
            raise errors.unknown_guild()

    # Messages

    async def list_messages(self, received: Received) -> list[Json]:
        """GET /channels/{channel_id}/messages: newest first, at most 100 (50 by default)."""
        query, problems = received.query, FormErrors()
        channel = self.state.channel(received.params["channel_id"])
        Whole(1, 100).check(query.get("limit", 50), ("limit",), problems)
        for name in {"before", "after", "around"} & query.keys():
            Snowflake().check(query[name], (name,), problems)
        problems.raise_if_any()
        found, limit = self.state.listed(channel.id), int(query.get("limit", 50))
        if "after" in query:
            return [message for message in found if int(message["id"]) > int(query["after"])][-limit:]
        if "before" in query:
            found = [message for message in found if int(message["id"]) < int(query["before"])]
        elif "around" in query:
            newer = [message for message in found if int(message["id"]) > int(query["around"])][-(limit // 2) :]
            return newer + found[found.index(newer[-1]) + 1 if newer else 0 :][: limit - len(newer)]
        return found[:limit]

    async def post_message(self, received: Received) -> Json:
        """POST /channels/{channel_id}/messages."""
        body = validate.check_message(received.body)
        body["flags"] = int(body.get("flags") or 0) & ~EPHEMERAL  # only interaction answers can be ephemeral
        return self.state.post(received.params["channel_id"], body, self._attachments(received))

    async def get_message(self, received: Received) -> Json:
        """GET /channels/{channel_id}/messages/{message_id}."""
        return self._message(received)

    async def edit_message(self, received: Received) -> Json:
        """PATCH /channels/{channel_id}/messages/{message_id}."""
        message = self._message(received)
        if message["author"]["id"] != self.state.world.application_id:
            raise errors.not_the_author()
        return self.state.edit(message, validate.check_message(received.body), self._attachments(received))

    async def delete_message(self, received: Received) -> None:
        """DELETE /channels/{channel_id}/messages/{message_id}: the bot's own, since it manages nobody else's."""
        message = self._message(received)
        if message["author"]["id"] != self.state.world.application_id:
            raise errors.missing_permissions()
        self.state.delete(message)

    def _message(self, received: Received) -> Json:
        channel = self.state.channel(received.params["channel_id"])
        return self.state.message(channel.id, received.params["message_id"])

    def _attachments(self, received: Received) -> list[Json]:
        stored = []
        for name, data in received.files:
            number = self.state.new_id()
            url = f"http://{received.host}/attachments/{number}/{name}"
            stored.append({"id": number, "filename": name, "size": len(data), "url": url, "proxy_url": url})
        return stored

    # Commands

    async def get_commands(self, received: Received) -> list[Json]:
        """GET the application's commands, global or of a guild."""
        return self.state.commands.get(self._scope(received), [])

    async def put_commands(self, received: Received) -> list[Json]:
        """PUT the application's commands: replaces them all."""
        scope = self._scope(received)
        return self.state.put_commands(scope, validate.check_commands(received.body))

    def _scope(self, received: Received) -> str | None:
        if received.params["application_id"] != self.state.world.application_id:
            raise ApiError(403, 20012, "You are not authorized to perform this action on this application")
        if "guild_id" in received.params:
            if received.params["guild_id"] != self.state.world.guild_id:
                raise errors.missing_access()
            return self.state.world.guild_id
        return None

    # Interactions

    async def callback(self, received: Received) -> Json | None:
        """POST an interaction's first answer: within three seconds, and once."""
        interaction = self.state.interactions.get(received.params["interaction_token"])
        late_s = 0.0 if interaction is None else self.state.clock.monotonic_s() - interaction.at_s
        if interaction is None or interaction.id != received.params["interaction_id"]:
            raise errors.unknown_interaction()
        if interaction.callback is not None:
            raise errors.already_acknowledged()
        if late_s > ANSWER_WITHIN_S:
            raise errors.unknown_interaction()
        kind, data = validate.check_callback(received.body)
        message = self._first_answer(interaction, kind, data, self._attachments(received))
        interaction.callback, interaction.data = kind, data
        if received.query.get("with_response") not in ("true", "1", "True"):
            return None
        return _callback_response(self.state, interaction, message)

    def _first_answer(self, interaction: Interaction, kind: int, data: Json, files: list[Json]) -> Json | None:
        """Carry out a first answer; gives the message that it made or changed."""
        if kind in (6, 7) and interaction.source_id is None:
            problem = {
                "_errors": [{"code": "INTERACTION_INVALID_TYPE", "message": "Invalid interaction response type"}]
            }
            raise ApiError(400, 50035, "Invalid Form Body", {"type": problem})
        if kind == 4:
            return self._answer_message(interaction, data, files)
        if kind == 5:
            interaction.loading = True
            world, new_id = self.state.world, self.state.new_id()
            blank = new_message(world, new_id, interaction.channel_id, world.bot, {}, self.state.clock.now_ms())
            blank["flags"] = LOADING | (int(data.get("flags") or 0) & EPHEMERAL)
            return self._keep_original(interaction, self._from_webhook(interaction, blank))
        if kind in (6, 7):
            source = self.state.messages.get(str(interaction.source_id))
            if source is None:
                raise errors.unknown_message()
            interaction.original_id = source["id"]
            return self.state.edit(source, data, files) if kind == 7 else source
        return None

    def _answer_message(self, interaction: Interaction, data: Json, files: list[Json]) -> Json:
        message = self.state.compose(interaction.channel_id, self.state.world.bot, data, files)
        return self._keep_original(interaction, self._from_webhook(interaction, message))

    def _from_webhook(self, interaction: Interaction, message: Json) -> Json:
        application = self.state.world.application_id
        kind = 20 if interaction.kind == 2 else 0
        return message | {"type": kind, "webhook_id": application, "application_id": application}

    def _keep_original(self, interaction: Interaction, message: Json) -> Json:
        interaction.original_id = message["id"]
        return self.state.add(message, seen_by=interaction.user.id)

    async def post_followup(self, received: Received) -> Json:
        """POST a followup. The first one after a deferral fills the message that shows "thinking"."""
        interaction = self.state.answered(received.params["webhook_token"])
        body = validate.check_message(received.body)
        files = self._attachments(received)
        if interaction.loading and interaction.original_id in self.state.messages:
            interaction.loading = False
            return self.state.edit(self.state.messages[str(interaction.original_id)], body, files)
        message = self.state.compose(interaction.channel_id, self.state.world.bot, body, files)
        message = self._from_webhook(interaction, message) | {"type": 0}
        interaction.followups.append(message["id"])
        return self.state.add(message, seen_by=interaction.user.id)

    async def get_answer(self, received: Received) -> Json:
        """GET an interaction's original answer or one of its followups."""
        return self._answer(received)[1]

    async def edit_answer(self, received: Received) -> Json:
        """PATCH an interaction's original answer or one of its followups."""
        interaction, message = self._answer(received)
        after = self.state.edit(message, validate.check_message(received.body), self._attachments(received))
        if message["id"] == interaction.original_id:
            interaction.loading = False
        return after

    async def delete_answer(self, received: Received) -> None:
        """DELETE an interaction's original answer or one of its followups."""
        self.state.delete(self._answer(received)[1])

    def _answer(self, received: Received) -> tuple[Interaction, Json]:
        interaction = self.state.answered(received.params["webhook_token"])
        message_id = received.params.get("message_id", "@original")
        wanted = interaction.original_id if message_id == "@original" else message_id
        known = (interaction.original_id, *interaction.followups)
        if wanted is None or wanted not in known or wanted not in self.state.messages:
            raise errors.unknown_message()
        return interaction, self.state.messages[wanted]


def _callback_response(state: State, interaction: Interaction, message: Json | None) -> Json:
    """An ``InteractionCallbackResponse``."""
    about: Json = {"id": interaction.id, "type": interaction.kind}
    if message is None:
        return {"interaction": about}
    about |= {
        "response_message_id": message["id"],
        "response_message_loading": interaction.loading,
        "response_message_ephemeral": message["id"] in state.only_for,
        "channel_id": interaction.channel_id,
        "guild_id": state.world.guild_id,
    }
    if interaction.callback not in (4, 7):
        return {"interaction": about}
    return {"interaction": about, "resource": {"type": interaction.callback, "message": message}}


def add_routes(app: web.Application, rest: Rest, state: State) -> None:
    """Register every endpoint; what is left over is Discord's 404."""
    end = Endpoints(state)

    def add(method: str, template: str, handler: Any, *, open_to_all: bool = False) -> None:
        app.router.add_route(method, API + template, rest.route(template, handler, open_to_all=open_to_all))

    add("GET", "/users/@me", end.own_user)
    add("GET", "/oauth2/applications/@me", end.application)
    add("GET", "/gateway", end.gateway, open_to_all=True)
    add("GET", "/gateway/bot", end.gateway_bot)
    add("GET", "/guilds/{guild_id}", end.guild)
    add("GET", "/guilds/{guild_id}/channels", end.guild_channels)
    add("GET", CHANNEL, end.channel)
    add("GET", CHANNEL + "/messages", end.list_messages)
    add("POST", CHANNEL + "/messages", end.post_message)
    add("GET", CHANNEL + "/messages/{message_id}", end.get_message)
    add("PATCH", CHANNEL + "/messages/{message_id}", end.edit_message)
    add("DELETE", CHANNEL + "/messages/{message_id}", end.delete_message)
    for scope in ("/applications/{application_id}", "/applications/{application_id}/guilds/{guild_id}"):
        add("GET", scope + "/commands", end.get_commands)
        add("PUT", scope + "/commands", end.put_commands)
    add("POST", CALLBACK, end.callback, open_to_all=True)
    add("POST", WEBHOOK, end.post_followup, open_to_all=True)
    for answer in (WEBHOOK + "/messages/@original", WEBHOOK + "/messages/{message_id}"):
        add("GET", answer, end.get_answer, open_to_all=True)
        add("PATCH", answer, end.edit_answer, open_to_all=True)
        add("DELETE", answer, end.delete_answer, open_to_all=True)
    app.router.add_route("*", API + "/{rest:.*}", rest.route("", no_such_route, open_to_all=True))
