r"""What stands under a secret's name: ``key=value``, ``"key": "value"``, ``--key value``, ``<key>value</key>``.

Source code, placeholders and prose behind such a name hide nothing and stay.
"""

from __future__ import annotations

import re

from jinkies.redact.marks import KEEP_NOTHING, MARK, NOTHING, Keep
from jinkies.redact.names import KEY, hides, names_in, stems, word_before

_ENCLOSED = re.compile(
    r"[bruf]{0,2}(?:"
    r"(?P<dq>\")(?:[^\"\\\n]|\\.)*+\"?|(?P<sq>')(?:[^'\\\n]|\\.)*+'?|(?P<bq>`)[^`\n]*+`?"
    r"|(?P<eq>\\{1,7}[\"'])(?:[^\n]*?(?<!\\)(?P=eq)|[^\n]*+))"
    r"|(?P<list>[\[({][^\[\](){}\n]{0,4096}+[\])}](?![A-Za-z0-9]))",
    re.IGNORECASE,
)
_BARE = re.compile(r"[^\s&\"'`,;\\]*+(?:[,;](?! ?[\w.\-]{1,64}+(?: \w{1,32}+)?\s?[=:])[^\s&\"'`,;\\]++)*+")
_GLANCE = 100  # characters that decide whether a bare value is source code or prose
_SCHEME = re.compile(r"(?:bearer|basic|token|bot|negotiate|apikey)[ \t]{1,4}", re.IGNORECASE)
_REST_OF_LINE = re.compile(r"[^\n\"'\\]*+")
_DIGEST = re.compile(r"Digest(?:[ \t,]{1,4}[\w\-]{1,32}=(?:\"[^\"\n]{0,2048}\"|[^\s,\"'\\]{1,2048})){1,20}+")
_OTHER_SCHEME = re.compile(r"[A-Za-z][A-Za-z\-]{1,30}[ \t]{1,4}(?=[^\s\"'\\]{0,80}\d)")  # GenieKey, SSWS, Splunk …
_LINE = re.compile(r"[^\n]*+")
_LINE_START = re.compile(r"(?:\A|\n)[ \t<>*|]{0,8}(?:[A-Z]{3,8}:? )?[ \t]{0,8}\Z")
_XML_VALUE = re.compile(r"(?:<!\[CDATA\[)?([^<&\]]{1,4096}(?:[&\]][^<&\]]{0,4096}){0,8}?)(?=</|\]\]>|&lt;/)")
_XML_BEFORE = re.compile(r"(?:<|&lt;)(?:[\w.\-]{1,40}:)?[\w.\-]{0,48}\Z|[\"'][\w.\-]{0,48}\Z")
_ARN = re.compile(r"\barn:aws[\w\-]*+:[^\s\"']*+\Z")
_RESULT = re.compile(
    r"[\d.,/%+-]+(?:ms|s)?|yes|no|on|off|ok|good|first|second|last|final|fail(?:ed|ure)?|skip(?:ped)?|pass(?:ed)?|all"
)

_PROSE_STEMS = frozenset({"token", "session", "cookie", "credential", "authorization", "jwt"})
_PROSE_WORDS = re.compile(r"expired|invalid|missing|required|denied|refused|failed|closed|started|ok|revoked|not")
_PROSE = re.compile(r"([A-Z]?[a-z]{1,14})(?![\w/+=\-])([ \t]{1,2}(?:[a-z]|\[redacted))?")
_TYPES = r"(?:str|string|bytes|int|bool|boolean|object|any|SecretStr|Optional\[\w+\])(?:[ \t]*(?:[,|)=]|\Z|\n))"
_CODE = re.compile(
    r"[A-Za-z_][\w.]*+\[(?:-?\d{1,4}|[A-Za-z_][\w.]{0,40}|[\"'][\w .\-]{1,60}[\"'])\]|new [A-Za-z_][\w.]*+[(<\[]|"
    r"(?:self|this|cls|req|request|res|response|event|context|ctx|config|settings|os|process|args|kwargs|user|options)"
    r"\.[A-Za-z_][A-Za-z_.]*+(?![\w\-/+=])|"
    r"(?-i:(?:Annotated|Optional|Union)\[|(?:[A-Z][a-z]{1,20}){2,4} = )|"
    r"(?:await )?[A-Za-z_][\w.]*+\(|(?:[A-Za-z_]\w*+\.)+\w*(?:password|passwd|token|secret|key|session|cookie|jwt)s?\b"
    r"(?![\w.\-])|\$\{?[A-Za-z_]\w*+\}?(?!\S)|%\(?\w{0,40}\)?s\b|\{[\w.:!]{0,40}\}"
    r"|\{\{[^{}]{1,60}\}\}|<[\w -]{1,40}>|\*{3,}(?!\S)|" + _TYPES,
    re.IGNORECASE,
)


def named_values(text: str, words: str, keep: Keep = KEEP_NOTHING) -> str:
    """With the mark for each value under a secret's name.

    ``words`` are the text's, in lower case: where no name of a secret is among them there is nothing to look for.
    """
    found = names_in(words)
    if not found:
        return text
    pieces: list[str] = []
    done = position = 0
    for at, stem_end in stems(_lower(text), found):
        if at < position:
            continue
        position = stem_end
        match = KEY.match(text, at)
        if match is None or not _is_assignment(match, text) or not hides(match, text):
            continue
        start, end = _value_span(match, text)
        if end <= start or (keep and _is_kept(match, text, start, end, keep)):
            continue
        pieces += [text[done:start], MARK]
        done = position = end
    return "".join((*pieces, text[done:]))


def _is_kept(match: re.Match[str], text: str, start: int, end: int, keep: Keep) -> bool:
    name = word_before(text, match.start()) + match["stem"] + match["tail"]
    return keep.name(name) or keep.holds(text, start, end)


def _lower(text: str) -> str:
    """In lower case, each character where it was: a few letters have a longer form there."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(char.lower() if char.isascii() else char for char in text)


def _is_assignment(match: re.Match[str], text: str) -> bool:
    """A blank parts name and value only behind ``--``; prose is full of words beside ``token``."""
    before = word_before(text, match.start())
    if match["xml"] is not None:
        return _XML_BEFORE.search(text[max(0, match.start() - 96) : match.start()]) is not None
    if match["sep"] == ":" and _ARN.search(text[max(0, match.start() - 160) : match.start()]):
        return False  # arn:aws:secretsmanager:…:secret:name
    if match["sep"].strip():
        return not text[max(0, match.start() - 11) : match.start()].lower().endswith("unexpected ")
    return before.startswith("--")


def _value_span(match: re.Match[str], text: str) -> tuple[int, int]:
    """Where the secret starts and ends; an empty span where there is nothing to hide."""
    start = match.end()
    stem = match["stem"].lower()
    if match["xml"] is not None:
        return _xml_span(text, start)
    enclosed = _ENCLOSED.match(text, start)
    if enclosed and enclosed["list"]:
        empty = enclosed[0] == MARK or not enclosed[0][1:-1].strip()
        return start, start if empty else enclosed.end()
    if enclosed and not (stem == "cookie" and _whole_line(match, text)):
        return _quoted_span(enclosed)
    header = _header_end(match, text) if stem in {"authorization", "cookie"} else None
    if header is not None:
        return header
    return start, start if _is_plain(match, text) else _bare_end(text, start)


def _header_end(match: re.Match[str], text: str) -> tuple[int, int] | None:
    """The span in a header that is more than one word; None where it is a value like others."""
    start = match.end()
    if match["stem"].lower() == "cookie":
        if ":" not in match["sep"]:
            return None
        rest = (_LINE if _whole_line(match, text) else _REST_OF_LINE).match(text, start)
        return start, start + len(rest[0].rstrip("\r")) if rest else start
    if scheme := _SCHEME.match(text, start):
        return scheme.end(), _bare_end(text, scheme.end())
    if digest := _DIGEST.match(text, start):
        return start, digest.end()
    if text.startswith(("AWS4-", "Digest "), start):
        rest = _REST_OF_LINE.match(text, start)
        return start, rest.end() if rest else start
    other = _OTHER_SCHEME.match(text, start) if ":" in match["sep"] else None
    return None if other is None else (start, _bare_end(text, other.end()))


def _whole_line(match: re.Match[str], text: str) -> bool:
    """Whether the header stands on a line of its own, so that quotes in it are part of it."""
    begin = match.start() - len(word_before(text, match.start()))
    return match["sep"].lstrip().startswith(":") and _LINE_START.search(text[max(0, begin - 24) : begin]) is not None


def _xml_span(text: str, start: int) -> tuple[int, int]:
    value = _XML_VALUE.match(text, start)
    if value is None or not value[1].strip() or value[1].strip().lower() in NOTHING:
        return start, start
    return value.span(1)


def _quoted_span(value: re.Match[str]) -> tuple[int, int]:
    quote = value["dq"] or value["sq"] or value["bq"] or value["eq"]
    start = value.start() + value[0].index(quote) + len(quote)
    closed = value.end() - start >= len(quote) and value[0].endswith(quote)
    end = value.end() - len(quote) if closed else value.end()
    inner = value.string[start:end]
    scheme = _SCHEME.match(inner)
    if inner.lower() in NOTHING or (scheme and inner[scheme.end() :] == MARK):
        return start, start
    return start + (scheme.end() if scheme else 0), end


def _bare_end(text: str, start: int) -> int:
    """End of an unquoted value: brackets and full stops that close a sentence around it stay."""
    value = _BARE.match(text, start)
    found = value[0] if value else ""
    if found.startswith(MARK):
        return start + len(found)
    return start + len(found.rstrip(").]}>,;"))


def _is_plain(match: re.Match[str], text: str) -> bool:
    """Source code, placeholders and prose behind a secret's name hide nothing."""
    stem, tail, start = match["stem"].lower(), match["tail"].lower(), match.end()
    end = min(len(text), start + _GLANCE)
    glance = _BARE.match(text, start, end)
    value = glance[0].rstrip(").]},;").lower() if glance else ""
    if value in NOTHING or value == MARK[:-1] or value == stem + tail or _CODE.match(text, start, end):
        return True
    if stem == "pwd" and value.startswith("/"):  # the working directory
        return True
    if tail == "s" and value.isdigit():  # max_tokens=4096
        return True
    if stem == "pass" and not word_before(text, match.start()) and _is_result(value, match["sep"]):
        return True
    prose = _PROSE.match(text, start, end) if ":" in match["sep"] and stem in _PROSE_STEMS else None
    return prose is not None and (prose[2] is not None or _PROSE_WORDS.fullmatch(prose[1].lower()) is not None)


def _is_result(value: str, sep: str) -> bool:
    """``pass=11``, ``pass: ok``: a count or an outcome; behind a colon only what no word looks like is a password."""
    if _RESULT.fullmatch(value):
        return True
    return ":" in sep and (value.isalpha() or not any(char.isalpha() for char in value))
