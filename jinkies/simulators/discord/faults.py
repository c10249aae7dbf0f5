"""Things that go wrong on purpose: answers replaced, delayed, or lost before or after they took effect.

``rate_limited``, ``broken``, ``unauthorized``, ``old_message``, ``slow``, ``late_answer``, ``cut`` and ``lost_answer``
are ready-made; ``SimulatedDiscord.fault`` arms one. ``SimulatedDiscord.go_down`` is an outage, until ``come_back``.
"""

from __future__ import annotations

import math
import re
from enum import StrEnum
from typing import Any

import msgspec


class FaultKind(StrEnum):
    """How a request goes wrong."""

    STATUS = "status"  # nothing happens; the answer is ``status`` with ``body``
    DELAY = "delay"  # everything happens, ``delay_s`` later
    LATE_ANSWER = "late-answer"  # it happens at once; its answer comes ``delay_s`` later
    DROP_BEFORE = "drop-before"  # nothing happens; the connection is cut
    DROP_AFTER_EFFECT = "drop-after-effect"  # it happens; the answer is lost with the connection


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What befalls the next ``times`` requests whose method and path match.

    ``path`` is a regular expression searched in the path (``/messages$``); ``method`` may be ``*``. The default
    ``body`` of a status is Discord's shape with the code 0; for a refused edit of an old message give
    ``status=400, body={"message": "…", "code": 30046}``.
    """

    method: str
    path: str
    kind: FaultKind
    times: int = 1
    status: int = 500
    body: Any = None
    headers: dict[str, str] = {}
    delay_s: float = 0.0


class Faults:
    """The faults that are still due, oldest first."""

    def __init__(self) -> None:
        self._due: list[tuple[Fault, int]] = []
        self.standing: Fault | None = None  # befalls every request that it matches, for as long as it stands here

    def add(self, fault: Fault) -> None:
        """Arm a fault.

        Raises:
            re.error: ``path`` is not a regular expression.
        """
        re.compile(fault.path)
        if fault.times > 0:
            self._due.append((fault, fault.times))

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that befalls this request, used up by one; None when it goes well."""
        for index, (fault, left) in enumerate(self._due):
            if fault.method in ("*", method) and re.search(fault.path, path):
                if left > 1:
                    self._due[index] = (fault, left - 1)
                else:
                    del self._due[index]
                return fault
        standing = self.standing
        if standing is not None and standing.method in ("*", method) and re.search(standing.path, path):
            return standing
        return None

    def clear(self) -> None:
        """Disarm all of them."""
        self._due.clear()
        self.standing = None

    @property
    def left(self) -> int:
        """How many requests will still go wrong."""
        return sum(left for _fault, left in self._due)


def rate_limited(
    method: str = "*", path: str = "", *, retry_after_s: float = 1.0, scope: str = "user", times: int = 1
) -> Fault:
    """A 429. ``scope`` is ``user`` (a bucket's), ``global``, or ``shared`` (not counted among invalid requests)."""
    everywhere = scope == "global"
    about = "The resource is being rate limited." if scope == "shared" else "You are being rate limited."
    headers = {"Retry-After": str(math.ceil(retry_after_s)), "X-RateLimit-Scope": scope}
    if everywhere:
        headers["X-RateLimit-Global"] = "true"
    else:
        headers |= {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Bucket": "simulated"}
        headers["X-RateLimit-Reset-After"] = f"{retry_after_s:.3f}"
    body = {"message": about, "code": 0, "retry_after": retry_after_s, "global": everywhere}
    return Fault(method, path, FaultKind.STATUS, times, 429, body, headers)


def broken(method: str = "*", path: str = "", *, status: int = 502, times: int = 1) -> Fault:
    """A 5xx: nothing happened."""
    return Fault(method, path, FaultKind.STATUS, times, status, {"message": f"{status}: Server Error", "code": 0})


def unauthorized(method: str = "*", path: str = "", *, times: int = 1) -> Fault:
    """A 401, as if the token were wrong."""
    return Fault(method, path, FaultKind.STATUS, times, 401, {"message": "401: Unauthorized", "code": 0})


def old_message(*, times: int = 1) -> Fault:
    """An edit of a channel's message is refused because it is old (30046)."""
    about = "Maximum number of edits to messages older than 1 hour reached. Try again later."
    path = r"/channels/\d+/messages/\d+$"
    return Fault("PATCH", path, FaultKind.STATUS, times, 400, {"message": about, "code": 30046})


def slow(method: str = "*", path: str = "", *, delay_s: float, times: int = 1) -> Fault:
    """It works, ``delay_s`` seconds later."""
    return Fault(method, path, FaultKind.DELAY, times, delay_s=delay_s)


def late_answer(method: str = "*", path: str = "", *, delay_s: float, times: int = 1) -> Fault:
    """It happened at once, and the answer comes ``delay_s`` seconds later: a client may have given up by then."""
    return Fault(method, path, FaultKind.LATE_ANSWER, times, delay_s=delay_s)


def cut(method: str = "*", path: str = "", *, times: int = 1) -> Fault:
    """The connection is cut, and nothing happened."""
    return Fault(method, path, FaultKind.DROP_BEFORE, times)


def lost_answer(method: str = "*", path: str = "", *, times: int = 1) -> Fault:
    """It happened, and the answer is lost with the connection."""
    return Fault(method, path, FaultKind.DROP_AFTER_EFFECT, times)
