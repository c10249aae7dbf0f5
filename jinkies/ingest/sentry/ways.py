"""``POST /api/<project>/envelope/`` and ``/store/``: any Sentry SDK whose DSN is ``http://<token>@host:port/<project>``.

The key of the DSN is the token of a sender. SDKs show it in ``X-Sentry-Auth`` (or ``Authorization: Sentry …``), in the
query as ``sentry_key``, or in the ``dsn`` of the envelope's header. Errors are answered as Sentry answers them, with
``{"detail": …}``, and an event that comes twice with one ``event_id`` counts once.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

import msgspec
from aiohttp import web

from jinkies.commands import Outcome, Report, ReportOccurrence
from jinkies.config import Config
from jinkies.errors import KeyReused
from jinkies.ingest.answers import Problem, answer_error
from jinkies.ingest.bounded_json import decode
from jinkies.ingest.refusals import MalformedJson
from jinkies.ingest.sentry.envelope import read_envelope, read_headers
from jinkies.ingest.sentry.event import Origin, Read, read_event
from jinkies.ingest.ways import Incoming, Parsed, Way

MAX_EVENTS = 100  # of one envelope; SDKs send one
KNOWN_ITEMS = frozenset(
    {
        "attachment", "check_in", "client_report", "feedback", "form_data", "log", "metric_buckets", "nel", "otel_log",
        "profile", "profile_chunk", "raw_security", "replay_event", "replay_recording", "replay_video", "session",
        "sessions", "span", "statsd", "trace_metric", "transaction", "unreal_report", "user_report",
    }
)  # fmt: skip

_KEY = re.compile(r"(?:^|[\s,])sentry_key=\s{0,8}([^,\s]{1,500})")
_EVENT = msgspec.json.Decoder(dict[str, object])
_log = logging.getLogger(__name__)


class _Accepted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a 200: what SDKs read, and for people what was left out."""

    id: str | None = None
    ignored: dict[str, int] = {}  # types of items that nobody here reads, and how many there were
    notes: tuple[str, ...] = ()


class _Detail(msgspec.Struct, frozen=True, kw_only=True):
    """The body of an error."""

    detail: str
    error: str


def sentry_ways(config: Config) -> tuple[Way, ...]:
    """The two addresses."""
    services = {service.sentry_project: service.name for service in config.services.values() if service.sentry_project}
    told: set[str] = set()

    def envelope(incoming: Incoming) -> Parsed:
        return _read_envelope(incoming, services, told)

    def store(incoming: Incoming) -> Parsed:
        event = _decode(incoming.body, "the event")
        return _parsed([read_event(event, _origin(incoming, services))], Counter())

    return (
        _way("/api/{project}/envelope/", envelope, _token_of_envelope),
        _way("/api/{project}/store/", store),
    )


def _way(
    path: str, parse: Callable[[Incoming], Parsed], token_of_body: Callable[[bytes], str | None] | None = None
) -> Way:
    """Browsers call what they send text/plain, so that it needs no preflight."""
    return Way(
        path=path,
        parse=parse,
        content_types=None,
        token=_token,
        token_of_body=token_of_body,
        answer_error=_answer_error,
        any_site=True,
    )


def _origin(incoming: Incoming, services: dict[str, str]) -> Origin:
    return Origin(
        project=incoming.path.get("project", "")[:100],
        sender=incoming.sender,
        services=services,
        now_ms=incoming.now_ms,
    )


def _read_envelope(incoming: Incoming, services: dict[str, str], told: set[str]) -> Parsed:
    envelope = read_envelope(incoming.body)
    origin = _origin(incoming, services)
    ignored: Counter[str] = Counter()
    reads: list[Read] = []
    for index, item in enumerate(envelope.items):
        if item.type == "event" and len(reads) < MAX_EVENTS:
            event = _decode(item.payload, f"item {index}")
            reads.append(read_event(event, origin, event_id=None if reads else envelope.headers.event_id))
        else:
            ignored[item.type if item.type in KNOWN_ITEMS or item.type == "event" else "unknown"] += 1
    for kind in ignored.keys() - told:
        told.add(kind)
        _log.info("Sentry items of type %s are accepted and left out", kind)
    return _parsed(reads, ignored)


def _decode(payload: bytes, what: str) -> dict[str, object]:
    try:
        return decode(payload, _EVENT)
    except MalformedJson as error:
        raise MalformedJson(f"{what}: {error}") from None
    except msgspec.ValidationError as error:
        reason = "expected a JSON object" if "Expected `object`" in str(error) else str(error).partition(" - at")[0]
        raise MalformedJson(f"{what}: {reason[:1].lower()}{reason[1:]}") from None


def _parsed(reads: list[Read], ignored: Counter[str]) -> Parsed:
    notes = tuple(note for read in reads for note in read.notes)[:20]
    event_id = reads[0].event_id if reads else None
    body = msgspec.json.encode(_Accepted(id=event_id, ignored=dict(ignored), notes=notes))

    def answer(_: Outcome) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    command: ReportOccurrence | Report | None = None
    if reads:
        command = reads[0].command if len(reads) == 1 else Report(items=tuple(read.command for read in reads))
    return Parsed(command=command, key=f"sentry:{event_id}" if event_id else None, answer=answer)


def _token(request: web.Request) -> str | None:
    """The DSN's key, where the request's head shows it."""
    for header in ("X-Sentry-Auth", "Authorization"):
        value = request.headers.get(header, "")
        if value[:7].lower() == "sentry " and (found := _KEY.search(value[:4_096])):
            return unquote(found[1])
    return request.query.get("sentry_key")


def _token_of_envelope(body: bytes) -> str | None:
    """The key of the DSN that the envelope's header holds: all that a browser behind a ``tunnel`` sends."""
    dsn = read_headers(body).dsn
    try:
        key = urlsplit(dsn).username if isinstance(dsn, str) and len(dsn) < 2_000 else None
    except ValueError:
        return None
    return unquote(key) if key else None


def _answer_error(error: Exception) -> web.Response:
    """As Sentry answers; a rate that is exceeded holds for all that the sender's key sends."""
    if isinstance(error, KeyReused):
        again = _Accepted(notes=("this event_id came before, with another event: the first one counts",))
        return web.Response(body=msgspec.json.encode(again), content_type="application/json")
    plain = answer_error(error)
    problem = msgspec.json.decode(plain.body if isinstance(plain.body, bytes) else b"{}", type=Problem)
    detail = _Detail(detail=problem.message, error=problem.error)
    kept = {name: value for name, value in plain.headers.items() if name in ("Retry-After", "WWW-Authenticate")}
    if plain.status == 429:
        kept["X-Sentry-Rate-Limits"] = f"{kept.get('Retry-After', '1')}::key"
    response = web.Response(
        status=plain.status, body=msgspec.json.encode(detail), content_type="application/json", headers=kept
    )
    if plain.keep_alive is False:
        response.force_close()
    return response
