"""Who and what exists in the simulated Discord: one guild, its roles, channels and people.

A test or the demo chooses them; ``objects`` renders them as Discord would.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from jinkies.simulators.discord.permissions import ALL, EVERYONE, VIEW_CHANNEL, WRITING

Json = dict[str, Any]
"""A JSON object on Discord's wire: this package is that wire's far end, so it is the edge."""


class Access(StrEnum):
    """What the bot may do in a channel."""

    FULL = "full"
    READ = "read"  # posting is 50013 Missing Permissions
    NONE = "none"  # everything is 50001 Missing Access


class Role(msgspec.Struct, frozen=True):
    """A role of the guild. ``permissions`` are bits beyond everyone's; ``color`` is 0xRRGGBB, 0 for none."""

    id: str
    name: str
    permissions: int = 0
    color: int = 0


class User(msgspec.Struct, frozen=True):
    """A member of the guild. ``roles`` are role ids; ``nick`` the name in this guild, when it is another one."""

    id: str
    name: str
    roles: tuple[str, ...] = ()
    bot: bool = False
    nick: str | None = None
    locale: str = "en-US"

    @property
    def shown_name(self) -> str:
        """What people in the guild see."""
        return self.nick or self.name


class Channel(msgspec.Struct, frozen=True):
    """A text channel of the guild. ``denied`` are permission bits that the bot lacks there beside its ``access``."""

    id: str
    name: str
    access: Access = Access.FULL
    denied: int = 0
    topic: str | None = None

    @property
    def bot_permissions(self) -> int:
        """What the bot may do there, as bits."""
        taken = {Access.FULL: 0, Access.READ: WRITING, Access.NONE: VIEW_CHANNEL | WRITING}[self.access]
        return EVERYONE & ~(taken | self.denied)


ON_CALL = Role("1500000000000000001", "on-call", color=0x2ECC71)
SUPPORT = Role("1500000000000000002", "support", color=0xE67E22)


class World(msgspec.Struct, frozen=True):
    """One guild and everything in it. Ids are snowflakes: strings of digits.

    The first user owns the guild. ``message_content`` is the application's privileged intent of that name: without it
    (a new application's state) a gateway session that asks for it is closed with 4014, and what people write is empty
    wherever the bot reads it, unless they mention it, answer it or use a context menu on it. ``bot_manages`` gives the
    bot "Manage Threads" and "Manage Messages".
    """

    application_id: str = "1100000000000000001"
    bot_name: str = "jinkies"
    guild_id: str = "1200000000000000001"
    guild_name: str = "Mystery Inc"
    message_content: bool = False
    bot_manages: bool = False
    roles: tuple[Role, ...] = (ON_CALL, SUPPORT)
    channels: tuple[Channel, ...] = (
        Channel("1300000000000000001", "alerts"),
        Channel("1300000000000000002", "logs"),
        Channel("1300000000000000003", "ops"),
    )
    users: tuple[User, ...] = (
        User("1400000000000000001", "velma", (ON_CALL.id,)),
        User("1400000000000000002", "fred", (ON_CALL.id,)),
        User("1400000000000000003", "daphne", (SUPPORT.id,)),
        User("1400000000000000004", "shaggy", nick="Shaggy (support)"),
    )

    @property
    def bot(self) -> User:
        """The application's own user; its id is the application's."""
        return User(self.application_id, self.bot_name, bot=True)

    def user(self, who: str) -> User | None:
        """The person with this id or name, or None."""
        return next((user for user in self.users if who in (user.id, user.name)), None)

    def permissions(self, user: User) -> int:
        """What a member may do: everyone's bits and those of its roles; everything for the guild's owner."""
        if self.users and user.id == self.users[0].id:
            return ALL
        bits = EVERYONE
        for role in self.roles:
            bits |= role.permissions if role.id in user.roles else 0
        return bits

    def with_channel(self, channel: Channel) -> World:
        """The same world with this channel in the place of the one with its id, or beside the others."""
        kept = tuple(channel if each.id == channel.id else each for each in self.channels)
        return msgspec.structs.replace(self, channels=kept if channel in kept else (*kept, channel))

    def without_channel(self, channel: Channel) -> World:
        """The same world without this channel."""
        return msgspec.structs.replace(self, channels=tuple(each for each in self.channels if each.id != channel.id))

    def with_user(self, user: User) -> World:
        """The same world with this member in the place of the one with its id, or beside the others."""
        kept = tuple(user if each.id == user.id else each for each in self.users)
        return msgspec.structs.replace(self, users=kept if user in kept else (*kept, user))

    def channel(self, which: str) -> Channel | None:
        """The channel with this id or name, or None."""
        return next((channel for channel in self.channels if which in (channel.id, channel.name)), None)
