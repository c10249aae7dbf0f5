"""Routing: which channels an alert is told in. Pure.

The first of the configured routes that fits decides, when the alert opens; what none fits goes to the alert channel.
"""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from jinkies.config import RouteConfig
from jinkies.hours import within
from jinkies.matching import Subject, matches


def channels_of(routes: Iterable[RouteConfig], subject: Subject, at_ms: int) -> tuple[str, ...]:
    """Ids of the channels, at least one, or () where no route fits."""
    return next((route.channels for route in routes if _fits(route, subject, at_ms)), ())


def _fits(route: RouteConfig, subject: Subject, at_ms: int) -> bool:
    if route.hours and not within(route.hours, at_ms, ZoneInfo(route.timezone)):
        return False
    return matches(route.match, subject)
