"""``/logs-tail`` and ``/logs-stop``, and the buttons of a tail's message."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import interactions
import msgspec

from bot import tail_ids
from bot.answers import Reply, Seen
from bot.commands import options
from bot.commands.desk import Desk
from bot.commands.log_asking import complete_service, level, pattern, service, spec_of
from bot.commands.unknown import UNKNOWN
from bot.commands.wiring import Call, Choice, Complete, Typed, component, slash
from bot.log_text import in_words
from bot.render import Embed, Message
from bot.tail_ids import TailAction
from bot.text import escaped
from jinkies.commands import PauseChannelTail, StartChannelTail, StopChannelTail
from jinkies.errors import Conflict, Invalid, NotFound
from jinkies.model import Actor, ChannelTail, Level
from jinkies.permissions import Permission

DURATION = "15m"
DURATIONS = ("15m", "5m", "30m", "1h", "2h", "4h")
POSTED_WITHIN_S = 8.0  # a message is waited for so long, so that the answer can link to it
_NONE = "No tail runs in Discord just now."


class TailOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What ``/logs-tail`` takes."""

    service: str
    level: Level = Level.NONE
    duration: str = DURATION
    pattern: str = ""


class StopOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What ``/logs-stop`` takes."""

    tail: str = ""


def install(client: interactions.Client, desk: Desk) -> None:
    """Give a client the commands and the buttons."""
    tails = _Tails(desk)
    duration = options.text("duration", f"How long, 1m to 4h ({DURATION} by default)", autocomplete=True, most=20)
    slash(
        client,
        desk,
        "logs-tail",
        "Follow log lines of a service in a message that is kept up to date",
        tails.start,
        options=[service(), level(), duration, pattern()],
        completes=complete_service(desk) | options.complete_span("duration", DURATIONS),
        needs=Permission.TAIL,
    )
    slash(
        client,
        desk,
        "logs-stop",
        "End a tail before its time",
        tails.stop,
        options=[options.text("tail", "Which one (yours, if you follow one only)", autocomplete=True, most=100)],
        completes=tails.complete(),
        needs=Permission.TAIL,
    )
    component(client, desk, "tail_press", tail_ids.PRESSED, tails.press)


class _Tails:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def _running(self, caller: Actor) -> list[ChannelTail]:
        """Those that run and that somebody may stop, one's own first."""
        now_ms = self._desk.clock.now_ms()
        running = [tail for _, tail in sorted(self._desk.replica.channel_tails.items()) if tail.runs(now_ms)]
        return sorted((tail for tail in running if self._may(caller, tail)), key=lambda tail: not _is_of(tail, caller))

    def _may(self, caller: Actor, tail: ChannelTail) -> bool:
        return all(self._desk.may(caller, Permission.TAIL, one) for one in self._desk.targets(tail.spec))

    async def start(self, call: Call) -> Reply:
        desk, asked = self._desk, call.read(TailOptions)
        command = StartChannelTail(
            channel_id=desk.config.discord.log_channel_id or call.caller.channels[0],
            spec=spec_of(asked.service, asked.level, asked.pattern),
            duration_ms=options.read_span_ms(asked.duration, "duration"),
        )
        outcome = await desk.ask(desk.operator.execute(command, on_behalf_of=call.caller, key=call.key))
        number = int(outcome.tail_id or 0)
        return self._started(command, number, await self._shown(number))

    async def _shown(self, number: int) -> ChannelTail | None:
        """The tail once its message is there, or it is over; else as far as it is known after a while."""
        replica = self._desk.replica
        try:
            async with asyncio.timeout(POSTED_WITHIN_S):
                seen = False
                while True:
                    tail = replica.channel_tails.get(number)
                    if (seen and tail is None) or (tail is not None and tail.message_id is not None):
                        return tail
                    seen = seen or tail is not None
                    await replica.changed(replica.version)
        except TimeoutError:
            return replica.channel_tails.get(number)

    def _started(self, command: StartChannelTail, number: int, tail: ChannelTail | None) -> Reply:
        what, where = in_words(command.spec), f"<#{command.channel_id}>"
        if tail is None:
            health = self._desk.replica.health.get("tails")
            told = health.detail if health is not None and health.detail.startswith(f"tail {number} ") else ""
            return f"It is over already: {told or f'tail {number} of {what}'}."
        guild = self._desk.config.discord.guild_id
        link = f"https://discord.com/channels/{guild}/{tail.channel_id}/{tail.message_id}"
        shown = f"[its message]({link})" if tail.message_id is not None else "a message that is on its way"
        until = f"until <t:{tail.ends_at_ms // 1000}:t>"
        text = f"Following {escaped(what, 500)} in {where} {until}: {shown}. Stop it there, or with `/logs-stop`."
        return Message(embeds=(Embed(title=f"Tail {number}", description=text, color=0x30A46C),))

    async def stop(self, call: Call) -> Reply:
        tail = self._meant(call.read(StopOptions).tail, call.caller)
        if tail is None:
            return _NONE
        reply = await self._desk.act(StopChannelTail(number=tail.number), call.caller, call.key)
        if isinstance(reply, Seen):
            return f"Stopped tail {tail.number} of {in_words(tail.spec)}."
        return reply

    def _meant(self, given: str, caller: Actor) -> ChannelTail | None:
        """The one that was named, else the caller's only one. Raises ``Invalid``, ``NotFound``, ``Conflict``."""
        running = self._running(caller)
        if given.strip():
            number = given.strip().removeprefix("#")
            if not (number.isascii() and number.isdigit()):
                raise Invalid(f"tail: {given[:40]!r} is no tail's number")
            found = next((tail for tail in running if tail.number == int(number[:18])), None)
            if found is None:
                raise NotFound(f"tail {number[:18]} is over, or never was")
            return found
        own = [tail for tail in running if _is_of(tail, caller)]
        if len(own) == 1:
            return own[0]
        if running:
            names = "; ".join(f"{tail.number} ({in_words(tail.spec)})" for tail in own or running)
            raise Conflict(f"say which one: {names}")
        return None

    def complete(self) -> dict[str, Complete]:
        """What completes a tail: those that run, one's own first."""

        async def complete(typed: Typed) -> Sequence[Choice]:
            now_ms, wanted = self._desk.clock.now_ms(), typed.text.strip().removeprefix("#").casefold()
            named = [(tail, _choice(tail, now_ms)) for tail in self._running(typed.caller)]
            return [Choice(name, str(tail.number)) for tail, name in named if wanted in name.casefold()]

        return {"tail": complete}

    async def press(self, call: Call) -> Reply:
        meant = tail_ids.parse(call.custom_id)
        if meant is None:
            return UNKNOWN
        command: StopChannelTail | PauseChannelTail
        if meant.action is TailAction.STOP:
            command = StopChannelTail(number=meant.number)
        else:
            command = PauseChannelTail(number=meant.number, paused=meant.action is TailAction.PAUSE)
        return await self._desk.act(command, call.caller, call.key, foreign=meant.epoch8)


def _is_of(tail: ChannelTail, caller: Actor) -> bool:
    return (tail.started_by.kind, tail.started_by.id) == (caller.kind, caller.id)


def _choice(tail: ChannelTail, now_ms: int) -> str:
    minutes = max(1, -(-(tail.ends_at_ms - now_ms) // 60_000))
    return f"#{tail.number} {in_words(tail.spec)} · by {tail.started_by.name} · {minutes} min left"
