"""Figures, on either transport: what was opened, how fast people acted, what is noisy."""

from __future__ import annotations

import asyncio

import pytest

from jinkies.clock import SystemClock
from jinkies.commands import Acknowledge, ReportOccurrence, Resolve
from jinkies.errors import Invalid
from jinkies.model import State
from jinkies.operator import Operator
from jinkies.stats import Span, StatsQuery

HOUR_MS = 3_600_000


def today(service: str | None = None) -> StatsQuery:
    now_ms = SystemClock().now_ms()
    return StatsQuery(since_ms=now_ms - HOUR_MS, until_ms=now_ms + HOUR_MS, service=service)


async def report(operator: Operator, fingerprint: str, service: str = "api") -> None:
    await operator.execute(ReportOccurrence(service=service, message=f"m {fingerprint}", fingerprint=fingerprint))


async def past(at_ms: int) -> None:
    """Until the clock has passed a moment: what happens within the same millisecond as a resolution is late news."""
    while SystemClock().now_ms() <= at_ms:  # noqa: ASYNC110 - a clock wakes nobody
        await asyncio.sleep(0)


async def test_counts_times_and_noise(operator: Operator) -> None:
    for _ in range(3):
        await report(operator, "a")
    await report(operator, "b")
    await report(operator, "c", "worker")
    await operator.execute(Acknowledge(alert_id=1))
    await operator.execute(Resolve(alert_id=1))
    await past((await operator.alert(1)).row.resolved_at_ms or 0)
    await report(operator, "a")  # it came back: opened once more
    await operator.execute(Resolve(alert_id=2))
    found = await operator.stats(today())
    assert (found.opened, found.occurrences) == (4, 6)
    assert (found.to_acknowledge.count, found.to_resolve.count) == (1, 2)
    assert found.to_resolve.median_ms is not None
    assert 0 <= found.to_resolve.median_ms <= (found.to_resolve.p90_ms or 0) < 60_000
    services = [(one.service, one.opened, one.unresolved, one.occurrences) for one in found.services]
    assert services == [("api", 3, 1, 5), ("worker", 1, 1, 1)]
    assert (found.noisy[0].alert_id, found.noisy[0].occurrences, found.noisy[0].title) == (1, 4, "m a")
    took = found.to_resolve
    assert (took.median_ms or 0) <= (took.mean_ms or 0) <= (took.p90_ms or 0), "of two, 90% are not within the shorter"
    assert found.noisy[0].state is State.OPEN
    assert sum(day.opened for day in found.days) == 4
    assert found.opened_by_hour == (4, 0), "an hour before now, and one after"
    only = await operator.stats(today("worker"))
    assert (only.opened, only.occurrences, [one.alert_id for one in only.noisy]) == (1, 1, [3])
    assert only.to_resolve == Span()


async def test_a_range_has_days_without_anything_and_bounds(operator: Operator) -> None:
    found = await operator.stats(StatsQuery(since_ms=0, until_ms=3 * 86_400_000))
    assert [(day.day, day.opened) for day in found.days] == [("1970-01-01", 0), ("1970-01-02", 0), ("1970-01-03", 0)]
    assert found.opened_by_hour == (0,) * 72
    assert (await operator.stats(StatsQuery(since_ms=0, until_ms=3 * 86_400_000 + 1))).opened_by_hour == ()
    for since_ms, until_ms in ((5, 5), (-1, 5), (0, 500 * 86_400_000)):
        with pytest.raises(Invalid, match="since_ms: the range is"):
            await operator.stats(StatsQuery(since_ms=since_ms, until_ms=until_ms))
