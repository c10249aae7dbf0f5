"""What can be taken back for a while: the newest decision first. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from jinkies.commands import (
    UNDO_S,
    Acknowledge,
    AnyCommand,
    Assign,
    Bulk,
    Merge,
    Outcome,
    Reopen,
    Resolve,
    Snooze,
    Split,
    Undo,
)
from jinkies.model import Actor, AlertRow

_HELD = 20  # decisions; nobody takes back more in half a minute
_WHAT: dict[type[AnyCommand], str] = {
    Acknowledge: "ack",
    Resolve: "resolve",
    Reopen: "reopen",
    Snooze: "snooze",
    Assign: "assign",
    Merge: "merge",
}


@dataclass(frozen=True)
class Offer:
    """A decision that can still be taken back."""

    alerts: tuple[tuple[int, int | None], ...]  # ids, and the decision that each had then
    what: str  # "ack"
    until_ms: int
    merged: bool = False  # a merge is taken back by a split

    @property
    def command(self) -> AnyCommand:
        """What takes it back."""
        if self.merged:
            return Split(alert_id=self.alerts[0][0], seen_rev=self.alerts[0][1])
        undos = tuple(Undo(alert_id=alert_id, seen_rev=rev) for alert_id, rev in self.alerts)
        return undos[0] if len(undos) == 1 else Bulk(items=undos)

    def words(self, now_ms: int) -> str:
        """``undo ack #5 (24 s)``."""
        which = f"#{self.alerts[0][0]}" if len(self.alerts) == 1 else f"of {len(self.alerts)}"
        return f"undo {self.what} {which} ({max(self.until_ms - now_ms + 999, 0) // 1000} s)"


class Offers:
    """Decisions made here, for as long as they can be taken back."""

    def __init__(self) -> None:
        self._held: deque[Offer] = deque(maxlen=_HELD)

    def note(self, command: AnyCommand, outcome: Outcome, now_ms: int) -> None:
        """A command was carried out; what it changed may be taken back."""
        offer = _offer(command, outcome, now_ms + UNDO_S * 1000)
        if offer is not None:
            self._held.append(offer)

    def newest(self, now_ms: int) -> Offer | None:
        """The decision made last that can still be taken back."""
        return next((offer for offer in reversed(self._held) if now_ms < offer.until_ms), None)

    def drop(self, offer: Offer) -> None:
        """It was taken back, or can't be."""
        if offer in self._held:
            self._held.remove(offer)


def made_elsewhere(row: AlertRow, actor: Actor, now_ms: int) -> Offer | None:
    """The last decision on an alert, where it was this actor's and is new enough: made in another window, say."""
    last = row.last_decision
    if last is None or (last.by.kind, last.by.id) != (actor.kind, actor.id) or now_ms >= last.at_ms + UNDO_S * 1000:
        return None
    return Offer(((row.alert_id, row.decision_rev),), last.what, last.at_ms + UNDO_S * 1000)


def _offer(command: AnyCommand, outcome: Outcome, until_ms: int) -> Offer | None:
    one, outcomes = (command.items[0], outcome.items) if isinstance(command, Bulk) else (command, (outcome,))
    what = _WHAT.get(type(one))
    alerts = tuple((done.alert_id, done.decision_rev) for done in outcomes if done.changed and done.alert_id)
    return Offer(alerts, what, until_ms, isinstance(one, Merge)) if what is not None and alerts else None
