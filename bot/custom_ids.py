"""Names that leave the database on Discord messages: ``jk:<action>:<alert_id>:<epoch8>`` and the nonce of a post.

On anything but an alert's card the kind of delivery follows, so that each of our messages says what it is.

They carry eight characters of the journal's epoch, so that a new database never takes an old card for its own.
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum

import msgspec

from jinkies.cards import CardAction
from jinkies.model import Delivery

_ALERT = r"(?P<alert_id>[1-9]\d{0,17}):(?P<epoch8>[0-9a-f]{8})"
PRESSED = re.compile(
    rf"jk:(?P<action>ack|resolve|reopen|pr|issue):{_ALERT}(?::(?P<kind>(?:call|escalation)-[1-9]\d{{0,17}}))?$"
)
ASKS = re.compile(rf"jk:pr:{_ALERT}$")  # of those above: it is answered with a form
LISTED = re.compile(rf"jk:list:{_ALERT}:(?P<kind>digest-[1-9]\d{{0,17}})$")
OWN_CARD = re.compile(rf"jk:card:{_ALERT}:digest-[1-9]\d{{0,17}}$")  # a select of alerts that a digest names
SNOOZED = re.compile(rf"jk:snooze:{_ALERT}$")  # a select
SILENCES = re.compile(rf"jk:silence:{_ALERT}$")  # it is answered with a form
SILENCE_SUBMITTED = re.compile(rf"jk:silenceform:{_ALERT}\Z")
SUBMITTED = re.compile(r"jk:prform:(?P<alert_id>[1-9]\d{0,17}):(?P<epoch8>[0-9a-f]{8})$")
AROUND = re.compile(rf"jk:logs:{_ALERT}$")
UNDO = re.compile(rf"jk:undo:{_ALERT}:(?P<rev>\d{{1,18}})$")
_EPOCH = r"(?P<epoch8>[0-9a-f]{8})"
PAGE = re.compile(rf"jk:page:{_EPOCH}:(?P<way>older|newer):(?P<cursor>\d{{1,18}}-\d{{1,18}})$")
START_SILENCE = re.compile(rf"jk:startsilence:{_EPOCH}:(?P<ends_at_ms>\d{{1,18}})$")  # the rest of it is in the message
CANCEL = re.compile(r"jk:cancel$")
UNSILENCE = re.compile(rf"jk:unsilence:{_EPOCH}:(?P<number>\d{{1,18}})$")
END_SILENCE = re.compile(rf"jk:endsilence:{_EPOCH}$")  # a select of numbers
MAKE_ALERT = re.compile(rf"jk:make:{_EPOCH}:(?P<channel_id>\d{{1,20}}):(?P<message_id>\d{{1,20}})\Z")
ANY_PRESS = re.compile(r"(?s:.*)$")
ANY_SUBMISSION = re.compile(r"(?s:.*)\Z")  # other than the one above: the library refuses a form a button's pattern


class FormField(StrEnum):
    """The inputs of forms."""

    TITLE = "title"
    BASE_BRANCH = "base_branch"
    NOTES = "notes"
    DURATION = "duration"
    REASON = "reason"


class CustomId(msgspec.Struct, frozen=True, kw_only=True):
    """What a button means."""

    action: CardAction
    alert_id: int
    epoch8: str
    kind: str = "card"  # of the delivery that it is on

    def __str__(self) -> str:
        plain = f"jk:{self.action}:{self.alert_id}:{self.epoch8}"
        return plain if self.kind == "card" else f"{plain}:{self.kind}"


def epoch8(epoch: str) -> str:
    """The first eight hex digits of an epoch."""
    return epoch[:8]


def parse(text: str) -> CustomId | None:
    """The meaning of a button's ``custom_id``; None when it is none of ours."""
    found = PRESSED.match(text)
    if found is None:
        return None
    return CustomId(
        action=CardAction(found["action"]),
        alert_id=int(found["alert_id"]),
        epoch8=found["epoch8"],
        kind=found["kind"] or "card",
    )


def listing(alert_id: int, epoch: str, kind: str) -> str:
    """The ``custom_id`` of a digest's button."""
    return f"jk:list:{alert_id}:{epoch8(epoch)}:{kind}"


def own_card(alert_id: int, epoch: str, kind: str) -> str:
    """The ``custom_id`` of a digest's select."""
    return f"jk:card:{alert_id}:{epoch8(epoch)}:{kind}"


def alert_of(pattern: re.Pattern[str], text: str) -> tuple[int, str]:
    """The alert and the epoch's eight digits of a ``custom_id`` that one of the patterns above matches."""
    found = pattern.match(text)
    if found is None:
        raise ValueError(text)
    return int(found["alert_id"]), found["epoch8"]


def sighted(text: str) -> tuple[int, str, str] | None:
    """The alert, the kind of delivery and the epoch's eight digits that a button is of; None: it is none of ours."""
    found = PRESSED.match(text) or LISTED.match(text)
    return None if found is None else (int(found["alert_id"]), found["kind"] or "card", found["epoch8"])


def form(alert_id: int, epoch: str) -> str:
    """The ``custom_id`` of the pull request form of an alert."""
    return f"jk:prform:{alert_id}:{epoch8(epoch)}"


def silence_form(alert_id: int, epoch: str) -> str:
    """The ``custom_id`` of the form that silences an alert."""
    return f"jk:silenceform:{alert_id}:{epoch8(epoch)}"


def parse_form(text: str) -> tuple[int, str] | None:
    """The alert's id and the epoch's eight digits of a submitted form; None when it is none of ours."""
    found = SUBMITTED.match(text)
    return None if found is None else (int(found["alert_id"]), found["epoch8"])


def own(word: str, epoch: str, *parts: object) -> str:
    """The ``custom_id`` of a component or form on an answer: ``jk:<word>:<epoch8>:<part>…``."""
    return ":".join(("jk", word, epoch8(epoch), *map(str, parts)))


def undo(alert_id: int, epoch: str, decision_rev: int) -> str:
    """The ``custom_id`` of the button that takes back the decision which led to a revision."""
    return f"jk:undo:{alert_id}:{epoch8(epoch)}:{decision_rev}"


def nonce(delivery: Delivery, epoch: str, *, instead: str | None = None) -> str:
    """The nonce of a post, by which Discord itself drops a second one within a few minutes.

    Args:
        delivery: what is posted.
        epoch: of the journal.
        instead: the message that it is posted instead of, because that can't be edited any more.

    Returns:
        22 characters; Discord's limit is 25. It names the channel too: Discord doesn't say that it looks at that.
    """
    meant = f"{epoch}/{delivery.channel_id}/{delivery.alert_id}/{delivery.kind}/{instead}"
    return "jk" + hashlib.blake2b(meant.encode(), digest_size=10).hexdigest()
