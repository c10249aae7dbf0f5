"""``/alerts``: which there are."""

from __future__ import annotations

from datetime import UTC

import interactions
import msgspec

from bot.answers import Reply
from bot.commands import options
from bot.commands.desk import Desk
from bot.commands.wiring import Call, slash
from bot.render import list_message
from jinkies.errors import Invalid
from jinkies.model import UNRESOLVED, AlertQuery, Severity, State
from jinkies.permissions import Permission
from jinkies.query import parse

LIST_LIMIT = 20
STATES = {
    "unresolved": UNRESOLVED,
    "open": (State.OPEN,),
    "acknowledged": (State.ACKNOWLEDGED,),
    "snoozed": (State.SNOOZED,),
    "resolved": (State.RESOLVED,),
    "all": (),
}


class ListOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What ``/alerts`` takes."""

    state: str = ""
    service: str | None = None
    severity: Severity | None = None
    query: str = ""


def install(client: interactions.Client, desk: Desk) -> None:
    """Give a client ``/alerts``."""

    async def alerts(call: Call) -> Reply:
        await desk.require(call.caller, Permission.VIEW, what="/alerts")
        query, described = wanted(call.read(ListOptions), desk.clock.now_ms())
        query = msgspec.structs.replace(query, services=desk.rights.services(call.caller, Permission.VIEW))
        return list_message(await desk.ask(desk.operator.alerts(query)), described=described)

    slash(
        client,
        desk,
        "alerts",
        "List alerts, those seen last first",
        alerts,
        options=[
            options.chosen("state", "Which states (unresolved ones by default)", {name: name for name in STATES}),
            options.service(),
            options.one_of("severity", "At least this severe", Severity, prefix="at least "),
            options.text(
                "query",
                'Words, or: since:2h env:prod tag:region=eu count>10 "some words" -word',
                autocomplete=True,
                most=300,
            ),
        ],
        completes=options.complete_service(desk) | options.complete_query(desk),
    )


def wanted(asked: ListOptions, now_ms: int) -> tuple[AlertQuery, str]:
    """The query that ``/alerts`` asks for, and the same in words; other options win over it. Raises ``Invalid``."""
    if asked.state and asked.state not in STATES:
        raise Invalid(f"state: {asked.state[:40]!r} is none of {', '.join(STATES)}")
    found = parse(asked.query, now_ms=now_ms, zone=UTC)
    changes: dict[str, object] = {"states": STATES[asked.state]} if asked.state else {}
    changes |= {"service": asked.service} if asked.service else {}
    changes |= {"severity": asked.severity} if asked.severity is not None else {}
    found = msgspec.structs.replace(found, **changes)
    return found.query(limit=LIST_LIMIT), found.text
