"""A copy of the database, made while the core runs, by SQLite's online backup."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

import msgspec

from jinkies.errors import Conflict, StoreFailed
from jinkies.model import Counts


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """What was copied."""

    size_bytes: int
    counts: Counts
    seq: int  # the newest journal entry in it


def back_up(source: Path, target: Path, *, force: bool = False) -> Backup:
    """Copy a database as it is at one moment, check the copy, and only then give it its name. The copy is 0600.

    Reads on a connection of its own: the core goes on writing. Blocks until it is done.

    Raises:
        Conflict: the target is there, and ``force`` is not set.
        StoreFailed: there is no database, or the copy can't be made or is not sound; nothing is left behind.
    """
    if target.exists() and not force:
        raise Conflict(f"{target} is there already: --force replaces it")
    if not source.exists():
        raise StoreFailed(f"there is no database at {source}")
    unnamed = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        os.close(os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        made = _copy(source, unnamed)
        if target.exists() and not force:
            raise Conflict(f"{target} is there already: --force replaces it")
        unnamed.replace(target)
        sync(target.parent)
    except (sqlite3.Error, OSError) as error:
        raise StoreFailed(f"cannot back up to {target}: {error}") from error
    finally:
        for rest in (unnamed, *(unnamed.with_name(f"{unnamed.name}-{end}") for end in ("wal", "shm", "journal"))):
            rest.unlink(missing_ok=True)
    return made


def _copy(source: Path, target: Path) -> Backup:
    reading = sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True)
    writing = sqlite3.connect(target, isolation_level=None)
    try:
        reading.backup(writing)
        writing.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
        ((sound,),) = writing.execute("PRAGMA quick_check(1)").fetchall()
        if sound != "ok":
            raise StoreFailed(f"the copy is not sound: {sound}")
        counts = writing.execute("SELECT value FROM meta WHERE name = 'counts'").fetchone()
        ((seq,),) = writing.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchall()
    finally:
        writing.close()
        reading.close()
    sync(target)
    held = msgspec.json.decode(counts[0], type=Counts) if counts else Counts()
    return Backup(size_bytes=target.stat().st_size, counts=held, seq=seq)


def sync(path: Path) -> None:
    """Until it is on the disk what a file, or a folder, holds."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
