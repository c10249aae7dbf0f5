"""What a test does to the simulated GitHub: faults on demand, and a recording of every call."""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from enum import StrEnum

import msgspec

MAX_CALLS = 10_000
MAX_RECORDED_BODY = 200_000  # characters; longer bodies are cut in the recording


class When(StrEnum):
    """Whether a fault strikes before the request is carried out, or swallows the answer of one that was."""

    BEFORE = "before"
    AFTER = "after"


class Fault(msgspec.Struct, kw_only=True):
    """Something that goes wrong with the next ``times`` matching requests."""

    method: str = ""  # "" is any
    path: str = ""  # a regular expression, searched in the path below the API's root
    status: int = 0  # answered instead; 0 drops the connection
    body: msgspec.Raw = msgspec.Raw(b'{"message":"Server Error"}')
    headers: dict[str, str] = {}
    delay_s: float = 0.0  # waits that long first
    skip: int = 0  # matching requests that pass before it strikes
    times: int = 1
    when: When = When.BEFORE

    def strikes(self, method: str, path: str, when: When) -> bool:
        """Whether it is meant for this request; counts it down."""
        if self.times <= 0 or self.when is not when or self.method not in ("", method):
            return False
        if re.search(self.path, path) is None:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came, without its credentials."""

    at_s: float  # monotonic
    method: str
    path: str  # below the API's root, with the query
    body: str
    status: int  # 0: the connection was dropped


class Control:
    """Faults to come and calls that were."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.calls: deque[Call] = deque(maxlen=MAX_CALLS)  # overflow: the oldest are forgotten
        self.called = asyncio.Event()  # set with every call; who waits for one clears it

    def fault(self, method: str, path: str, when: When) -> Fault | None:
        """The first fault that strikes this request."""
        return next((fault for fault in self.faults if fault.strikes(method, path, when)), None)

    def record(self, method: str, path: str, body: str, status: int) -> None:
        """Keep a call."""
        call = Call(at_s=time.monotonic(), method=method, path=path, body=body[:MAX_RECORDED_BODY], status=status)
        self.calls.append(call)
        self.called.set()

    def writes(self) -> list[Call]:
        """The calls that create or change content and were answered with success."""
        return [call for call in self.calls if call.method != "GET" and 200 <= call.status < 300]


class RateLimits:
    """GitHub's limits: a primary one per hour, and content writes per minute (its secondary limit)."""

    def __init__(self, *, per_hour: int = 5_000, writes_per_minute: int = 80) -> None:
        self.per_hour = per_hour
        self.writes_per_minute = writes_per_minute
        self.used = 0
        self.reset_at_s = int(time.time()) + 3_600
        self._writes: deque[float] = deque(maxlen=max(writes_per_minute, 1))

    def take(self) -> bool:
        """Count a request; False when the hour's are used up."""
        if time.time() >= self.reset_at_s:
            self.used, self.reset_at_s = 0, int(time.time()) + 3_600
        if self.used >= self.per_hour:
            return False
        self.used += 1
        return True

    def give_back(self) -> None:
        """A 304 is not counted (GitHub: "Best practices for using the REST API", conditional requests)."""
        self.used = max(self.used - 1, 0)

    def take_write(self) -> bool:
        """Count a content write; False when the minute's are used up."""
        now_s = time.monotonic()
        while self._writes and now_s - self._writes[0] >= 60:
            self._writes.popleft()
        if len(self._writes) >= self.writes_per_minute:
            return False
        self._writes.append(now_s)
        return True

    def headers(self) -> dict[str, str]:
        """The ``x-ratelimit-*`` headers of every answer."""
        return {
            "x-ratelimit-limit": str(self.per_hour),
            "x-ratelimit-remaining": str(max(self.per_hour - self.used, 0)),
            "x-ratelimit-used": str(self.used),
            "x-ratelimit-reset": str(self.reset_at_s),
            "x-ratelimit-resource": "core",
        }
