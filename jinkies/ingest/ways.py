"""What a wire format is to the server: where it comes in, how its senders show who they are, and how it is read.

The server does the rest, for all of them alike: it bounds the body, lets in, keeps to the rate, executes, and answers
errors. ``routes.py`` lists the ways there are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from aiohttp import web

from jinkies.commands import Outcome, Report, ReportOccurrence, ReportRecovery
from jinkies.ingest.answers import answer_error, answer_outcome

AnyReport = ReportOccurrence | ReportRecovery | Report


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """A request whose body is bounded and unpacked, and whose sender was let in."""

    sender: str  # as configuration names it; "" before ``Way.prove``
    headers: Mapping[str, str]  # names in any case
    path: Mapping[str, str]  # the named parts of ``Way.path``
    query: Mapping[str, str]
    body: bytes
    now_ms: int


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A command of a request that is too large for one, or holds several deliveries with keys of their own."""

    command: AnyReport
    key: str | None = None


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was understood."""

    command: AnyReport | None  # None: nothing to take in; it is answered as what changed nothing
    key: str | None = None  # idempotency key that the format itself has; else the Idempotency-Key header counts
    more: tuple[Part, ...] = ()  # carried out after it, in order; a sender whose request failed at one sends all again
    answer: Callable[[Outcome], web.Response] = answer_outcome  # with ``more``, the items of all of them


def _no_token(_: web.Request) -> str | None:
    return None


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One way in: ``POST path``."""

    path: str  # as aiohttp's router has it: "/api/{project}/store/"
    parse: Callable[[Incoming], Parsed]  # pure; raises Refused, MalformedJson or BadField; may run in a thread
    content_types: frozenset[str] | None = frozenset({"application/json"})  # None: any, or none at all
    token: Callable[[web.Request], str | None] = _no_token  # where this format's senders show their token
    token_of_body: Callable[[bytes], str | None] | None = None  # and where in the body, unpacked
    prove: Callable[[Incoming], Awaitable[str]] | None = None  # no token is asked for: this gives the sender's name,
    # or raises Unauthorized; it may await the network
    packed_inside: bool = False  # parsing unpacks more than the body: always in a thread, few at once
    answer_error: Callable[[Exception], web.Response] = answer_error
    any_site: bool = False  # browsers may send it from the pages of any site: the token is in the request (CORS)
