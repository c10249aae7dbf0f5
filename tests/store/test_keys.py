"""Keys of requests: kept in the order in which they came, found by their name, and forgotten after their time."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from jinkies.commands import ReportOccurrence
from jinkies.core import Core
from jinkies.errors import KeyReused
from jinkies.model import SYSTEM, Actor, ActorKind
from jinkies.store import writer
from jinkies.store.database import migrations, open_writer

OTHER = Actor(kind=ActorKind.INGEST, id="other", name="other")


def said(message: str) -> ReportOccurrence:
    return ReportOccurrence(service="api", message=message, fingerprint=message)


async def keys(core: Core) -> list[str]:
    rows = await core._store._db.execute_fetchall("SELECT key FROM idempotency ORDER BY number")
    return [key for (key,) in rows]


async def test_a_key_is_one_of_its_sender(core: Core) -> None:
    first = await core.execute(said("a"), SYSTEM, "k")
    assert await core.execute(said("a"), SYSTEM, "k") == first
    with pytest.raises(KeyReused):
        await core.execute(said("b"), SYSTEM, "k")
    assert (await core.execute(said("b"), OTHER, "k")).created
    assert await keys(core) == ["k", "k"]


async def test_old_keys_go_a_bounded_number_at_once_more_than_come(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    await asyncio.gather(*(core.execute(said("a"), SYSTEM, f"old-{n}") for n in range(40)))
    await core._store._db.execute("UPDATE idempotency SET at_ms = 1")
    monkeypatch.setattr(writer, "KEYS_STEP", 30)
    await core.execute(said("a"), SYSTEM, "new-0")
    assert len(await keys(core)) == 11
    await core.execute(said("a"), SYSTEM, "new-1")
    assert await keys(core) == ["new-0", "new-1"]


async def test_keys_of_an_older_database_still_hold(home: Path) -> None:
    with sqlite3.connect(home / "jinkies.db") as connection:
        for number, sql in migrations():
            if number < 12:
                connection.executescript(f"{sql}; PRAGMA user_version = {number}")
        connection.executemany(
            "INSERT INTO idempotency VALUES ('ingest:shop', ?, x'00', x'01', ?)", [("later", 9), ("sooner", 5)]
        )
    connection.close()
    async with open_writer(home / "jinkies.db") as db:
        rows = await db.execute_fetchall("SELECT number, sender, key, request, response, at_ms FROM idempotency")
        assert list(rows) == [
            (1, "ingest:shop", "sooner", b"\0", b"\1", 5),
            (2, "ingest:shop", "later", b"\0", b"\1", 9),
        ]
        found = await db.execute_fetchall(
            "EXPLAIN QUERY PLAN SELECT 1 FROM idempotency WHERE sender = 'a' AND key = 'b'"
        )
        assert "idempotency_by_key (key=? AND sender=?)" in str(list(found))
