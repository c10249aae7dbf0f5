"""Finding: what is found by which words, pages under writes, and that every page walks along indices.

Plans are asserted on a sample of the benchmark's store; times are the benchmark's business.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.store import NOW_MS, QUERIES, RARE, TENTH, build
from jinkies.commands import Expire, ReportOccurrence, Resolve
from jinkies.core import Core
from jinkies.errors import Invalid
from jinkies.model import SYSTEM, AlertQuery
from jinkies.query import parse
from jinkies.store import finding
from jinkies.store.finding import search_of
from jinkies.store.reader import Reader, open_readers

SAMPLE = 20_000


@pytest.fixture(scope="module")
def sample() -> Iterator[Path]:
    """A store of 20,000 alerts."""
    with tempfile.TemporaryDirectory(prefix="jk", dir="/tmp") as name:
        path = Path(name) / "jinkies.db"
        asyncio.run(build(path, SAMPLE))
        yield path


def plan(path: Path, statement: finding.Statement) -> list[str]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.values).fetchall()
    connection.close()
    return [str(row[-1]) for row in rows]


@pytest.mark.parametrize("text", [text for text, _ in QUERIES])
def test_every_page_walks_along_indices(sample: Path, text: str) -> None:
    search = search_of(parse(text, now_ms=NOW_MS).query(cursor=f"{NOW_MS}-9"))
    statements = [search.walked()]
    if search.match:
        statements = [search.probed(), search.gathered(), search.fetched()]
    for statement in statements:
        steps = plan(sample, statement)
        scanned = {step for step in steps if step.startswith("SCAN")} - {"SCAN w"}  # the walk itself, as it comes
        assert not [step for step in scanned if "VIRTUAL TABLE" not in step and "json_each" not in step], scanned
    walked = plan(sample, statements[0])
    assert not [step for step in walked if "TEMP B-TREE" in step], "\n".join(walked)
    along = [step for step in walked if "USING COVERING INDEX" in step]
    assert along
    assert all("state=? AND severity=?" in step for step in along)


@pytest.mark.parametrize(
    "text",
    ["count>50", "state:any count>50", "service:service-3 env:prod count>50 until:9d level>=error", "count>50 x"],
)
async def test_what_happened_often_is_found_along_an_index_of_its_own(
    sample: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = parse(text, now_ms=NOW_MS).query(limit=50)
    search = search_of(query)
    assert "alerts_by_count" in " ".join(plan(sample, search.counted_often()))
    often = search.by_count()
    steps = plan(sample, often.gathered() if often.match else often.walked())
    assert [step for step in steps if "USING COVERING INDEX alerts_by_count (repeats>?)" in step], steps
    pages = []
    async with open_readers(sample) as reader:
        for many in (10**9, -1):
            monkeypatch.setattr("jinkies.store.reader.OFTEN", many)
            page = await reader.alerts(query)
            following = await reader.alerts(msgspec.structs.replace(query, cursor=page.next_cursor))
            pages.append([row.alert_id for row in (*page.rows, *following.rows)])
    assert pages[0] == pages[1]
    assert pages[0] or "x" in text


def test_retention_and_timelines_walk_along_indices(sample: Path) -> None:
    expired = (
        "SELECT alert_id FROM alerts INDEXED BY alerts_by_resolution WHERE state = 'resolved'"
        " AND resolved_at_ms < 1 AND last_seen_at_ms < 1 LIMIT 9"
    )
    told = "SELECT body FROM journal WHERE alert_id = 1 AND kind != 'alert.occurred' ORDER BY seq DESC LIMIT 9"
    for sql, index in ((expired, "alerts_by_resolution"), (told, "journal_by_alert")):
        (step,) = plan(sample, finding.Statement(sql, ()))
        assert f"INDEX {index} (" in step


@pytest.mark.parametrize(
    ("few", "many"), [(0, 10**9), (0, 0), (10**9, 10**9)], ids=["gathered", "probed", "fetched and sorted"]
)
@pytest.mark.parametrize("text", [TENTH, f'"{TENTH}"', f"state:open {TENTH}", f"service:service-3 {TENTH}", RARE])
async def test_text_is_found_the_same_in_every_way(
    sample: Path, text: str, few: int, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jinkies.store.reader.FEW", few)
    monkeypatch.setattr("jinkies.store.reader.MANY", many)
    monkeypatch.setattr(finding, "MANY", 10**6)
    query = parse(f"state:any {text}" if "state:" not in text else text, now_ms=NOW_MS).query(limit=7)
    seen: list[int] = []
    async with open_readers(sample) as reader:
        while len(seen) < 70:
            page = await reader.alerts(query)
            seen += [row.alert_id for row in page.rows]
            if page.next_cursor is None:
                break
            query = msgspec.structs.replace(query, cursor=page.next_cursor)
    with sqlite3.connect(sample) as connection:
        word = RARE if RARE in text else TENTH
        clause = "AND state = 'open'" if "open" in text else "AND service = 'service-3'" if "service" in text else ""
        held = connection.execute(
            "SELECT a.alert_id FROM alerts AS a JOIN occurrences AS o USING (alert_id)"  # noqa: S608 - literals above
            f" WHERE CAST(o.image AS TEXT) LIKE ? {clause}"
            " ORDER BY last_seen_at_ms DESC, a.alert_id DESC LIMIT 70",
            (f"%{word}%",),
        ).fetchall()
    connection.close()
    assert seen == [alert_id for (alert_id,) in held]


@asynccontextmanager
async def told(core: Core, **fields: object) -> AsyncIterator[Reader]:
    """A store with one alert made of these fields, and another one."""
    await core.execute(msgspec.convert({"service": "api", "message": "m"} | fields, ReportOccurrence), SYSTEM)
    await core.execute(ReportOccurrence(service="worker", message="something else"), SYSTEM)
    yield core.reader


async def found(reader: Reader, search: str, **changes: object) -> list[int]:
    query = msgspec.convert({"search": search} | changes, AlertQuery)
    return [row.alert_id for row in (await reader.alerts(query)).rows]


@pytest.mark.parametrize(
    ("search", "finds"),
    [
        ("order_id", True),
        ("order", True),
        ("KeyError", True),
        ("Error", True),  # a part of KeyError
        ("key err", True),  # the last word is a beginning
        ("err key", False),  # the first is not
        ("app/views.py", True),
        ("views", True),
        ('"in show"', True),
        ('"show in"', False),
        ("cafe", True),  # case and diacritics are folded
        ("CAFÉ", True),
        ("/orders/7", True),
        ("api", True),
        ("prod", True),
        ("eu-west-1", True),
        ("order -cafe", False),
        ("order -nothing", True),
        ("-nothing", True),
        ("-order", False),
        ("1", True),  # a bare number is also an alert's
        ('NEAR( "zzz" OR', False),
        ('" AND "', False),
        ("order OR nothing", False),  # words, no operators
        ("tags:eu", False),  # no column either: two words that lie apart
    ],
)
async def test_words_are_found_wherever_they_stand(core: Core, search: str, *, finds: bool) -> None:
    async with told(
        core,
        message="Café: order_id is missing",
        exception_type="KeyError",
        stack_trace='Traceback (most recent call last):\n  File "app/views.py", line 7, in show',
        environment="prod",
        request_path="/orders/7",
        tags={"region": "eu-west-1"},
    ) as reader:
        assert (1 in await found(reader, search)) is finds


async def test_tags_are_found_exactly(core: Core) -> None:
    async with told(core, tags={"region": "eu-west-1", "customer": "a b"}) as reader:
        assert await found(reader, "", tags=[("region", "eu-west-1")]) == [1]
        assert await found(reader, "", tags=[("region", "eu-west-1"), ("customer", "a b")]) == [1]
        for wrong in (("region", "eu"), ("region", "west-1"), ("egion", "eu-west-1"), ("customer", "A B")):
            assert await found(reader, "", tags=[wrong]) == []


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_is_syntax(sample: Path, text: str) -> None:
    """Whatever is typed is words, or refused as such; it never reaches FTS5 as its language."""
    try:
        search = search_of(AlertQuery(search=text))
    except Invalid:
        return
    statements = [search.counted(), search.fetched()] if search.match else [search.walked()]
    with sqlite3.connect(sample) as connection:
        for statement in statements:
            connection.execute(statement.sql, statement.values).fetchall()
    connection.close()


async def test_what_is_deleted_is_found_no_more(core: Core) -> None:
    async with told(core, message="zanzibar") as reader:
        await core.execute(Resolve(alert_id=1), SYSTEM)
        assert await found(reader, "zanzibar") == [1]
        await core.execute(Expire(before_ms=core.clock.now_ms() + 1), SYSTEM)
        assert await found(reader, "zanzibar") == []
        await core._store._db.execute_fetchall("INSERT INTO alert_search (alert_search) VALUES ('integrity-check')")


async def test_a_repeat_writes_nothing_into_the_search(core: Core) -> None:
    async def size() -> int:
        ((total,),) = await core._store._db.execute_fetchall("SELECT sum(length(block)) FROM alert_search_data")
        return int(total)

    await core.execute(ReportOccurrence(service="api", message="m", fingerprint="f"), SYSTEM)
    before = await size()
    for n in range(20):
        await core.execute(ReportOccurrence(service="api", message=f"words {n}", fingerprint="f"), SYSTEM)
    assert await size() == before


async def test_pages_are_stable_while_alerts_move(core: Core) -> None:
    """None is shown twice; all that did not move are shown; one that moves ahead of the reader is where it moved to."""
    for n in range(60):
        await core.execute(ReportOccurrence(service="api", message=f"m{n}", fingerprint=f"{n}"), SYSTEM)
    query, seen, moved = AlertQuery(limit=10), list[int](), set[int]()
    for turn in range(7):
        page = await core.reader.alerts(query)
        seen += [row.alert_id for row in page.rows]
        for n in (turn, 30 + turn):  # one that is still to come, and one that may have been shown
            await core.execute(ReportOccurrence(service="api", message="again", fingerprint=f"{n}"), SYSTEM)
            moved.add(n + 1)
        if page.next_cursor is None:
            break
        query = msgspec.structs.replace(query, cursor=page.next_cursor)
    assert len(seen) == len(set(seen))
    assert set(range(1, 61)) - moved <= set(seen)
    newest = [row.alert_id for row in (await core.reader.alerts(AlertQuery(limit=20))).rows]
    assert moved <= set(newest)


@pytest.mark.parametrize("text", ["", TENTH, f"-{RARE}"], ids=["walked", "found", "left out"])
@pytest.mark.parametrize("services", [None, ("service-3", "service-1*"), ("[s]ervice*",), ()])
async def test_pages_lead_back_as_they_led_on(sample: Path, text: str, services: tuple[str, ...] | None) -> None:
    query = parse(f"state:any {text}", now_ms=NOW_MS).query(limit=9)
    query = msgspec.structs.replace(query, services=services)
    async with open_readers(sample) as reader:
        pages = [await reader.alerts(query)]
        while len(pages) < 4 and (cursor := pages[-1].next_cursor) is not None:
            pages.append(await reader.alerts(msgspec.structs.replace(query, cursor=cursor)))
        assert pages[0].previous_cursor is None
        if services is not None:
            assert all(row.service.startswith(("service-1", "service-3")) for page in pages for row in page.rows)
            assert bool(pages[0].rows) is (len(services) == 2)
        for page, before in zip(pages[:0:-1], pages[-2::-1], strict=True):
            back = await reader.alerts(msgspec.structs.replace(query, cursor=page.previous_cursor, newer=True))
            assert back.rows == before.rows
            assert (back.previous_cursor is None) is (before is pages[0])
            assert back.next_cursor is not None


async def test_a_page_before_nothing_is_refused(core: Core) -> None:
    with pytest.raises(Invalid, match="newer"):
        await core.reader.alerts(AlertQuery(newer=True))
