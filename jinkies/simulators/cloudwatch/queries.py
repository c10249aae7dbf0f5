"""Logs Insights, as far as a few commands go: ``fields``, ``filter``, ``sort``, ``limit``, ``stats count(*) by …``."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from jinkies.clock import Clock
from jinkies.simulators.cloudwatch.errors import ServiceError, invalid, over_limit
from jinkies.simulators.cloudwatch.requests import GetQueryResults, StartQuery, StopQuery
from jinkies.simulators.cloudwatch.world import ACCOUNT, Event, Holding, World

SCHEDULED_S = 0.3
RUNNING_S = 1.5  # from the start of a query to its end
QUERIES = 100  # at once (CloudWatch quota)
ROWS = 1_000  # without a limit of its own
MOST_ROWS = 10_000

Row = dict[str, str]

_FIELDS: dict[str, Callable[[Event], str]] = {
    "@timestamp": lambda event: _time(event.timestamp_ms),
    "@ingestionTime": lambda event: _time(event.ingestion_ms),
    "@message": lambda event: event.message,
    "@logStream": lambda event: event.log_stream,
    "@log": lambda event: f"{ACCOUNT}:{event.log_group}",
    "@ptr": lambda event: f"{event.log_group}#{event.number}",
}
_NEEDLE = re.compile(r"@message\s+(not\s+)?like\s+(?:/(.*)/|\"(.*)\"|'(.*)')\s*\Z", re.DOTALL)
_STATS = re.compile(r"count\(\*?\)(?:\s+as\s+(\w+))?(?:\s+by\s+(.+))?\Z", re.IGNORECASE)
_BIN = re.compile(r"bin\((\d+)\s*(s|m|h|d)\w*\)\Z")
_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed query."""

    fields: tuple[str, ...] = ("@timestamp", "@message")
    keep: tuple[Callable[[str], bool], ...] = ()
    sort: tuple[str, bool] | None = None  # field, descending
    limit: int = ROWS
    count_as: str | None = None
    count_by: tuple[str, ...] = ()


class Query(msgspec.Struct, kw_only=True):
    """One that was started."""

    query_id: str
    plan: Plan
    groups: tuple[Holding, ...]
    start_ms: int
    end_ms: int
    started_ms: int
    begun_s: float
    stopped: bool = False
    rows: list[Row] | None = None
    scanned: int = 0
    scanned_bytes: int = 0
    matched: int = 0


class Queries:
    """All queries of an account."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.running_s = RUNNING_S
        self._world = world
        self._clock = clock
        self._queries: dict[str, Query] = {}

    def start(self, ask: StartQuery) -> bytes:
        """Begin one. Raises ``ServiceError``."""
        ways = [[ask.log_group_name] if ask.log_group_name else None, ask.log_group_names, ask.log_group_identifiers]
        given = [way for way in ways if way]
        if len(given) != 1:
            raise invalid("Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be given")
        if ask.query_language != "CWLI":
            raise invalid("this simulator knows Logs Insights' own language only")
        if ask.start_time > ask.end_time:
            raise invalid("End time should not be less than start time")
        groups = tuple(self._world.group(str(name)) for name in given[0])
        if len(groups) > 50:
            raise invalid("At most 50 log groups can be queried")
        if sum(self._status(query) in ("Scheduled", "Running") for query in self._queries.values()) >= QUERIES:
            raise over_limit()
        query = Query(
            query_id=str(uuid.uuid4()),
            plan=parsed(ask.query_string, ask.limit),
            groups=groups,
            start_ms=ask.start_time * 1000,
            end_ms=ask.end_time * 1000 + 999,
            started_ms=self._clock.now_ms(),
            begun_s=self._clock.monotonic_s(),
        )
        self._queries[query.query_id] = query
        return msgspec.json.encode({"queryId": query.query_id})

    def results(self, ask: GetQueryResults) -> bytes:
        """How far it is, and its rows: all of them once it is complete."""
        query = self._find(ask.query_id)
        status = self._status(query)
        if status not in ("Scheduled", "Cancelled") and query.rows is None:
            _run(query)
        done = status == "Complete"
        share = 1.0 if done else 0.0 if status == "Scheduled" else self._share(query)
        statistics = {
            "recordsMatched": float(int(query.matched * share)),
            "recordsScanned": float(int(query.scanned * share)),
            "estimatedRecordsSkipped": 0.0,
            "bytesScanned": float(int(query.scanned_bytes * share)),
            "estimatedBytesSkipped": 0.0,
            "logGroupsScanned": float(len(query.groups)) if share else 0.0,
        }
        rows = [] if query.rows is None or not done else query.rows
        results = [[{"field": name, "value": value} for name, value in row.items()] for row in rows]
        body = {"queryLanguage": "CWLI", "results": results, "statistics": statistics, "status": status}
        return msgspec.json.encode(body)

    def stop(self, ask: StopQuery) -> bytes:
        """End it. Raises ``ServiceError`` when it is over already."""
        query = self._find(ask.query_id)
        if self._status(query) not in ("Scheduled", "Running"):
            raise invalid(f"Query with id {ask.query_id} has already ended with status {self._status(query)}")
        query.stopped = True
        return b'{"success":true}'

    def _find(self, query_id: str) -> Query:
        if query_id not in self._queries:
            raise ServiceError("ResourceNotFoundException", f"Query {query_id[:80]} does not exist.")
        return self._queries[query_id]

    def _status(self, query: Query) -> str:
        age_s = self._clock.monotonic_s() - query.begun_s
        if query.stopped:
            return "Cancelled"
        if age_s < min(SCHEDULED_S, self.running_s):
            return "Scheduled"
        return "Running" if age_s < self.running_s else "Complete"

    def _share(self, query: Query) -> float:
        return min(1.0, (self._clock.monotonic_s() - query.begun_s) / max(self.running_s, 0.001))


def parsed(text: str, limit: int | None) -> Plan:
    """A query's plan. Raises ``ServiceError``."""
    plan = Plan(limit=limit or ROWS)
    for part in re.split(r"\|(?=\s*(?:fields|display|filter|sort|limit|head|stats)\b)", text):
        command, _, rest = part.strip().partition(" ")
        plan = _with(plan, command.lower(), rest.strip())
    if plan.limit > MOST_ROWS:
        raise _malformed(f"limit is at most {MOST_ROWS}")
    return plan


def _with(plan: Plan, command: str, rest: str) -> Plan:
    replace = msgspec.structs.replace
    if command in ("fields", "display"):
        names = tuple(name.strip() for name in rest.split(",") if name.strip())
        return replace(plan, fields=tuple(_field(name) for name in names))
    if command == "filter":
        return replace(plan, keep=(*plan.keep, _kept(rest)))
    if command in ("limit", "head") and rest.isdigit() and int(rest) > 0:
        return replace(plan, limit=int(rest))
    if command == "sort" and rest:
        name, _, order = rest.partition(" ")
        if order.strip().lower() not in ("", "asc", "desc"):
            raise _malformed(f"unexpected {order.strip()!r}")
        return replace(plan, sort=(name, order.strip().lower() == "desc"))
    found = _STATS.match(rest) if command == "stats" else None
    if found is None:
        raise _malformed(f"unexpected symbol found {command or 'end of query'} {rest}".rstrip())
    by = tuple(part.strip() for part in (found[2] or "").split(",") if part.strip())
    for part in by:
        if not _BIN.match(part):
            _field(part)
    return replace(plan, count_as=found[1] or "count(*)", count_by=by)


def _field(name: str) -> str:
    if name not in _FIELDS:
        raise _malformed(f"this simulator knows the fields {', '.join(_FIELDS)} only, not {name!r}")
    return name


def _kept(condition: str) -> Callable[[str], bool]:
    found = _NEEDLE.match(condition)
    if found is None:
        raise _malformed(f"this simulator knows filters on '@message like' only, not {condition!r}")
    wanted = not found[1]
    try:
        search = re.compile(found[2] if found[2] is not None else re.escape(found[3] or found[4] or "")).search
    except re.error as error:
        raise _malformed(str(error)) from None
    return lambda message: (search(message) is not None) is wanted


def _malformed(why: str) -> ServiceError:
    return ServiceError("MalformedQueryException", why)


def _run(query: Query) -> None:
    plan = query.plan
    found: list[Event] = []
    for group in query.groups:
        for event in group.events():
            if query.start_ms <= event.timestamp_ms <= query.end_ms and event.visible_ms <= query.started_ms:
                query.scanned += 1
                query.scanned_bytes += len(event.message.encode(errors="replace"))
                if all(keep(event.message) for keep in plan.keep):
                    found.append(event)
    query.matched = len(found)
    if plan.count_as is not None:
        query.rows = _sorted(_counted(found, plan), plan)[: plan.limit]
        return
    rows = [{name: _FIELDS[name](event) for name in (*plan.fields, "@ptr")} for event in found]
    default = msgspec.structs.replace(plan, sort=plan.sort or ("@timestamp", True))
    query.rows = _sorted(rows, default)[: plan.limit]


def _counted(events: list[Event], plan: Plan) -> list[Row]:
    counts = Counter(tuple(_bucket(name, event) for name in plan.count_by) for event in events)
    name = plan.count_as or "count(*)"
    return [dict(zip(plan.count_by, key, strict=True)) | {name: str(count)} for key, count in sorted(counts.items())]


def _bucket(name: str, event: Event) -> str:
    found = _BIN.match(name)
    if found is None:
        return _FIELDS[name](event)
    width_ms = max(1, int(found[1])) * _UNIT_MS[found[2]]
    return _time(event.timestamp_ms // width_ms * width_ms)


def _sorted(rows: list[Row], plan: Plan) -> list[Row]:
    if plan.sort is None:
        return rows
    name, descending = plan.sort

    def place(row: Row) -> tuple[float, str]:
        value = row.get(name, "")
        return (float(value), "") if value.isdigit() else (0.0, value)

    return sorted(rows, key=place, reverse=descending)


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.") + f"{at_ms % 1000:03d}"
