"""The filter line of the alerts screen: ``state:open service:api level>=error free text``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jinkies.model import UNRESOLVED, AlertQuery, AlertRow, Counts, Severity, State

_STATES: dict[str, tuple[State, ...]] = {
    "open": (State.OPEN,),
    "acknowledged": (State.ACKNOWLEDGED,),
    "ack": (State.ACKNOWLEDGED,),
    "snoozed": (State.SNOOZED,),
    "resolved": (State.RESOLVED,),
    "unresolved": UNRESOLVED,
    "any": (),
    "all": (),
}
_LEVELS = {
    "info": Severity.INFO,
    "warning": Severity.WARNING,
    "warn": Severity.WARNING,
    "error": Severity.ERROR,
    "err": Severity.ERROR,
    "critical": Severity.CRITICAL,
    "crit": Severity.CRITICAL,
}
_TOKEN = re.compile(r"^(state|service|level|severity|sev)(:|>=|=)(.*)$", re.IGNORECASE)
_MISTYPED = re.compile(r"^(?:(?:state|level|severity|sev)[:<>=]|(?:status|env|environment):)", re.IGNORECASE)
_USAGE = "state:open, service:api, level>=error"


class BadFilter(ValueError):
    """The filter can't be read; says what would be right."""


@dataclass(frozen=True)
class Filter:
    """Which alerts are shown."""

    states: tuple[State, ...] = UNRESOLVED  # () is any
    service: str | None = None
    severity: Severity | None = None  # at least this
    search: str = ""

    @property
    def text(self) -> str:
        """As the border's title shows it, and as ``parse`` takes it back."""
        parts = ["unresolved"] if self.states == UNRESOLVED else []
        if self.states != UNRESOLVED:
            parts = [f"state:{','.join(self.states) or 'any'}"]
        if self.service:
            parts.append(f"service:{self.service}")
        if self.severity:
            parts.append(f"level>={self.severity.value}")
        return " ".join([*parts, self.search] if self.search else parts)

    @property
    def is_default(self) -> bool:
        """Whether this shows what the snapshot holds."""
        return self == Filter()

    def query(self, *, limit: int, cursor: str | None) -> AlertQuery:
        """The same question for the core."""
        return AlertQuery(
            states=self.states,
            service=self.service,
            severity=self.severity,
            search=self.search,
            limit=limit,
            cursor=cursor,
        )

    def matches(self, row: AlertRow) -> bool:
        """Whether a row belongs; free text also lies in an occurrence's message, which only the core can search."""
        if self.states and row.state not in self.states:
            return False
        if self.service and row.service != self.service:
            return False
        if self.severity and row.severity.rank < self.severity.rank:
            return False
        return not self.search or self._found_in(row)

    def narrows(self, row: AlertRow) -> bool:
        """Whether everything but the free text fits."""
        return Filter(self.states, self.service, self.severity).matches(row)

    def _found_in(self, row: AlertRow) -> bool:
        wanted = self.search.casefold()
        if wanted.removeprefix("#") == str(row.alert_id):
            return True
        return wanted in row.title.casefold() or wanted in (row.exception_type or "").casefold()

    def total(self, counts: Counts) -> int | None:
        """How many there are in all, where the counters say it."""
        if self.service or self.severity or self.search:
            return None
        by_state = {
            State.OPEN: counts.open,
            State.ACKNOWLEDGED: counts.acknowledged,
            State.SNOOZED: counts.snoozed,
            State.RESOLVED: counts.resolved,
        }
        return sum(by_state[state] for state in self.states or tuple(State))


def parse(text: str) -> Filter:
    """Reads a filter. Raises ``BadFilter`` for a state, a level or a key that doesn't exist."""
    states: tuple[State, ...] = UNRESOLVED
    service, severity, words = None, None, []
    for token in text.split():
        match = _TOKEN.match(token)
        if match is None:
            if _MISTYPED.match(token):
                raise BadFilter(f"not “{token}”: {_USAGE}")
            if token.casefold() == "unresolved":
                states = UNRESOLVED
            else:
                words.append(token)
            continue
        key, _, value = match.groups()
        if key.lower() == "state":
            states = _states(value)
        elif key.lower() == "service":
            service = value or None
        else:
            severity = _level(value)
    return Filter(states, service, severity, " ".join(words))


def _states(value: str) -> tuple[State, ...]:
    found: list[State] = []
    for name in filter(None, value.casefold().split(",")):
        if name not in _STATES:
            raise BadFilter(f"no state “{name}”: open, acknowledged, snoozed, resolved, unresolved or any")
        if not _STATES[name]:
            return ()
        found += [state for state in _STATES[name] if state not in found]
    return tuple(found) or UNRESOLVED


def _level(value: str) -> Severity | None:
    if not value:
        return None
    if value.casefold() not in _LEVELS:
        raise BadFilter(f"no level “{value}”: info, warning, error or critical")
    return _LEVELS[value.casefold()]
