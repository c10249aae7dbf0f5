"""The newest lines of a range: newest first where the service knows how, else from the end in slices that grow."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jinkies.errors import Invalid
from jinkies.logs import fetch
from jinkies.logs.fetch import Ask, LineFilter, Newest, Page, PageSource, by_time, is_full, together
from jinkies.model import LogEvent

SINCE_MS = 1_704_067_200_000  # CloudWatch Logs: startFromHead=false needs a startTime of 2024-01-01 or later


class NewestFirst:
    """Reads backwards, and remembers once a service can't: emulators ignore or refuse what they don't know.

    Args:
        room: characters of messages that an answer may hold; see ``fetch.Newest``.
    """

    def __init__(self, room: int | None = None) -> None:
        self._known = True
        self._room = room

    async def read(
        self, source: PageSource, asks: Sequence[Ask], keep: LineFilter, *, end_ms: int, limit: int
    ) -> tuple[LogEvent, ...]:
        """The newest ``limit`` events up to ``end_ms`` (inclusive), oldest first."""
        room = self._room
        start_ms = min(ask.start_ms for ask in asks)
        if not self._known or end_ms < SINCE_MS:
            return await fetch.newest(source, asks, keep, end_ms=end_ms, limit=limit, room=room)
        backwards = [
            _Backwards(msgspec.structs.replace(ask, start_ms=max(SINCE_MS, ask.start_ms), end_ms=end_ms, newest=True))
            for ask in asks
        ]
        refused = False
        try:
            await together(one.read(source, keep, limit, room) for one in backwards)
        except Invalid:  # it may be the pattern that is refused: then the slices say so
            refused = True
        if refused or any(one.ignored for one in backwards):
            found = await fetch.newest(source, asks, keep, end_ms=end_ms, limit=limit, room=room)
            self._known = False
            return found
        newest = Newest(limit, room)
        newest.extend(sorted((event for one in backwards for event in one.found), key=by_time))
        events = tuple(newest.events)
        if start_ms < SINCE_MS and not is_full(events, limit, room):
            left = limit - len(events)
            older = await fetch.newest(source, asks, keep, end_ms=SINCE_MS - 1, limit=left, room=room)
            return (*older, *events)
        return events


class _Backwards:
    """One range, from its end."""

    def __init__(self, ask: Ask) -> None:
        self.found: list[LogEvent] = []  # in order
        self.ignored = False  # whether the service began at the beginning
        self._ask = ask

    async def read(self, source: PageSource, keep: LineFilter, limit: int, room: int | None) -> None:
        """Fill ``found`` with the newest ``limit`` or all; nothing of use when ``ignored``."""
        token: str | None = None
        while True:
            page = await source.page(self._ask, token)
            forwards = _is_forwards(page)
            self.ignored = forwards and page.token is not None
            if self.ignored:
                return
            kept = keep.keep(page.events if forwards else page.events[::-1])
            self.found = sorted(kept, key=by_time) + self.found
            if page.token is None or page.token == token or is_full(self.found, limit, room):
                return
            token = page.token


def _is_forwards(page: Page) -> bool:
    return bool(page.events) and page.events[0].timestamp_ms < page.events[-1].timestamp_ms
