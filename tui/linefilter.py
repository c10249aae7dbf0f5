"""What is typed after ``&`` and ``/``: a text, ``!`` for the inverse, ``/…/`` for a regular expression. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from jinkies.model import Level
from tui.patience import Patient

LONGEST = 500  # characters of a term
_SEARCHED = 200_000  # characters of a line that a regular expression is run on


class BadTerm(ValueError):
    """It can't be read; the text says why."""


@dataclass(frozen=True)
class Term:
    """One condition on a line's text; letter case is ignored (``(?-i:…)`` in an expression minds it)."""

    text: str  # as typed
    needle: str = ""  # lower case; used where there is no expression
    pattern: Patient | None = field(default=None, compare=False)  # ``text`` tells terms apart
    inverse: bool = False

    def found_in(self, message: str) -> bool:
        """Whether the text is in it, the inverse aside."""
        if self.pattern is not None:
            return self.pattern.found_in(message, _SEARCHED)
        return self.needle in message.lower()

    @property
    def slow(self) -> bool:
        """Whether it is an expression that took too long: it finds nothing any more."""
        return self.pattern is not None and self.pattern.slow

    @property
    def highlight(self) -> Patient:
        """What to mark in a line that is drawn."""
        return self.pattern or Patient(re.compile(re.escape(self.needle), re.IGNORECASE))


def parse_term(text: str) -> Term:
    """A term as typed. Raises ``BadTerm`` for an expression that is none, for nothing at all, and for too much."""
    wanted = text
    inverse = wanted.startswith("!") and len(wanted) > 1
    if inverse:
        wanted = wanted[1:]
    if not wanted or len(text) > LONGEST:
        raise BadTerm(f"1 to {LONGEST} characters")
    if len(wanted) > 2 and wanted[0] == wanted[-1] == "/":
        try:
            pattern = re.compile(wanted[1:-1], re.IGNORECASE)
        except (re.error, OverflowError, RecursionError) as error:
            raise BadTerm(f"no regular expression: {error}") from None
        return Term(text=text, pattern=Patient(pattern), inverse=inverse)
    return Term(text=text, needle=wanted.lower(), inverse=inverse)


@dataclass(frozen=True)
class LineFilter:
    """All that decides which lines are shown; every part must hold."""

    level: Level = Level.NONE
    terms: tuple[Term, ...] = ()
    request: str = ""  # an id that is in the line
    template: str = ""  # the pattern that the line is one of

    @property
    def passes_all(self) -> bool:
        """Whether nothing is left out."""
        return self == LineFilter()

    def wants(self, messages: list[str], rank: int) -> bool:
        """Whether a line, or a joined trace of several, is shown; templates are the buffer's to compare."""
        if rank < self.level.rank:
            return False
        if self.request and not any(self.request in message for message in messages):
            return False
        return all(any(map(term.found_in, messages)) is not term.inverse for term in self.terms)

    @property
    def words(self) -> str:
        """As the title shows it."""
        parts = [f"level>={self.level.value}"] if self.level is not Level.NONE else []
        parts += [f"& {term.text}" for term in self.terms]
        parts += [f"request {self.request}"] if self.request else []
        parts += [f"pattern {self.template}"] if self.template else []
        return "  ".join(parts)

    @property
    def slow(self) -> tuple[Term, ...]:
        """Terms that took too long."""
        return tuple(term for term in self.terms if term.slow)

    def toggled(self, term: Term) -> LineFilter:
        """With a term more; without it when it was there."""
        if any(one.text == term.text for one in self.terms):
            return replace(self, terms=tuple(one for one in self.terms if one.text != term.text))
        return replace(self, terms=(*self.terms, term))
