"""``[[routes]]`` of the configuration: what each key must be."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinkies import config_checks as checks
from jinkies.errors import Invalid
from jinkies.hours import Span, parse_hours
from jinkies.matching import Matcher, parse_matchers

MOST = 100
MENTIONS = 10
LONGEST_MINUTES = 7 * 24 * 60

_MENTION = re.compile(r"(?:role|user):[0-9]{1,20}|here|everyone")


def matchers(value: object) -> tuple[Matcher, ...]:
    """``service=api severity>=error``."""
    try:
        return parse_matchers(checks.text(value, limit=4_000))
    except Invalid as error:
        raise checks.Wrong(str(error)) from None


def channels(value: object) -> tuple[str, ...]:
    """Ids of channels, at least one."""
    found = checks.discord_ids(value)
    if not found:
        raise checks.Wrong("names no channel")
    return tuple(dict.fromkeys(found))


def hours(value: object) -> tuple[Span, ...]:
    """``Mon-Fri 09:00-18:00``."""
    try:
        return parse_hours(checks.text(value))
    except Invalid as error:
        raise checks.Wrong(str(error)) from None


def timezone(value: object) -> str:
    """A name of the time zone database."""
    name = checks.text(value)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise checks.Wrong(f"{checks.shown(value)} is no time zone; such as Europe/Berlin") from None
    return name


def mentions(value: object) -> tuple[str, ...]:
    """``["role:123", "user:456", "here"]``."""
    if not isinstance(value, list):
        raise checks.Wrong(f'expected a list, such as ["role:123456789012345678", "here"], got {checks.kind_of(value)}')
    for one in value:
        if not isinstance(one, str) or not _MENTION.fullmatch(one):
            raise checks.Wrong(f"{checks.shown(one)} names nobody; role:ID, user:ID, here or everyone")
    found = tuple(dict.fromkeys(value))
    if not 1 <= len(found) <= MENTIONS:
        raise checks.Wrong(f"names {len(found)}; 1 to {MENTIONS}")
    return found


CHECKS: dict[str, checks.Check] = {
    "match": matchers,
    "channels": channels,
    "hours": hours,
    "timezone": timezone,
    "mention": mentions,
    "escalate_after_minutes": checks.whole(1, LONGEST_MINUTES),
    "escalate_to": mentions,
}
