"""Queries of alerts as SQL. Every page is a walk along indices that hold all a filter looks at, newest first.

A filter's states and severities are walked side by side and merged in order, so that a page costs what it holds and
not what the filter leaves out. Text is found in one of three ways, chosen by how many alerts hold it: a few are
fetched and sorted; many are gathered first, and the walk leaves out the others; of nearly all, the newest rows of
the filter are asked one by one, unless that does not fill a page.
"""

# ruff: noqa: S608 - every part of a statement is a literal of this module; what users wrote is bound

from __future__ import annotations

import msgspec

from jinkies.errors import Invalid
from jinkies.model import AlertQuery, Severity, State
from jinkies.query import Term, terms

FEW = 2_000  # alerts that hold a text: as many are fetched and sorted
MANY = 150_000  # alerts that hold a text: as many are gathered without a thought
PROBED = 2_000  # newest rows of a filter that are asked one by one whether they hold a text
OFTEN = 20_000  # alerts that happened so often: as many are looked at all
PREFIX_LENGTH = 3  # characters; fewer begin too many words to be meant
IDS_LIMIT = 500
SERVICES_LIMIT = 500
LAST_ID = 2**63 - 1  # SQLite's largest integer


class Statement(msgspec.Struct, frozen=True):
    """SQL and what is bound to it."""

    sql: str
    values: tuple[object, ...]


class Search(msgspec.Struct, frozen=True):
    """A query in SQL's terms. Statements give (image, last_seen_at_ms, alert_id), at most ``limit`` + 1, in order."""

    query: AlertQuery
    match: str  # FTS5's language; every word of the user's is quoted; "" without text
    whole: str  # the same with all words whole, where the last one may also be a beginning; else ""
    excluded: str  # likewise: what holds this is left out
    number: int | None  # the alert that a bare number may mean
    often: bool = False  # few happened so often: they are looked at all

    @property
    def probes(self) -> bool:
        """Whether a single alert can be asked quickly: not so for beginnings of words, which are looked up anew."""
        return not self.whole

    def as_whole(self) -> Search:
        """The same with all words whole."""
        return msgspec.structs.replace(self, match=self.whole, whole="")

    def counted(self) -> Statement:
        """How many alerts hold the text, counted to ``MANY`` + 1."""
        sql = "SELECT count(*) FROM (SELECT 1 FROM alert_search WHERE alert_search MATCH ? LIMIT ?)"
        return Statement(sql, (self.match, MANY + 1))

    def counted_often(self) -> Statement:
        """How many alerts happened as often as is asked for, counted to ``OFTEN`` + 1."""
        sql = "SELECT count(*) FROM (SELECT 1 FROM alerts INDEXED BY alerts_by_count WHERE repeats >= ? LIMIT ?)"
        return Statement(sql, (_bounded(self.query.min_count), OFTEN + 1))

    def by_count(self) -> Search:
        """The same, by looking at all that happened so often."""
        return msgspec.structs.replace(self, often=True)

    def _walk(self, limit: int) -> tuple[str, tuple[object, ...]]:
        return walk_often(self.query, limit) if self.often else walk(self.query, limit)

    def walked(self) -> Statement:
        """The page, along the indices alone."""
        left_out, values = self._left_out("w")
        page, bound = self._walk(-1 if left_out else self.query.limit + 1)
        return self._page(f"({page}) AS w WHERE 1{left_out}", (*bound, *values))

    def fetched(self) -> Statement:
        """The page, of all that hold the text."""
        clauses, bound = _conditions(self.query)
        left_out, values = self._left_out("a")
        sql = (
            "SELECT a.image, a.last_seen_at_ms, a.alert_id FROM alert_search AS s CROSS JOIN alerts AS a"
            f" ON a.alert_id = s.rowid WHERE s.alert_search MATCH ? AND {clauses}{left_out}"
            f" ORDER BY {_order(self.query, 'a.')} LIMIT ?"
        )
        return Statement(sql, (self.match, *bound, *values, self.query.limit + 1))

    def probed(self) -> Statement:
        """As much of the page as the newest ``PROBED`` rows hold."""
        page, bound = self._walk(PROBED)
        left_out, values = self._left_out("w")
        held = "EXISTS (SELECT 1 FROM alert_search WHERE alert_search MATCH ? AND rowid = w.alert_id)"
        return self._page(f"({page}) AS w WHERE {held}{left_out}", (*bound, self.match, *values))

    def gathered(self) -> Statement:
        """The page, from gathering all that hold the text."""
        page, bound = self._walk(-1)
        left_out, values = self._left_out("w")
        held = "w.alert_id IN (SELECT rowid FROM alert_search WHERE alert_search MATCH ?)"
        return self._page(f"({page}) AS w WHERE {held}{left_out}", (*bound, self.match, *values))

    def numbered(self) -> Statement:
        """The alerts that ``ids``, or a bare number, name."""
        clauses, bound = _conditions(self.query)
        ids = self.query.ids or (self.number,)
        left_out, values = self._left_out("a")
        held = " AND EXISTS (SELECT 1 FROM alert_search WHERE alert_search MATCH ? AND rowid = a.alert_id)"
        asked = bool(self.match) and bool(self.query.ids)
        sql = (
            "SELECT a.image, a.last_seen_at_ms, a.alert_id FROM alerts AS a WHERE a.alert_id IN"
            f" (SELECT value FROM json_each(?)) AND {clauses}{held if asked else ''}{left_out}"
            f" ORDER BY {_order(self.query, 'a.')} LIMIT ?"
        )
        match = (self.match,) if asked else ()
        return Statement(sql, (msgspec.json.encode(ids).decode(), *bound, *match, *values, self.query.limit + 1))

    def _page(self, source: str, values: tuple[object, ...]) -> Statement:
        """Rows of a walk with their images. The walk is in order already, and stays so: it is read as it comes."""
        sql = (
            "SELECT a.image, w.last_seen_at_ms, w.alert_id FROM"
            f" (SELECT w.last_seen_at_ms, w.alert_id FROM {source} LIMIT ?) AS w"
            " CROSS JOIN alerts AS a ON a.alert_id = w.alert_id"
        )
        return Statement(sql, (*values, self.query.limit + 1))

    def _left_out(self, name: str) -> tuple[str, tuple[object, ...]]:
        """What excluded words and exact tags ask of a row beside the rest."""
        clauses, values = "", list[object]()
        if self.excluded:
            clauses += f" AND {name}.alert_id NOT IN (SELECT rowid FROM alert_search WHERE alert_search MATCH ?)"
            values.append(self.excluded)
        for tag, value in self.query.tags:
            clauses += (
                f" AND EXISTS (SELECT 1 FROM alerts AS t WHERE t.alert_id = {name}.alert_id"
                " AND instr(char(10) || t.tags || char(10), ?))"
            )
            values.append(f"\n{tag}={value}\n")
        return clauses, tuple(values)


def search_of(query: AlertQuery) -> Search:
    """Raises ``Invalid`` for a limit, ids, a cursor or words out of bounds."""
    if not 1 <= query.limit <= 500:
        raise Invalid(f"limit: {query.limit} is out of bounds; 1 to 500")
    if query.newer and query.cursor is None:
        raise Invalid("newer: than what? A page before another one needs its cursor")
    if len(query.services or ()) > SERVICES_LIMIT:
        raise Invalid(f"services: {len(query.services or ()):,} patterns; at most {SERVICES_LIMIT}")
    if len(query.ids) > IDS_LIMIT:
        raise Invalid(f"ids: {len(query.ids):,} of them; at most {IDS_LIMIT}")
    if query.cursor is not None:
        _parse_cursor(query.cursor)
    query = msgspec.structs.replace(query, ids=tuple(one if 0 < one <= LAST_ID else 0 for one in query.ids))
    words = terms(query.search)
    match = [_phrase(word) for word in words if not word.excluded]
    match += [f"tags : {_quoted(f'{name}={value}')}" for name, value in query.tags if _holds_words(name + value)]
    return Search(
        query=query,
        match=" AND ".join(match),
        whole=" AND ".join(one.removesuffix("*") for one in match) if any(one.endswith("*") for one in match) else "",
        excluded=" OR ".join(_phrase(word) for word in words if word.excluded),
        number=_number(words),
    )


def walk(query: AlertQuery, limit: int) -> tuple[str, tuple[object, ...]]:
    """(SQL, values) of the rows (alert_id, last_seen_at_ms) that fit all but the text, in order; -1 is no limit."""
    index, first, value = "alerts_by_state", "", None
    if query.service is not None:
        index, first, value = "alerts_by_service", "service = ? AND ", query.service
    elif query.environment is not None:
        index, first, value = "alerts_by_environment", "environment = ? AND ", query.environment
    rest, bound = _range(query)
    if query.service is not None and query.environment is not None:
        rest, bound = f"{rest} AND environment = ?", (*bound, query.environment)
    lowest = query.severity.rank if query.severity is not None else 0
    arms, values = list[str](), list[object]()
    for state in query.states or tuple(State):
        for rank in range(lowest, len(Severity)):
            arms.append(
                f"SELECT alert_id, last_seen_at_ms FROM alerts INDEXED BY {index}"
                f" WHERE {first}state = ? AND severity = ?{rest}"
            )
            values += [*((value,) if first else ()), state.value, rank, *bound]
    return f"{' UNION ALL '.join(arms)} ORDER BY {_order(query)} LIMIT ?", (*values, limit)


def _order(query: AlertQuery, table: str = "") -> str:
    way = "ASC" if query.newer else "DESC"
    return f"{table}last_seen_at_ms {way}, {table}alert_id {way}"


def walk_often(query: AlertQuery, limit: int) -> tuple[str, tuple[object, ...]]:
    """The same of what happened more than once, along the index of counts: all that happened so often, sorted."""
    clauses, bound = _conditions(msgspec.structs.replace(query, min_count=0))
    sql = (
        "SELECT alert_id, last_seen_at_ms FROM alerts AS a INDEXED BY alerts_by_count"
        f" WHERE a.repeats >= ? AND {clauses} ORDER BY {_order(query)} LIMIT ?"
    )
    return sql, (_bounded(query.min_count), *bound, limit)


def _range(query: AlertQuery, table: str = "") -> tuple[str, tuple[object, ...]]:
    """Where the rows begin and end, and how often they happened at least."""
    wanted: tuple[tuple[bool, str, tuple[object, ...]], ...] = (
        (
            query.cursor is not None,
            f" AND ({table}last_seen_at_ms, {table}alert_id) {'>' if query.newer else '<'} (?, ?)",
            _parse_cursor(query.cursor or "0-0"),
        ),
        (query.until_ms is not None, f" AND {table}last_seen_at_ms < ?", (_bounded(query.until_ms),)),
        (query.since_ms is not None, f" AND {table}last_seen_at_ms >= ?", (_bounded(query.since_ms),)),
        (query.min_count > 1, f" AND {table}count >= ?", (_bounded(query.min_count),)),
        (
            query.services is not None,
            f" AND ({' OR '.join([f'{table}service GLOB ?'] * len(query.services or ())) or '0'})",
            tuple(_glob(pattern) for pattern in query.services or ()),
        ),
    )
    clauses = [clause for asked, clause, _ in wanted if asked]
    return "".join(clauses), tuple(value for asked, _, values in wanted if asked for value in values)


def _conditions(query: AlertQuery) -> tuple[str, tuple[object, ...]]:
    """All but the text, of rows ``a`` that are there already."""
    clauses, bound = _range(query, "a.")
    clauses, values = f"1{clauses}", list(bound)
    for name, value in (("service", query.service), ("environment", query.environment)):
        if value is not None:
            clauses += f" AND a.{name} = ?"
            values.append(value)
    if query.states:
        clauses += " AND a.state IN (SELECT value FROM json_each(?))"
        values.append(msgspec.json.encode(query.states).decode())
    if query.severity is not None:
        clauses += " AND a.severity >= ?"
        values.append(query.severity.rank)
    return clauses, tuple(values)


def _phrase(word: Term) -> str:
    prefix = word.prefix and len(word.text) >= PREFIX_LENGTH and word.text[-1].isalnum()
    return _quoted(word.text) + ("*" if prefix else "")


def _quoted(text: str) -> str:
    """A string of FTS5's language: whatever is in it is words and what lies between words, never syntax."""
    escaped = text.replace('"', '""')
    return f'"{escaped}"'


def _holds_words(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _number(words: tuple[Term, ...]) -> int | None:
    if len(words) != 1 or words[0].excluded or words[0].phrase:
        return None
    digits = words[0].text.removeprefix("#")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else None


def _glob(pattern: str) -> str:
    """In SQLite's GLOB a star alone is special, as in the pattern."""
    return pattern.replace("[", "[[]").replace("?", "[?]")


def _bounded(number: int | None) -> int:
    return max(-LAST_ID, min(number or 0, LAST_ID))


def cursor_of(last_seen_at_ms: int, alert_id: int) -> str:
    """Where the next page begins."""
    return f"{last_seen_at_ms}-{alert_id}"


def _parse_cursor(cursor: str) -> tuple[int, int]:
    at_ms, _, alert_id = cursor.partition("-")
    if not (cursor.isascii() and all(part.isdigit() and len(part) < 19 for part in (at_ms, alert_id))):
        raise Invalid(f"cursor: {cursor[:40]!r} is not one that a page gave")
    return int(at_ms), int(alert_id)
