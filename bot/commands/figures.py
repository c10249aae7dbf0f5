"""``/stats``: how fast people act, how much happens where, and what is noisy."""

from __future__ import annotations

import interactions
import msgspec

from bot.answers import Reply
from bot.commands import options
from bot.commands.desk import Desk
from bot.commands.wiring import Call, slash
from bot.stats_view import stats_message
from jinkies.errors import Invalid
from jinkies.permissions import Permission
from jinkies.stats import StatsQuery

RANGES = {"1 day": "1", "7 days": "7", "30 days": "30", "90 days": "90"}
DAY_MS = 86_400_000


class _Options(msgspec.Struct, frozen=True, kw_only=True):
    range: str = "7"
    service: str = ""


def install(client: interactions.Client, desk: Desk) -> None:
    """Give a client ``/stats``."""

    async def stats(call: Call) -> Reply:
        asked = call.read(_Options)
        service = asked.service.strip() or None
        await desk.require(call.caller, Permission.VIEW, what="/stats")
        if service is None and not desk.may(call.caller, Permission.VIEW, None):
            raise Invalid("service: name one that you may view; the figures of all are for who may view all")
        await desk.require(call.caller, Permission.VIEW, (service,), what="/stats")
        days, now_ms = _days(asked.range), desk.clock.now_ms()
        query = StatsQuery(since_ms=now_ms - days * DAY_MS, until_ms=now_ms, service=service)
        words = f"{days} day{'s' if days != 1 else ''}{f' · {service}' if service else ''}"
        return stats_message(await desk.ask(desk.operator.stats(query)), title=words)

    slash(
        client,
        desk,
        "stats",
        "How fast people act, how much happens where, and what is noisy",
        stats,
        options=[
            options.chosen("range", "Of how long (7 days by default)", RANGES),
            options.service("Of one service (all by default)"),
        ],
        completes=options.complete_service(desk),
    )


def _days(text: str) -> int:
    if text not in RANGES.values():
        raise Invalid(f"range: {text[:40]!r} is none of {', '.join(RANGES)}")
    return int(text)
