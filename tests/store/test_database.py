"""The database: durable settings, forward-only migrations, and what is said when it can't be written."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from jinkies.app import host
from jinkies.commands import Expire, ReportOccurrence, Resolve
from jinkies.config import Config
from jinkies.core import Core
from jinkies.errors import StoreFailed
from jinkies.model import SYSTEM, AlertQuery, Counts, PartState
from jinkies.store.database import migrations, open_writer
from jinkies.store.keeping import NEWEST
from jinkies.store.reader import READERS
from jinkies.store.writer import TIDY_COMMITS


def store_state(core: Core) -> PartState:
    return core.health["store"].state


async def test_every_commit_is_synced(home: Path) -> None:
    async with open_writer(home / "jinkies.db") as connection:
        assert list(await connection.execute_fetchall("PRAGMA journal_mode")) == [("wal",)]
        assert list(await connection.execute_fetchall("PRAGMA synchronous")) == [(2,)]


async def test_migrations_run_once_and_the_epoch_stays(config: Config) -> None:
    async with host(config, ingest=False, background=False) as first:
        epoch = first.epoch
        await first.execute(ReportOccurrence(service="api", message="m"), SYSTEM)
    async with host(config, ingest=False, background=False) as second:
        assert second.epoch == epoch
        assert second.hub.head == 1
        assert (await second.reader.alert(1)).row.count == 1


def test_every_migration_has_a_number_of_its_own() -> None:
    numbers = [number for number, _ in migrations()]
    assert len(set(numbers)) == len(numbers)


async def test_a_newer_database_is_left_alone(home: Path) -> None:
    newer = migrations()[-1][0] + 1
    with sqlite3.connect(home / "jinkies.db") as connection:
        connection.execute(f"PRAGMA user_version = {newer}")
    connection.close()
    with pytest.raises(StoreFailed, match=f"newer Jinkies \\(schema {newer}, this one knows {newer - 1}\\)"):
        async with open_writer(home / "jinkies.db"):
            pass


async def test_a_file_that_is_no_database_says_so(home: Path) -> None:
    (home / "jinkies.db").write_bytes(b"not a database, but somebody's notes\n" * 100)
    with pytest.raises(StoreFailed, match="file is not a database"):
        async with open_writer(home / "jinkies.db"):
            pass


async def test_a_full_disk_fails_the_batch_publishes_nothing_and_recovers(core: Core) -> None:
    """SQLite's page limit stands for the disk: the same error, from the same call."""
    await core.execute(ReportOccurrence(service="api", message="before"), SYSTEM)
    database = core._store._db
    ((pages,),) = await database.execute_fetchall("PRAGMA page_count")
    await database.execute_fetchall(f"PRAGMA max_page_count = {pages}")
    results = await asyncio.gather(
        *(
            core.execute(ReportOccurrence(service="api", message="x" * 9_000, fingerprint=f"{n}"), SYSTEM)
            for n in range(50)
        ),
        return_exceptions=True,
    )
    assert {type(result) for result in results} == {StoreFailed}
    assert "disk is full" in str(results[0])
    assert core.hub.head == 1
    assert store_state(core) is PartState.FAILED
    await database.execute_fetchall("PRAGMA max_page_count = 1000000")
    outcome = await core.execute(ReportOccurrence(service="api", message="after"), SYSTEM)
    assert (outcome.alert_id, outcome.seq) == (2, 2)
    assert store_state(core) is PartState.OK


async def test_the_first_and_the_newest_occurrences_are_kept_and_the_count_is_exact(core: Core) -> None:
    total = NEWEST * 3
    for n in range(total):
        await core.execute(ReportOccurrence(service="api", message=f"time {n}", fingerprint="same"), SYSTEM)
    detail = await core.reader.alert(1)
    assert (detail.row.count, detail.first.message, detail.latest.message) == (total, "time 0", f"time {total - 1}")
    ((kept,),) = await core._store._db.execute_fetchall("SELECT count(*) FROM occurrences")
    assert kept == NEWEST + 2, "the newest ones, the first, and one between"


async def test_resolved_alerts_expire_and_their_ids_are_not_used_again(core: Core) -> None:
    for n in range(3):
        await core.execute(ReportOccurrence(service="api", message=f"m{n}", fingerprint=f"{n}"), SYSTEM)
    await core.execute(Resolve(alert_id=2), SYSTEM)
    await core.execute(Resolve(alert_id=3), SYSTEM)
    outcome = await core.execute(Expire(before_ms=core.clock.now_ms() + 1), SYSTEM)
    assert outcome.reason == "2 deleted"
    page = await core.reader.alerts(AlertQuery())
    assert [row.alert_id for row in page.rows] == [1]
    assert (await core.snapshot()).counts.resolved == 0
    new = await core.execute(ReportOccurrence(service="api", message="new", fingerprint="new"), SYSTEM)
    assert new.alert_id == 4


async def test_expiring_twice_in_one_transaction_counts_once(core: Core) -> None:
    for n in range(3):
        await core.execute(ReportOccurrence(service="api", message=f"m{n}", fingerprint=f"{n}"), SYSTEM)
    await core.execute(Resolve(alert_id=1), SYSTEM)
    expire = Expire(before_ms=core.clock.now_ms() + 1)
    outcomes = await asyncio.gather(core.execute(expire, SYSTEM), core.execute(expire, SYSTEM))
    assert [(one.changed, one.reason) for one in outcomes] == [(True, "1 deleted"), (False, "0 deleted")]
    assert (await core.snapshot()).counts == Counts(open=2)


async def test_an_old_alert_that_was_resolved_just_now_is_kept(core: Core) -> None:
    """Its card is still to be edited, and somebody may want it back."""
    await core.execute(ReportOccurrence(service="api", message="m", occurred_at_ms=1), SYSTEM)
    await core.execute(Resolve(alert_id=1), SYSTEM)
    resolved_at_ms = (await core.reader.alert(1)).row.resolved_at_ms
    assert resolved_at_ms is not None
    assert not (await core.execute(Expire(before_ms=resolved_at_ms), SYSTEM)).changed
    assert (await core.execute(Expire(before_ms=resolved_at_ms + 1), SYSTEM)).changed


async def test_a_reader_who_leaves_half_way_leaves_nothing_open(core: Core) -> None:
    """A transaction left open on a reading connection would show its own moment for ever."""
    for steps in range(12):
        leaving = asyncio.create_task(core.snapshot())
        for _ in range(steps):
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait({leaving})
    await core.execute(ReportOccurrence(service="api", message="m"), SYSTEM)
    for snapshot in await asyncio.gather(*(core.snapshot() for _ in range(2 * READERS))):
        assert snapshot.position.seq == 1


async def test_a_command_that_cannot_be_stored_fails_alone(core: Core, caplog: pytest.LogCaptureFixture) -> None:
    messages = ["one", "half a character: \ud800", "two"]
    results = await asyncio.gather(
        *(core.execute(ReportOccurrence(service="api", message=m, fingerprint=m[:3]), SYSTEM) for m in messages),
        return_exceptions=True,
    )
    assert isinstance(results[1], StoreFailed)
    assert "report_occurrence" in caplog.text
    page = await core.reader.alerts(AlertQuery())
    assert sorted(row.title for row in page.rows) == ["one", "two"]
    assert core.hub.head == 2


async def test_a_writer_whose_undoing_fails_too_goes_on(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    store = core._store

    def broken(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    def left_open() -> None:
        """As if rolling back had failed as well."""

    with monkeypatch.context() as patched:
        patched.setattr(store, "_apply", broken)
        patched.setattr(store, "_undo", left_open)
        for _ in range(3):
            with pytest.raises(StoreFailed, match=r"disk I/O error|within a transaction"):
                await core.execute(ReportOccurrence(service="api", message="m"), SYSTEM)
    with pytest.raises(StoreFailed, match="within a transaction"):
        await core.execute(ReportOccurrence(service="api", message="m"), SYSTEM)
    assert (await core.execute(ReportOccurrence(service="api", message="m"), SYSTEM)).seq == 1


async def test_the_log_is_written_back_between_transactions(core: Core) -> None:
    text = "written back by itself"
    await core.execute(ReportOccurrence(service="api", message=text, fingerprint="f"), SYSTEM)
    again = ReportOccurrence(service="api", message="m", fingerprint="f")
    for _ in range(TIDY_COMMITS - 1):
        assert text.encode() not in core.config.database_path.read_bytes()
        await core.execute(again, SYSTEM)
    await core.execute(again, SYSTEM)  # answered after that
    assert text.encode() in core.config.database_path.read_bytes()
