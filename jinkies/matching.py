"""Matchers: which alerts a silence or a route means. Pure.

Written as words that must all fit: ``service=api severity>=error title=~deadlock tag:region!=eu``. A value with
blanks stands in double quotes. The fields: service, environment, severity, fingerprint, exception, title, tag:NAME.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from jinkies.errors import Invalid
from jinkies.model import Actor, AlertRow, Severity

MATCHERS_LIMIT = 20
VALUE_LIMIT = 200  # characters of a value, a pattern included
SEARCHED = 512  # characters of a field that a pattern sees
FIELDS = ("service", "environment", "severity", "fingerprint", "exception", "title")
TAG = "tag:"

_WORD = re.compile(r'\s*([A-Za-z][\w.:/-]{0,100}?)\s*(>=|=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|\S+)')
_QUOTED = re.compile(r"\\(.)")
_SHORT = {"env": "environment", "sev": "severity", "level": "severity", "type": "exception"}


class Op(StrEnum):
    """How a field is compared."""

    IS = "="
    IS_NOT = "!="
    LIKE = "=~"  # a Python regular expression, found anywhere, without regard to case
    UNLIKE = "!~"
    AT_LEAST = ">="  # severity only


class Matcher(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison."""

    field: str  # one of FIELDS, or "tag:NAME"
    op: Op
    value: str

    def __str__(self) -> str:
        """As it is typed."""
        plain = self.value and not set(self.value) & set(' "\t\n')
        quoted = '"' + self.value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return f"{self.field}{self.op.value}{self.value if plain else quoted}"


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts that match make no new card from start to end."""

    silence_id: int
    matchers: tuple[Matcher, ...]
    reason: str
    started_by: Actor
    starts_at_ms: int
    ends_at_ms: int  # exclusive
    ended_by: Actor | None = None  # who ended it early

    @property
    def text(self) -> str:
        """The matchers as they are typed."""
        return " ".join(map(str, self.matchers))


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What matchers look at: an alert, with what its row doesn't hold."""

    row: AlertRow
    fingerprint: str
    tags: dict[str, str] = {}

    def value(self, field: str) -> str:
        """A field's value; "" for a tag that there is none of."""
        if field.startswith(TAG):
            return self.tags.get(field.removeprefix(TAG), "")
        row = self.row
        values = {
            "service": row.service,
            "environment": row.environment,
            "severity": row.severity.value,
            "fingerprint": self.fingerprint,
            "exception": row.exception_type or "",
            "title": row.title,
        }
        return values[field]


def literally(text: str) -> str:
    """The pattern of ``LIKE`` that finds just this text."""
    return re.escape(text)


def is_literal(pattern: str) -> bool:
    """Whether a pattern finds just one text, and so can take no time to speak of."""
    return re.escape(re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL)) == pattern


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """Matchers as they are typed. Raises ``Invalid``, naming the word and what would be right."""
    found: list[Matcher] = []
    at = 0
    while text[at:].strip():
        word = _WORD.match(text, at)
        if word is None:
            raise Invalid(f"matcher: {text[at:].split()[0][:60]!r} is none; write field=value, such as service=api")
        value = word[3]
        if value.startswith('"'):
            value = _QUOTED.sub(r"\1", value[1:-1])
        name = word[1] if word[1].startswith(TAG) else word[1].lower()
        found.append(Matcher(field=_SHORT.get(name, name), op=Op(word[2]), value=value))
        at = word.end()
    check_matchers(found)
    return tuple(found)


def check_matchers(matchers: Iterable[Matcher]) -> None:
    """Raise ``Invalid``, naming the matcher, for one that can't be."""
    matchers = list(matchers)
    if not 1 <= len(matchers) <= MATCHERS_LIMIT:
        raise Invalid(f"matchers: {len(matchers)} of them; 1 to {MATCHERS_LIMIT}")
    for matcher in matchers:
        _check(matcher)


def matches(matchers: Iterable[Matcher], subject: Subject) -> bool:
    """Whether all of them fit."""
    return all(_fits(matcher, subject.value(matcher.field)) for matcher in matchers)


def _check(matcher: Matcher) -> None:
    known = matcher.field in FIELDS or (matcher.field.startswith(TAG) and len(matcher.field) > len(TAG))
    if not known:
        raise Invalid(f"matcher: no field {matcher.field[:60]!r}; one of {', '.join(FIELDS)} or {TAG}NAME")
    if len(matcher.value) > VALUE_LIMIT:
        raise Invalid(f"matcher {matcher.field}: {len(matcher.value)} characters; at most {VALUE_LIMIT}")
    if matcher.op is Op.AT_LEAST and matcher.field != "severity":
        raise Invalid(f"matcher {matcher.field}: >= is for severity only")
    ordered = matcher.field == "severity" and matcher.op in (Op.IS, Op.IS_NOT, Op.AT_LEAST)
    if ordered and matcher.value not in tuple(Severity):
        raise Invalid(f"matcher severity: {matcher.value[:40]!r} is none; one of {', '.join(Severity)}")
    if matcher.op in (Op.LIKE, Op.UNLIKE):
        try:
            re.compile(matcher.value)
        except (re.error, RecursionError, OverflowError) as error:
            raise Invalid(f"matcher {matcher.field}: {matcher.value!r} is no regular expression: {error}") from None


def _fits(matcher: Matcher, value: str) -> bool:
    match matcher.op:
        case Op.IS:
            return value == matcher.value
        case Op.IS_NOT:
            return value != matcher.value
        case Op.LIKE:
            return re.search(matcher.value, value[:SEARCHED], re.IGNORECASE) is not None
        case Op.UNLIKE:
            return re.search(matcher.value, value[:SEARCHED], re.IGNORECASE) is None
        case Op.AT_LEAST:
            return Severity(value).rank >= Severity(matcher.value).rank
