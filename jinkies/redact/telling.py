"""Which lines of a text may hold a secret at all: nearly none does, and only these are looked at closely.

Each kind of secret, and each name of one, has a gate: a piece without a blank that all of its kind hold, so that a text
holds it if one of its lines does. Lines come again, those of a trace above all: the ones in which no gate stood are
remembered, and not asked again. What is remembered changes no answer, only how soon it is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from jinkies.redact.cards import has_digits
from jinkies.redact.commands import tools_in
from jinkies.redact.names import names_in
from jinkies.redact.shapes import SCHEMES, is_long_secret, shapes_in
from jinkies.redact.words import Words, words_of

REMEMBERED = 8_192  # lines; with one more all are forgotten
LONGEST = 200  # characters of a line that is remembered: 2 MB in all, at most

_plain: set[str] = set()


class Told(NamedTuple):
    """What those lines of a text tell that may hold a secret."""

    words: Words | None  # theirs, and those of some other lines; None: they hold no secret of a shape or under a name
    digits: bool  # they may hold the number of a card


_NOTHING = Told(None, digits=False)


def told_by(text: str) -> Told:
    """What there is to look for in a text."""
    lines = set(text.split("\n")) - _plain
    if not lines:
        return _NOTHING
    joined = "\n".join(lines)
    words, digits = words_of(joined), has_digits(joined)
    gates = names_in(words.lowered) + tools_in(words.text) + shapes_in(words)
    gates += [scheme for scheme in SCHEMES if scheme in words.lowered]
    keyed = is_long_secret(words.longest)
    plain = [line for line in lines if not has_digits(line)] if digits else lines
    _remember(plain, [gate.lower() for gate in gates], keyed=keyed)
    return Told(words if gates or keyed else None, digits)


def remembered() -> int:
    """How many lines are remembered."""
    return len(_plain)


def forget() -> None:
    """Remember none."""
    _plain.clear()


def _remember(lines: Iterable[str], gates: list[str], *, keyed: bool) -> None:
    """Of some lines those in which none of the gates stands, which are all that stand in any of them."""
    plain = (line for line in lines if len(line) <= LONGEST and not (gates and _holds(line.lower(), gates)))
    if keyed:
        plain = (line for line in plain if not is_long_secret(line))
    found = list(islice(plain, REMEMBERED))
    if len(_plain) + len(found) > REMEMBERED:
        _plain.clear()
    _plain.update(found)


def _holds(lowered: str, gates: list[str]) -> bool:
    return any(gate in lowered for gate in gates)
