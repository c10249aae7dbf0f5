"""``/alerts``, ``/alert`` and ``/ack``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC

import interactions
import msgspec
from interactions import OptionType, SlashCommand, SlashCommandChoice, SlashCommandOption

from bot.answers import Reply, Seen, answer, offer
from bot.commands.desk import Desk, refusal
from bot.contexts import SlashContext
from bot.render import alert_message, choice_name, list_message
from bot.text import plain_label
from jinkies.commands import Acknowledge
from jinkies.errors import Invalid, JinkiesError
from jinkies.model import UNRESOLVED, Actor, AlertQuery, AlertRow, Severity, State
from jinkies.query import completions, parse

LIST_LIMIT = 20
_NUMBER = re.compile(r"\s*#?(\d{1,18})\s*$")
_STATES = {
    "unresolved": UNRESOLVED,
    "open": (State.OPEN,),
    "acknowledged": (State.ACKNOWLEDGED,),
    "snoozed": (State.SNOOZED,),
    "resolved": (State.RESOLVED,),
    "all": (),
}


class _ListOptions(msgspec.Struct):
    state: str = ""
    service: str | None = None
    severity: Severity | None = None
    query: str = ""


class _AckOptions(msgspec.Struct):
    id: str
    note: str = ""


def install(client: interactions.Client, desk: Desk) -> None:
    """Give a client the slash commands, for the configured guild only."""
    commands = _Commands(desk)
    note = SlashCommandOption(
        name="note", type=OptionType.STRING, description="What you found or will do", required=False, max_length=1_000
    )
    scopes: list[interactions.Snowflake_Type] = [int(desk.config.discord.guild_id or 0)]
    complete_id = {"id": commands.complete_id}
    for command in (
        SlashCommand(
            name="alerts",
            description="List alerts, those seen last first",
            scopes=scopes,
            options=_list_options(),
            autocomplete_callbacks={"service": commands.complete_service, "query": commands.complete_query},
            callback=commands.alerts,
        ),
        SlashCommand(
            name="alert",
            description="Show one alert",
            scopes=scopes,
            options=[_id_option()],
            autocomplete_callbacks=complete_id,
            callback=commands.alert,
        ),
        SlashCommand(
            name="ack",
            description="Acknowledge an alert: you are on it",
            scopes=scopes,
            options=[_id_option(), note],
            autocomplete_callbacks=complete_id,
            callback=commands.ack,
        ),
    ):
        client.add_command(command)


def _id_option() -> SlashCommandOption:
    return SlashCommandOption(
        name="id", type=OptionType.STRING, description="Its number, like 42", required=True, autocomplete=True
    )


def _list_options() -> list[SlashCommandOption | dict[str, object]]:
    return [
        SlashCommandOption(
            name="state",
            type=OptionType.STRING,
            description="Which states (unresolved ones by default)",
            required=False,
            choices=[SlashCommandChoice(name=name, value=name) for name in _STATES],
        ),
        SlashCommandOption(
            name="service", type=OptionType.STRING, description="Of which service", required=False, autocomplete=True
        ),
        SlashCommandOption(
            name="severity",
            type=OptionType.STRING,
            description="At least this severe",
            required=False,
            choices=[SlashCommandChoice(name=f"at least {each}", value=str(each)) for each in Severity],
        ),
        SlashCommandOption(
            name="query",
            type=OptionType.STRING,
            description='Words, or: since:2h env:prod tag:region=eu count>10 "some words" -word',
            required=False,
            max_length=300,
            autocomplete=True,
        ),
    ]


class _Commands:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def alerts(self, context: SlashContext) -> None:
        await answer(context, self._list(dict(context.kwargs)), on_card=False)

    async def alert(self, context: SlashContext) -> None:
        await answer(context, self._show(dict(context.kwargs)), on_card=False)

    async def ack(self, context: SlashContext) -> None:
        work = self._acknowledge(dict(context.kwargs), context.caller, str(context.id))
        await answer(context, work, on_card=False)

    async def complete_id(self, context: interactions.AutocompleteContext) -> None:
        typed = str(context.kwargs.get("id", ""))
        rows = matching(self._desk.replica.rows, typed)
        await offer(context, [{"name": choice_name(row), "value": str(row.alert_id)} for row in rows])

    async def complete_query(self, context: interactions.AutocompleteContext) -> None:
        typed = str(context.kwargs.get("query", ""))
        rows = self._desk.replica.rows.values()
        services = {*self._desk.config.services, *(row.service for row in rows)}
        known = completions(typed, services=services, environments={row.environment for row in rows})
        whole = [typed] if typed else []
        found = [text for text in (*whole, *known) if len(text) <= 100][:25]
        await offer(context, [{"name": plain_label(text, 100), "value": text} for text in found])

    async def complete_service(self, context: interactions.AutocompleteContext) -> None:
        typed = str(context.kwargs.get("service", "")).casefold()
        known = {row.service for row in self._desk.replica.rows.values()} | set(self._desk.config.services)
        found = sorted(name for name in known if typed in name.casefold() and len(name) <= 100)
        await offer(context, [{"name": plain_label(name, 100), "value": name} for name in found])

    async def _list(self, options: Mapping[str, object]) -> Reply:
        try:
            query, described = parse_list(options, self._desk.clock.now_ms())
            page = await self._desk.ask(self._desk.operator.alerts(query))
        except JinkiesError as error:
            return refusal(error)
        return list_message(page, described=described)

    async def _show(self, options: Mapping[str, object]) -> Reply:
        try:
            detail = await self._desk.ask(self._desk.operator.alert(parse_id(str(options.get("id", "")))))
            return alert_message(detail, epoch=await self._desk.epoch())
        except JinkiesError as error:
            return refusal(error)

    async def _acknowledge(self, options: Mapping[str, object], caller: Actor, interaction_id: str) -> Reply:
        try:
            asked = msgspec.convert(options, _AckOptions)
            command = Acknowledge(alert_id=parse_id(asked.id), note=asked.note)
        except (msgspec.ValidationError, Invalid) as error:
            return f"{error}"
        reply = await self._desk.act(command, caller, interaction_id)
        return f"Acknowledged #{command.alert_id}." if isinstance(reply, Seen) else reply


def parse_id(text: str) -> int:
    """``42`` or ``#42``. Raises ``Invalid``."""
    found = _NUMBER.match(text)
    if found is None:
        raise Invalid(f"id: {text[:40]!r} is no alert's number; they look like 42 or #42")
    return int(found[1])


def parse_list(options: Mapping[str, object], now_ms: int) -> tuple[AlertQuery, str]:
    """The query that ``/alerts`` asks for, and the same in words; other options win over it. Raises ``Invalid``."""
    try:
        asked = msgspec.convert(options, _ListOptions)
    except msgspec.ValidationError as error:
        raise Invalid(str(error)) from None
    if asked.state and asked.state not in _STATES:
        raise Invalid(f"state: {asked.state[:40]!r} is none of {', '.join(_STATES)}")
    found = parse(asked.query, now_ms=now_ms, zone=UTC)
    changes: dict[str, object] = {"states": _STATES[asked.state]} if asked.state else {}
    changes |= {"service": asked.service} if asked.service else {}
    changes |= {"severity": asked.severity} if asked.severity is not None else {}
    found = msgspec.structs.replace(found, **changes)
    return found.query(limit=LIST_LIMIT), found.text


def matching(rows: Mapping[int, AlertRow], typed: str) -> list[AlertRow]:
    """Unresolved alerts whose number or text has what was typed, the newest first; at most 25 (Discord limit)."""
    wanted = typed.strip().lstrip("#").casefold()
    found = [
        row
        for row in rows.values()
        if row.unresolved
        and (str(row.alert_id).startswith(wanted) or wanted in f"{row.title} {row.service}".casefold())
    ]
    return sorted(found, key=lambda row: row.last_seen_at_ms, reverse=True)[:25]
