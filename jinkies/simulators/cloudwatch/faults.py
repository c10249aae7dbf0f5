"""What goes wrong with the simulated CloudWatch: on demand, for a while, with each n-th request."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from jinkies.simulators.cloudwatch.errors import ServiceError, denied, over_limit, throttled, unavailable


class Kind(StrEnum):
    """What a fault does."""

    THROTTLE = "throttle"  # ThrottlingException
    DENY = "deny"  # AccessDeniedException
    OVER_LIMIT = "over_limit"  # LimitExceededException
    FAIL = "fail"  # ServiceUnavailableException, HTTP 503
    DROP = "drop"  # the connection breaks before the answer
    DELAY = "delay"  # the answer takes ``value`` seconds more
    EMPTY_PAGES = "empty_pages"  # FilterLogEvents: ``value`` empty pages with a token before each page
    SMALL_PAGES = "small_pages"  # FilterLogEvents: at most ``value`` events a page
    LIVE_STALL = "live_stall"  # sessions send nothing; then the last ten updates at once, older ones never
    LIVE_SAMPLE = "live_sample"  # at most ``value`` events an update, the others are left out
    LIVE_DROP = "live_drop"  # sessions that are ``value`` seconds old break
    LIVE_END = "live_end"  # … end without a word
    LIVE_TIMEOUT = "live_timeout"  # … end with SessionTimeoutException
    LIVE_BREAK = "live_break"  # … end with SessionStreamingException


ENDINGS = frozenset({Kind.LIVE_DROP, Kind.LIVE_END, Kind.LIVE_TIMEOUT, Kind.LIVE_BREAK})
_BEFORE = frozenset({Kind.THROTTLE, Kind.DENY, Kind.OVER_LIMIT, Kind.FAIL, Kind.DROP})


class Fault(msgspec.Struct, kw_only=True):
    """Something that goes wrong while the clock is between ``start_ms`` and ``end_ms``."""

    kind: Kind
    action: str = ""  # "FilterLogEvents" …; "" is any
    group: str = ""  # a log group's name; "" is any
    start_ms: int = 0
    end_ms: int | None = None  # exclusive; None is for ever
    every: int = 1  # strikes each n-th matching request
    times: int | None = None  # strikes so often at most
    value: float = 0.0
    matched: int = 0  # counted
    struck: int = 0  # counted

    def active(self, now_ms: int, group: str | None = None) -> bool:
        """Whether it is at work now, for a group."""
        return (
            self.start_ms <= now_ms < (self.end_ms if self.end_ms is not None else 1 << 62)
            and (self.times is None or self.struck < self.times)
            and (group is None or self.group in ("", group))
        )

    def strikes(self, now_ms: int, action: str, groups: Iterable[str]) -> bool:
        """Whether it is meant for this request; counts."""
        if not self.active(now_ms) or self.action not in ("", action):
            return False
        if self.group and self.group not in groups:
            return False
        self.matched += 1
        if self.matched % self.every:
            return False
        self.struck += 1
        return True


class Faults:
    """Those to come, at work and done with."""

    def __init__(self) -> None:
        self.planned: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Plan some more."""
        self.planned.extend(faults)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.planned.clear()

    def struck(self, kinds: Iterable[Kind], now_ms: int, action: str, groups: Iterable[str]) -> Fault | None:
        """The first of these kinds that strikes a request."""
        wanted, groups = frozenset(kinds), tuple(groups)
        return next((f for f in self.planned if f.kind in wanted and f.strikes(now_ms, action, groups)), None)

    def refusal(self, now_ms: int, action: str, groups: Iterable[str]) -> Fault | None:
        """What strikes a request instead of an answer."""
        return self.struck(_BEFORE, now_ms, action, groups)

    def value(self, kind: Kind, now_ms: int, action: str, groups: Iterable[str], default: float) -> float:
        """What the first fault of a kind says, or ``default``."""
        fault = self.struck((kind,), now_ms, action, groups)
        return default if fault is None else fault.value

    def working(self, kind: Kind, now_ms: int, groups: Iterable[str]) -> bool:
        """Whether one of a kind is at work for any of some groups; counts nothing."""
        return any(f.kind is kind and any(f.active(now_ms, group) for group in groups) for f in self.planned)

    def ending(self, now_ms: int, age_s: float, groups: Iterable[str]) -> Fault | None:
        """What ends a Live Tail session of this age now."""
        old = [fault for fault in self.planned if fault.kind in ENDINGS and age_s >= fault.value]
        return next((fault for fault in old if fault.strikes(now_ms, "StartLiveTail", groups)), None)


def error_of(fault: Fault, action: str) -> ServiceError | None:
    """How a refusal is worded; None for a connection that breaks."""
    match fault.kind:
        case Kind.THROTTLE:
            return throttled()
        case Kind.DENY:
            return denied(action)
        case Kind.OVER_LIMIT:
            return over_limit()
        case Kind.FAIL:
            return unavailable()
        case _:
            return None


class RateLimit:
    """A token bucket: so many requests a second, as many at once; None is no limit."""

    def __init__(self, per_s: float | None) -> None:
        self._per_s = per_s
        self._tokens = per_s or 0.0
        self._at_s: float | None = None

    def take(self, monotonic_s: float) -> bool:
        """Count a request; False when it is one too many."""
        if self._per_s is None:
            return True
        passed_s = monotonic_s - (monotonic_s if self._at_s is None else self._at_s)
        self._at_s = monotonic_s
        self._tokens = min(max(self._per_s, 1.0), self._tokens + passed_s * self._per_s)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
