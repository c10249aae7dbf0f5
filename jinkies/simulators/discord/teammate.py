"""A scripted teammate: now and then presses Acknowledge on the newest card that still offers it."""

from __future__ import annotations

import contextlib
import random
from collections import deque
from collections.abc import Collection

from jinkies.simulators.discord import messages
from jinkies.simulators.discord.answers import AnswerKind, Refused
from jinkies.simulators.discord.people import People
from jinkies.simulators.discord.state import State

ACKNOWLEDGE = "jk:ack:"
KEPT_CARDS = 1_000


def newest_open_card(state: State, tried: Collection[tuple[str, str]] = ()) -> tuple[str, str] | None:
    """The message and custom_id of the newest enabled Acknowledge button that was not ``tried``, or None."""
    for message in sorted(state.messages.values(), key=lambda each: int(each["id"]), reverse=True):
        for component in messages.components_of(message) if message["id"] not in state.only_for else ():
            custom_id = str(component.get("custom_id", ""))
            card = (str(message["id"]), custom_id)
            if custom_id.startswith(ACKNOWLEDGE) and not component.get("disabled") and card not in tried:
                return card
    return None


async def teammate(state: State, people: People, user: str, *, every_s: float, seed: int) -> None:
    """Press, on average every ``every_s`` seconds, for ever. Creates nothing; the same seed gives the same pauses.

    A button is pressed again only when the bot did not answer: one that it refused stays refused.
    """
    dice = random.Random(seed)
    tried: deque[tuple[str, str]] = deque(maxlen=KEPT_CARDS)
    while True:
        await state.clock.sleep(every_s * dice.uniform(0.5, 1.5))
        card = newest_open_card(state, tried)
        if card is None:
            continue
        with contextlib.suppress(Refused):  # the card may have changed in between
            answer = await people.press(card[0], card[1], user)
            if answer.kind is not AnswerKind.FAILED:
                tried.append(card)
