"""The writing side: one set-based load and one batched write a transaction."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

import aiosqlite
import msgspec

from jinkies.errors import StoreFailed
from jinkies.events import JournalEntry
from jinkies.lifecycle import Policy
from jinkies.matching import Silence
from jinkies.model import AlertRow, ChannelTail, Occurrence
from jinkies.store.changes import Changes, Loaded, StoredAlert, Wanted
from jinkies.store.compaction import compact, count_secrets, write_episodes
from jinkies.store.keeping import TOGETHER, dropped
from jinkies.store.later import write_searched
from jinkies.store.loading import Loader
from jinkies.store.statements import many

DAY_MS = 86_400_000
VACUUM_PAGES = 500  # given back to the file system in one step
TIDY_COMMITS = 64  # after so many the log is written back; SQLite itself would let a commit wait for it
KEPT_KEYS_MS = 7 * 86_400_000  # how long a replayed idempotency key gives the first answer
KEYS_STEP = 300  # keys that one transaction looks at, more than it adds

_UNFIT = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError)  # not the disk

_COLUMNS = (
    "state",
    "severity",
    "service",
    "environment",
    "count",
    "repeats",
    "last_seen_at_ms",
    "resolved_at_ms",
    "work",
    "image",
    "due_at_ms",
    "silenced_by",
)
_INSERT_ALERT = (
    f"INSERT INTO alerts ({', '.join(_COLUMNS)}, alert_id, fingerprint, names, tags)"  # noqa: S608 - literals
    f" VALUES ({', '.join('?' for _ in range(len(_COLUMNS) + 4))})"
)
_SET = ", ".join(f"{name} = new.column{number}" for number, name in enumerate(_COLUMNS, 1))
_UPDATE_ALERTS = f"UPDATE alerts SET {_SET} FROM ("  # noqa: S608 - literals
_OF_THOSE = f") AS new WHERE alerts.alert_id = new.column{len(_COLUMNS) + 1}"
_FORGET_OCCURRENCES = "DELETE FROM occurrences WHERE (alert_id, ordinal) IN (SELECT column1, column2 FROM ("
_INSERT_TEXT = (
    "INSERT INTO alert_search (rowid, text, tags) SELECT alert_id, text, tags FROM alert_texts WHERE alert_id = ?"
)

_encode = msgspec.json.Encoder().encode
NO_POLICY = msgspec.json.encode(Policy(), order="sorted").decode()
_occurrence = msgspec.json.Decoder(Occurrence).decode
_silence = msgspec.json.Decoder(Silence).decode
_channel_tail = msgspec.json.Decoder(ChannelTail).decode


class Writer:
    """A transaction at a time on the writing connection. Not safe for concurrent use: the core has one writer task.

    A transaction runs in the connection's thread as a whole: a statement at a time would cross threads a dozen times a
    commit, and each crossing waits for the busy loop to let go of the interpreter.
    """

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._db = connection
        self._commits = 0

    async def transact(self, wanted: Wanted, decide: Callable[[Loaded], Changes]) -> list[bytes]:
        """Load what is wanted, let ``decide`` say what becomes of it, write that; durable when it returns.

        ``decide`` runs in the connection's thread. Gives each journal entry's encoded body; [] for no changes. Raises
        ``StoreFailed``, what was wrong with the changes, or what ``decide`` raised; nothing of it is there then.
        """
        in_turn: Callable[..., Awaitable[list[bytes]]] = self._db._execute  # noqa: SLF001 - aiosqlite has no other
        return await in_turn(self._transact, wanted, decide)

    async def reconsider(self, policy: str, now_ms: int) -> None:
        """Where what time decides is configured otherwise than last time, all that is unresolved is looked at anew."""
        kept = list(await self._db.execute_fetchall("SELECT value FROM meta WHERE name = 'policy'"))
        if policy == (kept[0][0] if kept else NO_POLICY):
            return
        await self._db.execute("BEGIN IMMEDIATE")
        await self._db.execute(
            "UPDATE alerts SET due_at_ms = ? WHERE state IN ('open', 'acknowledged', 'snoozed')"
            " AND coalesce(due_at_ms, ?) >= ?",
            (now_ms, now_ms, now_ms),
        )
        await self._db.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('policy', ?)", (policy,))
        await self._db.execute("COMMIT")

    async def tidy(self) -> None:
        """Now and then write the log back into the database: between transactions, while nobody waits for one."""
        if self._commits >= TIDY_COMMITS:
            self._commits = 0
            with suppress(sqlite3.Error):  # what was not written back stays in the log
                await self._db.execute_fetchall("PRAGMA wal_checkpoint(PASSIVE)")

    @property
    def _sqlite(self) -> sqlite3.Connection:
        """The connection itself, for use in its thread."""
        return self._db._conn  # noqa: SLF001 - as above

    def _transact(self, wanted: Wanted, decide: Callable[[Loaded], Changes]) -> list[bytes]:
        doing = "begin"
        try:
            self._sqlite.execute("BEGIN IMMEDIATE")
            changes = decide(Loader(self._sqlite).load(wanted))
            if changes.empty:
                self._sqlite.execute("ROLLBACK")
                return []
            doing = "commit"
            bodies = self._apply(changes)
            self._sqlite.execute("COMMIT")
            self._commits += 1
        except Exception as error:
            self._undo()
            if isinstance(error, sqlite3.Error) and not isinstance(error, _UNFIT):
                raise StoreFailed(f"the database refused to {doing}: {error}") from error
            raise
        if changes.compact_through or changes.expired:
            with suppress(sqlite3.Error):  # what is free now is given back later
                # As a script: of a pragma without columns, execute() takes one step only, and each frees one page.
                self._sqlite.executescript(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")
        return bodies

    def _undo(self) -> None:
        with suppress(sqlite3.Error):  # what can't be undone now is undone by the next one's failure to begin
            if self._sqlite.in_transaction:
                self._sqlite.execute("ROLLBACK")

    def _apply(self, changes: Changes) -> list[bytes]:
        self._write_alerts(changes)
        self._many(
            "UPDATE alerts SET due_at_ms = ? WHERE alert_id = ?",
            [(at_ms, alert_id) for alert_id, at_ms in changes.rescheduled.items()],
        )
        bodies = self._write_journal(changes.entries)
        many(
            self._sqlite,
            "INSERT OR REPLACE INTO deliveries (alert_id, channel_id, kind, in_step, image)",
            [(d.alert_id, d.channel_id, d.kind, int(d.in_step), _encode(d)) for d in changes.deliveries.values()],
        )
        self._many(
            "INSERT OR REPLACE INTO storms (channel_id, image) VALUES (?, ?)",
            [(channel_id, _encode(storm)) for channel_id, storm in changes.storms.items()],
        )
        self._write_silences(changes)
        self._write_channel_tails(changes.channel_tails)
        count_secrets(self._sqlite, changes)
        compact(self._sqlite, changes)
        self._write_answered(changes)
        self._write_leases(changes)
        self._many(
            "INSERT OR REPLACE INTO watches (name, cursor, at_ms) VALUES (?, ?, ?)",
            [(name, cursor, changes.at_ms) for name, cursor in changes.cursors.items()],
        )
        if changes.tails is not None:
            tails = [("tails", _encode(changes.tails).decode())]
            self._many("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", tails)
        return bodies

    def _write_alerts(self, changes: Changes) -> None:
        if not (changes.alerts or changes.expired or changes.searched):
            return
        other_text = {one.alert_id for one in changes.searched.values() if not one.same} - set(changes.expired)
        # What leaves the search leaves it first: the index looks its words up in the rows as they were.
        leaving = {*changes.expired, *((changes.renamed | other_text) - changes.opened)}
        self._many("DELETE FROM alert_search WHERE rowid = ?", [(alert_id,) for alert_id in leaving])
        opened = [alert for alert_id, alert in changes.alerts.items() if alert_id in changes.opened]
        known = [alert for alert_id, alert in changes.alerts.items() if alert_id not in changes.opened]
        self._many(_INSERT_ALERT, [(*_alert_columns(alert), *_opening_columns(alert)) for alert in opened])
        rows = [(*_alert_columns(alert), alert.row.alert_id) for alert in known]
        many(self._sqlite, _UPDATE_ALERTS, rows, _OF_THOSE)
        self._write_occurrences(changes)
        write_searched(self._sqlite, changes)
        self._many(_INSERT_TEXT, [(alert_id,) for alert_id in changes.opened | changes.renamed | other_text])
        write_episodes(self._sqlite, changes.episodes)
        for table in ("alerts", "occurrences", "deliveries", "timeline"):
            sql = f"DELETE FROM {table} WHERE alert_id = ?"  # noqa: S608 - the names are the literals above
            self._many(sql, [(alert_id,) for alert_id in changes.expired])
        self._many(
            "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)",
            [("next_alert_id", str(changes.next_alert_id)), ("counts", _encode(changes.counts).decode())],
        )

    def _write_silences(self, changes: Changes) -> None:
        """What an ended silence held is due at once: the next tick tells of it."""
        if not changes.silences:
            return
        self._many(
            "INSERT OR REPLACE INTO silences (silence_id, ends_at_ms, image) VALUES (?, ?, ?)",
            [(one.silence_id, one.ends_at_ms, _encode(one)) for one in changes.silences.values()],
        )
        self._many(
            "UPDATE alerts SET due_at_ms = ? WHERE silenced_by = ?",
            [(changes.at_ms, one.silence_id) for one in changes.silences.values() if one.ended_by is not None],
        )
        newest = max(changes.silences) + 1
        self._sqlite.execute(
            "INSERT INTO meta (name, value) VALUES ('next_silence_id', ?) ON CONFLICT (name) DO UPDATE"
            " SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))",
            (str(newest),),
        )

    def _write_channel_tails(self, tails: dict[int, ChannelTail]) -> None:
        self._many(
            "INSERT OR REPLACE INTO channel_tails (number, image) VALUES (?, ?)",
            [(tail.number, _encode(tail)) for tail in tails.values() if not tail.settled],
        )
        self._many(
            "DELETE FROM channel_tails WHERE number = ?", [(tail.number,) for tail in tails.values() if tail.settled]
        )

    def _write_occurrences(self, changes: Changes) -> None:
        kept = [(alert_id, ordinal, _encode(it)) for alert_id, ordinal, it in changes.occurrences]
        many(self._sqlite, "INSERT OR REPLACE INTO occurrences (alert_id, ordinal, image)", kept)
        gone = [
            (alert_id, old)
            for alert_id, ordinal, _ in changes.occurrences
            if ordinal % TOGETHER == 0
            for old in dropped(range(ordinal - TOGETHER + 1, ordinal + 1))
        ]
        many(self._sqlite, _FORGET_OCCURRENCES, gone, "))")
        days = Counter((it.occurred_at_ms // DAY_MS, alert_id) for alert_id, _, it in changes.occurrences)
        many(
            self._sqlite,
            "INSERT INTO activity (day, alert_id, service, occurrences)",
            [
                (day, alert_id, changes.alerts[alert_id].row.service, count)
                for (day, alert_id), count in sorted(days.items())
            ],
            " ON CONFLICT DO UPDATE SET occurrences = occurrences + excluded.occurrences",
        )

    def _write_journal(self, entries: list[JournalEntry]) -> list[bytes]:
        bodies = [_encode(entry) for entry in entries]
        many(
            self._sqlite,
            "INSERT INTO journal (seq, at_ms, actor, kind, alert_id, body)",
            [
                (e.seq, e.at_ms, f"{e.actor.kind}:{e.actor.id}", e.kind, e.alert_id, body)
                for e, body in zip(entries, bodies, strict=True)
            ],
        )
        return bodies

    def _write_answered(self, changes: Changes) -> None:
        if not changes.answered:
            return
        many(
            self._sqlite,
            "INSERT INTO idempotency (sender, key, request, response, at_ms)",
            [(a.sender, a.key, a.request, a.response, changes.at_ms) for a in changes.answered],
        )
        before_ms = changes.at_ms - KEPT_KEYS_MS
        oldest = self._sqlite.execute("SELECT number, at_ms FROM idempotency ORDER BY number LIMIT 1").fetchone()
        if oldest[1] < before_ms:
            self._sqlite.execute(
                "DELETE FROM idempotency WHERE number < ? AND at_ms < ?", (oldest[0] + KEYS_STEP, before_ms)
            )

    def _write_leases(self, changes: Changes) -> None:
        for name, lease in changes.leases.items():
            if lease is None:
                self._sqlite.execute("DELETE FROM leases WHERE name = ?", (name,))
            else:
                self._sqlite.execute(
                    "INSERT OR REPLACE INTO leases (name, holder, expires_at_ms) VALUES (?, ?, ?)",
                    (lease.name, lease.holder, lease.expires_at_ms),
                )

    def _many(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        rows = list(rows)
        if rows:
            self._sqlite.executemany(sql, rows)


def _alert_columns(alert: StoredAlert) -> tuple[object, ...]:
    row = alert.row
    return (
        row.state.value,
        row.severity.rank,
        row.service,
        row.environment,
        row.count,
        row.count if row.count > 1 else None,
        row.last_seen_at_ms,
        row.resolved_at_ms,
        work_column(row),
        _encode(row),
        alert.due_at_ms,
        row.silenced_by,
    )


def work_column(row: AlertRow) -> str | None:
    """What is to be done for it with GitHub: ``requested`` work, else work that is ``followed``; None for nothing."""
    return "requested" if row.awaits_work else "followed" if row.follows_work else None


def _opening_columns(alert: StoredAlert) -> tuple[object, ...]:
    """What stays as it was when the alert was opened."""
    return (alert.row.alert_id, alert.fingerprint, alert.names, alert.tags)
