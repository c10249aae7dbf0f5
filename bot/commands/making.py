"""The context menu of messages: "Make this an alert". A form asks for what the message doesn't say."""

from __future__ import annotations

import re
from collections.abc import Iterable

import interactions

from bot import custom_ids
from bot.answers import Reply
from bot.commands.desk import Desk
from bot.commands.unknown import UNKNOWN
from bot.commands.wiring import Call, form, message_menu
from bot.contexts import Shown
from bot.render import Form, FormRow, TextInput
from bot.text import clean, units
from jinkies.commands import ReportOccurrence
from jinkies.errors import Invalid
from jinkies.model import Severity
from jinkies.permissions import Permission

MENU = "Make this an alert"
TEXT_LIMIT = 4_000  # characters of an input (Discord limit)
SERVICE_LIMIT = 100

_DISCORD_EPOCH_MS = 1_420_070_400_000  # "Snowflakes" of Discord's reference
_LINE, _PARAGRAPH = 1, 2


def install(client: interactions.Client, desk: Desk) -> None:
    """Give a client the entry and its form."""
    making = _Making(desk)
    message_menu(client, desk, MENU, making.ask, asks=True)
    form(client, desk, "make_alert", custom_ids.MAKE_ALERT, making.report)


class _Making:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def ask(self, call: Call) -> Reply:
        """The form, with the service as far as it can be guessed, and the text."""
        message = call.message
        if message is None:
            return UNKNOWN
        await self._desk.require(call.caller, Permission.CREATE, what=MENU)
        text = text_of(message)
        if not text:
            raise Invalid("that message has no text to make an alert of")
        service = guessed(text, self._desk.services(call.caller, Permission.CREATE))
        name = custom_ids.own("make", await self._desk.epoch(), message.channel_id, message.id)
        return make_form(name, service=service, text=text)

    async def report(self, call: Call) -> Reply:
        meant = custom_ids.MAKE_ALERT.match(call.custom_id)
        if meant is None:
            return UNKNOWN
        await self._desk.check_epoch(meant["epoch8"])
        values = {name: str(value).strip() for name, value in call.given.items()}
        guild_id = self._desk.config.discord.guild_id
        link = f"https://discord.com/channels/{guild_id}/{meant['channel_id']}/{meant['message_id']}"
        command = ReportOccurrence(
            service=_service(values.get("service", "")),
            message=values.get("text", ""),
            severity=_severity(values.get("severity", "")),
            context={"reported_by": call.caller.name, "discord_message": link},
            occurred_at_ms=(int(meant["message_id"]) >> 22) + _DISCORD_EPOCH_MS,
            fingerprint=f"discord message {meant['message_id']}",  # one message is one alert,
            ongoing=True,  # however often it is made one
            link=link,
        )
        outcome = await self._desk.execute(command, call.caller, call.key)
        if outcome.created:
            return f"That is alert #{outcome.alert_id} of {command.service} now."
        return f"That is alert #{outcome.alert_id} already."


def text_of(message: Shown) -> str:
    """What a message says: its text, else that of its embeds; at most ``TEXT_LIMIT`` units."""
    shown = message.content or "\n".join(f"{embed.title}\n{embed.description}" for embed in message.embeds)
    text = clean(shown[:TEXT_LIMIT]).strip()
    while units(text) > TEXT_LIMIT:
        text = text[:-100]
    return text


def guessed(text: str, services: Iterable[str]) -> str:
    """The service that a text names, the longest name of them; the only one there is; or ""."""
    known = sorted(services, key=len, reverse=True)
    folded = text.casefold()
    for name in known:
        if re.search(rf"(?<![\w-]){re.escape(name.casefold())}(?![\w-])", folded):
            return name
    return known[0] if len(known) == 1 else ""


def make_form(custom_id: str, *, service: str, text: str) -> Form:
    """The form that asks what a message doesn't say."""
    levels = ", ".join(reversed(Severity))
    inputs = (
        TextInput(
            type=4,
            custom_id="service",
            style=_LINE,
            label="Service",
            value=service[:SERVICE_LIMIT],
            required=True,
            max_length=SERVICE_LIMIT,
        ),
        TextInput(
            type=4,
            custom_id="severity",
            style=_LINE,
            label=f"Severity: {levels}",
            value=Severity.ERROR.value,
            required=True,
            max_length=10,
        ),
        TextInput(
            type=4,
            custom_id="text",
            style=_PARAGRAPH,
            label="What happened; the first line is the title",
            value=text,
            required=True,
            max_length=TEXT_LIMIT,
        ),
    )
    return Form(custom_id=custom_id, title=MENU, components=tuple(FormRow(components=(one,)) for one in inputs))


def _service(given: str) -> str:
    name = " ".join(given.split())
    if not name or not name.isprintable():
        raise Invalid("service: name the service that it happened in")
    return name


def _severity(given: str) -> Severity:
    try:
        return Severity(given.casefold())
    except ValueError:
        raise Invalid(f"severity: {given[:20]!r} is none of {', '.join(Severity)}") from None
