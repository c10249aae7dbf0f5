"""What the search has not read yet of alerts' later occurrences: which they are, what they say, and that it was read.

Occurrences are counted at the speed of ingest; the search reads them afterwards, an alert once a while however often
it happens. Which are to be read is in the database, so that a kill forgets none of it.
"""

from __future__ import annotations

import sqlite3

import aiosqlite
import msgspec

from jinkies.model import Occurrence
from jinkies.searched import Later, later
from jinkies.store.changes import Changes

_occurrence = msgspec.json.Decoder(Occurrence).decode


def write_searched(db: sqlite3.Connection, changes: Changes) -> None:
    """Keep what was read. Occurrences of this transaction, and those that came since it was read, are unread."""
    told = [one for one in changes.searched.values() if not one.same]
    db.executemany(
        "UPDATE alerts SET later = ?, tags = ? WHERE alert_id = ?", [(one.text, one.tags, one.alert_id) for one in told]
    )
    db.executemany(
        "UPDATE alerts SET unread = NULL WHERE alert_id = ?"
        " AND (SELECT max(ordinal) FROM occurrences WHERE alert_id = alerts.alert_id) <= ?",
        [(one.alert_id, one.through) for one in changes.searched.values()],
    )
    again = {alert_id for alert_id, ordinal, _ in changes.occurrences if ordinal > 1}
    if again:
        db.execute(
            "UPDATE alerts SET unread = 1 WHERE unread IS NULL AND alert_id IN (SELECT value FROM json_each(?))",
            (msgspec.json.encode(again).decode(),),
        )


async def unread(db: aiosqlite.Connection, after: int, limit: int) -> list[int]:
    """Alerts with occurrences that were not read yet, in order, from behind one."""
    rows = await db.execute_fetchall(
        "SELECT alert_id FROM alerts INDEXED BY alerts_unread WHERE unread = 1 AND alert_id > ?"
        " ORDER BY alert_id LIMIT ?",
        (after, limit),
    )
    return [alert_id for (alert_id,) in rows]


async def read_later(db: aiosqlite.Connection, alert_id: int) -> Later | None:
    """What is searched of an alert's kept occurrences; None where it is gone."""
    held = list(await db.execute_fetchall("SELECT later, tags FROM alerts WHERE alert_id = ?", (alert_id,)))
    rows = list(
        await db.execute_fetchall(
            "SELECT ordinal, image FROM occurrences WHERE alert_id = ? ORDER BY ordinal DESC", (alert_id,)
        )
    )
    if not held or not rows:
        return None
    *others, first = (_occurrence(image) for _, image in rows)
    found = later(alert_id, rows[0][0], first, others)
    return msgspec.structs.replace(found, same=(found.text, found.tags) == tuple(held[0]))
