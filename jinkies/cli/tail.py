"""Following a tail on the command line: through the core when one runs, else by asking AWS from here.

A core that goes away is waited for: it is asked to go on where this tail was, and what it gives again is not printed
again. What a tail held no more when we came, or dropped because we were too slow, is a gap: told on stderr with the
command that reads it, and as an object among the JSON lines. At the end, on Ctrl-C too, a summary on stderr says what
the lines are worth.
"""

from __future__ import annotations

import asyncio
import os
import select
import stat
import sys
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager

import msgspec

from jinkies.cli.gaps import gap_of, told_gap
from jinkies.cli.logs import Writer
from jinkies.cli.output import complain, line
from jinkies.clock import Clock, iso
from jinkies.commands import StartTail
from jinkies.config import Config
from jinkies.errors import Disconnected, NotFound, UpstreamError
from jinkies.logs.follow import ASKED_FOR
from jinkies.logs.ledger import Ledger, since
from jinkies.logs.service import LogsService
from jinkies.logs.targets import check_spec
from jinkies.model import Coverage, LedgerSpan, LogEvent, TailBatch, TailFigures, TailSpec
from jinkies.words import number_of

AWAY_S = 120.0  # how long a core that went away is waited for
RETRY_S = 0.5
REMEMBERED = 200_000  # lines told from those that come again after the core was away
MOST_REASONS = 10  # for polling that are told
MOST_WINDOWS = 50  # of the summary

OVERLAP_MS = 45_000  # of what was settled, asked again after the core was away: late lines; less than a core's own


async def run_tail(config: Config, spec: TailSpec, write: Writer, limit: int | None, clock: Clock) -> int:
    """Print lines until ``limit`` of them or Ctrl-C.

    Raises:
        UpstreamError: the tail can't be had at all; says why.
        Disconnected: the core went away and did not come back.
    """
    check_spec(spec)
    start_ms = spec.begins_ms(clock.now_ms())
    summary, shown = Summary(start_ms), Shown(start_ms)
    try:
        # What the batches come from is closed in peace: nobody looks any more whether the reader left.
        async with aclosing(_batches(config, spec, clock, shown, summary)) as batches:
            with _until_reader_leaves():
                async for batch in batches:
                    if (gap := gap_of(batch, spec, summary.asked_ms, write.output)) is not None:
                        told_gap(gap)
                        write.gap(gap)
                    events = shown.new(batch.events)[:limit]
                    summary.take(batch, events)
                    write(events)
                    sys.stdout.flush()
                    limit = None if limit is None else limit - len(events)
                    if limit is not None and limit <= 0:
                        break
    except (BrokenPipeError, UpstreamError):
        raise  # nobody reads any more, or there was nothing to read
    except BaseException:
        summary.say()
        raise
    summary.say()
    return 0


class Shown:
    """What was printed. Past ``REMEMBERED`` lines the oldest are forgotten."""

    def __init__(self, start_ms: int) -> None:
        self._start_ms = start_ms
        self._order: deque[int] = deque()
        self._again: Counter[int] = Counter()

    def came_back(self) -> None:
        """What was printed may come again from now on."""
        self._again = Counter(self._order)

    def new(self, events: tuple[LogEvent, ...]) -> list[LogEvent]:
        """Those that were not printed, and that were asked for: a shared tail may hold more."""
        found = [event for event in events if event.timestamp_ms >= self._start_ms and not self._seen(event)]
        self._order.extend(map(_identity, found))
        while len(self._order) > REMEMBERED:
            self._order.popleft()
        return found

    def _seen(self, event: LogEvent) -> bool:
        if not self._again or not self._again[_identity(event)]:
            return False
        self._again[_identity(event)] -= 1
        return True


class Summary:
    """What a tail was worth, and how far it has come."""

    def __init__(self, start_ms: int) -> None:
        self.asked_ms = start_ms  # where the tail that is followed now was to begin
        self._start_ms = start_ms
        self._lines = self._late = self._backfilled = self._dropped = 0
        self._ledger = Ledger()
        self._figures: TailFigures | None = None
        self._told: set[str] = set()  # why it polled

    def take(self, batch: TailBatch, events: list[LogEvent]) -> None:
        """Count a batch, of which these events are printed."""
        self._lines += len(events)
        self._late += sum(event.late for event in events)
        self._backfilled += sum(event.backfilled for event in events)
        self._dropped += batch.dropped
        self._figures = batch.figures or self._figures
        self._say_why()
        for span in since(batch.spans, self._start_ms // 1000):
            self._ledger.put(span)

    def _say_why(self) -> None:
        """Why it polls, each reason once; who asked for it knows."""
        why = self._figures.why if self._figures is not None else ""
        if why and why not in self._told and why != ASKED_FOR and len(self._told) < MOST_REASONS:
            complain(f"polling, not Live Tail: {line(why)}")
            self._told.add(why)

    def resume(self) -> int:
        """Where to go on after the core was away, in milliseconds since the epoch: all before was printed."""
        settled_s = self._ledger.settled_until_s()
        if settled_s is not None:
            self.asked_ms = max(self._start_ms, settled_s * 1000 - OVERLAP_MS)
        return self.asked_ms

    def say(self) -> None:
        """On stderr; nothing of a tail that never began."""
        figures, spans = self._figures, self._ledger.spans()
        if figures is None:
            return
        complain(
            f"{number_of(self._lines, 'line')}, {self._late:,} late, {self._backfilled:,} backfilled,"
            f" {number_of(figures.duplicates, 'duplicate')} left out, {self._dropped:,} dropped"
        )
        doubtful = [span for span in spans if span.coverage is not Coverage.COMPLETE]
        for span in doubtful[:MOST_WINDOWS]:
            complain(_window(span))
        if len(doubtful) > MOST_WINDOWS:
            complain(f"and {number_of(len(doubtful) - MOST_WINDOWS, 'more such time')}")
        if spans and not doubtful:
            complain(f"complete from {_time(spans[0].start_s)} to {_time(spans[-1].end_s)}")
        complain(
            f"cost: {number_of(figures.sessions, 'Live Tail session')},"
            f" {figures.live_ms / 60_000:.1f} minutes, {number_of(figures.requests, 'request')}"
            f"{f'; polled, {line(figures.why)}' if figures.why else ''}"
        )


def _window(span: LedgerSpan) -> str:
    """``missing from … to … (31 s): access denied``."""
    kind = "not sure of" if span.coverage is Coverage.BACKFILLING else span.coverage.value
    seconds = span.end_s - span.start_s
    return f"{kind} {_time(span.start_s)} to {_time(span.end_s)} ({seconds:,} s): {line(span.reason)}"


def _time(at_s: int) -> str:
    return iso(at_s * 1000).replace(".000Z", "Z")


def _identity(event: LogEvent) -> int:
    return hash((event.log_group, event.log_stream, event.timestamp_ms, event.ingestion_ms, event.message))


async def _batches(
    config: Config, spec: TailSpec, clock: Clock, shown: Shown, summary: Summary
) -> AsyncGenerator[TailBatch, None]:
    """The batches with something in them; what else they say goes to stderr, once."""
    attached = False
    trouble: str | None = None
    away_s = clock.monotonic_s()
    while True:
        try:
            async with AsyncExitStack() as stack:
                asked = msgspec.structs.replace(spec, from_ms=summary.resume())
                attached, batches = await _opened(stack, config, asked, clock, stay=attached)
                if trouble is not None:
                    complain("following again")
                    trouble = None
                async for batch in batches:
                    away_s = clock.monotonic_s()
                    trouble = _told(batch, trouble)
                    yield batch
                gone = trouble or "the tail ended"
            if not attached:
                raise UpstreamError(gone)
        except (Disconnected, NotFound) as error:
            gone = str(error)
            if not attached or clock.monotonic_s() - away_s > AWAY_S:
                raise
        if trouble is None:
            trouble = f"{gone}; waiting for the core"
            complain(trouble)
        shown.came_back()
        await clock.sleep(RETRY_S)


async def _opened(
    stack: AsyncExitStack, config: Config, spec: TailSpec, clock: Clock, *, stay: bool
) -> tuple[bool, AsyncIterator[TailBatch]]:
    """Whether a core follows, and the batches. ``stay``: with a core, though none answers just now."""
    from jinkies.app import Mode, open_operator

    try:
        operator = await stack.enter_async_context(open_operator(config, Mode.ATTACH))
    except Disconnected:
        if stay:
            raise
        logs = await stack.enter_async_context(LogsService(config, clock))
        return False, await stack.enter_async_context(logs.open_tail(logs.start_tail(spec).tail_id))
    tail_id = (await operator.execute(StartTail(spec=spec))).tail_id
    return True, await stack.enter_async_context(operator.tail(tail_id or ""))


def _told(batch: TailBatch, trouble: str | None) -> str | None:
    """Say what is wrong. Raises ``UpstreamError`` where it stays so."""
    if batch.final:
        raise UpstreamError(batch.trouble or "the tail can't be had")
    if batch.trouble != trouble:
        complain(f"{batch.trouble}; trying on" if batch.trouble else "following again")
    return batch.trouble


@contextmanager
def _until_reader_leaves() -> Iterator[None]:
    """Raise ``BrokenPipeError`` in the body once stdout is a pipe that nobody reads, though nothing is written.

    poll(2): the writing end of a pipe whose reader is gone reports POLLERR.
    """
    try:
        stdout = sys.stdout.fileno()
        piped = stat.S_ISFIFO(os.fstat(stdout).st_mode)
    except (OSError, ValueError):
        piped = False
    if not piped:
        yield
        return
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    left: list[bool] = []

    def look() -> None:
        poll = select.poll()
        poll.register(stdout, 0)
        if poll.poll(0) and task is not None and not left:
            left.append(True)
            task.cancel()

    loop.add_reader(stdout, look)
    try:
        yield
    except asyncio.CancelledError:
        if left and task is not None and task.uncancel() == 0:
            raise BrokenPipeError from None
        raise
    finally:
        loop.remove_reader(stdout)
