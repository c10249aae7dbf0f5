"""Who may do what in Discord: rules that map roles, channels and services to permissions. Pure.

A rule grants; nothing denies. What no rule grants is refused. The same rules decide in the core, for every command,
and at the bot's door for what is only read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import cache

import msgspec

from jinkies.model import Actor

EVERYONE = "everyone"


class Permission(StrEnum):
    """What may be granted."""

    VIEW = "view"  # alerts, cards, figures
    TAIL = "tail"  # log lines: reading and following them
    ACKNOWLEDGE = (
        "acknowledge"  # every decision on an alert: acknowledge, snooze, resolve, reopen, assign, comment, undo
    )
    SILENCE = "silence"  # silences: starting and ending them
    CREATE = "create"  # pull requests, issues, and alerts made from messages


class PermissionRule(msgspec.Struct, frozen=True, kw_only=True):
    """``[[discord.permissions]]``: who may do what, where, and to which services."""

    roles: tuple[str, ...]  # role ids, or "everyone"
    allow: tuple[Permission, ...]
    channels: tuple[str, ...] = ()  # ids; () is every channel. A thread counts as the channel that it hangs on too
    services: tuple[str, ...] = ()  # names, in which * is any run of characters; () is every service

    def is_for(self, actor: Actor) -> bool:
        """Whether it is about them."""
        return EVERYONE in self.roles or not set(self.roles).isdisjoint(actor.roles)

    def is_in(self, actor: Actor) -> bool:
        """Whether it holds where they are."""
        return not self.channels or not set(self.channels).isdisjoint(actor.channels)

    def covers(self, service: str | None) -> bool:
        """Whether it is about a service; None stands for what concerns all of them."""
        if not self.services:
            return True
        return any(_fits(pattern, service) for pattern in self.services)


class Permissions(msgspec.Struct, frozen=True):
    """All rules together."""

    rules: tuple[PermissionRule, ...]

    def may(self, actor: Actor, permission: Permission, service: str | None) -> bool:
        """Whether somebody may do that to a service, where they are; None is what concerns all services."""
        return any(rule.covers(service) for rule in self._granting(actor, permission))

    def sieve(self, actor: Actor, permission: Permission) -> Callable[[str], bool]:
        """``may`` for many services at once."""
        granting = self._granting(actor, permission)

        @cache
        def may(service: str) -> bool:
            return any(rule.covers(service) for rule in granting)

        return may

    def somewhere(self, actor: Actor, permission: Permission) -> bool:
        """Whether there is any service that they may do it to, where they are."""
        return bool(self._granting(actor, permission))

    def services(self, actor: Actor, permission: Permission) -> tuple[str, ...] | None:
        """Patterns of the services that they may do it to, where they are; None is every service."""
        granting = self._granting(actor, permission)
        if any(rule.covers(None) for rule in granting):
            return None
        return tuple(dict.fromkeys(pattern for rule in granting for pattern in rule.services))

    def why_not(self, actor: Actor, permission: Permission) -> str:
        """One line for people, after a refusal. It names no service: who may not see it should not learn of it."""
        granting = [rule for rule in self.rules if permission in rule.allow and rule.is_for(actor)]
        if not granting:
            return f"{actor.name} has none of the roles that may do this"
        if not any(rule.is_in(actor) for rule in granting):
            return f"{actor.name} may not do this from this channel"
        return f"{actor.name} may not do this for that service"

    def _granting(self, actor: Actor, permission: Permission) -> list[PermissionRule]:
        return [rule for rule in self.rules if permission in rule.allow and rule.is_for(actor) and rule.is_in(actor)]


def _fits(pattern: str, service: str | None) -> bool:
    """In time that grows with the lengths alone: the leftmost place of each piece is as good as any other."""
    if service is None:
        return not pattern.strip("*")
    first, *pieces = pattern.split("*")
    if not pieces:
        return pattern == service
    last = pieces.pop()
    at, end = len(first), len(service) - len(last)
    if at > end or not (service.startswith(first) and service.endswith(last)):
        return False
    for piece in pieces:
        at = service.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def permissions_of(
    rules: Iterable[PermissionRule], *, allowed_roles: tuple[str, ...], guild_id: str | None = None
) -> Permissions:
    """The rules of a configuration.

    Args:
        rules: ``[[discord.permissions]]``.
        allowed_roles: the simple form: these may do everything. Without any rule everybody else may view; without
            allowed roles and without rules, whoever sees the bot may do everything.
        guild_id: the id of the role that everybody has (Discord: that of the server).
    """
    found = [_for_everyone(rule) if guild_id in rule.roles else rule for rule in rules]
    if allowed_roles:
        if not found:
            found.append(PermissionRule(roles=(EVERYONE,), allow=(Permission.VIEW,)))
        found.append(PermissionRule(roles=allowed_roles, allow=tuple(Permission)))
    elif not found:
        found.append(PermissionRule(roles=(EVERYONE,), allow=tuple(Permission)))
    return Permissions(tuple(found))


def _for_everyone(rule: PermissionRule) -> PermissionRule:
    return msgspec.structs.replace(rule, roles=(EVERYONE,))
