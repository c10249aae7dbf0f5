"""The terminal itself: what happens when it goes away."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

# Like make, it waits for its child before it dies of the hang-up, of which only it hears: a session's leader.
LEADER = """
import fcntl, signal, subprocess, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
child = subprocess.Popen([sys.executable, "-m", "tui"])
signal.signal(signal.SIGHUP, signal.SIG_IGN)
child.wait()
"""


@pytest.mark.processes
@pytest.mark.timeout(100)
def test_a_terminal_that_goes_away_ends_the_console(home: Path) -> None:
    environ = {**os.environ, "JINKIES_HOME": str(home / "h"), "HOME": str(home), "TERM": "xterm-256color"}
    terminal, inside = pty.openpty()
    leader = subprocess.Popen(
        [sys.executable, "-c", LEADER],
        stdin=inside, stdout=inside, stderr=inside, cwd=home, env=environ, start_new_session=True,
    )  # fmt: skip
    os.close(inside)
    seen = b""
    while b"draft PR" not in seen or not serves(home / "h" / "core.sock"):
        seen += os.read(terminal, 65_536)
    os.close(terminal)
    try:
        until = time.monotonic() + 40
        while serves(home / "h" / "core.sock"):
            assert time.monotonic() < until, "the console goes on without a terminal"
            time.sleep(0.05)
    finally:
        leader.kill()
        leader.wait()


def serves(path: Path) -> bool:
    """Whether the core that the console embedded still answers: the kernel closes its socket when it ends."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
