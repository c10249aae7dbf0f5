"""Names that leave the database on the message of a tail: ``jk:tail:<action>:<number>:<epoch8>``, and its nonce."""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum

import msgspec

from bot.custom_ids import epoch8

PRESSED = re.compile(
    r"jk:tail:(?P<action>pause|resume|stop):(?P<number>[1-9]\d{0,17}):(?P<epoch8>[0-9a-f]{8})$", re.ASCII
)


class TailAction(StrEnum):
    """What can be done to a tail from its message."""

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"


class TailButton(msgspec.Struct, frozen=True, kw_only=True):
    """What a button means."""

    action: TailAction
    number: int
    epoch8: str

    def __str__(self) -> str:
        return f"jk:tail:{self.action}:{self.number}:{self.epoch8}"


def button(action: TailAction, number: int, epoch: str) -> str:
    """The ``custom_id`` of a button."""
    return str(TailButton(action=action, number=number, epoch8=epoch8(epoch)))


def parse(text: str) -> TailButton | None:
    """The meaning of a button's ``custom_id``; None when it is none of a tail's."""
    found = PRESSED.match(text)
    if found is None:
        return None
    return TailButton(action=TailAction(found["action"]), number=int(found["number"]), epoch8=found["epoch8"])


def nonce(number: int, channel_id: str, epoch: str, *, after: str | None) -> str:
    """The nonce of a post, by which Discord itself drops a second one within a few minutes.

    Args:
        number: of the tail.
        channel_id: where it is posted.
        epoch: of the journal.
        after: the message that can't be edited any more, if there was one.

    Returns:
        22 characters; Discord's limit is 25.
    """
    meant = f"{epoch}/{channel_id}/tail/{number}/{after or ''}"
    return "jk" + hashlib.blake2b(meant.encode(), digest_size=10).hexdigest()
