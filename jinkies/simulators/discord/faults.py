"""Things that go wrong on purpose: answers replaced, delayed, or lost before or after they took effect."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

import msgspec


class FaultKind(StrEnum):
    """How a request goes wrong."""

    STATUS = "status"  # nothing happens; the answer is ``status`` with ``body``
    DELAY = "delay"  # everything happens, ``delay_s`` later
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
        return None

    def clear(self) -> None:
        """Disarm all of them."""
        self._due.clear()

    @property
    def left(self) -> int:
        """How many requests will still go wrong."""
        return sum(left for _fault, left in self._due)
