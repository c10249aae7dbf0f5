"""What is wrong with a request, as the ways in and their server say it to each other."""

from __future__ import annotations


class Refused(Exception):
    """A request that gets an error status; ``str()`` is one line for people."""

    def __init__(
        self, status: int, code: str, message: str, *, retry_after_s: int | None = None, close: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s
        self.close = close


class TooLarge(Refused):
    """The body is larger than its bound."""

    def __init__(self, message: str) -> None:
        super().__init__(413, "too_large", message)


class MalformedJson(ValueError):
    """The body is not JSON; ``str()`` says where and why."""


class BadField(ValueError):
    """A field means nothing; ``field`` is its name, "" for the body itself, and ``reason`` says what would be right."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason
