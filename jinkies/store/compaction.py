"""What a transaction writes beside alerts and journal: the times to act, and what compacting leaves of the journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from jinkies.store.changes import Changes, Episode
from jinkies.store.keeping import COMPACT_STEP

FIGURES_DAYS = 400  # how far back figures reach
DAY_MS = 86_400_000
EVER = -1  # in place of a day

# What people and the lifecycle did; not each occurrence, and not each edit of a card.
_KEEP_TIMELINE = (
    "INSERT OR IGNORE INTO timeline (alert_id, seq, at_ms, kind, actor, text)"
    " SELECT alert_id, seq, at_ms, kind, CAST(body AS TEXT) -> '$.actor', CAST(body AS TEXT) ->> '$.text'"
    " FROM journal AS j WHERE seq <= ? AND kind NOT IN ('alert.occurred', 'delivery.changed', 'alert.expired')"
    " AND EXISTS (SELECT 1 FROM alerts AS a WHERE a.alert_id = j.alert_id)"
)


def compact(db: sqlite3.Connection, changes: Changes) -> None:
    """Timelines take what they show of the journal's oldest entries, and these go; so do figures that are too old."""
    if not changes.compact_through:
        return
    db.execute(_KEEP_TIMELINE, (changes.compact_through,))
    db.execute("DELETE FROM journal WHERE seq <= ?", (changes.compact_through,))
    oldest = changes.at_ms // DAY_MS - FIGURES_DAYS
    db.execute(
        "DELETE FROM activity WHERE (day, alert_id) IN"
        " (SELECT day, alert_id FROM activity WHERE day < ? ORDER BY day LIMIT ?)",
        (oldest, COMPACT_STEP),
    )
    db.execute(
        "DELETE FROM episodes WHERE (alert_id, opened_at_ms) IN"
        " (SELECT alert_id, opened_at_ms FROM episodes WHERE opened_at_ms < ? ORDER BY opened_at_ms LIMIT ?)",
        (oldest * DAY_MS, COMPACT_STEP),
    )
    db.execute("DELETE FROM secrets WHERE day > ? AND day < ?", (EVER, oldest))


def count_secrets(db: sqlite3.Connection, changes: Changes) -> None:
    """How many were cut: on its day and in its service, and since ever."""
    day = changes.at_ms // DAY_MS
    told = [(day, service, kind, cut) for (service, kind), cut in changes.cut.items()]
    ever = [(EVER, "", kind, cut) for _, _, kind, cut in told]
    if told:
        db.executemany(
            "INSERT INTO secrets (day, service, kind, cut) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET cut = cut + excluded.cut",
            [*told, *ever],
        )


def write_episodes(db: sqlite3.Connection, episodes: Iterable[Episode]) -> None:
    """Begin the times that alerts are unresolved, or say what became of the newest."""
    newest = "opened_at_ms = (SELECT max(opened_at_ms) FROM episodes WHERE alert_id = ?)"
    for one in episodes:
        if one.never_was:
            db.execute(f"DELETE FROM episodes WHERE alert_id = ? AND {newest}", (one.alert_id, one.alert_id))  # noqa: S608 - a literal
        elif one.begun_at_ms is not None:
            db.execute(
                "INSERT OR REPLACE INTO episodes (alert_id, opened_at_ms, service, acknowledged_at_ms, resolved_at_ms)"
                " VALUES (?, ?, ?, ?, ?)",
                (one.alert_id, one.begun_at_ms, one.service, one.acknowledged_at_ms, one.resolved_at_ms),
            )
        else:
            first = "?" if one.taken_back else "coalesce(acknowledged_at_ms, ?)"
            db.execute(
                f"UPDATE episodes SET acknowledged_at_ms = {first}, resolved_at_ms = ? WHERE alert_id = ? AND {newest}",  # noqa: S608 - literals
                (one.acknowledged_at_ms, one.resolved_at_ms, one.alert_id, one.alert_id),
            )
