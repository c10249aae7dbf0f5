"""StartLiveTail: sessions that deliver what is ingested while they are open, an update every second.

Limits from the API's reference: at most 500 events an update, else they are sampled; ten updates are held for a slow
client, then the oldest are dropped; three hours; 15 sessions an account (CloudWatch quota).
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable

import msgspec
from aiohttp import web

from jinkies.clock import Clock
from jinkies.simulators.cloudwatch.errors import invalid, over_limit
from jinkies.simulators.cloudwatch.faults import Faults, Kind
from jinkies.simulators.cloudwatch.frames import CONTENT_TYPE, event_frame, exception_frame
from jinkies.simulators.cloudwatch.pages import in_stream
from jinkies.simulators.cloudwatch.pattern import matcher
from jinkies.simulators.cloudwatch.requests import StartLiveTail
from jinkies.simulators.cloudwatch.world import ACCOUNT, Event, Holding, World

UPDATE_S = 1.0
UPDATE_EVENTS = 500
HELD_UPDATES = 10
SESSION_S = 3 * 3_600.0
SESSIONS = 15


class Session(msgspec.Struct, kw_only=True):
    """A session, open or over."""

    number: int
    groups: tuple[str, ...]
    started_ms: int
    ended_ms: int | None = None
    ending: str = ""  # "client", or the kind of fault that ended it
    updates: list[tuple[int, bool]] = []  # when each was sent, and whether it was a sample
    delivered: list[Event] = []  # what they held


class LiveTails:
    """All sessions of an account."""

    def __init__(self, world: World, faults: Faults, clock: Clock, *, seed: int = 1) -> None:
        self.sessions: list[Session] = []
        self.session_s = SESSION_S
        self.most_sessions = SESSIONS
        self._world = world
        self._faults = faults
        self._clock = clock
        self._random = random.Random(seed)

    @property
    def open(self) -> list[Session]:
        """Those that run."""
        return [session for session in self.sessions if session.ended_ms is None]

    def check(self, ask: StartLiveTail) -> list[Holding]:
        """The groups that a request names. Raises ``ServiceError``."""
        for identifier in ask.log_group_identifiers:
            if not identifier.startswith("arn:") or identifier.endswith("*"):
                raise invalid(f"Invalid ARN: {identifier}; log groups are named by ARN, without an asterisk")
        if ask.log_stream_names and ask.log_stream_name_prefixes:
            raise invalid("logStreamNames and logStreamNamePrefixes can't both be given")
        if (ask.log_stream_names or ask.log_stream_name_prefixes) and len(ask.log_group_identifiers) > 1:
            raise invalid("Log streams can be given for one log group only")
        matcher(ask.log_event_filter_pattern)
        groups = [self._world.group(identifier) for identifier in ask.log_group_identifiers]
        if len(self.open) >= self.most_sessions:
            raise over_limit()
        return groups

    async def serve(self, request: web.Request, ask: StartLiveTail, groups: list[Holding]) -> web.StreamResponse:
        """Run a session until it ends or its client goes."""
        session = Session(
            number=len(self.sessions) + 1,
            groups=tuple(group.name for group in groups),
            started_ms=self._clock.now_ms(),
        )
        self.sessions.append(session)
        response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPE})
        try:
            await response.prepare(request)
            await response.write(event_frame("initial-response", b"{}"))
            await response.write(event_frame("sessionStart", _start(session, ask)))
            ending = await self._updates(response, session, groups, _filter(ask))
            session.ending = ending.value
            await _end(request, response, ending)
        except ConnectionError:
            session.ending = "client"
        finally:
            session.ending = session.ending or "client"
            session.ended_ms = self._clock.now_ms()
        return response

    async def _updates(
        self, response: web.StreamResponse, session: Session, groups: list[Holding], passes: Callable[[Event], bool]
    ) -> Kind:
        begun_s, until_ms = self._clock.monotonic_s(), session.started_ms
        held: deque[list[Event]] = deque(maxlen=HELD_UPDATES)  # overflow: the oldest are dropped, as the service does
        tick = 0
        while True:
            tick += 1
            await self._clock.sleep(max(0.0, begun_s + tick * UPDATE_S - self._clock.monotonic_s()))
            age_s = self._clock.monotonic_s() - begun_s
            ending = self._ending(session, age_s)
            if ending is not None:
                return ending
            # Of this millisecond more may come: it goes with the next update, as does what is stamped behind the tick.
            over_ms = min(session.started_ms + int(tick * 1000 * UPDATE_S), self._clock.now_ms() - 1)
            from_ms, until_ms = until_ms, max(until_ms, over_ms)
            held.append([event for group in groups for event in group.due(from_ms, until_ms) if passes(event)])
            behind = age_s - tick * UPDATE_S >= UPDATE_S  # its client is slow: the clock went on while it took one in
            while held and not behind and not self._stalled(session):
                await self._update(response, session, held.popleft())

    async def _update(self, response: web.StreamResponse, session: Session, due: list[Event]) -> None:
        due.sort(key=lambda event: (event.live_ms or 0, event.number))
        now_ms = self._clock.now_ms()
        most = int(self._faults.value(Kind.LIVE_SAMPLE, now_ms, "StartLiveTail", session.groups, UPDATE_EVENTS))
        sampled = len(due) > most
        if sampled:
            due = [due[index] for index in sorted(self._random.sample(range(len(due)), most))]
        await response.write(event_frame("sessionUpdate", _update_body(due, sampled=sampled)))
        session.updates.append((now_ms, sampled))
        session.delivered += due

    def _ending(self, session: Session, age_s: float) -> Kind | None:
        fault = self._faults.ending(self._clock.now_ms(), age_s, session.groups)
        if fault is not None:
            return fault.kind
        return Kind.LIVE_TIMEOUT if age_s >= self.session_s else None

    def _stalled(self, session: Session) -> bool:
        return self._faults.working(Kind.LIVE_STALL, self._clock.now_ms(), session.groups)


async def _end(request: web.Request, response: web.StreamResponse, ending: Kind) -> None:
    if ending is Kind.LIVE_DROP:
        if request.transport is not None:
            request.transport.abort()
        return
    if ending is Kind.LIVE_TIMEOUT:
        body = {"message": "Your session has timed out because it was kept open for too long."}
        await response.write(exception_frame("SessionTimeoutException", msgspec.json.encode(body)))
    elif ending is Kind.LIVE_BREAK:
        body = {"message": "An unknown error occurred during streaming."}
        await response.write(exception_frame("SessionStreamingException", msgspec.json.encode(body)))
    await response.write_eof()


def _filter(ask: StartLiveTail) -> Callable[[Event], bool]:
    matches = matcher(ask.log_event_filter_pattern)
    stream_passes = in_stream(ask.log_stream_names, ask.log_stream_name_prefixes)
    return lambda event: matches(event.message) and (stream_passes is None or stream_passes(event.log_stream))


def _start(session: Session, ask: StartLiveTail) -> bytes:
    body: dict[str, object] = {
        "requestId": f"request-{session.number}",
        "sessionId": f"session-{session.number}",
        "logGroupIdentifiers": ask.log_group_identifiers,
        "logEventFilterPattern": ask.log_event_filter_pattern,
    }
    if ask.log_stream_names:
        body["logStreamNames"] = ask.log_stream_names
    if ask.log_stream_name_prefixes:
        body["logStreamNamePrefixes"] = ask.log_stream_name_prefixes
    return msgspec.json.encode(body)


def _update_body(events: list[Event], *, sampled: bool) -> bytes:
    results = [
        {
            "logStreamName": event.log_stream,
            "logGroupIdentifier": f"{ACCOUNT}:{event.log_group}",
            "message": event.message,
            "timestamp": event.timestamp_ms,
            "ingestionTime": event.ingestion_ms,
        }
        for event in events
    ]
    return msgspec.json.encode({"sessionMetadata": {"sampled": sampled}, "sessionResults": results})
