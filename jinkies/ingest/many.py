"""Webhooks that tell several things at once: their reports as commands, and the answer for all of them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from aiohttp import web

from jinkies.commands import Outcome, Report, ReportOccurrence, ReportRecovery
from jinkies.ingest.answers import answer_error
from jinkies.preparing import REPORTS_LIMIT

NAMED = 20  # alerts that an answer names


class Taken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a 200."""

    status: str
    reports: int
    changed: int  # how many of them said something new
    created: int  # how many opened an alert
    alert_ids: tuple[str, ...] = ()  # of the first 20
    note: str = ""


def commands(items: Sequence[ReportOccurrence | ReportRecovery]) -> list[Report]:
    """Reports of at most 1,000 items each, in order."""
    return [Report(items=tuple(items[at : at + REPORTS_LIMIT])) for at in range(0, len(items), REPORTS_LIMIT)]


def answer_many(outcome: Outcome, note: str = "") -> web.Response:
    """200, with what became of them; ``note`` is one line for people."""
    items = outcome.items or ((outcome,) if outcome.alert_id is not None else ())
    ids = dict.fromkeys(str(one.alert_id) for one in items if one.alert_id is not None)
    taken = Taken(
        status="success",
        reports=len(items),
        changed=sum(one.changed for one in items),
        created=sum(one.created for one in items),
        alert_ids=tuple(ids)[:NAMED],
        note=note,
    )
    return web.Response(body=msgspec.json.encode(taken), content_type="application/json")


def answer_retried(error: Exception) -> web.Response:
    """For senders that try again after 5xx only, and take any 4xx for a delivery: busy is 503, not 429."""
    response = answer_error(error)
    if response.status == 429:
        response.set_status(503)
    return response
