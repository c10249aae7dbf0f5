"""What to mend next in a channel, and when: the order, the spacing and the patience of the board. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from jinkies.model import AlertRow, Delivery, What

Key = tuple[int, str, str]

SPACING_S = 1.0  # between two edits of a card that only count on
DIGEST_SPACING_S = 3.0  # between two of a digest, which grows while cards wait for their turn
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
        for delivery in wanted:
            progress = self.of(delivery)
            urgency = self._urgency(delivery, rows, progress)
            ready_at_s = progress.not_before_s
            if urgency is Urgency.COUNTED:
                spacing_s = SPACING_S if delivery.what is What.CARD else DIGEST_SPACING_S
                ready_at_s = max(ready_at_s, progress.edited_at_s + spacing_s)
            if ready_at_s > now_s:
                wait_s = min(wait_s, ready_at_s - now_s)
                continue
            rank = (int(urgency), progress.since)
            if best_rank is None or rank < best_rank:
                best, best_rank = delivery, rank
        return best, 0.0 if best is not None else wait_s

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


def key_of(delivery: Delivery) -> Key:
    """What names a delivery."""
    return (delivery.alert_id, delivery.channel_id, delivery.kind)


def outstanding(delivery: Delivery) -> bool:
    """Whether the board still has something to do for it."""
    return not delivery.in_step
