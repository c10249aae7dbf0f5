"""Watches: log lines of followed groups into alerts, each exactly once, whatever restarts in between.

A watch reads like a tail does, with an overlap for late events. What it reported is in its cursor, as identities above
a floor; cursor and occurrences are one command, so that a crash loses neither and doubles neither.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import msgspec

from jinkies.clock import Clock
from jinkies.commands import AdvanceWatch, AnyCommand, Outcome, ReportHealth, ReportOccurrence
from jinkies.config import Config, WatchConfig
from jinkies.errors import JinkiesError
from jinkies.logs.fetch import Ask, LineFilter, PageSource, merged
from jinkies.logs.follow import Patient
from jinkies.logs.occurrences import Finding, Match, gather, occurrence
from jinkies.logs.seen import Seen, SeenState
from jinkies.logs.sweep import Backoff, Sweep
from jinkies.logs.targets import group_name, resolve
from jinkies.model import PartHealth, PartState

POLL_S = 2.0  # of one group; more groups are polled less often, so that all watches stay under REQUESTS_PER_S
REQUESTS_PER_S = 2.0  # FilterLogEvents allows 5 to 25 a second for the whole account and region
SETTLE_S = 1.5  # a match waits this long for the rest of its stack trace and the lines after it
SETTLED_MS = 60_000  # what was ingested longer ago than this has nothing to wait for
PROGRESS_S = 60.0  # how often the cursor moves when nothing matches
REPORTS = 50  # occurrences in one command
MOST_WAITING = 1_000  # matches held; the rest are read by the next poll
CURSOR_KEYS = 20_000  # identities of one watch: at most 0.7 MB of cursor
BACKOFF_MOST_S = 60.0

Execute = Callable[[AnyCommand], Awaitable[Outcome]]
LoadCursor = Callable[[str], Awaitable[str | None]]

_log = logging.getLogger(__name__)


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """What a watch remembers: per log group a floor below which nothing is read, and what was reported above it."""

    v: int = 1
    groups: dict[str, SeenState] = {}


_CURSORS = msgspec.json.Decoder(Cursor)


class WatchRunner:
    """Runs every ``[[watches]]`` of a configuration, and reports their health as one part."""

    def __init__(
        self, config: Config, source: PageSource, clock: Clock, execute: Execute, load_cursor: LoadCursor
    ) -> None:
        self._config = config
        self._source = source
        self._clock = clock
        self._execute = execute
        self._load_cursor = load_cursor
        self._failing: dict[str, str] = {}
        self._running: set[str] = set()
        self._said: tuple[PartState, str] | None = None

    async def run(self) -> None:
        """For ever; a watch that fails keeps trying, and the others go on."""
        missing = self._config.aws.missing()
        if missing or not self._config.watches:
            await self._say(PartState.UNCONFIGURED, missing or "no [[watches]] in the configuration")
            await asyncio.Event().wait()
        async with asyncio.TaskGroup() as group:
            for watch in self._config.watches:
                group.create_task(self._keep_running(watch))

    async def _keep_running(self, watch: WatchConfig) -> None:
        backoff = Backoff(POLL_S, BACKOFF_MOST_S)
        running: Watch | None = None
        while True:
            trouble, slow_down = None, True
            try:
                running = running or await self._open(watch)
                trouble = await running.poll()
                slow_down = running.strained
            except JinkiesError as error:
                trouble = str(error)
            except Exception as error:  # one watch's fault must not stop the others
                _log.exception("watch %s broke", watch.name)
                trouble = f"internal error ({type(error).__name__})"
            await self._note(watch.name, trouble)
            if slow_down:
                await self._clock.sleep(backoff.failed(random.random()))  # noqa: S311 - spreads retries, hides nothing
            else:
                backoff.succeeded()
                await self._clock.sleep(self._pause(running))

    async def _open(self, watch: WatchConfig) -> Watch:
        groups = resolve(self._config, (watch.service or f"group:{watch.log_group}",))
        text = await self._load_cursor(watch.name)
        opened = Watch(watch, self._config, groups, text, self._source, self._clock, self._execute)
        if text is None:
            await opened.save()  # a restart before the first match begins here, not later
        return opened

    def _pause(self, running: Watch | None) -> float:
        if running is not None and running.pending:
            return SETTLE_S
        return max(POLL_S, len(self._config.watches) / REQUESTS_PER_S)

    async def _note(self, name: str, trouble: str | None) -> None:
        self._running.add(name)
        if trouble is None:
            self._failing.pop(name, None)
        else:
            self._failing[name] = trouble
        if self._failing:
            detail = " · ".join(f"{failing}: {why}" for failing, why in sorted(self._failing.items()))
            await self._say(PartState.FAILED, detail[:1_000])
        elif len(self._running) == len(self._config.watches):
            await self._say(PartState.OK, f"{len(self._running)} following")

    async def _say(self, state: PartState, detail: str) -> None:
        """Report a change of health; the same again is no news."""
        if self._said == (state, detail):
            return
        health = PartHealth(part="watches", state=state, detail=detail, at_ms=self._clock.now_ms())
        try:
            await self._execute(ReportHealth(health=health))
        except JinkiesError as error:
            _log.warning("the watches' health could not be reported: %s", error)
            return
        self._said = (state, detail)


class Watch:
    """One watch at work. Matches wait in memory for the rest of their lines; a restart reads them again."""

    def __init__(
        self,
        watch: WatchConfig,
        config: Config,
        log_groups: tuple[str, ...],
        cursor: str | None,
        source: PageSource,
        clock: Clock,
        execute: Execute,
    ) -> None:
        self._watch = watch
        self._service = watch.service or service_of(config, watch.log_group or "")
        self._source = source
        self._clock = clock
        self._execute = execute
        self._keep = LineFilter(watch.level)
        self._capacity = CURSOR_KEYS // len(log_groups)
        known = _load(watch.name, cursor)
        self._sweeps = {group_name(group): Sweep(group, self._seen(known, group)) for group in log_groups}
        self._waiting: dict[bytes, _Waiting] = {}
        self._saved_s = clock.monotonic_s()
        self.strained = False  # whether the last poll says to ask less often, see ``Patient.strained``

    @property
    def pending(self) -> bool:
        """Whether a match waits for the rest of its lines."""
        return bool(self._waiting)

    async def poll(self) -> str | None:
        """Read once, and report what settled. Returns why some groups gave nothing, None when all did.

        Raises:
            JinkiesError: the core did not take it; what was not recorded is tried again by the next poll.
        """
        source = Patient(self._source)
        monotonic_s = self._clock.monotonic_s()
        whole = await self._read(source, monotonic_s)
        await self._report(monotonic_s)
        for name, sweep in self._sweeps.items():
            waiting = [
                one.match.event.timestamp_ms for one in self._waiting.values() if one.match.event.log_group == name
            ]
            keep_from_ms = min(waiting, default=None)
            if whole and sweep.log_group not in source.failures:
                sweep.note(source.read.get(sweep.log_group, 0), source.newest_ms.get(sweep.log_group, 0))
                sweep.finish(monotonic_s, keep_from_ms)
            sweep.trim(self._clock.now_ms() if keep_from_ms is None else keep_from_ms)
        if monotonic_s - self._saved_s >= PROGRESS_S:
            await self.save()
        self.strained = source.strained(len(self._sweeps))
        return source.trouble()

    async def save(self, reports: tuple[ReportOccurrence, ...] = ()) -> None:
        """Record what was found and how far this watch has read, in one transaction."""
        groups = {name: sweep.seen.state() for name, sweep in self._sweeps.items()}
        cursor = msgspec.json.encode(Cursor(groups=groups)).decode()
        await self._execute(AdvanceWatch(watch=self._watch.name, cursor=cursor, occurrences=reports))
        self._saved_s = self._clock.monotonic_s()

    def _seen(self, known: Cursor, group: str) -> Seen:
        state = known.groups.get(group_name(group))
        return Seen(self._clock.now_ms(), self._capacity) if state is None else Seen.of(state, self._capacity)

    async def _read(self, source: PageSource, monotonic_s: float) -> bool:
        """Take in the matches that were not reported. Returns whether the reading came to its end."""
        now_ms = self._clock.now_ms()
        asks = [
            Ask(log_group=sweep.log_group, start_ms=sweep.begin(now_ms, monotonic_s), pattern=self._watch.pattern)
            for sweep in self._sweeps.values()
        ]
        async with aclosing(merged(source, asks, self._keep)) as runs:
            async for run in runs:
                for event in run:
                    key = self._sweeps[event.log_group].fresh(event)
                    if key is not None and key not in self._waiting:
                        if len(self._waiting) >= MOST_WAITING:
                            return False
                        self._waiting[key] = _Waiting(match=Match(event=event, key=key), since_s=monotonic_s)
        return True

    async def _report(self, monotonic_s: float) -> None:
        """Report what settled, in commands of at most ``REPORTS`` findings, each with the cursor that includes them."""
        settled_ms = self._clock.now_ms() - SETTLED_MS
        settled = [
            waiting.match
            for waiting in self._waiting.values()
            if monotonic_s - waiting.since_s >= SETTLE_S or waiting.match.event.ingestion_ms < settled_ms
        ]
        findings = await gather(self._source, settled, self._watch, self._sweeps) if settled else []
        for at in range(0, len(findings), REPORTS):
            await self._record(findings[at : at + REPORTS])

    async def _record(self, findings: list[Finding]) -> None:
        matches = [match for finding in findings for match in finding.matches]
        for match in matches:
            self._sweeps[match.event.log_group].seen.add(match.event, match.key)
        reports = [occurrence(finding, self._watch, self._service) for finding in findings if not finding.continued]
        try:
            await self.save(tuple(reports))
        except BaseException:
            for match in matches:
                self._sweeps[match.event.log_group].seen.discard(match.event, match.key)
            raise
        for match in matches:
            self._waiting.pop(match.key, None)


class _Waiting(msgspec.Struct, frozen=True):
    match: Match
    since_s: float  # monotonic


def service_of(config: Config, log_group: str) -> str:
    """The service that a log group belongs to: the configuration's, else the last part of the group's name."""
    for service in config.services.values():
        if log_group in service.log_groups:
            return service.name
    return group_name(log_group).rstrip("/").rsplit("/", 1)[-1] or "unknown"


def _load(name: str, text: str | None) -> Cursor:
    if text is None:
        return Cursor()
    try:
        return _CURSORS.decode(text)
    except msgspec.DecodeError:
        _log.warning("the cursor of watch %s can't be read: it begins again at now", name)
        return Cursor()
