"""Others that take alerts in, as their makers install them; each is put into a folder of its own, once."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks._load import request

Make = Callable[[int], bytes]
_BOUNDS = (
    "MAX_EVENTS_PER_PROJECT_PER_5_MINUTES",
    "MAX_EVENTS_PER_PROJECT_PER_HOUR",
    "MAX_EVENTS_PER_PROJECT_PER_MONTH",
    "MAX_EVENTS_PER_5_MINUTES",
    "MAX_EVENTS_PER_HOUR",
    "MAX_EVENTS_PER_MONTH",
)


class Missing(Exception):
    """A peer can't be had here; says why."""


def cache() -> Path:
    """Where peers are kept between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jinkies-benchmarks"


def _run(*command: str | Path, **more: object) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, **more)  # type: ignore[call-overload] # as run takes them
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(str(error)) from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "failed").splitlines()[-1]
        raise Missing(f"{Path(command[0]).name}: {last}")
    return str(done.stdout)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def _process(*command: str | Path, port: int | None, **more: object) -> Iterator[None]:
    """Run until left; with a port, wait until somebody listens on it."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, **quiet, **more)  # type: ignore[call-overload] # as Popen takes them
    try:
        until = time.monotonic() + 30
        while port is not None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    raise Missing(f"{Path(command[0]).name} did not start") from None
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def bugsink(folder: Path, envelope: Callable[[int], bytes]) -> Iterator[tuple[str, Make]]:
    """From PyPI, as its makers' single-server set-up has it: gunicorn, SQLite, Snappea digesting behind it."""
    bin_ = folder / "bugsink" / "bin"
    if not (bin_ / "bugsink-manage").exists():
        print("  (installing Bugsink …)", flush=True)
        _run(sys.executable, "-m", "venv", folder / "bugsink")
        _run(bin_ / "pip", "install", "--quiet", "bugsink")
    with tempfile.TemporaryDirectory(prefix="jkb", dir="/tmp") as home, ExitStack() as stack:
        own = {"cwd": home, "env": {"PATH": f"{bin_}:{os.environ['PATH']}", "HOME": home, "PYTHONPATH": home}}
        own["env"] |= {"DJANGO_SETTINGS_MODULE": "bugsink_conf"}  # type: ignore[operator] # the dict of the line above
        _run(bin_ / "bugsink-create-conf", "--template=singleserver", "--host=127.0.0.1", f"--base-dir={home}", **own)
        bounds = "".join(f"BUGSINK[{name!r}] = 10**9\n" for name in _BOUNDS)
        with (Path(home) / "bugsink_conf.py").open("a") as conf:
            conf.write(f"\nALLOWED_HOSTS = ['*']\n{bounds}")
        for database in ("default", "snappea"):
            _run(bin_ / "bugsink-manage", "migrate", f"--database={database}", **own)
        script = (
            "from projects.models import Project\n"
            "made = Project.objects.create(name='b')\n"
            "print('made', made.id, made.sentry_key)"
        )
        made = re.search(r"made (\d+) (\S+)", _run(bin_ / "bugsink-manage", "shell", "-c", script, **own))
        if made is None:
            raise Missing("no project could be made")
        stack.enter_context(_process(bin_ / "bugsink-runsnappea", port=None, **own))
        port = _free_port()
        server = ("--workers=2", "--threads=8", f"--bind=127.0.0.1:{port}", "bugsink.wsgi")
        stack.enter_context(_process(bin_ / "gunicorn", *server, port=port, **own))
        address, key = f"127.0.0.1:{port}", uuid.UUID(made[2]).hex
        auth = {"X_Sentry_Auth": f"Sentry sentry_version=7, sentry_key={key}"}
        yield address, lambda n: request(address, f"/api/{made[1]}/envelope/", envelope(n), **auth)


@contextmanager
def alertmanager(folder: Path, alert: Callable[[int], bytes]) -> Iterator[tuple[str, Make]]:
    """Debian's package: the installed one, else unpacked from the archive."""
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        unpacked = folder / "alertmanager"
        program = str(unpacked / "usr/bin/prometheus-alertmanager")
        if not Path(program).exists():
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="jkb") as download:
                _run("apt-get", "download", "prometheus-alertmanager", cwd=download)
                (package,) = Path(download).glob("*.deb")
                _run("dpkg", "-x", package, unpacked)
    with tempfile.TemporaryDirectory(prefix="jkb", dir="/tmp") as home:
        (Path(home) / "conf.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        port = _free_port()
        options = ("--config.file=conf.yml", f"--storage.path={home}", f"--web.listen-address=127.0.0.1:{port}")
        with _process(program, *options, "--cluster.listen-address=", port=port, cwd=home):
            address = f"127.0.0.1:{port}"
            kind = {"Content_Type": "application/json"}
            yield address, lambda n: request(address, "/api/v2/alerts", alert(n), **kind)
