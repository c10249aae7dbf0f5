"""Starts ministack, an emulator of CloudWatch Logs and SNS that others wrote, on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_S = 60.0
STARTS = 3  # another process may take the port between our look and ministack's


@contextmanager
def ministack(services: str = "logs,sns") -> Iterator[str]:
    """A running ministack; yields its address. Any keys and any region are good for it."""
    with tempfile.TemporaryDirectory(prefix="jkms", dir="/tmp") as folder:
        process, url = _start(services, Path(folder))
        try:
            yield url
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _start(services: str, folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    for _ in range(STARTS):
        port = _free_port()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "ministack"],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=folder,
                env={
                    "PATH": os.environ.get("PATH", ""),
                    "HOME": str(folder),
                    "TMPDIR": str(folder),
                    "BIND_HOST": "127.0.0.1",
                    "GATEWAY_PORT": str(port),
                    "SERVICES": services,
                    "IOT_MTLS_ENABLED": "0",  # else it listens for MQTT on every interface, whatever BIND_HOST says
                },
            )
        url = f"http://127.0.0.1:{port}"
        if _ready(process, url):
            return process, url
        process.kill()
        process.wait()
    raise RuntimeError(f"ministack did not start: {(folder / 'log').read_text(errors='replace')[-2000:]}")


def _ready(process: subprocess.Popen[bytes], url: str) -> bool:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/_ministack/health", timeout=1) as answer:  # noqa: S310 - our own loopback
                if answer.status == 200:
                    return process.poll() is None
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
