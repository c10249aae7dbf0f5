"""The demo as its user starts it, without a screen."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.processes import environ


@pytest.mark.processes
@pytest.mark.timeout(180)
def test_the_demo_runs_its_main_job_with_nothing_configured_and_leaves_nothing(home: Path) -> None:
    # What the user has configured must not get in: this would fail if it were read.
    env = environ(home, DISCORD_GUILD_ID="not-a-number", AWS_ENDPOINT_URL="http://127.0.0.1:9", GITHUB_TOKEN="real")
    command = [sys.executable, "-m", "tui", "--demo", "--headless", "8"]
    with subprocess.Popen(
        command, env=env, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as run:
        out, err = run.communicate(timeout=170)
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


@pytest.mark.processes
@pytest.mark.timeout(90)
@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc to find the demo's folder")
@pytest.mark.parametrize(
    ("number", "parts"), [(signal.SIGINT, 2), (signal.SIGINT, 6), (signal.SIGTERM, 6), (signal.SIGHUP, 6)]
)
def test_an_impatient_user_leaves_nothing_behind_either(home: Path, number: signal.Signals, parts: int) -> None:
    """It is asked to leave when so many of its parts have started: all of them, or only the first."""
    command = [sys.executable, "-m", "tui", "--demo", "--headless", "60"]
    with subprocess.Popen(
        command, env=environ(home), cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as run:
        while len(children := folders(run.pid)) < parts:
            assert run.poll() is None
            time.sleep(0.02)
        os.kill(run.pid, number)
        while run.poll() is None:  # again and again, as people do who see nothing happen
            time.sleep(0.1)
            os.kill(run.pid, number)
        run.communicate()
    assert folders(run.pid) == []
    assert not children[0].exists()


def folders(group: int) -> list[Path]:
    """Where the processes that a demo started live."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            cwd = (stat.parent / "cwd").readlink()
            if int(fields[2]) == group and cwd.name.startswith("jinkies-demo-"):
                found.append(cwd)
    return found
