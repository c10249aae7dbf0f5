"""Following log groups by polling: every event once, late ones too, through throttling and lost connections."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Iterable

import msgspec

from jinkies.clock import Clock
from jinkies.errors import JinkiesError, UpstreamError
from jinkies.logs.fetch import Ask, LineFilter, Page, PageSource, merged
from jinkies.logs.seen import Seen
from jinkies.logs.sweep import Backoff, Sweep
from jinkies.logs.targets import group_name
from jinkies.model import LogEvent, TailBatch, TailSpec

POLL_S = 2.0
BACKOFF_MOST_S = 30.0
IDENTITIES = 200_000  # held by one follower, shared by its groups
LEAST_IDENTITIES = 10_000  # of one group


class Follower:
    """One endless reading of some log groups. Identities are bounded, see ``Seen``; nothing else is kept."""

    def __init__(
        self, source: PageSource, spec: TailSpec, log_groups: tuple[str, ...], clock: Clock, *, poll_s: float = POLL_S
    ) -> None:
        self._source = source
        self._pattern = spec.filter_pattern
        self._keep = LineFilter.of(spec)
        self._clock = clock
        self._poll_s = poll_s
        self._backoff = Backoff(poll_s, max(poll_s, BACKOFF_MOST_S))
        self._shown_ms = 0  # the newest timestamp that was given out
        self._trouble: str | None = None
        start_ms = max(0, clock.now_ms() - spec.since_ms)
        capacity = max(LEAST_IDENTITIES, IDENTITIES // len(log_groups))
        self._sweeps = {group_name(group): Sweep(group, Seen(start_ms, capacity)) for group in log_groups}

    async def batches(self) -> AsyncGenerator[TailBatch, None]:
        """What comes, in order within a poll; for ever. A change of ``trouble`` comes as a batch of its own."""
        while True:
            source = Patient(self._source)
            async for events in self._poll(source):
                yield TailBatch(events=events, trouble=self._trouble)
            trouble = source.trouble()
            if trouble != self._trouble:
                self._trouble = trouble
                yield TailBatch(trouble=trouble)
            await self._clock.sleep(self._pause(slow_down=source.strained(len(self._sweeps))))

    async def _poll(self, source: Patient) -> AsyncGenerator[tuple[LogEvent, ...], None]:
        now_ms, monotonic_s = self._clock.now_ms(), self._clock.monotonic_s()
        asks = [
            Ask(log_group=sweep.log_group, start_ms=sweep.begin(now_ms, monotonic_s), pattern=self._pattern)
            for sweep in self._sweeps.values()
        ]
        async for run in merged(source, asks, self._keep):
            events = self._new(run)
            if events:
                yield events
        for sweep in self._sweeps.values():
            if sweep.log_group not in source.failures:
                sweep.note(source.read.get(sweep.log_group, 0), source.newest_ms.get(sweep.log_group, 0))
                sweep.finish(monotonic_s)

    def _new(self, run: list[LogEvent]) -> tuple[LogEvent, ...]:
        """Those of a run that were not given out, marked when they are late."""
        found = []
        for event in run:
            sweep = self._sweeps[event.log_group]
            key = sweep.fresh(event)
            if key is None:
                continue
            sweep.seen.add(event, key)
            if event.timestamp_ms < self._shown_ms:
                found.append(msgspec.structs.replace(event, late=True))
            else:
                self._shown_ms = event.timestamp_ms
                found.append(event)
        for sweep in self._sweeps.values():
            sweep.trim(run[0].timestamp_ms)
        return tuple(found)

    def _pause(self, *, slow_down: bool) -> float:
        if slow_down:
            return self._backoff.failed(random.random())  # noqa: S311 - spreads retries, hides nothing
        self._backoff.succeeded()
        return self._poll_s


class Patient:
    """A ``PageSource`` that ends a group's range where it fails, and remembers why: other groups go on."""

    def __init__(self, source: PageSource) -> None:
        self._source = source
        self.failures: dict[str, JinkiesError] = {}
        self.read: dict[str, int] = {}
        self.newest_ms: dict[str, int] = {}

    async def page(self, ask: Ask, token: str | None = None, /) -> Page:
        """See ``PageSource.page``; raises nothing that ``jinkies.errors`` names."""
        try:
            page = await self._source.page(ask, token)
        except JinkiesError as error:
            self.failures[ask.log_group] = error
            return Page(events=())
        self.read[ask.log_group] = self.read.get(ask.log_group, 0) + len(page.events)
        newest = _newest(page.events)
        self.newest_ms[ask.log_group] = max(newest, self.newest_ms.get(ask.log_group, 0))
        return page

    def trouble(self) -> str | None:
        """One line for people: why some groups give nothing; None when all do."""
        return " · ".join(dict.fromkeys(str(error) for error in self.failures.values()))[:500] or None

    def strained(self, groups: int) -> bool:
        """Whether to ask less often for a while: CloudWatch is throttling or failing, or gives nothing at all.

        A group of ``groups`` that is missing or forbidden must not make the others' lines late.
        """
        passing = any(isinstance(error, UpstreamError) and error.retry for error in self.failures.values())
        return passing or len(self.failures) == groups


def _newest(events: Iterable[LogEvent]) -> int:
    return max((event.timestamp_ms for event in events), default=0)
