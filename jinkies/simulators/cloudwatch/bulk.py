"""A log group of very many generated events: the same ones for the same numbers, made when they are asked for.

Whole blocks are kept as JSON, so that serving a page costs little more than copying it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from jinkies.simulators.cloudwatch.world import Event, Filled, Key, Window, filled

BLOCK = 500  # events
TWIN_EVERY = 997  # each such event is identical to the one before it
SCAN = 100_000  # events that one page looks at when it filters; then it ends, maybe empty
STREAMS = 8
DENSE_SHARE = 0.6  # of the events …
DENSE_FROM, DENSE_UNTIL = 0.55, 0.65  # … lie in this part of the time, when ``dense`` is asked for

_LEVELS = ("INFO", "INFO", "INFO", "INFO", "INFO", "INFO", "DEBUG", "WARNING", "INFO", "ERROR")
_PATHS = ("/orders", "/orders/41/items", "/login", "/health", "/search?q=scooby", "/cart/checkout")


class Bulk:
    """``count`` events from ``first_ms`` to before ``end_ms``, all visible from the start; none is delivered live."""

    def __init__(self, name: str, *, count: int, first_ms: int, end_ms: int, dense: bool = False) -> None:
        self.name = name
        self.created_ms = first_ms
        self._count = count
        self._first_ms = first_ms
        self._width_ms = max(1, end_ms - first_ms)
        self._dense = dense
        self._blocks: dict[int, bytes] = {}

    def __len__(self) -> int:
        return self._count

    def at_ms(self, number: int) -> int:
        """The timestamp of an event; never falls from one to the next."""
        number -= number % TWIN_EVERY == TWIN_EVERY - 1
        share = number / self._count
        return self._first_ms + int((_squeezed(share) if self._dense else share) * self._width_ms)

    def event(self, number: int) -> Event:
        """The event with a number from 0."""
        timestamp_ms = self.at_ms(number)
        source = number - (number % TWIN_EVERY == TWIN_EVERY - 1)
        luck = source * 2_654_435_761 & 0xFFFFFFFF
        message = (
            f"{_LEVELS[luck % 10]} request={luck:08x} {_PATHS[luck % 6]} status={200 if luck % 10 != 9 else 500} "
            f"took={luck % 1_900} ms worker={luck % 13} event={source}"
        )
        return Event(
            number=number,
            log_group=self.name,
            log_stream=f"web/{luck % STREAMS}",
            timestamp_ms=timestamp_ms,
            ingestion_ms=timestamp_ms + 150,
            message=message,
            visible_ms=0,
            live_ms=None,
        )

    def events(self) -> Iterator[Event]:
        """See ``Holding``."""
        return map(self.event, range(self._count))

    def due(self, _from_ms: int, _until_ms: int) -> list[Event]:
        """See ``Holding``."""
        return []

    def size_bytes(self) -> int:
        """See ``Holding``; about."""
        return self._count * 90

    def warm(self) -> None:
        """Make all blocks now: about 4 s and 230 MB for a million events."""
        for block in range(-(-self._count // BLOCK)):
            self._block(block)

    def fill(self, window: Window) -> Filled:
        """See ``Holding``."""
        first = bisect_left(range(self._count), window.start_ms, key=self.at_ms)
        end = bisect_right(range(self._count), window.end_ms, key=self.at_ms)
        if window.after is not None and window.newest_first:
            end = min(end, window.after[2])
        elif window.after is not None:
            first = max(first, window.after[2] + 1)
        if window.matches is None and window.in_stream is None and not window.newest_first:
            return self._copied(first, end, window)
        return self._searched(first, end, window)

    def _copied(self, first: int, end: int, window: Window) -> Filled:
        parts: list[bytes] = []
        number, total = first, 0
        stop = min(end, first + window.most_events)
        while number < stop:
            whole = number % BLOCK == 0 and number + BLOCK <= stop
            part = self._block(number // BLOCK) if whole else self.event(number).encoded()
            if parts and total + len(part) > window.most_bytes:
                break
            parts.append(part)
            total += len(part) + 1
            number += BLOCK if whole else 1
        last = self._key(number - 1) if number < end else None
        return Filled(joined=b",".join(parts), events=number - first, last=last)

    def _searched(self, first: int, end: int, window: Window) -> Filled:
        stop = max(first, end - SCAN) if window.newest_first else min(end, first + SCAN)
        numbers = range(end - 1, stop - 1, -1) if window.newest_first else range(first, stop)
        page = filled(filter(window.shows, map(self.event, numbers)), window)
        if page.last is not None or stop == (first if window.newest_first else end):
            return page
        return Filled(joined=page.joined, events=page.events, last=self._key(numbers[-1]))

    def _block(self, block: int) -> bytes:
        made = self._blocks.get(block)
        if made is None:
            numbers = range(block * BLOCK, min(self._count, (block + 1) * BLOCK))
            made = self._blocks[block] = b",".join(self.event(number).encoded() for number in numbers)
        return made

    def _key(self, number: int) -> Key:
        timestamp_ms = self.at_ms(number)
        return (timestamp_ms, timestamp_ms + 150, number)


def _squeezed(share: float) -> float:
    """A monotone map of [0, 1) that gives ``DENSE_SHARE`` of it to a tenth of the time."""
    before = (1 - DENSE_SHARE) * DENSE_FROM / (DENSE_FROM + 1 - DENSE_UNTIL)
    if share < before:
        return share / before * DENSE_FROM
    if share < before + DENSE_SHARE:
        return DENSE_FROM + (share - before) / DENSE_SHARE * (DENSE_UNTIL - DENSE_FROM)
    rest = 1 - before - DENSE_SHARE
    return DENSE_UNTIL + (share - before - DENSE_SHARE) / rest * (1 - DENSE_UNTIL)
