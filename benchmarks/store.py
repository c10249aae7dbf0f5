"""A store of a million alerts: pages, filters, counts, full text and opening, each beside its goal.

    python -m benchmarks.store [--alerts 1000000] [--keep FOLDER]

The store is built directly, not through the core. Each figure is of the reading side that frontends use; memory is the
process's own after all of it. `--keep` builds into a folder, or measures what is there already.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec

from jinkies.model import AlertRow, Counts, Occurrence, Severity, State
from jinkies.names import name_parts, tag_lines
from jinkies.query import parse
from jinkies.store.database import open_writer
from jinkies.store.reader import Reader, open_readers

NOW_MS = 1_767_225_600_000
SPAN_MS = 90 * 86_400_000  # how far back alerts were last seen
RARE, TENTH = "zanzibar", "deadlock"  # in 30 alerts, in every tenth
ROUNDS = 40

_SERVICES = [f"service-{number}" for number in range(40)]
_ENVIRONMENTS = ["prod"] * 90 + ["staging"] * 9 + ["test"]
_SEVERITIES = [Severity.ERROR] * 70 + [Severity.WARNING] * 20 + [Severity.INFO] * 8 + [Severity.CRITICAL] * 2
_STATES = [State.RESOLVED] * 90 + [State.OPEN] * 7 + [State.ACKNOWLEDGED] * 2 + [State.SNOOZED]
_encode = msgspec.json.Encoder().encode
_Rows = tuple[tuple[object, ...], tuple[object, ...], tuple[object, ...]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jkb", dir="/tmp") as name:
        folder = arguments.keep or Path(name)
        folder.mkdir(exist_ok=True)
        path = folder / "jinkies.db"
        if not path.exists():
            started = time.perf_counter()
            maker = multiprocessing.get_context("spawn").Process(target=_build, args=(path, arguments.alerts))
            maker.start()  # a process of its own: its memory is not what is measured
            maker.join()
            print(f"built in {time.perf_counter() - started:.0f} s", flush=True)
        size = path.stat().st_size
        print(f"{arguments.alerts:,} alerts, {size / 1e6:,.0f} MB, {size / arguments.alerts:,.0f} bytes an alert")
        asyncio.run(measure(path))


def _build(path: Path, alerts: int) -> None:
    asyncio.run(build(path, alerts))


async def build(path: Path, alerts: int) -> None:
    """A store of so many alerts, each with one occurrence; its indices and its full text are made at the end."""
    async with open_writer(path):
        pass
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -200000")
        indices = connection.execute("SELECT name, sql FROM sqlite_master WHERE tbl_name = 'alerts' AND type = 'index'")
        made = [(name, sql) for name, sql in indices if sql is not None]
        connection.execute("BEGIN")
        for name, _ in made:
            connection.execute(f"DROP INDEX {name}")
        counts = _fill(connection, alerts)
        for _, sql in made:
            connection.execute(sql)
        connection.execute("INSERT INTO alert_search (alert_search) VALUES ('rebuild')")
        connection.executemany(
            "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)",
            [("next_alert_id", str(alerts + 1)), ("counts", _encode(Counts(**counts)).decode())],
        )
        connection.execute("COMMIT")
    connection.close()


def _fill(connection: sqlite3.Connection, alerts: int) -> dict[str, int]:
    counts = {state.value: 0 for state in State}
    columns = (
        "alert_id, fingerprint, state, severity, service, environment, count, last_seen_at_ms, resolved_at_ms,"
        " names, tags, image, repeats"
    )
    for batch in _batches(alerts):
        connection.executemany(
            f"INSERT INTO alerts ({columns}) VALUES ({', '.join('?' * 13)})",  # noqa: S608 - the columns above
            [alert for alert, _, _ in batch],
        )
        connection.executemany("INSERT INTO occurrences VALUES (?, 1, ?)", [occurrence for _, occurrence, _ in batch])
        connection.executemany("INSERT INTO episodes VALUES (?, ?, ?, ?, ?)", [episode for _, _, episode in batch])
        connection.executemany(
            "INSERT INTO activity VALUES (?, ?, ?, ?)",
            [(int(str(alert[7])) // 86_400_000, alert[0], alert[4], alert[6]) for alert, _, _ in batch],
        )
        for alert, _, _ in batch:
            counts[str(alert[2])] += 1
    return counts


def _batches(alerts: int) -> Iterator[list[_Rows]]:
    chance = random.Random(7)  # noqa: S311 - the same store every time
    syllables = [a + b for a in "bcdfghklmnprstvz" for b in "aeiou"]
    words = ["".join(chance.choices(syllables, k=chance.randint(2, 5))) for _ in range(5_000)]
    for start in range(1, alerts + 1, 5_000):
        yield [_rows(number, alerts, chance, words) for number in range(start, min(start + 5_000, alerts + 1))]


def _rows(number: int, alerts: int, chance: random.Random, words: list[str]) -> _Rows:
    some = chance.choices(words, k=14)
    if number % 10 == 0:
        some[3] = TENTH
    if number % max(1, alerts // 30) == 7:
        some[4] = RARE
    last_seen_ms = NOW_MS - SPAN_MS + (SPAN_MS * number) // alerts - chance.randrange(86_400_000)
    state, severity = chance.choice(_STATES), chance.choice(_SEVERITIES)
    row = AlertRow(
        alert_id=number,
        state=state,
        severity=severity,
        service=chance.choice(_SERVICES),
        environment=chance.choice(_ENVIRONMENTS),
        title=f"KeyError: {' '.join(some[:6])}",
        exception_type="KeyError",
        request_path=f"/{some[6]}/{some[7]}",
        culprit=f"app/{some[8]}/{some[9]}.py:{number % 900} in {some[10]}_{some[11]}",
        count=1 + int(chance.expovariate(0.05)),
        first_seen_at_ms=last_seen_ms - 3_600_000,
        last_seen_at_ms=last_seen_ms,
        resolved_at_ms=last_seen_ms + 60_000 if state is State.RESOLVED else None,
    )
    stack = "\n".join(f'  File "app/{one}/views.py", line {number % 900}, in {one}_id' for one in some[8:13])
    occurrence = Occurrence(
        occurred_at_ms=row.first_seen_at_ms,
        message=f"{' '.join(some)} order_id {number}",
        stack_trace=f"Traceback (most recent call last):\n{stack}\nKeyError: 'order_id'",
        tags={"region": chance.choice(("eu", "us", "ap"))},
    )
    alert = (
        number,
        f"{number:064x}",
        state.value,
        severity.rank,
        row.service,
        row.environment,
        row.count,
        last_seen_ms,
        row.resolved_at_ms,
        name_parts((occurrence.message, "KeyError")),
        tag_lines(occurrence.tags),
        _encode(row),
        row.count if row.count > 1 else None,
    )
    episode = (number, row.first_seen_at_ms, row.service, row.first_seen_at_ms + 600_000, row.resolved_at_ms)
    return alert, (number, _encode(occurrence)), episode


async def measure(path: Path) -> None:
    """Print each figure beside its goal."""
    started = time.perf_counter()
    async with open_writer(path), open_readers(path) as reader:
        await reader.state()
        report("opened, with the first snapshot", (time.perf_counter() - started) * 1000, 1_000)
        await _time("counts and snapshot", reader.state, 20)
        await _time("counts by state", reader.counts, 5)
        for text, goal in QUERIES:
            await _page(reader, text, goal)
        await _page(reader, "", 20, deep=True)
        print(f"memory {_memory_mb():.0f} MB (goal < 200)")


QUERIES = (
    ("", 20),
    ("state:any", 20),
    ("state:open", 20),
    ("state:any service:service-7", 20),
    ("service:service-7 level>=critical", 20),
    ("state:any env:test", 20),
    ("state:any env:nowhere", 20),
    ("service:service-7 env:test state:snoozed", 20),
    ("level>=critical", 20),
    ("state:any level>=critical since:1d", 20),
    ("state:any until:80d", 20),
    ("state:any count>2", 20),
    ("state:any count>70", 20),
    ("state:any count>80", 20),
    ("state:any count>100", 20),
    ("state:any count>200", 20),
    ("count>100", 20),
    ("service:service-7 count>100", 20),
    ("state:any count>80 until:80d", 20),
    (f"state:any count>100 {TENTH}", 150),
    (f"state:any {RARE}", 50),
    (f"{RARE}", 50),
    (f"state:any {TENTH}", 150),
    (f'state:any "{TENTH}"', 150),
    (f"state:open {TENTH}", 150),
    (f"state:any {TENTH} until:80d", 150),
    ("state:any order_id", 0),
    ("state:any app/views.py error", 0),
    ("state:any tag:region=eu", 0),
    (f"state:any -{TENTH}", 150),
    ("state:any dea", 150),
)


async def _page(reader: Reader, text: str, goal: float, *, deep: bool = False) -> None:
    query = parse(text, now_ms=NOW_MS).query(limit=100)
    if deep:
        for _ in range(50):
            page = await reader.alerts(query)
            query = msgspec.structs.replace(query, cursor=page.next_cursor)
    found = len((await reader.alerts(query)).rows)
    name = f"{text or 'unresolved'}{', page 51' if deep else ''} ({found} rows)"
    await _time(name, lambda: reader.alerts(query), goal)


async def _time(name: str, call: Callable[[], Awaitable[object]], goal: float) -> None:
    times: list[float] = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        await call()
        times.append((time.perf_counter() - started) * 1000)
    report(f"{name}, p95", sorted(times)[int(ROUNDS * 0.95)], goal)


def report(name: str, took_ms: float, goal_ms: float) -> None:
    """One line."""
    missed = "" if took_ms < goal_ms else "  MISSED"
    goal = f"(goal < {goal_ms:g}){missed}" if goal_ms else "(more than a tenth hold it: no goal)"
    print(f"{name:<58} {took_ms:8.1f} ms  {goal}", flush=True)


def _memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
