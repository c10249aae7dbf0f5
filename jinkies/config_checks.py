"""What a configured value must look like. Each check takes a value as TOML or the environment gives it.

A check returns the value to use or raises ``Wrong`` with one line that says what would be right. That line never
holds a secret: what it shows goes through ``shown``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from enum import StrEnum
from urllib.parse import urlsplit

Check = Callable[[object], object]


class Wrong(Exception):
    """The value is not what it should be; the message says what would be right."""


_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_TYPE_NAMES = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table"}


def redacted(text: str) -> str:
    """What an error may show: short, and without what looks like a secret (people do mix up their variables)."""
    from jinkies.redact import redact  # only who made a mistake pays for its patterns

    text = redact(text)
    return text if len(text) <= 80 else f"{text[:60]}…{text[-10:]}"


def shown(value: object) -> str:
    """A value in an error."""
    return redacted(repr(value))


def kind_of(value: object) -> str:
    """What TOML gave, in words."""
    return _TYPE_NAMES.get(type(value), "a text" if isinstance(value, str) else "a date or time")


def text(value: object, *, limit: int = 256) -> str:
    """One line of printable text, without blanks around it."""
    if not isinstance(value, str):
        raise Wrong(f"expected a text in quotes, got {kind_of(value)}: {shown(value)}")
    if not value.strip():
        raise Wrong("is empty; leave the key out instead")
    if not value.isprintable():
        raise Wrong(f"{shown(value)} holds characters that can't be printed; one line of text")
    if len(value) > limit:
        raise Wrong(f"has {len(value)} characters; at most {limit}")
    return value.strip()


def pattern(value: object) -> str:
    """CloudWatch's filter pattern; at most 1,024 characters (CloudWatch quota). "" is every line."""
    return "" if value == "" else text(value, limit=1_024)


def whole(low: int, high: int) -> Check:
    """A whole number from ``low`` to ``high``, both included."""

    def check(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,18}\s*", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Wrong(f"{shown(value)} is not a whole number; {low} to {high}")
        if not low <= value <= high:
            raise Wrong(f"{shown(value)} is out of bounds; {low} to {high}")
        return value

    return check


def rate(value: object) -> float:
    """Requests a second; 0 is no bound."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong(f"{shown(value)} is not a number; 0 (no bound) to 1000000")
    if not (math.isfinite(value) and 0 <= value <= 1_000_000):
        raise Wrong(f"{shown(value)} is out of bounds; 0 (no bound) to 1000000")
    return float(value)


def pace(value: object) -> float:
    """Requests a second, above 0: where no bound is not a choice."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong(f"{shown(value)} is not a number; above 0, up to 1000")
    if not (math.isfinite(value) and 0 < value <= 1_000):
        raise Wrong(f"{shown(value)} is out of bounds; above 0, up to 1000")
    return float(value)


def log_level(value: object) -> str:
    """A level of Python's logging, in any case."""
    level = text(value).upper()
    level = "WARNING" if level == "WARN" else level
    if level not in _LEVELS:
        raise Wrong(f"{shown(value)} is no log level; one of {', '.join(_LEVELS)}")
    return level


def discord_id(value: object) -> str:
    """Discord's ids are decimal digits; as a TOML number they would not be what the rest of the world writes."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise Wrong(f'write the id as text: "{value}"')
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,20}", value.strip()):
        raise Wrong(f"{shown(value)} is not a Discord id; digits only (Developer Mode, then Copy ID)")
    return value.strip()


def discord_ids(value: object) -> tuple[str, ...]:
    """A list in TOML; separated by commas or blanks in the environment."""
    if isinstance(value, str):
        return tuple(discord_id(part) for part in re.split(r"[\s,]+", value.strip()) if part)
    if not isinstance(value, list):
        raise Wrong(f'expected a list of ids, such as ["123456789012345678"], got {kind_of(value)}')
    return tuple(discord_id(part) for part in value)


def flag(value: object) -> bool:
    """True or false; in the environment as words."""
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if not isinstance(value, bool):
        raise Wrong(f"expected true or false, got {kind_of(value)}")
    return value


def labels(value: object) -> tuple[str, ...]:
    """Of GitHub issues: at most 10, each 1 to 50 printable characters without a comma (GitHub's limits)."""
    if not isinstance(value, list):
        raise Wrong(f'expected a list of labels, such as ["incident", "{{severity}}"], got {kind_of(value)}')
    if len(value) > 10:
        raise Wrong(f"{len(value)} labels; 10 at most")
    for label in value:
        if not isinstance(label, str) or not 1 <= len(label.strip()) <= 50 or not label.isprintable() or "," in label:
            raise Wrong(f"{shown(label)} is no label: 1 to 50 printable characters without a comma")
    return tuple(label.strip() for label in value)


def app_id(value: object) -> str:
    """Of a GitHub app."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise Wrong(f'write the id as text: "{value}"')
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,20}", value.strip()):
        raise Wrong(f"{shown(value)} is not the id of a GitHub app; digits only")
    return value.strip()


def url(value: object) -> str:
    """An http(s) address without user, password, query or a slash at its end."""
    address = text(value, limit=2_048)
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host or " " in address:
        raise Wrong(f"{shown(value)} is not an address; http://… or https://…")
    if parts.username is not None or parts.password is not None:
        raise Wrong("an address with a user or password in it; secrets go into variables of their own")
    return address.rstrip("/")


def listen(value: object) -> str:
    """host:port."""
    address = text(value)
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.%\w]{2,64}\]|[A-Za-z0-9.\-]{1,253}):([0-9]{1,5})", address)
    if match is None or int(match[2]) > 65_535:
        raise Wrong(f'{shown(value)} is not host:port; such as "127.0.0.1:8080" or "[::1]:8080"')
    return address


def owner(value: object) -> str:
    """A GitHub user or organisation."""
    name = text(value)
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_\-]{0,38}", name):
        raise Wrong(f"{shown(value)} is not a GitHub owner; letters, digits and hyphens, at most 39")
    return name


def repository_name(value: object) -> str:
    """A repository without its owner."""
    name = text(value)
    if "/" in name:
        raise Wrong(f"{shown(value)} names an owner too; only what follows the slash")
    if not re.fullmatch(r"[\w.\-]{1,100}", name, re.ASCII) or name in {".", ".."}:
        raise Wrong(f"{shown(value)} is not a repository's name; letters, digits, '.', '-' and '_', at most 100")
    return name


def repository(value: object) -> str:
    """A repository with its owner."""
    try:
        first, slash, second = text(value).partition("/")
        return f"{owner(first)}{slash}{repository_name(second)}"
    except Wrong:
        raise Wrong(f'{shown(value)} is not a repository; "owner/name"') from None


def branch(value: object) -> str:
    """A branch (git-check-ref-format)."""
    name = text(value, limit=244)
    wrong = re.search(r"[\s~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock$|[/.]$|^[-/.]", name)
    if wrong or name == "@":
        raise Wrong(f'{shown(value)} is not a branch; such as "main"')
    return name


def region(value: object) -> str:
    """An AWS region."""
    name = text(value)
    if not re.fullmatch(r"[a-z]{2,8}(?:-[a-z0-9]{1,16}){1,4}", name):
        raise Wrong(f'{shown(value)} is not an AWS region; such as "eu-central-1"')
    return name


def log_group(value: object) -> str:
    """A log group's name (CloudWatch: 1 to 512 of letters, digits and ``.-_/#``) or its ARN."""
    name = text(value, limit=700)
    if not re.fullmatch(
        r"(?:arn:aws[a-z\-]*:logs:[a-z0-9\-]+:\d{12}:log-group:)?[.\-_/#A-Za-z0-9]{1,512}(?::\*)?", name
    ):
        raise Wrong(f'{shown(value)} is not a log group; such as "/aws/lambda/api"')
    return name


def log_groups(value: object) -> tuple[str, ...]:
    """A list of log groups, each once."""
    if not isinstance(value, list):
        raise Wrong(f'expected a list of log groups, such as ["/aws/lambda/api"], got {kind_of(value)}')
    return tuple(dict.fromkeys(log_group(part) for part in value))


def one_of(kind: type[StrEnum]) -> Check:
    """A member of an enum, by its value, in any case."""

    def check(value: object) -> StrEnum:
        name = text(value).lower()
        try:
            return kind(name)
        except ValueError:
            raise Wrong(f"{shown(value)} is none of {', '.join(kind)}") from None

    return check


def sentry_project(value: object) -> str:
    """The last part of a DSN: a number in Sentry's own, any short name in ours."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise Wrong(f'write the project as text: "{value}"')
    name = text(value, limit=100)
    if not re.fullmatch(r"[A-Za-z0-9._\-]+", name):
        raise Wrong(f"{shown(value)} is not the project of a DSN; letters, digits, '.', '_' and '-'")
    return name


def secret(value: object) -> str:
    """One word that can stand in an HTTP header. Errors don't show it."""
    found = str(value).strip()
    if not found.isascii() or not found.isprintable() or " " in found:
        raise Wrong("holds blanks, line breaks or characters that can't stand in a header (value not shown)")
    return found


def private_key(value: object) -> str:
    r"""A private key in PEM (RFC 7468), on lines of its own or with ``\n`` between them. Errors don't show it."""
    found = str(value).replace("\\r", "").replace("\\n", "\n").replace("\r", "").strip()
    if not re.match(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----\n", found) or not found.endswith("PRIVATE KEY-----"):
        raise Wrong(
            "is not a private key in PEM, from -----BEGIN … PRIVATE KEY----- to its END line (value not shown);"
            " to name a file set GITHUB_PRIVATE_KEY_FILE"
        )
    return found + "\n"
