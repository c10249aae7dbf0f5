"""What a simulated account holds: log groups and their events, each with the times at which the service shows it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import msgspec

from jinkies.simulators.cloudwatch.errors import invalid, no_group
from jinkies.simulators.cloudwatch.pattern import Matcher

ACCOUNT = "123456789012"
REGION = "us-east-1"
NEVER_MS = 1 << 62

Key = tuple[int, int, int]  # timestamp, ingestion time, number: the order in which FilterLogEvents gives events


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One log event, and when each way of reading shows it; times in milliseconds since the epoch."""

    number: int  # unique in its group, in the order of putting
    log_group: str
    log_stream: str
    timestamp_ms: int  # what its writer says
    ingestion_ms: int  # what the service says
    message: str
    visible_ms: int  # FilterLogEvents and Insights show it from here on
    live_ms: int | None  # Live Tail sessions that are open then deliver it; None: none does

    @property
    def key(self) -> Key:
        """Its place in the service's order."""
        return (self.timestamp_ms, self.ingestion_ms, self.number)

    @property
    def identity(self) -> tuple[str, str, int, int, str]:
        """What a reader can know of it; identical lines share one."""
        return (self.log_group, self.log_stream, self.timestamp_ms, self.ingestion_ms, self.message)

    def encoded(self) -> bytes:
        """As a FilteredLogEvent."""
        return msgspec.json.encode(
            {
                "logStreamName": self.log_stream,
                "timestamp": self.timestamp_ms,
                "message": self.message,
                "ingestionTime": self.ingestion_ms,
                "eventId": f"{self.timestamp_ms:020d}{self.number:036d}",
            }
        )


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What one page is asked of: events of a time range that are visible now."""

    start_ms: int  # inclusive
    end_ms: int  # inclusive
    now_ms: int
    after: Key | None  # go on behind this event: later ones, or earlier ones when ``newest_first``
    newest_first: bool
    matches: Matcher | None  # of the message; None is every event
    in_stream: Callable[[str], bool] | None
    most_events: int
    most_bytes: int

    def shows(self, event: Event) -> bool:
        """Whether an event of the range passes."""
        return (
            event.visible_ms <= self.now_ms
            and (self.in_stream is None or self.in_stream(event.log_stream))
            and (self.matches is None or self.matches(event.message))
        )


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """A page's events as JSON, joined by commas; ``last`` leads on, None when the range has no more."""

    joined: bytes
    events: int
    last: Key | None


class Holding(Protocol):
    """The events of one group, wherever they come from."""

    name: str
    created_ms: int

    def fill(self, window: Window) -> Filled:
        """One page."""
        ...

    def events(self) -> Iterator[Event]:
        """Every event, also those that nothing shows yet, in the service's order."""
        ...

    def due(self, from_ms: int, until_ms: int) -> list[Event]:
        """What Live Tail delivers from ``from_ms`` (exclusive) to ``until_ms`` (inclusive), in that order."""
        ...

    def size_bytes(self) -> int:
        """Of all messages."""
        ...


class Group:
    """A log group that holds what was put into it."""

    def __init__(self, name: str, created_ms: int) -> None:
        self.name = name
        self.created_ms = created_ms
        self._events: list[Event] = []  # in the service's order
        self._live: list[tuple[int, int, Event]] = []  # (live_ms, number, event)

    def put(self, event: Event) -> None:
        """Take one in."""
        insort(self._events, event, key=lambda held: held.key)
        if event.live_ms is not None:
            insort(self._live, (event.live_ms, event.number, event), key=lambda held: held[:2])

    def __len__(self) -> int:
        return len(self._events)

    def events(self) -> Iterator[Event]:
        """See ``Holding``."""
        return iter(self._events)

    def due(self, from_ms: int, until_ms: int) -> list[Event]:
        """See ``Holding``."""
        first = bisect_right(self._live, from_ms, key=lambda held: held[0])
        end = bisect_right(self._live, until_ms, key=lambda held: held[0])
        return [event for _, _, event in self._live[first:end]]

    def size_bytes(self) -> int:
        """See ``Holding``."""
        return sum(len(event.message) for event in self._events)

    def fill(self, window: Window) -> Filled:
        """See ``Holding``."""
        first = bisect_left(self._events, window.start_ms, key=lambda event: event.timestamp_ms)
        end = bisect_right(self._events, window.end_ms, key=lambda event: event.timestamp_ms)
        if window.after is not None and window.newest_first:
            end = min(end, bisect_left(self._events, window.after, key=lambda event: event.key))
        elif window.after is not None:
            first = max(first, bisect_right(self._events, window.after, key=lambda event: event.key))
        span = self._events[first:end]
        return filled(filter(window.shows, reversed(span) if window.newest_first else span), window)


def filled(events: Iterable[Event], window: Window) -> Filled:
    """As many of some events as a page holds: at least one, if there is one."""
    parts: list[bytes] = []
    total = 0
    last: Key | None = None
    for event in events:
        encoded = event.encoded()
        total += len(encoded) + 1
        if parts and (len(parts) >= window.most_events or total > window.most_bytes):
            return Filled(joined=b",".join(parts), events=len(parts), last=last)
        parts.append(encoded)
        last = event.key
    return Filled(joined=b",".join(parts), events=len(parts), last=None)


class World:
    """An account in one region. ``put`` makes events, also ones that the service shows only later."""

    def __init__(self, *groups: str, created_ms: int = 1_700_000_000_000) -> None:
        self._groups: dict[str, Holding] = {}
        self._count = 0
        for name in groups:
            self.add(Group(name, created_ms))

    def add(self, holding: Holding) -> None:
        """Another log group; it replaces one of the same name."""
        self._groups[holding.name] = holding

    def put(
        self,
        group: str,
        message: str,
        timestamp_ms: int,
        *,
        stream: str = "s",
        ingestion_ms: int | None = None,
        visible_ms: int | None = None,
        live_ms: int | None = None,
        live: bool = True,
        times: int = 1,
    ) -> list[Event]:
        """Make ``times`` identical events.

        Args:
            group: an existing one that was made by name.
            message: the line, at least one character.
            timestamp_ms: the event's own time.
            stream: the log stream's name.
            ingestion_ms: when the service took it in; None is with its own time.
            visible_ms: from when FilterLogEvents shows it; None is from its ingestion on.
            live_ms: when Live Tail delivers it; None is at its ingestion.
            live: False: Live Tail never delivers it.
            times: how many.
        """
        holding = self._groups[group]
        if not isinstance(holding, Group):
            raise TypeError(f"{group} is generated: nothing can be put into it")
        ingested = timestamp_ms if ingestion_ms is None else ingestion_ms
        made = []
        for _ in range(times):
            self._count += 1
            event = Event(
                number=self._count,
                log_group=group,
                log_stream=stream,
                timestamp_ms=timestamp_ms,
                ingestion_ms=ingested,
                message=message,
                visible_ms=ingested if visible_ms is None else visible_ms,
                live_ms=(ingested if live_ms is None else live_ms) if live else None,
            )
            holding.put(event)
            made.append(event)
        return made

    def events(self, group: str) -> Iterator[Event]:
        """Everything that a group holds, shown or not, in the service's order."""
        return self._groups[group].events()

    def groups(self) -> list[Holding]:
        """All, by name."""
        return [self._groups[name] for name in sorted(self._groups)]

    def group(self, name_or_arn: str) -> Holding:
        """One by name or ARN. Raises ``ServiceError``."""
        found = self._groups.get(name_of(name_or_arn))
        if found is None:
            raise no_group()
        return found


def arn_of(group: str) -> str:
    """Without ``:*``."""
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"


def name_of(name_or_arn: str) -> str:
    """The group's name. Raises ``ServiceError`` for an ARN of something else or with an asterisk."""
    if not name_or_arn.startswith("arn:"):
        return name_or_arn
    head, _, name = name_or_arn.partition(":log-group:")
    if not name or "*" in name or head.split(":")[:3] != ["arn", "aws", "logs"]:
        raise invalid(f"Invalid log group ARN: {name_or_arn}")
    return name
