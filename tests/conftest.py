"""What the tests share: short homes, configurations, real cores."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, settings

from jinkies.app import host
from jinkies.config import Config, DiscordConfig, GitHubConfig, HttpConfig, Secret, ServiceConfig
from jinkies.core import Core

# A machine that is busy is no fault of the code: how long an example takes is left to benchmarks.
settings.register_profile("jinkies", deadline=None, suppress_health_check=(HealthCheck.too_slow,))
settings.load_profile("jinkies")

CHANNEL_ID = "1300000000000000001"


@pytest.fixture
def home() -> Iterator[Path]:
    """A home folder whose socket's path is short enough on every system."""
    folder = Path(tempfile.mkdtemp(prefix="jk", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def config(home: Path) -> Config:
    """A channel, so that deliveries are wanted, and a GitHub that refuses connections; no AWS."""
    return Config(
        home=home,
        environment="test",
        services={"api": ServiceConfig(name="api", log_groups=("/app/api",), runbook="https://runbooks.example/api")},
        discord=DiscordConfig(alert_channel_id=CHANNEL_ID),
        github=GitHubConfig(token=Secret("test-token"), owner="o", repository="r", api_url="http://127.0.0.1:9"),
        http=HttpConfig(listen="127.0.0.1:0"),
    )


@pytest.fixture
def configure(config: Config) -> Callable[..., Config]:
    """The configuration with some of it replaced."""

    def replaced(**changes: object) -> Config:
        return msgspec.structs.replace(config, **changes)

    return replaced


@pytest.fixture
async def core(config: Config) -> AsyncIterator[Core]:
    """A real core that serves its socket, without background work."""
    async with host(config, ingest=False, background=False) as running:
        yield running
