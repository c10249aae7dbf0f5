"""Options that commands share: their descriptions, choices and bounds, what completes them, and how they are read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from enum import StrEnum

from interactions import OptionType, SlashCommandChoice, SlashCommandOption

from bot.commands.desk import Desk
from bot.commands.wiring import Choice, Complete, Typed
from bot.render import choice_name
from jinkies.errors import Invalid, JinkiesError
from jinkies.model import UNRESOLVED, AlertQuery, AlertRow, State
from jinkies.permissions import Permission
from jinkies.query import completions
from jinkies.reading.times import parse_time

NOTE_LIMIT = 1_000  # characters of a note (as the core bounds them)
CHOICES = 25  # Discord limit
SEARCH_LIMIT_S = 1.0
DAY_MS = 86_400_000
_NUMBER = re.compile(r"\s*#?(\d{1,18})\s*$", re.ASCII)
_SPAN = re.compile(r"(?:\d{1,6}[wdhms])+", re.ASCII)
_FAR_MS = 4_000_000_000_000  # any moment: durations count back from it
_SPANS = ("15m", "1h", "4h", "8h", "1d", "3d", "7d")


def alert_id(name: str = "id", description: str = "Its number, like 42") -> SlashCommandOption:
    """An alert; complete it with ``complete_alert``, read it with ``read_alert_id``."""
    return text(name, description, required=True, autocomplete=True, most=100)


def note(description: str = "What you found or will do") -> SlashCommandOption:
    """A note on a decision."""
    return text("note", description, most=NOTE_LIMIT)


def service(description: str = "Of which service", *, required: bool = False) -> SlashCommandOption:
    """A service; complete it with ``complete_service``."""
    return text("service", description, required=required, autocomplete=True, most=100)


def one_of(name: str, description: str, kind: type[StrEnum], *, prefix: str = "") -> SlashCommandOption:
    """A member of an enum, as a choice; ``prefix`` stands before what people see."""
    return chosen(name, description, {f"{prefix}{each.value}": each.value for each in kind})


def chosen(name: str, description: str, choices: Mapping[str, str], *, required: bool = False) -> SlashCommandOption:
    """One of a few values, by what people see."""
    return SlashCommandOption(
        name=name,
        type=OptionType.STRING,
        description=description,
        required=required,
        choices=[SlashCommandChoice(name=shown, value=value) for shown, value in choices.items()],
    )


def text(
    name: str, description: str, *, required: bool = False, autocomplete: bool = False, least: int = 1, most: int
) -> SlashCommandOption:
    """A text of bounded length, in characters."""
    return SlashCommandOption(
        name=name,
        type=OptionType.STRING,
        description=description,
        required=required,
        autocomplete=autocomplete,
        min_length=least,
        max_length=most,
    )


def number(name: str, description: str, *, least: int, most: int, required: bool = False) -> SlashCommandOption:
    """A whole number between two bounds, both included."""
    return SlashCommandOption(
        name=name,
        type=OptionType.INTEGER,
        description=description,
        required=required,
        min_value=least,
        max_value=most,
    )


def read_alert_id(given: object) -> int:
    """``42`` or ``#42``. Raises ``Invalid``."""
    found = _NUMBER.match(str(given))
    if found is None:
        raise Invalid(f"id: {str(given)[:40]!r} is no alert's number; they look like 42 or #42")
    return int(found[1])


def read_span_ms(given: str, name: str) -> int:
    """How long: ``2h30m``, in milliseconds. Raises ``Invalid``."""
    if not _SPAN.fullmatch(given.strip().lower()):
        raise Invalid(f"{name}: {given[:40]!r} is no duration; give one like 15m, 2h30m or 3d")
    return _FAR_MS - parse_time(given.strip(), now_ms=_FAR_MS, zone=UTC, name=name)


def read_end_ms(given: str, name: str, now_ms: int) -> int:
    """A moment ahead, in UTC: ``13:10`` is the next one. Raises ``Invalid``."""
    at_ms = parse_time(given, now_ms=now_ms, zone=UTC, name=name)
    at_ms += DAY_MS if at_ms <= now_ms and ":" in given and "-" not in given else 0
    if at_ms <= now_ms:
        raise Invalid(f"{name}: {given[:40]!r} is not ahead; give a time like 13:10 or 2026-01-31T13:10, in UTC")
    return at_ms


def read_moment_ms(given: str, name: str, now_ms: int) -> int:
    """A moment behind, in UTC: ``2h`` ago, ``13:10``, ``yesterday 9:00``. Raises ``Invalid``."""
    return parse_time(given, now_ms=now_ms, zone=UTC, name=name)


def complete_alert(desk: Desk, option: str = "id", *, states: Sequence[State] = UNRESOLVED) -> dict[str, Complete]:
    """What completes an alert's id: those of some states whose number or text has what was typed.

    Those at hand come first; where they are few, the core is asked for others that hold the words, and for resolved
    ones, of which a bot that has just started holds none.
    """

    async def complete(typed: Typed) -> Sequence[Choice]:
        found = matching([row for row in desk.rows(typed.caller) if row.state in states], typed.text)
        if len(found) < CHOICES and (typed.text.strip("# ") or State.RESOLVED in states):
            held = {row.alert_id for row in found}
            found += [row for row in await _searched(desk, typed, states) if row.alert_id not in held]
        return [Choice(choice_name(row), str(row.alert_id)) for row in found[:CHOICES]]

    return {option: complete}


async def _searched(desk: Desk, typed: Typed, states: Sequence[State]) -> tuple[AlertRow, ...]:
    """What the core finds in a moment; () when it can't."""
    query = AlertQuery(
        states=tuple(states),
        search=typed.text.strip().removeprefix("#"),
        services=desk.rights.services(typed.caller, Permission.VIEW),
        limit=CHOICES,
    )
    try:
        return (await desk.ask(desk.operator.alerts(query), limit_s=SEARCH_LIMIT_S)).rows
    except JinkiesError:  # what is half typed may be nothing to look for
        return ()


def complete_service(
    desk: Desk, option: str = "service", *, permission: Permission = Permission.VIEW
) -> dict[str, Complete]:
    """What completes a service: those of the configuration and of alerts for which somebody has a permission."""

    async def complete(typed: Typed) -> Sequence[Choice]:
        wanted = typed.text.casefold()
        known = sorted(desk.services(typed.caller, permission))
        return [Choice(name, name) for name in known if wanted in name.casefold()]

    return {option: complete}


def complete_query(desk: Desk, option: str = "query") -> dict[str, Complete]:
    """What completes a query: its keys, then the values that are known."""

    async def complete(typed: Typed) -> Sequence[Choice]:
        rows = desk.rows(typed.caller)
        known = completions(
            typed.text, services=desk.services(typed.caller), environments={row.environment for row in rows}
        )
        return [Choice(one, one) for one in ([typed.text] if typed.text else []) + list(known)]

    return {option: complete}


def complete_span(option: str, spans: Sequence[str] = _SPANS) -> dict[str, Complete]:
    """What completes a duration: the usual ones."""

    async def complete(typed: Typed) -> Sequence[Choice]:
        return [Choice(one, one) for one in dict.fromkeys([typed.text.strip(), *spans]) if one.startswith(typed.text)]

    return {option: complete}


def matching(rows: Iterable[AlertRow], typed: str) -> list[AlertRow]:
    """Alerts whose number or text has what was typed, the newest first; at most ``CHOICES``."""
    wanted = typed.strip().lstrip("#").casefold()
    found = [
        row for row in rows if str(row.alert_id).startswith(wanted) or wanted in f"{row.title} {row.service}".casefold()
    ]
    return sorted(found, key=lambda row: row.last_seen_at_ms, reverse=True)[:CHOICES]
