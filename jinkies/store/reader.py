"""The reading side: keyset queries on connections of their own. Snapshots and pages never wait for the writer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiosqlite
import msgspec

from jinkies.errors import NotFound, StoreFailed
from jinkies.events import SNAPSHOT_DELIVERIES, SNAPSHOT_ROWS, JournalEntry
from jinkies.matching import Silence, Subject
from jinkies.model import (
    UNRESOLVED,
    Actor,
    AlertDetail,
    AlertPage,
    AlertQuery,
    AlertRow,
    ChannelTail,
    Counts,
    Delivery,
    EntryKind,
    Occurrence,
    SavedTail,
    TimelineEntry,
)
from jinkies.searched import Later
from jinkies.stats import Stats, StatsQuery
from jinkies.store import figures
from jinkies.store.database import open_reader
from jinkies.store.finding import FEW, LAST_ID, MANY, OFTEN, Search, Statement, cursor_of, search_of, walk
from jinkies.store.later import read_later, unread

READERS = 3
TIMELINE_ENTRIES = 200
JOURNAL_PAGE = 500

_Found = tuple[bytes, int, int]  # image, last_seen_at_ms, alert_id

_actor = msgspec.json.Decoder(Actor).decode
_row = msgspec.json.Decoder(AlertRow).decode
_occurrence = msgspec.json.Decoder(Occurrence).decode
_delivery = msgspec.json.Decoder(Delivery).decode
_silence = msgspec.json.Decoder(Silence).decode
_entry = msgspec.json.Decoder(JournalEntry).decode
_channel_tail = msgspec.json.Decoder(ChannelTail).decode
_tails = msgspec.json.Decoder(tuple[SavedTail, ...]).decode


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The database's part of a snapshot."""

    seq: int
    counts: Counts
    rows: tuple[AlertRow, ...]
    deliveries: tuple[Delivery, ...]
    secrets: dict[str, int]


class Reader:
    """A small pool of reading connections."""

    def __init__(self, connections: Sequence[aiosqlite.Connection]) -> None:
        self._free: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue(len(connections))
        for connection in connections:
            self._free.put_nowait(connection)
        self._figuring = asyncio.Lock()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiosqlite.Connection]:
        connection = await self._free.get()
        try:
            yield connection
        except sqlite3.Error as error:
            raise StoreFailed(f"the database could not be read: {error}") from error
        finally:
            self._free.put_nowait(connection)

    async def epoch(self) -> str:
        """The name of this database: 32 hex digits."""
        async with self._connection() as db:
            ((epoch,),) = await db.execute_fetchall("SELECT value FROM meta WHERE name = 'epoch'")
            return str(epoch)

    async def head(self) -> int:
        """The newest journal position."""
        async with self._connection() as db:
            ((seq,),) = await db.execute_fetchall("SELECT coalesce(max(seq), 0) FROM journal")
            return int(seq)

    async def counts(self) -> Counts:
        """Alerts by state, as they are kept."""
        async with self._connection() as db:
            return await self._counts(db)

    async def _counts(self, db: aiosqlite.Connection) -> Counts:
        rows = list(await db.execute_fetchall("SELECT value FROM meta WHERE name = 'counts'"))
        return msgspec.json.decode(rows[0][0], type=Counts) if rows else Counts()

    async def state(self) -> State:
        """Counts, unresolved rows and deliveries, all of one moment."""
        async with self._connection() as db:
            try:  # around BEGIN too: a caller who is cancelled there leaves it to be carried out
                await db.execute("BEGIN")
                return await self._state(db)
            finally:
                await db.execute("ROLLBACK")

    async def _state(self, db: aiosqlite.Connection) -> State:
        ((seq,),) = await db.execute_fetchall("SELECT coalesce(max(seq), 0) FROM journal")
        page, values = walk(AlertQuery(states=UNRESOLVED), SNAPSHOT_ROWS)
        rows = await db.execute_fetchall(
            f"SELECT a.image, a.alert_id FROM ({page}) AS w CROSS JOIN alerts AS a ON a.alert_id = w.alert_id",  # noqa: S608 - literals
            values,
        )
        ids = msgspec.json.encode([alert_id for _, alert_id in rows]).decode()
        deliveries = await db.execute_fetchall(
            "SELECT image FROM deliveries WHERE in_step = 0"
            " UNION ALL SELECT image FROM deliveries WHERE in_step = 1 AND (kind = 'card' OR kind LIKE 'digest-%')"
            " AND alert_id IN (SELECT value FROM json_each(?)) LIMIT ?",
            (ids, SNAPSHOT_DELIVERIES),
        )
        return State(
            seq=seq,
            counts=await self._counts(db),
            rows=tuple(_row(image) for image, _ in rows),
            deliveries=tuple(_delivery(image) for (image,) in deliveries),
            secrets=await figures.secrets_ever(db),
        )

    async def journal_after(self, seq: int, limit: int = JOURNAL_PAGE) -> list[tuple[JournalEntry, bytes]]:
        """The next entries after a position, with their encoded bodies."""
        async with self._connection() as db:
            rows = await db.execute_fetchall(
                "SELECT body FROM journal WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit)
            )
        return [(_entry(body), body) for (body,) in rows]

    async def first_seq(self) -> int:
        """The oldest position that the journal still holds; 0 when it is empty."""
        async with self._connection() as db:
            ((seq,),) = await db.execute_fetchall("SELECT coalesce(min(seq), 0) FROM journal")
            return int(seq)

    async def alerts(self, query: AlertQuery) -> AlertPage:
        """A page. Raises ``Invalid`` for a limit or cursor out of bounds."""
        search = search_of(query)
        async with self._connection() as db:
            rows = await self._find(db, search)
        return _page(query, rows)

    async def _find(self, db: aiosqlite.Connection, search: Search) -> list[_Found]:
        if search.query.ids:
            return await _run(db, search.numbered())
        if search.query.min_count > 1:
            ((often,),) = await db.execute_fetchall(*_parts(search.counted_often()))
            search = search.by_count() if often <= OFTEN else search
        if not search.match:
            return await _run(db, search.walked())
        rows = await self._find_text(db, search)
        if search.number is not None:
            rows += [row for row in await _run(db, search.numbered()) if row not in rows]
            rows.sort(key=lambda row: row[1:], reverse=not search.query.newer)
        return rows

    async def _find_text(self, db: aiosqlite.Connection, search: Search) -> list[_Found]:
        if search.whole:  # of a word that so many hold whole, other words that begin like it are not meant as well
            ((whole,),) = await db.execute_fetchall(*_parts(search.as_whole().counted()))
            search = search.as_whole() if whole > MANY else search
        ((held,),) = await db.execute_fetchall(*_parts(search.counted()))
        if held <= FEW:
            return await _run(db, search.fetched())
        rows = await _run(db, search.probed()) if held > MANY and search.probes else []
        return rows if len(rows) > search.query.limit else await _run(db, search.gathered())

    async def unread(self, after: int, limit: int) -> list[int]:
        """Alerts of which the search has not read all that is kept, in order, from behind one."""
        async with self._connection() as db:
            return await unread(db, after, limit)

    async def later(self, alert_id: int) -> Later | None:
        """What is searched of an alert's kept occurrences; None where it is gone."""
        async with self._connection() as db:
            return await read_later(db, alert_id)

    async def stats(self, query: StatsQuery) -> Stats:
        """Figures, one such question at a time, so that the other connections stay free. Raises ``Invalid``."""
        async with self._figuring, self._connection() as db:
            return await figures.stats(db, query)

    async def alert(self, alert_id: int) -> AlertDetail:
        """One alert with its context. Raises ``NotFound``."""
        if not 0 < alert_id <= LAST_ID:
            raise NotFound(f"there is no alert #{alert_id}")
        async with self._connection() as db:
            alerts = list(
                await db.execute_fetchall("SELECT image, fingerprint FROM alerts WHERE alert_id = ?", (alert_id,))
            )
            if not alerts:
                raise NotFound(f"there is no alert #{alert_id}")
            occurrences = list(
                await db.execute_fetchall(
                    "SELECT image FROM occurrences WHERE alert_id = ? AND (ordinal = 1 OR ordinal ="
                    " (SELECT max(ordinal) FROM occurrences WHERE alert_id = ?)) ORDER BY ordinal",
                    (alert_id, alert_id),
                )
            )
            timeline = await self._timeline(db, alert_id)
            deliveries = await db.execute_fetchall("SELECT image FROM deliveries WHERE alert_id = ?", (alert_id,))
        image, fingerprint = alerts[0]
        return AlertDetail(
            row=_row(image),
            fingerprint=fingerprint,
            latest=_occurrence(occurrences[-1][0]),
            first=_occurrence(occurrences[0][0]),
            timeline=timeline,
            deliveries=tuple(_delivery(delivery) for (delivery,) in deliveries),
        )

    async def occurrences(self, alert_id: int) -> tuple[Occurrence, ...]:
        """Those of an alert that are kept, oldest first."""
        async with self._connection() as db:
            rows = await db.execute_fetchall(
                "SELECT image FROM occurrences WHERE alert_id = ? ORDER BY ordinal", (alert_id,)
            )
        return tuple(_occurrence(image) for (image,) in rows)

    async def _timeline(self, db: aiosqlite.Connection, alert_id: int) -> tuple[TimelineEntry, ...]:
        rows = await db.execute_fetchall(
            "SELECT body FROM journal WHERE alert_id = ? AND kind != 'alert.occurred' ORDER BY seq DESC LIMIT ?",
            (alert_id, TIMELINE_ENTRIES),
        )
        entries = [_entry(body) for (body,) in rows]
        newest = [
            TimelineEntry(seq=entry.seq, at_ms=entry.at_ms, kind=entry.kind, actor=entry.actor, text=entry.text)
            for entry in reversed(entries)
        ]
        kept = await db.execute_fetchall(
            "SELECT seq, at_ms, kind, actor, text FROM timeline WHERE alert_id = ? ORDER BY seq DESC LIMIT ?",
            (alert_id, TIMELINE_ENTRIES - len(newest)),
        )
        older = [
            TimelineEntry(seq=seq, at_ms=at_ms, kind=EntryKind(kind), actor=_actor(actor), text=text)
            for seq, at_ms, kind, actor, text in kept
        ]
        return (*reversed(older), *newest)

    async def requested_work(self) -> tuple[int, ...]:
        """Ids of alerts whose pull request or issue is asked for and not there yet."""
        async with self._connection() as db:
            rows = await db.execute_fetchall("SELECT alert_id FROM alerts WHERE work = 'requested'")
            return tuple(alert_id for (alert_id,) in rows)

    async def followed_work(self, since_ms: int, limit: int) -> tuple[AlertRow, ...]:
        """Alerts whose pull request or issue is there and may still change: unresolved ones first, then the newest.

        Args:
            since_ms: what was resolved before is left out.
            limit: of alerts.
        """
        async with self._connection() as db:
            rows = await db.execute_fetchall(
                "SELECT image FROM alerts WHERE work IS NOT NULL AND (state != 'resolved' OR resolved_at_ms >= ?)"
                " ORDER BY state = 'resolved', alert_id DESC LIMIT ?",
                (since_ms, limit),
            )
        return tuple(row for row in (_row(image) for (image,) in rows) if row.follows_work)

    async def newest_subjects(self, limit: int) -> list[Subject]:
        """The newest alerts as matchers see them."""
        async with self._connection() as db:
            rows = await db.execute_fetchall(
                "SELECT a.image, a.fingerprint, (SELECT o.image FROM occurrences AS o WHERE o.alert_id = a.alert_id"
                " ORDER BY o.ordinal DESC LIMIT 1) FROM alerts AS a ORDER BY a.last_seen_at_ms DESC, a.alert_id DESC"
                " LIMIT ?",
                (limit,),
            )
        return [
            Subject(row=_row(image), fingerprint=fingerprint, tags=_occurrence(latest).tags if latest else {})
            for image, fingerprint, latest in rows
        ]

    async def silences(self, now_ms: int) -> tuple[Silence, ...]:
        """Those that run or are to come, the next to end first."""
        async with self._connection() as db:
            rows = await db.execute_fetchall(
                "SELECT image FROM silences WHERE ends_at_ms > ? ORDER BY ends_at_ms, silence_id", (now_ms,)
            )
        return tuple(_silence(image) for (image,) in rows)

    async def channel_tails(self) -> tuple[ChannelTail, ...]:
        """Those in Discord channels that are not settled, oldest first."""
        async with self._connection() as db:
            rows = await db.execute_fetchall("SELECT image FROM channel_tails ORDER BY number")
        return tuple(_channel_tail(image) for (image,) in rows)

    async def next_due_at_ms(self) -> int | None:
        """When time alone decides something of an alert, the earliest such moment; None without one."""
        async with self._connection() as db:
            rows = list(await db.execute_fetchall("SELECT min(due_at_ms) FROM alerts WHERE due_at_ms IS NOT NULL"))
            return rows[0][0] if rows else None

    async def saved_tails(self) -> tuple[SavedTail, ...]:
        """The tails that ran when they were kept last; () when they can't be read any more."""
        async with self._connection() as db:
            rows = list(await db.execute_fetchall("SELECT value FROM meta WHERE name = 'tails'"))
        try:
            return _tails(rows[0][0]) if rows else ()
        except msgspec.DecodeError:
            return ()

    async def watch_cursor(self, watch: str) -> str | None:
        """How far a watch has read, or None for a new one."""
        async with self._connection() as db:
            rows = list(await db.execute_fetchall("SELECT cursor FROM watches WHERE name = ?", (watch,)))
            return rows[0][0] if rows else None


@asynccontextmanager
async def open_moment(path: Path) -> AsyncIterator[Reader]:
    """A reader that sees the database as it is now for as long as it is open, whatever is written meanwhile."""
    async with open_reader(path) as connection:
        await connection.execute("BEGIN")
        yield Reader([connection])


@asynccontextmanager
async def open_readers(path: Path) -> AsyncIterator[Reader]:
    """The pool for a database that is migrated already."""
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(open_reader(path)) for _ in range(READERS)]
        yield Reader(connections)


async def _run(db: aiosqlite.Connection, statement: Statement) -> list[_Found]:
    return [(image, at_ms, alert_id) for image, at_ms, alert_id in await db.execute_fetchall(*_parts(statement))]


def _parts(statement: Statement) -> tuple[str, tuple[object, ...]]:
    return statement.sql, statement.values


def _page(query: AlertQuery, rows: list[_Found]) -> AlertPage:
    """A page of at most ``limit`` + 1 rows in the order in which they were asked for."""
    more, rows = len(rows) > query.limit, rows[: query.limit]
    before, after = query.cursor is not None, more
    if query.newer:
        rows.reverse()
        before, after = more, True
    if not rows:
        return AlertPage(rows=())
    return AlertPage(
        rows=tuple(_row(image) for image, _, _ in rows),
        next_cursor=cursor_of(*rows[-1][1:]) if after else None,
        previous_cursor=cursor_of(*rows[0][1:]) if before else None,
    )
