"""What the tests share: short homes, configurations, real cores."""

from __future__ import annotations

import gc
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from aiohttp import web_app
from hypothesis import HealthCheck, settings

from jinkies.app import host
from jinkies.config import Config, DiscordConfig, GitHubConfig, HttpConfig, Secret, ServiceConfig
from jinkies.core import Core

# A machine that is busy is no fault of the code: how long an example takes is left to benchmarks.
settings.register_profile("jinkies", deadline=None, suppress_health_check=(HealthCheck.too_slow,))
settings.load_profile("jinkies")

CHANNEL_ID = "1300000000000000001"

COLLECTING = gc.get_threshold()


def pytest_configure() -> None:
    """A shell's background job ignores Ctrl-C, and so would every process that a test starts and interrupts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_logfinish() -> None:
    """What a test leaves may go: nobody but the next one would.

    aiohttp remembers the handlers of its last 1,024 routes, and with them their cores; a command that runs in this
    process seldom collects garbage and keeps what is there, since its own process soon ends.
    """
    web_app._cached_build_middleware.cache_clear()
    gc.unfreeze()
    gc.set_threshold(*COLLECTING)
    gc.enable()


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
