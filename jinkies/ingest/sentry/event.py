"""A Sentry event into a ``ReportOccurrence``: lenient in what it reads, bounded field by field.

Which service an event belongs to is, the first that there is: its tag ``service`` (or ``service.name``); the
``[services.<name>]`` whose ``sentry_project`` is the DSN's project; the project, where it is a name (Sentry's own SDKs
only send numbers); the sender, where its token is named (``JINKIES_INGEST_TOKENS = "shop:…"``: the shop's DSN needs no
more); else ``sentry-<project>``. The server's name is an instance, not a service: there may be many.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

import msgspec

from jinkies.commands import ReportOccurrence
from jinkies.config_senders import WEBHOOK
from jinkies.ingest.fields import occurred_at_ms, severity_of
from jinkies.ingest.refusals import BadField
from jinkies.ingest.senders import LOCAL
from jinkies.ingest.sentry.surroundings import breadcrumbs, context_of_event, tags_of
from jinkies.ingest.sentry.thrown import MAX_VALUE, Call, Thrown, read_thrown, telling_calls, thread_calls
from jinkies.ingest.sentry.traces import trace_of, trace_of_calls
from jinkies.ingest.sentry.values import name, pairs, table, text
from jinkies.model import Severity

MAX_FINGERPRINT = 500
MAX_NOTES = 20

_EVENT_ID = re.compile(r"[0-9a-f]{32}")
_COMMIT = re.compile(r"(?:^|[@+\-])([0-9a-f]{7,40})$")
_COMMIT_TAGS = ("commit", "commit_sha", "git_commit", "git.commit", "git_sha", "git.sha", "revision", "sha")
_VARIABLE = re.compile(r"\{\{\s{0,4}([a-z_.\-]{1,200})\s{0,4}\}\}")
_PLAIN_URL = re.compile(
    r"https?://[\w.\-]+(?::\d{1,5})?(/[\w./~%{}=,\-]*)?", re.ASCII
)  # as urlsplit() reads it, but quick
_SEVERITIES = {"log": Severity.INFO, "sample": Severity.INFO}


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where an event came from."""

    project: str  # of the DSN
    sender: str
    services: dict[str, str]  # project → service, as configured
    now_ms: int


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was read."""

    command: ReportOccurrence
    event_id: str | None
    notes: tuple[str, ...]  # what of it means nothing


def read_event(event: dict[str, object], origin: Origin, *, event_id: object = None) -> Read:
    """An event as its JSON gives it; ``event_id`` is the envelope's, where it comes in one."""
    notes: list[str] = []
    platform = name(event.get("platform"), 40).lower()
    thrown = read_thrown(event)
    calls = telling_calls(thrown) if thrown else thread_calls(event)
    message, template = _message(event)
    tags = tags_of(event)
    path = _request_path(event)
    release = name(event.get("release"), 250) or None
    command = ReportOccurrence(
        service=service_of(event, origin),
        message=_headline(thrown, message, event),
        message_template=None if thrown else template,
        exception_type=thrown.type or None if thrown else None,
        stack_trace=trace_of(thrown, platform) if thrown else trace_of_calls(calls, platform),
        related_logs=breadcrumbs(event),
        request_path=path,
        environment=name(event.get("environment"), 100) or None,
        instance_id=name(event.get("server_name"), 256) or None,
        commit_sha=_commit(release, tags),
        severity=_severity(event.get("level"), notes),
        context=context_of_event(event, message if thrown else ""),
        occurred_at_ms=_time(event.get("timestamp"), origin.now_ms, notes),
        fingerprint=_fingerprint(event, thrown, message, calls),
        frames=tuple(call.frame for call in calls),
        release=release,
        tags=tags,
    )
    return Read(command=command, event_id=_id(event.get("event_id")) or _id(event_id), notes=tuple(notes[:MAX_NOTES]))


def service_of(event: dict[str, object], origin: Origin) -> str:
    """See above."""
    tags = dict(pairs(event.get("tags")))
    for found in (tags.get("service"), tags.get("service.name"), origin.services.get(origin.project)):
        if service := name(found, 200):
            return service
    if origin.project and not origin.project.isdigit():
        return name(origin.project, 200)
    if origin.sender not in (WEBHOOK, LOCAL):
        return origin.sender
    return f"sentry-{origin.project}" if origin.project else "sentry"


def _id(value: object) -> str | None:
    """As 32 hexadecimal digits; some SDKs write the UUID with its hyphens."""
    found = value.replace("-", "").lower() if isinstance(value, str) else ""
    return found if _EVENT_ID.fullmatch(found) else None


def _message(event: dict[str, object]) -> tuple[str, str | None]:
    """The message as people read it, and its template where its parameters are apart."""
    entry = event.get("logentry") or event.get("sentry.interfaces.Message") or event.get("message")
    if not isinstance(entry, dict):
        return text(entry, MAX_VALUE).strip(), None
    template = text(entry.get("message"), MAX_VALUE).strip()
    formatted = text(entry.get("formatted"), MAX_VALUE).strip()
    params = entry.get("params")
    if not formatted:
        formatted = _filled(template, params)
    return formatted or template, template if template and (params or template != formatted) else None


def _filled(template: str, params: object) -> str:
    """``template`` with its parameters, printf's way, where each is a text or a number and they fit."""
    if isinstance(params, list):
        values: object = tuple(text(one, 1_000) for one in params)
    elif isinstance(params, dict) and params:
        values = {key: text(one, 1_000) for key, one in params.items()}
    else:
        return template
    if not values or re.search(r"%(?:\([^)]{0,100}\))?[^%s(]", template):  # %999999999d would fill the memory
        return template
    try:
        return (template % values)[:MAX_VALUE]
    except (TypeError, ValueError, KeyError):
        return template


def _headline(thrown: Thrown | None, message: str, event: dict[str, object]) -> str:
    if thrown is not None:
        return thrown.value.strip() or message or thrown.type or "an exception without a type or a message"
    return (
        message or name(event.get("transaction"), 200) or name(event.get("culprit"), 200) or "an event without a text"
    )


def _severity(level: object, notes: list[str]) -> Severity:
    named = name(level, 40).lower()
    try:
        return _SEVERITIES.get(named) or severity_of(named)
    except BadField:
        notes.append("level: none that Sentry has")
        return Severity.ERROR


def _time(value: object, now_ms: int, notes: list[str]) -> int | None:
    if value is None:
        return None
    try:
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return occurred_at_ms("timestamp", value, now_ms=now_ms)
        notes.append("timestamp: no time")
    except BadField as error:
        notes.append(str(error))
    return None


def _request_path(event: dict[str, object]) -> str | None:
    url = text(table(event.get("request")).get("url"), 4_000).strip()
    if plain := _PLAIN_URL.fullmatch(url):
        return name(plain[1] or "/", 2_000) or None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    path = parts.path or ("/" if parts.netloc else "")
    return name(path, 2_000) or None


def _commit(release: str | None, tags: dict[str, str]) -> str | None:
    """A tag that says so; else what a release ends in, if that is a hash: the SDKs' default release is Git's head."""
    for key in _COMMIT_TAGS:
        if tags.get(key):
            return name(tags[key], 100)
    found = _COMMIT.search(release or "")
    if found is None or (found[1].isdigit() and len(found[1]) < 40):  # a date, or a build's number
        return None
    return found[1]


def _fingerprint(event: dict[str, object], thrown: Thrown | None, message: str, calls: tuple[Call, ...]) -> str | None:
    r"""The SDK's own parts, joined with ``\0``; None for none, or for nothing but ``{{ default }}``.

    Sentry's variables (``{{ transaction }}``, ``{{ tags.tenant }}``) are filled in; an unknown one stays as it is.
    """
    given = event.get("fingerprint")
    parts = [text(part, 2_000).strip() for part in (given if isinstance(given, list) else [given])[:50]]
    parts = [part for part in parts if part]
    if not parts or [part.strip("{} ") for part in parts] == ["default"]:
        return None
    frame = calls[-1].frame if calls else None
    known = {
        "transaction": name(event.get("transaction"), 500),
        "level": name(event.get("level"), 40),
        "logger": name(event.get("logger"), 200),
        "message": message or (thrown.value if thrown else ""),
        "error.type": thrown.type if thrown else "",
        "error.value": thrown.value if thrown else "",
        "function": frame.function if frame else "",
        "module": frame.module if frame else "",
        **{f"tags.{key}": text(value, 200) for key, value in pairs(event.get("tags"))},
    }
    known |= {"type": known["error.type"], "value": known["error.value"]}
    joined = "\0".join(_VARIABLE.sub(lambda found: known.get(found[1], found[0]), part) for part in parts)
    if len(joined) <= MAX_FINGERPRINT:
        return joined
    digest = hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{{{{ default }}}}\0{digest}" if "default" in _VARIABLE.findall(joined) else digest
