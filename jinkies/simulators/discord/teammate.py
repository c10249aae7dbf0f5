"""A scripted teammate: now and then presses Acknowledge on the newest card that still offers it."""

from __future__ import annotations

import contextlib
import random

from jinkies.simulators.discord import messages
from jinkies.simulators.discord.people import People, Refused
from jinkies.simulators.discord.state import State

ACKNOWLEDGE = "jk:ack:"


def newest_open_card(state: State) -> tuple[str, str] | None:
    """The message and custom_id of the newest enabled Acknowledge button in any channel, or None."""
    for message in sorted(state.messages.values(), key=lambda each: int(each["id"]), reverse=True):
        for component in messages.components_of(message) if message["id"] not in state.only_for else ():
            custom_id = str(component.get("custom_id", ""))
            if custom_id.startswith(ACKNOWLEDGE) and not component.get("disabled"):
                return message["id"], custom_id
    return None


async def teammate(state: State, people: People, user: str, *, every_s: float, seed: int) -> None:
    """Press, on average every ``every_s`` seconds, for ever. Creates nothing; the same seed gives the same pauses."""
    dice = random.Random(seed)
    while True:
        await state.clock.sleep(every_s * dice.uniform(0.5, 1.5))
        card = newest_open_card(state)
        if card is not None:
            with contextlib.suppress(Refused):  # the card may have changed in between
                await people.press(card[0], card[1], user)
