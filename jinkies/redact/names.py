"""Which names are a secret's: ``db_password``, ``X-Api-Key``, ``refreshToken``; not ``token_count``, ``secretary``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_KEY_KINDS = (
    r"(?:api|access|private|signing|encryption|account|license|subscription|master|auth|storage|shared|app|consumer)"
)
KEY = re.compile(
    rf"(?P<stem>passw(?:or)?d|passwort|passphrase|passcode|pwd|secret|token|jwt|credential|authorization|cookie|session"
    rf"|sessid|{_KEY_KINDS}[_-]?key|connect\.sid|\bsig|amz-signature"
    r"|(?<![A-Za-z])(?:t?otp|cvv2?|cvc2?)(?![a-z])|(?<![A-Za-z0-9])_auth(?==)"
    r"|(?:(?<=[_\-])pass|(?-i:(?<=[a-z])Pass))(?![\w\-])"
    r"|\bpass(?=\\{0,7}[\"'`]?[ \t]{0,8}(?:=>|[:=])))"
    r"(?P<tail>[A-Za-z0-9_\-]{0,48}+)(?![A-Za-z0-9_\-])"
    r"(?P<sep>\\{0,7}[\"']\s{0,8},\s{0,8}\\{0,7}[\"']value\\{0,7}[\"']\s{0,8}:\s{0,8}"  # {"name": "X", "value": "…"}
    r"|\\{0,7}[\"']?\r?\n[ \t]{1,40}value:[ \t]{1,8}"  # the same in YAML
    r"|\\{0,7}[\"']\s{1,8}value\s?=\s?(?=\\{0,7}[\"'])"  # <add key="X" value="…"/>
    r"|(?P<xml>\\{0,7}[\"']?>|[ \t]{1,4}[\w:\-]{1,20}=[\"'][^<>\n]{0,100}>|&gt;)"
    r"|\\{0,7}[\"'`]?\]?[ \t]{0,8}(?:=>|:=|={1,3}|%3D|:(?![:/]))[ \t]{0,8}(?:\r?\n[ \t]{1,8}(?=[\"'\\]))?"
    r"|\\{0,7}[\"']\s{0,8},\s{0,8}(?=b?\\{0,7}[\"'])|[ \t]{1,8}(?=[^\s\-]))",
    re.IGNORECASE,
)
# Where KEY can match, in lower case. str.find is many times as quick as a pattern that asks at every character.
STEM_WORDS = (
    "pass", "pwd", "secret", "token", "jwt", "credential", "authorization", "cookie", "sess", "connect.sid",
    "amz-signature", "_auth=", "key", "sig", "otp", "cv",
)  # fmt: skip
_BEFORE_KEY = re.compile(_KEY_KINDS + r"[_-]?\Z")
_BEFORE_KEY_CHARS = 13
_SHORT = {  # of a word that many others hold: where it is a name
    "sig": re.compile(r"\bsig"),
    "otp": re.compile(r"(?<![a-z])t?otp(?![a-z])"),
    "cv": re.compile(r"(?<![a-z])cv[vc]2?(?![a-z])"),
}
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TAIL = re.compile(r"(?:s|ids?|keys?|value|hash|text|\d+)?(?=$|[_\-A-Z0-9])")
_WORD_BEFORE = re.compile(r"[A-Za-z0-9_\-]{0,48}\Z")

_PLAIN_LAST = re.compile(
    r"count|counts|length|len|size|type|types|name|names|limit|limits|expiry|expires|expired|expiration|ttl|age"
    r"|url|uri|endpoint|policy|bucket|buckets|index|position|reset|field|fields|error|errors|exception|status"
    r"|version|arn|manager|store|provider|path|file|files|class|required|enabled|disabled|valid|invalid|created"
    r"|updated|at|timeout|timeouts|remaining|used|usage|rate|budget|service|handler|factory|middleware|backend"
    r"|pool|failure|fault|warning|algorithm|format|strength|min|max|maker|state|scope|scopes|mode|header|param"
    r"|parser|validator|request|response|client|server|filter|config|model|view|form|serializer|repository"
)
_PLAIN_ANY = re.compile(r"invalid|expired|missing|bad|unexpected|unknown|revoked|no|has|is|unauthorized|without")


def word_before(text: str, at: int) -> str:
    """The letters, digits, "_" and "-" that end at a place, at most 48."""
    before = _WORD_BEFORE.search(text[max(0, at - 48) : at])
    return before[0] if before else ""


@lru_cache(maxsize=4_096)  # senders use the same names again and again
def is_secret_key(key: str) -> bool:
    """Whether a value under this name is one to hide: ``db_password``, ``X-Api-Key``, ``refreshToken``, ``cookie``."""
    text = key[-256:] + '="'
    position = 0
    while match := KEY.search(text, position):
        if hides(match, text):
            return True
        position = match.end("stem")
    return False


@lru_cache(maxsize=4_096)  # likewise
def has_secret_key(path: str) -> bool:
    """Whether one of the names with dots between them is a secret's: ``request.cookies.theme``."""
    return any(is_secret_key(part) for part in path.split("."))


def hides(match: re.Match[str], text: str) -> bool:
    """Whether the name that ``KEY`` found is a secret's as a whole."""
    stem, tail = match["stem"], match["tail"]
    camel = tail if stem[-1].islower() else tail.lower()
    if not _TAIL.match(camel):
        return False  # secretary, tokenizer, passwordless
    parts = [part.lower() for part in _PARTS.findall(word_before(text, match.start()) + stem + tail)]
    plain = parts and _PLAIN_LAST.fullmatch(parts[-1])
    return not plain and not any(_PLAIN_ANY.fullmatch(part) for part in parts)


def names_in(lowered: str) -> list[str]:
    """Those of ``STEM_WORDS`` of which words in lower case tell; "key" only where it is one of a kind that hides."""
    found = [word for word in STEM_WORDS if word in lowered]
    return found if "key" not in found or stems(lowered, ("key",)) else [word for word in found if word != "key"]


def stems(lowered: str, words: Iterable[str] = STEM_WORDS) -> list[tuple[int, int]]:
    """Starts and ends of the stems of names in a text, leftmost first, of those at one place the longest first.

    Args:
        lowered: the text in lower case.
        words: those of ``STEM_WORDS`` that are in it, or more.
    """
    found: list[tuple[int, int]] = []
    for word in words:
        if word in _SHORT:
            found += [match.span() for match in _SHORT[word].finditer(lowered)]
            continue
        at = lowered.find(word)
        while at >= 0:
            if word != "key":
                found.append((at, at + len(word.rstrip("="))))
            elif head := _BEFORE_KEY.search(lowered, max(0, at - _BEFORE_KEY_CHARS), at):
                found.append((head.start(), at + 3))
            at = lowered.find(word, at + 1)
    return sorted(found, key=lambda span: (span[0], -span[1]))
