"""The simulated GitHub with one repository, and a desk that works with it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from jinkies.config import Config
from jinkies.simulators.github import Repository, SimulatedGitHub
from tests.github.samples import REPO, TOKEN, QuickClock, with_github


@pytest.fixture
async def github() -> AsyncIterator[SimulatedGitHub]:
    async with SimulatedGitHub(token=TOKEN, repositories=(REPO,)) as running:
        yield running


@pytest.fixture
def config(config: Config, github: SimulatedGitHub) -> Config:
    """With the simulated GitHub."""
    return with_github(config, github)


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
def repository(github: SimulatedGitHub) -> Repository:
    return github.repositories[REPO]
