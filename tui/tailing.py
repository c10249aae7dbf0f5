"""Follows one tail of the core for a log view: starts it, folds its batches, comes back after a lost connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from msgspec import structs

from jinkies.clock import Clock
from jinkies.commands import StartTail
from jinkies.errors import Disconnected, JinkiesError, NotFound, Unavailable, UpstreamError
from jinkies.model import LogEvent, TailBatch, TailSpec
from jinkies.operator import Operator
from tui.trouble import words_of

RETRY_FIRST_S = 0.5
RETRY_LAST_S = 10.0
PAST_MS = 60_000  # a batch that is this far past what was shown before brings nothing of it again

Identity = tuple[str, str, int, int, str]


def identity(event: LogEvent) -> Identity:
    """What tells events apart: Live Tail gives no event id, and equal lines are legitimate, so these are counted."""
    return (event.log_group, event.log_stream, event.timestamp_ms, event.ingestion_ms, event.message)


class Tailing:
    """One tail, from its start until the owner cancels ``run``."""

    def __init__(
        self, operator: Callable[[], Operator], clock: Clock, spec: TailSpec, fold: Callable[[TailBatch], None]
    ) -> None:
        self.spec = spec
        self.tail_id: str | None = None
        self.trouble: str | None = None
        self.refused = False  # ``trouble`` is final: asking again would say the same
        self._operator = operator
        self._clock = clock
        self._fold = fold
        self._held: Counter[Identity] = Counter()
        self._held_until_ms = 0

    async def run(self, held: Callable[[], list[LogEvent]]) -> None:
        """Follow; after a lost connection what comes again is told from what is new by ``held``, the events shown."""
        delay_s = RETRY_FIRST_S
        while True:
            try:
                await self._once()
                if self.refused:
                    return
                self.trouble = "the tail ended; starting it again"
                delay_s = RETRY_FIRST_S
            except (Unavailable, NotFound) as error:
                self.trouble = words_of(error)
            except JinkiesError as error:
                self.trouble = words_of(error)
                if not (isinstance(error, UpstreamError) and error.retry):
                    self.refused = True
                    return
            await self._clock.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_LAST_S)
            shown = held()
            self._held = Counter(identity(event) for event in shown)
            self._held_until_ms = max((event.timestamp_ms for event in shown), default=0)

    async def _once(self) -> None:
        operator = self._operator()
        outcome = await operator.execute(StartTail(spec=self.spec))
        if outcome.tail_id is None:
            raise Disconnected("the core named no tail")
        self.tail_id = outcome.tail_id
        async with operator.tail(outcome.tail_id) as batches:
            self.trouble = None
            async for batch in batches:
                self.trouble = batch.trouble
                self._fold(self._without_held(batch))
                if batch.final:
                    self.refused = True
                    return
                await self._clock.sleep(0)  # what is held comes without a pause: keys and drawing come in between

    def _without_held(self, batch: TailBatch) -> TailBatch:
        if not self._held or not batch.events:
            return batch
        new = []
        for event in batch.events:
            key = identity(event)
            if self._held[key] > 0:
                self._held[key] -= 1
            else:
                new.append(event)
        if min(event.timestamp_ms for event in batch.events) > self._held_until_ms + PAST_MS:
            self._held.clear()
        return structs.replace(batch, events=tuple(new))
