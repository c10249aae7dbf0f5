"""A desk whose service writes into a simulated CloudWatch."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from jinkies.app import host
from jinkies.config import AwsConfig, Config, Secret, ServiceConfig
from jinkies.core import Core
from jinkies.simulators.cloudwatch import SimulatedCloudWatch

GROUP = "/app/api"


def now_ms() -> int:
    return int(time.time() * 1000)


def with_aws(config: Config, url: str) -> Config:
    """The desk with an account; the worker's group can't be read by anybody."""
    return msgspec.structs.replace(
        config,
        services={
            "api": ServiceConfig(name="api", log_groups=(GROUP,)),
            "worker": ServiceConfig(name="worker", log_groups=("/app/none",)),
        },
        aws=AwsConfig(
            region="us-east-1", access_key_id="test", secret_access_key=Secret("not-a-secret"), endpoint_url=url
        ),
    )


def put(cloudwatch: SimulatedCloudWatch, *messages: str, ago_ms: int = 60_000) -> None:
    """Lines a second apart, the last of them ``ago_ms`` ago."""
    first_ms = now_ms() - ago_ms - 1_000 * (len(messages) - 1)
    for number, message in enumerate(messages):
        cloudwatch.world.put(GROUP, message, first_ms + 1_000 * number)


@asynccontextmanager
async def desk_with_logs(config: Config, cloudwatch: SimulatedCloudWatch) -> AsyncIterator[Core]:
    async with host(with_aws(config, cloudwatch.address), ingest=False, background=False) as core:
        yield core
