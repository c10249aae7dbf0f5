"""What people do with the bot in the simulated Discord: press, choose, type commands, use context menus, send forms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from jinkies.simulators.discord import messages
from jinkies.simulators.discord.answers import Answer, AnswerKind, Refused, answer_of, settled
from jinkies.simulators.discord.commands import MESSAGE_MENU, USER_MENU, offered_to
from jinkies.simulators.discord.files import MAX_FILE_BYTES
from jinkies.simulators.discord.gateway import Gateway
from jinkies.simulators.discord.interaction import Interaction
from jinkies.simulators.discord.objects import member_object
from jinkies.simulators.discord.permissions import written
from jinkies.simulators.discord.state import ANSWER_WITHIN_S, State
from jinkies.simulators.discord.typed import CommandLine, Form, Value, interaction_channel, resolved_entity, selected
from jinkies.simulators.discord.world import Json, User
from jinkies.simulators.discord.writing import Writing

__all__ = ["Answer", "AnswerKind", "People", "Refused"]

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
MAX_WAIT_S = 60.0
WAIT_S = 15.0  # a bot that deferred its answer may be on a busy machine


class People(Writing):
    """Acts as the guild's members. Everyone is named by id or name, every channel and thread too.

    Every method waits for the bot's answer, ``wait_s`` seconds at most and never more than a minute, and gives what
    came of it.
    """

    def __init__(self, state: State, gateway: Gateway) -> None:
        super().__init__(state)
        self._gateway = gateway

    async def press(
        self, message_id: str, custom_id: str, user: str, *, values: tuple[str, ...] = (), wait_s: float = WAIT_S
    ) -> Answer:
        """Press a button, or choose ``values`` in a select menu.

        Args:
            message_id: the message that carries it, a channel's or one that only ``user`` sees.
            custom_id: the component.
            user: who presses.
            values: what is chosen: of a string select the options' values, else ids or names.
            wait_s: how long to wait for the answer.

        Raises:
            Refused: no such message, component or person; or the component is disabled.
        """
        person = self.person(user)
        message = self._seen_by(person, message_id)
        component = next((c for c in messages.components_of(message) if c.get("custom_id") == custom_id), None)
        if component is None:
            raise Refused(f"message {message_id} has no component {custom_id!r}")
        if component.get("disabled"):
            raise Refused(f"{custom_id!r} is disabled")
        data: Json = {"custom_id": custom_id, "component_type": component["type"], "id": component["id"]}
        if component["type"] != 2:
            data |= selected(self._state.world, component, values)
        interaction = self._state.begin(COMPONENT, person, message["channel_id"], custom_id, message_id)
        return await self._send(interaction, data, wait_s)

    async def slash(
        self, name: str, options: Mapping[str, Any], user: str, channel: str, *, wait_s: float = WAIT_S
    ) -> Answer:
        """Type a slash command.

        Args:
            name: the command, with subcommands after a space: ``"logs tail"``.
            options: values by option name; of people, roles and channels ids or names.
            user: who types.
            channel: where.
            wait_s: how long to wait for the answer.

        Raises:
            Refused: no such command, person or channel, or it is not theirs to use; an option that is unknown,
                missing or of the wrong kind.
        """
        person, where = self._acting(user, channel)
        line = self._line(name, person)
        line.fill(options)
        return await self._send(self._state.begin(COMMAND, person, where, name), line.data, wait_s)

    async def autocomplete(
        self,
        name: str,
        option: str,
        typed: str,
        user: str,
        channel: str,
        *,
        others: Mapping[str, Any] | None = None,
        wait_s: float = WAIT_S,
    ) -> Answer:
        """Type into an option that completes; ``others`` are the options that are filled in already, by name.

        Raises:
            Refused: no such command, option, person or channel.
        """
        person, where = self._acting(user, channel)
        line = self._line(name, person)
        line.complete(option, typed, others or {})
        return await self._send(self._state.begin(AUTOCOMPLETE, person, where, name), line.data, wait_s)

    async def menu(
        self, name: str, target: str, user: str, channel: str = "alerts", *, wait_s: float = WAIT_S
    ) -> Answer:
        """Use a context menu command on a message (its id), or on a member (id or name) in a channel.

        Raises:
            Refused: no such command, message or person, or it is not theirs to use.
        """
        person = self.person(user)
        world = self._state.world
        command = self._state.registered.find(world, name, MESSAGE_MENU)
        if command is not None:
            message = self._seen_by(person, target)
            where, target_id, resolved = (
                message["channel_id"],
                target,
                {"messages": {target: self._state.shown(message)}},
            )
        else:
            command = self._state.registered.find(world, name, USER_MENU)
            if command is None:
                raise Refused(f"no context menu {name!r}")
            where = self.where(channel)
            target_id, resolved = resolved_entity(world, "users", target)
        self._check_offered(command, person)
        interaction = self._state.begin(COMMAND, person, where, name)
        interaction.target_id = target_id
        about = {key: command[key] for key in ("id", "name", "type", "guild_id") if key in command}
        return await self._send(interaction, about | {"target_id": target_id, "resolved": resolved}, wait_s)

    async def modal(self, custom_id: str, fields: Mapping[str, Value], user: str, *, wait_s: float = WAIT_S) -> Answer:
        """Fill in and send the form that the bot last showed this person under ``custom_id``.

        Args:
            custom_id: the form's.
            fields: by custom_id, a text for a text input, one or several values for a select; the rest stays as the bot
                filled it in.
            user: who sends it.
            wait_s: how long to wait for the answer.

        Raises:
            Refused: no such form is open, or Discord would not let these fields be sent.
        """
        person = self.person(user)
        shown = next((each for each in self._forms_of(person) if each.data["custom_id"] == custom_id), None)
        if shown is None:
            raise Refused(f"{person.name} has no form {custom_id!r} open")
        form = Form(self._state.world, shown.data, fields)
        shown.submitted = True
        interaction = self._state.begin(MODAL_SUBMIT, person, shown.channel_id, custom_id, shown.source_id)
        interaction.opened_by = shown
        data: Json = {"custom_id": custom_id, "components": form.components}
        return await self._send(interaction, data | ({"resolved": form.resolved} if form.resolved else {}), wait_s)

    def forms(self, user: str) -> list[Json]:
        """The forms that a person has open, the newest first, as the bot sent them."""
        return [each.data for each in self._forms_of(self.person(user))]

    async def dismiss(self, custom_id: str, user: str) -> None:
        """Close a form without sending it; the bot never hears of that.

        Raises:
            Refused: no such form is open.
        """
        person = self.person(user)
        shown = next((each for each in self._forms_of(person) if each.data["custom_id"] == custom_id), None)
        if shown is None:
            raise Refused(f"{person.name} has no form {custom_id!r} open")
        shown.submitted = True
        await self._state.touch()

    def _forms_of(self, person: User) -> list[Interaction]:
        opened = reversed(self._state.interactions.values())
        return [each for each in opened if each.user.id == person.id and each.callback == 9 and not each.submitted]

    def _seen_by(self, person: User, message_id: str) -> Json:
        message = self._state.messages.get(message_id)
        if message is None or self._state.only_for.get(message_id, person.id) != person.id:
            raise Refused(f"no message {message_id} that {person.name} can see")
        self._check_thread(person, self._state.threads.get(message["channel_id"]))
        return message

    def _acting(self, user: str, channel: str) -> tuple[User, str]:
        person, where = self.person(user), self.where(channel)
        self._check_thread(person, self._state.threads.get(where))
        return person, where

    def _line(self, name: str, person: User) -> CommandLine:
        line = CommandLine(self._state, name)
        self._check_offered(line.command, person)
        return line

    def _check_offered(self, command: Json, person: User) -> None:
        if not offered_to(self._state.world, command, person):
            raise Refused(f"{person.name} may not use {command['name']!r}")

    async def _send(self, interaction: Interaction, data: Json, wait_s: float) -> Answer:
        if not self._gateway.sessions:
            return Answer(kind=AnswerKind.FAILED, interaction_id=interaction.id, reason="no bot is connected")
        self._gateway.dispatch("INTERACTION_CREATE", self._payload(interaction, data))
        await self._state.touch()
        return await self._await_answer(interaction, min(wait_s, MAX_WAIT_S))

    def _payload(self, interaction: Interaction, data: Json) -> Json:
        world, user = self._state.world, interaction.user
        payload: Json = {
            "id": interaction.id,
            "application_id": world.application_id,
            "type": interaction.kind,
            "data": data,
            "guild_id": world.guild_id,
            "guild": {"id": world.guild_id, "locale": "en-US", "features": []},
            "channel_id": interaction.channel_id,
            "channel": interaction_channel(self._state, interaction.channel_id, user),
            "member": member_object(user, permissions=world.permissions(user)),
            "token": interaction.token,
            "version": 1,
            "app_permissions": written(self._state.bot_permissions(interaction.channel_id)),
            "locale": user.locale,
            "guild_locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": {"0": world.guild_id},
            "context": 0,
            "attachment_size_limit": MAX_FILE_BYTES,
        }
        return payload if interaction.source is None else payload | {"message": self._state.shown(interaction.source)}

    async def _await_answer(self, interaction: Interaction, wait_s: float) -> Answer:
        await self._until(lambda: interaction.callback is not None, interaction, min(wait_s, ANSWER_WITHIN_S))
        if interaction.callback is not None:
            await self._until(lambda: settled(self._state, interaction), interaction, wait_s)
        return self.answer(interaction)

    async def _until(self, ready: Callable[[], bool], interaction: Interaction, wait_s: float) -> None:
        left_s = interaction.at_s + wait_s - self._state.clock.monotonic_s()
        try:
            async with asyncio.timeout(max(0.0, left_s)), self._state.changed:
                await self._state.changed.wait_for(ready)
        except TimeoutError:
            return

    def answer(self, interaction: Interaction) -> Answer:
        """The answer as it stands now."""
        return answer_of(self._state, interaction)
