"""What ``[redact]`` of the configuration adds: patterns of the desk's own, e-mail addresses and IP addresses."""

from __future__ import annotations

import importlib
import ipaddress
import re
from collections.abc import Iterable
from typing import Any

from jinkies.redact.marks import MARK, Keep, cut

LONGEST = 200  # characters of a pattern
MOST_WAYS = 1_000  # in which a pattern may be tried at one place of a text, at most

_EMAIL = re.compile(r"(?<![\w.+\-])[\w.+\-]{1,64}+@(?:[A-Za-z0-9\-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w\-])")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)", re.ASCII)
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{2,39}(?:(?<=:)\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])", re.ASCII)
_PARSER: Any = importlib.import_module("re._parser")  # the pattern as a tree; typeshed does not know it
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})


class Unfit(ValueError):
    """The pattern can't be used; the message says why, without it."""


def compile_pattern(text: str) -> re.Pattern[str]:
    """A pattern of the desk's own. Raises ``Unfit``.

    What it costs has to be bounded whatever a text holds, so each repeat has a bound, ``{1,64}`` for ``+``, and of the
    ways to try it at one place there are at most ``MOST_WAYS``. It must not fit nothing, nor what stands for a secret.
    """
    if len(text) > LONGEST:
        raise Unfit(f"{len(text)} characters; at most {LONGEST}")
    try:
        pattern = re.compile(text)
        tree = _PARSER.parse(text)
    except (re.error, OverflowError, RecursionError) as error:
        reason = str(error).split(" at position")[0]
        raise Unfit(f"no regular expression: {reason if isinstance(error, re.error) else 'too large'}") from None
    if (ways := _ways(tree)) > MOST_WAYS:
        raise Unfit(f"{ways:,} ways to try it at each place of a text; at most {MOST_WAYS:,}: use smaller bounds")
    if pattern.search("") is not None or tree.getwidth()[0] == 0:
        raise Unfit("fits an empty text")
    return pattern


def _ways(tree: Iterable[tuple[Any, Any]]) -> int:
    """How often matching at one place can begin anew, at most: what repeats and alternatives multiply to."""
    ways = 1
    for operator, argument in tree:
        ways = min(ways * _ways_of(str(operator), argument), 10**9)
    return ways


def _ways_of(operator: str, argument: Any) -> int:  # a node's argument is as its operator has it
    if operator in _REPEATS:
        low, high, body = argument
        if high is _PARSER.MAXREPEAT:
            raise Unfit("a repeat without a bound; write {1,64} for + and {0,64} for *")
        inside = _ways(body)
        return int(min((high - low + 1) * inside ** min(high, 30), 10**9))
    if operator == "BRANCH":
        return sum(_ways(branch) for branch in argument[1])
    if operator == "SUBPATTERN":
        return _ways(argument[-1])
    if operator == "ATOMIC_GROUP":
        return _ways(argument)
    if operator in {"ASSERT", "ASSERT_NOT"}:
        return _ways(argument[1])
    if operator in {"GROUPREF", "GROUPREF_EXISTS"}:
        raise Unfit("refers back to a group")
    return 1


def own_patterns(text: str, patterns: Iterable[re.Pattern[str]], keep: Keep) -> str:
    """With the mark for each match; one that begins or ends in a mark takes the mark in, one within a mark stays."""
    for pattern in patterns:
        pieces: list[str] = []
        done = 0
        for match in pattern.finditer(text):
            start, end = _outside(text, *match.span())
            if start < done or end <= start or keep.holds(text, start, end):
                continue
            pieces += [text[done:start], MARK]
            done = end
        text = "".join((*pieces, text[done:])) if pieces else text
    return text


def _outside(text: str, start: int, end: int) -> tuple[int, int]:
    """The span, grown to the marks that it touches; an empty one within a mark."""
    first = text.rfind(MARK, max(0, start - len(MARK) + 1), start + len(MARK) - 1)
    if 0 <= first < start < first + len(MARK):
        if end <= first + len(MARK):
            return start, start
        start = first
    last = text.find(MARK, max(0, end - len(MARK) + 1), end + len(MARK) - 1)
    if last >= 0 and last < end < last + len(MARK):
        end = last + len(MARK)
    return (start, start) if text[start:end] == MARK else (start, end)


def emails(text: str, keep: Keep) -> str:
    """With the mark for each e-mail address (RFC 5322's common form)."""
    return cut(_EMAIL, text, keep) if "@" in text else text


def ips(text: str, keep: Keep) -> str:
    """With the mark for each IPv4 and IPv6 address but those of this machine itself and of none (0.0.0.0)."""
    return cut(_IPV6, cut(_IPV4, text, keep, _is_address), keep, _is_address)


def _is_address(match: re.Match[str]) -> bool:
    found = match[0].rstrip(":") if not match[0].endswith("::") else match[0]
    if found != match[0] or (":" in found and found.count(":") < 2):
        return False
    try:
        address = ipaddress.ip_address(found)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)
