"""Many rows in few statements.

A thread lets go of the interpreter for each statement and each row of ``executemany``, and has to wait for the loop to
get it back; several rows in one statement wait once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

SIZES = (64, 16, 4, 1)  # rows of one statement: few, so that each stays prepared


def many(db: sqlite3.Connection, head: str, rows: Sequence[tuple[object, ...]], tail: str = "") -> None:
    """Carry out ``head VALUES (?, …), (?, …) tail`` for all the rows, in their order."""
    at = 0
    for size in SIZES:
        while len(rows) - at >= size:
            sql = _sql(head, len(rows[at]), size, tail)
            db.execute(sql, tuple(chain.from_iterable(rows[at : at + size])))
            at += size


@lru_cache(maxsize=256)  # statements are literals, and each has four sizes
def _sql(head: str, width: int, times: int, tail: str) -> str:
    row = f"({', '.join('?' * width)})"
    return f"{head} VALUES {', '.join([row] * times)}{tail}"
