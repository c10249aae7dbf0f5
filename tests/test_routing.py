"""Which channels alerts are told in, and at what hours."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jinkies import app
from jinkies.commands import ReportOccurrence
from jinkies.config import Config, DiscordConfig, RouteConfig, Secret
from jinkies.errors import Invalid
from jinkies.hours import parse_hours, within
from jinkies.matching import parse_matchers
from jinkies.routing import routed
from jinkies.wire.peer import local_actor
from tests.configuring import load, mistakes
from tests.test_matching import SUBJECT


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("hours", "moment", "inside"),
    [
        ("Mon", "2026-01-05T23:59", True),
        ("Mon-Fri 09:00-18:00", "2026-01-05T09:00", True),  # a Monday
        ("Mon-Fri 09:00-18:00", "2026-01-05T08:59", False),
        ("Mon-Fri 09:00-18:00", "2026-01-09T17:59", True),
        ("Mon-Fri 09:00-18:00", "2026-01-09T18:00", False),
        ("Mon-Fri 09:00-18:00", "2026-01-10T12:00", False),
        ("Sat, Sun 10:00-12:00", "2026-01-10T23:59", True),
        ("Sat, Sun 10:00-12:00", "2026-01-11T09:59", False),
        ("Fri-Mon 00:00-24:00", "2026-01-11T00:00", True),
        ("Fri-Mon 00:00-24:00", "2026-01-06T00:00", False),
        ("Fri 22:00-06:00", "2026-01-10T05:59", True),
        ("Fri 22:00-06:00", "2026-01-09T05:59", False),
        ("Sun 22:00-06:00", "2026-01-12T05:59", True),
    ],
)
def test_hours_of_the_week(hours: str, moment: str, inside: bool) -> None:
    assert within(parse_hours(hours), at(moment), UTC) is inside


def test_hours_are_those_of_their_zone() -> None:
    spans = parse_hours("Mon 09:00-10:00")
    assert within(spans, at("2026-01-05T08:30"), ZoneInfo("Europe/Berlin"))
    assert within(spans, at("2026-07-06T07:30"), ZoneInfo("Europe/Berlin")), "an hour earlier in summer"


@pytest.mark.parametrize(
    "hours", ["", "weekdays", "Mon-Fri 9-18", "Mon 25:00-26:00", "Mon 09:00-09:00", "Mon 09:60-10:00", "Mo 09:00-10:00"]
)
def test_what_are_no_hours_is_named(hours: str) -> None:
    with pytest.raises(Invalid):
        parse_hours(hours)


def test_the_first_route_that_fits_decides() -> None:
    def route(match: str, channel: str, hours: str = "") -> RouteConfig:
        return RouteConfig(match=parse_matchers(match), channels=(channel,), hours=parse_hours(hours) if hours else ())

    routes = (route("service=worker", "1"), route("severity>=error", "2", "Mon 09:00-10:00"), route("env=prod", "3"))
    assert routed(SUBJECT.row, routes, SUBJECT, at("2026-01-05T09:30")).channels == ("2",)
    assert routed(SUBJECT.row, routes, SUBJECT, at("2026-01-05T11:30")).channels == ("3",)
    assert routed(SUBJECT.row, routes[:1], SUBJECT, 0).channels == ()


def test_routes_of_the_configuration(home: Path) -> None:
    config = load(
        home,
        """
[[routes]]
match = "service=api severity>=critical"
channels = ["123456789012345678"]
hours = "Mon-Fri 09:00-18:00"
timezone = "Europe/Berlin"
""",
    )
    [route] = config.routes
    assert (route.channels, route.timezone) == (("123456789012345678",), "Europe/Berlin")


@pytest.mark.parametrize(
    ("route", "said"),
    [
        ('channels = ["1"]', "routes[0].match: is missing"),
        ('match = "service=api"', "routes[0].channels: is missing"),
        ('match = "sevice=api"\nchannels = ["1"]', "routes[0].match: matcher: no field 'sevice'"),
        ('match = "service=api"\nchannels = ["#ops"]', "routes[0].channels: '#ops' is not a Discord id"),
        ('match = "service=api"\nchannels = []', "routes[0].channels: names no channel"),
        (
            'match = "service=api"\nchannels = ["1"]\nhours = "9 to 5"',
            "routes[0].hours: '9 to 5' is none",
        ),
        ('match = "service=api"\nchannels = ["1"]\ntimezone = "Mars"', "routes[0].timezone: 'Mars' is no time zone"),
        ('match = "service=api"\nchannels = ["1"]\nmentions = ["here"]', "routes[0].mentions: unknown key"),
        ('match = "service=api"\nchannels = ["1"]\nmention = "here"', "routes[0].mention: expected a list"),
        ('match = "service=api"\nchannels = ["1"]\nmention = []', "routes[0].mention: names 0; 1 to 10"),
        ('match = "service=api"\nchannels = ["1"]\nmention = ["@ops"]', "routes[0].mention: '@ops' names nobody"),
        (
            'match = "service=api"\nchannels = ["1"]\nescalate_after_minutes = 15',
            "routes[0].escalate_to: is missing: set both",
        ),
        (
            'match = "service=api"\nchannels = ["1"]\nescalate_to = ["role:1"]\nescalate_after_minutes = 0',
            "routes[0].escalate_after_minutes: 0 is out of bounds",
        ),
    ],
)
def test_a_mistake_in_a_route_is_named(home: Path, route: str, said: str) -> None:
    [mistake] = mistakes(home, f"[[routes]]\n{route}\n")
    assert said in mistake


async def test_an_alert_is_told_where_its_route_says_and_stays_there(home: Path) -> None:
    """The channel is decided when it opens: a card does not wander."""
    routes = (RouteConfig(match=parse_matchers("title=~deadlock"), channels=("11", "12")),)
    discord = DiscordConfig(token=Secret("x"), guild_id="1", alert_channel_id="10")
    config = Config(home=home, discord=discord, routes=routes)
    async with app.host(config, ingest=False, background=False, socket=False) as core:
        operator = core.operator(local_actor())
        for message in ("deadlock", "timeout", "deadlock"):
            await operator.execute(ReportOccurrence(service="api", message=message))
        deliveries = (await operator.snapshot()).deliveries
    assert {(one.alert_id, one.channel_id, one.wanted_revision) for one in deliveries} == {
        (1, "11", 2),
        (1, "12", 2),
        (2, "10", 1),
    }
