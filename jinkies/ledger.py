"""What one transaction knows of alerts, and what it writes down of them: rows, counts, cards, the journal.

Nothing here knows of SQL or of waiting. What is decided, and why, is said elsewhere: this keeps it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from jinkies import calling, lifecycle, tally
from jinkies.commands import Outcome
from jinkies.episodes import note
from jinkies.errors import NotFound
from jinkies.events import JournalEntry
from jinkies.lifecycle import Decision, Policy
from jinkies.mirror import Mirror, News, places_of
from jinkies.model import THREAD_KINDS, Actor, ActorKind, AlertRow, Delivery, EntryKind, State
from jinkies.store.changes import Changes, Loaded, StoredAlert

NO_POLICY = Policy()


class Ledger:
    """Alerts as they are after each decision, and the changes that these make."""

    def __init__(
        self,
        loaded: Loaded,
        *,
        now_ms: int,
        alert_channel_id: str | None,
        policy: Policy = NO_POLICY,
        new_cards: int = 0,
        threads: bool = False,
    ) -> None:
        self.changes = Changes(counts=loaded.counts, next_alert_id=loaded.next_alert_id, at_ms=now_ms)
        self._now_ms = now_ms
        self._policy = policy
        self._seq = loaded.head_seq
        self._alerts = dict(loaded.alerts)
        self._by_fingerprint = {alert.fingerprint: alert_id for alert_id, alert in loaded.alerts.items()}
        held = (delivery for deliveries in loaded.deliveries.values() for delivery in deliveries)
        places = places_of(held, self.changes.deliveries, loaded.storms)
        self.changes.storms = places.changed_storms
        self._mirror = Mirror(places, now_ms=now_ms, channel_id=alert_channel_id, bound=new_cards, threads=threads)
        self._last_entry: dict[int, int] = {}  # alert → index of its newest entry in changes.entries

    def _change(self, alert_id: int, actor: Actor, decide: Callable[[AlertRow], Decision]) -> Outcome:
        stored = self._stored(alert_id)
        decision = decide(stored.row)
        if decision.kind is None:
            return msgspec.structs.replace(outcome_of(stored.row, None, decision.reason), changed=False)
        return outcome_of(decision.row, self._settle(stored, decision, actor), decision.reason)

    def _all(self, decided: list[tuple[StoredAlert, Decision]], actor: Actor) -> Outcome:
        """Settle decisions that belong together; the first says what came of them."""
        seqs = [self._settle(stored, decision, actor) for stored, decision in decided]
        return outcome_of(decided[0][1].row, seqs[-1], decided[0][1].reason)

    def _wholes(self, part: StoredAlert) -> list[StoredAlert]:
        """What it is part of, what that is part of, and so on, as far as they are there."""
        wholes: list[StoredAlert] = []
        into = part.row.merged_into
        while into is not None and into in self._alerts:
            wholes.append(self._alerts[into])
            into = wholes[-1].row.merged_into
        return wholes

    def _stored(self, alert_id: int) -> StoredAlert:
        stored = self._alerts.get(alert_id)
        if stored is None:
            raise NotFound(f"there is no alert #{alert_id}")
        return stored

    def _found(self, fingerprint: str) -> int | None:
        """The alert that counts occurrences of a fingerprint: what it was merged into, where it was."""
        alert_id = self._by_fingerprint.get(fingerprint)
        wholes = self._wholes(self._alerts[alert_id]) if alert_id is not None else []
        return wholes[-1].row.alert_id if wholes else alert_id

    def _settle(self, stored: StoredAlert, decision: Decision, actor: Actor) -> int:
        """Keep what was decided, and tell of it; gives the journal's position."""
        before = self._alerts.get(decision.row.alert_id)
        was = before.row if before is not None else None
        kind = decision.kind or EntryKind.ALERT_OCCURRED
        row = calling.kept(was, decision.row, kind, self._now_ms)
        due_at_ms = lifecycle.due_at_ms(row, self._policy)
        stored = msgspec.structs.replace(stored, row=row, due_at_ms=due_at_ms)
        self._alerts[row.alert_id] = self.changes.alerts[row.alert_id] = stored
        self._by_fingerprint[stored.fingerprint] = row.alert_id
        self.changes.counts = tally.recount(self.changes.counts, was, row)
        note(self.changes, was, row, kind)
        news = News(
            decided=was is not None and row.decision_rev > was.decision_rev and not _is_over(row, actor),
            back=calling.heard(was, row, kind),
            escalated=kind is EntryKind.ALERT_ESCALATED,
            text=decision.reason,
            told_seq=self._seq + 1 if kind in THREAD_KINDS else 0,
        )
        return self._journal_alert(row, kind, decision.reason, actor, self._mirror.want(row, news))

    def _journal_alert(
        self, row: AlertRow, kind: EntryKind, reason: str, actor: Actor, deliveries: tuple[Delivery, ...]
    ) -> int:
        """Append an alert's after-image; repeats of one alert in one transaction are one entry."""
        last = self._last_entry.get(row.alert_id)
        if kind is EntryKind.ALERT_OCCURRED and last is not None:
            entry = self.changes.entries[last]
            if entry.kind is EntryKind.ALERT_OCCURRED and entry.actor == actor:
                self.changes.entries[last] = msgspec.structs.replace(
                    entry,
                    text=reason,
                    alert=row,
                    deliveries=_newest(entry.deliveries, deliveries),
                    counts=self.changes.counts,
                )
                return entry.seq
        return self._append(kind, actor, row.alert_id, reason, row, deliveries)

    def _append(
        self,
        kind: EntryKind,
        actor: Actor,
        alert_id: int | None,
        text: str,
        row: AlertRow | None,
        deliveries: tuple[Delivery, ...] = (),
    ) -> int:
        self._seq += 1
        self.changes.entries.append(
            JournalEntry(
                seq=self._seq,
                at_ms=self._now_ms,
                actor=actor,
                kind=kind,
                alert_id=alert_id,
                text=text,
                alert=row,
                deliveries=deliveries,
                counts=self.changes.counts,
            )
        )
        if alert_id is not None:
            self._last_entry[alert_id] = len(self.changes.entries) - 1
        return self._seq


def _newest(before: tuple[Delivery, ...], after: tuple[Delivery, ...]) -> tuple[Delivery, ...]:
    """Each delivery once, as it is after both."""
    return tuple({(one.alert_id, one.channel_id, one.kind): one for one in (*before, *after)}.values())


def _is_over(row: AlertRow, actor: Actor) -> bool:
    """Resolved by nobody in particular: no news for who was told of it among many."""
    return row.state is State.RESOLVED and actor.kind in (ActorKind.SYSTEM, ActorKind.INGEST)


def outcome_of(row: AlertRow, seq: int | None, reason: str, *, created: bool = False) -> Outcome:
    """What came of a decision on an alert; ``seq`` is None where nothing changed."""
    return Outcome(
        alert_id=row.alert_id,
        created=created,
        revision=row.revision,
        decision_rev=row.decision_rev,
        seq=seq,
        reason=reason,
    )
