"""``jinkies pr`` without a running core does the work itself, against a simulated GitHub."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jinkies.commands import ReportOccurrence
from jinkies.config import Config
from jinkies.simulators.github import SimulatedGitHub
from tests.cli.conftest import Run, report

TOKEN = "ghp_" + "t" * 36


@pytest.fixture
async def github(home: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SimulatedGitHub]:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_REPO_OWNER", "octo")
    monkeypatch.setenv("GITHUB_REPO_NAME", "shop")
    async with SimulatedGitHub(token=TOKEN, repositories=("octo/shop",)) as running:
        (home / "jinkies.toml").write_text(f'[github]\napi_url = "{running.api_url}"\n')
        yield running


async def test_the_draft_is_opened_once(config: Config, github: SimulatedGitHub, run: Run) -> None:
    await asyncio.to_thread(
        report, config, ReportOccurrence(service="api", message="boom", exception_type="ValueError")
    )
    ran = await asyncio.to_thread(run, "pr", "1", "--title", "Mend it", "--notes", "please look")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"{github.address}/octo/shop/pull/1\n"
    again = await asyncio.to_thread(run, "pr", "1")
    assert again == ran
    pull = github.repositories["octo/shop"].pull(1)
    assert (pull.title, pull.draft) == ("Mend it", True)
    record = json.loads((await asyncio.to_thread(run, "alert", "1", "--json")).out)
    assert record["pull_request"]["url"] == ran.out.strip()
    assert record["pull_request"]["state"] == "done"


async def test_what_github_refuses_is_told(
    config: Config, github: SimulatedGitHub, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_" + "w" * 36)
    await asyncio.to_thread(report, config, ReportOccurrence(service="api", message="boom"))
    ran = await asyncio.to_thread(run, "pr", "1")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("jinkies: no pull request for #1: ")
    assert "401" in ran.err or "credentials" in ran.err.lower()
    assert "ghp_" not in ran.err
