"""Interactions as the library gives them, with who called, from where and on what, read from Discord's own payload.

The library's cache may not know a member's roles (it drops those that it has not seen), so they are read here.
"""

from __future__ import annotations

from typing import Any, Self

import interactions
import msgspec

from jinkies.model import Actor, ActorKind

NAME_LIMIT = 100
THREADS = (10, 11, 12)  # Discord's types of channels that are threads: their parent is a channel


class _User(msgspec.Struct):
    id: str
    username: str
    global_name: str | None = None


class Member(msgspec.Struct):
    """Somebody in the server."""

    user: _User
    nick: str | None = None
    roles: tuple[str, ...] = ()


class _Channel(msgspec.Struct):
    type: int = 0
    parent_id: str | None = None


class _Footer(msgspec.Struct):
    text: str = ""


class ShownEmbed(msgspec.Struct):
    """An embed of a message, as far as commands look at it."""

    title: str = ""
    description: str = ""
    footer: _Footer = msgspec.field(default_factory=_Footer)


class Shown(msgspec.Struct):
    """A message that a component is on, or that a context menu was opened on."""

    id: str
    channel_id: str = ""
    content: str = ""
    author: _User | None = None
    flags: int = 0
    embeds: tuple[ShownEmbed, ...] = ()


class _Nick(msgspec.Struct):
    nick: str | None = None


class _Resolved(msgspec.Struct):
    messages: dict[str, Shown] = {}
    users: dict[str, _User] = {}
    members: dict[str, _Nick] = {}

    def names(self) -> dict[str, str]:
        """What people who were chosen are called here, by their ids."""
        nicks = {user_id: member.nick for user_id, member in self.members.items()}
        return {user_id: _name(user, nicks.get(user_id)) for user_id, user in self.users.items()}


class _Option(msgspec.Struct):
    name: str
    value: str | int | float | bool | None = None


class _Data(msgspec.Struct):
    options: tuple[_Option, ...] = ()
    custom_id: str = ""
    target_id: str = ""
    values: tuple[str, ...] = ()
    resolved: _Resolved = msgspec.field(default_factory=_Resolved)


class _Payload(msgspec.Struct):
    data: _Data = msgspec.field(default_factory=_Data)
    member: Member | None = None  # in a server
    user: _User | None = None  # in a direct message
    channel_id: str = ""
    channel: _Channel = msgspec.field(default_factory=_Channel)
    message: Shown | None = None


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """What Discord says of an interaction."""

    caller: Actor  # with roles, and with where: the channel, and of a thread the channel that it hangs on
    custom_id: str  # of a component or a form; "" of a command
    values: tuple[str, ...]  # what was chosen in a select
    message: Shown | None
    options: dict[str, object]  # of a command, by name; of people their ids
    names: dict[str, str]  # of people who were chosen, by their ids


def called_of(payload: dict[str, Any]) -> Called:
    """Who pressed, submitted or typed, where and on what, as Discord says.

    Raises:
        msgspec.ValidationError: Discord's payload has no user.
    """
    parsed = msgspec.convert(payload, _Payload)
    user = parsed.member.user if parsed.member is not None else parsed.user
    if user is None:
        raise msgspec.ValidationError("an interaction without a user")
    parent = parsed.channel.parent_id if parsed.channel.type in THREADS else None
    return Called(
        caller=caller_of(parsed.member or Member(user), tuple(one for one in (parsed.channel_id, parent) if one)),
        custom_id=parsed.data.custom_id,
        values=parsed.data.values,
        message=parsed.message or parsed.data.resolved.messages.get(parsed.data.target_id),
        options={option.name: option.value for option in parsed.data.options if option.value is not None},
        names=parsed.data.resolved.names(),
    )


def caller_of(member: Member, channels: tuple[str, ...]) -> Actor:
    """Somebody as the core knows them; ``channels``: where they are, of a thread with the channel that it hangs on."""
    return Actor(
        kind=ActorKind.DISCORD,
        id=member.user.id,
        name=_name(member.user, member.nick),
        roles=member.roles,
        channels=channels,
    )


def _name(user: _User, nick: str | None) -> str:
    return (nick or user.global_name or user.username)[:NAME_LIMIT]


class _WithCaller(interactions.BaseInteractionContext[interactions.Client]):
    called: Called

    @classmethod
    def from_dict(cls, client: interactions.Client, payload: dict[str, Any]) -> Self:
        """From Discord's payload."""
        called = called_of(payload)  # before the library takes the payload apart for its cache
        instance = super().from_dict(client, payload)
        instance.called = called
        return instance


class SlashContext(_WithCaller, interactions.SlashContext[interactions.Client]):
    """A slash command with its caller."""


class MenuContext(_WithCaller, interactions.ContextMenuContext[interactions.Client]):
    """A choice of a message's context menu with its caller."""


class ComponentContext(_WithCaller, interactions.ComponentContext[interactions.Client]):
    """A press of a button, or a choice of a select, with its caller."""


class ModalContext(_WithCaller, interactions.ModalContext[interactions.Client]):
    """A submitted form with its caller."""


class AutocompleteContext(_WithCaller, interactions.AutocompleteContext[interactions.Client]):
    """An option that is being typed, with who types."""


AnswerableContext = SlashContext | MenuContext | ComponentContext | ModalContext
