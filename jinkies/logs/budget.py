"""Requests a second: one token bucket for an account and region, shared by every fetch, tail and watch.

A caller opens a ``Lane``; whoever asked for least lately goes next (start-time fair queueing), so that a tail's one
request every few seconds never waits behind a long fetch's hundreds, and long fetches share what there is. Throttling
halves the rate; it recovers in ``RECOVERY_S``.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from urllib.parse import urlsplit

from jinkies.clock import Clock
from jinkies.config import AwsConfig
from jinkies.errors import JinkiesError, UpstreamError
from jinkies.logs.fetch import Ask, Page, PageSource

# AWS General Reference, "Amazon CloudWatch Logs endpoints and quotas": FilterLogEvents throttle limit in transactions
# per second, per account and region; not adjustable.
REGIONS = {
    "us-east-1": 25.0,
    "ap-northeast-3": 5.0,
    "ap-southeast-3": 5.0,
    "ca-west-1": 5.0,
    "eu-central-1": 5.0,
    "il-central-1": 5.0,
}
ELSEWHERE = 10.0

BURST = 3.0  # requests that may go out at once after a rest, at least
BURST_S = 0.5  # of the rate that a rest saves up: about as many as are under way at once at the usual delay
LEAST_RATE = 0.5
RECOVERY_S = 60.0  # from nothing back to the whole rate
ECHO_S = 1.0  # throttling of requests that were under way together counts once
UNBOUNDED_START = 10.0  # the rate that an unbounded budget falls to, before it is halved
PATIENCE_S = 120.0  # how long one request puts up with being throttled
UNBOUNDED_PAGES = 20.0  # a second that one process reads, decodes and prints with ease
LATENCY_SHARE = 0.2  # of the newest answer's delay in what is known of it
USUAL_DELAY_S = 0.3  # of a page of the real service
MARGIN = 1.4  # answers don't come one as quick as the other

_AWS = ("amazonaws.com", "amazonaws.com.cn", "api.aws")


def rate_of(aws: AwsConfig, region: str | None) -> float | None:
    """Requests a second: the configured, else the region's; None, no bound, for an emulator."""
    if aws.requests_per_second is not None:
        return aws.requests_per_second
    if aws.endpoint_url is not None and not _is_aws(aws.endpoint_url):
        return None
    return REGIONS.get(region or "", ELSEWHERE)


class Budget:
    """The bucket. Close it: it owns the task that hands out the tokens.

    Args:
        clock: for the pace.
        rate: requests a second; None is no bound, until something throttles.
    """

    def __init__(self, clock: Clock, rate: float | None) -> None:
        self._clock = clock
        self._ceiling = rate
        self._learned: float | None = None  # what throttling left of the rate, at ``_at_s``
        self._tokens = self._burst
        self._at_s = clock.monotonic_s()
        self._throttled_s = -ECHO_S
        self._virtual = 0.0
        self._waiting: list[Lane] = []
        self._pump: asyncio.Task[None] | None = None

    @property
    def rate(self) -> float | None:
        """Requests a second just now; None is no bound."""
        self._refill()
        return self._ceiling if self._learned is None else self._learned

    @property
    def _burst(self) -> float:
        rate = self._ceiling if self._learned is None else self._learned
        return BURST if rate is None else max(BURST, rate * BURST_S)

    def bound(self, rate: float | None) -> None:
        """Another ceiling, as the region is known now."""
        self._refill()
        self._ceiling = rate

    def lane(self) -> Lane:
        """For one caller: a fetch, a tail, the watches."""
        return Lane(self)

    def throttled(self) -> None:
        """The service refused a request: slow down. Echoes of the same refusal count once."""
        now_s = self._clock.monotonic_s()
        if now_s - self._throttled_s < ECHO_S:
            return
        rate = self.rate
        self._throttled_s = now_s
        self._learned = max(LEAST_RATE, (UNBOUNDED_START if rate is None else rate) / 2)
        self._tokens = min(self._tokens, 0.0)

    async def close(self) -> None:
        """End the handing out, and cancel whoever still waits."""
        for lane in self._waiting:
            for turn in lane.queue:
                turn.cancel()
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)

    async def take(self, lane: Lane) -> None:
        """Wait for ``lane``'s turn, see ``Lane.take``. Cancelled, it leaves the queue and passes its token on."""
        if not lane.queue:
            lane.start = max(self._virtual, lane.start)
        if not self._waiting and self._spend():
            self._note(lane)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not lane.queue:
            self._waiting.append(lane)
        lane.queue.append(turn)
        if self._pump is None or self._pump.done():
            self._pump = asyncio.get_running_loop().create_task(self._hand_out())
        try:
            await turn
        except asyncio.CancelledError:
            self._leave(lane, turn)
            raise

    def give_back(self) -> None:
        """A token that was taken is not needed after all."""
        self._tokens = min(self._burst, self._tokens + 1)

    async def _hand_out(self) -> None:
        while self._waiting:
            lane = min(self._waiting, key=_start)
            turn = lane.queue[0]
            if turn.done():  # cancelled just now, and not gone yet
                self._drop(lane, turn)
            elif self._spend():
                self._drop(lane, turn)
                self._note(lane)
                turn.set_result(None)
            else:
                await self._clock.sleep((1 - self._tokens) / (self.rate or ELSEWHERE))

    def _note(self, lane: Lane) -> None:
        self._virtual = lane.start
        lane.start += 1

    def _drop(self, lane: Lane, turn: asyncio.Future[None]) -> None:
        lane.queue.remove(turn)
        if not lane.queue:
            self._waiting.remove(lane)

    def _leave(self, lane: Lane, turn: asyncio.Future[None]) -> None:
        if turn in lane.queue:
            self._drop(lane, turn)
        elif not turn.cancelled():
            self.give_back()

    def _spend(self) -> bool:
        if self.rate is None:
            return True
        if self._tokens < 1 - 1e-9:
            return False
        self._tokens -= 1
        return True

    def _refill(self) -> None:
        now_s = self._clock.monotonic_s()
        passed_s, self._at_s = now_s - self._at_s, now_s
        full = UNBOUNDED_START if self._ceiling is None else self._ceiling
        if self._learned is not None:
            self._tokens += passed_s * self._learned
            self._learned += passed_s * full / RECOVERY_S
            if self._learned >= full:
                self._learned = None
        else:
            self._tokens += passed_s * full
        self._tokens = min(self._burst, self._tokens)


class Lane:
    """One caller's place in a ``Budget``; its requests go out in the order in which they asked."""

    def __init__(self, budget: Budget) -> None:
        self.queue: deque[asyncio.Future[None]] = deque()
        self.start = 0.0  # virtual time of the next request: how many it had, and at least what the least served had
        self._budget = budget

    async def take(self) -> None:
        """Wait until one more request may go out."""
        await self._budget.take(self)


class Paced:
    """A ``PageSource`` within the budget, for one caller or a part of one; throttled requests are tried again.

    ``turn`` takes a token before it is known what for: the next ``page`` uses it.
    """

    def __init__(self, source: PageSource, budget: Budget, clock: Clock, lane: Lane | None = None) -> None:
        self._source = source
        self._budget = budget
        self._clock = clock
        self._lane = lane or budget.lane()
        self._turns = 0
        self._delay_s: float | None = None  # of an answer; with no bound on the pace the least, else about the mean

    async def turn(self) -> None:
        """Wait until a request may go out, for a ``page`` that follows."""
        await self._lane.take()
        self._turns += 1

    def return_turns(self) -> None:
        """Give back what ``turn`` took and no ``page`` used."""
        while self._turns:
            self._turns -= 1
            self._budget.give_back()

    def depth(self) -> int:
        """How many requests under way use up the pace, at the delay of the answers so far; at least 1."""
        rate = self._budget.rate
        if self._delay_s is None:
            return 1
        return max(1, math.ceil(self._delay_s * (UNBOUNDED_PAGES if rate is None else rate * MARGIN)))

    def depth_at_first(self) -> int:
        """As ``depth``, as long as nothing was answered: at the real service's usual delay."""
        rate = self._budget.rate
        return 1 if rate is None else max(1, math.ceil(USUAL_DELAY_S * rate * MARGIN))

    async def page(self, ask: Ask, token: str | None = None, /) -> Page:
        """See ``PageSource.page``. A throttled request is repeated for ``PATIENCE_S``, then it fails."""
        if self._turns:
            self._turns -= 1
        else:
            await self._lane.take()
        patient_until_s: float | None = None
        while True:
            begun_s = self._clock.monotonic_s()
            try:
                page = await self._source.page(ask, token)
            except UpstreamError as error:
                if not error.throttled:
                    raise
                self._budget.throttled()
                now_s = self._clock.monotonic_s()
                patient_until_s = now_s + PATIENCE_S if patient_until_s is None else patient_until_s
                if now_s >= patient_until_s:
                    raise _impatient(error) from error
            else:
                self._took(self._clock.monotonic_s() - begun_s)
                return page
            await self._lane.take()

    def _took(self, delay_s: float) -> None:
        if self._delay_s is None:
            self._delay_s = delay_s
        elif self._budget.rate is None:  # much of what a quick service seems to take is this process' own work
            self._delay_s = min(self._delay_s, delay_s)
        else:
            self._delay_s += (delay_s - self._delay_s) * LATENCY_SHARE


def _impatient(error: JinkiesError) -> UpstreamError:
    return UpstreamError(
        f"{error}; it went on for {PATIENCE_S:.0f} s, so something else uses up the requests: "
        "set requests_per_second under [aws] lower, or try later",
        retry=True,
        throttled=True,
    )


def _start(lane: Lane) -> float:
    return lane.start


def _is_aws(endpoint_url: str) -> bool:
    host = urlsplit(endpoint_url).hostname or ""
    return host.endswith(tuple(f".{domain}" for domain in _AWS))
