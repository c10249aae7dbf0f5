"""The query grammar of alerts, one for the command line, the console and Discord. Pure: the present is an argument.

    state:open service:api level>=error since:2h env:prod tag:region=eu count>10 "dead lock" timeout -retry #42

Words are looked for whole, the last one also as the beginning of a word; all of them have to be there. What is in
quotes is looked for in that order, and a minus leaves out what holds it. Only unresolved alerts are meant unless a
state or a number is named.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import tzinfo

import msgspec

from jinkies.errors import Invalid
from jinkies.model import UNRESOLVED, AlertQuery, AlertRow, Counts, Severity, State
from jinkies.reading.times import parse_time

TEXT_LIMIT = 1_000  # characters of a query
TERMS_LIMIT = 20  # words and phrases of a query
EXAMPLES = 'state:open  service:api  level>=error  since:2h  env:prod  count>10  "some words"  -word'

_STATES: dict[str, tuple[State, ...]] = {
    **{state.value: (state,) for state in State},
    "ack": (State.ACKNOWLEDGED,),
    "acked": (State.ACKNOWLEDGED,),
    "unresolved": UNRESOLVED,
    "any": tuple(State),
    "all": tuple(State),
}
_LEVELS = {**{severity.value: severity for severity in Severity}}
_LEVELS |= {"warn": Severity.WARNING, "err": Severity.ERROR, "crit": Severity.CRITICAL}
_KEYS = {
    **{key: key for key in ("state", "service", "level", "env", "since", "until", "tag", "id", "count")},
    "is": "state",
    "severity": "level",
    "sev": "level",
    "environment": "env",
}
_OPERATORS = {
    "state": ("=",),
    "service": ("=",),
    "env": ("=",),
    "level": ("=", ">="),
    "count": (">", ">="),
}  # besides the colon
_RIGHT = {
    "state": "state:open",
    "service": "service:api",
    "level": "level>=error",
    "env": "env:prod",
    "since": "since:2h",
    "until": "until:13:10",
    "tag": "tag:region=eu",
    "id": "id:42",
    "count": "count>10",
}
_TOKEN = re.compile(r'-?(?:[A-Za-z]+:|tag:[^\s"=]+=)?"[^"]*"?|\S+')
_PAIR = re.compile(r"(-?)([A-Za-z]+)(:|>=|<=|=|<|>)(.*)", re.DOTALL)
_NUMBER = re.compile(r"#([0-9]{1,18})", re.ASCII)
_CONTROLS = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """A word or a phrase to look for."""

    text: str
    phrase: bool = False  # in quotes: these words in this order
    excluded: bool = False
    prefix: bool = False  # words that begin so are meant too

    def __str__(self) -> str:
        return f"{'-' if self.excluded else ''}{_quoted(self.text) if self.phrase else self.text}"


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts are meant, as ``parse`` reads it. ``since`` and ``until`` are kept as they were written."""

    states: tuple[State, ...] = UNRESOLVED  # () is any
    service: str | None = None
    severity: Severity | None = None  # at least this
    environment: str | None = None
    since: str = ""
    since_ms: int | None = None  # last seen at or after
    until: str = ""
    until_ms: int | None = None  # last seen before
    tags: tuple[tuple[str, str], ...] = ()
    min_count: int = 0
    ids: tuple[int, ...] = ()
    search: str = ""  # words, phrases and what is left out, as ``terms`` reads it

    @property
    def text(self) -> str:
        """As titles show it, and as ``parse`` takes it back."""
        pairs = (
            ("service:", self.service),
            ("level>=", self.severity),
            ("env:", self.environment),
            ("since:", self.since),
            ("until:", self.until),
            ("count>=", str(self.min_count or "")),
        )
        parts = [_states_text(self.states, numbered=bool(self.ids))]
        parts += [f"{key}{_value(value)}" for key, value in pairs if value]
        parts += [f"tag:{name}={_value(value)}" for name, value in self.tags]
        parts += [f"#{number}" for number in self.ids]
        return " ".join(part for part in [*parts, self.search] if part)

    @property
    def is_default(self) -> bool:
        """Whether every unresolved alert is meant."""
        return self == Filter()

    @property
    def needs_core(self) -> bool:
        """Whether a row alone does not show if it belongs: text and tags lie in the occurrence."""
        return bool(self.search or self.tags)

    def query(self, *, limit: int = 100, cursor: str | None = None) -> AlertQuery:
        """The same question for the core."""
        return AlertQuery(
            states=self.states,
            service=self.service,
            severity=self.severity,
            search=self.search,
            limit=limit,
            cursor=cursor,
            environment=self.environment,
            since_ms=self.since_ms,
            until_ms=self.until_ms,
            tags=self.tags,
            min_count=self.min_count,
            ids=self.ids,
        )

    def matches(self, row: AlertRow) -> bool:
        """Whether a row surely belongs; of what only the core can search, it says no."""
        if not self.narrows(row) or self.tags:
            return False
        return not self.search or _found_in(row, self.search)

    def narrows(self, row: AlertRow) -> bool:
        """Whether everything fits that a row shows."""
        wanted = (
            (self.service is None, row.service == self.service),
            (self.environment is None, row.environment == self.environment),
            (not self.states, row.state in self.states),
            (not self.ids, row.alert_id in self.ids),
            (self.severity is None, self.severity is not None and row.severity.rank >= self.severity.rank),
            (self.since_ms is None, row.last_seen_at_ms >= (self.since_ms or 0)),
            (self.until_ms is None, row.last_seen_at_ms < (self.until_ms or 0)),
        )
        return row.count >= self.min_count and all(free or fits for free, fits in wanted)

    def total(self, counts: Counts) -> int | None:
        """How many there are in all, where the counters say it."""
        if self != Filter(states=self.states):
            return None
        by_state: dict[str, int] = msgspec.structs.asdict(counts)
        return sum(by_state[state.value] for state in self.states or tuple(State))


def parse(text: str, *, now_ms: int, zone: tzinfo | None = None, states: tuple[State, ...] = UNRESOLVED) -> Filter:
    """Read a query.

    Args:
        text: at most ``TEXT_LIMIT`` characters; empty means every unresolved alert.
        now_ms: what ``since:2h`` counts back from.
        zone: for clock times; None is this machine's.
        states: those that are meant where none is named.

    Raises:
        Invalid: names the word that can't be read, and what would be right.
    """
    if len(text) > TEXT_LIMIT:
        raise Invalid(f"a query of {len(text):,} characters; at most {TEXT_LIMIT:,}")
    found: dict[str, object] = {}
    words: list[str] = []
    for token in _TOKEN.findall(_CONTROLS.sub(" ", text)):
        pair = _pair(token)
        if pair is not None:
            _take(found, pair[0], pair[1], pair[2], token, now_ms, zone)
        elif token.casefold() == "unresolved":
            found["states"] = UNRESOLVED
        elif number := _NUMBER.fullmatch(token):
            _add_id(found, number[1])
        else:
            words.append(token)
    found.setdefault("states", () if "ids" in found else states)
    since_ms, until_ms = found.get("since_ms"), found.get("until_ms")
    if isinstance(since_ms, int) and isinstance(until_ms, int) and since_ms >= until_ms:
        raise Invalid(f"since:{found['since']} is not before until:{found['until']}")
    search = " ".join(str(term) for term in terms(" ".join(words)))
    return msgspec.convert({**found, "search": search}, Filter)


def terms(search: str) -> tuple[Term, ...]:
    """The words and phrases of a search; the last one, where it is a plain word, is a beginning.

    Raises ``Invalid`` for one that holds neither letters nor digits, or too many of them.
    """
    found: list[Term] = []
    for token in _TOKEN.findall(_CONTROLS.sub(" ", search)):
        body = token.lstrip("-")
        text = " ".join(body.replace('"', " ").split())
        phrase = '"' in body or (token.startswith("--") and _PAIR.fullmatch(body) is not None)
        if not text:
            continue  # a quote or a minus that is just being typed
        if not any(character.isalnum() for character in text):
            raise Invalid(f"nothing to look for in “{token}”: words hold letters or digits")
        found.append(Term(text=text, phrase=phrase, excluded=token.startswith("-")))
    if len(found) > TERMS_LIMIT:
        raise Invalid(f"{len(found)} words to look for; at most {TERMS_LIMIT}")
    if found and not (found[-1].phrase or found[-1].excluded):
        found[-1] = msgspec.structs.replace(found[-1], prefix=True)
    return tuple(found)


def completions(text: str, *, services: Iterable[str] = (), environments: Iterable[str] = ()) -> tuple[str, ...]:
    """What the last word of a query may become, each as the whole query: keys, then the values that are known."""
    if not text or text[-1].isspace() or text.count('"') % 2:
        return ()
    before, word = text[: len(text) - len(text.split()[-1])], text.split()[-1]
    values: dict[str, Iterable[str]] = {
        "state": _STATES,
        "level": (severity.value for severity in Severity),
        "service": sorted(services),
        "env": sorted(environments),
        "since": ("15m", "1h", "1d", "7d"),
        "until": ("15m", "1h", "1d", "7d"),
    }
    pair = _PAIR.fullmatch(word)
    if pair is not None and pair[2].lower() in _KEYS:
        known = values.get(_KEYS[pair[2].lower()], ())
        start, typed = f"{pair[2]}{pair[3]}", pair[4].lstrip('"').casefold()
        found = [start + _value(value) for value in known if value.casefold().startswith(typed)]
    else:
        found = [_RIGHT[key][: len(key) + (2 if key == "level" else 1)] for key in _RIGHT if key.startswith(word)]
    return tuple(before + one for one in found if one != word)


def _pair(token: str) -> tuple[str, str, str] | None:
    """(key, operator, value) of a token that is one. Raises ``Invalid`` for one that was meant to be."""
    match = _PAIR.fullmatch(token)
    if match is None:
        return None
    minus, name, operator, value = match.groups()
    key = _KEYS.get(name.lower())
    if key is None:
        if operator == ":" and name.lower() == "status":
            raise Invalid(f"not “{token}”: {_usage('state')}")
        close = (
            difflib.get_close_matches(name.lower(), _KEYS, 1, 0.8) if operator == ":" and value[:1].isalnum() else ()
        )
        if close:
            raise Invalid(f"no key “{name}”: {_RIGHT[_KEYS[close[0]]]}, or “{token}” in quotes to look for it")
        return None
    if operator != ":" and operator not in _OPERATORS.get(key, ()):
        if operator == "=":
            return None  # id=7 is something that messages say
        raise Invalid(f"not “{token}”: {_usage(key)}")
    if minus:
        raise Invalid(f"not “{token}”: only words and phrases can be left out")
    return key, operator, _unquoted(value)


def _usage(key: str) -> str:
    return ", ".join(dict.fromkeys((_RIGHT[key], "state:open", "service:api", "level>=error")))


def _take(
    found: dict[str, object], key: str, operator: str, value: str, token: str, now_ms: int, zone: tzinfo | None
) -> None:
    if not value:
        return  # it is just being typed
    match key:
        case "state":
            found["states"] = _states(value)
        case "service":
            found["service"] = value
        case "env":
            found["environment"] = value
        case "level":
            found["severity"] = _level(value)
        case "since" | "until":
            found[key], found[f"{key}_ms"] = value, parse_time(value, now_ms=now_ms, zone=zone, name=f"{key}:")
        case "tag":
            name, equals, wanted = value.partition("=")
            wanted = _unquoted(wanted)
            if not (name and equals and wanted):
                raise Invalid(f"not “{token}”: tag:region=eu")
            held = found.setdefault("tags", [])
            if isinstance(held, list) and (name, wanted) not in held:
                held.append((name, wanted))
        case "id":
            for number in value.split(","):
                _add_id(found, number.removeprefix("#"))
        case _:
            found["min_count"] = _count(value, token) + (operator == ">")


def _add_id(found: dict[str, object], number: str) -> None:
    if not (number.isascii() and number.isdigit() and len(number) <= 18):
        raise Invalid(f"no number “{number[:40]}”: id:42")
    held = found.setdefault("ids", [])
    if isinstance(held, list) and int(number) not in held:
        held.append(int(number))


def _count(value: str, token: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 15):
        raise Invalid(f"not “{token}”: count>10")
    return int(value)


def _states(value: str) -> tuple[State, ...]:
    found: set[State] = set()
    for name in filter(None, re.split(r"[,|]", value.casefold())):
        if name not in _STATES:
            raise Invalid(f"no state “{name}”: {', '.join(State)}, unresolved or any")
        found.update(_STATES[name])
    return () if found == set(State) else tuple(state for state in State if state in found) or UNRESOLVED


def _level(value: str) -> Severity:
    if value.casefold() not in _LEVELS:
        raise Invalid(f"no level “{value}”: {', '.join(tuple(Severity)[:-1])} or {tuple(Severity)[-1]}")
    return _LEVELS[value.casefold()]


def _found_in(row: AlertRow, search: str) -> bool:
    held = f"{row.title}\n{row.exception_type or ''}".casefold()
    for term in terms(search):
        if term.excluded:
            return False  # the rest of its text may hold it
        word = term.text.casefold()
        if word not in held and word != str(row.alert_id):
            return False
    return True


def _states_text(states: tuple[State, ...], *, numbered: bool) -> str:
    if states == UNRESOLVED:
        return "unresolved"
    if not states:
        return "" if numbered else "state:any"
    return f"state:{','.join(states)}"


def _value(text: str) -> str:
    return _quoted(text) if any(character.isspace() for character in text) else text


def _quoted(text: str) -> str:
    return f'"{text}"'


def _unquoted(text: str) -> str:
    return text[1:].removesuffix('"').strip() if text.startswith('"') else text.replace('"', "")
