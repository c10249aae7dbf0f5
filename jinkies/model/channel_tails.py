"""Tails that a Discord channel shows: one message, edited while it lasts."""

from __future__ import annotations

import msgspec

from jinkies.model.actors import Actor
from jinkies.model.logs import Level, TailSpec


class TailTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of a tail counted so far, so that who takes it up again after a restart goes on counting.

    ``levels`` has the lines of event time up to ``until_ms`` that CloudWatch had taken in by ``at_ms``; those of later
    come again when the tail is taken up.
    """

    levels: dict[Level, int] = {}
    until_ms: int = 0
    at_ms: int = 0


class ChannelTail(msgspec.Struct, frozen=True, kw_only=True):
    """A tail that a channel should show until it ends, and what it shows of it."""

    number: int  # names it; never given out again
    channel_id: str
    spec: TailSpec
    started_by: Actor
    started_at_ms: int
    ends_at_ms: int  # unless somebody stops it before
    paused: bool = False  # its message stays as it is; lines are counted on
    message_id: str | None = None
    totals: TailTotals = TailTotals()
    ended_at_ms: int | None = None
    ended_by: Actor | None = None  # who stopped it; None: nobody did
    ended_why: str = ""  # one line for people
    settled: bool = False  # the channel shows that it ended, or there is nothing left that could

    def runs(self, now_ms: int) -> bool:
        """Whether it is still to be followed."""
        return self.ended_at_ms is None and now_ms < self.ends_at_ms

    @property
    def start_ms(self) -> int:
        """From when on lines are shown and counted."""
        return max(0, self.started_at_ms - self.spec.since_ms)
