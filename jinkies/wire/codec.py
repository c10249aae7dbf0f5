"""What both ends of the control API share: bodies, paths, and errors by name."""

from __future__ import annotations

import msgspec

from jinkies.commands import AnyCommand
from jinkies.errors import JinkiesError, UpstreamError, all_errors
from jinkies.events import HealthChanged, Heartbeat, JournalEntry, TailsChanged
from jinkies.matching import Matcher
from jinkies.model import Actor, QueryProgress, TailBatch, TailSpec

PROTOCOL_HEADER = "Jinkies-Protocol"
HEARTBEAT_S = 5.0
SILENCE_S = 15.0  # three heartbeats missed: the peer is dead
BODY_LIMIT_BYTES = 32 * 1_048_576

_ERRORS = all_errors()


class ExecuteBody(msgspec.Struct, frozen=True, kw_only=True):
    """POST /v1/execute."""

    command: AnyCommand
    on_behalf_of: Actor | None = None
    key: str | None = None


class MatchingBody(msgspec.Struct, frozen=True, kw_only=True):
    """POST /v1/matching."""

    matchers: tuple[Matcher, ...]


class FetchLogsBody(msgspec.Struct, frozen=True, kw_only=True):
    """POST /v1/logs."""

    spec: TailSpec
    start_ms: int
    end_ms: int
    limit: int


class WireError(msgspec.Struct, frozen=True, kw_only=True, tag="error"):
    """An error on the wire; the last line of a stream that broke, or the body of an answer that is not 200."""

    code: str
    message: str
    retry: bool = False


UpdateLine = JournalEntry | HealthChanged | TailsChanged | Heartbeat | WireError
TailLine = TailBatch | Heartbeat | WireError
QueryLine = QueryProgress | Heartbeat | WireError


def encode_error(error: JinkiesError) -> WireError:
    """An error as data."""
    return WireError(code=error.code, message=str(error), retry=isinstance(error, UpstreamError) and error.retry)


def decode_error(error: WireError) -> JinkiesError:
    """The same type that the core raised."""
    kind = _ERRORS.get(error.code, JinkiesError)
    if issubclass(kind, UpstreamError):
        return kind(error.message, retry=error.retry)
    return kind(error.message)
