"""What people write in a card's thread is a comment on its alert. Reading it needs Discord's message content intent."""

from __future__ import annotations

import hashlib
import logging
import re
from collections import OrderedDict
from collections.abc import Callable

from bot.commands.desk import Desk, refusal
from bot.courier import Courier, CourierError, Written
from bot.render import CONTENT_LIMIT, Message
from bot.slowness import SlowMode
from bot.text import escaped
from jinkies.commands import Comment
from jinkies.errors import JinkiesError, KeyReused, Unavailable
from jinkies.model import Actor

log = logging.getLogger(__name__)

TOLD_EVERY_S = 3_600.0  # why somebody's words are not taken
TOLD = 500  # of those, the newest
WORDS = (0, 19)  # Discord's types of messages that people write: plain, and in reply to another
ANYWHERE = ""  # in place of a thread
_DIGITS = re.compile(r"\d+")  # how long to wait is no news


def has_words(written: Written) -> bool:
    """Whether a person said something with it."""
    by_person = not written.author.bot and not written.webhook_id
    return by_person and written.type in WORDS and bool(written.content.strip())


class ThreadComments:
    """Takes what people wrote in threads into timelines, and says why not.

    Args:
        desk: the core to ask.
        courier: says why a comment was not taken.
        took: called with the place in the journal of each comment that was.
    """

    def __init__(self, desk: Desk, courier: Courier, took: Callable[[int], None]) -> None:
        self._desk = desk
        self._courier = courier
        self._took = took
        self.taken = 0  # comments
        self._told: OrderedDict[tuple[str, str, str], float] = OrderedDict()  # thread, who, why → when, in seconds

    async def take(
        self, alert_id: int, written: Written, caller: Actor, slow_mode: SlowMode, now_s: float
    ) -> str | None:
        """Take a message into an alert's timeline; taking one twice is harmless for as long as the core knows keys.

        Args:
            alert_id: whose thread it is in.
            written: with words.
            caller: who wrote it, and where.
            slow_mode: of whoever writes too much.
            now_s: when it counts as written, by the clock of ``slow_mode``.

        Returns:
            Why it was not taken; None when it was.

        Raises:
            Unavailable: the core can't be asked just now.
        """
        wait_s = slow_mode.take(caller.id, now_s)
        if wait_s > 0:
            return f"Slow down: try again in {wait_s:.0f} s."
        command = Comment(alert_id=alert_id, text=written.content.strip())
        try:
            outcome = await self._desk.execute(command, caller, f"said-{written.id}")
        except KeyReused:  # taken before its author changed it
            return None
        except Unavailable:
            raise
        except JinkiesError as error:
            return refusal(error)
        self.taken += 1
        if outcome.seq is not None:
            self._took(outcome.seq)
        return None

    def is_news(self, thread_id: str, user_id: str, reason: str) -> bool:
        """Whether they should be told: who chats on is not told the same after each of their words.

        Args:
            thread_id: where they would be told; ``ANYWHERE`` is for what is told in one thread for all.
            user_id: whom.
            reason: why their words are not taken.
        """
        key, now_s = (thread_id, user_id, _DIGITS.sub("0", reason)), self._desk.clock.monotonic_s()
        told_s = self._told.pop(key, None)
        known = told_s is not None and now_s - told_s < TOLD_EVERY_S
        self._told[key] = told_s if known and told_s is not None else now_s
        if len(self._told) > TOLD:
            self._told.popitem(last=False)
        return not known

    async def explain(self, written: Written, reason: str) -> None:
        """Say in the thread why a message was not taken."""
        content = escaped(f"Not taken into the timeline: {reason}", CONTENT_LIMIT)
        nonce = "jx" + hashlib.blake2b(written.id.encode(), digest_size=10).hexdigest()
        try:
            await self._courier.post(written.channel_id, Message(embeds=()), nonce=nonce, content=content)
        except CourierError as error:
            log.warning("a comment was not taken (%s), and that could not be said: %s", reason, error)
