"""Durable accepts a second over HTTP: Sentry envelopes of 4.7 KB, and small JSON alerts.

    python -m benchmarks.ingest [--seconds 5] [--connections 16] [--kinds 200] [--without-peers] [--peers FOLDER]

The core runs as a process of its own and syncs each group commit to the disk before it answers; the senders run in
this one, with requests made beforehand. Beside it, in the same run: the disk's own pace (one SQLite transaction after
another with the same settings, one row each: what a desk without group commit could do); Bugsink with the same
envelopes, and Alertmanager, which keeps alerts in memory only, with alerts of the same words. Peers that can't be had
are named and left out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks._load import Measured, load, request
from benchmarks._peers import Missing, alertmanager, bugsink, cache

KINDS = 200  # different errors: their lines of code come again and again, as those of real ones do
TOKEN = uuid.uuid4().hex
STACK = "Traceback (most recent call last):\n" + "".join(
    f'  File "app/views/v{n}.py", line {n}, in f{n}\n    return cart[{n}]\n' for n in range(8)
)


def small(number: int, kinds: int = KINDS) -> bytes:
    return json.dumps(
        {
            "service_name": "api",
            "exception_type": "KeyError",
            "error_message": f"order {number}",
            "fingerprint": f"kind-{number % kinds}",
            "stack_trace": STACK,
        }
    ).encode()


def labelled(number: int, kinds: int = KINDS) -> bytes:
    """The same alert as Prometheus would send it."""
    labels = {"alertname": f"kind-{number % kinds}", "service": "api", "severity": "error"}
    return json.dumps([{"labels": labels, "annotations": {"summary": f"order {number}", "stack": STACK}}]).encode()


def event(number: int, kinds: int = KINDS) -> dict[str, object]:
    """As Python's SDK sends it from a view: 11 frames, the application's own with their lines of code."""
    kind = number % kinds
    frames = [
        {
            "filename": f"django/core/handlers/h{n}.py",
            "abs_path": f"/srv/shop/.venv/lib/python3.12/site-packages/django/core/handlers/h{n}.py",
            "function": "inner",
            "module": f"django.core.handlers.h{n}",
            "lineno": 40 + n,
            "context_line": "                response = get_response(request)",
            "in_app": False,
        }
        for n in range(7)
    ] + [
        {
            "filename": f"shop/cart{n}.py",
            "abs_path": f"/srv/shop/shop/cart{n}.py",
            "function": f"handle_{kind}",
            "module": f"shop.cart{n}",
            "lineno": 100 + n,
            "pre_context": ["", "    def total(self):", "        lines = self.lines"],
            "context_line": f"        return lines[{kind}].price",
            "post_context": ["", "    def empty(self):"],
            "in_app": True,
        }
        for n in range(4)
    ]
    return {
        "event_id": uuid.uuid4().hex,
        "timestamp": time.time(),
        "platform": "python",
        "level": "error",
        "environment": "production",
        "release": "shop@1.4.2",
        "server_name": "web-3",
        "transaction": "/orders/{number}/",
        "exception": {
            "values": [
                {
                    "type": "KeyError",
                    "module": "builtins",
                    "value": f"'order-{number}'",
                    "mechanism": {"type": "django", "handled": False},
                    "stacktrace": {"frames": frames},
                }
            ]
        },
        "breadcrumbs": {
            "values": [{"type": "log", "category": "shop", "level": "info", "message": f"line {n}"} for n in range(5)]
        },
        "request": {
            "url": f"https://shop.example/orders/{number}/",
            "method": "GET",
            "headers": {"Accept": "text/html", "User-Agent": "curl/8.5"},
        },
        "user": {"id": str(number % 1_000)},
        "contexts": {
            "runtime": {"name": "CPython", "version": "3.12.3"},
            "trace": {"trace_id": uuid.uuid4().hex, "span_id": "b0e6f15b45c36b12"},
        },
        "sdk": {"name": "sentry.python.django", "version": "2.40.0"},
    }


def envelope(number: int, kinds: int = KINDS) -> bytes:
    body = json.dumps(event(number, kinds)).encode()
    head = json.dumps({"event_id": uuid.uuid4().hex, "sent_at": "2026-01-01T00:00:00Z"}).encode()
    return head + b'\n{"type":"event","content_type":"application/json","length":%d}\n' % len(body) + body + b"\n"


@contextmanager
def core(folder: Path) -> Iterator[tuple[str, int]]:
    """A core with a token; its address and its process."""
    (folder / "jinkies.toml").write_text('[http]\nlisten = "127.0.0.1:0"\n')
    environ = {key: os.environ[key] for key in ("PATH", "LANG", "PYTHONPATH") if key in os.environ}
    own = {"HOME": str(folder), "JINKIES_HOME": str(folder / "h"), "JINKIES_INGEST_TOKENS": f"shop:{TOKEN}"}
    process = subprocess.Popen(
        [sys.executable, "-m", "jinkies", "serve"], cwd=folder, env=environ | own, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://([\d.:]+)", process.stdout.readline())
        assert found
        yield found[1], process.pid
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def one_by_one(folder: Path, seconds: float) -> float:
    """Transactions a second of one row each, WAL and synchronous=FULL."""
    connection = sqlite3.connect(folder / "plain.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT)")
    count, until = 0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        connection.execute("INSERT INTO rows (body) VALUES (?)", (STACK,))
        count += 1
    connection.close()
    return count / seconds


def cpu_s(pid: int) -> float:
    """Processor time of a process so far (Linux: fields 14 and 15 of its stat); 0 where it can't be read."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """Of a process, those that run (Linux); none where that can't be read."""
    try:
        return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def measure_core(
    folder: Path, seconds: float, connections: int, kinds: int
) -> Iterator[tuple[str, Measured, list[float]]]:
    """Of each kind of alert: its name, what was measured, and one's processor time in µs: core, then ingest process."""
    with core(folder) as (address, pid):
        show = {"Authorization": f"Bearer {TOKEN}", "Content_Type": "application/json"}
        auth = {"X_Sentry_Auth": f"Sentry sentry_version=7, sentry_key={TOKEN}"}
        for name, path, body, headers in (
            ("Sentry envelopes", "/api/1/envelope/", envelope, auth),
            ("small JSON", "/webhook/alert", small, show),
        ):
            ready = [request(address, path, body(n, kinds), **headers) for n in range(int(seconds * 8_000))]
            processes = [pid, *children(pid)]
            before = [cpu_s(one) for one in processes]
            measured = load(address, ready, seconds=seconds, connections=connections)
            spent = [cpu_s(one) - then for one, then in zip(processes, before, strict=True)]
            yield name, measured, [each / (measured.per_second * seconds) * 1e6 for each in spent]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--kinds", type=int, default=KINDS, help="different errors; 1000000: none comes twice")
    parser.add_argument("--without-peers", action="store_true")
    parser.add_argument("--peers", type=Path, help="where they are installed, once (default: a cache folder)")
    arguments = parser.parse_args()
    print(
        f"{arguments.connections} connections, {arguments.seconds:g} s each; an envelope is {len(envelope(1)):,} bytes"
    )
    with tempfile.TemporaryDirectory(prefix="jkb", dir="/tmp") as name:
        for what, measured, each_us in measure_core(
            Path(name), arguments.seconds, arguments.connections, arguments.kinds
        ):
            cost = " + ".join(f"{us:,.0f}" for us in each_us)
            print(f"{f'jinkies, {what}, durable':<40}{measured}   {cost} µs of a processor each", flush=True)
        plain = one_by_one(Path(name), min(arguments.seconds, 3.0))
        print(f"{'plain SQLite, one row a transaction':<40}{plain:>8,.0f}/s", flush=True)
    if not arguments.without_peers:
        measure_peers(arguments.peers or cache(), arguments.seconds, arguments.connections, arguments.kinds)


def measure_peers(folder: Path, seconds: float, connections: int, kinds: int) -> None:
    for title, peer, body in (
        ("Bugsink, Sentry envelopes", bugsink, envelope),
        ("Alertmanager, alerts, in memory", alertmanager, labelled),
    ):
        try:
            with peer(folder, partial(body, kinds=kinds)) as (address, made):
                ready = [made(n) for n in range(int(seconds * 15_000))]
                measured = load(address, ready, seconds=seconds, connections=connections)
        except (Missing, RuntimeError, OSError) as error:
            print(f"{title:<40}left out: {error}"[:200], flush=True)
        else:
            print(f"{title:<40}{measured}", flush=True)


if __name__ == "__main__":
    main()
