"""The bot's presence: what it says, and how seldom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any, cast

import interactions
import pytest

from bot.presence import EVERY_S, LOST, Presence, presence_text
from jinkies.clock import Clock
from jinkies.model import Counts
from jinkies.operator import Operator
from jinkies.replica import LinkState, Replica
from tests.virtual import run_virtually


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        (Counts(), "all quiet"),
        (Counts(acknowledged=2, snoozed=1), "all quiet"),
        (Counts(open=3), "3 open"),
        (Counts(open=1_234, critical=2), "1,234 open · 2 critical"),
        (Counts(acknowledged=1, critical=1), "0 open · 1 critical"),
    ],
)
def test_what_it_says(counts: Counts, text: str) -> None:
    assert presence_text(counts) == text
    assert presence_text(counts, lost=True) == LOST


@asynccontextmanager
async def running(presence: Presence) -> AsyncIterator[None]:
    task = asyncio.create_task(presence.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


class Gateway:
    """A client that takes presences, or fails."""

    def __init__(self, clock: Clock) -> None:
        self.told: list[tuple[float, str, str]] = []
        self.failing = False
        self._clock = clock

    async def change_presence(self, status: interactions.Status, activity: interactions.Activity) -> None:
        if self.failing:
            raise RuntimeError("Cannot write to closing transport")
        self.told.append((self._clock.monotonic_s(), str(status.value), str(activity.state)))


def test_a_storm_is_told_seldom_and_its_end_in_time() -> None:
    async def storm(clock: Clock) -> list[tuple[float, str, str]]:
        replica = Replica(cast("Operator", None), clock)
        replica.link = LinkState.LIVE
        gateway = Gateway(clock)
        presence = Presence(replica, clock, lambda: cast("Any", gateway))
        async with running(presence):
            for count in range(600):
                replica.counts = Counts(open=count, critical=count % 2)
                await clock.sleep(0.1)
            await clock.sleep(2 * EVERY_S)
            replica.link = LinkState.LOST
            await clock.sleep(2 * EVERY_S)
        return gateway.told

    told = run_virtually(storm)
    assert len(told) <= 8
    assert all(later[0] - earlier[0] > EVERY_S - 0.01 for earlier, later in pairwise(told))
    assert [each[1:] for each in told[-2:]] == [("dnd", "599 open · 1 critical"), ("idle", LOST)]


def test_another_connection_is_told_anew_and_what_failed_is_tried_again() -> None:
    async def lives(clock: Clock) -> tuple[Gateway, Gateway]:
        replica = Replica(cast("Operator", None), clock)
        replica.link = LinkState.LIVE
        first, second = Gateway(clock), Gateway(clock)
        clients: list[Gateway | None] = [None]
        presence = Presence(replica, clock, lambda: cast("Any", clients[-1]))
        async with running(presence):
            await clock.sleep(60)
            clients.append(first)
            await clock.sleep(60)
            second.failing = True
            clients.append(second)
            await clock.sleep(60)
            second.failing = False
            await clock.sleep(60)
        return first, second

    first, second = run_virtually(lives)
    assert [each[1:] for each in first.told] == [("online", "all quiet")]
    assert [each[1:] for each in second.told] == [("online", "all quiet")]
