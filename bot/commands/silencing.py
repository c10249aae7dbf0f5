"""``/silence`` and ``/silences``: what would be caught is shown before anything is silenced.

What was asked for stands in the preview's footer and in its button, so that a bot that was restarted knows it.
"""

from __future__ import annotations

import interactions
import msgspec

from bot import custom_ids
from bot.answers import Line, Replaced, Reply
from bot.commands import options
from bot.commands.desk import Desk
from bot.commands.unknown import UNKNOWN
from bot.commands.wiring import Call, Choice, Typed, component, slash
from bot.silence_view import asked, preview_message, silences_message, started_line
from jinkies.authz import silenced_services
from jinkies.commands import EndSilence, StartSilence
from jinkies.errors import Invalid, NotFound
from jinkies.matching import Matcher, Op, Silence, literally
from jinkies.model import Actor, Severity
from jinkies.permissions import Permission

REASON_LIMIT = 500  # characters (as the core bounds them)
TITLE_LIMIT = 90  # characters; written as a pattern it may be twice as long
ENVIRONMENT_LIMIT = 100


class _Options(msgspec.Struct, frozen=True, kw_only=True, rename={"span": "for"}):
    span: str
    reason: str
    service: str = ""
    environment: str = ""
    severity: Severity | None = None
    title: str = ""

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        """Raises ``Invalid`` when nothing narrows the silence."""
        found = [
            Matcher(field=field, op=op, value=value)
            for field, op, value in (
                ("service", Op.IS, _line(self.service)),
                ("environment", Op.IS, _line(self.environment)),
                ("severity", Op.AT_LEAST, self.severity.value if self.severity is not None else ""),
                ("title", Op.LIKE, literally(_line(self.title))),
            )
            if value
        ]
        if not found:
            raise Invalid("say what to silence: service, environment, severity or title")
        return tuple(found)


def _line(text: str) -> str:
    return " ".join(text.split())


def install(client: interactions.Client, desk: Desk) -> None:
    """Give a client the commands, and what their answers offer."""
    silencing = _Silencing(desk)
    slash(
        client,
        desk,
        "silence",
        "Alerts that match are counted, and nobody is told of them for a while",
        silencing.preview,
        options=[
            options.text("for", "How long: 30m, 2h, 1d12h", required=True, autocomplete=True, most=40),
            options.text(
                "reason", "Why, for those who wonder where their alerts are", required=True, most=REASON_LIMIT
            ),
            options.service(),
            options.text("environment", "Of which environment", autocomplete=True, most=ENVIRONMENT_LIMIT),
            options.one_of("severity", "At least this severe", Severity, prefix="at least "),
            options.text("title", "What their titles hold", most=TITLE_LIMIT),
        ],
        completes=options.complete_span("for")
        | options.complete_service(desk, permission=Permission.SILENCE)
        | {"environment": silencing.complete_environment},
        needs=Permission.SILENCE,
    )
    slash(client, desk, "silences", "Silences that run or are to come; end one", silencing.listed)
    component(client, desk, "start_silence", custom_ids.START_SILENCE, silencing.start)
    component(client, desk, "cancel", custom_ids.CANCEL, silencing.cancel)
    component(client, desk, "unsilence", custom_ids.UNSILENCE, silencing.unsilence)
    component(client, desk, "end_silence", custom_ids.END_SILENCE, silencing.end)


class _Silencing:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def complete_environment(self, typed: Typed) -> list[Choice]:
        known = sorted({row.environment for row in self._desk.rows(typed.caller)})
        return [Choice(name, name) for name in known if typed.text.casefold() in name.casefold()]

    async def preview(self, call: Call) -> Reply:
        given = call.read(_Options)
        matchers, reason = given.matchers, _line(given.reason)
        if not reason:
            raise Invalid("reason: say why, for those who wonder where their alerts are")
        ends_at_ms = self._desk.clock.now_ms() + options.read_span_ms(given.span, "for")
        await self._desk.require(call.caller, Permission.SILENCE, silenced_services(matchers), what="/silence")
        caught = await self._desk.ask(self._desk.operator.matching(matchers))
        may = self._desk.rights.sieve(call.caller, Permission.VIEW)
        visible = [row for row in caught if may(row.service)]
        return preview_message(
            matchers,
            reason,
            visible,
            ends_at_ms=ends_at_ms,
            hidden=len(caught) - len(visible),
            epoch=await self._desk.epoch(),
        )

    async def start(self, call: Call) -> Reply:
        meant = custom_ids.START_SILENCE.match(call.custom_id)
        wanted = asked(call.message)
        if meant is None or wanted is None or call.message is None:
            return UNKNOWN
        await self._desk.check_epoch(meant["epoch8"])
        command = StartSilence(matchers=wanted.matchers, ends_at_ms=int(meant["ends_at_ms"]), reason=wanted.reason)
        outcome = await self._desk.execute(command, call.caller, f"silence {call.message.id}")  # pressed twice is once
        return Replaced(shown=started_line(outcome, command, epoch=await self._desk.epoch()))

    async def cancel(self, _call: Call) -> Reply:
        return Replaced(shown=Line(text="Nothing was silenced."))

    async def unsilence(self, call: Call) -> Reply:
        meant = custom_ids.UNSILENCE.match(call.custom_id)
        if meant is None:
            return UNKNOWN
        await self._desk.check_epoch(meant["epoch8"])
        return Replaced(shown=Line(text=await self._ended(call, int(meant["number"]))))

    async def listed(self, call: Call) -> Reply:
        await self._desk.require(call.caller, Permission.VIEW, what="/silences")
        return silences_message(self._visible(call.caller), self._endable(call.caller), epoch=await self._desk.epoch())

    async def end(self, call: Call) -> Reply:
        meant = custom_ids.END_SILENCE.match(call.custom_id)
        if meant is None or not call.values or not call.values[0].isdecimal():
            return UNKNOWN
        await self._desk.check_epoch(meant["epoch8"])
        return Replaced(shown=Line(text=await self._ended(call, int(call.values[0]))))

    async def _ended(self, call: Call, number: int) -> str:
        try:
            outcome = await self._desk.execute(EndSilence(silence_id=number), call.caller, call.key)
        except NotFound:
            return f"Silence {number} is over already."
        return f"Silence {number}: {outcome.reason}."

    def _running(self) -> list[Silence]:
        now_ms = self._desk.clock.now_ms()
        held = self._desk.replica.silences.values()
        return sorted((one for one in held if one.ends_at_ms > now_ms), key=lambda one: one.ends_at_ms)

    def _visible(self, viewer: Actor) -> list[Silence]:
        """Those of services that they may view; one that concerns all services concerns them too."""
        return [one for one in self._running() if self._may(viewer, Permission.VIEW, one, or_all=True)]

    def _endable(self, viewer: Actor) -> list[Silence]:
        return [one for one in self._visible(viewer) if self._may(viewer, Permission.SILENCE, one, or_all=False)]

    def _may(self, viewer: Actor, permission: Permission, silence: Silence, *, or_all: bool) -> bool:
        services = silenced_services(silence.matchers)
        return all((or_all and one is None) or self._desk.may(viewer, permission, one) for one in services)
