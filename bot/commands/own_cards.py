"""Cards that only their asker sees, as ``/alert`` shows them: no board mends them, so that the press itself does."""

from __future__ import annotations

from bot.answers import EPHEMERAL, Replaced, Reply, Seen
from bot.commands.desk import Desk
from bot.commands.wiring import Call
from bot.render import alert_message


async def on_its_card(desk: Desk, call: Call, alert_id: int, reply: Seen | str) -> Reply:
    """The answer to a press or a form of a card: the card anew, where it is its asker's own."""
    if isinstance(reply, str) or call.message is None or not call.message.flags & EPHEMERAL:
        return reply
    detail = await desk.ask(desk.operator.alert(alert_id))
    return Replaced(shown=alert_message(detail, epoch=await desk.epoch()))
