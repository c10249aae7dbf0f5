"""``/alert``, and what is decided of one: ``/ack``, ``/snooze``, ``/resolve``, ``/reopen``, ``/assign``, ``/comment``.

Whoever decided gets a button that takes it back, for as long as the core allows.
"""

from __future__ import annotations

import interactions
import msgspec
from interactions import OptionType, SlashCommandOption

from bot import custom_ids
from bot.answers import Line, Replaced, Reply
from bot.commands import options
from bot.commands.desk import Desk, refusal
from bot.commands.unknown import UNKNOWN
from bot.commands.wiring import Call, component, slash
from bot.render import BUTTON_SECONDARY, Button, Row, alert_message
from jinkies.commands import (
    UNDO_S,
    Acknowledge,
    AnyCommand,
    Assign,
    Comment,
    Outcome,
    Reopen,
    Resolve,
    Snooze,
    Undo,
)
from jinkies.errors import Conflict, Invalid
from jinkies.model import State
from jinkies.permissions import Permission

COMMENT_LIMIT = 4_000  # characters (as the core bounds them)
SNOOZE_COUNT_LIMIT = 1_000_000  # likewise


class _One(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    note: str = ""

    @property
    def alert_id(self) -> int:
        return options.read_alert_id(self.id)


class _Snooze(_One, frozen=True, kw_only=True, rename={"span": "for"}):
    span: str = ""
    until: str = ""
    count: int | None = None


class _Assign(_One, frozen=True, kw_only=True):
    user: str = ""
    nobody: bool = False


class _Comment(_One, frozen=True, kw_only=True):
    text: str


def install(client: interactions.Client, desk: Desk) -> None:
    """Give a client the commands, and the button that undoes."""
    deciding = _Deciding(desk)
    complete, any_state = options.complete_alert(desk), options.complete_alert(desk, states=tuple(State))
    to_acknowledge = options.complete_alert(desk, states=(State.OPEN, State.SNOOZED))
    to_reopen = options.complete_alert(desk, states=(State.ACKNOWLEDGED, State.SNOOZED, State.RESOLVED))
    note = options.note()
    for name, description, run, more, completes in (
        ("ack", "Acknowledge an alert: you are on it", deciding.acknowledge, [note], to_acknowledge),
        ("resolve", "Resolve an alert: it is over", deciding.resolve, [note], complete),
        ("reopen", "Take an acknowledgement, a snooze or a resolution back", deciding.reopen, [note], to_reopen),
        ("assign", "Say who is to look at an alert", deciding.assign, [*_assign_options(), note], complete),
        ("comment", "Add a line to an alert's timeline", deciding.comment, [_comment_option()], any_state),
    ):
        given = [options.alert_id(), *more]
        slash(client, desk, name, description, run, options=given, completes=completes, needs=Permission.ACKNOWLEDGE)
    slash(
        client,
        desk,
        "snooze",
        "Not now: until a time, for a while, or until it happened so many more times",
        deciding.snooze,
        options=[options.alert_id(), *_snooze_options(), note],
        completes=complete | options.complete_span("for"),
        needs=Permission.ACKNOWLEDGE,
    )
    slash(client, desk, "alert", "Show one alert", deciding.show, options=[options.alert_id()], completes=any_state)
    component(client, desk, "undo", custom_ids.UNDO, deciding.undo)


def _snooze_options() -> list[SlashCommandOption]:
    return [
        options.text("for", "How long: 30m, 2h, 1d12h", autocomplete=True, most=40),
        options.text("until", "Until when, in UTC: 13:10, or 2026-01-31T13:10", most=40),
        options.number("count", "Until it happened so many more times", least=1, most=SNOOZE_COUNT_LIMIT),
    ]


def _assign_options() -> list[SlashCommandOption]:
    who = SlashCommandOption(
        name="user", type=OptionType.USER, description="Who; yourself when left out", required=False
    )
    nobody = SlashCommandOption(
        name="nobody", type=OptionType.BOOLEAN, description="Take it from whoever has it", required=False
    )
    return [who, nobody]


def _comment_option() -> SlashCommandOption:
    return options.text("text", "What you found or did", required=True, most=COMMENT_LIMIT)


class _Deciding:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, call: Call) -> Reply:
        alert_id = call.read(_One).alert_id
        detail = await self._desk.ask(self._desk.operator.alert(alert_id))
        await self._desk.require(call.caller, Permission.VIEW, (detail.row.service,), what="/alert", alert_id=alert_id)
        return alert_message(detail, epoch=await self._desk.epoch())

    async def acknowledge(self, call: Call) -> Reply:
        asked = call.read(_One)
        return await self._decide(call, Acknowledge(alert_id=asked.alert_id, note=asked.note))

    async def resolve(self, call: Call) -> Reply:
        asked = call.read(_One)
        return await self._decide(call, Resolve(alert_id=asked.alert_id, note=asked.note))

    async def reopen(self, call: Call) -> Reply:
        asked = call.read(_One)
        return await self._decide(call, Reopen(alert_id=asked.alert_id, note=asked.note))

    async def snooze(self, call: Call) -> Reply:
        asked = call.read(_Snooze)
        until_ms = snooze_end_ms(asked.span, asked.until, self._desk.clock.now_ms())
        if until_ms is None and asked.count is None:
            raise Invalid("say until when: for:2h, until:13:10 or count:5")
        command = Snooze(alert_id=asked.alert_id, until_ms=until_ms, occurrences=asked.count, note=asked.note)
        return await self._decide(call, command)

    async def assign(self, call: Call) -> Reply:
        asked = call.read(_Assign)
        if asked.nobody and asked.user:
            raise Invalid("user and nobody: give one of them")
        to = call.names.get(asked.user, "") if asked.user else call.caller.name
        if not to:
            raise Invalid("user: Discord does not say who that is; try again")
        command = Assign(alert_id=asked.alert_id, to="" if asked.nobody else to[:80], note=asked.note)
        return await self._decide(call, command)

    async def comment(self, call: Call) -> Reply:
        asked = call.read(_Comment)
        outcome = await self._desk.execute(Comment(alert_id=asked.alert_id, text=asked.text), call.caller, call.key)
        return f"Noted on alert #{asked.alert_id}: {outcome.reason}"

    async def _decide(self, call: Call, command: AnyCommand) -> Reply:
        outcome = await self._desk.execute(command, call.caller, call.key)
        if not outcome.changed:
            return f"Nothing changed: {outcome.reason}."
        return decided(outcome, await self._desk.epoch())

    async def undo(self, call: Call) -> Reply:
        meant = custom_ids.UNDO.match(call.custom_id)
        if meant is None:
            return UNKNOWN
        await self._desk.check_epoch(meant["epoch8"])
        command = Undo(alert_id=int(meant["alert_id"]), seen_rev=int(meant["rev"]))
        try:
            outcome = await self._desk.execute(command, call.caller, call.key)
        except Conflict as error:  # it can't be undone any more: the button goes
            return Replaced(shown=Line(text=refusal(error)))
        return Replaced(shown=Line(text=f"Alert #{command.alert_id}: {outcome.reason}."))


def decided(outcome: Outcome, epoch: str) -> Line:
    """What was decided, with the button that takes it back."""
    alert_id, revision = outcome.alert_id or 0, outcome.decision_rev or 0
    button = Button(
        style=BUTTON_SECONDARY, label=f"Undo (within {UNDO_S} s)", custom_id=custom_ids.undo(alert_id, epoch, revision)
    )
    return Line(text=f"Alert #{alert_id}: {outcome.reason}.", components=(Row(components=(button,)),), lasts_s=UNDO_S)


def snooze_end_ms(span: str, until: str, now_ms: int) -> int | None:
    """When a snooze ends; None when neither is given. Raises ``Invalid``."""
    if span and until:
        raise Invalid("for and until: give one of them")
    if span:
        return now_ms + options.read_span_ms(span, "for")
    return options.read_end_ms(until, "until", now_ms) if until else None
