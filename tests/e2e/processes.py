"""Real processes for the tests that kill them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

START_S = 60.0


def environ(home: Path, **more: str) -> dict[str, str]:
    """A clean environment with a home of its own; nothing of the user's configuration gets in."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH", "VIRTUAL_ENV") if name in os.environ}
    return kept | {"HOME": str(home), "JINKIES_HOME": str(home / "h"), "PYTHONUNBUFFERED": "1"} | more


@asynccontextmanager
async def process(
    *arguments: str, env: dict[str, str], cwd: Path, prefix: tuple[str, ...] = ()
) -> AsyncIterator[Process]:
    """``python -m …``, killed at the end if it still runs."""
    running = await asyncio.create_subprocess_exec(
        *prefix,
        sys.executable,
        "-m",
        *arguments,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):  # a test may have killed it a moment ago
            os.killpg(running.pid, signal.SIGKILL)
        await running.communicate()


async def line_with(running: Process, pattern: str) -> re.Match[str]:
    """Wait for a line of output that matches; what came before is in the error when none does."""
    said: list[str] = []
    assert running.stdout is not None
    async with asyncio.timeout(START_S):
        while line := (await running.stdout.readline()).decode():
            said.append(line)
            if found := re.search(pattern, line):
                return found
    raise AssertionError(f"{pattern!r} never came:\n{''.join(said)}")
