"""``[[discord.permissions]]`` of the configuration: what each key must be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinkies import config_checks as checks
from jinkies.config_sources import Mistakes
from jinkies.permissions import EVERYONE, Permission, PermissionRule

MOST = 200
SERVICES = 200
KEY = "discord.permissions"


def roles(value: object) -> tuple[str, ...]:
    """``["123456789012345678"]`` or ``["everyone"]``."""
    if value == EVERYONE or (isinstance(value, list) and EVERYONE in value):
        return (EVERYONE,)
    found = checks.discord_ids(value) if isinstance(value, list) else ()
    if not found:
        raise checks.Wrong('expected a list of role ids, such as ["123456789012345678"], or ["everyone"]')
    return tuple(dict.fromkeys(found))


def allow(value: object) -> tuple[Permission, ...]:
    """``["view", "acknowledge"]``."""
    if not isinstance(value, list) or not value:
        raise checks.Wrong(f'expected a list, such as ["view", "acknowledge"]; there are {", ".join(Permission)}')
    check = checks.one_of(Permission)
    return tuple(dict.fromkeys(Permission(str(check(one))) for one in value))


def channels(value: object) -> tuple[str, ...]:
    """Ids of channels, at least one."""
    found = checks.discord_ids(value) if isinstance(value, list) else ()
    if not found:
        raise checks.Wrong('expected a list of channel ids, such as ["123456789012345678"]; every one: leave it out')
    return tuple(dict.fromkeys(found))


def services(value: object) -> tuple[str, ...]:
    """``["api", "web-*"]``."""
    if not isinstance(value, list) or not 1 <= len(value) <= SERVICES:
        raise checks.Wrong(f'expected a list of 1 to {SERVICES} services, such as ["api", "web-*"]')
    return tuple(dict.fromkeys(checks.text(one, limit=100) for one in value))


CHECKS: dict[str, checks.Check] = {"roles": roles, "allow": allow, "channels": channels, "services": services}

Table = Callable[[str, dict[str, object], dict[str, checks.Check]], dict[str, Any]]


def read_permissions(listed: object, place: str, mistakes: Mistakes, table: Table) -> tuple[PermissionRule, ...]:
    """The rules that are right.

    Args:
        listed: what the file has there.
        place: the file, as mistakes name it.
        mistakes: those that there are.
        table: reads a table by its checks: (path, content, checks) → what is right of it.
    """
    if not isinstance(listed, list) or len(listed) > MOST:
        mistakes.add(place, KEY, f"expected [[{KEY}]], at most {MOST} of them")
        return ()
    rules: list[PermissionRule] = []
    for index, content in enumerate(listed):
        path = f"{KEY}[{index}]"
        if not isinstance(content, dict):
            mistakes.add(place, path, f"expected a table, [[{KEY}]], got {checks.kind_of(content)}")
            continue
        values = table(path, content, CHECKS)
        for key in ("roles", "allow"):
            if key not in content:
                mistakes.add(place, f"{path}.{key}", 'is missing: a rule has roles (or "everyone") and what they may')
        if {"roles", "allow"} <= values.keys() and values.keys() == content.keys():
            rules.append(PermissionRule(**values))
    return tuple(rules)
