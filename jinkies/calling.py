"""Calling people: when an alert that opens or comes back pings somebody, and when nobody acted. Pure."""

from __future__ import annotations

import msgspec

from jinkies.model import AlertRow, Calling, EntryKind, State

CAME_BACK = frozenset({EntryKind.ALERT_OPENED, EntryKind.ALERT_REGRESSED, EntryKind.ALERT_WOKE})


def heard(before: AlertRow | None, row: AlertRow, kind: EntryKind) -> bool:
    """Whether people are to be told that an alert opened or came back, by what happened just now.

    One that is silenced calls when its silence ends, if it is open still.
    """
    unheard = before is not None and before.calling is not None and before.calling.unheard
    return _audible(row) and (kind in CAME_BACK or unheard)


def kept(before: AlertRow | None, row: AlertRow, kind: EntryKind, now_ms: int) -> AlertRow:
    """The row with what is to be known of its calls later."""
    calling = row.calling
    if calling is None:
        return row
    back = kind in CAME_BACK
    audible = _audible(row)
    waits_anew = audible and (back or before is None or not _audible(before))
    new = msgspec.structs.replace(
        calling,
        unheard=(calling.unheard or back) and row.state is State.OPEN and not audible,
        since_ms=now_ms if waits_anew else calling.since_ms,
        escalated=calling.escalated and not back,
    )
    return row if new == calling else msgspec.structs.replace(row, calling=new)


def escalates_at_ms(row: AlertRow) -> int | None:
    """When somebody else is called, unless somebody acts before; None: never."""
    calling = row.calling
    if calling is None or not calling.escalate_to or calling.escalated or not _audible(row):
        return None
    return calling.since_ms + calling.escalate_after_ms


def escalated(row: AlertRow, calling: Calling) -> AlertRow:
    """The row once somebody else was called; no decision, so that whoever acknowledges just now isn't refused."""
    called = msgspec.structs.replace(calling, escalated=True)
    return msgspec.structs.replace(row, calling=called, revision=row.revision + 1)


def _audible(row: AlertRow) -> bool:
    return row.state is State.OPEN and row.silenced_by is None
