"""Following a tail on the command line: through the core when one runs, else by asking AWS from here.

A core that goes away is waited for: it goes on with its tails when it is back, and what it gives again is not printed
again. At the end, on Ctrl-C too, a summary on stderr says what the lines are worth.
"""

from __future__ import annotations

import asyncio
import os
import select
import stat
import sys
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager

from jinkies.cli.output import complain, line
from jinkies.clock import Clock, iso
from jinkies.commands import StartTail
from jinkies.config import Config
from jinkies.errors import Disconnected, NotFound, UpstreamError
from jinkies.logs.ledger import Ledger
from jinkies.logs.service import LogsService
from jinkies.logs.targets import check_spec
from jinkies.model import Coverage, LedgerSpan, LogEvent, TailBatch, TailFigures, TailSpec

AWAY_S = 120.0  # how long a core that went away is waited for
RETRY_S = 0.5
REMEMBERED = 200_000  # lines told from those that come again after the core was away
MOST_WINDOWS = 50  # of the summary

Write = Callable[[Iterable[LogEvent]], None]


async def run_tail(config: Config, spec: TailSpec, write: Write, limit: int | None, clock: Clock) -> int:
    """Print lines until ``limit`` of them or Ctrl-C.

    Raises:
        UpstreamError: the tail can't be had at all; says why.
        Disconnected: the core went away and did not come back.
    """
    check_spec(spec)
    summary, shown = Summary(), Shown(clock.now_ms() - spec.since_ms)
    try:
        with _until_reader_leaves():
            async with aclosing(_batches(config, spec, clock, shown)) as batches:
                async for batch in batches:
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
    """What a tail was worth."""

    def __init__(self) -> None:
        self._lines = self._late = self._backfilled = self._dropped = 0
        self._ledger = Ledger()
        self._figures: TailFigures | None = None

    def take(self, batch: TailBatch, events: list[LogEvent]) -> None:
        """Count a batch, of which these events are printed."""
        self._lines += len(events)
        self._late += sum(event.late for event in events)
        self._backfilled += sum(event.backfilled for event in events)
        self._dropped += batch.dropped
        self._figures = batch.figures or self._figures
        for span in batch.spans:
            self._ledger.put(span)

    def say(self) -> None:
        """On stderr; nothing of a tail that never began."""
        figures, spans = self._figures, self._ledger.spans()
        if figures is None:
            return
        complain(
            f"{self._lines:,} lines, {self._late:,} late, {self._backfilled:,} backfilled,"
            f" {figures.duplicates:,} duplicates left out, {self._dropped:,} dropped"
        )
        doubtful = [span for span in spans if span.coverage is not Coverage.COMPLETE]
        for span in doubtful[:MOST_WINDOWS]:
            complain(_window(span))
        if len(doubtful) > MOST_WINDOWS:
            complain(f"and {len(doubtful) - MOST_WINDOWS:,} more such times")
        if spans and not doubtful:
            complain(f"complete from {_time(spans[0].start_s)} to {_time(spans[-1].end_s)}")
        complain(
            f"cost: {figures.sessions:,} Live Tail session{'' if figures.sessions == 1 else 's'},"
            f" {figures.live_ms / 60_000:.1f} minutes, {figures.requests:,} requests"
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


async def _batches(config: Config, spec: TailSpec, clock: Clock, shown: Shown) -> AsyncGenerator[TailBatch, None]:
    """The batches with something in them; what else they say goes to stderr, once."""
    attached = False
    trouble: str | None = None
    away_s = clock.monotonic_s()
    while True:
        try:
            async with AsyncExitStack() as stack:
                attached, batches = await _opened(stack, config, spec, clock, stay=attached)
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
    if batch.dropped:
        complain(f"{batch.dropped:,} lines were dropped: whoever reads this is too slow")
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
