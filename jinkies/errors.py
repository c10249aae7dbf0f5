"""Every error that Jinkies raises on purpose.

    JinkiesError
    ├── ConfigError            the configuration has mistakes (all of them listed)
    ├── NotConfigured          a part is not set up; says what to set
    ├── CommandError           the core refused a command; nothing changed
    │   ├── NotFound           no such alert, tail or page
    │   ├── Conflict           somebody decided first; says who
    │   ├── Forbidden          the actor may not do that
    │   ├── Invalid            the request makes no sense; names the field
    │   └── KeyReused          an idempotency key with another body
    ├── Unavailable            try again: nothing was done, or it is not known
    │   ├── StoreFailed        the database refused to commit
    │   ├── Overloaded         a queue is full or a rate is exceeded
    │   └── Disconnected       the core went away, or does not answer
    ├── ResyncNeeded           the position can't be followed: take a snapshot again
    │   └── Lagged             too slow: updates were dropped
    ├── AlreadyRunning         another core holds the lock
    ├── ProtocolMismatch       the core speaks another version
    └── UpstreamError          AWS, GitHub or Discord said no; ``retry`` says whether trying again can help

``code`` names a type on every wire; ``str(error)`` is one line for people and holds no secret.
"""

from __future__ import annotations

from typing import ClassVar


class JinkiesError(Exception):
    """Base of all; never raised itself."""

    code: ClassVar[str] = "error"


class ConfigError(JinkiesError):
    """The configuration has mistakes; ``str()`` lists all of them, one a line."""

    code = "config"

    def __init__(self, mistakes: tuple[str, ...] | str) -> None:
        self.mistakes = (mistakes,) if isinstance(mistakes, str) else mistakes
        super().__init__("\n".join(self.mistakes))


class NotConfigured(JinkiesError):
    """A part is not set up; the message says what to set."""

    code = "not_configured"


class CommandError(JinkiesError):
    """The core refused a command; nothing changed."""

    code = "command"


class NotFound(CommandError):
    """No such thing."""

    code = "not_found"


class Conflict(CommandError):
    """Somebody decided first; the message says who and what."""

    code = "conflict"


class Forbidden(CommandError):
    """The actor may not do that."""

    code = "forbidden"


class Invalid(CommandError):
    """The request makes no sense; the message names the field."""

    code = "invalid"


class KeyReused(CommandError):
    """An idempotency key came again with another body."""

    code = "key_reused"


class Unavailable(JinkiesError):
    """Try again."""

    code = "unavailable"


class StoreFailed(Unavailable):
    """The database refused to commit; nothing of the batch is there."""

    code = "store_failed"


class Overloaded(Unavailable):
    """A queue is full or a configured rate is exceeded."""

    code = "overloaded"


class Disconnected(Unavailable):
    """The core went away or does not answer."""

    code = "disconnected"


class ResyncNeeded(JinkiesError):
    """The position is of another epoch, ahead, or compacted away."""

    code = "resync"


class Lagged(ResyncNeeded):
    """The subscriber was too slow and updates were dropped."""

    code = "lagged"


class AlreadyRunning(JinkiesError):
    """Another core holds the lock of this database."""

    code = "already_running"


class ProtocolMismatch(JinkiesError):
    """The core speaks another protocol version; update the older of the two."""

    code = "protocol"


class UpstreamError(JinkiesError):
    """AWS, GitHub or Discord refused or failed.

    ``throttled``: because of too many requests, of this program or another; it stays in the process that asked.
    """

    code = "upstream"

    def __init__(self, message: str, *, retry: bool = False, throttled: bool = False) -> None:
        super().__init__(message)
        self.retry = retry
        self.throttled = throttled


def all_errors() -> dict[str, type[JinkiesError]]:
    """Every error type by its ``code``: how the attached operator raises what the core raised."""
    found: dict[str, type[JinkiesError]] = {}
    pending: list[type[JinkiesError]] = [JinkiesError]
    while pending:
        kind = pending.pop()
        found[kind.code] = kind
        pending.extend(kind.__subclasses__())
    return found
