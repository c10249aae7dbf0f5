"""Tails in Discord channels: who follows what where, until when. Pure.

The core records what a channel should show; the bot shows it, whatever restarts meanwhile, and records what it does.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from jinkies.commands import PauseChannelTail, RecordChannelTail, StartChannelTail, StopChannelTail
from jinkies.errors import Conflict, Invalid, NotFound
from jinkies.lifecycle import span_text
from jinkies.model import Actor, ChannelTail, EntryKind

SHORTEST_MS = 60_000
LONGEST_MS = 4 * 3_600_000  # Live Tail is paid by the minute
MOST = 10  # that run at once, in all channels
MOST_EACH = 3  # started by one person
WHY_LIMIT = 300  # characters

Decidable = StartChannelTail | PauseChannelTail | StopChannelTail | RecordChannelTail


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A tail as it is now, and what happened; ``kind`` is None where nobody need hear of it."""

    tail: ChannelTail
    kind: EntryKind | None
    reason: str


def decide(
    command: Decidable, held: Mapping[int, ChannelTail], number: int, actor: Actor, now_ms: int
) -> Changed | None:
    """What a command makes of the tails that are held, by their numbers; None: it is so already.

    Args:
        command: what is asked.
        held: those that are not settled.
        number: of a new one.
        actor: who asks.
        now_ms: the present.

    Raises:
        Invalid: the channel or the duration makes no sense.
        Conflict: it is over; or the channel shows the same already, or too many run.
        NotFound: there is none of that number.
    """
    if isinstance(command, StartChannelTail):
        return _start(command, held, number, actor, now_ms)
    tail = held.get(command.number)
    if tail is None:
        raise NotFound(f"tail {command.number} is over, or never was")
    match command:
        case PauseChannelTail():
            return _pause(tail, command, now_ms)
        case StopChannelTail():
            return _stop(tail, actor, now_ms)
        case RecordChannelTail():
            return _record(tail, command, now_ms)


def _start(
    command: StartChannelTail, held: Mapping[int, ChannelTail], number: int, actor: Actor, now_ms: int
) -> Changed:
    if not (command.channel_id.isascii() and command.channel_id.isdigit() and len(command.channel_id) <= 20):
        raise Invalid(f"channel_id: {command.channel_id[:40]!r} is no Discord id")
    if not SHORTEST_MS <= command.duration_ms <= LONGEST_MS:
        raise Invalid(f"duration: {span_text(SHORTEST_MS)} to {span_text(LONGEST_MS)}")
    _check_room(command, [one for one in held.values() if one.runs(now_ms)], actor)
    tail = ChannelTail(
        number=number,
        channel_id=command.channel_id,
        spec=command.spec,
        started_by=actor,
        started_at_ms=now_ms,
        ends_at_ms=now_ms + command.duration_ms,
    )
    what = ", ".join(command.spec.targets)[:200]
    reason = f"tail {number} of {what} in channel {command.channel_id} for {span_text(command.duration_ms)}"
    return Changed(tail=tail, kind=EntryKind.TAIL_STARTED, reason=reason)


def _check_room(command: StartChannelTail, running: list[ChannelTail], actor: Actor) -> None:
    for one in running:
        if (one.channel_id, one.spec) == (command.channel_id, command.spec):
            raise Conflict(f"the channel shows the same already: tail {one.number}, started by {one.started_by.name}")
    if len(running) >= MOST:
        raise Conflict(f"{MOST} tails run in Discord already; stop one first")
    own = [str(one.number) for one in running if (one.started_by.kind, one.started_by.id) == (actor.kind, actor.id)]
    if len(own) >= MOST_EACH:
        raise Conflict(f"you follow {len(own)} already (tails {', '.join(own)}); stop one first")


def _pause(tail: ChannelTail, command: PauseChannelTail, now_ms: int) -> Changed | None:
    _check_runs(tail, now_ms)
    if tail.paused == command.paused:
        return None
    reason = f"tail {tail.number} {'paused' if command.paused else 'resumed'}"
    paused = msgspec.structs.replace(tail, paused=command.paused)
    return Changed(tail=paused, kind=EntryKind.TAIL_CHANGED, reason=reason)


def _stop(tail: ChannelTail, actor: Actor, now_ms: int) -> Changed:
    _check_runs(tail, now_ms)
    why = f"stopped by {actor.name}"
    ended = msgspec.structs.replace(tail, ended_at_ms=now_ms, ended_by=actor, ended_why=why)
    return Changed(tail=ended, kind=EntryKind.TAIL_ENDED, reason=f"tail {tail.number} {why}")


def _record(tail: ChannelTail, command: RecordChannelTail, now_ms: int) -> Changed | None:
    new = msgspec.structs.replace(
        tail,
        message_id=command.message_id or tail.message_id,
        totals=command.totals if command.totals is not None else tail.totals,
        settled=command.settled,
    )
    if command.settled and tail.ended_at_ms is None:
        new = msgspec.structs.replace(new, ended_at_ms=now_ms, ended_why=command.why[:WHY_LIMIT])
    if new == tail:
        return None
    if new.settled:
        return Changed(tail=new, kind=EntryKind.TAIL_ENDED, reason=f"tail {tail.number} is over: {new.ended_why}")
    posted = new.message_id != tail.message_id
    reason = f"tail {tail.number} posted in channel {tail.channel_id}" if posted else ""
    return Changed(tail=new, kind=EntryKind.TAIL_CHANGED if posted else None, reason=reason)


def _check_runs(tail: ChannelTail, now_ms: int) -> None:
    if not tail.runs(now_ms):
        raise Conflict(f"tail {tail.number} is over already")
