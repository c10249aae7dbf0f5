"""Following log groups by polling: every event once, late ones too, through throttling and lost connections."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

import msgspec

from jinkies.clock import Clock
from jinkies.errors import JinkiesError, UpstreamError
from jinkies.logs.fetch import Ask, LineFilter, Page, PageSource, merged
from jinkies.logs.ledger import Cover
from jinkies.logs.once import Counted, Once
from jinkies.logs.sweep import Backoff
from jinkies.model import LogEvent, TailBatch, TailSpec, Upstream

POLL_S = 2.0
BACKOFF_MOST_S = 30.0
ASKED_FOR = "as was asked for"


class Follower:
    """One endless reading of some log groups. Identities are bounded, see ``Seen``; nothing else is kept.

    Args:
        start_ms: where to begin, in milliseconds since the epoch, when an earlier tail is taken up again; what came
            since is then marked as backfilled. None: where the spec says.
    """

    def __init__(
        self,
        source: PageSource,
        spec: TailSpec,
        log_groups: tuple[str, ...],
        clock: Clock,
        *,
        start_ms: int | None = None,
        poll_s: float = POLL_S,
    ) -> None:
        now_ms = clock.now_ms()
        begin_ms = spec.begins_ms(now_ms) if start_ms is None else start_ms
        self._source = source
        self._pattern = spec.filter_pattern
        self._keep = LineFilter.of(spec)
        self._clock = clock
        self._poll_s = poll_s
        self._backoff = Backoff(poll_s, max(poll_s, BACKOFF_MOST_S))
        self._once = Once(log_groups, begin_ms)
        self._counted = Counted()
        self._cover = Cover(self._once.sweeps, begin_ms)
        self._resumed_ms = 0 if start_ms is None else now_ms
        self._trouble: str | None = None
        self._ever_read = False

    async def batches(self) -> AsyncGenerator[TailBatch, None]:
        """What comes, in order within a poll; for ever, or until a trouble that is final.

        Each poll ends in a batch of its own that says what became of the ledger, the figures and ``trouble``.
        """
        while True:
            source = Patient(self._source)
            async with aclosing(self._poll(source)) as runs:
                async for events in runs:
                    yield TailBatch(events=events, trouble=self._trouble)
            self._trouble = trouble_of(source.failures.values())
            final = not self._ever_read and len(source.failures) == len(self._once.sweeps)
            final = final and all(map(is_final, source.failures.values()))
            yield self._said(source, final=final)
            if final:
                return
            await self._clock.sleep(self._pause(slow_down=source.strained(len(self._once.sweeps))))

    async def _poll(self, source: Patient) -> AsyncGenerator[tuple[LogEvent, ...], None]:
        now_ms, monotonic_s = self._clock.now_ms(), self._clock.monotonic_s()
        sweeps = self._once.sweeps
        asks = [
            Ask(log_group=sweep.log_group, start_ms=sweep.begin(now_ms, monotonic_s), pattern=self._pattern)
            for sweep in sweeps.values()
        ]
        async with aclosing(merged(source, asks, self._keep)) as runs:
            async for run in runs:
                events = self._counted.give(map(self._marked, self._once.read(run, {})))
                if events:
                    yield events
        for (group, sweep), ask in zip(sweeps.items(), asks, strict=True):
            error = source.failures.get(sweep.log_group)
            if error is None:
                self._ever_read = True
                sweep.note(source.read.get(sweep.log_group, 0), source.newest_ms.get(sweep.log_group, 0))
                sweep.finish(monotonic_s)
                self._cover.read(group, ask.start_ms, now_ms)
            else:
                self._cover.failed(group, str(error), self._clock.now_ms(), final=is_final(error))

    def _marked(self, event: LogEvent) -> LogEvent:
        """What came while nobody read is backfilled."""
        if event.timestamp_ms < self._resumed_ms:
            return msgspec.structs.replace(event, backfilled=True)
        return event

    def _said(self, source: Patient, *, final: bool) -> TailBatch:
        self._counted.requests += source.requests
        self._counted.upstream, self._counted.why = Upstream.POLLING, ASKED_FOR
        return TailBatch(
            trouble=self._trouble,
            final=final,
            spans=self._cover.changes(self._clock.now_ms()),
            figures=self._counted.figures(),
        )

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
        self.requests = 0

    async def page(self, ask: Ask, token: str | None = None, /) -> Page:
        """See ``PageSource.page``; raises nothing that ``jinkies.errors`` names."""
        self.requests += 1
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
        return trouble_of(self.failures.values())

    def strained(self, groups: int) -> bool:
        """Whether to ask less often for a while: CloudWatch is throttling or failing, or gives nothing at all.

        A group of ``groups`` that is missing or forbidden must not make the others' lines late.
        """
        passing = any(isinstance(error, UpstreamError) and error.retry for error in self.failures.values())
        return passing or len(self.failures) == groups


def trouble_of(failures: Iterable[JinkiesError]) -> str | None:
    """One line for people: why some groups give nothing; None when all do."""
    return " · ".join(dict.fromkeys(map(str, failures)))[:500] or None


def is_final(error: JinkiesError) -> bool:
    """Whether asking again would say the same."""
    return not (isinstance(error, UpstreamError) and error.retry)


def _newest(events: Iterable[LogEvent]) -> int:
    return max((event.timestamp_ms for event in events), default=0)
