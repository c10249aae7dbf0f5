"""Every answer of the ingest server, as JSON, and which status an error is."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from aiohttp import web

from jinkies.commands import Outcome
from jinkies.errors import Forbidden, Invalid, JinkiesError, KeyReused, Overloaded, Unavailable
from jinkies.ingest.auth import Unauthorized
from jinkies.ingest.refusals import BadField, MalformedJson, Refused

OVERLOADED_RETRY_S = 1
UNAVAILABLE_RETRY_S = 5

_FIELD_FIRST = re.compile(r"([a-z_]{1,40}): .", re.DOTALL)


class Accepted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a 200 or 201."""

    status: str
    alert_id: str | None
    created: bool
    revision: int | None = None
    ignored: tuple[str, ...] = ()  # names of fields that were sent and that nobody reads


class AcceptedItem(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one of several."""

    alert_id: str | None
    created: bool
    revision: int | None


class AcceptedMany(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a 200 or 201 to several alerts in one request."""

    status: str
    created: int  # how many opened a new alert
    items: tuple[AcceptedItem, ...]  # in the order in which they came
    ignored: tuple[str, ...] = ()


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of an error."""

    status: str
    error: str  # a short name, for programs
    field: str = ""
    message: str  # one line, for people


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The body of ``GET /health``."""

    status: str
    store: str


def answer(
    status: int,
    body: Accepted | AcceptedMany | Problem | Health,
    headers: Mapping[str, str] | None = None,
    *,
    close: bool = False,
) -> web.Response:
    """A JSON answer; ``close`` also ends the connection."""
    response = web.Response(
        status=status, body=msgspec.json.encode(body), content_type="application/json", headers=headers
    )
    if close:
        response.force_close()
    return response


def answer_outcome(outcome: Outcome, ignored: tuple[str, ...] = ()) -> web.Response:
    """201 for a new alert, 200 for another occurrence of one."""
    return answer(
        201 if outcome.created else 200,
        Accepted(
            status="success",
            alert_id=None if outcome.alert_id is None else str(outcome.alert_id),
            created=outcome.created,
            revision=outcome.revision,
            ignored=ignored,
        ),
    )


def answer_report(outcome: Outcome, ignored: tuple[str, ...] = ()) -> web.Response:
    """201 when at least one of several opened a new alert, else 200."""
    items = tuple(
        AcceptedItem(
            alert_id=None if one.alert_id is None else str(one.alert_id), created=one.created, revision=one.revision
        )
        for one in outcome.items
    )
    created = sum(one.created for one in items)
    return answer(
        201 if created else 200, AcceptedMany(status="success", created=created, items=items, ignored=ignored)
    )


def answer_error(error: Exception) -> web.Response:
    """The answer to an error that was raised on purpose."""
    match error:
        case Refused():
            wait = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
            return _problem(error.status, error.code, str(error), wait, close=error.close)
        case Unauthorized():
            return _problem(401, "unauthorized", str(error), {"WWW-Authenticate": 'Bearer realm="jinkies"'})
        case MalformedJson():
            return _problem(400, "malformed", f"not JSON: {error}")
        case BadField():
            return _problem(422, "invalid", str(error), field=error.field)
        case JinkiesError():
            return _core_refused(error)
        case web.HTTPException():
            return _http_error(error)
        case _:
            return _problem(500, "internal", "it failed here; the log says where")


def _core_refused(error: JinkiesError) -> web.Response:
    match error:
        case KeyReused():
            return _problem(422, error.code, str(error), field="Idempotency-Key")
        case Invalid():
            named = _FIELD_FIRST.match(str(error))
            return _problem(422, error.code, str(error), field=named[1] if named else "")
        case Forbidden():
            return _problem(403, error.code, str(error))
        case Overloaded():
            return _problem(429, error.code, str(error), {"Retry-After": str(OVERLOADED_RETRY_S)})
        case Unavailable():
            return _problem(503, error.code, str(error), {"Retry-After": str(UNAVAILABLE_RETRY_S)})
        case _:
            return _problem(500, error.code, str(error))


def _http_error(error: web.HTTPException) -> web.Response:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return _problem(405, "method_not_allowed", f"use {allowed}", {"Allow": allowed})
    if error.status == 404:
        return _problem(404, "not_found", "no such address: POST /webhook/alert, GET /health, or another format's own")
    return _problem(error.status, "http", error.reason)


def _problem(
    status: int,
    code: str,
    message: str,
    headers: Mapping[str, str] | None = None,
    *,
    field: str = "",
    close: bool = False,
) -> web.Response:
    body = Problem(status="error", error=code, field=field, message=message)
    return answer(status, body, headers, close=close)
