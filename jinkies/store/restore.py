"""A backup put in the database's place, under a new epoch.

What left the old database since the backup (alert numbers, buttons, nonces, positions in the journal, branches) must
not be taken for what the restored one gives out. So it gets an epoch of its own, and its numbers go on where the old
one's were, or ``AHEAD`` further where that can't be read. What the backup knows of the world outside is old as well:

- A card that was posted by then is still its alert's. Those of unresolved alerts are edited once, so that their
  buttons work again; no card is posted anew for them.
- A message that was wanted by then and not posted may have been posted since. It counts as told, as history does at a
  first start: its alert gets a card when it happens again, within the channel's bound, or when somebody decides on it.
- A pull request or issue that was asked for and not there may be there: it counts as failed until somebody asks again.
- A log tail that a channel did not show yet is over; one that it shows goes on in its message.
- An escalation that is due waits its time anew. Leases are free.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import msgspec

from jinkies.errors import StoreFailed
from jinkies.model import (
    RESTORED,
    AlertRow,
    Counts,
    Delivery,
    DeliveryState,
    Issue,
    PullRequest,
    State,
    What,
    WorkState,
)
from jinkies.store.backup import sync
from jinkies.store.database import migrations, open_writer
from jinkies.store.writer import work_column

AHEAD = 1_000  # numbers that are left out when nobody knows which were given out
WORK_UNKNOWN = "asked for before a backup was restored: look whether it is there, then ask again"

_Work = TypeVar("_Work", PullRequest, Issue)

_row = msgspec.json.Decoder(AlertRow).decode
_delivery = msgspec.json.Decoder(Delivery).decode
_encode = msgspec.json.encode


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What was put in place."""

    epoch: str
    counts: Counts
    next_alert_id: int
    edited: int  # cards that get their new buttons
    untold: int  # messages that were not posted by then, and count as told
    aside: Path | None  # the database that was there before; None: there was none


async def restore(source: Path, database: Path, *, now_ms: int) -> Restored:
    """Put a backup in place of a database. The caller holds the core's lock.

    The backup is copied and checked, the copy is brought to the newest schema and changed as this module says; only
    then is the old database renamed to stand beside it. The backup itself stays as it is.

    Raises:
        StoreFailed: the backup is no sound database of Jinkies, or of a newer one; nothing changed then.
    """
    unnamed = database.with_name(f".{database.name}.restore.{os.getpid()}")
    try:
        os.close(os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        _copy(source, unnamed)
        async with open_writer(unnamed):
            pass  # migrated
        restored = _renew(unnamed, _given_out(database), now_ms)
        sync(unnamed)
        aside = _put_aside(database, now_ms)
        unnamed.replace(database)
        sync(database.parent)
    except (sqlite3.Error, OSError, msgspec.DecodeError) as error:
        raise StoreFailed(f"cannot restore {source}: {error}") from error
    finally:
        for file in (unnamed, *_beside(unnamed)):
            file.unlink(missing_ok=True)
    return msgspec.structs.replace(restored, aside=aside)


def _copy(source: Path, target: Path) -> None:
    """Raises ``StoreFailed`` for what is no sound database of ours."""
    if not source.is_file():
        raise StoreFailed(f"there is no file {source}")
    newest = migrations()[-1][0]
    with (
        closing(sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True)) as reading,
        closing(sqlite3.connect(target, isolation_level=None)) as writing,
    ):
        reading.backup(writing)
        writing.execute("PRAGMA journal_mode = DELETE")
        ((sound,),) = writing.execute("PRAGMA integrity_check(1)").fetchall()
        if sound != "ok":
            raise StoreFailed(f"{source} is not sound: {sound}")
        ((version,),) = writing.execute("PRAGMA user_version").fetchall()
        tables = {name for (name,) in writing.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if version == 0 or not {"meta", "alerts", "journal"} <= tables:
        raise StoreFailed(f"{source} is no database of Jinkies")
    if version > newest:
        raise StoreFailed(f"{source} is of a newer Jinkies (schema {version}, this one knows {newest}): update Jinkies")


def _given_out(database: Path) -> dict[str, int] | None:
    """The next numbers of the database that is there; None: they can't be read; {}: there is none."""
    if not database.exists():
        return {}
    try:
        with closing(sqlite3.connect(database, isolation_level=None)) as held:
            rows = held.execute("SELECT name, value FROM meta WHERE name IN ('next_alert_id', 'next_silence_id')")
            return {name: int(value) for name, value in rows}
    except (sqlite3.Error, ValueError):
        return None


def _renew(path: Path, given_out: dict[str, int] | None, now_ms: int) -> Restored:
    epoch = uuid.uuid4().hex
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        meta: dict[str, str] = dict(db.execute("SELECT name, value FROM meta").fetchall())
        numbers = {}
        for name in ("next_alert_id", "next_silence_id"):
            number = int(meta.get(name, "1"))
            numbers[name] = number + AHEAD if given_out is None else max(number, given_out.get(name, 1))
        _keep(db, {"epoch": epoch, **{name: str(number) for name, number in numbers.items()}})
        db.execute("DELETE FROM leases")
        db.execute("DELETE FROM channel_tails WHERE CAST(image AS TEXT) ->> '$.message_id' IS NULL")
        _renew_alerts(db, now_ms)
        edited, untold = _renew_deliveries(db, now_ms)
        db.execute("COMMIT")
        db.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
    counts = msgspec.json.decode(meta.get("counts", "{}"), type=Counts)
    return Restored(
        epoch=epoch,
        counts=counts,
        next_alert_id=numbers["next_alert_id"],
        edited=edited,
        untold=untold,
        aside=None,
    )


def _keep(db: sqlite3.Connection, values: dict[str, str]) -> None:
    db.executemany("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", list(values.items()))


def _renew_alerts(db: sqlite3.Connection, now_ms: int) -> None:
    """What is asked for outside and not known to be there, and what would call people for the time in between."""
    found = db.execute(
        "SELECT alert_id, image FROM alerts WHERE work = 'requested' UNION"
        " SELECT alert_id, image FROM alerts WHERE due_at_ms <= ?",
        (now_ms,),
    ).fetchall()
    for alert_id, image in found:
        row = _row(image)
        calling = row.calling
        if calling is not None and row.state is State.OPEN and not calling.escalated:
            calling = msgspec.structs.replace(calling, since_ms=now_ms)
        new = msgspec.structs.replace(
            row, pull_request=_unknown(row.pull_request), issue=_unknown(row.issue), calling=calling
        )
        values = (_encode(new), work_column(new), alert_id)
        db.execute("UPDATE alerts SET image = ?, work = ? WHERE alert_id = ?", values)


def _unknown(asked: _Work | None) -> _Work | None:
    if asked is None or asked.state is not WorkState.REQUESTED:
        return asked
    return msgspec.structs.replace(asked, state=WorkState.FAILED, error=WORK_UNKNOWN)


def _renew_deliveries(db: sqlite3.Connection, now_ms: int) -> tuple[int, int]:
    """(cards that are to be edited, messages that count as told)."""
    found = db.execute(
        "SELECT d.image FROM deliveries AS d LEFT JOIN alerts AS a ON a.alert_id = d.alert_id"
        " WHERE d.in_step = 0 OR a.state != 'resolved'"
    ).fetchall()
    edited = untold = 0
    for (image,) in found:
        held = _delivery(image)
        if held.state in (DeliveryState.DELETED, DeliveryState.DIGESTED):
            continue
        if held.message_id is None and held.what is What.THREAD:  # it begins with the alert's next news
            db.execute(
                "DELETE FROM deliveries WHERE alert_id = ? AND channel_id = ? AND kind = ?",
                (held.alert_id, held.channel_id, held.kind),
            )
            continue
        if held.message_id is None:
            untold += 1
            new = msgspec.structs.replace(
                held, state=DeliveryState.DIGESTED, told_in=RESTORED, error=None, changed_at_ms=now_ms
            )
        elif held.what is What.CARD:
            edited += 1
            new = msgspec.structs.replace(held, shown_revision=0, shown_hash="")
        else:
            continue
        db.execute(
            "UPDATE deliveries SET in_step = ?, image = ? WHERE alert_id = ? AND channel_id = ? AND kind = ?",
            (int(new.in_step), _encode(new), new.alert_id, new.channel_id, new.kind),
        )
    return edited, untold


def _put_aside(database: Path, now_ms: int) -> Path | None:
    """Rename what is there, with what SQLite keeps beside it; gives its new name."""
    if not database.exists():
        return None
    with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as held:
        held.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the last to close removes its log
    aside = database.with_name(f"{database.name}.before-restore-{now_ms}")
    for file, new in zip(_beside(database), _beside(aside), strict=True):
        if file.exists():  # first: a log that stayed would be read into the database that comes in its place
            file.replace(new)
    database.replace(aside)
    return aside


def _beside(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(f"{path.name}-{end}") for end in ("wal", "shm", "journal"))
