"""``/alert`` and ``/ack``: one alert, and what is decided of it."""

from __future__ import annotations

import interactions
import msgspec

from bot.answers import Reply, Seen
from bot.commands import options
from bot.commands.desk import Desk
from bot.commands.wiring import Call, slash
from bot.render import alert_message
from jinkies.commands import Acknowledge
from jinkies.permissions import Permission


class OneOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What commands on one alert take."""

    id: str
    note: str = ""


def install(client: interactions.Client, desk: Desk) -> None:
    """Give a client the commands."""

    async def alert(call: Call) -> Reply:
        alert_id = options.read_alert_id(call.read(OneOptions).id)
        detail = await desk.ask(desk.operator.alert(alert_id))
        await desk.require(call.caller, Permission.VIEW, (detail.row.service,), what="/alert", alert_id=alert_id)
        return alert_message(detail, epoch=await desk.epoch())

    async def ack(call: Call) -> Reply:
        asked = call.read(OneOptions)
        command = Acknowledge(alert_id=options.read_alert_id(asked.id), note=asked.note)
        reply = await desk.act(command, call.caller, call.key)
        return f"Acknowledged #{command.alert_id}." if isinstance(reply, Seen) else reply

    complete = options.complete_alert(desk)
    slash(client, desk, "alert", "Show one alert", alert, options=[options.alert_id()], completes=complete)
    slash(
        client,
        desk,
        "ack",
        "Acknowledge an alert: you are on it",
        ack,
        options=[options.alert_id(), options.note()],
        completes=complete,
    )
