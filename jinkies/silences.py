"""Silences and maintenance windows: alerts that match make no new card while one runs. Pure.

A silenced alert is counted, stored and shown as any other; nobody is told of it in Discord unless it has a card there
already. When the silence ends, alerts that nobody resolved meanwhile get their cards.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from jinkies.commands import StartSilence
from jinkies.errors import Conflict, Invalid
from jinkies.lifecycle import UNSILENCED, Decision, span_text
from jinkies.matching import Silence, Subject, check_matchers, matches
from jinkies.model import Actor, AlertRow, EntryKind

REASON_LIMIT = 500  # characters
LONGEST_MS = 90 * 86_400_000
AHEAD_MS = 90 * 86_400_000  # how far ahead a maintenance window may begin
MOST = 200  # that run or are to come at once


def start(command: StartSilence, silence_id: int, actor: Actor, now_ms: int) -> Silence:
    """A new silence. Raises ``Invalid``, naming the field."""
    check_matchers(command.matchers)
    starts_at_ms = max(command.starts_at_ms or now_ms, now_ms)
    reason = command.reason.strip()
    if not reason:
        raise Invalid("reason: say why, for those who wonder where their alerts are")
    if len(reason) > REASON_LIMIT:
        raise Invalid(f"reason: {len(reason):,} characters; at most {REASON_LIMIT}")
    if starts_at_ms > now_ms + AHEAD_MS:
        raise Invalid(f"starts_at_ms: more than {span_text(AHEAD_MS)} ahead")
    if not starts_at_ms < command.ends_at_ms <= starts_at_ms + LONGEST_MS:
        raise Invalid(f"ends_at_ms: a silence ends after it starts, within {span_text(LONGEST_MS)}")
    return Silence(
        silence_id=silence_id,
        matchers=command.matchers,
        reason=reason,
        started_by=actor,
        starts_at_ms=starts_at_ms,
        ends_at_ms=command.ends_at_ms,
    )


def end(silence: Silence, actor: Actor, now_ms: int) -> Silence:
    """Ends it early. Raises ``Conflict`` where it is over."""
    if silence.ended_by is not None or silence.ends_at_ms <= now_ms:
        raise Conflict(f"silence {silence.silence_id} is over already")
    return msgspec.structs.replace(silence, ended_by=actor, ends_at_ms=max(now_ms, silence.starts_at_ms))


def held_still(subject: Subject, silences: Iterable[Silence], now_ms: int) -> Decision | None:
    """What becomes of an alert whose silence is over, where another one holds it; None where none does."""
    row = silenced(subject.row, subject, silences, now_ms)
    if row.silenced_by is None:
        return None
    new = msgspec.structs.replace(row, revision=row.revision + 1)
    reason = f"{UNSILENCED}; silence {row.silenced_by} holds it still"
    return Decision(row=new, kind=EntryKind.ALERT_UNSILENCED, reason=reason)


def silenced(row: AlertRow, subject: Subject, silences: Iterable[Silence], now_ms: int) -> AlertRow:
    """The row with the silence that holds it for longest, or without one."""
    running = [one for one in silences if one.starts_at_ms <= now_ms < one.ends_at_ms]
    if not running and row.silenced_by is None:
        return row
    holding = [one for one in running if matches(one.matchers, subject)]
    longest = max(holding, key=lambda one: one.ends_at_ms, default=None)
    return msgspec.structs.replace(
        row,
        silenced_by=longest.silence_id if longest is not None else None,
        silenced_until_ms=longest.ends_at_ms if longest is not None else None,
    )
