"""Figures of a time range, computed by SQL over the episodes and the days of alerts."""

# ruff: noqa: S608 - every part of a statement is a literal of this module; what users wrote is bound

from __future__ import annotations

from datetime import UTC, datetime

import aiosqlite

from jinkies.errors import Invalid
from jinkies.model import State
from jinkies.stats import HOURLY_DAYS, DayStats, NoisyAlert, ServiceStats, Span, Stats, StatsQuery
from jinkies.store.compaction import EVER

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
LONGEST_DAYS = 400
SERVICES = 50
NOISY = 20


async def stats(db: aiosqlite.Connection, query: StatsQuery) -> Stats:
    """See ``Operator.stats``. Raises ``Invalid`` for a range that ends before it begins, or is too long."""
    first, last = query.since_ms // DAY_MS, (query.until_ms - 1) // DAY_MS
    if not 0 <= query.since_ms < query.until_ms:
        raise Invalid("since_ms: the range is empty: it has to begin, after 1970, before it ends")
    if last - first > LONGEST_DAYS:
        raise Invalid(f"since_ms: the range is {last - first:,} days long; at most {LONGEST_DAYS}")
    one = " AND service = ?" if query.service is not None else ""
    service = (query.service,) if query.service is not None else ()
    opened = ("opened_at_ms >= ? AND opened_at_ms < ?" + one, (query.since_ms, query.until_ms, *service))
    active = ("day BETWEEN ? AND ?" + one, (first, last, *service))
    hourly = query.until_ms - query.since_ms <= HOURLY_DAYS * DAY_MS
    days = await _days(db, opened, active, range(first, last + 1))
    return Stats(
        since_ms=query.since_ms,
        until_ms=query.until_ms,
        opened=sum(day.opened for day in days),
        occurrences=sum(day.occurrences for day in days),
        to_acknowledge=await _span(db, "acknowledged_at_ms", opened),
        to_resolve=await _span(db, "resolved_at_ms", opened),
        days=days,
        services=await _services(db, opened, active),
        noisy=await _noisy(db, active),
        secrets=await _secrets(db, active),
        opened_by_hour=await _hours(db, opened, query) if hourly else (),
    )


_Condition = tuple[str, tuple[object, ...]]


async def _span(db: aiosqlite.Connection, column: str, opened: _Condition) -> Span:
    where, values = f"{opened[0]} AND {column} IS NOT NULL", opened[1]
    ((count, mean),) = await db.execute_fetchall(
        f"SELECT count(*), avg(max(0, {column} - opened_at_ms)) FROM episodes WHERE {where}", values
    )
    if not count:
        return Span()
    # One pass for both: the sorted times are numbered, and two of them are taken.
    wanted = (count - 1) // 2, -(-count * 9 // 10) - 1
    rows = await db.execute_fetchall(
        f"SELECT took FROM (SELECT took, row_number() OVER (ORDER BY took) - 1 AS place FROM"
        f" (SELECT max(0, {column} - opened_at_ms) AS took FROM episodes WHERE {where}))"
        " WHERE place IN (?, ?) ORDER BY place",
        (*values, *wanted),
    )
    took = [ms for (ms,) in rows]
    return Span(count=count, mean_ms=round(mean), median_ms=took[0], p90_ms=took[-1])


async def _days(db: aiosqlite.Connection, opened: _Condition, active: _Condition, days: range) -> tuple[DayStats, ...]:
    rows = await db.execute_fetchall(
        f"SELECT opened_at_ms / {DAY_MS}, count(*) FROM episodes WHERE {opened[0]} GROUP BY 1", opened[1]
    )
    by_opening: dict[int, int] = {day: count for day, count in rows}  # noqa: C416 - rows are not pairs to mypy
    rows = await db.execute_fetchall(
        f"SELECT day, sum(occurrences) FROM activity WHERE {active[0]} GROUP BY day", active[1]
    )
    by_activity: dict[int, int] = {day: count for day, count in rows}  # noqa: C416 - as above
    return tuple(
        DayStats(
            day=datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m-%d"),
            opened=by_opening.get(day, 0),
            occurrences=by_activity.get(day, 0),
        )
        for day in days
    )


async def _hours(db: aiosqlite.Connection, opened: _Condition, query: StatsQuery) -> tuple[int, ...]:
    rows = await db.execute_fetchall(
        f"SELECT (opened_at_ms - ?) / {HOUR_MS}, count(*) FROM episodes WHERE {opened[0]} GROUP BY 1",
        (query.since_ms, *opened[1]),
    )
    counts: dict[int, int] = {hour: count for hour, count in rows}  # noqa: C416 - as above
    return tuple(counts.get(hour, 0) for hour in range(-(-(query.until_ms - query.since_ms) // HOUR_MS)))


async def _services(db: aiosqlite.Connection, opened: _Condition, active: _Condition) -> tuple[ServiceStats, ...]:
    rows = await db.execute_fetchall(
        "SELECT service, sum(opened), sum(unresolved), sum(occurrences) FROM ("
        " SELECT service, count(*) AS opened, sum(resolved_at_ms IS NULL) AS unresolved, 0 AS occurrences"
        f" FROM episodes WHERE {opened[0]} GROUP BY service"
        " UNION ALL"
        f" SELECT service, 0, 0, sum(occurrences) FROM activity WHERE {active[0]} GROUP BY service"
        ") GROUP BY service ORDER BY 2 DESC, 4 DESC, 1 LIMIT ?",
        (*opened[1], *active[1], SERVICES),
    )
    return tuple(
        ServiceStats(service=service, opened=opened_, unresolved=unresolved, occurrences=occurrences)
        for service, opened_, unresolved, occurrences in rows
    )


async def _secrets(db: aiosqlite.Connection, active: _Condition) -> dict[str, int]:
    rows = await db.execute_fetchall(
        f"SELECT kind, sum(cut) FROM secrets WHERE {active[0]} GROUP BY kind ORDER BY 2 DESC, 1", active[1]
    )
    return {str(kind): int(cut) for kind, cut in rows}


async def secrets_ever(db: aiosqlite.Connection) -> dict[str, int]:
    """How many secrets were cut since there is a database, by kind."""
    rows = await db.execute_fetchall("SELECT kind, cut FROM secrets WHERE day = ? ORDER BY kind", (EVER,))
    return {str(kind): int(cut) for kind, cut in rows}


async def _noisy(db: aiosqlite.Connection, active: _Condition) -> tuple[NoisyAlert, ...]:
    rows = await db.execute_fetchall(
        "SELECT n.alert_id, n.service, coalesce(CAST(a.image AS TEXT) ->> '$.title', ''), n.occurrences, a.state FROM"
        f" (SELECT alert_id, service, sum(occurrences) AS occurrences FROM activity WHERE {active[0]}"
        "  GROUP BY alert_id ORDER BY 3 DESC, 1 DESC LIMIT ?) AS n"
        " LEFT JOIN alerts AS a ON a.alert_id = n.alert_id ORDER BY n.occurrences DESC, n.alert_id DESC",
        (*active[1], NOISY),
    )
    return tuple(
        NoisyAlert(
            alert_id=alert_id,
            service=service,
            title=title,
            occurrences=occurrences,
            state=None if state is None else State(state),
        )
        for alert_id, service, title, occurrences, state in rows
    )
