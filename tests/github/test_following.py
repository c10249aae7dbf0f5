"""What became of pull requests and issues on GitHub, through the real worker and the simulated GitHub."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from jinkies.app import host
from jinkies.clock import Clock
from jinkies.commands import CreateIssue, CreatePullRequest, RecordOnGitHub, ReportOccurrence, Resolve
from jinkies.config import Config
from jinkies.core import Core
from jinkies.github.following import (
    LEFT_ALONE_S,
    LOOKS,
    LOW_GAP_S,
    RESERVE,
    ROUND_S,
    SELDOM_S,
    SOON_S,
    Following,
    targets_of,
)
from jinkies.github.worker import GitHubWorker
from jinkies.model import SYSTEM, AlertRow, EntryKind, LinkKind, OnGitHub, PullRequest, WorkState
from jinkies.simulators.github import Fault, IssueAct, OnIssue, OnPull, PullAct, RateLimits, Repository, SimulatedGitHub
from jinkies.wire.peer import local_actor
from tests.github.samples import REPO, TOKEN, QuickClock, with_github
from tests.virtual import run_virtually


class Desk:
    """A core whose rounds a test starts, with a clock that stands still between them."""

    def __init__(self, core: Core, clock: QuickClock) -> None:
        self.core, self.clock = core, clock
        self.restart()

    def restart(self) -> None:
        """As the next process begins."""
        operator, reader = self.core.operator(SYSTEM), self.core.reader
        self.worker = GitHubWorker(operator, self.core.config, self.core.epoch, self.clock, reader.requested_work)
        self.following = Following(operator, self.worker.client, self.clock, self._followed)

    async def _followed(self, since_ms: int, limit: int) -> tuple[AlertRow, ...]:
        self.since_ms = since_ms
        return await self.core.reader.followed_work(since_ms, limit)

    async def opened(self, name: str = "boom", *, issue: bool = False) -> int:
        """An alert with a pull request, or an issue, on GitHub."""
        alert_id = await self.asked_for(name, issue=issue)
        await self.worker.carry_out(alert_id)
        return alert_id

    async def asked_for(self, name: str = "boom", *, issue: bool = False) -> int:
        """An alert whose pull request, or issue, is for the core's own worker."""
        operator = self.core.operator(local_actor())
        alert_id = (await operator.execute(ReportOccurrence(service="api", message=name, fingerprint=name))).alert_id
        assert alert_id is not None
        await operator.execute(CreateIssue(alert_id=alert_id) if issue else CreatePullRequest(alert_id=alert_id))
        return alert_id

    async def later(self, delay_s: float) -> None:
        """A round after so many seconds."""
        self.clock.elapsed_s += delay_s
        await self.following.round()

    async def row(self, alert_id: int) -> AlertRow:
        return (await self.core.operator(SYSTEM).alert(alert_id)).row

    async def on_github(self, alert_id: int) -> OnGitHub | None:
        row = await self.row(alert_id)
        work = row.pull_request or row.issue
        assert work is not None
        return work.on_github

    async def becomes(self, alert_id: int, wanted: OnGitHub) -> None:
        """Waits for it on the journal."""
        operator = self.core.operator(SYSTEM)
        async with asyncio.timeout(30), operator.subscribe((await operator.snapshot()).position) as updates:
            while await self.on_github(alert_id) is not wanted:
                await anext(updates)

    async def told(self, alert_id: int, kind: EntryKind) -> list[str]:
        """What the timeline says of it."""
        timeline = (await self.core.operator(SYSTEM).alert(alert_id)).timeline
        assert all(entry.actor == SYSTEM for entry in timeline if entry.kind is kind)
        return [entry.text for entry in timeline if entry.kind is kind]


@pytest.fixture
def desk(core: Core, clock: QuickClock) -> Desk:
    return Desk(core, clock)


def looks(github: SimulatedGitHub) -> list[tuple[str, int]]:
    """What was looked at, and the answers' statuses."""
    found = [(call.path.rpartition("/"), call.status) for call in github.control.calls if call.method == "GET"]
    places = [(folder.rpartition("/")[2], number, status) for (folder, _, number), status in found]
    return [(f"{what}/{number}", status) for what, number, status in places if what in ("pulls", "issues")]


def do(github: SimulatedGitHub, number: int, act: PullAct) -> None:
    github.people.pull(OnPull(repository=REPO, number=number, do=act))


def do_issue(github: SimulatedGitHub, number: int, act: IssueAct) -> None:
    github.people.issue(OnIssue(repository=REPO, number=number, do=act))


@contextlib.asynccontextmanager
async def running(following: Following) -> AsyncIterator[None]:
    task = asyncio.create_task(following.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_how_it_stands_is_known_once_it_is_opened(desk: Desk, github: SimulatedGitHub) -> None:
    assert await desk.on_github(await desk.opened("a")) is OnGitHub.DRAFT
    assert await desk.on_github(await desk.opened("b", issue=True)) is OnGitHub.OPEN
    github.repositories[REPO].drafts = False
    assert await desk.on_github(await desk.opened("c")) is OnGitHub.OPEN


async def test_the_life_of_a_pull_request(desk: Desk, github: SimulatedGitHub) -> None:
    alert_id = await desk.opened()
    revision = (await desk.row(alert_id)).revision
    for act, wait_s in (
        (PullAct.READY, SOON_S),
        (PullAct.DRAFT, SOON_S),
        (PullAct.CLOSE, SOON_S),
        (PullAct.REOPEN, SELDOM_S),
        (PullAct.MERGE, SOON_S),
    ):
        do(github, 1, act)
        await desk.later(wait_s)
        await desk.following.round()  # it is seen how often it is looked at from now on
    assert await desk.told(alert_id, EntryKind.PULL_REQUEST_CHANGED) == [
        "PR #1 is ready for review",
        "PR #1 is a draft again",
        "PR #1 closed",
        "PR #1 reopened",
        "PR #1 merged by velma",
    ]
    row = await desk.row(alert_id)
    assert await desk.on_github(alert_id) is OnGitHub.MERGED
    assert (row.state, row.revision, row.decision_rev) == ("open", revision + 5, 1)  # nothing is resolved by it
    assert await desk.core.reader.followed_work(0, 10) == ()


@pytest.mark.parametrize(
    ("act", "found", "says"),
    [
        (IssueAct.COMPLETE, OnGitHub.COMPLETED, "issue #1 closed as completed by velma"),
        (IssueAct.NOT_PLANNED, OnGitHub.NOT_PLANNED, "issue #1 closed as not planned by velma"),
        (IssueAct.DUPLICATE, OnGitHub.DUPLICATE, "issue #1 closed as a duplicate by velma"),
    ],
)
async def test_the_life_of_an_issue(
    desk: Desk, github: SimulatedGitHub, act: IssueAct, found: OnGitHub, says: str
) -> None:
    alert_id = await desk.opened(issue=True)
    do_issue(github, 1, act)
    await desk.later(SOON_S)
    assert await desk.on_github(alert_id) is found
    do_issue(github, 1, IssueAct.REOPEN)
    await desk.later(SELDOM_S)
    assert await desk.on_github(alert_id) is OnGitHub.OPEN
    assert await desk.told(alert_id, EntryKind.ISSUE_CHANGED) == [says, "issue #1 reopened"]


async def test_what_did_not_change_costs_nothing_and_is_no_event(desk: Desk, github: SimulatedGitHub) -> None:
    alert_id = await desk.opened()
    await desk.later(SOON_S)
    used, revision = github.limits.used, (await desk.row(alert_id)).revision
    for _ in range(3):
        await desk.later(SOON_S)
    assert looks(github) == [("pulls/1", 200), ("pulls/1", 304), ("pulls/1", 304), ("pulls/1", 304)]
    assert github.limits.used == used
    assert (await desk.row(alert_id)).revision == revision
    do(github, 1, PullAct.MERGE)
    await desk.later(SOON_S)
    assert looks(github)[-1] == ("pulls/1", 200)
    assert await desk.on_github(alert_id) is OnGitHub.MERGED


async def test_a_restart_looks_at_once(desk: Desk, github: SimulatedGitHub) -> None:
    alert_id = await desk.opened()
    await desk.following.round()  # it was opened before: looked at
    do(github, 1, PullAct.MERGE)
    await desk.following.round()
    assert await desk.on_github(alert_id) is OnGitHub.DRAFT
    desk.restart()
    await desk.following.round()
    assert await desk.on_github(alert_id) is OnGitHub.MERGED


async def test_what_is_not_open_is_looked_at_seldom(desk: Desk, github: SimulatedGitHub) -> None:
    await desk.opened("open")
    resolved = await desk.opened("resolved")
    await desk.core.operator(local_actor()).execute(Resolve(alert_id=resolved))
    await desk.later(0)
    await desk.later(SOON_S)
    await desk.later(SELDOM_S - SOON_S)
    assert [place for place, _ in looks(github)] == ["pulls/1", "pulls/2", "pulls/1", "pulls/1", "pulls/2"]


async def test_what_was_not_seen_for_long_is_looked_at_seldom(desk: Desk) -> None:
    row = await desk.row(await desk.opened())
    week_ms = 7 * 86_400_000
    for ago_ms, every_s in ((week_ms - 1, SOON_S), (week_ms, SELDOM_S)):
        assert [one.every_s for one in targets_of(row, row.last_seen_at_ms + ago_ms)] == [every_s]


async def test_what_was_resolved_long_ago_is_left(desk: Desk, github: SimulatedGitHub) -> None:
    alert_id = await desk.opened()
    await desk.core.operator(local_actor()).execute(Resolve(alert_id=alert_id))
    resolved_at_ms = (await desk.row(alert_id)).resolved_at_ms
    assert resolved_at_ms is not None
    reader = desk.core.reader
    assert [row.alert_id for row in await reader.followed_work(resolved_at_ms, 10)] == [alert_id]
    assert await reader.followed_work(resolved_at_ms + 1, 10) == ()
    await desk.later(0)
    assert desk.since_ms == desk.clock.now_ms() - 14 * 86_400_000


async def test_the_unresolved_come_first_then_the_newest(desk: Desk, github: SimulatedGitHub) -> None:
    ids = [await desk.opened(name) for name in "abc"]
    await desk.core.operator(local_actor()).execute(Resolve(alert_id=ids[2]))
    found = await desk.core.reader.followed_work(0, 10)
    assert [row.alert_id for row in found] == [ids[1], ids[0], ids[2]]
    assert len(await desk.core.reader.followed_work(0, 2)) == 2


class Many(Following):
    """Follows alerts that no core knows."""

    def __init__(self, desk: Desk, rows: tuple[AlertRow, ...]) -> None:
        async def followed(_since_ms: int, _limit: int) -> tuple[AlertRow, ...]:
            return rows

        super().__init__(desk.core.operator(SYSTEM), desk.worker.client, desk.clock, followed)


def with_number(row: AlertRow, number: int) -> AlertRow:
    url = f"https://github.example/octo/shop/pull/{number}"
    work = PullRequest(state=WorkState.DONE, title="t", number=number, url=url, on_github=OnGitHub.OPEN)
    return msgspec.structs.replace(row, alert_id=number, pull_request=work)


async def test_a_round_is_bounded_and_nobody_starves(desk: Desk, github: SimulatedGitHub) -> None:
    row = await desk.row(await desk.opened())
    count = LOOKS + 5
    github.control.faults.append(Fault(path="/pulls/", status=304, times=1_000))
    following = Many(desk, tuple(with_number(row, number) for number in range(1, count + 1)))
    started_s = desk.clock.monotonic_s()
    await following.round()
    assert [place for place, _ in looks(github)] == [f"pulls/{number}" for number in range(1, LOOKS + 1)]
    assert desk.clock.monotonic_s() - started_s == 2 * (LOOKS - 1)
    await following.round()
    assert {place for place, _ in looks(github)} == {f"pulls/{number}" for number in range(1, count + 1)}
    assert len(looks(github)) == count


async def test_what_is_left_of_the_hour_is_left_to_others(
    desk: Desk, github: SimulatedGitHub, clock: QuickClock
) -> None:
    for name in "abc":
        await desk.opened(name)
    github.limits = RateLimits(per_hour=RESERVE)
    async with asyncio.timeout(30), running(desk.following):
        while len(looks(github)) < 3:
            await github.control.called.wait()
            github.control.called.clear()
    assert clock.slept[-2:] == [LOW_GAP_S, LOW_GAP_S]


async def test_it_waits_as_long_as_github_says(desk: Desk, github: SimulatedGitHub, clock: QuickClock) -> None:
    alert_id = await desk.opened()
    do(github, 1, PullAct.MERGE)
    github.control.faults.append(Fault(path="/pulls/1", status=429, headers={"retry-after": "777"}))
    async with running(desk.following):
        await desk.becomes(alert_id, OnGitHub.MERGED)
    assert 777 in clock.slept


async def test_a_github_that_is_down_is_said_once(
    desk: Desk, github: SimulatedGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = await desk.opened("a"), await desk.opened("b")
    github.control.faults.append(Fault(path="/pulls/", status=502, times=2))
    for number in (1, 2):
        do(github, number, PullAct.MERGE)
    await desk.later(0)
    await desk.later(0)
    assert len(looks(github)) == 2  # one a round, and never the same one for ever
    assert [record.levelname for record in caplog.records if "can't be asked" in record.message] == ["WARNING"]
    await desk.later(SOON_S)
    assert [await desk.on_github(one) for one in (first, second)] == [OnGitHub.MERGED, OnGitHub.MERGED]


async def test_a_repository_that_is_gone_is_said_once_and_left_alone(
    desk: Desk, github: SimulatedGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    first = await desk.opened("a")
    await desk.opened("b")
    kept, before = github.repositories.pop(REPO), len(github.control.calls)
    for _ in range(4):
        await desk.later(SOON_S)
    calls = [call.path for call in list(github.control.calls)[before:]]
    assert calls == [f"/repos/{REPO}/pulls/2", f"/repos/{REPO}"]
    said = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == 1
    assert said[0].startswith("what became of PR #2 of octo/shop is not known: 127.0.0.1 has no repository octo/shop")
    assert await desk.on_github(first) is OnGitHub.DRAFT
    github.repositories[REPO] = kept
    do(github, 1, PullAct.MERGE)
    await desk.later(LEFT_ALONE_S)
    assert await desk.on_github(first) is OnGitHub.MERGED


@pytest.mark.parametrize("status", [404, 410])
async def test_an_issue_that_is_gone_is_left_alone_by_itself(
    desk: Desk, github: SimulatedGitHub, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    await desk.opened("a", issue=True)
    other = await desk.opened("b")
    github.control.faults.append(Fault(path="/issues/1$", status=status, times=100))
    do(github, 2, PullAct.MERGE)
    for _ in range(3):
        await desk.later(SOON_S)
    assert [place for place, _ in looks(github)].count("issues/1") == 1
    assert await desk.on_github(other) is OnGitHub.MERGED
    said = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == ["issue #1 of octo/shop is not there any more"]


async def test_what_is_forbidden_is_left_alone(
    desk: Desk, github: SimulatedGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    await desk.opened()
    body = msgspec.Raw(b'{"message":"Resource not accessible by personal access token"}')
    github.control.faults.append(Fault(path="/pulls/1", status=403, body=body, times=100))
    for _ in range(3):
        await desk.later(SOON_S)
    assert looks(github) == [("pulls/1", 403)]
    assert [record.levelname for record in caplog.records if "not known" in record.message] == ["WARNING"]


async def test_what_is_said_of_another_or_known_changes_nothing(desk: Desk) -> None:
    alert_id = await desk.opened()
    system = desk.core.operator(SYSTEM)
    for number, state in ((2, OnGitHub.MERGED), (1, OnGitHub.DRAFT)):
        command = RecordOnGitHub(alert_id=alert_id, kind=LinkKind.PULL_REQUEST, number=number, on_github=state)
        assert not (await system.execute(command)).changed
    issue = RecordOnGitHub(alert_id=alert_id, kind=LinkKind.ISSUE, number=1, on_github=OnGitHub.COMPLETED)
    assert not (await system.execute(issue)).changed


async def test_another_after_one_that_was_closed_unmerged(
    desk: Desk, github: SimulatedGitHub, repository: Repository
) -> None:
    alert_id = await desk.opened()
    operator = desk.core.operator(local_actor())
    assert not (await operator.execute(CreatePullRequest(alert_id=alert_id))).changed
    do(github, 1, PullAct.CLOSE)
    await desk.later(0)
    assert (await operator.execute(CreatePullRequest(alert_id=alert_id))).changed
    github.control.faults.append(Fault(method="POST", path="/pulls$", status=422))
    await desk.worker.carry_out(alert_id)
    assert (await desk.row(alert_id)).pull_request is not None
    await operator.execute(CreatePullRequest(alert_id=alert_id))  # after a failure too
    await desk.worker.carry_out(alert_id)
    found = (await desk.row(alert_id)).pull_request
    assert found is not None
    assert (found.number, found.on_github, found.after) == (2, OnGitHub.DRAFT, 1)
    assert [pull.head for pull in repository.pulls] == [repository.pulls[0].head] * 2
    links = [link.label for link in (await desk.row(alert_id)).links if link.kind is LinkKind.PULL_REQUEST]
    assert links == ["PR #2"]


async def test_one_that_was_opened_again_meanwhile_is_the_one(
    desk: Desk, github: SimulatedGitHub, repository: Repository
) -> None:
    alert_id = await desk.opened()
    do(github, 1, PullAct.CLOSE)
    await desk.later(0)
    await desk.core.operator(local_actor()).execute(CreatePullRequest(alert_id=alert_id))
    do(github, 1, PullAct.REOPEN)
    await desk.worker.carry_out(alert_id)
    assert await desk.on_github(alert_id) is OnGitHub.DRAFT
    assert len(repository.pulls) == 1


async def test_one_that_was_merged_stays_the_one(desk: Desk, github: SimulatedGitHub) -> None:
    alert_id = await desk.opened()
    do(github, 1, PullAct.MERGE)
    await desk.later(0)
    asked = await desk.core.operator(local_actor()).execute(CreatePullRequest(alert_id=alert_id))
    assert (asked.changed, asked.reason) == (False, f"already there, merged: {github.address}/octo/shop/pull/1")


def test_hours_inside_the_real_host(home: Path) -> None:
    """Found within minutes by the core's own background work, and again by the core after it."""

    async def hours(clock: Clock) -> None:
        async with SimulatedGitHub(token=TOKEN, repositories=(REPO,)) as github:
            config = with_github(Config(home=home, environment="test"), github)
            async with host(config, ingest=False, clock=clock) as core:
                desk = Desk(core, QuickClock())
                first = await desk.asked_for("a")
                await desk.becomes(first, OnGitHub.DRAFT)
                second = await desk.asked_for("b", issue=True)
                await desk.becomes(second, OnGitHub.OPEN)
                await clock.sleep(ROUND_S + SOON_S)
                do(github, 1, PullAct.READY)
                await clock.sleep(2 * ROUND_S + SOON_S)
                assert await desk.on_github(first) is OnGitHub.OPEN
                await clock.sleep(3_600)
                answers = [status for _, status in looks(github)]
                assert answers.count(304) > 3_600 / (SOON_S + 2 * ROUND_S)
                assert answers.count(200) <= 4
                do(github, 1, PullAct.MERGE)
            do_issue(github, 2, IssueAct.NOT_PLANNED)
            async with host(config, ingest=False, clock=clock) as core:
                desk = Desk(core, QuickClock())
                await clock.sleep(ROUND_S)
                assert await desk.on_github(first) is OnGitHub.MERGED
                assert await desk.on_github(second) is OnGitHub.NOT_PLANNED
                assert await desk.told(first, EntryKind.PULL_REQUEST_CHANGED) == [
                    "PR #1 is ready for review",
                    "PR #1 merged by velma",
                ]

    run_virtually(hours)


def test_images_of_older_cores_are_read() -> None:
    old = b'{"state":"done","title":"t","number":7,"url":"https://github.example/o/r/pull/7"}'
    found = msgspec.json.decode(old, type=PullRequest)
    assert (found.on_github, found.after, found.stands) == (None, 0, True)
