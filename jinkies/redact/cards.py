"""Numbers of payment cards (ISO/IEC 7812): 13 to 19 digits that begin as an issuer's do and pass Luhn's check.

One of ten ids passes the check too, so what begins as no card, times of this century in milli-, micro- and nanoseconds
and Discord's ids among them, stays; so does a plain number in a path, in a longer word or under the name of an id.
"""

from __future__ import annotations

import re

from jinkies.redact.marks import KEEP_NOTHING, Keep, cut

_FEWEST = 13
_ZEROS = b"0" * _FEWEST
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
# By issuer: Visa 13, 16 or 19; Mastercard 16; American Express 15; Diners 14; Discover, JCB and UnionPay 16 to 19.
_PLAIN = (
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}"
    r"|(?:6011|6[245]\d\d|35[2-8]\d)\d{12,15}"
)
_GROUPED = (
    r"(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6011|6[245]\d\d|35[2-8]\d)(?P<by>[ \-])\d{4}(?P=by)\d{4}(?P=by)\d{4}"
    r"(?:(?P=by)\d{3}(?!\d))?|3[47]\d\d(?P<amex>[ \-])\d{6}(?P=amex)\d{5}"
    r"|3(?:0[0-5]|[689]\d)\d(?P<diners>[ \-])\d{6}(?P=diners)\d{4}"
)
_NUMBER = re.compile(
    rf"(?<![\w#/.\-+])(?P<plain>{_PLAIN})(?![\w/\-]|\.\d)|(?<![\w#/.\-])(?:{_GROUPED})(?![\w]|-\d|\.\d)", re.ASCII
)
_ID_BEFORE = re.compile(
    r"(?:ids?|ts|times?|timestamp|_at|seq|sequence|offset|nonce|hash|size|bytes|[num]s|version|counter|cursor)"
    r"\\{0,3}[\"']?[ \t]{0,2}[:=][ \t]{0,2}\\{0,3}[\"']?\Z",
    re.IGNORECASE,
)
_ID_NAME = re.compile(r"(?:^|[._\-]|[a-z](?=I))(?:ids?|ts|time|timestamp|at|seq|offset|nonce)\Z", re.IGNORECASE)


def card_numbers(text: str, keep: Keep = KEEP_NOTHING) -> str:
    """With the mark for each number of a card."""
    return cut(_NUMBER, text, keep, _is_card) if has_digits(text) else text


def has_digits(text: str) -> bool:
    """Whether one of its lines has a card's number of digits in a row, blanks and hyphens between them apart."""
    return _ZEROS in text.encode("utf-8", "surrogatepass").translate(_DIGITS, b" -")


def is_id(name: str, value: str) -> bool:
    """Whether it is a plain number under the name of an id, which a card's would not be."""
    return value.isdigit() and _ID_NAME.search(name[-64:]) is not None


def _is_card(match: re.Match[str]) -> bool:
    if match["plain"] and _ID_BEFORE.search(match.string[max(0, match.start() - 32) : match.start()]):
        return False
    digits = [int(char) for char in match[0] if char.isdigit()]
    if len(set(digits)) < 2:
        return False
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
