"""The core: the single writer, and the embedded Operator on it.

Commands that wait together share a transaction: one load, decisions in order, one commit, then publish, then answer.
The writer never awaits the network.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Self

import msgspec

from jinkies import authz
from jinkies.clock import Clock
from jinkies.commands import (
    AnyCommand,
    CreateIssue,
    CreatePullRequest,
    NoteRefusal,
    Outcome,
    ReportHealth,
    StartChannelTail,
    StartTail,
)
from jinkies.config import Config
from jinkies.embedded import EmbeddedOperator
from jinkies.errors import (
    CommandError,
    Conflict,
    Disconnected,
    Forbidden,
    Invalid,
    NotConfigured,
    Overloaded,
    ResyncNeeded,
    StoreFailed,
)
from jinkies.events import HealthChanged, Position, Snapshot, TailsChanged
from jinkies.hub import Hub, Published, Subscription
from jinkies.model import (
    Actor,
    ActorKind,
    LogEvent,
    PartHealth,
    PartState,
    QueryProgress,
    QuerySpec,
    TailBatch,
    TailSpec,
)
from jinkies.permissions import Permission
from jinkies.policies import policy_of
from jinkies.ports import Logs
from jinkies.preparing import prepare
from jinkies.redact import by_rules, redact_command
from jinkies.requests import Request, check_key, digest, wanted_of
from jinkies.store.changes import Changes, Loaded
from jinkies.store.reader import Reader
from jinkies.store.writer import Writer
from jinkies.waiting import Waiting
from jinkies.workspace import Workspace

Asked = tuple[Request, asyncio.Future[Outcome]]

_log = logging.getLogger(__name__)


class Core:
    """Owns the state. Enter it to start the writer; leaving answers what waits, then stops.

    Queue policy: at most ``config.http.max_waiting`` commands wait; one more raises ``Overloaded``.
    """

    def __init__(
        self, *, config: Config, clock: Clock, writer: Writer, reader: Reader, epoch: str, head: int, logs: Logs | None
    ) -> None:
        self.config = config
        self.clock = clock
        self.epoch = epoch
        self.reader = reader
        self.hub = Hub(head)
        self.health: dict[str, PartHealth] = {}
        self._heard_at_ms: dict[str, int] = {}
        self.ingest_address: str | None = None
        self.logs = logs
        self._store = writer
        self._waiting: Waiting[Asked] = Waiting(config.http.max_waiting)
        self._writer_task: asyncio.Task[None] | None = None
        self._closing = False
        self._redactor = by_rules(config.redact)
        self._rights = config.discord.rights
        self._routes = config.routes if config.discord.missing() is None else ()
        self._policy = policy_of(config)

    async def __aenter__(self) -> Self:
        self._writer_task = asyncio.create_task(self._write_for_ever(), name="jinkies-writer")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        await self._waiting.join()
        if self._writer_task is not None:
            self._writer_task.cancel()
            await asyncio.wait({self._writer_task})

    def operator(self, actor: Actor) -> EmbeddedOperator:
        """The Operator for somebody in this process."""
        return EmbeddedOperator(self, actor)

    # ------------------------------------------------------------------ commands

    async def execute(self, command: AnyCommand, actor: Actor, key: str | None = None) -> Outcome:
        """Carry a command out; see ``Operator.execute``."""
        check_key(key)
        match command:
            case ReportHealth(health=health):
                authz.check(actor, command, rights=self._rights)
                self.report_health(health)
                return Outcome(reason="noted")
            case StartTail(spec=spec):
                await self._authorise_tail(actor, command)
                return Outcome(tail_id=self._logs().start_tail(spec).tail_id, reason="following")
        if isinstance(command, StartChannelTail):  # what can't be followed is not recorded
            await self._authorise_tail(actor, command)
            self._logs().start_tail(command.spec)  # it waits a while for the bot
        if isinstance(command, CreatePullRequest | CreateIssue):
            await self._require_repository(command.alert_id, actor)
        request = Request(
            command=redact_command(command, self._redactor),
            actor=actor,
            prepared=await prepare(command, self.config, self._redactor),
            key=key,
            digest=digest(command) if key is not None else b"",
        )
        return await self.submit(request)

    def submit(self, request: Request) -> asyncio.Future[Outcome]:
        """Queue a request that is redacted and prepared; the future gives what ``execute`` does.

        Raises:
            Disconnected: the core is shutting down.
            Overloaded: too many wait already.
        """
        if self._closing:
            raise Disconnected("the core is shutting down")
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        try:
            self._waiting.put((request, answer))
        except asyncio.QueueFull:
            raise Overloaded(f"{self._waiting.limit:,} commands wait already") from None
        return answer

    def report_health(self, health: PartHealth) -> None:
        """Keep and publish how a part is doing; the same again is no change.

        ``at_ms`` becomes since when it is so; of what doesn't work, since when it doesn't, for whatever reasons.
        """
        health = msgspec.structs.replace(health, detail=self._redactor.text(health.detail)) if health.detail else health
        now_ms, held = self.clock.now_ms(), self.health.get(health.part)
        self._heard_at_ms[health.part] = now_ms
        same = held is not None and _alike(held, health)
        health = msgspec.structs.replace(health, at_ms=held.at_ms if held is not None and same else now_ms)
        if health != held:
            self.health[health.part] = health
            self.hub.publish(HealthChanged(health=health))

    def unheard_ms(self, part: str) -> int:
        """How long nobody has reported on a part that somebody reported on."""
        return self.clock.now_ms() - self._heard_at_ms[part]

    def tails_changed(self) -> None:
        """Publish the tails that run now."""
        if self.logs is not None:
            self.hub.publish(TailsChanged(tails=self.logs.tails()))

    async def _authorise_tail(self, actor: Actor, command: StartTail | StartChannelTail) -> None:
        """Raise ``Forbidden``, after it was noted in the journal, unless they may follow those logs."""
        services = authz.tailed_services(command.spec, self.config.services)
        try:
            authz.check(actor, command, rights=self._rights, services=services)
        except Forbidden as refusal:
            if actor.kind is ActorKind.DISCORD:
                await self.submit(Request(command=NoteRefusal(what="tail", reason=str(refusal)), actor=actor))
            raise

    async def _require_repository(self, alert_id: int, actor: Actor) -> None:
        """Say what to set rather than record an intent that nobody can carry out; who may not is refused later."""
        if actor.kind is ActorKind.DISCORD and not self._rights.somewhere(actor, Permission.CREATE):
            return
        if (missing := self.config.github.missing()) is not None:
            raise NotConfigured(f"GitHub is not configured: {missing}")
        service = (await self.reader.alert(alert_id)).row.service
        if actor.kind is ActorKind.DISCORD and not self._rights.may(actor, Permission.CREATE, service):
            return
        if (missing := self.config.missing_repository(service)) is not None:
            raise NotConfigured(f"no repository for {service}: {missing}")

    async def _write_for_ever(self) -> None:
        while True:
            batch = await self._waiting.batch()
            try:
                await self._write(batch)
            except Exception:  # the writer outlives whatever it is: who waits would wait for ever
                _log.exception("a batch of %d commands failed", len(batch))
                _fail(batch, StoreFailed("internal error; the log says more"))
            finally:
                self._waiting.done(batch)
            await self._store.tidy()

    async def _write(self, batch: list[Asked]) -> None:
        try:
            changes, answers, bodies = await self._transact([request for request, _ in batch])
        except StoreFailed as error:
            _fail(batch, error)
            self.report_health(PartHealth(part="store", state=PartState.FAILED, detail=str(error)))
            return
        except Exception:
            if len(batch) > 1:  # one of them, by a fault of ours, can't be carried out: the others can
                for one in batch:
                    await self._write([one])
                return
            _log.exception("a command failed: %s", batch[0][0].command.__struct_config__.tag)
            _fail(batch, StoreFailed("internal error; the log says more"))
            return
        for entry, body in zip(changes.entries, bodies, strict=True):
            self.hub.publish(entry, body)
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, CommandError):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        self.report_health(PartHealth(part="store", state=PartState.OK))

    async def _transact(self, requests: list[Request]) -> tuple[Changes, list[Outcome | CommandError], list[bytes]]:
        """All of them in one transaction. Raises with nothing written."""
        now_ms = self.clock.now_ms()
        answers: list[Outcome | CommandError] = []
        changes = Changes()

        def decide(loaded: Loaded) -> Changes:  # in the writer's thread: it reads nothing that changes
            nonlocal changes
            space = self._space(loaded, now_ms)
            answers.extend(self._carry_out(space, request) for request in requests)
            changes = space.changes
            return changes

        bodies = await self._store.transact(wanted_of(requests, now_ms), decide)
        return changes, answers, bodies

    def _space(self, loaded: Loaded, now_ms: int) -> Workspace:
        return Workspace(
            loaded,
            now_ms=now_ms,
            alert_channel_id=self.config.discord.alert_channel_id,
            policy=self._policy,
            routes=self._routes,
            new_cards=self.config.discord.max_new_cards_per_minute,
            threads=self.config.discord.threads,
            rights=self._rights,
            declared=self.config.services,
        )

    def _carry_out(self, space: Workspace, request: Request) -> Outcome | CommandError:
        try:
            return space.carry_out(request)
        except (Forbidden, Conflict) as refusal:
            space.refuse(request, refusal)
            return refusal
        except CommandError as refusal:
            return refusal

    # ------------------------------------------------------------------ reading

    async def snapshot(self) -> Snapshot:
        """See ``Operator.snapshot``."""
        state = await self.reader.state()
        return Snapshot(
            position=Position(self.epoch, state.seq),
            counts=state.counts,
            rows=state.rows,
            deliveries=state.deliveries,
            secrets=state.secrets,
            tails=self.logs.tails() if self.logs is not None else (),
            health=tuple(self.health.values()),
            channel_tails=await self.reader.channel_tails(),
            silences=await self.reader.silences(self.clock.now_ms()),
        )

    @asynccontextmanager
    async def subscribe(self, after: Position) -> AsyncIterator[AsyncIterator[Published]]:
        """Everything after a position, with its encodings. Entering raises ``ResyncNeeded``."""
        if after.epoch != self.epoch:
            raise ResyncNeeded("the position is of another database")
        with self.hub.subscribe() as subscription:
            if after.seq > subscription.head:
                raise ResyncNeeded("the position is ahead of this database")
            if after.seq < subscription.head and after.seq + 1 < await self.reader.first_seq():
                raise ResyncNeeded("the position was compacted away")
            async with contextlib.aclosing(self._follow(after.seq, subscription)) as stream:
                yield stream

    async def _follow(self, after: int, subscription: Subscription) -> AsyncGenerator[Published, None]:
        until = subscription.head
        held = self.hub.replay(after, until)
        while held is None:
            page = await self.reader.journal_after(after)
            if not page or page[0][0].seq != after + 1:
                raise ResyncNeeded("the position was compacted away while it was followed")
            for entry, body in page:
                if entry.seq > until:
                    break
                after = entry.seq
                yield Published(entry, body)
            held = self.hub.replay(after, until)
        for published in held:
            yield published
        while True:
            yield await subscription.get()

    async def logs_around(self, alert_id: int, limit: int) -> tuple[LogEvent, ...]:
        """See ``Operator.logs_around``."""
        detail = await self.reader.alert(alert_id)
        groups = tuple(dict.fromkeys(line.log_group for line in detail.latest.related_logs if line.log_group))
        return await self._logs().around(detail.row.service, groups, detail.latest.occurred_at_ms, limit)

    async def fetch_logs(self, spec: TailSpec, start_ms: int, end_ms: int, limit: int) -> tuple[LogEvent, ...]:
        """See ``Operator.fetch_logs``."""
        if not 1 <= limit <= 10_000:
            raise Invalid(f"limit: {limit} is out of bounds; 1 to 10,000")
        return await self._logs().fetch(spec, start_ms, end_ms, limit)

    def open_tail(self, tail_id: str) -> AbstractAsyncContextManager[AsyncIterator[TailBatch]]:
        """See ``Operator.tail``."""
        return self._logs().open_tail(tail_id)

    def query_logs(self, spec: QuerySpec) -> AbstractAsyncContextManager[AsyncIterator[QueryProgress]]:
        """See ``Operator.query_logs``."""
        return self._logs().query(spec)

    def _logs(self) -> Logs:
        if self.logs is None:
            raise NotConfigured(f"AWS is not configured: {self.config.aws.missing() or 'this core reads no logs'}")
        return self.logs


def _alike(one: PartHealth, other: PartHealth) -> bool:
    broken = (PartState.CONNECTING, PartState.FAILED)
    if one.state in broken and other.state in broken:
        return True
    return (one.state, one.detail) == (other.state, other.detail)


def _fail(batch: list[Asked], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
