"""The pace of all requests: its rate, its fairness, what throttling teaches."""

from __future__ import annotations

import asyncio
import math

import pytest

from jinkies.config import AwsConfig
from jinkies.errors import UpstreamError
from jinkies.logs.budget import BURST, BURST_S, LEAST_RATE, MARGIN, PATIENCE_S, RECOVERY_S, Budget, Lane, Paced, rate_of
from jinkies.logs.fetch import Ask, Page
from tests.logs.clock import ManualClock

ASK = Ask(log_group="/a", start_ms=0, end_ms=1)


@pytest.mark.parametrize(
    ("aws", "region", "rate"),
    [
        (AwsConfig(), "us-east-1", 25.0),
        (AwsConfig(), "eu-central-1", 5.0),
        (AwsConfig(), "eu-west-1", 10.0),
        (AwsConfig(), None, 10.0),
        (AwsConfig(endpoint_url="http://127.0.0.1:4566"), "us-east-1", None),
        (AwsConfig(endpoint_url="https://vpce-1.logs.us-east-1.vpce.amazonaws.com"), "us-east-1", 25.0),
        (AwsConfig(endpoint_url="http://127.0.0.1:4566", requests_per_second=3.0), "us-east-1", 3.0),
        (AwsConfig(requests_per_second=3.0), "us-east-1", 3.0),
    ],
)
def test_the_rate_is_the_configured_or_the_regions(aws: AwsConfig, region: str | None, rate: float | None) -> None:
    assert rate_of(aws, region) == rate


class Caller:
    """Takes turns for ever, and writes down when."""

    def __init__(self, name: str, lane: Lane, order: list[str]) -> None:
        self._name = name
        self._lane = lane
        self._order = order

    async def take(self, times: int = 1_000_000) -> None:
        for _ in range(times):
            await self._lane.take()
            self._order.append(self._name)


async def pass_s(clock: ManualClock, seconds: float) -> None:
    """In small steps, each with time for whoever woke up."""
    for _ in range(round(seconds * 20)):
        clock.advance(0.05)
        for _ in range(12):
            await asyncio.sleep(0)


async def test_requests_go_out_at_the_rate_after_a_small_burst(clock: ManualClock) -> None:
    budget, order = Budget(clock, 10.0), list[str]()
    caller = asyncio.create_task(Caller("a", budget.lane(), order).take())
    await pass_s(clock, 10)
    assert 10 * BURST_S + 97 <= len(order) <= 10 * BURST_S + 101
    caller.cancel()
    await budget.close()


async def test_a_tail_does_not_wait_behind_a_long_fetch(clock: ManualClock) -> None:
    budget, order = Budget(clock, 5.0), list[str]()
    fetch = Caller("fetch", budget.lane(), order)
    workers = [asyncio.create_task(fetch.take()) for _ in range(16)]
    await pass_s(clock, 20)
    tail = budget.lane()
    for _ in range(5):
        turn = asyncio.create_task(Caller("tail", tail, order).take(1))
        before = len(order)
        await pass_s(clock, 0.5)
        assert turn.done()
        assert order.index("tail", before) - before <= 1
        await pass_s(clock, 2)
    for worker in workers:
        worker.cancel()
    await budget.close()


async def test_long_fetches_share_equally_however_many_workers_each_has(clock: ManualClock) -> None:
    budget, order = Budget(clock, 10.0), list[str]()
    workers = []
    for name, count in (("many", 16), ("few", 2), ("one", 1)):
        caller = Caller(name, budget.lane(), order)
        workers += [asyncio.create_task(caller.take()) for _ in range(count)]
    await pass_s(clock, 30)
    shares = [order.count(name) / len(order) for name in ("many", "few", "one")]
    assert all(0.3 <= share <= 0.37 for share in shares), shares
    for worker in workers:
        worker.cancel()
    await budget.close()


async def test_whoever_gives_up_costs_the_others_nothing(clock: ManualClock) -> None:
    budget, order = Budget(clock, 10.0), list[str]()
    lane = budget.lane()
    await Caller("burst", lane, order).take(int(10 * BURST_S))
    waiting = [asyncio.create_task(Caller("gone", budget.lane(), order).take(1)) for _ in range(50)]
    last = asyncio.create_task(Caller("last", budget.lane(), order).take(1))
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await pass_s(clock, 0.2)
    assert last.done()
    assert order[-1] == "last"
    await budget.close()


async def test_a_token_that_was_granted_to_someone_cancelled_goes_on(clock: ManualClock) -> None:
    budget = Budget(clock, 10.0)
    lane = budget.lane()
    for _ in range(int(10 * BURST_S)):
        await lane.take()
    first = asyncio.create_task(lane.take())
    await clock.asleep(1)
    turn = lane.queue[0]
    clock.advance(0.1)
    for _ in range(20):  # until the token is granted, while its owner has not run yet
        if turn.done():
            break
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    assert first.cancelled()
    await budget.lane().take()
    assert clock.slept == 1, "the token was there again"
    await budget.close()


async def test_throttling_halves_the_rate_and_it_recovers(clock: ManualClock) -> None:
    budget = Budget(clock, 10.0)
    budget.throttled()
    assert budget.rate == 5.0
    budget.throttled()
    assert budget.rate == 5.0, "requests that were under way together are refused together"
    for _ in range(20):
        clock.advance(1.0)
        budget.throttled()
    assert budget.rate is not None
    assert LEAST_RATE <= budget.rate < 0.8
    clock.advance(RECOVERY_S / 2)
    assert 5.0 <= budget.rate <= 6.0
    clock.advance(RECOVERY_S)
    assert budget.rate == 10.0


async def test_an_unbounded_budget_learns_too(clock: ManualClock) -> None:
    budget = Budget(clock, None)
    lane = budget.lane()
    for _ in range(1_000):
        await lane.take()
    budget.throttled()
    assert budget.rate == 5.0
    clock.advance(RECOVERY_S)
    assert budget.rate is None


class Throttling:
    """Refuses so many requests."""

    def __init__(self, refusals: int) -> None:
        self.left = refusals
        self.asked = 0

    async def page(self, ask: Ask, token: str | None = None, /) -> Page:
        self.asked += 1
        if self.left:
            self.left -= 1
            raise UpstreamError("CloudWatch is throttling", retry=True, throttled=True)
        return Page(events=())


async def test_patience_ends(clock: ManualClock) -> None:
    budget, source = Budget(clock, 10.0), Throttling(1_000)
    reading = asyncio.create_task(Paced(source, budget, clock).page(ASK))
    await pass_s(clock, PATIENCE_S + 10)
    with pytest.raises(UpstreamError, match="CloudWatch is throttling; it went on for 120 s") as caught:
        await reading
    assert caught.value.retry
    assert 50 <= source.asked <= 100, "slowed down to LEAST_RATE"
    await budget.close()


async def test_a_turn_taken_before_is_used_or_given_back(clock: ManualClock) -> None:
    budget, source = Budget(clock, 1.0), Throttling(0)
    paced = Paced(source, budget, clock)
    for _ in range(int(BURST)):
        await paced.turn()
    await paced.page(ASK)
    assert clock.slept == 0
    paced.return_turns()
    other = Paced(source, budget, clock)
    for _ in range(int(BURST) - 1):
        await other.page(ASK)
    assert clock.slept == 0
    await budget.close()


@pytest.mark.parametrize(("rate", "delay_s", "depth"), [(10, 0.3, 5), (25, 0.3, 11), (None, 0.25, 5), (None, 0.0, 1)])
async def test_as_many_requests_under_way_as_use_the_pace(
    rate: float | None, delay_s: float, depth: int, clock: ManualClock
) -> None:
    class Slow:
        async def page(self, _ask: Ask, _token: str | None = None, /) -> Page:
            await clock.sleep(delay_s)
            return Page(events=())

    budget = Budget(clock, rate)
    paced = Paced(Slow(), budget, clock)
    assert paced.depth() == 1, "nothing is known yet"
    assert paced.depth_at_first() == math.ceil(0.3 * rate * MARGIN) if rate else 1, "as slow as the real service"
    reading = asyncio.create_task(paced.page(ASK))
    await pass_s(clock, 1)
    await reading
    assert paced.depth() == depth
    await budget.close()
