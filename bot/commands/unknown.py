"""What nobody else answers: buttons and forms of another version. Registered last, since the first pattern wins."""

from __future__ import annotations

import interactions

from bot import custom_ids
from bot.answers import Reply
from bot.commands.desk import Desk
from bot.commands.wiring import Call, component, form

UNKNOWN = "This is nothing that the bot knows; it may be from another version. Nothing was done."


def install(client: interactions.Client, desk: Desk) -> None:
    """Give a client the callbacks."""
    component(client, desk, "unknown_press", custom_ids.ANY_PRESS, _unknown)
    form(client, desk, "unknown_submit", custom_ids.ANY_SUBMISSION, _unknown)


async def _unknown(_call: Call) -> Reply:
    return UNKNOWN
