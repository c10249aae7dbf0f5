"""What people do in the simulated Discord (press, type a command, send a form), and what the bot answers them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from jinkies.simulators.discord import messages
from jinkies.simulators.discord.forms import utf16_length
from jinkies.simulators.discord.gateway import Gateway
from jinkies.simulators.discord.state import ANSWER_WITHIN_S, Interaction, State
from jinkies.simulators.discord.world import ALL_PERMISSIONS, Channel, Json, User, channel_object, member_object

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
MAX_WAIT_S = 60.0


class Refused(Exception):
    """A person could not have done this: the button is disabled or gone, the command or user does not exist."""


class AnswerKind(StrEnum):
    """What a person sees after acting."""

    MESSAGE = "message"  # a new message, everyone's or ephemeral
    UPDATE = "update"  # the pressed message changed
    ACKNOWLEDGED = "acknowledged"  # accepted without a visible answer (a deferred update)
    THINKING = "thinking"  # deferred, and still nothing when the wait was over
    MODAL = "modal"
    CHOICES = "choices"
    WAITING = "waiting"  # no answer yet, and Discord's three seconds are not over
    FAILED = "failed"  # "This interaction failed"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The bot's answer to one interaction, as far as it got.

    ``message`` is the answer itself (or the changed message), ``followups`` what came after it, ``modal`` a form's
    title, custom_id and components, ``choices`` what an autocomplete offers.
    """

    kind: AnswerKind
    interaction_id: str
    ephemeral: bool = False
    message: Json | None = None
    followups: tuple[Json, ...] = ()
    modal: Json | None = None
    choices: tuple[Json, ...] = ()
    reason: str = ""

    @property
    def text(self) -> str:
        """All the text that came back: contents and embeds, one a line."""
        shown = [message for message in (self.message, *self.followups) if message is not None]
        lines = [str(message["content"]) for message in shown]
        for embed in (embed for message in shown for embed in message["embeds"]):
            lines += [str(embed[name]) for name in ("title", "description") if name in embed]
            lines += [f"{field['name']}: {field['value']}" for field in embed.get("fields", [])]
        return "\n".join(line for line in lines if line)


class People:
    """Acts as the guild's members."""

    def __init__(self, state: State, gateway: Gateway) -> None:
        self._state = state
        self._gateway = gateway

    async def press(
        self, message_id: str, custom_id: str, user: str, *, values: tuple[str, ...] = (), wait_s: float = 5.0
    ) -> Answer:
        """Press a button, or choose ``values`` in a select menu.

        Args:
            message_id: the message that carries it, a channel's or one that only ``user`` sees.
            custom_id: the component.
            user: a person's id or name.
            values: what was chosen, for a select menu.
            wait_s: how long to wait for the answer, at most a minute.

        Raises:
            Refused: no such message, component or person; or the component is disabled.
        """
        person = self._person(user)
        message = self._state.messages.get(message_id)
        if message is None or self._state.only_for.get(message_id, person.id) != person.id:
            raise Refused(f"no message {message_id} that {person.name} can see")
        component = next((c for c in messages.components_of(message) if c.get("custom_id") == custom_id), None)
        if component is None:
            raise Refused(f"message {message_id} has no component {custom_id!r}")
        if component.get("disabled"):
            raise Refused(f"{custom_id!r} is disabled")
        data: Json = {"custom_id": custom_id, "component_type": component["type"], "id": component["id"]}
        if component["type"] != 2:
            data["values"] = list(_checked_values(component, values))
        interaction = self._state.begin(COMPONENT, person, message["channel_id"], custom_id, message_id)
        return await self._send(interaction, data, wait_s)

    async def slash(
        self, name: str, options: Mapping[str, Any], user: str, channel: str, *, wait_s: float = 5.0
    ) -> Answer:
        """Type a slash command.

        Args:
            name: the command, with subcommands after a space: ``"logs tail"``.
            options: values by option name.
            user: a person's id or name.
            channel: a channel's id or name.
            wait_s: how long to wait for the answer, at most a minute.

        Raises:
            Refused: no such command, person or channel; an option that is unknown, missing or of the wrong kind.
        """
        person, place = self._person(user), self._place(channel)
        data, leaf = self._command_data(name)
        leaf.extend(_option_values(self._definition(name), options))
        return await self._send(self._state.begin(COMMAND, person, place.id, name), data, wait_s)

    async def autocomplete(self, name: str, option: str, typed: str, user: str, channel: str) -> Answer:
        """Type into an option that completes.

        Raises:
            Refused: no such command, option, person or channel.
        """
        person, place = self._person(user), self._place(channel)
        data, leaf = self._command_data(name)
        known = {each["name"]: each for each in self._definition(name).get("options", [])}
        if not known.get(option, {}).get("autocomplete"):
            raise Refused(f"/{name} has no option {option!r} that completes")
        leaf.append({"name": option, "type": known[option]["type"], "value": typed, "focused": True})
        return await self._send(self._state.begin(AUTOCOMPLETE, person, place.id, name), data, 5.0)

    async def modal(self, custom_id: str, fields: Mapping[str, str], user: str, *, wait_s: float = 5.0) -> Answer:
        """Fill in and send the form that the bot last showed this person under ``custom_id``.

        Raises:
            Refused: no such form is open, or Discord would not let these fields be sent.
        """
        person = self._person(user)
        shown = next(
            (
                each
                for each in reversed(self._state.interactions.values())
                if each.user.id == person.id
                and each.callback == 9
                and each.data["custom_id"] == custom_id
                and not each.submitted
            ),
            None,
        )
        if shown is None:
            raise Refused(f"{person.name} has no form {custom_id!r} open")
        components = _filled(shown.data, fields)
        shown.submitted = True
        interaction = self._state.begin(MODAL_SUBMIT, person, shown.channel_id, custom_id, shown.source_id)
        return await self._send(interaction, {"custom_id": custom_id, "components": components}, wait_s)

    async def say(self, content: str, user: str, channel: str) -> Json:
        """Post a person's own message.

        Raises:
            Refused: no such person or channel.
        """
        person, place = self._person(user), self._place(channel)
        now_ms = self._state.clock.now_ms()
        body = {"content": content}
        message = messages.new_message(self._state.world, self._state.new_id(), place.id, person, body, now_ms)
        self._state.add(message)
        await self._state.touch()
        return message

    async def delete(self, message_id: str) -> None:
        """A moderator deletes a message.

        Raises:
            Refused: there is none.
        """
        if message_id not in self._state.messages:
            raise Refused(f"no message {message_id}")
        self._state.delete(self._state.messages[message_id])
        await self._state.touch()

    def _person(self, who: str) -> User:
        found = self._state.world.user(who)
        if found is None:
            raise Refused(f"no user {who!r} in the guild")
        return found

    def _place(self, which: str) -> Channel:
        found = self._state.world.channel(which)
        if found is None:
            raise Refused(f"no channel {which!r} in the guild")
        return found

    def _command_data(self, name: str) -> tuple[Json, list[Json]]:
        """An interaction's ``data`` for a command, and the list inside it that takes the options."""
        root, *path = name.split()
        command = self._state.command(root)
        if command is None:
            raise Refused(f"no command /{root}")
        data: Json = {"id": command["id"], "name": root, "type": 1, "options": []}
        if command.get("guild_id"):
            data["guild_id"] = command["guild_id"]
        level, defined = data, command
        for part in path:
            defined = next((each for each in defined.get("options", []) if each["name"] == part), {})
            level["options"].append({"name": part, "type": defined.get("type"), "options": []})
            level = level["options"][0]
        return data, level["options"]

    def _definition(self, name: str) -> Json:
        root, *path = name.split()
        defined = self._state.command(root) or {}
        for part in path:
            subcommands = [each for each in defined.get("options", []) if each["type"] in (1, 2)]
            defined = next((each for each in subcommands if each["name"] == part), {})
        if not defined or any(each["type"] in (1, 2) for each in defined.get("options", [])):
            raise Refused(f"no command /{name}")
        return defined

    async def _send(self, interaction: Interaction, data: Json, wait_s: float) -> Answer:
        if not self._gateway.sessions:
            return Answer(kind=AnswerKind.FAILED, interaction_id=interaction.id, reason="no bot is connected")
        self._gateway.dispatch("INTERACTION_CREATE", self._payload(interaction, data))
        await self._state.touch()
        return await self._await_answer(interaction, min(wait_s, MAX_WAIT_S))

    def _payload(self, interaction: Interaction, data: Json) -> Json:
        world = self._state.world
        channel = next(channel for channel in world.channels if channel.id == interaction.channel_id)
        payload: Json = {
            "id": interaction.id,
            "application_id": world.application_id,
            "type": interaction.kind,
            "data": data,
            "guild_id": world.guild_id,
            "guild": {"id": world.guild_id, "locale": "en-US", "features": []},
            "channel_id": channel.id,
            "channel": channel_object(world, channel) | {"permissions": ALL_PERMISSIONS},
            "member": member_object(interaction.user, permissions=ALL_PERMISSIONS),
            "token": interaction.token,
            "version": 1,
            "app_permissions": ALL_PERMISSIONS,
            "locale": "en-US",
            "guild_locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": {"0": world.guild_id},
            "context": 0,
            "attachment_size_limit": 10_485_760,
        }
        return payload if interaction.source is None else payload | {"message": interaction.source}

    async def _await_answer(self, interaction: Interaction, wait_s: float) -> Answer:
        await self._until(lambda: interaction.callback is not None, interaction, min(wait_s, ANSWER_WITHIN_S))
        if interaction.callback is not None:
            await self._until(lambda: self._settled(interaction), interaction, wait_s)
        return self.answer(interaction)

    async def _until(self, ready: Any, interaction: Interaction, wait_s: float) -> None:
        left_s = interaction.at_s + wait_s - self._state.clock.monotonic_s()
        try:
            async with asyncio.timeout(max(0.0, left_s)), self._state.changed:
                await self._state.changed.wait_for(ready)
        except TimeoutError:
            return

    def _settled(self, interaction: Interaction) -> bool:
        if interaction.callback == 5:
            return not interaction.loading or interaction.original_id not in self._state.messages
        if interaction.callback == 6:
            return bool(interaction.followups) or self._source_changed(interaction)
        return True

    def _source_changed(self, interaction: Interaction) -> bool:
        return self._state.messages.get(str(interaction.source_id)) is not interaction.source

    def answer(self, interaction: Interaction) -> Answer:
        """The answer as it stands now."""
        kept = self._state.messages
        original = kept.get(str(interaction.original_id))
        return Answer(
            kind=self._kind(interaction),
            interaction_id=interaction.id,
            ephemeral=interaction.original_id in self._state.only_for
            or any(each in self._state.only_for for each in interaction.followups),
            message=original,
            followups=tuple(kept[each] for each in interaction.followups if each in kept),
            modal=interaction.data if interaction.callback == 9 else None,
            choices=tuple(interaction.data.get("choices") or ()) if interaction.callback == 8 else (),
            reason="The application did not respond" if self._kind(interaction) is AnswerKind.FAILED else "",
        )

    def _kind(self, interaction: Interaction) -> AnswerKind:
        simple = {4: AnswerKind.MESSAGE, 7: AnswerKind.UPDATE, 8: AnswerKind.CHOICES, 9: AnswerKind.MODAL}
        if interaction.callback is None:
            late = self._state.clock.monotonic_s() - interaction.at_s >= ANSWER_WITHIN_S
            return AnswerKind.FAILED if late else AnswerKind.WAITING
        if interaction.callback == 5:
            return AnswerKind.THINKING if interaction.loading else AnswerKind.MESSAGE
        if interaction.callback == 6:
            return AnswerKind.UPDATE if self._source_changed(interaction) else AnswerKind.ACKNOWLEDGED
        return simple.get(interaction.callback, AnswerKind.ACKNOWLEDGED)


def _checked_values(menu: Json, values: tuple[str, ...]) -> tuple[str, ...]:
    known = {option["value"] for option in menu.get("options", [])}
    if menu["type"] == 3 and not known.issuperset(values):
        raise Refused(f"the menu does not offer {sorted(set(values) - known)}")
    if not menu.get("min_values", 1) <= len(values) <= menu.get("max_values", 1):
        raise Refused(f"{len(values)} values chosen")
    return values


def _option_values(definition: Json, options: Mapping[str, Any]) -> list[Json]:
    known = {each["name"]: each for each in definition.get("options", [])}
    if unknown := sorted(options.keys() - known.keys()):
        raise Refused(f"/{definition['name']} has no option {unknown}")
    if missing := [name for name, each in known.items() if each.get("required") and name not in options]:
        raise Refused(f"/{definition['name']} needs {missing}")
    return [{"name": name, "type": known[name]["type"], "value": _value(known[name], v)} for name, v in options.items()]


def _value(option: Json, value: Any) -> Any:
    """What Discord's own client would let a person enter there."""
    kinds: dict[int, tuple[type, ...]] = {3: (str,), 4: (int,), 5: (bool,), 10: (int, float)}
    allowed = kinds.get(option["type"])
    if allowed is None:
        raise Refused(f"the simulator cannot fill in an option of type {option['type']}")
    if not isinstance(value, allowed) or (isinstance(value, bool) and option["type"] != 5):
        raise Refused(f"{option['name']!r} cannot be {value!r}")
    if option.get("choices") and value not in [choice["value"] for choice in option["choices"]]:
        raise Refused(f"{option['name']!r} does not offer {value!r}")
    if isinstance(value, str):
        _check_between(option["name"], utf16_length(value), option.get("min_length"), option.get("max_length", 6_000))
    elif not isinstance(value, bool) and isinstance(value, (int, float)):
        _check_between(option["name"], value, option.get("min_value"), option.get("max_value"))
    return value


def _check_between(name: str, number: float, least: float | None, most: float | None) -> None:
    if (least is not None and number < least) or (most is not None and number > most):
        raise Refused(f"{name!r} is out of bounds: {number}")


def _filled(shown: Json, fields: Mapping[str, str]) -> list[Json]:
    """A form's components with what was typed, in the shape of a modal submission."""
    numbers = iter(range(1, 100))
    left = dict(fields)

    def fill(component: Json) -> Json:
        typed = left.pop(component["custom_id"], component.get("value") or "")
        if component.get("required", True) and not typed:
            raise Refused(f"{component['custom_id']!r} must be filled in")
        if typed:
            most = component.get("max_length") or 4_000
            _check_between(component["custom_id"], utf16_length(typed), component.get("min_length"), most)
        value = {"values": [typed]} if component["type"] != 4 else {"value": typed}
        return {"type": component["type"], "id": next(numbers), "custom_id": component["custom_id"]} | value

    submitted: list[Json] = []
    for outer in shown["components"]:
        number = next(numbers)
        if outer["type"] == 18:
            submitted.append({"type": 18, "id": number, "component": fill(outer["component"])})
        else:
            submitted.append({"type": 1, "id": number, "components": [fill(inside) for inside in outer["components"]]})
    if left:
        raise Refused(f"the form has no field {sorted(left)}")
    return submitted
