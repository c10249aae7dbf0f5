"""The demo as its user starts it, without a screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.processes import environ


@pytest.mark.processes
@pytest.mark.timeout(120)
def test_the_demo_runs_its_main_job_with_nothing_configured_and_leaves_nothing(home: Path) -> None:
    # What the user has configured must not get in: this would fail if it were read.
    env = environ(home, DISCORD_GUILD_ID="not-a-number", AWS_ENDPOINT_URL="http://127.0.0.1:9", GITHUB_TOKEN="real")
    command = [sys.executable, "-m", "tui", "--demo", "--headless", "16"]
    with subprocess.Popen(
        command, env=env, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as run:
        out, err = run.communicate(timeout=100)
    assert run.returncode == 0, err.decode()
    with pytest.raises(ProcessLookupError):
        os.killpg(run.pid, 0)  # no process of its group is left
    report = json.loads(out)
    assert report["trouble"] == []
    assert report["alerts"] >= 1
    assert report["occurrences"] >= report["alerts"]
    assert report["cards"] in {report["alerts"], report["alerts"] - 1}, "the last one may be on its way"
    assert report["acknowledged_in_console"] == 1
    assert report["pull_request"].startswith("http://127.0.0.1:")
    assert report["card_shows_pull_request"]
    assert not (home / "h").exists()
