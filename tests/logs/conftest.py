from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aioboto3
import pytest

from jinkies.config import AwsConfig, Config, Secret, ServiceConfig, WatchConfig
from tests.logs.clock import ManualClock
from tests.ministack import ministack

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "not-a-secret", "region_name": "us-east-1"}


@pytest.fixture(scope="session")
def ministack_url() -> Iterator[str]:
    """The address of a ministack that this worker's tests share: use names of your own."""
    with ministack() as url:
        yield url


@pytest.fixture
async def cloudwatch(ministack_url: str) -> AsyncIterator[Any]:
    """A plain aioboto3 client of ministack, to write with."""
    async with aioboto3.Session(**KEYS).client("logs", endpoint_url=ministack_url) as client:
        yield client


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def aws(url: str) -> AwsConfig:
    """A configuration that leads to an emulator."""
    return AwsConfig(
        region="us-east-1", access_key_id="test", secret_access_key=Secret("not-a-secret"), endpoint_url=url
    )


def desk(url: str, *, watches: tuple[WatchConfig, ...] = (), **services: tuple[str, ...]) -> Config:
    """A configuration with services of these log groups."""
    return Config(
        home=Path("/nonexistent"),
        aws=aws(url),
        services={name: ServiceConfig(name=name, log_groups=groups) for name, groups in services.items()},
        watches=watches,
    )
