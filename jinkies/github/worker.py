"""Carries out the draft pull requests and issues that were asked for: the core records an intent, this makes it so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from jinkies.clock import Clock
from jinkies.commands import RecordIssue, RecordPullRequest
from jinkies.config import Config
from jinkies.errors import CommandError, Disconnected, JinkiesError, ResyncNeeded, Unavailable, UpstreamError
from jinkies.events import JournalEntry, Position
from jinkies.github.client import GitHubClient
from jinkies.github.issues import Issues
from jinkies.github.pull_requests import PullRequests
from jinkies.github.standing import NumberRef
from jinkies.model import AlertDetail, EntryKind, PartHealth, PartState, WorkState
from jinkies.operator import Operator

log = logging.getLogger(__name__)

FIRST_RETRY_S = 2.0
LAST_RETRY_S = 300.0
_ASKED = (EntryKind.PULL_REQUEST_REQUESTED, EntryKind.ISSUE_REQUESTED)


class GitHubWorker:
    """Opens pull requests and issues, one after another, for as long as ``run`` runs.

    Args:
        operator: acts as the system itself.
        config: read once; what is not set up is a failure that says what to set.
        epoch: of the database, 32 hex digits.
        clock: for backoff and pacing.
        pending: ids of the alerts whose pull request or issue is asked for and not there yet.
    """

    def __init__(
        self,
        operator: Operator,
        config: Config,
        epoch: str,
        clock: Clock,
        pending: Callable[[], Awaitable[tuple[int, ...]]],
    ) -> None:
        self._operator = operator
        self._config = config
        self._clock = clock
        self._pending = pending
        self.client = GitHubClient(config.github, clock)
        self._pull_requests = PullRequests(self.client, config, epoch)
        self._issues = Issues(self.client, config, epoch)
        # Bounded by the alerts that wait for GitHub: each is in ``_held`` at most once, queued or backing off.
        self._queue: asyncio.Queue[int] = asyncio.Queue()
        self._held: set[int] = set()
        self._attempts: dict[int, int] = {}

    async def run(self) -> None:
        """Carry out what is pending, then what the journal brings; until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_for_ever(), name="github-follow")
            group.create_task(self._work_for_ever(group), name="github-work")

    async def carry_out(self, alert_id: int) -> None:
        """Open what was asked for and record it; nothing when nothing is asked for.

        What GitHub refuses for good is recorded as the failure.

        Raises:
            UpstreamError: with ``retry``: GitHub can't be asked now; the same call can work later.
            JinkiesError: the core refused or could not be reached.
        """
        detail = await self._operator.alert(alert_id)
        row = detail.row
        if row.issue is not None and row.issue.state is WorkState.REQUESTED:
            await self._open("issue", detail, self._issues.opened, RecordIssue)
        if row.pull_request is not None and row.pull_request.state is WorkState.REQUESTED:
            await self._open("pull request", detail, self._pull_requests.opened, RecordPullRequest)

    async def _open(
        self,
        what: str,
        detail: AlertDetail,
        opened: Callable[[AlertDetail], Awaitable[NumberRef]],
        record: type[RecordPullRequest | RecordIssue],
    ) -> None:
        alert_id = detail.row.alert_id
        try:
            found = await opened(detail)
        except UpstreamError as error:
            if error.retry:
                raise
            log.warning("%s of alert %d failed: %s", what, alert_id, error)
            await self._operator.execute(record(alert_id=alert_id, error=str(error)))
            return
        await self._operator.execute(
            record(alert_id=alert_id, number=found.number, url=found.html_url, on_github=found.on_github)
        )

    async def check(self) -> PartHealth:
        """How GitHub is doing, asked now: what is left of the hour's requests, or what is wrong, or what to set."""
        missing = self._config.github.missing() or self._missing_repository()
        if missing:
            return self._health(PartState.UNCONFIGURED, missing)
        started_s = self._clock.monotonic_s()
        try:
            await self._ask_anything()
        except UpstreamError as error:
            return self._health(PartState.FAILED, str(error))
        left = self.client.remaining
        latency_ms = (self._clock.monotonic_s() - started_s) * 1000
        return self._health(PartState.OK, "" if left is None else f"{left:,} left", latency_ms)

    def _missing_repository(self) -> str | None:
        if self._config.github.default_repository or any(
            service.repository for service in self._config.services.values()
        ):
            return None
        return self._config.missing_repository("<name>")

    async def _ask_anything(self) -> None:
        name = self._config.github.default_repository
        if name is None and self._config.github.token is None:  # an app can only ask about a repository
            name = next(service.repository for service in self._config.services.values() if service.repository)
        if name is None:
            await self.client.rate_limit()
        else:
            await self.client.repository(name)

    def _health(self, state: PartState, detail: str, latency_ms: float | None = None) -> PartHealth:
        return PartHealth(part="github", state=state, detail=detail, latency_ms=latency_ms, at_ms=self._clock.now_ms())

    # ------------------------------------------------------------------------------------------- following

    async def _follow_for_ever(self) -> None:
        while True:
            try:
                await self._follow()
            except ResyncNeeded:
                continue
            except Unavailable as error:
                log.warning("following the journal for work on GitHub broke: %s", error)
                await self._clock.sleep(FIRST_RETRY_S)

    async def _follow(self) -> None:
        """Position first, then what is pending, then everything after the position: nothing falls between."""
        position: Position = (await self._operator.snapshot()).position
        for alert_id in await self._pending():
            self._hold(alert_id)
        async with self._operator.subscribe(position) as updates:
            async for update in updates:
                if isinstance(update, JournalEntry) and update.kind in _ASKED:
                    self._hold(update.alert_id)
        raise Disconnected("the core's journal ended")

    def _hold(self, alert_id: int | None) -> None:
        if alert_id is not None and alert_id not in self._held:
            self._held.add(alert_id)
            self._queue.put_nowait(alert_id)

    async def _work_for_ever(self, group: asyncio.TaskGroup) -> None:
        while True:
            alert_id = await self._queue.get()
            self._held.discard(alert_id)  # before it is looked at: a request made meanwhile is looked at again
            delay_s = await self._attempt(alert_id)
            if delay_s is not None and alert_id not in self._held:
                self._held.add(alert_id)
                group.create_task(self._later(alert_id, delay_s), name=f"github-retry-{alert_id}")

    async def _attempt(self, alert_id: int) -> float | None:
        """Carry one out; None when it is settled, else the seconds until it should be tried again."""
        try:
            await self.carry_out(alert_id)
        except CommandError as error:  # the alert is gone
            log.warning("work on GitHub for alert %d dropped: %s", alert_id, error)
        except JinkiesError as error:
            attempt = self._attempts.get(alert_id, 0)
            self._attempts[alert_id] = attempt + 1
            delay_s = max(min(FIRST_RETRY_S * 2.0 ** min(attempt, 16), LAST_RETRY_S), self.client.wait_s())
            log.warning("work on GitHub for alert %d waits %.0f s: %s", alert_id, delay_s, error)
            return delay_s
        self._attempts.pop(alert_id, None)
        return None

    async def _later(self, alert_id: int, delay_s: float) -> None:
        await self._clock.sleep(delay_s)
        self._queue.put_nowait(alert_id)
