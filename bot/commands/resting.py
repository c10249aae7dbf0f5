"""A card's snooze and silence: peace for a while."""

from __future__ import annotations

import interactions

from bot import custom_ids
from bot.answers import Reply, Seen
from bot.commands import options
from bot.commands.desk import Desk
from bot.commands.own_cards import on_its_card
from bot.commands.wiring import Call, component, form
from bot.custom_ids import FormField
from bot.render import Form, silence_form
from jinkies.cards import SNOOZES
from jinkies.commands import Snooze, StartSilence
from jinkies.errors import Invalid
from jinkies.matching import Matcher, Op
from jinkies.permissions import Permission


def install(client: interactions.Client, desk: Desk) -> None:
    """Give a client the callbacks."""
    resting = _Resting(desk)
    component(client, desk, "snooze", custom_ids.SNOOZED, resting.snooze)
    component(client, desk, "ask_for_silence", custom_ids.SILENCES, resting.ask, asks=True)
    form(client, desk, "silence", custom_ids.SILENCE_SUBMITTED, resting.silence)


class _Resting:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def snooze(self, call: Call) -> Reply:
        alert_id, digits = custom_ids.alert_of(custom_ids.SNOOZED, call.custom_id)
        chosen = next((one for one in SNOOZES if one.value in call.values), None)
        if chosen is None:
            raise Invalid("this card offers a snooze that is no more; use /snooze")
        until_ms = None if chosen.span_ms is None else self._desk.clock.now_ms() + chosen.span_ms
        command = Snooze(alert_id=alert_id, until_ms=until_ms, occurrences=chosen.occurrences)
        reply = await self._desk.act(command, call.caller, call.key, foreign=digits)
        return await on_its_card(self._desk, call, alert_id, reply)

    async def ask(self, call: Call) -> Form | str:
        """The form, or a line that says why there is none."""
        alert_id, digits = custom_ids.alert_of(custom_ids.SILENCES, call.custom_id)
        await self._desk.check_epoch(digits)
        row = await self._desk.row(alert_id)
        services = (row.service,)
        await self._desk.require(call.caller, Permission.SILENCE, services, what="Silence", alert_id=alert_id)
        return silence_form(row, epoch=await self._desk.epoch())

    async def silence(self, call: Call) -> Reply:
        alert_id, digits = custom_ids.alert_of(custom_ids.SILENCE_SUBMITTED, call.custom_id)
        span = str(call.given.get(FormField.DURATION, "")).strip()
        span_ms = options.read_span_ms(span, "for how long")
        detail = await self._desk.ask(self._desk.operator.alert(alert_id))
        command = StartSilence(
            matchers=(
                Matcher(field="service", op=Op.IS, value=detail.row.service),  # who may silence a service may do this
                Matcher(field="fingerprint", op=Op.IS, value=detail.fingerprint),
            ),
            ends_at_ms=self._desk.clock.now_ms() + span_ms,
            reason=str(call.given.get(FormField.REASON, "")),
        )
        reply = await self._desk.act(command, call.caller, call.key, foreign=digits)
        if not isinstance(reply, Seen):
            return reply
        return f"#{alert_id} is silenced for {span}: it is counted, and nobody is called. For more alerts: /silence."
