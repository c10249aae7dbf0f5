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
from tui.coverage import CoverageMap, since
from tui.trouble import words_of

RETRY_FIRST_S = 0.5
RETRY_LAST_S = 10.0
OVERLAP_MS = 45_000  # of what was settled, asked again after a lost connection: late lines; less than a core's own
PAST_MS = 60_000  # a batch that is this far past what was shown before brings nothing of it again


def identity(event: LogEvent) -> int:
    """What tells events apart: Live Tail gives no event id, and equal lines are legitimate, so these are counted."""
    return hash((event.log_group, event.log_stream, event.timestamp_ms, event.ingestion_ms, event.message))


class Tailing:
    """One tail, from its start until the owner cancels ``run``.

    Args:
        ledger: of what was folded; says where to go on after a lost connection.
    """

    def __init__(
        self,
        operator: Callable[[], Operator],
        clock: Clock,
        spec: TailSpec,
        fold: Callable[[TailBatch], None],
        ledger: CoverageMap,
    ) -> None:
        self.start_ms = spec.begins_ms(clock.now_ms())
        self.asked_ms = self.start_ms  # where what is followed now was to begin
        self.spec = spec
        self.tail_id: str | None = None
        self.trouble: str | None = None
        self.refused = False  # ``trouble`` is final: asking again would say the same
        self._operator = operator
        self._clock = clock
        self._fold = fold
        self._ledger = ledger
        self._from_s = 0  # what is told of earlier seconds was not asked for
        self._held: Counter[int] = Counter()
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
        settled_s = self._ledger.settled_until_s()
        if settled_s is not None:
            self.asked_ms = max(self.start_ms, settled_s * 1000 - OVERLAP_MS)
        self._from_s = 0
        outcome = await operator.execute(StartTail(spec=structs.replace(self.spec, from_ms=self.asked_ms)))
        if outcome.tail_id is None:
            raise Disconnected("the core named no tail")
        self.tail_id = outcome.tail_id
        async with operator.tail(outcome.tail_id) as batches:
            self.trouble = None
            async for batch in batches:
                self.trouble = batch.trouble
                self._fold(self._asked(self._without_held(batch)))
                if batch.final:
                    self.refused = True
                    return
                await self._clock.sleep(0)  # what is held comes without a pause: keys and drawing come in between

    def _asked(self, batch: TailBatch) -> TailBatch:
        """Without what left the tail before our time: others may follow it for much longer."""
        if batch.gone_ms is not None:
            self._from_s = min(self.asked_ms // 1000, batch.gone_ms // 1000 + 1)
            if batch.gone_ms < self.asked_ms:
                batch = structs.replace(batch, gone_ms=None)
        return structs.replace(batch, spans=since(batch.spans, self._from_s)) if self._from_s else batch

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
