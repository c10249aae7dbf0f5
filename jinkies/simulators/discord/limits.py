"""Discord's rate limits, with true headers: a bucket per route and channel, and the global one.

``X-RateLimit-Bucket`` names the route without the channel, guild or webhook in it, as Discord's does: two channels have
windows of their own under one name.

A bucket is a fixed window that opens with its first request. Interaction answers are exempt from the global limit and
carry no bucket headers; webhooks have buckets of their own (Discord's "Rate limits" documentation).
"""

from __future__ import annotations

import hashlib
import math

import msgspec

from jinkies.clock import Clock
from jinkies.simulators.discord import errors
from jinkies.simulators.discord.world import Json

KEPT_WINDOWS = 1_000  # beyond this many, those that have reset are forgotten


class RateLimit(msgspec.Struct, frozen=True):
    """So many requests in so many seconds."""

    requests: int
    per_s: float


class RateLimits(msgspec.Struct, frozen=True):
    """How strict the simulated Discord is. ``enabled=False`` answers without any limit or header.

    ``messages`` holds for posting, editing and deleting in one channel, each with a bucket of its own. ``invalid`` is
    how many answers of 401, 403 and 429 (but for shared limits) ban the address for the rest of the window.
    ``old_edits`` is how often messages of a channel that are older than an hour may be edited; more is a 400 with the
    code 30046, and None is as often as one likes (Discord says neither figure nor window).
    """

    enabled: bool = True
    messages: RateLimit = RateLimit(5, 5.0)
    webhooks: RateLimit = RateLimit(5, 2.0)
    other: RateLimit = RateLimit(50, 1.0)
    overall: RateLimit = RateLimit(50, 1.0)
    invalid: RateLimit = RateLimit(10_000, 600.0)
    old_edits: RateLimit | None = None


class Verdict(msgspec.Struct, frozen=True):
    """The headers of the answer; and its body when the request is refused with 429."""

    headers: dict[str, str]
    refusal: Json | None = None


class Buckets:
    """The counters behind ``RateLimits``."""

    def __init__(self, limits: RateLimits, clock: Clock) -> None:
        self.limits = limits
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}  # bucket key to (when it resets, requests so far)
        self._banned_until_s = 0.0
        self.invalid = 0  # in all
        self.refused = 0  # 429s that a bucket gave, in all

    def count(self, status: int, headers: dict[str, str]) -> None:
        """Count an answer, if it is one of those that ban an address."""
        if status not in (401, 403, 429) or headers.get("X-RateLimit-Scope") == "shared":
            return
        self.invalid += 1
        used, _ = self._spend("invalid", self.limits.invalid)
        if used >= self.limits.invalid.requests and self.banned_for_s() is None:
            self._banned_until_s = self._windows["invalid"][0]

    def banned_for_s(self) -> int | None:
        """For how many seconds the address is still banned for its invalid requests; None when it is not."""
        left_s = self._banned_until_s - self._clock.monotonic_s()
        return math.ceil(left_s) if left_s > 0 else None

    def take_old_edit(self, channel_id: str) -> None:
        """Count an edit of an old message.

        Raises:
            ApiError: 30046 when the channel has had as many as it may.
        """
        limit = self.limits.old_edits
        if limit is not None and self._spend(f"old edits {channel_id}", limit)[1] is not None:
            raise errors.old_message()

    def take(self, method: str, template: str, major: str) -> Verdict:
        """Count one request.

        Args:
            method: the HTTP method.
            template: the route, as Discord's API description writes it.
            major: the channel, guild or webhook in the path: Discord counts each by itself.
        """
        if not self.limits.enabled or template.startswith("/interactions/"):
            return Verdict({})
        exempt = template.startswith("/webhooks/")
        if not exempt and (wait_s := self._spend("global", self.limits.overall)[1]) is not None:
            self.refused += 1
            return self._global_refusal(wait_s)
        limit = self._limit_of(method, template)
        key = f"{method} {template} {major}"
        used, wait_s = self._spend(key, limit)
        headers = self._headers(f"{method} {template}", key, limit, used)
        if wait_s is None:
            return Verdict(headers)
        self.refused += 1
        headers |= {"Retry-After": str(math.ceil(wait_s)), "X-RateLimit-Scope": "user"}
        return Verdict(headers, _refusal(wait_s, everywhere=False))

    def _limit_of(self, method: str, template: str) -> RateLimit:
        if template.startswith("/webhooks/"):
            return self.limits.webhooks
        if "/messages" in template and method != "GET":
            return self.limits.messages
        return self.limits.other

    def _spend(self, key: str, limit: RateLimit) -> tuple[int, float | None]:
        """Use one request of a window: how many are used, and how long to wait when there was none left."""
        now_s = self._clock.monotonic_s()
        if len(self._windows) > KEPT_WINDOWS:
            self._windows = {each: window for each, window in self._windows.items() if window[0] > now_s}
        resets_s, used = self._windows.get(key, (0.0, 0))
        if now_s >= resets_s:
            resets_s, used = now_s + limit.per_s, 0
        wait_s = None if used < limit.requests else resets_s - now_s
        used = min(used + 1, limit.requests)
        self._windows[key] = (resets_s, used)
        return used, wait_s

    def _headers(self, route: str, key: str, limit: RateLimit, used: int) -> dict[str, str]:
        left_s = max(0.0, self._windows[key][0] - self._clock.monotonic_s())
        left_s = math.ceil(left_s * 1000) / 1000  # never less than the truth: a client waits exactly this long
        return {
            "X-RateLimit-Bucket": hashlib.sha256(route.encode()).hexdigest()[:32],
            "X-RateLimit-Limit": str(limit.requests),
            "X-RateLimit-Remaining": str(limit.requests - used),
            "X-RateLimit-Reset": f"{self._clock.now_ms() / 1000 + left_s:.3f}",
            "X-RateLimit-Reset-After": f"{left_s:.3f}",
        }

    def _global_refusal(self, wait_s: float) -> Verdict:
        headers = {
            "Retry-After": str(math.ceil(wait_s)),
            "X-RateLimit-Global": "true",
            "X-RateLimit-Scope": "global",
        }
        return Verdict(headers, _refusal(wait_s, everywhere=True))


def _refusal(wait_s: float, *, everywhere: bool) -> Json:
    return {
        "message": "You are being rate limited.",
        "code": 0,
        "retry_after": math.ceil(wait_s * 1000) / 1000,
        "global": everywhere,
    }
