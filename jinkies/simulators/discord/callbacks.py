"""The REST endpoints of interactions: the first answer, and what follows it through the interaction's webhook.

The first answer comes within three seconds and once; the webhook lives fifteen minutes.
"""

from __future__ import annotations

from jinkies.simulators.discord import errors, validate
from jinkies.simulators.discord.errors import FormErrors
from jinkies.simulators.discord.interaction import Interaction
from jinkies.simulators.discord.messages import EPHEMERAL, LOADING, answer_metadata, new_message
from jinkies.simulators.discord.server import Received, attachments_after
from jinkies.simulators.discord.state import ANSWER_WITHIN_S, State
from jinkies.simulators.discord.world import Json

WEBHOOK = "/webhooks/{webhook_id}/{webhook_token}"
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"
ALLOWED = {2: (4, 5, 9), 3: (4, 5, 6, 7, 9), 4: (8,), 5: (4, 5, 6, 7)}
"""Which answers an interaction takes: a command, a component, an autocomplete, a modal's submission. 6 and 7 are for
what began on a message."""


class Callbacks:
    """The handlers; each takes what was received and gives the JSON to answer, None for 204."""

    def __init__(self, state: State) -> None:
        self.state = state

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
        data = _with_users_only(data) if kind in (4, 7) else data
        if kind not in ALLOWED[interaction.kind] or (kind in (6, 7) and interaction.source_id is None):
            problem = FormErrors()
            problem.add(("type",), "INTERACTION_INVALID_TYPE", "Invalid interaction response type")
            problem.raise_if_any()
        message = self._first_answer(interaction, kind, data, received)
        interaction.callback, interaction.data = kind, data
        if received.query.get("with_response") not in ("true", "1", "True"):
            return None
        return _callback_response(self.state, interaction, message)

    def _first_answer(self, interaction: Interaction, kind: int, data: Json, received: Received) -> Json | None:
        """Carry out a first answer; gives the message that it made or changed."""
        if kind == 4:
            files = attachments_after(self.state, received, data, interaction.channel_id, path=("data",))
            message = self.state.compose(interaction.channel_id, self.state.world.bot, data, files)
            return self._keep_original(interaction, self._from_webhook(interaction, message))
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
            return source if kind == 6 else self._edit(source, data, received, path=("data",))
        return None

    def _edit(self, message: Json, data: Json, received: Received, *, path: tuple[str, ...] = ()) -> Json:
        files = attachments_after(
            self.state, received, data, message["channel_id"], existing=message["attachments"], path=path
        )
        return self.state.edit(message, data, files)

    def _from_webhook(self, interaction: Interaction, message: Json) -> Json:
        application = self.state.world.application_id
        kind = 20 if interaction.kind == 2 and interaction.target_id is None else 0
        about = {"interaction_metadata": answer_metadata(interaction, self.state.world)}
        return message | {"type": kind, "webhook_id": application, "application_id": application} | about

    def _keep_original(self, interaction: Interaction, message: Json) -> Json:
        interaction.original_id = message["id"]
        return self.state.add(message, seen_by=interaction.user.id)

    async def post_followup(self, received: Received) -> Json:
        """POST a followup. The first one after a deferral fills the message that shows "thinking"."""
        interaction = self._interaction(received)
        body = _with_users_only(validate.check_message(received.body))
        if interaction.loading and interaction.original_id in self.state.messages:
            interaction.loading = False
            return self._edit(self.state.messages[str(interaction.original_id)], body, received)
        files = attachments_after(self.state, received, body, interaction.channel_id)
        message = self.state.compose(interaction.channel_id, self.state.world.bot, body, files)
        message = self._from_webhook(interaction, message) | {"type": 0}
        interaction.followups.append(message["id"])
        return self.state.add(message, seen_by=interaction.user.id)

    async def get_answer(self, received: Received) -> Json:
        """GET an interaction's original answer or one of its followups."""
        return self.state.shown(self._answer(received)[1])

    async def edit_answer(self, received: Received) -> Json:
        """PATCH an interaction's original answer or one of its followups."""
        interaction, message = self._answer(received)
        after = self._edit(message, _with_users_only(validate.check_message(received.body)), received)
        if message["id"] == interaction.original_id:
            interaction.loading = False
        return after

    async def delete_answer(self, received: Received) -> None:
        """DELETE an interaction's original answer or one of its followups."""
        self.state.delete(self._answer(received)[1])

    def _interaction(self, received: Received) -> Interaction:
        if received.params["webhook_id"] != self.state.world.application_id:
            raise errors.unknown_webhook()
        return self.state.answered(received.params["webhook_token"])

    def _answer(self, received: Received) -> tuple[Interaction, Json]:
        interaction = self._interaction(received)
        message_id = received.params.get("message_id", "@original")
        wanted = interaction.original_id if message_id == "@original" else message_id
        known = (interaction.original_id, *interaction.followups)
        if wanted is None or wanted not in known or wanted not in self.state.messages:
            raise errors.unknown_message()
        return interaction, self.state.messages[wanted]


def _with_users_only(body: Json) -> Json:
    """A message's body with its default ``allowed_mentions``: of interactions and webhooks only users are pinged."""
    return body if body.get("allowed_mentions") is not None else body | {"allowed_mentions": {"parse": ["users"]}}


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
