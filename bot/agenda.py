"""What to mend next in a channel, and when: the order, the spacing and the patience of the board. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from jinkies.model import AlertRow, Delivery, What

Key = tuple[int, str, str]

SPACING_S = 1.2  # between two edits that only count on, in a channel: below 60 a minute, with the posts of a storm
DIGEST_SPACING_S = 3.0  # between two of a digest, which grows while cards wait for their turn
QUIET_S = 1.5  # what hasn't moved for so long may be shown: the storm is over
_KEPT_LIMIT = 4_000


class Urgency(IntEnum):
    """What goes first when a channel's rate limit makes a queue."""

    DECIDED = 0  # a person decided, and waits to see it
    CALLED = 1  # people are to be called, or to hear of many alerts at once
    MISSING = 2  # no card yet
    COUNTED = 3  # only the number of occurrences moved


@dataclass(slots=True)
class Progress:
    """What this process knows of a delivery beyond what the core has recorded."""

    since: int  # ordinal of its becoming out of step
    not_before_s: float = 0.0
    failures: int = 0
    edited_at_s: float = float("-inf")
    decision_rev: int = 0  # shown by the last edit or post of ours
    message_id: str | None = None  # posted or adopted, and not recorded yet
    digest: str = ""
    unclear: bool = False  # a post may have happened
    wanted_revision: int = 0  # as it was last seen,
    moved_at_s: float = float("-inf")  # and since when it is so


class Agenda:
    """A channel's deliveries that are out of step, ordered."""

    def __init__(self) -> None:
        self._progress: dict[Key, Progress] = {}
        self._ordinal = 0

    def of(self, delivery: Delivery) -> Progress:
        """The progress of a delivery, kept until ``prune``."""
        key = key_of(delivery)
        found = self._progress.get(key)
        if found is None:
            self._ordinal += 1
            found = self._progress[key] = Progress(since=self._ordinal)
        return found

    def done(self, delivery: Delivery) -> None:
        """It is in step and recorded: the next time it isn't, it queues again."""
        progress = self.of(delivery)
        self._ordinal += 1
        progress.since = self._ordinal
        progress.failures, progress.not_before_s = 0, 0.0
        progress.message_id, progress.digest, progress.unclear = None, "", False

    def next(
        self, wanted: Iterable[Delivery], rows: Mapping[int, AlertRow], now_s: float
    ) -> tuple[Delivery | None, float]:
        """The delivery to mend now, or None and in how many seconds there may be one (inf: when something changes)."""
        best: Delivery | None = None
        best_rank: tuple[int, int] | None = None
        wait_s = float("inf")
        found = [(one, self._seen(one, now_s)) for one in wanted]
        urgent = [(one, progress, self._urgency(one, rows, progress)) for one, progress in found]
        moving = sum(urgency is Urgency.COUNTED for _, _, urgency in urgent)
        for delivery, progress, urgency in urgent:
            ready_at_s = progress.not_before_s
            if urgency is Urgency.COUNTED:
                ready_at_s = max(ready_at_s, _counted_at_s(delivery, progress, moving))
            if ready_at_s > now_s:
                wait_s = min(wait_s, ready_at_s - now_s)
                continue
            rank = (int(urgency), progress.since)
            if best_rank is None or rank < best_rank:
                best, best_rank = delivery, rank
        return best, 0.0 if best is not None else wait_s

    def _seen(self, delivery: Delivery, now_s: float) -> Progress:
        progress = self.of(delivery)
        if progress.wanted_revision != delivery.wanted_revision:
            progress.wanted_revision, progress.moved_at_s = delivery.wanted_revision, now_s
        return progress

    def _urgency(self, delivery: Delivery, rows: Mapping[int, AlertRow], progress: Progress) -> Urgency:
        if delivery.message_id is None and progress.message_id is None:
            return Urgency.MISSING if delivery.what is What.CARD else Urgency.CALLED
        if delivery.what is not What.CARD:
            return Urgency.COUNTED
        row = rows.get(delivery.alert_id)
        decided = row is None or row.decision_rev > progress.decision_rev
        return Urgency.DECIDED if decided else Urgency.COUNTED

    def prune(self, known: Mapping[Key, Delivery]) -> None:
        """Forget deliveries that the core has forgotten, once there are many."""
        if len(self._progress) > _KEPT_LIMIT:
            self._progress = {key: progress for key, progress in self._progress.items() if key in known}


def _counted_at_s(delivery: Delivery, progress: Progress, moving: int) -> float:
    """When the number of occurrences may be shown: in turn with the others that move, or once it moves no more."""
    spacing_s = SPACING_S if delivery.what is What.CARD else DIGEST_SPACING_S
    in_turn_s = progress.edited_at_s + spacing_s * moving
    return min(in_turn_s, max(progress.edited_at_s + spacing_s, progress.moved_at_s + QUIET_S))


def key_of(delivery: Delivery) -> Key:
    """What names a delivery."""
    return (delivery.alert_id, delivery.channel_id, delivery.kind)


def outstanding(delivery: Delivery) -> bool:
    """Whether the board still has something to do for it."""
    return not delivery.in_step
