"""Routing: which channels an alert is told in, and whom it calls. Pure.

The first of the configured routes that fits decides, when the alert opens; what none fits goes to the alert channel.
"""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import msgspec

from jinkies.config import RouteConfig
from jinkies.hours import within
from jinkies.matching import Subject, matches
from jinkies.model import AlertRow, Calling

MINUTE_MS = 60_000


def routed(row: AlertRow, routes: Iterable[RouteConfig], subject: Subject, at_ms: int) -> AlertRow:
    """The row of an alert that opens, with what its route says."""
    route = next((route for route in routes if _fits(route, subject, at_ms)), None)
    if route is None:
        return row
    calling = Calling(
        mention=route.mention,
        escalate_to=route.escalate_to,
        escalate_after_ms=route.escalate_after_minutes * MINUTE_MS,
    )
    called = route.mention or route.escalate_to
    return msgspec.structs.replace(row, channels=route.channels, calling=calling if called else None)


def _fits(route: RouteConfig, subject: Subject, at_ms: int) -> bool:
    if route.hours and not within(route.hours, at_ms, ZoneInfo(route.timezone)):
        return False
    return matches(route.match, subject)
