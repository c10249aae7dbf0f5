"""Secrets of a known shape, wherever they stand.

Shapes come from their makers' descriptions: AWS ("Unique ID prefixes": AKIA, ASIA; secret keys of 40 characters),
GitHub and GitLab ("token prefixes"), Slack (xox…-), Discord (a token's first part is the id's digits in base64, so it
starts with M, N or O), RFC 7519 (JWT), RFC 3986 (user information in addresses), and the prefixes that the others
document for secret scanners. Each is looked for where a plain text that all of its kind hold is there: its gate.
"""

from __future__ import annotations

import re
import string
from itertools import pairwise

from jinkies.redact.marks import KEEP_NOTHING, Keep, cut
from jinkies.redact.words import Words

_START = r"(?<![A-Za-z0-9])"


def _after(prefix: str, rest: str, start: str = _START) -> tuple[str, re.Pattern[str]]:
    """(gate, pattern) of what begins with a literal."""
    return prefix, re.compile(f"{start}{re.escape(prefix)}{rest}", re.ASCII)


def _alike(chars: str, but: str = "") -> bytes:
    """For ``bytes.translate``: these characters as "0", some others as they are, and the rest as blanks."""
    return bytes(0x30 if chr(code) in chars else code if chr(code) in but else 0x20 for code in range(256))


_WORD = r"[A-Za-z0-9]"
_WORDS = r"[\w\-]"
_TOKENS: tuple[tuple[str, re.Pattern[str]], ...] = (  # of 16 characters or more, without blanks, slashes or brackets
    *(_after(kind, rf"{_WORD}{{12,124}}+") for kind in ("AKIA", "ASIA", "ABIA", "ACCA")),  # AWS
    ("gh", re.compile(rf"{_START}gh[pousr]_[A-Za-z0-9_]{{10,}}+")),  # GitHub
    _after("github_pat_", r"[A-Za-z0-9_]{10,}+", ""),
    (
        "gl",
        re.compile(rf"{_START}gl(?:pat|dt|rt|cbt|ptt|ft|soat|imt|agent|ffct|wt)-[\w\-]{{10,}}+", re.ASCII),
    ),  # GitLab
    _after("GR1348941", rf"{_WORDS}{{16,}}+"),
    ("xox", re.compile(rf"{_START}xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9\-]{{8,}}+")),  # Slack
    _after("xapp-", r"[A-Za-z0-9\-]{8,}+"),
    ("eyJ", re.compile(r"(?<![A-Za-z0-9_\-])eyJ[\w\-]{8,}+\.[\w\-]{4,}+(?:\.[\w\-]*+){0,3}", re.ASCII)),  # JWT, JWE
    _after("AIza", rf"{_WORDS}{{30,}}+"),  # Google
    _after("ya29.", rf"{_WORDS}{{20,}}+"),
    _after("GOCSPX-", rf"{_WORDS}{{20,}}+"),
    ("_live_", re.compile(rf"{_START}[spr]k_live_{_WORD}{{10,}}+")),  # Stripe
    ("_test_", re.compile(rf"{_START}[sr]k_test_{_WORD}{{10,}}+")),
    _after("SK", r"[0-9a-f]{32}(?![A-Za-z0-9])"),  # Twilio
    _after("SG.", rf"{_WORDS}{{16,32}}+\.{_WORDS}{{30,}}+"),  # SendGrid
    _after("npm_", rf"{_WORD}{{30,}}+"),
    _after("pypi-", rf"{_WORDS}{{40,}}+"),
    _after("rubygems_", r"[0-9a-f]{40,}+"),
    _after("dckr_", r"(?:pat|oat)_[\w\-]{20,}+"),  # Docker
    ("8Q~", re.compile(rf"(?<![\w.~\-]){_WORD}{{3}}8Q~[\w.~\-]{{30,}}+", re.ASCII)),  # Azure
    _after("v1.0-", r"[0-9a-f]{24}-[0-9a-f]{100,}+"),  # Cloudflare
    _after("hf_", rf"{_WORD}{{30,}}+"),  # Hugging Face
    _after("gsk_", rf"{_WORD}{{40,}}+"),  # Groq
    _after("xai-", rf"{_WORD}{{40,}}+"),
    _after("pplx-", rf"{_WORD}{{40,}}+"),
    _after("r8_", rf"{_WORD}{{30,}}+"),  # Replicate
    ("_v1_", re.compile(rf"{_START}do[opr]_v1_[0-9a-f]{{40,}}+")),  # DigitalOcean
    _after("dapi", r"[0-9a-f]{32}(?:-\d)?(?![A-Za-z0-9])"),  # Databricks
    ("shp", re.compile(rf"{_START}shp(?:at|ca|pa|ss)_[0-9a-fA-F]{{32,}}+")),  # Shopify
    ("sq0", re.compile(rf"{_START}sq0(?:atp|csp)-[\w\-]{{20,}}+", re.ASCII)),  # Square
    ("-us", re.compile(rf"{_START}[0-9a-f]{{32}}-us\d{{1,2}}(?![A-Za-z0-9])")),  # Mailchimp
    _after("key-", r"[0-9a-f]{32}(?![A-Za-z0-9])"),  # Mailgun
    (":AA", re.compile(r"(?<!\d)\d{8,10}:AA[\w\-]{32,}+", re.ASCII)),  # Telegram
    _after("lin_api_", rf"{_WORD}{{30,}}+"),  # Linear
    _after("ntn_", rf"{_WORD}{{40,}}+"),  # Notion
    _after("ATATT3x", r"[\w\-=]{40,}+"),  # Atlassian
    _after("dp.", r"(?:pt|st|ct|sa|scim|audit)\.(?:[\w\-]{2,35}\.)?[A-Za-z0-9]{40,}+"),  # Doppler
    ("hv", re.compile(rf"{_START}hv[sbr]\.[\w\-]{{24,}}+", re.ASCII)),  # Vault
    (".atlasv1.", re.compile(rf"{_START}{_WORD}{{14}}\.atlasv1\.[\w\-=]{{40,}}+", re.ASCII)),  # Terraform
    _after("AGE-SECRET-KEY-1", r"[A-Z0-9]{40,}+"),
    ("gl", re.compile(rf"{_START}glsa_[A-Za-z0-9_]{{30,}}+")),  # Grafana
    _after("NRAK-", r"[A-Z0-9]{20,}+"),  # New Relic
    _after("PMAK-", r"[0-9a-f]{20,}-[0-9a-f]{30,}+"),  # Postman
    _after("pscale_", r"(?:tkn|pw|oauth)_[\w\-.=]{30,}+"),
    _after("sbp_", r"[0-9a-f]{40,}+"),  # Supabase
    _after("fig", r"[du]_[\w\-]{36,}+"),  # Figma
    _after("sq", r"[upa]_[0-9a-f]{40,}+"),  # Sonar
)
_SK = re.compile(rf"{_START}sk-[A-Za-z0-9_\-]{{20,}}+")  # OpenAI, Anthropic and those who do as they do
_SECRET_KEY_RUN, _SECRET_KEY_CHARS = b"0" * 40, _alike(string.ascii_letters + string.digits + "/+")
_TOKEN_RUN, _TOKEN_CHARS = b"0" * 23 + b".", _alike(string.ascii_letters + string.digits + "_-", but=".")
_SECRET_KEY = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}+(?![A-Za-z0-9/+=])")
_DISCORD_TOKEN = re.compile(r"(?<![\w\-])[MNO][\w\-]{22,29}+\.[\w\-]{5,7}+\.[\w\-]{20,}+", re.ASCII)

_PLACES: tuple[tuple[str, re.Pattern[str]], ...] = (  # what is before it tells, or "/" is one of its characters
    _after("FwoGZXIvYXdz", r"[A-Za-z0-9+/=%]{60,}+"),  # AWS session tokens
    _after("IQoJb3JpZ2lu", r"[A-Za-z0-9+/=%]{60,}+"),
    _after("whsec_", r"[A-Za-z0-9+/]{20,}+={0,2}"),
    _after("sntry", r"[su]_[A-Za-z0-9_=+/\-]{30,}+"),  # Sentry
    _after("glc_", r"[A-Za-z0-9+/=]{30,}+"),  # Grafana
    (
        "hooks.slack.com/",
        re.compile(r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/(?P<secret>[\w/\-]{8,}+)"),
    ),
    ("/webhooks/", re.compile(r"(?<=/webhooks/)\d{5,25}+/(?P<secret>[\w\-]{16,}+)")),  # its id is no secret
    ("/interactions/", re.compile(r"(?<=/interactions/)\d{5,25}+/(?P<secret>[\w\-]{16,}+)")),
    ("webhook.office.com/", re.compile(r"(?<=webhook\.office\.com/)(?P<secret>webhookb2/[\w@/\-]{16,}+)")),
    ("ignature=", re.compile(r"ignature=\\{0,3}\"?(?P<secret>[0-9a-fA-F]{32,}+|[A-Za-z0-9+/%_\-]{27,}+=*+)")),
    ('response="', re.compile(r'response="(?P<secret>[0-9a-f]{32,128}+)')),  # RFC 7616
    ('auth":', re.compile(r'"_?auth":\s{0,4}"(?P<secret>[A-Za-z0-9+/]{12,}+={0,2})"')),  # Docker's and npm's files
    ("jdbc:oracle:", re.compile(r"jdbc:oracle:\w{1,20}:[^/\s@]{1,64}/(?P<secret>[^@\s]{1,256}+)(?=@)")),
)
_SCHEME_VALUE = re.compile(r"\b(?:bearer|basic)[ \t]{1,4}(?P<secret>[A-Za-z0-9._~+/\-]{8,}+=*+)(?!\w)", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?<=://)[^\s/?#@:\"'<>]{0,256}+:(?P<secret>[^\s/\"'<>]{1,512})(?=@)")
SCHEMES = ("bearer", "basic")
_URL_TOKEN = re.compile(r"(?<=://)(?P<secret>[\w.~\-]{16,512}+)(?::)?(?=@)", re.ASCII)  # a DSN's key, a git remote's


def known_shapes(text: str, words: Words, keep: Keep = KEEP_NOTHING) -> str:
    """With the mark for each secret of a known shape; ``words`` are the text's."""
    if words.long:
        for gate, pattern in _TOKENS:
            if gate in words.long:
                text = cut(pattern, text, keep)
        if "sk-" in words.long:
            text = cut(_SK, text, keep, _is_random)
    if is_long_secret(words.longest):
        text = cut(_DISCORD_TOKEN, text, keep)
        text = cut(_SECRET_KEY, text, keep, _changes_as_random)
    for gate, pattern in _PLACES:
        if gate in words.text:
            text = cut(pattern, text, keep)
    if has_user(words.text):
        text = cut(_URL_PASSWORD, text, keep)
        text = cut(_URL_TOKEN, text, keep, _is_random)
    return text


def shapes_in(words: Words) -> list[str]:
    """The gates that stand in words: those of tokens, of places, and of an address that says who asks."""
    found = [gate for gate, _ in _TOKENS if gate in words.long] if words.long else []
    found += [gate for gate, _ in _PLACES if gate in words.text]
    found += ["sk-"] if "sk-" in words.long else []
    found += ["://"] if has_user(words.text) else []
    return found


def is_long_secret(words: str) -> bool:
    """Whether one of the words may be a secret that nothing but its length and its characters tell."""
    if not words:
        return False
    raw = words.encode("utf-8", "surrogatepass")  # a look at its bytes is many times as quick as these two patterns
    if _SECRET_KEY_RUN in raw.translate(_SECRET_KEY_CHARS) and _SECRET_KEY.search(words):
        return True
    return _TOKEN_RUN in raw.translate(_TOKEN_CHARS) and _DISCORD_TOKEN.search(words) is not None


def has_user(words: str) -> bool:
    """Whether an address among the words may have a part that says who asks."""
    return "@" in words and "://" in words and any("@" in word for word in words.split() if "://" in word)


def scheme_values(text: str, lowered: str, keep: Keep = KEEP_NOTHING) -> str:
    """``Bearer abc123`` hides; "basic authentication" is prose. ``lowered`` are the text's words in lower case."""
    if any(scheme in lowered for scheme in SCHEMES):
        return cut(_SCHEME_VALUE, text, keep, _is_telling)
    return text


def _is_telling(match: re.Match[str]) -> bool:
    value = match["secret"]
    return any(char.isdigit() for char in value) or re.search(r"[a-z][A-Z]|[A-Z]{2}[a-z]|=", value) is not None


def _is_random(match: re.Match[str]) -> bool:
    """Digits among letters in one of its parts, as no name of a thing has them: at least two, and not at its end."""
    value = match.groupdict().get("secret") or match[0]
    return any(sum(char.isdigit() for char in part) >= 2 and len(part) >= 12 for part in re.split(r"[\-_.]", value))


def _changes_as_random(match: re.Match[str]) -> bool:
    """40 characters that change between cases and digits as random ones do; a git sha or a path does not."""
    kinds = ["d" if char.isdigit() else "u" if char.isupper() else "l" if char.islower() else "s" for char in match[0]]
    changes = sum(one != other for one, other in pairwise(kinds))
    return changes >= 16 and {"d", "u", "l"} <= set(kinds)
