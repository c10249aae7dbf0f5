"""A storm: few requests to Discord, none of them refused, and every card right in the end."""

from __future__ import annotations

from collections import deque

import pytest

from jinkies.commands import Report, ReportOccurrence
from jinkies.model import What
from jinkies.simulators.discord import Call, RateLimits
from tests.bot.worlds import CHANNEL, Desk, in_a_world

KINDS, SECONDS = 20, 10


async def storm(desk: Desk, alerts: int) -> str:
    """So many in ten seconds; gives figures."""
    started = len(desk.discord.calls)
    rounds = alerts // KINDS
    for _ in range(rounds):
        items = tuple(
            ReportOccurrence(service=f"service-{kind % 5}", message=f"kind {kind}", fingerprint=f"{kind}")
            for kind in range(KINDS)
        )
        await desk.operator.execute(Report(items=items))
        await desk.clock.sleep(SECONDS / rounds)
    over_s = desk.clock.monotonic_s()
    await desk.until_in_step()
    took_s = desk.clock.monotonic_s() - over_s
    await desk.clock.sleep(60.0)
    calls = desk.discord.calls[started:]
    shown = desk.discord.messages(CHANNEL)
    assert len(shown) == KINDS
    assert all(f"×{rounds:,}" in one["embeds"][0]["description"] for one in shown), "each shows the last count"
    assert [one for one in await desk.deliveries() if one.what is not What.CARD] == []
    refused = sum(one.status == 429 for one in calls)
    assert refused <= 2, "the first of a bucket at most"
    busiest = in_a_minute(calls)
    assert busiest < 60
    return (
        f"{rounds * KINDS:,} alerts of {KINDS} kinds in {SECONDS} s: {len(calls)} requests to Discord"
        f" ({desk.posts(started)} posts, {desk.edits(started)} edits), {busiest} in the busiest minute, {refused} of"
        f" them 429; all cards right {took_s:.0f} s after the storm"
    )


def in_a_minute(calls: tuple[Call, ...]) -> int:
    window: deque[int] = deque()
    most = 0
    for call in calls:
        window.append(call.at_ms)
        while call.at_ms - window[0] >= 60_000:
            window.popleft()
        most = max(most, len(window))
    return most


def run(alerts: int, limits: RateLimits) -> str:
    said: list[str] = []

    async def work(desk: Desk) -> None:
        said.append(await storm(desk, alerts))

    in_a_world(work, limits=limits)
    return said[0]


@pytest.mark.parametrize("limited", [True, False])
def test_a_storm_is_few_requests(limited: bool) -> None:
    print(run(2_000, RateLimits(enabled=limited)))


@pytest.mark.soak
def test_a_storm_of_ten_thousand_is_few_requests() -> None:
    print(run(10_000, RateLimits()))
