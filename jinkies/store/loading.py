"""What a transaction loads: all that its commands touch, in a few statements, none of them for one row."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import msgspec

from jinkies.matching import Silence
from jinkies.model import AlertRow, ChannelTail, Counts, Delivery, Occurrence
from jinkies.store.changes import Answered, Lease, Loaded, StoredAlert, Wanted
from jinkies.store.keeping import COMPACT_STEP, compactable
from jinkies.storms import Storm

_row = msgspec.json.Decoder(AlertRow).decode
_occurrence = msgspec.json.Decoder(Occurrence).decode
_silence = msgspec.json.Decoder(Silence).decode
_channel_tail = msgspec.json.Decoder(ChannelTail).decode
_storm = msgspec.json.Decoder(Storm).decode
_delivery = msgspec.json.Decoder(Delivery).decode


class Loader:
    """Loads within the transaction that is open on a connection, in its thread."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def _fetch(self, sql: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        return self._db.execute(sql, parameters).fetchall()

    def load(self, wanted: Wanted) -> Loaded:
        """All of it."""
        meta = {str(row[0]): str(row[1]) for row in self._fetch("SELECT name, value FROM meta")}
        ((head,),) = self._fetch("SELECT coalesce(max(seq), 0) FROM journal")
        due = self._load_due(wanted)
        wanted.alert_ids.update(due)
        loaded = Loaded(
            head_seq=head,
            next_alert_id=int(meta.get("next_alert_id", "1")),
            counts=msgspec.json.decode(meta.get("counts", "{}"), type=Counts),
            alerts=self._load_alerts(wanted),
            deliveries={},
            answered=self._load_answered(wanted),
            leases={lease.name: lease for lease in self._load_leases()},
            storms=self._load_storms(),
            next_silence_id=int(meta.get("next_silence_id", "1")),
            silences=self._load_silences(wanted.now_ms),
            channel_tails=self._load_channel_tails() if wanted.channel_tails else {},
            due=due,
            due_tags=self._load_due_tags(due),
            expired=self._load_expired(wanted),
            compactable=self._load_compactable(wanted, head),
        )
        self._load_deliveries(loaded, wanted.now_ms)
        return loaded

    def _load_alerts(self, wanted: Wanted) -> dict[int, StoredAlert]:
        rows: list[sqlite3.Row | tuple[bytes, str]] = []
        if wanted.alert_ids:
            rows += self._fetch(
                "SELECT image, fingerprint FROM alerts WHERE alert_id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(wanted.alert_ids)),),
            )
        if wanted.fingerprints:
            rows += self._fetch(
                "SELECT image, fingerprint FROM alerts WHERE fingerprint IN (SELECT value FROM json_each(?))",
                (json.dumps(list(wanted.fingerprints)),),
            )
        stored = [StoredAlert(row=_row(image), fingerprint=fingerprint) for image, fingerprint in rows]
        alerts = {alert.row.alert_id: alert for alert in stored}
        merged = {alert.row.merged_into for alert in stored if alert.row.merged_into is not None} - set(alerts)
        if merged:
            alerts |= self._load_alerts(Wanted(alert_ids=merged))
        return alerts

    def _load_deliveries(self, loaded: Loaded, now_ms: int) -> None:
        """Those of the alerts, and of the digests that grow."""
        digests = {storm.alert_id for storm in loaded.storms.values() if storm.running(now_ms)}
        alert_ids = [*loaded.alerts, *(digests - set(loaded.alerts))]
        if not alert_ids:
            return
        rows = self._fetch(
            "SELECT image FROM deliveries WHERE alert_id IN (SELECT value FROM json_each(?))",
            (json.dumps(alert_ids),),
        )
        for (image,) in rows:
            delivery = _delivery(image)
            loaded.deliveries.setdefault(delivery.alert_id, []).append(delivery)

    def _load_storms(self) -> dict[str, Storm]:
        storms = [_storm(image) for (image,) in self._fetch("SELECT image FROM storms")]
        return {storm.channel_id: storm for storm in storms}

    def _load_answered(self, wanted: Wanted) -> dict[tuple[str, str], Answered]:
        if not wanted.keys:
            return {}
        rows = self._fetch(
            "SELECT i.sender, i.key, i.request, i.response FROM json_each(?) AS w"
            " JOIN idempotency AS i ON i.sender = w.value ->> 0 AND i.key = w.value ->> 1",
            (json.dumps(list(wanted.keys)),),
        )
        return {(row[0], row[1]): Answered(sender=row[0], key=row[1], request=row[2], response=row[3]) for row in rows}

    def _load_leases(self) -> list[Lease]:
        rows = self._fetch("SELECT name, holder, expires_at_ms FROM leases")
        return [Lease(name=name, holder=holder, expires_at_ms=expires) for name, holder, expires in rows]

    def _load_silences(self, now_ms: int) -> dict[int, Silence]:
        rows = self._fetch("SELECT image FROM silences WHERE ends_at_ms > ?", (now_ms,))
        silences = [_silence(image) for (image,) in rows]
        return {silence.silence_id: silence for silence in silences}

    def _load_channel_tails(self) -> dict[int, ChannelTail]:
        tails = [_channel_tail(image) for (image,) in self._fetch("SELECT image FROM channel_tails")]
        return {tail.number: tail for tail in tails}

    def _load_due(self, wanted: Wanted) -> list[int]:
        if wanted.due_before_ms is None:
            return []
        rows = self._fetch(
            "SELECT alert_id FROM alerts WHERE due_at_ms <= ? ORDER BY due_at_ms LIMIT ?",
            (wanted.due_before_ms, wanted.due_limit),
        )
        return [alert_id for (alert_id,) in rows]

    def _load_due_tags(self, due: list[int]) -> dict[int, dict[str, str]]:
        if not due:
            return {}
        rows = self._fetch(
            "SELECT alert_id, (SELECT image FROM occurrences AS o WHERE o.alert_id = a.alert_id ORDER BY ordinal DESC"
            " LIMIT 1) FROM alerts AS a WHERE silenced_by IS NOT NULL AND alert_id IN (SELECT value FROM json_each(?))",
            (json.dumps(due),),
        )
        return {alert_id: _occurrence(image).tags for alert_id, image in rows if image is not None}

    def _load_expired(self, wanted: Wanted) -> list[int]:
        if wanted.expire_before_ms is None:
            return []
        rows = self._fetch(
            "SELECT alert_id FROM alerts AS a INDEXED BY alerts_by_resolution WHERE state = 'resolved'"
            " AND resolved_at_ms < ? AND last_seen_at_ms < ? AND NOT EXISTS"  # a part is known as long as the whole
            " (SELECT 1 FROM alerts AS w WHERE w.alert_id = CAST(a.image AS TEXT) ->> '$.merged_into') LIMIT ?",
            (wanted.expire_before_ms, wanted.expire_before_ms, wanted.expire_limit),
        )
        return [alert_id for (alert_id,) in rows]

    def _load_compactable(self, wanted: Wanted, head: int) -> int:
        if wanted.compact_before_ms is None:
            return 0
        oldest = self._fetch("SELECT seq, at_ms FROM journal ORDER BY seq LIMIT ?", (COMPACT_STEP,))
        return compactable(oldest, head, wanted.compact_before_ms)
