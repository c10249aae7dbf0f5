r"""Secrets out, before anything is stored: alert text and log text leave the house on cards and in pull requests.

Pure and linear in the length of the text, whatever the text is: repeats are possessive or bounded, patterns start
only where a word starts, and what was scanned for a value is consumed. The mark keeps the key readable
(``password=[redacted]``), and ``redact(redact(x)) == redact(x)``.

Shapes come from their makers' descriptions: AWS ("Unique ID prefixes": AKIA, ASIA; secret keys of 40 characters),
GitHub ("token prefixes"), Slack (xox…-), Discord (a token's first part is the id's digits in base64, so it starts
with M, N or O), RFC 7519 (JWT), RFC 7468 (PEM), RFC 3986 (user information in addresses).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

import msgspec

from jinkies.commands import ReportOccurrence
from jinkies.frames import Frame
from jinkies.model import LogLine

MARK = "[redacted]"
_MAX_PASSES = 4  # what one pass hides can bring a name next to another value; text without secrets takes one
_NOTHING = frozenset({"", "none", "null", "nil", "true", "false", "undefined", "empty", "missing", MARK})

# ---------------------------------------------------------------------------------------------- private keys

_ARMOUR = re.compile(r"-----(BEGIN|END) (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_MAX_KEY_CHARS = 32_768  # between the two lines of one key; an RSA key of 16,384 bits has 12,000
_GAP = r"(?:\s|\\+[nr])*+"  # between the lines of a key, in a JSON string too
_KEY_BODY = re.compile(rf"(?:{_GAP}(?:[A-Za-z0-9+/]{{16,}}+={{0,2}}|(?:Proc-Type|DEK-Info): ?[\w,\-]*+))*+")
_LAST_LINE = re.compile(rf"{_GAP}[A-Za-z0-9+/]{{1,15}}+={{0,2}}(?=\s*+\Z|[ \t]*\r?\n|\\|[\"'])")
_BETWEEN_LINES = re.compile(r"((?:\s|\\+[nr])++)")
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_KEY_LINE = re.compile(r"\s*[A-Za-z0-9+/]{16,}={0,2}\s*")


def _private_keys(text: str) -> str:
    """Keys whole, cut off at the end (the sender bounded its message), or without their first lines."""
    pieces: list[str] = []
    done = 0
    marks = list(_ARMOUR.finditer(text))
    for index, mark in enumerate(marks):
        if mark.start() < done:
            continue
        if mark[1] == "END":  # its BEGIN was not in what the sender kept
            pieces += [_cut_tail(text[done : mark.start()]), MARK]
            done = mark.end()
            continue
        following = marks[index + 1] if index + 1 < len(marks) else None
        closed = following is not None and following[1] == "END" and following.start() - mark.end() <= _MAX_KEY_CHARS
        end = following.end() if closed and following is not None else _body_end(text, mark.end())
        pieces += [text[done : mark.start()], MARK]
        done = end
    return "".join((*pieces, text[done:]))


def _body_end(text: str, start: int) -> int:
    body = _KEY_BODY.match(text, start)
    end = body.end() if body else start
    last = _LAST_LINE.match(text, end)
    return last.end() if last else end


def _cut_tail(text: str) -> str:
    """Without the lines of base64 at its end, which are the rest of a key; its last line may be a short one."""
    words = _BETWEEN_LINES.split(text)  # words at even places, what parts them between
    cut = len(words)
    for place in range(len(words) - 1, -1, -2):
        kept = words[place].rstrip("=").rstrip(_BASE64)
        length = len(words[place]) - len(kept)
        if words[place] and length < 16 and (place < len(words) - 3 or kept):
            break
        if length:
            words[place], cut = kept, place + 1
        if kept:
            break
    return "".join(words[:cut])


# ------------------------------------------------------------------------------------------ names and values

_KEY = re.compile(
    r"(?P<stem>passw(?:or)?d|passwort|passphrase|pwd|secret|token|jwt|credential|authorization|cookie|session|sessid"
    r"|(?:api|access|private|signing|encryption|account|license)[_-]?key|connect\.sid|\bsig|amz-signature"
    r"|(?:(?<=[_\-])pass|(?-i:(?<=[a-z])Pass))(?![\w\-])"
    r"|\bpass(?=\\{0,7}[\"'`]?[ \t]{0,8}(?:=>|[:=])[ \t]{0,8}[\"'`\\]))"
    r"(?P<tail>[A-Za-z0-9_\-]{0,48}+)(?![A-Za-z0-9_\-])"
    r"(?P<sep>\\{0,7}[\"'`]?\]?[ \t]{0,8}(?:=>|:=|={1,3}|%3D|:(?![:/]))[ \t]{0,8}(?:\r?\n[ \t]{1,8}(?=[\"'\\]))?"
    r"|\\{0,7}[\"']\s{0,8},\s{0,8}(?=b?\\{0,7}[\"'])|[ \t]{1,8}(?=[^\s\-]))",
    re.IGNORECASE,
)
# Where _KEY can match, in lower case. str.find is many times as quick as a pattern that asks at every character.
_STEM_WORDS = (
    "pass",
    "pwd",
    "secret",
    "token",
    "jwt",
    "credential",
    "authorization",
    "cookie",
    "sess",
    "connect.sid",
    "amz-signature",
)
_BEFORE_KEY = re.compile(r"(?:api|access|private|signing|encryption|account|license)[_-]?\Z")
_BEFORE_KEY_CHARS = 11
_SIG = re.compile(r"\bsig")
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
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TAIL = re.compile(r"(?:s|ids?|keys?|value|hash|text|\d+)?(?=$|[_\-A-Z0-9])")
_WORD_BEFORE = re.compile(r"[A-Za-z0-9_\-]{0,48}\Z")

_PLAIN_LAST = re.compile(
    r"count|counts|length|len|size|type|types|name|names|limit|limits|expiry|expires|expired|expiration|ttl|age"
    r"|url|uri|endpoint|policy|bucket|buckets|index|position|reset|field|fields|error|errors|exception|status"
    r"|version|arn|manager|store|provider|path|file|files|class|required|enabled|disabled|valid|invalid|created"
    r"|updated|at|timeout|timeouts|remaining|used|usage|rate|budget|service|handler|factory|middleware|backend"
    r"|pool|failure|fault|warning|algorithm|format|strength|min|max|maker|state|scope|scopes|mode|header|param"
    r"|parser|validator"
)
_PLAIN_ANY = re.compile(r"invalid|expired|missing|bad|unexpected|unknown|revoked|no|has|is|unauthorized|without")
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
    r"(?![\w.\-])|\$\{?[A-Za-z_]\w*+\}?(?!\S)|%\(?\w{0,40}\)?s\b|\{[\w.:!]{0,40}\}|<[\w -]{1,40}>|\*{3,}(?!\S)|"
    + _TYPES,
    re.IGNORECASE,
)


@lru_cache(maxsize=4_096)  # senders use the same names again and again
def is_secret_key(key: str) -> bool:
    """Whether a value under this name is one to hide: ``db_password``, ``X-Api-Key``, ``refreshToken``, ``cookie``."""
    text = key[-256:] + '="'
    position = 0
    while match := _KEY.search(text, position):
        if _hides(match, text):
            return True
        position = match.end("stem")
    return False


def _hides(match: re.Match[str], text: str) -> bool:
    stem, tail = match["stem"], match["tail"]
    camel = tail if stem[-1].islower() else tail.lower()
    if not _TAIL.match(camel):
        return False  # secretary, tokenizer, passwordless
    before = _WORD_BEFORE.search(text[max(0, match.start() - 48) : match.start()])
    parts = [part.lower() for part in _PARTS.findall((before[0] if before else "") + stem + tail)]
    plain = parts and _PLAIN_LAST.fullmatch(parts[-1])
    return not plain and not any(_PLAIN_ANY.fullmatch(part) for part in parts)


def _named_values(text: str) -> str:
    """``key=value``, ``key: value``, ``"key": "value"``, ``--key value`` and pairs in lists, with a secret's name."""
    pieces: list[str] = []
    done = position = 0
    for at, stem_end in _stems(_lower(text)):
        if at < position:
            continue
        position = stem_end
        match = _KEY.match(text, at)
        if match is None or not _is_assignment(match, text) or not _hides(match, text):
            continue
        start, end = _value_span(match, text)
        if end > start:
            pieces += [text[done:start], MARK]
            done = position = end
    return "".join((*pieces, text[done:]))


def _stems(lowered: str) -> list[tuple[int, int]]:
    """Starts and ends of the stems of names in a text, leftmost first, of those at one place the longest first."""
    found: list[tuple[int, int]] = []
    for word in _STEM_WORDS:
        at = lowered.find(word)
        while at >= 0:
            found.append((at, at + len(word)))
            at = lowered.find(word, at + 1)
    at = lowered.find("key")
    while at >= 0:
        if head := _BEFORE_KEY.search(lowered, max(0, at - _BEFORE_KEY_CHARS), at):
            found.append((head.start(), at + 3))
        at = lowered.find("key", at + 1)
    if "sig" in lowered:
        found += [match.span() for match in _SIG.finditer(lowered)]
    return sorted(found, key=lambda span: (span[0], -span[1]))


def _lower(text: str) -> str:
    """In lower case, each character where it was: a few letters have a longer form there."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(char.lower() if char.isascii() else char for char in text)


def _is_assignment(match: re.Match[str], text: str) -> bool:
    """A blank parts name and value only behind ``--``; prose is full of words beside ``token``."""
    if match["stem"].lower() == "secret" and match["sep"] == ":" and text[match.start() - 1 : match.start()] == ":":
        return False  # arn:aws:secretsmanager:…:secret:name
    if match["sep"].strip():
        return not text[max(0, match.start() - 11) : match.start()].lower().endswith("unexpected ")
    before = _WORD_BEFORE.search(text[max(0, match.start() - 48) : match.start()])
    return before is not None and before[0].startswith("--")


def _value_span(match: re.Match[str], text: str) -> tuple[int, int]:
    """Where the secret starts and ends; an empty span where there is nothing to hide."""
    start = match.end()
    stem = match["stem"].lower()
    enclosed = _ENCLOSED.match(text, start)
    if enclosed and enclosed["list"]:
        empty = enclosed[0] == MARK or not enclosed[0][1:-1].strip()
        return start, start if empty else enclosed.end()
    if enclosed:
        return _quoted_span(enclosed)
    scheme = _SCHEME.match(text, start) if stem == "authorization" else None
    if scheme:
        return scheme.end(), _bare_end(text, scheme.end())
    whole_line = stem == "cookie" and ":" in match["sep"]
    if whole_line or (stem == "authorization" and text.startswith(("AWS4-", "Digest "), start)):
        rest = _REST_OF_LINE.match(text, start)
        return start, rest.end() if rest else start
    return start, start if _is_plain(match, text) else _bare_end(text, start)


def _quoted_span(value: re.Match[str]) -> tuple[int, int]:
    quote = value["dq"] or value["sq"] or value["bq"] or value["eq"]
    start = value.start() + value[0].index(quote) + len(quote)
    closed = value.end() - start >= len(quote) and value[0].endswith(quote)
    end = value.end() - len(quote) if closed else value.end()
    inner = value.string[start:end]
    scheme = _SCHEME.match(inner)
    if inner.lower() in _NOTHING or (scheme and inner[scheme.end() :] == MARK):
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
    if value in _NOTHING or value == MARK[:-1] or value == stem + tail or _CODE.match(text, start, end):
        return True
    if stem == "pwd" and value.startswith("/"):  # the working directory
        return True
    if tail == "s" and value.isdigit():  # max_tokens=4096
        return True
    prose = _PROSE.match(text, start, end) if ":" in match["sep"] and stem in _PROSE_STEMS else None
    return prose is not None and (prose[2] is not None or _PROSE_WORDS.fullmatch(prose[1].lower()) is not None)


# -------------------------------------------------------------------------------------------- known shapes

_SECRET_KEY = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}+(?![A-Za-z0-9/+=])")
_SCHEME_VALUE = re.compile(r"\b(bearer|basic)([ \t]{1,4})([A-Za-z0-9._~+/\-]{8,}+=*+)", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?<=://)([^\s/?#@:\"'<>]{0,256}+:)([^\s/\"'<>]{1,512})(?=@)")
_DISCORD_TOKEN = re.compile(r"(?<![\w\-])[MNO][\w\-]{22,29}+\.[\w\-]{5,7}+\.[\w\-]{20,}+", re.ASCII)
_AWS_KEY_ID = re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,124}+")
_AWS_GATES = ("AKIA", "ASIA", "ABIA", "ACCA")
_LONG_WORD = 40  # characters without a blank that _SECRET_KEY and _DISCORD_TOKEN have at least
_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("gh", re.compile(r"(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9_]{10,}+")),
    ("github_pat_", re.compile(r"github_pat_[A-Za-z0-9_]{10,}+")),
    ("glpat-", re.compile(r"glpat-[A-Za-z0-9_\-]{10,}+")),
    ("xox", re.compile(r"(?<![A-Za-z0-9])xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9\-]{8,}+")),
    ("xapp-", re.compile(r"(?<![A-Za-z0-9])xapp-[A-Za-z0-9\-]{8,}+")),
    ("hooks.slack.com/", re.compile(r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[\w/\-]{8,}+")),
    ("/webhooks/", re.compile(r"(?<=/webhooks/)\d{5,25}+/[\w\-]{16,}+")),
    ("/interactions/", re.compile(r"(?<=/interactions/)\d{5,25}+/[\w\-]{16,}+")),
    ("eyJ", re.compile(r"(?<![A-Za-z0-9_\-])eyJ[\w\-]{8,}+\.[\w\-]{4,}+(?:\.[\w\-]*+){0,3}", re.ASCII)),
    ("AIza", re.compile(r"(?<![A-Za-z0-9])AIza[\w\-]{30,}+", re.ASCII)),
    ("_live_", re.compile(r"(?<![A-Za-z0-9])[spr]k_live_[A-Za-z0-9]{10,}+")),
    ("sk-", re.compile(r"(?<![A-Za-z0-9])sk-(?:ant-|proj-)?[A-Za-z0-9_\-]{24,}+")),
    ("npm_", re.compile(r"(?<![A-Za-z0-9])npm_[A-Za-z0-9]{30,}+")),
    ("pypi-", re.compile(r"(?<![A-Za-z0-9])pypi-[\w\-]{40,}+", re.ASCII)),
)


def _after_digits(match: re.Match[str]) -> str:
    """A webhook's id is no secret, its token is."""
    head, slash, _ = match[0].partition("/")
    return f"{head}{slash}{MARK}"


def _scheme_value(match: re.Match[str]) -> str:
    """``Bearer abc123`` hides; "basic authentication" is prose."""
    value = match[3]
    telling = any(char.isdigit() for char in value) or re.search(r"[a-z][A-Z]|[A-Z]{2}[a-z]|=", value)
    return f"{match[1]}{match[2]}{MARK}" if telling else match[0]


def _secret_key(match: re.Match[str]) -> str:
    """40 characters that change between cases and digits as random ones do; a git sha or a path does not."""
    value = match[0]
    kinds = ["d" if char.isdigit() else "u" if char.isupper() else "l" if char.islower() else "s" for char in value]
    changes = sum(one != other for one, other in pairwise(kinds))
    return MARK if changes >= 16 and {"d", "u", "l"} <= set(kinds) else value


def _known_shapes(text: str) -> str:
    long_words = " ".join([word for word in text.split() if len(word) >= _LONG_WORD])
    for gate, pattern in _SHAPES:
        if gate in text:
            hide: Callable[[re.Match[str]], str] | str = _after_digits if gate[0] == "/" or gate[0] == "h" else MARK
            text = pattern.sub(hide, text)
    if any(gate in text for gate in _AWS_GATES):
        text = _AWS_KEY_ID.sub(MARK, text)
    if long_words:  # these two are slow to look for, and hold no blank: a glance at the words that are long enough
        if "." in long_words and _DISCORD_TOKEN.search(long_words):
            text = _DISCORD_TOKEN.sub(MARK, text)
        if _SECRET_KEY.search(long_words):
            text = _SECRET_KEY.sub(_secret_key, text)
    if "://" in text and "@" in text:
        text = _URL_PASSWORD.sub(rf"\1{MARK}", text)
    return text


# ----------------------------------------------------------------------------------------------- what is asked


def redact(text: str) -> str:
    """``text`` with every secret that has a known shape or stands under a secret's name replaced by ``MARK``."""
    for _ in range(_MAX_PASSES):
        before, text = text, _one_pass(text)
        if text == before:
            break
    return text


def _one_pass(text: str) -> str:
    if "PRIVATE KEY" in text:
        text = _private_keys(text)
    text = _named_values(text)
    lowered = text.lower()
    if "bearer" in lowered or "basic" in lowered:
        text = _SCHEME_VALUE.sub(_scheme_value, text)
    return _known_shapes(text)


_SEPARATOR = "\n\0\n"  # no word, no blank: nothing that spans two texts looks like one
_TEXT_FIELDS = (
    "service", "message", "exception_type", "stack_trace", "request_path", "environment", "instance_id", "commit_sha",
    "release", "link", "runbook",
)  # fmt: skip


def redact_occurrence(command: ReportOccurrence) -> ReportOccurrence:
    """The command with every text in it redacted, fingerprint and template apart: those are only ever hashed.

    Nearly every report holds no secret, and has dozens of short texts: one look at all of them together tells.
    """
    return command if _is_clean(command) else _redacted(command)


def _is_clean(command: ReportOccurrence) -> bool:
    """Whether no text of it, each by itself, has a secret: joined, they have at least the secrets that each has.

    What a text begins or ends with is the same to a pattern when a line break is there. Keys are apart: their lines are
    told by their neighbours.
    """
    named = (*command.context.items(), *command.tags.items())
    if any(_is_named_secret(key, value) for key, value in named):
        return False
    texts = [
        *(getattr(command, name) or "" for name in _TEXT_FIELDS),
        *(line.message for line in command.related_logs),
        *(text for frame in command.frames for text in (frame.path, frame.function, frame.module, frame.source)),
        *(text for pair in named for text in pair),
    ]
    joined = _SEPARATOR.join(texts)
    return "PRIVATE KEY" not in joined and redact(joined) == joined


def _redacted(command: ReportOccurrence) -> ReportOccurrence:
    def optional(text: str | None) -> str | None:
        return None if text is None else redact(text)

    return msgspec.structs.replace(
        command,
        service=redact(command.service),
        message=redact(command.message),
        exception_type=optional(command.exception_type),
        stack_trace=optional(command.stack_trace),
        related_logs=_redact_lines(command.related_logs),
        request_path=optional(command.request_path),
        environment=optional(command.environment),
        instance_id=optional(command.instance_id),
        commit_sha=optional(command.commit_sha),
        context={redact(key): _redact_context(key, value) for key, value in command.context.items()},
        frames=_redact_frames(command.frames),
        release=optional(command.release),
        tags={redact(key): _redact_context(key, value) for key, value in command.tags.items()},
        link=optional(command.link),
        runbook=optional(command.runbook),
    )


def _redact_frames(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """All at once first: a secret in a frame is rare, and a trace has dozens of them."""
    text = "\n".join(f"{frame.path}\n{frame.function}\n{frame.module}\n{frame.source}" for frame in frames)
    if redact(text) == text:
        return frames
    return tuple(
        msgspec.structs.replace(
            frame,
            path=redact(frame.path),
            function=redact(frame.function),
            module=redact(frame.module),
            source=redact(frame.source),
        )
        for frame in frames
    )


def _redact_context(key: str, value: str) -> str:
    """``additional_context`` comes flattened: ``request.cookies.theme`` is a cookie too."""
    return MARK if _is_named_secret(key, value) else redact(value)


def _is_named_secret(key: str, value: str) -> bool:
    return value.lower() not in _NOTHING and any(is_secret_key(part) for part in key.split("."))


def _redact_lines(lines: tuple[LogLine, ...]) -> tuple[LogLine, ...]:
    """Each line by itself, and the lines of a private key that was logged line by line."""
    kept: list[LogLine] = []
    in_key = False
    for line in lines:
        marks = [mark[1] for mark in _ARMOUR.finditer(line.message)]
        inside = in_key and not marks and _KEY_LINE.fullmatch(line.message) is not None
        in_key = marks[-1] == "BEGIN" if marks else inside
        message = MARK if inside else redact(line.message)
        kept.append(msgspec.structs.replace(line, message=message))
    return tuple(kept)
