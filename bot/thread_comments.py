"""What people write in a card's thread is a comment on its alert. Reading it needs Discord's message content intent."""

from __future__ import annotations

import hashlib
import logging
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import msgspec

from bot.commands.desk import Desk, refusal
from bot.contexts import Called, called_of
from bot.courier import Courier, CourierError
from bot.render import CONTENT_LIMIT, Message
from bot.text import escaped
from jinkies.commands import Comment
from jinkies.errors import JinkiesError, Overloaded
from jinkies.model import Delivery, What

log = logging.getLogger(__name__)

TOLD_EVERY_S = 3_600.0  # why somebody's words are not taken
TOLD = 500  # of those, the newest
WORDS = (0, 19)  # Discord's types of messages that people write: plain, and in reply to another
_DIGITS = re.compile(r"\d+")  # how long to wait is no news


class _Author(msgspec.Struct):
    bot: bool = False


class _Written(msgspec.Struct):
    id: str
    channel_id: str
    author: _Author
    content: str = ""
    type: int = 0
    webhook_id: str | None = None


class ThreadComments:
    """Takes messages in threads into timelines.

    Args:
        desk: the core to ask.
        courier: says why a comment was not taken.
        took: called with the place in the journal of each comment that was.
    """

    def __init__(self, desk: Desk, courier: Courier, took: Callable[[int], None]) -> None:
        self._desk = desk
        self._courier = courier
        self._took = took
        self._told: OrderedDict[tuple[str, str, str], float] = OrderedDict()  # thread, who, why → when, in seconds

    async def said(self, payload: dict[str, Any]) -> None:
        """A message that Discord tells of, by its gateway's payload; what is no comment is left alone."""
        try:
            written = msgspec.convert(payload, _Written)
        except msgspec.ValidationError:
            return
        thread = self._thread(written.channel_id)
        text = written.content.strip()
        if thread is None or written.author.bot or written.webhook_id or written.type not in WORDS or not text:
            return
        called = called_of(_as_interaction(payload, thread.channel_id))
        reason = await self._comment(thread, text, called, written.id)
        if reason is not None and self._is_news(written.channel_id, called.caller.id, reason):
            await self._explain(written, reason)

    def _thread(self, channel_id: str) -> Delivery | None:
        """By its card too, whose message it has the id of: people write before the thread is recorded."""
        held = self._desk.replica.deliveries.values()
        return next(
            (one for one in held if one.message_id == channel_id and one.what in (What.THREAD, What.CARD)), None
        )

    def _is_news(self, thread_id: str, user_id: str, reason: str) -> bool:
        """Whether they should be told: who chats on is not told the same after each of their words."""
        key, now_s = (thread_id, user_id, _DIGITS.sub("0", reason)), self._desk.clock.monotonic_s()
        told_s = self._told.pop(key, None)
        known = told_s is not None and now_s - told_s < TOLD_EVERY_S
        self._told[key] = told_s if known and told_s is not None else now_s
        if len(self._told) > TOLD:
            self._told.popitem(last=False)
        return not known

    async def _comment(self, thread: Delivery, text: str, called: Called, message_id: str) -> str | None:
        """Why it was not taken; None when it was."""
        wait_s = self._desk.slow_mode.take(called.caller.id, self._desk.clock.monotonic_s())
        try:
            if wait_s > 0:
                raise Overloaded(f"slow down: try again in {wait_s:.0f} s")
            command = Comment(alert_id=thread.alert_id, text=text)
            execute = self._desk.operator.execute(command, on_behalf_of=called.caller, key=f"said-{message_id}")
            outcome = await self._desk.ask(execute)
        except JinkiesError as error:
            return refusal(error)
        if outcome.seq is not None:
            self._took(outcome.seq)
        return None

    async def _explain(self, written: _Written, reason: str) -> None:
        content = escaped(f"Not taken into the timeline: {reason}", CONTENT_LIMIT)
        nonce = "jx" + hashlib.blake2b(written.id.encode(), digest_size=10).hexdigest()
        try:
            await self._courier.post(written.channel_id, Message(embeds=()), nonce=nonce, content=content)
        except CourierError as error:
            log.warning("a comment was not taken (%s), and that could not be said: %s", reason, error)


def _as_interaction(payload: dict[str, Any], parent_id: str) -> dict[str, Any]:
    """A message's payload as ``called_of`` reads interactions: its member has no user of its own."""
    member = {**(payload.get("member") or {}), "user": payload.get("author")}
    thread = {"type": 11, "parent_id": parent_id}
    return {"member": member, "channel_id": payload.get("channel_id"), "channel": thread}
