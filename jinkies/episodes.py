"""What a change of an alert's row means beyond the row: for the search, and for the times to act."""

from __future__ import annotations

from operator import attrgetter

from jinkies.model import AlertRow, EntryKind
from jinkies.store.changes import Changes, Episode

_searched = attrgetter("title", "exception_type", "service", "environment", "request_path")  # see the view alert_texts


def note(changes: Changes, before: AlertRow | None, row: AlertRow, kind: EntryKind) -> None:
    """Put into the changes what this one means."""
    if before is None:
        changes.opened.add(row.alert_id)
    elif renamed(before, row):
        changes.renamed.add(row.alert_id)
    change = episode(before, row, kind, changes.at_ms)
    if change is not None:
        changes.episodes.append(change)


def renamed(before: AlertRow, row: AlertRow) -> bool:
    """Whether the search has to look at it again."""
    return _searched(before) != _searched(row)


def episode(before: AlertRow | None, row: AlertRow, kind: EntryKind, now_ms: int) -> Episode | None:
    """What becomes of the time that it is unresolved: it begins, or its times change; None when neither.

    An undo begins none: what was taken back was no resolution, and no coming back.
    """
    undone = kind is EntryKind.ALERT_UNDONE
    begins = before is None or (row.unresolved and not before.unresolved and not undone)
    times = (row.acknowledged_at_ms, row.resolved_at_ms)
    if before is not None and not begins and times == (before.acknowledged_at_ms, before.resolved_at_ms):
        return None
    return Episode(
        alert_id=row.alert_id,
        service=row.service,
        begun_at_ms=now_ms if begins else None,
        acknowledged_at_ms=times[0],
        resolved_at_ms=times[1],
        taken_back=undone,
        never_was=undone and before is not None and before.unresolved and not row.unresolved,
    )
