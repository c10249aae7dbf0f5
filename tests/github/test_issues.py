from __future__ import annotations

import msgspec
import pytest

from jinkies.commands import (
    AnyCommand,
    CreateIssue,
    CreatePullRequest,
    Outcome,
    RecordDelivery,
    RecordIssue,
    ReportOccurrence,
    TakeLease,
)
from jinkies.config import Config, DiscordConfig, GitHubConfig, Secret
from jinkies.core import Core
from jinkies.embedded import EmbeddedOperator
from jinkies.errors import Disconnected, UpstreamError
from jinkies.github import bodies
from jinkies.github.worker import GitHubWorker
from jinkies.model import SYSTEM, Actor, DeliveryState, EntryKind, Issue, LinkKind, WorkState
from jinkies.simulators.github import Fault, Repository, SimulatedGitHub, When
from jinkies.wire.peer import local_actor
from tests.github import samples
from tests.github.samples import TOKEN, QuickClock

CALLS = 3  # repository, issues?, issue!


@pytest.fixture
def config(config: Config, github: SimulatedGitHub) -> Config:
    """With the simulated GitHub, and a Discord that nobody connects to."""
    outside = GitHubConfig(
        token=Secret(TOKEN),
        owner="octo",
        repository="shop",
        api_url=github.api_url,
        issue_labels=("incident", "{severity}", "svc:{service}"),
    )
    discord = DiscordConfig(guild_id="81", alert_channel_id="82")
    return msgspec.structs.replace(config, github=outside, discord=discord)


def worker_of(core: Core, operator: EmbeddedOperator | None = None) -> GitHubWorker:
    return GitHubWorker(
        operator or core.operator(SYSTEM), core.config, core.epoch, QuickClock(), core.reader.requested_work
    )


async def asked_for(core: Core, *, title: str = "", notes: str = "") -> int:
    operator = core.operator(local_actor())
    command = ReportOccurrence(service="api", message="boom", exception_type="KeyError", stack_trace="at x")
    alert_id = (await operator.execute(command)).alert_id
    assert alert_id is not None
    await operator.execute(CreateIssue(alert_id=alert_id, title=title, notes=notes))
    return alert_id


async def issue_of(core: Core, alert_id: int) -> Issue:
    found = (await core.operator(SYSTEM).alert(alert_id)).row.issue
    assert found is not None
    return found


async def test_the_whole_path(core: Core, repository: Repository, github: SimulatedGitHub) -> None:
    alert_id = await asked_for(core, notes="look at the @cart")
    await worker_of(core).carry_out(alert_id)
    (issue,) = repository.issues
    assert issue.title == "KeyError: boom in api"
    assert issue.labels == ("incident", "error", "svc:api")
    assert issue.body.startswith(f"<!-- jinkies alert={alert_id} epoch={core.epoch[:8]} asked=")
    assert "```text\nat x\n```" in issue.body
    assert "look at the" in issue.body
    assert "@cart" not in issue.body, "nobody is mentioned"
    recorded = await issue_of(core, alert_id)
    assert (recorded.state, recorded.number) == (WorkState.DONE, 1)
    assert recorded.url == f"{github.address}/octo/shop/issues/1"
    detail = await core.operator(SYSTEM).alert(alert_id)
    assert [link.url for link in detail.row.links if link.kind is LinkKind.ISSUE] == [recorded.url]
    assert [entry.kind for entry in detail.timeline][-2:] == [EntryKind.ISSUE_REQUESTED, EntryKind.ISSUE_OPENED]


async def test_it_links_to_the_card(core: Core, repository: Repository) -> None:
    operator = core.operator(local_actor())
    alert_id = await asked_for(core)
    await operator.execute(TakeLease(name="board", holder="me", ttl_s=60))
    posted = RecordDelivery(
        alert_id=alert_id, channel_id="82", holder="me", state=DeliveryState.POSTED, message_id="83", shown_revision=1
    )
    await operator.execute(posted)
    await worker_of(core).carry_out(alert_id)
    assert "discord.com/channels/81/82/83" in repository.issues[0].body


async def test_twice_is_once(core: Core, repository: Repository, github: SimulatedGitHub) -> None:
    alert_id = await asked_for(core)
    await worker_of(core).carry_out(alert_id)
    again = await core.operator(local_actor()).execute(CreateIssue(alert_id=alert_id))
    assert (again.changed, again.reason) == (False, f"already there: {github.address}/octo/shop/issues/1")
    await worker_of(core).carry_out(alert_id)
    assert len(repository.issues) == 1


@pytest.mark.parametrize("when", list(When))
@pytest.mark.parametrize("call", range(CALLS))
async def test_a_crash_at_any_call_ends_in_one_issue(
    core: Core, repository: Repository, github: SimulatedGitHub, call: int, when: When
) -> None:
    alert_id = await asked_for(core)
    github.control.faults.append(Fault(status=0, skip=call, when=when))
    with pytest.raises(UpstreamError) as caught:
        await worker_of(core).carry_out(alert_id)
    assert caught.value.retry
    await worker_of(core).carry_out(alert_id)  # as the next process does
    assert [issue.number for issue in repository.issues] == [1]
    assert (await issue_of(core, alert_id)).number == 1


async def test_the_calls_of_one_issue(core: Core, github: SimulatedGitHub) -> None:
    await worker_of(core).carry_out(await asked_for(core))
    assert len(github.control.calls) == CALLS


class DiesBeforeItRecords(EmbeddedOperator):
    async def execute(
        self, command: AnyCommand, *, on_behalf_of: Actor | None = None, key: str | None = None
    ) -> Outcome:
        if isinstance(command, RecordIssue):
            raise Disconnected("killed")
        return await super().execute(command, on_behalf_of=on_behalf_of, key=key)


async def test_it_is_found_behind_others_and_closed(core: Core, repository: Repository) -> None:
    alert_id = await asked_for(core)
    with pytest.raises(Disconnected):
        await worker_of(core, DiesBeforeItRecords(core, SYSTEM)).carry_out(alert_id)
    repository.issues[0].state = "closed"
    for number in range(150):  # more than a page
        repository.open_issue(title=f"another {number}", body=repository.issues[0].body[1:], labels=())
    await worker_of(core).carry_out(alert_id)
    assert len(repository.issues) == 151
    assert (await issue_of(core, alert_id)).number == 1


async def test_an_older_requests_issue_is_not_taken_for_it(core: Core, repository: Repository) -> None:
    alert_id = await asked_for(core)
    row = (await core.operator(SYSTEM).alert(alert_id)).row
    assert row.issue is not None
    older = msgspec.structs.replace(row, issue=msgspec.structs.replace(row.issue, requested_at_ms=1))
    repository.open_issue(title="made up", body=bodies.issue_marker(older, core.epoch), labels=())
    await worker_of(core).carry_out(alert_id)
    assert (await issue_of(core, alert_id)).number == 2


async def test_issues_turned_off_is_said_and_asking_again_tries_again(core: Core, repository: Repository) -> None:
    repository.has_issues = False
    alert_id = await asked_for(core)
    await worker_of(core).carry_out(alert_id)
    failed = await issue_of(core, alert_id)
    assert failed.state is WorkState.FAILED
    assert failed.error == "octo/shop has issues turned off: turn them on in its settings"
    repository.has_issues = True
    await core.operator(local_actor()).execute(CreateIssue(alert_id=alert_id))
    await worker_of(core).carry_out(alert_id)
    assert (await issue_of(core, alert_id)).state is WorkState.DONE


async def test_both_at_once(core: Core, repository: Repository) -> None:
    alert_id = await asked_for(core)
    await core.operator(local_actor()).execute(CreatePullRequest(alert_id=alert_id))
    assert await core.reader.requested_work() == (alert_id,)
    await worker_of(core).carry_out(alert_id)
    assert await core.reader.requested_work() == ()
    assert [repository.issues[0].number, repository.pulls[0].number] == [1, 2]


def test_labels_fit_and_come_once() -> None:
    row = msgspec.structs.replace(samples.detail().row, service="s" * 80, environment="a,b")
    labels = bodies.issue_labels(row, ("{service}", "{environment}", "x", "x", "{severity}"))
    assert labels == ["s" * 49 + "…", "a b", "x", "error"]


def test_a_long_body_is_cut_within_githubs_limit() -> None:
    found = samples.detail(stack="x\n" * 100_000, message="m" * 50_000)
    body = bodies.issue_body(found, samples.EPOCH, guild_id=None)
    assert len(body) <= bodies.BODY_LIMIT
    assert "left out" in body or "…" in body
