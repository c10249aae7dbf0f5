"""Opening the database: its settings, its forward-only migrations, its epoch."""

from __future__ import annotations

import os
import sqlite3
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from urllib.parse import quote

import aiosqlite

from jinkies.errors import StoreFailed

BUSY_TIMEOUT_MS = 5_000
WRITER_CACHE_KB = 16_000
READER_CACHE_KB = 16_000  # of each
WAL_PAGES = 12_000  # 48 MB: a commit that finds more than that in the log writes them back, if nobody did before
WAL_KEPT_BYTES = 64 * 1_048_576  # what a long reader made it grow beyond is given back


@asynccontextmanager
async def open_writer(path: Path) -> AsyncIterator[aiosqlite.Connection]:
    """The one writing connection: WAL, synchronous=FULL, migrated to the newest schema.

    Raises:
        StoreFailed: the file can't be opened, is no database, or was written by a newer Jinkies.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # SQLite's other files take its mode
        connection = await aiosqlite.connect(path, isolation_level=None)
    except (sqlite3.Error, OSError) as error:
        raise StoreFailed(f"cannot open the database {path}: {error}") from error
    try:
        try:
            await _configure(connection)
            await _migrate(connection)
            await connection.execute("PRAGMA temp_store = MEMORY")  # what a statement of many rows could have to undo
        except sqlite3.Error as error:
            raise StoreFailed(f"cannot use the database {path}: {error}") from error
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def open_reader(path: Path) -> AsyncIterator[aiosqlite.Connection]:
    """A connection that only reads; beside the writer it sees the last commit."""
    connection = await aiosqlite.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
    try:
        await connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        await connection.execute("PRAGMA query_only = ON")
        await connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KB}")
        yield connection
    finally:
        await connection.close()


async def _configure(connection: aiosqlite.Connection) -> None:
    await connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    await connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before anything is written; later it says nothing
    await connection.execute("PRAGMA journal_mode = WAL")
    await connection.execute(f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES}")
    await connection.execute(f"PRAGMA cache_size = -{WRITER_CACHE_KB}")
    await connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
    await connection.execute("PRAGMA synchronous = FULL")
    await connection.execute("PRAGMA foreign_keys = ON")
    if sys.platform == "darwin":  # there fsync() leaves data in the drive's cache (SQLite, PRAGMA fullfsync)
        await connection.execute("PRAGMA fullfsync = ON")


def migrations() -> list[tuple[int, str]]:
    """Every migration as (number, SQL), in order."""
    folder = resources.files("jinkies.store") / "migrations"
    found = [(int(file.name[:4]), file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".sql")]
    return sorted(found)


async def _migrate(connection: aiosqlite.Connection) -> None:
    ((version,),) = await connection.execute_fetchall("PRAGMA user_version")
    known = migrations()
    newest = known[-1][0]
    if version > newest:
        raise StoreFailed(
            f"the database was written by a newer Jinkies (schema {version}, this one knows {newest}): update Jinkies"
        )
    for number, sql in known:
        if number > version:
            await connection.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")
    await connection.execute("INSERT OR IGNORE INTO meta (name, value) VALUES ('epoch', ?)", (uuid.uuid4().hex,))
