"""What people can type and choose, in the shape in which Discord's own client would send it, or its refusal to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinkies.simulators.discord.answers import Refused
from jinkies.simulators.discord.commands import CHAT
from jinkies.simulators.discord.forms import utf16_length
from jinkies.simulators.discord.objects import channel_object, member_object, role_object, user_object
from jinkies.simulators.discord.state import State
from jinkies.simulators.discord.world import Json, User, World

SUBCOMMAND, GROUP = 1, 2
TEXT_KINDS = (3, 4, 10)  # options that may complete: string, integer, number
USER, CHANNEL, ROLE, MENTIONABLE = 6, 7, 8, 9
OPTION_ENTITIES = {USER: "users", CHANNEL: "channels", ROLE: "roles", MENTIONABLE: "mentionables"}
SELECT_ENTITIES = {5: "users", 6: "roles", 7: "mentionables", 8: "channels"}
MOST_TYPED = 6_000
Value = str | Sequence[str]


def resolved_entity(world: World, kind: str, value: str) -> tuple[str, Json]:
    """The id of what a person picked (by id or name), and the ``resolved`` data that says what it is.

    Raises:
        Refused: there is none.
    """
    if kind in ("users", "mentionables") and (user := world.user(value)) is not None:
        permissions = world.permissions(user)
        member = member_object(user, permissions=permissions, inside=True)
        return user.id, {"users": {user.id: user_object(user)}, "members": {user.id: member}}
    if kind in ("roles", "mentionables"):
        for position, role in enumerate(world.roles, 1):
            if value in (role.id, role.name):
                return role.id, {"roles": {role.id: role_object(world, role, position)}}
    if kind == "channels" and (channel := world.channel(value)) is not None:
        shown = channel_object(world, channel)
        partial = {key: shown[key] for key in ("id", "name", "type", "parent_id", "nsfw", "flags", "topic", "position")}
        return channel.id, {"channels": {channel.id: partial | {"permissions": "0", "guild_id": world.guild_id}}}
    raise Refused(f"no {kind.removesuffix('s')} {value!r} in the guild")


def merged(into: Json, more: Json) -> None:
    """Add ``resolved`` data to what is there."""
    for kind, found in more.items():
        into.setdefault(kind, {}).update(found)


class CommandLine:
    """A slash command as it is typed: ``data`` is the interaction's.

    Args:
        state: where the commands are registered.
        name: the command, with a group and a subcommand after spaces: ``"logs tail"``.

    Raises:
        Refused: no such command, or one that has only subcommands.
    """

    def __init__(self, state: State, name: str) -> None:
        root, *path = name.split() or [""]
        command = state.registered.find(state.world, root, CHAT)
        if command is None:
            raise Refused(f"no command /{root}")
        self.command = command
        self.name = name
        self.data: Json = {"id": command["id"], "name": root, "type": CHAT, "options": []}
        if command.get("guild_id"):
            self.data["guild_id"] = command["guild_id"]
        self._world = state.world
        self._defined, level = command, self.data
        for part in path:
            inside = [each for each in self._defined.get("options", []) if each["type"] in (SUBCOMMAND, GROUP)]
            found = next((each for each in inside if each["name"] == part), None)
            if found is None:
                raise Refused(f"no command /{name}")
            level["options"].append({"name": part, "type": found["type"], "options": []})
            level, self._defined = level["options"][0], found
        if any(each["type"] in (SUBCOMMAND, GROUP) for each in self._defined.get("options", [])):
            raise Refused(f"no command /{name}")
        self._typed = level["options"]

    @property
    def _known(self) -> dict[str, Json]:
        return {each["name"]: each for each in self._defined.get("options", [])}

    def fill(self, options: Mapping[str, Any]) -> None:
        """Type every option.

        Raises:
            Refused: one is unknown, missing, of the wrong kind or out of its bounds.
        """
        known = self._known
        if unknown := sorted(options.keys() - known.keys()):
            raise Refused(f"/{self.name} has no option {unknown}")
        if missing := [name for name, each in known.items() if each.get("required") and name not in options]:
            raise Refused(f"/{self.name} needs {missing}")
        for name, value in options.items():
            self._add(known[name], value)

    def complete(self, option: str, typed: str, others: Mapping[str, Any]) -> None:
        """Type into one option that completes, with ``others`` filled in already (required ones may still be empty).

        Raises:
            Refused: no such option, or it does not complete; another is unknown or wrong.
        """
        known = self._known
        if not known.get(option, {}).get("autocomplete"):
            raise Refused(f"/{self.name} has no option {option!r} that completes")
        if unknown := sorted(others.keys() - known.keys()):
            raise Refused(f"/{self.name} has no option {unknown}")
        for name, value in others.items():
            if name != option:
                self._add(known[name], value)
        self._typed.append({"name": option, "type": known[option]["type"], "value": typed, "focused": True})

    def _add(self, option: Json, value: Any) -> None:
        if option["type"] in OPTION_ENTITIES:
            value, found = resolved_entity(self._world, OPTION_ENTITIES[option["type"]], str(value))
            merged(self.data.setdefault("resolved", {}), found)
        else:
            value = _value(option, value)
        self._typed.append({"name": option["name"], "type": option["type"], "value": value})


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
        if not value and option.get("required"):
            raise Refused(f"{option['name']!r} must be filled in")
        most = option.get("max_length", MOST_TYPED)
        check_between(option["name"], utf16_length(value), option.get("min_length"), most)
    elif not isinstance(value, bool) and isinstance(value, (int, float)):
        check_between(option["name"], value, option.get("min_value"), option.get("max_value"))
    return value


def check_between(name: str, number: float, least: float | None, most: float | None) -> None:
    """Refuse a length or a number out of bounds."""
    if (least is not None and number < least) or (most is not None and number > most):
        raise Refused(f"{name!r} is out of bounds: {number}")


def selected(world: World, menu: Json, values: Sequence[str]) -> Json:
    """What choosing in a select menu sends: ``values``, and for one of people, roles or channels ``resolved``.

    Raises:
        Refused: the menu does not offer a value, or takes more or fewer of them.
    """
    if len(set(values)) != len(values) or not menu.get("min_values", 1) <= len(values) <= menu.get("max_values", 1):
        raise Refused(f"{len(values)} values chosen")
    if menu["type"] == 3:
        offered = {option["value"] for option in menu.get("options", [])}
        if not offered.issuperset(values):
            raise Refused(f"the menu does not offer {sorted(set(values) - offered)}")
        return {"values": list(values)}
    ids: list[str] = []
    data: Json = {"values": ids, "resolved": {}}
    for value in values:
        found, about = resolved_entity(world, SELECT_ENTITIES[menu["type"]], value)
        ids.append(found)
        merged(data["resolved"], about)
    return data


class Form:
    """A modal as a person fills it in: text inputs in rows, and what labels hold.

    Args:
        world: where people, roles and channels are looked up.
        shown: the modal's data, as the bot sent it.
        fields: what is typed or chosen, by custom_id; the rest stays as the bot filled it in.

    Raises:
        Refused: a required field is empty, a value does not fit, or there is no such field.
    """

    def __init__(self, world: World, shown: Json, fields: Mapping[str, Value]) -> None:
        self._world = world
        self._left = dict(fields)
        self._number = 0
        self.resolved: Json = {}
        self.components = [sent for outer in shown["components"] if (sent := self._outer(outer)) is not None]
        if self._left:
            raise Refused(f"the form has no field {sorted(self._left)}")

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _outer(self, outer: Json) -> Json | None:
        number = self._next()
        if outer["type"] == 18:
            return {"type": 18, "id": number, "component": self._fill(outer["component"])}
        if outer["type"] == 1:
            return {"type": 1, "id": number, "components": [self._fill(inside) for inside in outer["components"]]}
        return {"type": outer["type"], "id": number}  # text that is only shown

    def _fill(self, component: Json) -> Json:
        name = component["custom_id"]
        about: Json = {"type": component["type"], "id": self._next(), "custom_id": name}
        if component["type"] != 4:
            return about | self._chosen(component)
        typed = self._left.pop(name, component.get("value") or "")
        if not isinstance(typed, str):
            raise Refused(f"{name!r} takes a text")
        if component.get("required", True) and not typed:
            raise Refused(f"{name!r} must be filled in")
        if typed:
            check_between(name, utf16_length(typed), component.get("min_length"), component.get("max_length") or 4_000)
        return about | {"value": typed}

    def _chosen(self, menu: Json) -> Json:
        default = [option["value"] for option in menu.get("options", []) if option.get("default")]
        values = self._left.pop(menu["custom_id"], default)
        values = [values] if isinstance(values, str) else list(values)
        if not values and not menu.get("required", True):
            return {"values": []}
        sent = selected(self._world, menu, values)
        merged(self.resolved, sent.pop("resolved", {}))
        return sent


def interaction_channel(state: State, channel_id: str, user: User) -> Json:
    """The channel (or thread) in which something was done, with what ``user`` may do there."""
    thread = state.threads.get(channel_id)
    channel = state.place(channel_id)
    if channel is None:
        raise Refused(f"no channel {channel_id!r} in the guild")
    shown = channel_object(state.world, channel) if thread is None else state.threads.shown(thread)
    newest = max((m["id"] for m in state.messages.values() if m["channel_id"] == channel_id), key=int, default=None)
    return shown | {"last_message_id": newest, "permissions": str(state.world.permissions(user))}
