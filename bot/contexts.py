"""Interactions as the library gives them, with who called read from Discord's own payload.

The library's cache may not know a member's roles (it drops those that it has not seen), so they are read here.
"""

from __future__ import annotations

from typing import Any, Self

import interactions
import msgspec

from jinkies.model import Actor, ActorKind

NAME_LIMIT = 100


class _User(msgspec.Struct):
    id: str
    username: str
    global_name: str | None = None


class _Member(msgspec.Struct):
    user: _User
    nick: str | None = None
    roles: tuple[str, ...] = ()


class _Payload(msgspec.Struct):
    member: _Member | None = None  # in a server
    user: _User | None = None  # in a direct message


def caller_of(payload: dict[str, Any]) -> Actor:
    """Who pressed, submitted or typed, as Discord says.

    Raises:
        msgspec.ValidationError: Discord's payload has no user.
    """
    parsed = msgspec.convert(payload, _Payload)
    user = parsed.member.user if parsed.member is not None else parsed.user
    if user is None:
        raise msgspec.ValidationError("an interaction without a user")
    nick = parsed.member.nick if parsed.member is not None else None
    return Actor(
        kind=ActorKind.DISCORD,
        id=user.id,
        name=(nick or user.global_name or user.username)[:NAME_LIMIT],
        roles=parsed.member.roles if parsed.member is not None else (),
    )


class SlashContext(interactions.SlashContext[interactions.Client]):
    """A slash command with its caller."""

    caller: Actor

    @classmethod
    def from_dict(cls, client: interactions.Client, payload: dict[str, Any]) -> Self:
        """From Discord's payload."""
        caller = caller_of(payload)  # before the library takes the payload apart for its cache
        instance = super().from_dict(client, payload)
        instance.caller = caller
        return instance


class ComponentContext(interactions.ComponentContext[interactions.Client]):
    """A press of a button with its caller."""

    caller: Actor

    @classmethod
    def from_dict(cls, client: interactions.Client, payload: dict[str, Any]) -> Self:
        """From Discord's payload."""
        caller = caller_of(payload)  # before the library takes the payload apart for its cache
        instance = super().from_dict(client, payload)
        instance.caller = caller
        return instance


class ModalContext(interactions.ModalContext[interactions.Client]):
    """A submitted form with its caller."""

    caller: Actor

    @classmethod
    def from_dict(cls, client: interactions.Client, payload: dict[str, Any]) -> Self:
        """From Discord's payload."""
        caller = caller_of(payload)  # before the library takes the payload apart for its cache
        instance = super().from_dict(client, payload)
        instance.caller = caller
        return instance
