"""Logs Insights through either transport, against the simulated CloudWatch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from jinkies.clock import SystemClock
from jinkies.core import Core
from jinkies.errors import Invalid, NotConfigured, UpstreamError
from jinkies.logs.service import LogsService
from jinkies.model import QuerySpec, QueryState
from jinkies.operator import Operator
from jinkies.simulators.cloudwatch import SimulatedCloudWatch, World
from tests.logs.conftest import desk


@pytest.fixture
async def cloudwatch(core: Core) -> AsyncIterator[SimulatedCloudWatch]:
    """A simulated CloudWatch that the core asks; its queries take half a second."""
    clock = SystemClock()
    async with SimulatedCloudWatch(World("/app/api"), clock=clock) as running:
        for at in range(12):
            running.world.put("/app/api", f"[bold]line {at}", clock.now_ms() - 20_000 + at, stream="web")
        running.queries.running_s = 0.5
        async with LogsService(desk(running.address, api=("/app/api",)), clock) as core.logs:
            yield running
        core.logs = None


def spec(**changes: object) -> QuerySpec:
    now_ms = SystemClock().now_ms()
    asked = QuerySpec(
        query="fields @timestamp, @message", targets=("api",), start_ms=now_ms - 60_000, end_ms=now_ms + 1_000
    )
    return msgspec.structs.replace(asked, **changes)


async def test_a_query_tells_its_progress_and_ends_with_its_rows(
    operator: Operator, cloudwatch: SimulatedCloudWatch
) -> None:
    async with operator.query_logs(spec()) as progress:
        found = [one async for one in progress]
    assert found[0].state is not QueryState.COMPLETE
    assert found[-1].complete
    assert found[-1].columns == ("@timestamp", "@message")
    assert {row[1] for row in found[-1].rows} == {f"[bold]line {at}" for at in range(12)}
    assert found[-1].bytes_scanned > 0
    assert not cloudwatch.asked("StopQuery")


async def test_rows_cut_at_the_limit_say_so(operator: Operator, cloudwatch: SimulatedCloudWatch) -> None:
    async with operator.query_logs(spec(limit=5)) as progress:
        found = [one async for one in progress]
    assert (len(found[-1].rows), found[-1].cut, found[-1].complete) == (5, True, False)


async def test_leaving_a_query_ends_it_at_the_service(operator: Operator, cloudwatch: SimulatedCloudWatch) -> None:
    cloudwatch.queries.running_s = 600
    async with operator.query_logs(spec()) as progress:
        await anext(progress)
    async with asyncio.timeout(30):
        while not cloudwatch.asked("StopQuery"):  # noqa: ASYNC110 - the simulator has no event for it
            await asyncio.sleep(0.01)
    assert cloudwatch.asked("StopQuery")[0].status == 200


async def test_queries_that_make_no_sense_are_refused(operator: Operator, cloudwatch: SimulatedCloudWatch) -> None:
    for changes, error in (
        ({"query": "filed @message"}, Invalid),
        ({"query": ""}, Invalid),
        ({"limit": 0}, Invalid),
        ({"targets": ()}, Invalid),
        ({"targets": ("/no/such",)}, UpstreamError),
    ):
        with pytest.raises(error):
            async with operator.query_logs(spec(**changes)) as progress:
                await anext(progress)


async def test_without_aws_a_query_says_what_to_set(operator: Operator) -> None:
    with pytest.raises(NotConfigured, match="AWS"):
        async with operator.query_logs(spec()) as progress:
            await anext(progress)
