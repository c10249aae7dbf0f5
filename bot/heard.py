"""What was heard of threads: which are caught up with, what waits until they are, how far each was looked at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

import msgspec

from bot.courier import Written
from jinkies.model import Actor, Delivery

CAUGHT_UP = 5_000  # threads; those that were it for longest are read again
KNOWN = 500  # threads that were read; of each, what it is
WAITING = 500  # threads in which something waits; what is dropped is read from Discord
WAITING_EACH = 50  # messages of one of them

_T = TypeVar("_T")


class Said(NamedTuple):
    """A message that Discord told of as it came, with who wrote it."""

    written: Written
    caller: Actor


class Waiting(msgspec.Struct):
    """What was said in a thread that is not caught up with."""

    thread: Delivery
    said: dict[str, Said] = msgspec.field(default_factory=dict)  # by the message's id
    more: bool = False  # than fits here


class Heard:
    """Threads by the ids of their channels. No I/O."""

    def __init__(self) -> None:
        self.marks: dict[str, tuple[Delivery, str]] = {}  # how far each was looked at, unrecorded
        self._waiting: OrderedDict[str, Waiting] = OrderedDict()
        self._known: OrderedDict[str, Delivery] = OrderedDict()
        self._caught_up: OrderedDict[str, None] = OrderedDict()

    def begin(self) -> None:
        """Something may have been said anywhere that nobody told of."""
        self._caught_up.clear()

    def is_caught_up(self, thread_id: str) -> bool:
        """Whether what is said there is taken as it comes."""
        return thread_id in self._caught_up

    def caught_up(self, thread_id: str) -> None:
        """Nothing waits there any more."""
        self._waiting.pop(thread_id, None)
        _keep(self._caught_up, thread_id, None, CAUGHT_UP)

    def missed(self, thread_id: str) -> None:
        """Something may have been said there that nobody told of."""
        self._caught_up.pop(thread_id, None)

    def wait(self, thread: Delivery, said: Said) -> None:
        """It is taken when the thread is read."""
        thread_id = said.written.channel_id
        self.missed(thread_id)
        waiting = self._waiting.get(thread_id) or Waiting(thread)
        _keep(self._waiting, thread_id, waiting, WAITING)
        if len(waiting.said) < WAITING_EACH:
            waiting.said[said.written.id] = said
        else:
            waiting.more = True

    def waiting(self, thread_id: str) -> Waiting | None:
        """What waits in a thread."""
        return self._waiting.get(thread_id)

    def waiting_of(self, alert_id: int) -> dict[str, Delivery]:
        """The threads of an alert in which something waits."""
        return {key: one.thread for key, one in self._waiting.items() if one.thread.alert_id == alert_id}

    def waiting_alerts(self) -> Iterator[int]:
        """Alerts in whose threads something waits, those that wait longest first."""
        return (one.thread.alert_id for one in self._waiting.values())

    def forget(self, alert_id: int) -> None:
        """The alert is gone."""
        for thread_id in self.waiting_of(alert_id):
            del self._waiting[thread_id]

    def know(self, thread_id: str, thread: Delivery) -> None:
        """What a thread is, though the replica may not know of it."""
        _keep(self._known, thread_id, thread, KNOWN)

    def known(self, thread_id: str) -> Delivery | None:
        """What a thread is, if it was read lately."""
        return self._known.get(thread_id)

    def mark(self, thread_id: str, thread: Delivery, message_id: str) -> None:
        """It was looked at up to there."""
        self.marks[thread_id] = thread, message_id


def _keep(held: OrderedDict[str, _T], key: str, value: _T, most: int) -> None:
    held[key] = value
    if len(held) > most:
        held.popitem(last=False)
