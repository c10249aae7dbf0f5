"""CloudWatch's filter patterns, as far as unstructured ones go: terms, quoted phrases, ``?`` and ``-``. Pure.

Rules from "Filter pattern syntax": all plain terms must occur, in any order and case-sensitively; of ``?terms``
at least one, unless there are plain terms, which make them be ignored; no ``-term`` may occur; quotes hold a phrase.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from jinkies.simulators.cloudwatch.errors import invalid

Matcher = Callable[[str], bool]

_TERM = re.compile(r'([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))')
_PLAIN = re.compile(r"[\w\s.,:/?\"'@#&=+()*\\-]*")


def everything(_message: str) -> bool:
    """What no pattern matches."""
    return True


def matcher(pattern: str) -> Matcher:
    """What a pattern matches. Raises ``ServiceError`` for kinds of pattern that this simulator does not know."""
    pattern = pattern.strip()
    if not pattern:
        return everything
    if pattern[0] in "{[%":
        raise invalid("Invalid filter pattern (this simulator knows terms and quoted phrases only)")
    if not _PLAIN.fullmatch(pattern) and '"' not in pattern:
        raise invalid("Invalid character(s) in term; terms with special characters must be quoted")
    terms: dict[str, list[str]] = {"": [], "?": [], "-": []}
    for sign, phrase, term in _TERM.findall(pattern):
        terms[sign].append(re.sub(r"\\(.)", r"\1", phrase) if phrase else term)
    required, optional, forbidden = terms[""], terms["?"], terms["-"]

    def matches(message: str) -> bool:
        if any(term in message for term in forbidden):
            return False
        if required:
            return all(term in message for term in required)
        return not optional or any(term in message for term in optional)

    return matches
