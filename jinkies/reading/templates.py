"""The template of a log line: what stays when everything that changes is masked. Pure.

Lines of one template were written by one statement of a program, near enough. Whole words are looked at one by one, and
the masks of words with digits in them are remembered: most of a log is made of few words.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from jinkies.reading.joining import PYTHON
from jinkies.reading.masks import COLOURS, ESCAPE, SOURCES

MOST_CHARS = 1_000  # of a line that count
JSON_CHARS = 1_048_576  # CloudWatch Logs: an event is at most 1 MB
MOST_KEYS = 40
_REMEMBERED = 16_384
_WORD_CHARS = 100  # of a word that is remembered

_BY_NAME = dict(SOURCES)
_QUOTED = re.compile(_BY_NAME["text"])
_REQUEST = re.compile(r"\"(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|CONNECT|TRACE) [^\"]*\"")  # of an access line
_SAID = ("msg=", "message=", "event=", "error=", "err=", "reason=", "detail=", "exception=")  # quoted for its blanks

_UNITS = r"(?:[numµ]?s|min|m|h|d|[kKMGT]?i?[bB]|%|px|x|th|rd|nd|st|rps)"
_EASY = re.compile(
    rf"([^\d@]*?)(?:(?<!\w)[+-])?(?<![a-fA-F])(?<!/v)\d++(?:[.,]\d++){{0,2}}+({_UNITS}?(?![A-Za-z0-9]))([^\d@]*)"
)
_STAMP = re.compile(
    r"(\W*)(?:\d{4}[-/]\d\d[-/]\d\d(?:T\d\d:\d\d(?::\d\d)?)?|\d\d:\d\d:\d\d|\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d)"
    r"(?:[.,]\d{1,9})?(?:Z|[+\-]\d\d:?\d\d)?(\W*)"
)
_DIGIT = re.compile(r"\d")
_UUID_CHARS = 36
_UUID = re.compile(rf"(\W*){_BY_NAME['uuid']}(\W*)")
_KEYED = re.compile(
    r"((?:^|[?&,;({\[])[\w.\-]*(?:id|Id|ID|req|trace|token|key|user|session|hash|etag)=)[^<&,;)}\]][^&,;)}\]]*"
)
_QUERY = re.compile(r"(?<==)[^&\s\"]+")
_OTHERS = (
    # CloudFront's request ids and other opaque texts of 40 characters or more
    ("id", r"(?<![\w\-])(?=\D{0,99}\d)(?=[^A-Z]{0,99}[A-Z])(?=[^a-z]{0,99}[a-z])[\w\-]{40,256}+={0,2}(?![\w\-])"),
    *((name, source) for name, source in SOURCES if name not in ("text", "email", "number")),
    ("version", r"(?<=/)v\d{1,2}(?=/)"),  # /api/v2/orders is another place than /api/v1/orders
    ("number", rf"(?:(?<![\w\-+.])[+\-])?\d++(?:[.,]\d++){{0,8}}(?=(?:{_UNITS})?(?![A-Za-z0-9]))"),
    ("id", r"(?<![A-Za-z0-9])[A-Za-z]{0,20}\d++[A-Za-z][A-Za-z0-9]*+"),
    ("number", r"\d++(?:[.,]\d++){0,8}"),
)
_MASKS = ("", *(f"<{name}>" for name, _ in _OTHERS))
_ANY = re.compile("|".join(f"({source})" for _, source in _OTHERS))
_ZONED, _TIMED = "<time> <number>]", "<time>]"  # "[22/Nov/2026:20:40:21 +0000]"
_EMAIL = re.compile(_BY_NAME["email"])


class _Said(msgspec.Struct, frozen=True, gc=False):
    """What loggers call the message, in the order of ``_said``; anything may be in it."""

    message: object = None
    msg: object = None
    event: object = None
    error: object = None
    err: object = None
    detail: object = None
    reason: object = None
    short_message: object = None  # GELF


_SAID_DECODER = msgspec.json.Decoder(_Said)
_KEYS_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])


def template_of(message: str) -> str:
    """A line with its variable parts masked: ``GET /orders/<number> <number> <number>ms req=<id>``.

    Of a JSON line it is the template of its message or, without one, its keys: ``{amount, event, req}``; of several
    lines the first, and the exception of a Python traceback. Reads at most ``MOST_CHARS`` of it; never raises.
    """
    if message[:1] == "{" and (read := _of_json(message)) is not None:
        return read
    return _masked(message)


def _masked(message: str) -> str:
    text = message[:MOST_CHARS] if "\n" not in message else _telling_line(message)
    if ESCAPE in text:
        text = COLOURS.sub("", text)
    if '"' in text or "'" in text or "`" in text:
        text = _QUOTED.sub(_quoted, text)
    words = [
        word if word.isalpha() else _known(word) if len(word) <= _WORD_CHARS else _word(word) for word in text.split()
    ]
    return " ".join(words).replace("<time> <time>", "<time>").replace(_ZONED, _TIMED)


def _telling_line(message: str) -> str:
    text = message[: MOST_CHARS * 100].strip("\n")
    first = text.partition("\n")[0]
    if PYTHON in text:
        last = next((line for line in reversed(text.split("\n")) if line and not line[0].isspace()), "")
        if last and PYTHON not in last and last != first:
            first = f"{first.replace(PYTHON, '').strip()} {last}"
    return first[:MOST_CHARS]


def _quoted(found: re.Match[str]) -> str:
    text = found[0]
    if text[0] == '"' and _REQUEST.match(text):
        return text
    before = found.string[max(0, found.start() - 10) : found.start()]
    return text if before.endswith(_SAID) else "<text>"


def _word(word: str) -> str:
    """The template of a word without blanks."""
    if word.isdecimal():
        return "<number>"
    if "=" in word:
        word = _of_pairs(word)
    if not _DIGIT.search(word):
        return _EMAIL.sub("<email>", word) if "@" in word else word
    if (":" in word or "-" in word) and (stamp := _STAMP.fullmatch(word)):
        return f"{stamp[1]}<time>{stamp[2]}"
    if easy := _EASY.fullmatch(word):
        return f"{easy[1]}<number>{easy[2]}{easy[3]}"
    if len(word) >= _UUID_CHARS and (uuid := _UUID.fullmatch(word)):
        return f"{uuid[1]}<uuid>{uuid[2]}"
    if "@" in word:
        word = _EMAIL.sub("<email>", word)
    return _ANY.sub(_mask, word)


_known = lru_cache(maxsize=_REMEMBERED)(_word)


def _of_pairs(word: str) -> str:
    """``/orders?page=2&sort=name`` without the values, ``req=7f3a`` and other keys of ids likewise."""
    path, mark, query = word.partition("?")
    if mark and "=" in query:
        return f"{path}?{_QUERY.sub('<text>', query)}"
    return _KEYED.sub(r"\1<id>", word)


def _mask(found: re.Match[str]) -> str:
    mask = _MASKS[found.lastindex or 0]
    return found[0] if mask == "<version>" else mask


def _of_json(message: str) -> str | None:
    """None when it is no JSON object after all."""
    if len(message) > JSON_CHARS:
        return None
    try:
        said = _SAID_DECODER.decode(message)
        for text in (
            said.message,
            said.msg,
            said.event,
            said.error,
            said.err,
            said.detail,
            said.reason,
            said.short_message,
        ):
            if isinstance(text, str) and text:
                return _masked(text)
        keys = sorted(_KEYS_DECODER.decode(message))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    shown = ", ".join(key[:_WORD_CHARS] for key in keys[:MOST_KEYS])
    return f"{{{shown}, …}}" if len(keys) > MOST_KEYS else f"{{{shown}}}"
