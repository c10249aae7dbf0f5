"""Secrets out of a text, by the desk's rules."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING

from jinkies.redact.cards import card_numbers
from jinkies.redact.commands import command_lines
from jinkies.redact.marks import KEEP_NOTHING, MARK, NOTHING, Keep
from jinkies.redact.names import has_secret_key
from jinkies.redact.own import compile_pattern, emails, ips, own_patterns
from jinkies.redact.private_keys import private_keys
from jinkies.redact.shapes import known_shapes, scheme_values
from jinkies.redact.telling import told_by
from jinkies.redact.values import named_values
from jinkies.redact.words import words_of

if TYPE_CHECKING:
    from jinkies.config import RedactConfig

NAMED = "named_value"  # what stands under a secret's name: password=…
_MAX_PASSES = 4  # what one pass hides can bring a name next to another value; text without secrets takes one


class Redactor:
    """Pure: the same text gives the same text, and what it gave is given back as it is."""

    def __init__(
        self, *, also: Iterable[str] = (), keep: Iterable[str] = (), emails: bool = False, ips: bool = False
    ) -> None:
        """By ``[redact]`` of the configuration. Raises ``Unfit`` for a pattern that can't be used."""
        self._also: tuple[re.Pattern[str], ...] = tuple(compile_pattern(text) for text in also)
        self._keep = Keep(keep) if keep else KEEP_NOTHING
        self._emails = emails
        self._ips = ips

    def text(self, text: str) -> str:
        """``text`` with the mark for every secret that has a known shape or stands under a secret's name."""
        return self._all_passes(text, None)

    def _all_passes(self, text: str, kinds: Counter[str] | None) -> str:
        for _ in range(_MAX_PASSES):
            before, text = text, self._one_pass(text, kinds)
            if text == before:
                break
        return text

    def is_clean(self, text: str) -> bool:
        """Whether there is nothing to cut."""
        return self._one_pass(text) == text

    def shapes(self, text: str) -> str:
        """Known shapes only: where ``token=…`` is a way to say what is looked for."""
        text = card_numbers(known_shapes(text, words_of(text), self._keep), self._keep)
        return own_patterns(text, self._also, self._keep)

    def is_named_secret(self, name: str, value: str) -> bool:
        """Whether the value under a name goes whole; ``request.cookies.theme`` is a cookie too."""
        if not has_secret_key(name) or value.lower() in NOTHING:
            return False
        return not (self._keep and self._is_kept(name, value))

    def _is_kept(self, name: str, value: str) -> bool:
        keep = self._keep
        return keep.name(name) or keep.name(name.rpartition(".")[2]) or keep.holds(value, 0, len(value))

    def _one_pass(self, text: str, kinds: Counter[str] | None = None) -> str:
        """One time of everything; with ``kinds``, how much of which kind was cut goes in there."""
        keep = self._keep
        if "PRIVATE KEY" in text:
            text = _noted(kinds, "private_key", text, private_keys(text))
        words, digits = told_by(text)
        if words is not None:
            text = _noted(kinds, NAMED, text, named_values(text, words.lowered, keep))
            text = _noted(kinds, "authorization", text, scheme_values(text, words.lowered, keep))
            text = _noted(kinds, "command_line", text, command_lines(text, words.text, keep))
            text = _noted(kinds, "token", text, known_shapes(text, words, keep))
        if digits:
            text = _noted(kinds, "card_number", text, card_numbers(text, keep))
        if self._also:
            text = _noted(kinds, "own_pattern", text, own_patterns(text, self._also, keep))
        if self._emails:
            text = _noted(kinds, "email", text, emails(text, keep))
        return _noted(kinds, "ip", text, ips(text, keep)) if self._ips else text


def _noted(kinds: Counter[str] | None, kind: str, before: str, after: str) -> str:
    if kinds is not None and (more := after.count(MARK) - before.count(MARK)) > 0:
        kinds[kind] += more
    return after


DEFAULT = Redactor()


_current: ContextVar[Redactor] = ContextVar("redactor", default=DEFAULT)


def by_rules(rules: RedactConfig) -> Redactor:
    """What cuts by ``[redact]`` of the configuration."""
    return Redactor(also=rules.also, keep=rules.keep, emails=rules.emails, ips=rules.ips)


def use(redactor: Redactor) -> None:
    """From now on, in this context and in tasks that it starts, ``redact`` cuts so: a program sets it as it starts."""
    _current.set(redactor)


def redact(text: str) -> str:
    """``text`` without its secrets, by the rules in use; where nobody set any, as where nothing is configured."""
    return _current.get().text(text)
