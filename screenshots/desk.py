"""A desk for the pictures: a real core in a temporary home, alerts through the real Operator, scripted logs."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import msgspec

from jinkies.app import host
from jinkies.clock import Clock, SystemClock
from jinkies.commands import (
    Acknowledge,
    CreatePullRequest,
    RecordDelivery,
    RecordPullRequest,
    ReportHealth,
    ReportOccurrence,
    Resolve,
    TakeLease,
)
from jinkies.config import AwsConfig, Config, DiscordConfig, GitHubConfig, HttpConfig, Secret, ServiceConfig
from jinkies.core import Core
from jinkies.model import (
    SYSTEM,
    Actor,
    ActorKind,
    DeliveryState,
    Level,
    LogEvent,
    LogLine,
    PartHealth,
    PartState,
    QueryProgress,
    QuerySpec,
    SavedTail,
    Severity,
    TailBatch,
    TailInfo,
    TailSpec,
)
from jinkies.ports import Execute, LoadCursor

CHANNEL = "1300000000000004711"
MINUTE_MS = 60_000

TRACE = """Traceback (most recent call last):
  File "/usr/lib/python3.12/site-packages/django/core/handlers/exception.py", line 55, in inner
    response = get_response(request)
  File "/usr/lib/python3.12/site-packages/django/core/handlers/base.py", line 197, in _get_response
    response = wrapped_callback(request, *callback_args, **callback_kwargs)
  File "app/middleware/session.py", line 41, in __call__
    return self.get_response(request)
  File "/usr/lib/python3.12/site-packages/django/views/generic/base.py", line 105, in view
    return self.dispatch(request, *args, **kwargs)
  File "app/views/orders.py", line 118, in show
    return cart["order_id"]
           ~~~~^^^^^^^^^^^^
KeyError: 'order_id'"""

# service, severity, exception, message, request, minutes ago, times, acknowledged by
ALERTS = (
    ("edge", Severity.WARNING, None, "5xx rate 2.1% over five minutes (CloudFront)", None, 6.2, 1, "ops-b"),
    ("billing", Severity.ERROR, "StripeError", "StripeError: idempotency key reused", "POST /invoices", 58, 4, None),
    ("search", Severity.WARNING, "SlowQuery", "query over 1.2 s on shard eu-3", "GET /search", 44, 23, None),
    ("api", Severity.ERROR, "ValidationError", "ValidationError: email “jördis@exämple” refused", "POST /users", 9, 19, "mara"),  # noqa: E501 - a table
    ("api", Severity.ERROR, "TimeoutError", "TimeoutError in charge() after 10.0 s", "POST /charge", 2.4, 112, None),
    ("worker", Severity.CRITICAL, "OperationalError", "OperationalError: deadlock detected", None, 1.3, 3, "ops-a"),
    ("thumbs", Severity.INFO, None, "memory at 81% of 512 MB (Lambda)", None, 31, 6, None),
    ("mail", Severity.ERROR, "SMTPDataError", "SMTPDataError: 451 4.7.1 try again later", None, 14, 8, None),
    ("worker", Severity.ERROR, "JSONDecodeError", "JSONDecodeError: Expecting value: line 1 column 1", None, 22, 41, None),  # noqa: E501 - a table
    ("auth", Severity.CRITICAL, "JWKSFetchError", "JWKSFetchError: 503 from the identity provider", "GET /login", 3.5, 67, None),  # noqa: E501 - a table
    ("search", Severity.ERROR, "IndexError", "IndexError: list index out of range in rank()", "GET /search", 37, 2, None),  # noqa: E501 - a table
    ("api", Severity.WARNING, "DeprecationNotice", "v1 endpoint called by client ios/3.1", "GET /v1/feed", 18, 940, None),  # noqa: E501 - a table
    ("edge", Severity.ERROR, "TLSHandshakeError", "TLSHandshakeError: certificate expires in 3 days", None, 26, 5, "ops-b"),  # noqa: E501 - a table
    ("api", Severity.ERROR, "KeyError", "KeyError: 'order_id'", "GET /orders/{id}", 0.2, 37, None),
)  # fmt: skip


class ScriptedLogs:
    """What the core needs of CloudWatch, from a script."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started_at_ms = clock.now_ms()

    def start_tail(self, spec: TailSpec) -> TailInfo:
        """One tail."""
        return TailInfo(tail_id="t1", spec=spec, log_groups=("/app/api",), viewers=3, started_at_ms=self._started_at_ms)

    @asynccontextmanager
    async def open_tail(self, tail_id: str) -> AsyncIterator[AsyncIterator[TailBatch]]:  # noqa: ARG002 - the protocol's
        """Ten minutes of lines, then silence."""
        batches = self._batches()
        try:
            yield batches
        finally:
            await batches.aclose()

    async def _batches(self) -> AsyncGenerator[TailBatch, None]:
        yield TailBatch(events=log_events(self._clock.now_ms()))
        await asyncio.Event().wait()

    def tails(self) -> tuple[TailInfo, ...]:
        """The one."""
        return (self.start_tail(TailSpec(targets=("api",))),)

    def saved_tails(self) -> tuple[SavedTail, ...]:
        """None to keep."""
        return ()

    def resume_tail(self, saved: SavedTail) -> None:
        """No picture restarts."""
        raise NotImplementedError

    async def fetch(self, spec: TailSpec, start_ms: int, end_ms: int, limit: int) -> tuple[LogEvent, ...]:  # noqa: ARG002 - the protocol's
        """The script's lines in a range."""
        return tuple(event for event in log_events(end_ms) if event.timestamp_ms >= start_ms)[-limit:]

    async def around(self, service: str, log_groups: tuple[str, ...], at_ms: int, limit: int) -> tuple[LogEvent, ...]:  # noqa: ARG002 - the protocol's
        """Lines before a moment."""
        return log_events(at_ms)[-min(limit, 7) :]

    def query(self, spec: QuerySpec) -> AbstractAsyncContextManager[AsyncIterator[QueryProgress]]:
        """No picture asks."""
        raise NotImplementedError

    async def check(self) -> PartHealth:
        """Fine."""
        return PartHealth(part="aws", state=PartState.OK, detail="eu-central-1")

    async def run_watches(self, execute: Execute, load_cursor: LoadCursor) -> None:
        """None."""


def log_events(end_ms: int) -> tuple[LogEvent, ...]:
    """Traffic of a web service up to a moment: fixed, but for the moment."""
    events = []
    state = 7
    for back in range(1_500, 0, -1):
        state = (state * 1_103_515_245 + 12_345) % 2**31
        level, message = _message(state, back)
        at_ms = end_ms - back * 397 + state % 200
        stream = f"web/{state % 3 + 1:02d}/{0xA1B2C3 + state % 3:06x}"
        late = state % 211 == 0
        events.append(_event(at_ms, stream, level, message, late=late))
    return tuple(events)


def _message(state: int, back: int) -> tuple[Level, str]:
    order, user, ms = state % 9_000 + 1_000, state % 800 + 200, state % 90 + 8
    request = f"req={state % 65_536:04x}"
    if back in {3, 61, 62, 160, 420, 421, 700}:
        trace = 'Traceback (most recent call last):\n  File "app/views/orders.py", line 118, in show'
        return Level.ERROR, f"KeyError: 'order_id' {request} [order {order}]\n{trace}\nKeyError: 'order_id'"
    if back % 97 == 0:
        return Level.WARNING, f"slow query 1.{ms} s on orders by user_id = {user} {request}"
    if back % 11 == 0:
        return (
            Level.INFO,
            f'{{"event":"charge","amount":{ms},"currency":"EUR","user":{user},"req":"{state % 65_536:04x}"}}',
        )
    if back % 7 == 0:
        return Level.DEBUG, f"cache miss key=cart:{user} ttl=300 {request}"
    return Level.INFO, f"GET /orders/{order} 200 {ms}ms user={user} {request}"


def _event(at_ms: int, stream: str, level: Level, message: str, *, late: bool) -> LogEvent:
    return LogEvent(
        log_group="/app/api",
        log_stream=stream,
        timestamp_ms=at_ms,
        ingestion_ms=at_ms + 120,
        message=message,
        level=level,
        late=late,
    )


def configuration(home: Path) -> Config:
    """Everything set, with nothing real in it."""
    names = ("api", "worker", "edge", "billing", "search", "mail", "auth", "thumbs")
    services = {name: ServiceConfig(name=name, log_groups=(f"/app/{name}",)) for name in names}
    return Config(
        home=home,
        environment="production",
        services=services,
        discord=DiscordConfig(token=Secret("none"), guild_id="1", alert_channel_id=CHANNEL),
        github=GitHubConfig(token=Secret("none"), owner="acme", repository="shop", base_branch="main"),
        aws=AwsConfig(region="eu-central-1"),
        http=HttpConfig(listen="127.0.0.1:0"),
    )


@asynccontextmanager
async def open_desk() -> AsyncIterator[Core]:
    """A seeded core that serves its socket, in a home that is removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="jk", dir="/tmp"))
    try:
        config = configuration(home)
        without_aws = msgspec.structs.replace(config, aws=AwsConfig())  # the script stands in for CloudWatch
        async with host(without_aws, ingest=False, background=False) as core:
            core.logs = ScriptedLogs(SystemClock())
            await seed(core)
            yield core
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def seed(core: Core) -> None:
    """Alerts, decisions, deliveries, health."""
    now_ms = core.clock.now_ms()
    sender = core.operator(Actor(kind=ActorKind.INGEST, id="webhook", name="webhook"))
    for service, severity, exception, message, request, minutes, times, _ in ALERTS:
        last_ms = now_ms - int(minutes * MINUTE_MS)
        for back in range(min(times, 40), 0, -1):
            report = ReportOccurrence(
                service=service,
                message=message,
                exception_type=exception,
                severity=severity,
                request_path=request,
                stack_trace=TRACE if exception == "KeyError" else None,
                related_logs=_related(last_ms) if exception == "KeyError" else (),
                instance_id="i-0abc123" if service == "api" else None,
                commit_sha="a1b2c3d94f" if service == "api" else None,
                context={"release": "api@1.4.2", "user.plan": "team"} if exception == "KeyError" else {},
                occurred_at_ms=last_ms - (back - 1) * 9_700,
            )
            await sender.execute(report)
    await _decide(core)
    await _deliver(core)
    for health in (
        PartHealth(part="discord", state=PartState.OK, detail="connected", latency_ms=41, at_ms=now_ms),
        PartHealth(part="aws", state=PartState.OK, detail="eu-central-1", at_ms=now_ms),
        PartHealth(part="github", state=PartState.OK, detail="4,812 left", at_ms=now_ms),
    ):
        await core.operator(SYSTEM).execute(ReportHealth(health=health))


def _related(last_ms: int) -> tuple[LogLine, ...]:
    return (
        LogLine(message="INFO GET /orders/77 user=1009 req=7f3a", at_ms=last_ms - 19, log_group="/app/api"),
        LogLine(message="ERROR KeyError: 'order_id' req=7f3a", at_ms=last_ms, log_group="/app/api"),
    )


async def _decide(core: Core) -> None:
    for alert_id, (*_, who) in enumerate(ALERTS, start=1):
        if who is not None:
            actor = Actor(kind=ActorKind.DISCORD, id=str(hash(who) % 10**9), name=who)
            await core.operator(actor).execute(Acknowledge(alert_id=alert_id))
    someone = core.operator(Actor(kind=ActorKind.LOCAL, id="1000", name="jo"))
    await someone.execute(CreatePullRequest(alert_id=9))
    url = "https://github.com/acme/shop/pull/311"
    await core.operator(SYSTEM).execute(RecordPullRequest(alert_id=9, number=311, url=url))
    await someone.execute(Resolve(alert_id=7))


async def _deliver(core: Core) -> None:
    board = core.operator(SYSTEM)
    await board.execute(TakeLease(name="board", holder="pictures", ttl_s=60))
    snapshot = await board.snapshot()
    for delivery in snapshot.deliveries:
        behind, failed = delivery.alert_id == 6, delivery.alert_id == 13
        await board.execute(
            RecordDelivery(
                alert_id=delivery.alert_id,
                channel_id=delivery.channel_id,
                holder="pictures",
                state=DeliveryState.FAILED if failed else DeliveryState.POSTED,
                message_id=None if failed else str(1_400_000_000_000_000_000 + delivery.alert_id),
                shown_revision=0 if failed else delivery.wanted_revision - behind,
                shown_hash="" if failed else "00",
                error="Missing Permissions (50013)" if failed else None,
            )
        )
