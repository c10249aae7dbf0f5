"""The console's side of the operator: follows it through a ``Replica`` and tells the screens, on a timer, what changed.

The reader only folds. Drawing is the timer's business: ten times a second at most, and never when nothing changed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from jinkies.clock import Clock
from jinkies.commands import AnyCommand, Outcome
from jinkies.config import Config
from jinkies.errors import Disconnected
from jinkies.events import JournalEntry, Update
from jinkies.model import AlertRow, Counts, PartHealth
from tui.pace import Pace
from tui.undoing import Offers

if TYPE_CHECKING:
    from jinkies.operator import Operator
    from jinkies.replica import Replica

Connect = Callable[[], AbstractAsyncContextManager["Operator"]]

DRAW_INTERVAL_S = 0.1


def _nothing() -> None:
    """Before there is a screen."""


class Session:
    """One connection to a core, and what is known of it."""

    @dataclass
    class Changed(Message):
        """Something changed since the last drawing."""

        alerts: frozenset[int]  # whose row, deliveries or timeline changed
        everything: bool  # a snapshot came, or the link changed

    def __init__(self, connect: Connect, config: Config, clock: Clock) -> None:
        self.config = config
        self.clock = clock
        self.pace = Pace(clock.monotonic_s)
        self.offers = Offers()
        self._connect = connect
        self._operator: Operator | None = None
        self._replica: Replica | None = None
        self._changed: set[int] = set()
        self._everything = False
        self._dirty = False
        self.draw_now: Callable[[], None] = _nothing  # called after a snapshot: the first rows don't wait for the timer

    async def run(self) -> None:
        """Connect and follow until cancelled. Raises what connecting raises; a lost link is the replica's to mend."""
        async with self._connect() as operator:
            from jinkies.replica import Replica  # not before the first paint

            self._operator = operator
            self._replica = Replica(operator, self.clock)
            stop_listening = self._replica.listen(self._fold)
            try:
                await self._replica.run()
            finally:
                stop_listening()
                self._operator = None

    def _fold(self, update: Update | None) -> None:
        if update is None:
            self._everything = True
            self.draw_now()
        elif isinstance(update, JournalEntry) and update.alert_id is not None:
            self._changed.add(update.alert_id)
        self._dirty = True

    def take_changes(self) -> Changed | None:
        """What changed since the last call, or None: the timer asks."""
        if not self._dirty:
            return None
        changed = self.Changed(frozenset(self._changed), self._everything)
        self._changed.clear()
        self._dirty = self._everything = False
        return changed

    @property
    def operator(self) -> Operator:
        """The core. Raises ``Disconnected`` before there is a connection."""
        if self._operator is None:
            raise Disconnected("not connected to the core yet")
        return self._operator

    @property
    def replica(self) -> Replica | None:
        """What is known, once connected."""
        return self._replica

    @property
    def live(self) -> bool:
        """Whether a snapshot is in: what is shown is what the core holds, or held when the link was lost."""
        return self._replica is not None and self._replica.hello is not None and self._replica.position is not None

    @property
    def lost(self) -> bool:
        """Whether the link to the core is gone: what is held is shown, and is old."""
        return self._replica is not None and self._replica.lost_at_ms is not None

    @property
    def rows(self) -> dict[int, AlertRow]:
        """The unresolved alerts of the snapshot and all that changed since."""
        return self._replica.rows if self._replica is not None else {}

    @property
    def counts(self) -> Counts:
        """Alerts by state."""
        return self._replica.counts if self._replica is not None else Counts()

    @property
    def health(self) -> dict[str, PartHealth]:
        """The parts that the desk depends on, as far as they have been heard of."""
        return self._replica.health if self._replica is not None else {}

    async def execute(self, command: AnyCommand) -> Outcome:
        """Have the core carry a command out. Raises what the core refuses with."""
        return await self.operator.execute(command)

    def now_ms(self) -> int:
        """The clock."""
        return self.clock.now_ms()
