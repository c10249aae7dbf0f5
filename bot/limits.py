"""Discord's rate limits as its headers state them: how long to wait before a request. No I/O.

A bucket is what the ``X-RateLimit-Bucket`` header names, for one channel, guild or webhook (Discord, "Rate limits"). An
invalid request is one that is answered 401, 403 or 429; 10,000 of them within ten minutes ban the address for a while
(Discord, "Invalid Request Limit"), so that far below nothing more is sent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

OVERALL = 45  # requests a second over all buckets; Discord allows 50
INVALID_LIMIT = 2_000  # within INVALID_S: a fifth of what bans
INVALID_S = 600.0
KEPT_BUCKETS = 500
MARGIN_S = 0.01  # a window that ends by our clock has ended by Discord's


@dataclass(slots=True)
class Bucket:
    """What is known of one bucket. ``turn`` is held for a request, so that there is one at a time."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    remaining: int = 1
    resets_at_s: float = 0.0

    def wait_s(self, now_s: float) -> float:
        """How long until a request may be sent."""
        return max(0.0, self.resets_at_s - now_s) if self.remaining <= 0 else 0.0

    def note(self, headers: Mapping[str, str], now_s: float) -> None:
        """What an answer's headers say; an answer without them says nothing."""
        try:
            remaining, reset_s = int(headers["X-RateLimit-Remaining"]), float(headers["X-RateLimit-Reset-After"])
        except (KeyError, ValueError):
            return
        self.remaining, self.resets_at_s = remaining, now_s + reset_s + MARGIN_S

    def close(self, until_s: float) -> None:
        """Nothing before then."""
        self.remaining, self.resets_at_s = 0, max(until_s, self.resets_at_s if self.remaining <= 0 else 0.0)


class Limits:
    """All buckets, and what holds for all of them together."""

    def __init__(self) -> None:
        self._by_route: dict[tuple[str, str], Bucket] = {}
        self._by_name: dict[tuple[str, str], Bucket] = {}
        self._sent_at_s: deque[float] = deque(maxlen=OVERALL)
        self._closed_until_s = 0.0
        self._invalid_at_s: deque[float] = deque(maxlen=INVALID_LIMIT)

    def bucket(self, route: str, major: str) -> Bucket:
        """The bucket of a route for a channel, guild or webhook; a new one until Discord has named it."""
        found = self._by_route.get((route, major))
        if found is None:
            _make_room(self._by_route)
            found = self._by_route[route, major] = Bucket()
        return found

    def name(self, route: str, major: str, headers: Mapping[str, str]) -> None:
        """Take the bucket's name from an answer, so that routes that share it wait for one another."""
        named = headers.get("X-RateLimit-Bucket")
        if named is None:
            return
        if (named, major) not in self._by_name:
            _make_room(self._by_name)
        self._by_route[route, major] = self._by_name.setdefault((named, major), self.bucket(route, major))

    def wait_s(self, now_s: float, *, exempt: bool) -> float:
        """How long until any request may be sent; interaction answers are exempt from the global limit."""
        if len(self._invalid_at_s) == INVALID_LIMIT and now_s - self._invalid_at_s[0] < INVALID_S:
            return self._invalid_at_s[0] + INVALID_S - now_s
        if exempt:
            return 0.0
        full = len(self._sent_at_s) == OVERALL
        return max(0.0, self._closed_until_s - now_s, self._sent_at_s[0] + 1.0 - now_s if full else 0.0)

    def sent(self, now_s: float) -> None:
        """A request that counts towards the global limit goes out."""
        self._sent_at_s.append(now_s)

    def close(self, until_s: float) -> None:
        """The global limit was reached."""
        self._closed_until_s = max(self._closed_until_s, until_s)

    def invalid(self, now_s: float) -> None:
        """A request was answered 401, 403 or 429."""
        self._invalid_at_s.append(now_s)


def _make_room(buckets: dict[tuple[str, str], Bucket]) -> None:
    """Forget the oldest that nobody holds; at worst that costs a 429."""
    if len(buckets) >= KEPT_BUCKETS:
        for key in [key for key, one in buckets.items() if not one.turn.locked()][: KEPT_BUCKETS // 2]:
            del buckets[key]
