"""What people ask of logs in Discord: the options of ``/logs`` and ``/logs-tail``, and how they are read. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC

import msgspec
from interactions import SlashCommandOption

from bot.commands import options
from bot.commands.desk import Desk
from bot.commands.wiring import Choice, Complete, Typed
from jinkies.errors import Invalid
from jinkies.model import Level, TailSpec
from jinkies.permissions import Permission
from jinkies.reading.times import parse_range

SINCE = "15m"
LINES = 50
PATTERN_CHARS = 1_024  # CloudWatch Logs: FilterPattern, maximum length
SERVICE_CHARS = 600  # a log group's ARN is shorter

_SYNTAX = re.compile(r'[{\[%"]|(?:^|\s)[?-]')  # what only CloudWatch's filter pattern syntax begins so
_PLAIN = re.compile(r"[\w\s]*", re.ASCII)
_LEVELS = {
    "all lines": Level.NONE,
    "debug and above": Level.DEBUG,
    "info and above": Level.INFO,
    "warnings and above": Level.WARNING,
    "errors and above": Level.ERROR,
    "critical only": Level.CRITICAL,
}


class LogsOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What ``/logs`` takes."""

    service: str
    level: Level = Level.NONE
    limit: int = LINES
    since: str = SINCE
    pattern: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What ``/logs`` is to read."""

    spec: TailSpec
    start_ms: int
    end_ms: int
    limit: int


def read_logs(asked: LogsOptions, *, now_ms: int, most: int) -> Asked:
    """What was asked for. Raises ``Invalid``, naming the option.

    Args:
        asked: the options.
        now_ms: the present.
        most: lines of an answer.
    """
    if not 1 <= asked.limit <= most:
        raise Invalid(f"limit: {asked.limit:,}; 1 to {most:,}")
    try:
        start_ms, end_ms = parse_range(asked.since, "now", now_ms=now_ms, zone=UTC)
    except Invalid as error:  # its words are those of a command line
        raise Invalid(str(error).replace("--", "")) from None
    spec = spec_of(asked.service, asked.level, asked.pattern)
    return Asked(spec=spec, start_ms=start_ms, end_ms=end_ms, limit=asked.limit)


def spec_of(service: str, level: Level, pattern: str) -> TailSpec:
    """What to read or follow. Raises ``Invalid``. Never with a regular expression: it would run in the core."""
    service = service.strip()
    if not service or len(service) > SERVICE_CHARS:
        raise Invalid("service: name a service or a log group")
    if len(pattern) > PATTERN_CHARS:
        raise Invalid(f"pattern: {len(pattern):,} characters; CloudWatch takes {PATTERN_CHARS:,}")
    return TailSpec(targets=(service,), level=level, filter_pattern=filter_pattern(pattern))


def filter_pattern(text: str) -> str:
    """CloudWatch's filter pattern for what was typed: patterns as they are, words with other signs as one phrase.

    "Filter pattern syntax": terms with other characters than letters, digits and underscores must be quoted.
    """
    text = text.strip()
    if _SYNTAX.search(text) or _PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\")
    return f'"{escaped}"'


def complete_service(desk: Desk) -> dict[str, Complete]:
    """What completes a service: those with log groups first."""

    async def complete(typed: Typed) -> Sequence[Choice]:
        wanted = typed.text.strip().casefold()
        with_logs = {name for name, one in desk.config.services.items() if one.log_groups}
        found = [name for name in desk.services(typed.caller, Permission.TAIL) if wanted in name.casefold()]
        found.sort(key=lambda name: (name not in with_logs, not name.casefold().startswith(wanted), name))
        return [Choice(name, name) for name in found]

    return {"service": complete}


def service() -> SlashCommandOption:
    """Whose lines."""
    return options.text(
        "service", "A service, or a log group's name", required=True, autocomplete=True, most=SERVICE_CHARS
    )


def level() -> SlashCommandOption:
    """The least level."""
    choices = {shown: str(value) for shown, value in _LEVELS.items()}
    return options.chosen("level", "Only lines of at least this level (all lines by default)", choices)


def pattern() -> SlashCommandOption:
    """Which lines."""
    return options.text("pattern", "Words that a line must have, or a CloudWatch filter pattern", most=PATTERN_CHARS)


def logs_options(most: int) -> list[SlashCommandOption]:
    """Those of ``/logs``; ``most`` lines can be asked for."""
    return [
        service(),
        level(),
        options.number("limit", f"How many lines, the newest ones ({LINES} by default)", least=1, most=most),
        options.text("since", f"15m, 2h30m, 13:10, yesterday 9:00, 9:00..9:30; UTC ({SINCE} by default)", most=80),
        pattern(),
    ]
