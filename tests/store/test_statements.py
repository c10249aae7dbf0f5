"""Many rows in few statements: each row once, in order, whatever their number."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import pairwise

import pytest

from jinkies.store.statements import SIZES, many


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 15, 16, 63, 64, 85, 1_000])
def test_each_row_once_and_in_order(count: int) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.execute("CREATE TABLE kept (at INTEGER PRIMARY KEY, number INTEGER, name TEXT)")
        seen: list[str] = []
        db.set_trace_callback(seen.append)
        many(db, "INSERT INTO kept (number, name)", [(number, f"n{number}") for number in range(count)])
        db.set_trace_callback(None)
        rows = db.execute("SELECT number, name FROM kept ORDER BY at").fetchall()
    assert rows == [(number, f"n{number}") for number in range(count)]
    assert len(seen) <= count // SIZES[0] + sum(big // small for big, small in pairwise(SIZES))


def test_the_later_of_two_rows_counts() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.execute("CREATE TABLE kept (name TEXT PRIMARY KEY, number INTEGER)")
        rows = [("a", number) for number in range(20)]
        many(db, "INSERT INTO kept (name, number)", rows, " ON CONFLICT DO UPDATE SET number = excluded.number")
        assert db.execute("SELECT * FROM kept").fetchall() == [("a", 19)]
