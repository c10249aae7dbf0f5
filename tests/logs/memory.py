"""A log group in memory that answers as CloudWatch does: sorted, by pages, both ends of the range inclusive."""

from __future__ import annotations

from jinkies.errors import JinkiesError
from jinkies.logs.fetch import Ask, Page
from jinkies.logs.levels import level_of
from jinkies.model import LogEvent


class Memory:
    """A ``PageSource``. A group that is in ``failing`` raises that."""

    def __init__(self, *, page_size: int = 10_000) -> None:
        self.events: list[LogEvent] = []
        self.failing: dict[str, JinkiesError] = {}
        self.asks: list[Ask] = []
        self.page_size = page_size

    def put(
        self, message: str, at_ms: int, *, group: str = "/a", stream: str = "s", ingested_ms: int = 0, times: int = 1
    ) -> LogEvent:
        """Make an event visible now, ``times`` identical ones."""
        event = LogEvent(
            log_group=group,
            log_stream=stream,
            timestamp_ms=at_ms,
            ingestion_ms=ingested_ms or at_ms,
            message=message,
            level=level_of(message),
        )
        self.events.extend([event] * times)
        return event

    async def page(self, ask: Ask, token: str | None = None, /) -> Page:
        self.asks.append(ask)
        if ask.log_group in self.failing:
            raise self.failing[ask.log_group]
        found = sorted(
            (
                event
                for event in self.events
                if event.log_group == ask.log_group
                and ask.start_ms <= event.timestamp_ms <= (ask.end_ms or 1 << 62)
                and (not ask.streams or event.log_stream in ask.streams)
                and ask.pattern in event.message
            ),
            key=lambda event: (event.timestamp_ms, event.ingestion_ms),
        )
        place = int(token or 0)
        end = place + self.page_size
        return Page(events=tuple(found[place:end]), token=str(end) if end < len(found) else None)
