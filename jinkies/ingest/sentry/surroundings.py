"""What an event says beside its error: breadcrumbs, tags, user, request, contexts; each bounded."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from jinkies.ingest.fields import MAX_LOG_LINE, MAX_LOG_LINES, context_of, line_time
from jinkies.ingest.sentry.values import name, pairs, shown, table, tables, text
from jinkies.ingest.text import cut_end
from jinkies.model import LogLine

MAX_TAGS = 50
MAX_TAG_KEY = 200
MAX_TAG_VALUE = 200
MAX_HEADER = 200  # characters of a header's name that is remembered
MAX_CONTEXTS = 30  # names of one context that are looked at

_SECRET_HEADERS = ("authorization", "cookie", "token", "api-key", "apikey", "secret", "password", "csrf", "signature")
_USER_FIELDS = ("id", "username", "email", "name", "ip_address")


def breadcrumbs(event: dict[str, object]) -> tuple[LogLine, ...]:
    """What happened before, oldest first; the newest 200."""
    crumbs = tables(event.get("breadcrumbs"))
    lines = [_breadcrumb(crumb) for crumb in crumbs[-MAX_LOG_LINES:]]
    return tuple(line for line in lines if line.message)


def _breadcrumb(crumb: dict[str, object]) -> LogLine:
    """``WARNING httplib: GET https://… {"status_code":500}``."""
    level = name(crumb.get("level"), 20).upper()
    category = name(crumb.get("category"), 100) or name(crumb.get("type"), 100)
    data = crumb.get("data")
    parts = [
        f"{level} {category}".strip() + ":" if level or category else "",
        text(crumb.get("message"), MAX_LOG_LINE).strip(),
        shown(data, 1_000) if data else "",
    ]
    message = " ".join(part for part in parts if part) if any(parts[1:]) else parts[0].removesuffix(":")
    return LogLine(message=cut_end(message, MAX_LOG_LINE), at_ms=line_time(crumb.get("timestamp")))


def tags_of(event: dict[str, object]) -> dict[str, str]:
    """The event's tags, and what Sentry itself shows as tags: user, logger, transaction, dist; at most 50."""
    found: dict[str, str] = {}
    for key, value in pairs(event.get("tags")):
        if len(found) == MAX_TAGS - 4:
            break
        if (key := name(key, MAX_TAG_KEY)) and (tag := name(value, MAX_TAG_VALUE)):
            found[key] = tag
    derived = {
        "user": _user(table(event.get("user"))),
        "logger": name(event.get("logger"), MAX_TAG_VALUE),
        "transaction": name(event.get("transaction"), MAX_TAG_VALUE),
        "dist": name(event.get("dist"), MAX_TAG_VALUE),
    }
    return {key: value for key, value in derived.items() if value} | found


def _user(user: dict[str, object]) -> str:
    """``id:42``, as Sentry tells users apart."""
    return next((f"{field}:{found}" for field in _USER_FIELDS if (found := name(user.get(field), 180))), "")


def context_of_event(event: dict[str, object], log_message: str) -> dict[str, str]:
    """At most 50 names with their values as text, what the application itself gave first."""
    merged: dict[str, object] = {}
    if log_message:
        merged["log message"] = log_message
    merged.update(pairs(event.get("extra")))
    merged["user"] = {key: value for key, value in table(event.get("user")).items() if value not in (None, "", {})}
    merged["request"] = _request(table(event.get("request")))
    for title, context in table(event.get("contexts")).items():
        if isinstance(context, dict):
            kept = list(context.items())[:MAX_CONTEXTS]
            context = {key: value for key, value in kept if key != "type" and value is not None}
        merged.setdefault(title, context)
    return context_of({key: value for key, value in merged.items() if value not in (None, {}, [], "")})


def _request(request: dict[str, object]) -> dict[str, object]:
    """Method, address, parameters, headers without what lets somebody in, and the body."""
    headers = {
        title: value
        for title, value in pairs(request.get("headers"))
        if not (_lets_in(title) if len(title) <= MAX_HEADER else _says_so(title))
    }
    query = request.get("query_string")
    found: dict[str, object] = {
        "method": request.get("method"),
        "url": _without_user(text(request.get("url"), 2_000)),
        "query_string": dict(pairs(query)) or query,
        "headers": dict(list(headers.items())[:15]),
        "data": request.get("data"),
    }
    return {key: value for key, value in found.items() if value not in (None, "", {}, [])}


def _says_so(title: str) -> bool:
    lowered = title.lower()
    return any(part in lowered for part in _SECRET_HEADERS)


_lets_in = lru_cache(maxsize=1_024)(_says_so)  # senders use the same ones again and again


def _without_user(url: str) -> str:
    if "@" not in url:
        return url
    try:
        netloc = urlsplit(url).netloc
    except ValueError:
        return url
    return url.replace(netloc, netloc.rpartition("@")[2], 1) if "@" in netloc else url
