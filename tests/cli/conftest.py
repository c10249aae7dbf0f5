"""The command run as users run it: configured by a file and the environment, its exit code and output looked at."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from jinkies.app import host
from jinkies.cli import main
from jinkies.commands import ReportOccurrence
from jinkies.config import Config

_OURS = (
    "DISCORD_",
    "GITHUB_",
    "AWS_",
    "JINKIES_",
    "DEFAULT_BASE_",
    "ENVIRONMENT_NAME",
    "LOG_LEVEL",
    "MAX_LOG",
    "ALERT_R",
)


class Ran(msgspec.Struct, frozen=True):
    """What a command left."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's own configuration; the tests' home; a free port."""
    for name in os.environ:
        if name.startswith(_OURS):
            monkeypatch.delenv(name)
    file = home / "jinkies.toml"
    file.write_text('[http]\nlisten = "127.0.0.1:0"\n')
    monkeypatch.chdir(home)
    monkeypatch.setenv("JINKIES_HOME", str(home))
    monkeypatch.setenv("JINKIES_CONFIG", str(file))
    monkeypatch.setenv("ENVIRONMENT_NAME", "test")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process (from a thread, where a loop runs here)."""

    def run(*argv: str) -> Ran:
        capsys.readouterr()
        code = main(argv)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


def start(*argv: str) -> subprocess.Popen[str]:
    """Start the command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "jinkies", *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def report(config: Config, *reports: ReportOccurrence) -> None:
    """Put alerts into the database and let go of it."""

    async def put() -> None:
        async with host(config, ingest=False, background=False) as core:
            from jinkies.model import SYSTEM

            for one in reports:
                await core.operator(SYSTEM).execute(one)

    asyncio.run(put())
