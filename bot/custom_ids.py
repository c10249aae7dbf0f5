"""Names that leave the database on Discord messages: ``jk:<action>:<alert_id>:<epoch8>`` and the nonce of a post.

They carry eight characters of the journal's epoch, so that a new database never takes an old card for its own.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from jinkies.cards import CardAction

PRESSED = re.compile(r"jk:(?P<action>ack|resolve|reopen|pr):(?P<alert_id>[1-9]\d{0,17}):(?P<epoch8>[0-9a-f]{8})$")
SUBMITTED = re.compile(r"jk:prform:(?P<alert_id>[1-9]\d{0,17}):(?P<epoch8>[0-9a-f]{8})$")
ANY_PRESS = re.compile(r"(?s:.*)$")
ANY_SUBMISSION = re.compile(r"(?s:.*)\Z")  # other than the one above: the library refuses a form a button's pattern

NONCE_LIMIT = 25  # Discord limit


class FormField(StrEnum):
    """The inputs of the pull request form."""

    TITLE = "title"
    BASE_BRANCH = "base_branch"
    NOTES = "notes"


class CustomId(msgspec.Struct, frozen=True, kw_only=True):
    """What a button means."""

    action: CardAction
    alert_id: int
    epoch8: str

    def __str__(self) -> str:
        return f"jk:{self.action}:{self.alert_id}:{self.epoch8}"


def epoch8(epoch: str) -> str:
    """The first eight hex digits of an epoch."""
    return epoch[:8]


def parse(text: str) -> CustomId | None:
    """The meaning of a button's ``custom_id``; None when it is none of ours."""
    found = PRESSED.match(text)
    if found is None:
        return None
    return CustomId(action=CardAction(found["action"]), alert_id=int(found["alert_id"]), epoch8=found["epoch8"])


def form(alert_id: int, epoch: str) -> str:
    """The ``custom_id`` of the pull request form of an alert."""
    return f"jk:prform:{alert_id}:{epoch8(epoch)}"


def parse_form(text: str) -> tuple[int, str] | None:
    """The alert's id and the epoch's eight digits of a submitted form; None when it is none of ours."""
    found = SUBMITTED.match(text)
    return None if found is None else (int(found["alert_id"]), found["epoch8"])


def nonce(alert_id: int, epoch: str, *, again: bool = False) -> str:
    """The nonce of an alert's card, by which Discord itself drops a second post within a few minutes.

    Args:
        alert_id: of the card's alert.
        epoch: of the journal.
        again: the card is posted afresh because the first can't be edited any more.

    Returns:
        At most 25 characters, Discord's limit.
    """
    text = f"jk{alert_id}-{epoch8(epoch)}" + ("r" if again else "")
    return text[:NONCE_LIMIT]
