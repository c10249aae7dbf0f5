"""The application's commands as Discord keeps and returns them, and as its clients offer them."""

from __future__ import annotations

from collections.abc import Callable

from jinkies.simulators.discord.world import Json, User, World

CHAT, USER_MENU, MESSAGE_MENU = 1, 2, 3


class Commands:
    """What the bot registered, by scope: a guild's id, or None for global ones."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self.by_scope: dict[str | None, list[Json]] = {}
        self._new_id = new_id

    def replace(self, world: World, scope: str | None, commands: list[Json]) -> list[Json]:
        """Overwrite the commands of a scope; one that keeps its type and name keeps its id."""
        kept_ids = {(each["type"], each["name"]): each["id"] for each in self.by_scope.get(scope, [])}
        stored = []
        for command in commands:
            kept = self._stored(world, command)
            kept["id"] = kept_ids.get((kept["type"], kept["name"])) or self._new_id()
            stored.append(kept | ({"guild_id": scope} if scope is not None else {}))
        self.by_scope[scope] = stored
        return stored

    def _stored(self, world: World, command: Json) -> Json:
        defaults = {
            "application_id": world.application_id,
            "version": self._new_id(),
            "type": CHAT,
            "description": "",
            "nsfw": False,
            "dm_permission": True,
            "integration_types": [0],
        }
        sent = _pruned(command)
        return defaults | sent | {"default_member_permissions": _permissions(command), "contexts": sent.get("contexts")}

    def find(self, world: World, name: str, kind: int = CHAT) -> Json | None:
        """The command with this name: the guild's own wins over a global one."""
        for scope in (world.guild_id, None):
            for command in self.by_scope.get(scope, []):
                if command["name"] == name and command["type"] == kind:
                    return command
        return None

    @property
    def names(self) -> list[str]:
        """Every command's name, once."""
        return sorted({each["name"] for kept in self.by_scope.values() for each in kept})


def offered_to(world: World, command: Json, user: User) -> bool:
    """Whether a member's client shows a command: it has the command's default permissions."""
    needed = command.get("default_member_permissions")
    return needed is None or world.permissions(user) & int(needed) == int(needed)


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
