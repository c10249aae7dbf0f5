"""``/alerts``: which there are, page by page."""

from __future__ import annotations

from datetime import UTC

import interactions
import msgspec

from bot import custom_ids
from bot.answers import Replaced, Reply
from bot.commands import options
from bot.commands.desk import Desk
from bot.commands.unknown import UNKNOWN
from bot.commands.wiring import Call, component, slash
from bot.pages import PAGE_ROWS, asked, frozen, page_message
from bot.render import Message
from jinkies.errors import Invalid
from jinkies.model import UNRESOLVED, Actor, AlertPage, Severity, State
from jinkies.permissions import Permission
from jinkies.query import Filter, parse

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
    """Give a client ``/alerts`` and the buttons that turn its pages."""
    listing = _Listing(desk)
    slash(
        client,
        desk,
        "alerts",
        "List alerts, those seen last first",
        listing.alerts,
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
    component(client, desk, "page", custom_ids.PAGE, listing.turn)


class _Listing:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def alerts(self, call: Call) -> Reply:
        found = wanted(call.read(ListOptions), self._desk.clock.now_ms())
        return await self._page(found, call.caller, title=found.text)

    async def turn(self, call: Call) -> Reply:
        meant = custom_ids.PAGE.match(call.custom_id)
        text = asked(call.message)
        if meant is None or not text:
            return UNKNOWN
        await self._desk.check_epoch(meant["epoch8"])
        found = parse(text, now_ms=self._desk.clock.now_ms(), zone=UTC)
        newer = meant["way"] == "newer"
        return Replaced(shown=await self._page(found, call.caller, title=text, cursor=meant["cursor"], newer=newer))

    async def _page(
        self, found: Filter, viewer: Actor, *, title: str, cursor: str | None = None, newer: bool = False
    ) -> Message:
        await self._desk.require(viewer, Permission.VIEW, what="/alerts")
        page = await self._ask(found, viewer, cursor, newer=newer)
        at_its_top = newer and page.previous_cursor is None and len(page.rows) < PAGE_ROWS
        if cursor is not None and (at_its_top or not page.rows):  # a whole first page, with what is new at its top
            page = await self._ask(found, viewer, None, newer=False)
        return page_message(page, frozen(found), title=title, epoch=await self._desk.epoch())

    async def _ask(self, found: Filter, viewer: Actor, cursor: str | None, *, newer: bool) -> AlertPage:
        services = self._desk.rights.services(viewer, Permission.VIEW)
        query = found.query(limit=PAGE_ROWS, cursor=cursor)
        return await self._desk.ask(
            self._desk.operator.alerts(msgspec.structs.replace(query, services=services, newer=newer))
        )


def wanted(given: ListOptions, now_ms: int) -> Filter:
    """What ``/alerts`` asks for; other options win over the query. Raises ``Invalid``."""
    if given.state and given.state not in STATES:
        raise Invalid(f"state: {given.state[:40]!r} is none of {', '.join(STATES)}")
    found = parse(given.query, now_ms=now_ms, zone=UTC)
    changes: dict[str, object] = {"states": STATES[given.state]} if given.state else {}
    changes |= {"service": given.service} if given.service else {}
    changes |= {"severity": given.severity} if given.severity is not None else {}
    return msgspec.structs.replace(found, **changes)
