"""The terminal itself: what happens when it goes away."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tui.pace import Pace, _Counted

# Like make, it waits for its child before it dies of the hang-up, of which only it hears: a session's leader.
LEADER = """
import fcntl, signal, subprocess, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGHUP, getattr(signal, sys.argv[1]))
child = subprocess.Popen([sys.executable, "-m", "tui"])
signal.signal(signal.SIGHUP, signal.SIG_IGN)
child.wait()
"""


@pytest.mark.processes
@pytest.mark.timeout(100)
@pytest.mark.parametrize("inherited", ["SIG_DFL", "SIG_IGN"])  # as from a shell, and as from nohup
def test_a_terminal_that_goes_away_ends_the_console(home: Path, inherited: str) -> None:
    environ = {**os.environ, "JINKIES_HOME": str(home / "h"), "HOME": str(home), "TERM": "xterm-256color"}
    terminal, inside = pty.openpty()
    leader = subprocess.Popen(
        [sys.executable, "-c", LEADER, inherited],
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
        os.killpg(leader.pid, signal.SIGKILL)  # the console too, where it goes on
        leader.wait()


def test_who_writes_to_a_terminal_that_is_gone_is_told_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would look later: whoever draws waits for the thread that wrote, which ended."""
    told: list[tuple[int, int]] = []
    monkeypatch.setattr("tui.pace.os.kill", lambda *signalled: told.append(signalled))
    terminal, inside = pty.openpty()
    with os.fdopen(inside, "w") as file:
        counted = _Counted(file, Pace(time.monotonic))
        counted.write("seen")
        counted.flush()
        assert told == []
        os.close(terminal)
        counted.write("unseen")
        with pytest.raises(OSError, match="Input/output error"):
            counted.flush()
        assert told == [(os.getpid(), signal.SIGHUP)]
        nowhere = os.open(os.devnull, os.O_WRONLY)  # takes what is still buffered
        os.dup2(nowhere, inside)
        os.close(nowhere)


def serves(path: Path) -> bool:
    """Whether the core that the console embedded still answers: the kernel closes its socket when it ends."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
