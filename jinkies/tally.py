"""The counts of alerts by state, kept instead of computed. Pure."""

from __future__ import annotations

import msgspec

from jinkies.model import AlertRow, Counts, Severity, State


def recount(counts: Counts, before: AlertRow | None, after: AlertRow) -> Counts:
    """The counts once an alert was ``before`` (None: not there) and is ``after``."""
    if before is not None and (before.state, before.severity) == (after.state, after.severity):
        return counts
    numbers = msgspec.structs.asdict(counts)
    for row, step in ((before, -1), (after, 1)):
        if row is None:
            continue
        numbers[row.state.value] += step
        if row.state is not State.RESOLVED and row.severity is Severity.CRITICAL:
            numbers["critical"] += step
    return Counts(**numbers)
