"""Follows the pull requests and issues of alerts on GitHub: what was merged or closed there is recorded here.

It looks, since webhooks are neither redelivered nor set up everywhere. What that may cost, at most:

- One request at a time, ``GAP_S`` apart, ``LOOKS`` in a round, and ``ROUND_S`` between rounds: under 1,300 an hour, of
  the 5,000 that GitHub allows. What didn't change is a 304, which costs none (GitHub: "Best practices for using the
  REST API"). When fewer than ``RESERVE`` are left for everything else, it looks at one every ``LOW_GAP_S``.
- What is open, of an unresolved alert that was seen within ``FRESH_DAYS``, is looked at every ``SOON_S``; all else
  every ``SELDOM_S``: it may still be merged, reopened or closed.
- Never: what is merged, alerts that were resolved more than ``LATE_DAYS`` ago, and more than ``MOST`` alerts at once.
- A repository that is gone or closed to us is said once and left alone for ``LEFT_ALONE_S``; likewise one issue.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from jinkies.clock import Clock
from jinkies.commands import RecordOnGitHub
from jinkies.errors import CommandError, JinkiesError, UpstreamError
from jinkies.github.client import GitHubClient, decoded
from jinkies.github.errors import Asked
from jinkies.github.standing import NumberRef, repository_in
from jinkies.model import AlertRow, Issue, LinkKind, OnGitHub, PullRequest, WorkState
from jinkies.operator import Operator

log = logging.getLogger(__name__)

GAP_S = 2.0
LOOKS = 30
ROUND_S = 30.0
RESERVE = 500
LOW_GAP_S = 300.0
SOON_S = 180.0
SELDOM_S = 3_600.0
LEFT_ALONE_S = 6 * 3_600.0
LAST_RETRY_S = 900.0
FRESH_DAYS = 7
LATE_DAYS = 14
MOST = 500
DAY_MS = 86_400_000

Followed = Callable[[int, int], Awaitable[tuple[AlertRow, ...]]]


class Place(msgspec.Struct, frozen=True):
    """Where a pull request or an issue is."""

    repository: str  # owner/name
    kind: LinkKind
    number: int

    @property
    def name(self) -> str:
        """In words: ``PR #7 of octo/shop``."""
        return f"{'PR' if self.kind is LinkKind.PULL_REQUEST else 'issue'} #{self.number} of {self.repository}"

    @property
    def path(self) -> str:
        """In the API."""
        what = "pulls" if self.kind is LinkKind.PULL_REQUEST else "issues"
        return f"repos/{self.repository}/{what}/{self.number}"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What is followed: as the alert has it, and how often it is looked at."""

    alert_id: int
    place: Place
    known: OnGitHub | None
    every_s: float


def targets_of(row: AlertRow, now_ms: int) -> tuple[Target, ...]:
    """What of an alert's work may still change."""
    fresh = row.unresolved and now_ms - row.last_seen_at_ms < FRESH_DAYS * DAY_MS
    works = ((LinkKind.PULL_REQUEST, row.pull_request), (LinkKind.ISSUE, row.issue))
    found = ((_place(kind, work), work) for kind, work in works if work is not None and work.state is WorkState.DONE)
    return tuple(
        Target(
            alert_id=row.alert_id,
            place=place,
            known=work.on_github,
            every_s=SOON_S if fresh and (work.on_github is None or work.on_github.is_open) else SELDOM_S,
        )
        for place, work in found
        if place is not None and work.on_github is not OnGitHub.MERGED
    )


def _place(kind: LinkKind, work: PullRequest | Issue) -> Place | None:
    repository = repository_in(work.url)
    return Place(repository, kind, work.number) if repository is not None and work.number is not None else None


class Following:
    """Looks for as long as ``run`` runs.

    Args:
        operator: acts as the system itself.
        client: the worker's, so that both are one client to GitHub.
        clock: for pacing.
        followed: gives at most so many alerts (second argument) whose work may still change, those resolved before a
            time (first argument, ms since the epoch) apart; the most urgent first.
    """

    def __init__(self, operator: Operator, client: GitHubClient, clock: Clock, followed: Followed) -> None:
        self._operator = operator
        self._client = client
        self._clock = clock
        self._followed = followed
        # Each bounded by what is followed: places that are followed no more are forgotten with the next round.
        self._due_s: dict[Place, float] = {}  # monotonic
        self._etags: dict[Place, str] = {}
        self._left_alone_s: dict[str, float] = {}  # name of a repository or a place → until when
        self._said: set[str] = set()  # what is wrong and was logged
        self._failed = 0  # rounds in a row
        self._started = False

    async def run(self) -> None:
        """Round after round, until it is cancelled."""
        while True:
            await self.round()
            pause_s = min(ROUND_S * 2.0 ** min(self._failed, 16), LAST_RETRY_S)
            await self._clock.sleep(max(pause_s, self._client.wait_s(), LOW_GAP_S if self._is_low else 0.0))

    @property
    def _is_low(self) -> bool:
        left = self._client.remaining
        return left is not None and left < RESERVE

    async def round(self) -> None:
        """Look at what is due, the longest overdue first; ends early when GitHub can't be asked."""
        now_ms = self._clock.now_ms()
        rows = await self._followed(now_ms - LATE_DAYS * DAY_MS, MOST)
        targets = [target for row in rows for target in targets_of(row, now_ms)]
        for number, target in enumerate(self._due(targets)):
            if number and self._is_low:
                return
            if number:
                await self._clock.sleep(GAP_S)
            if not await self._attempt(target):
                self._failed += 1
                return
        self._failed = 0

    def _due(self, targets: Sequence[Target]) -> list[Target]:
        """What is to be looked at now. At a start that is everything; what was opened since is known for a while."""
        now_s = self._clock.monotonic_s()
        self._forget({target.place for target in targets})
        for target in targets:
            first_s = target.every_s if self._started and target.known is not None else 0.0
            due_s = self._due_s.setdefault(target.place, now_s + first_s)
            self._due_s[target.place] = min(due_s, now_s + target.every_s)  # its alert is open again
        self._started = True
        due = [one for one in targets if self._due_s[one.place] <= now_s and not self._is_left_alone(one.place)]
        return sorted(due, key=lambda target: self._due_s[target.place])[:LOOKS]

    def _is_left_alone(self, place: Place) -> bool:
        now_s = self._clock.monotonic_s()
        return any(now_s < self._left_alone_s.get(name, 0.0) for name in (place.repository, place.name))

    def _leave_alone(self, name: str) -> None:
        self._left_alone_s[name] = self._clock.monotonic_s() + LEFT_ALONE_S

    def _forget(self, followed: set[Place]) -> None:
        for gone in self._due_s.keys() - followed:
            del self._due_s[gone]
            self._etags.pop(gone, None)
        names = {name for place in followed for name in (place.repository, place.name)}
        self._left_alone_s = {name: until_s for name, until_s in self._left_alone_s.items() if name in names}
        self._said &= names | {""}

    async def _attempt(self, target: Target) -> bool:
        """Look at one; False when the others had better wait too."""
        place = target.place
        if self._is_left_alone(place):  # since this round began
            return True
        self._due_s[place] = self._clock.monotonic_s() + target.every_s
        try:
            await self._look(target)
        except UpstreamError as error:
            if error.retry:
                self._say("", f"GitHub can't be asked how pull requests and issues stand: {error}")
                return False
            self._leave_alone(place.repository)
            self._say(place.repository, f"what became of {place.name} is not known: {error}")
        except CommandError as error:  # the alert is gone
            log.debug("%s is followed no more: %s", place.name, error)
        except JinkiesError as error:
            self._say("", f"what became of {place.name} could not be recorded: {error}")
            return False
        else:
            self._said -= {"", place.repository}
        return True

    async def _look(self, target: Target) -> None:
        """Ask GitHub, and record what is new. Raises ``JinkiesError``."""
        place = target.place
        asked = Asked(what=f"read {place.name}", repository=place.repository)
        answer = await self._client.ask(
            asked, "GET", place.path, etag=self._etags.get(place, ""), accept=(304, 404, 410)
        )
        if answer.status == 304:
            return
        if answer.status in (404, 410):
            await self._miss(place)
            return
        found = decoded(answer, NumberRef, asked)
        if found.on_github is not target.known:
            await self._operator.execute(
                RecordOnGitHub(
                    alert_id=target.alert_id,
                    kind=place.kind,
                    number=place.number,
                    on_github=found.on_github,
                    by=found.by,
                )
            )
        self._etags[place] = answer.headers.get("etag", "")

    async def _miss(self, place: Place) -> None:
        """It isn't there: neither is its repository, which is then the error that is raised; or it alone."""
        await self._client.repository(place.repository)
        self._leave_alone(place.name)
        self._say(place.name, f"{place.name} is not there any more")

    def _say(self, what: str, text: str) -> None:
        """Once, until it is right again."""
        log.log(logging.DEBUG if what in self._said else logging.WARNING, "%s", text)
        self._said.add(what)
