from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from jinkies.app import host
from jinkies.commands import (
    AnyCommand,
    CreatePullRequest,
    Expire,
    Outcome,
    RecordPullRequest,
    ReportOccurrence,
    Resolve,
)
from jinkies.config import Config, Secret, ServiceConfig
from jinkies.core import Core
from jinkies.embedded import EmbeddedOperator
from jinkies.errors import Disconnected, NotFound, UpstreamError
from jinkies.github.worker import GitHubWorker
from jinkies.model import SYSTEM, Actor, LinkKind, PartState, PullRequest, WorkState
from jinkies.simulators.github import Fault, Pull, Repository, SimulatedGitHub, When
from jinkies.wire.peer import local_actor
from tests.github.samples import REPO, TOKEN, QuickClock


@pytest.fixture
async def github() -> AsyncIterator[SimulatedGitHub]:
    async with SimulatedGitHub(token=TOKEN, repositories=(REPO, "octo/api")) as running:
        yield running


def worker_of(core: Core, clock: QuickClock, config: Config | None = None) -> GitHubWorker:
    pending = core.reader.requested_work
    return GitHubWorker(core.operator(SYSTEM), config or core.config, core.epoch, clock, pending)


async def reported(core: Core, *, fingerprint: str | None = None) -> int:
    command = ReportOccurrence(
        service="api", message="boom", exception_type="KeyError", stack_trace="at x", fingerprint=fingerprint
    )
    outcome = await core.operator(local_actor()).execute(command)
    assert outcome.alert_id is not None
    return outcome.alert_id


async def asked_for(core: Core, *, base: str | None = None, notes: str = "") -> int:
    alert_id = await reported(core)
    await core.operator(local_actor()).execute(CreatePullRequest(alert_id=alert_id, base_branch=base, notes=notes))
    return alert_id


async def pull_request_of(core: Core, alert_id: int) -> PullRequest:
    found = (await core.operator(SYSTEM).alert(alert_id)).row.pull_request
    assert found is not None
    return found


async def settled(core: Core, alert_id: int) -> PullRequest:
    """The pull request once it is done or failed, waited for on the journal."""
    operator = core.operator(SYSTEM)
    async with operator.subscribe((await operator.snapshot()).position) as updates:
        found = await pull_request_of(core, alert_id)
        while found.state is WorkState.REQUESTED:
            await anext(updates)
            found = await pull_request_of(core, alert_id)
    return found


def only_pull(repository: Repository, alert_id: int, core: Core) -> Pull:
    """The one pull request, on the one branch, with the one commit."""
    assert set(repository.branches) == {"main", f"jinkies/alert-{alert_id}-{core.epoch[:8]}"}
    assert len(repository.commits) == 2
    assert len(repository.pulls) == 1
    return repository.pulls[0]


@contextlib.asynccontextmanager
async def running(worker: GitHubWorker) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_the_whole_path(core: Core, clock: QuickClock, repository: Repository, github: SimulatedGitHub) -> None:
    alert_id = await asked_for(core, notes="look at the cart")
    await worker_of(core, clock).carry_out(alert_id)
    pull = only_pull(repository, alert_id, core)
    assert (pull.draft, pull.base, pull.title) == (True, "main", "Fix KeyError: boom in api")
    assert pull.body.startswith(f"<!-- jinkies alert={alert_id} epoch={core.epoch[:8]} -->\n")
    assert "look at the cart" in pull.body
    file = repository.changed_files(pull)[f"incidents/{alert_id}.md"].decode()
    assert "```text\nat x\n```" in file
    assert "## Timeline" in file
    recorded = await pull_request_of(core, alert_id)
    assert (recorded.state, recorded.number) == (WorkState.DONE, 1)
    assert recorded.url == f"{github.address}/octo/shop/pull/1"
    links = (await core.operator(SYSTEM).alert(alert_id)).row.links
    assert [link.url for link in links if link.kind is LinkKind.PULL_REQUEST] == [recorded.url]


async def test_twice_is_once(core: Core, clock: QuickClock, repository: Repository, github: SimulatedGitHub) -> None:
    alert_id = await asked_for(core)
    worker = worker_of(core, clock)
    await worker.carry_out(alert_id)
    calls = len(github.control.calls)
    await worker.carry_out(alert_id)
    assert len(github.control.calls) == calls
    only_pull(repository, alert_id, core)


async def test_nothing_asked_for_is_nothing_done(core: Core, clock: QuickClock, github: SimulatedGitHub) -> None:
    await worker_of(core, clock).carry_out(await reported(core))
    assert not github.control.calls


CALLS = 8  # repository, pulls?, branch?, base, branch!, file?, file!, pull!


@pytest.mark.parametrize("when", list(When))
@pytest.mark.parametrize("call", range(CALLS))
async def test_a_crash_at_any_call_ends_in_one_pull_request(
    core: Core, clock: QuickClock, repository: Repository, github: SimulatedGitHub, call: int, when: When
) -> None:
    alert_id = await asked_for(core)
    github.control.faults.append(Fault(status=0, skip=call, when=when))
    with pytest.raises(UpstreamError) as caught:
        await worker_of(core, clock).carry_out(alert_id)
    assert caught.value.retry
    assert (await pull_request_of(core, alert_id)).state is WorkState.REQUESTED
    await worker_of(core, clock).carry_out(alert_id)  # as the next process does
    only_pull(repository, alert_id, core)
    assert (await pull_request_of(core, alert_id)).number == 1


async def test_the_calls_of_one_pull_request(core: Core, clock: QuickClock, github: SimulatedGitHub) -> None:
    await worker_of(core, clock).carry_out(await asked_for(core))
    assert len(github.control.calls) == CALLS


class DiesBeforeItRecords(EmbeddedOperator):
    async def execute(
        self, command: AnyCommand, *, on_behalf_of: Actor | None = None, key: str | None = None
    ) -> Outcome:
        if isinstance(command, RecordPullRequest):
            raise Disconnected("killed")
        return await super().execute(command, on_behalf_of=on_behalf_of, key=key)


async def test_a_crash_before_the_record(core: Core, clock: QuickClock, repository: Repository) -> None:
    alert_id = await asked_for(core)
    dying = DiesBeforeItRecords(core, SYSTEM)
    with pytest.raises(Disconnected):
        await GitHubWorker(dying, core.config, core.epoch, clock, core.reader.requested_work).carry_out(alert_id)
    await worker_of(core, clock).carry_out(alert_id)
    only_pull(repository, alert_id, core)
    assert (await pull_request_of(core, alert_id)).number == 1


async def test_a_merged_or_closed_one_is_still_the_one(core: Core, clock: QuickClock, repository: Repository) -> None:
    alert_id = await asked_for(core)
    dying = DiesBeforeItRecords(core, SYSTEM)
    with pytest.raises(Disconnected):
        await GitHubWorker(dying, core.config, core.epoch, clock, core.reader.requested_work).carry_out(alert_id)
    repository.pulls[0].state = "closed"
    await worker_of(core, clock).carry_out(alert_id)
    assert len(repository.pulls) == 1
    assert (await pull_request_of(core, alert_id)).state is WorkState.DONE


async def test_another_databases_file_stays(core: Core, clock: QuickClock, repository: Repository) -> None:
    alert_id = await asked_for(core)
    theirs = f"<!-- jinkies alert={alert_id} epoch=00000000 -->\n".encode()
    repository.commit("main", "older", {f"incidents/{alert_id}.md": theirs})
    await worker_of(core, clock).carry_out(alert_id)
    files = repository.changed_files(repository.pulls[0])
    assert list(files) == [f"incidents/{alert_id}-{core.epoch[:8]}.md"]
    assert f"incidents/{alert_id}-{core.epoch[:8]}.md" in repository.pulls[0].body


async def test_the_base_that_was_asked_for(core: Core, clock: QuickClock, repository: Repository) -> None:
    repository.commit("release/1", "r", {"r": b"1"})
    repository.commit("main", "m", {"m": b"1"})
    alert_id = await asked_for(core, base="release/1")
    await worker_of(core, clock).carry_out(alert_id)
    assert repository.pulls[0].base == "release/1"
    assert list(repository.changed_files(repository.pulls[0])) == [f"incidents/{alert_id}.md"]


async def test_the_configured_base(core: Core, clock: QuickClock, repository: Repository) -> None:
    repository.commit("develop", "d", {"d": b"1"})
    github = msgspec.structs.replace(core.config.github, base_branch="develop")
    config = msgspec.structs.replace(core.config, github=github)
    await worker_of(core, clock, config).carry_out(await asked_for(core))
    assert repository.pulls[0].base == "develop"


async def test_a_services_own_repository(core: Core, clock: QuickClock, github: SimulatedGitHub) -> None:
    services = {"api": ServiceConfig(name="api", repository="octo/api")}
    config = msgspec.structs.replace(core.config, services=services)
    await worker_of(core, clock, config).carry_out(await asked_for(core))
    assert len(github.repositories["octo/api"].pulls) == 1


def with_github(**changes: object) -> Callable[[Config], Config]:
    return lambda config: msgspec.structs.replace(config, github=msgspec.structs.replace(config.github, **changes))


@pytest.mark.parametrize(
    ("change", "base", "says"),
    [
        (with_github(owner=None), None, "no repository for api: set GITHUB_REPO_OWNER and GITHUB_REPO_NAME, or"),
        (with_github(token=None), None, "GitHub is not set up: set GITHUB_TOKEN (or GITHUB_APP_ID and"),
        (with_github(token=Secret("no")), None, "GitHub rejects GITHUB_TOKEN: set one that is valid"),
        (with_github(repository="gone"), None, "127.0.0.1 has no repository octo/gone, or GITHUB_TOKEN can't see it"),
        (with_github(), "nope", "octo/shop has no branch nope: ask for another base, or set DEFAULT_BASE_BRANCH"),
        (with_github(), "../../x", "'../../x' is not a name that a branch can have"),
    ],
)
async def test_what_github_refuses_for_good_is_recorded(
    core: Core, clock: QuickClock, change: Callable[[Config], Config], base: str | None, says: str
) -> None:
    alert_id = await asked_for(core, base=base)
    await worker_of(core, clock, change(core.config)).carry_out(alert_id)
    recorded = await pull_request_of(core, alert_id)
    assert recorded.state is WorkState.FAILED
    assert (recorded.error or "").startswith(says)


async def test_asking_again_after_a_failure_tries_again(core: Core, clock: QuickClock, repository: Repository) -> None:
    alert_id = await asked_for(core, base="nope")
    async with running(worker_of(core, clock)):
        assert (await settled(core, alert_id)).state is WorkState.FAILED
        await core.operator(local_actor()).execute(CreatePullRequest(alert_id=alert_id))
        assert (await settled(core, alert_id)).state is WorkState.DONE
    only_pull(repository, alert_id, core)


async def test_it_runs_what_was_pending_and_what_comes(core: Core, clock: QuickClock, repository: Repository) -> None:
    before = await asked_for(core)
    async with running(worker_of(core, clock)):
        assert (await settled(core, before)).number == 1
        later = await reported(core, fingerprint="another")
        await core.operator(local_actor()).execute(CreatePullRequest(alert_id=later))
        assert (await settled(core, later)).number == 2
    assert len(repository.pulls) == 2


async def test_it_retries_with_growing_pauses(
    core: Core, clock: QuickClock, repository: Repository, github: SimulatedGitHub
) -> None:
    alert_id = await asked_for(core)
    github.control.faults.append(Fault(status=502, times=4))
    async with running(worker_of(core, clock)):
        assert (await settled(core, alert_id)).state is WorkState.DONE
    assert clock.slept[:4] == [2, 4, 8, 16]
    only_pull(repository, alert_id, core)


async def test_it_waits_as_long_as_github_says(core: Core, clock: QuickClock, github: SimulatedGitHub) -> None:
    alert_id = await asked_for(core)
    github.control.faults.append(Fault(status=429, headers={"retry-after": "77"}))
    async with running(worker_of(core, clock)):
        assert (await settled(core, alert_id)).state is WorkState.DONE
    assert clock.slept[0] == 77


async def test_an_alert_that_is_gone_is_dropped(core: Core, clock: QuickClock, repository: Repository) -> None:
    gone = await asked_for(core)
    system = core.operator(SYSTEM)
    await system.execute(Resolve(alert_id=gone))
    await system.execute(Expire(before_ms=core.clock.now_ms() + 60_000))

    async def pending() -> tuple[int, ...]:
        return (gone, there)

    there = await asked_for(core)
    worker = GitHubWorker(system, core.config, core.epoch, clock, pending)
    with pytest.raises(NotFound):
        await worker.carry_out(gone)
    async with running(worker):
        assert (await settled(core, there)).state is WorkState.DONE
    assert len(repository.pulls) == 1


async def test_inside_the_real_host(config: Config, repository: Repository) -> None:
    async with host(config, ingest=False) as core:
        alert_id = await asked_for(core)
        assert (await settled(core, alert_id)).number == 1
        only_pull(repository, alert_id, core)


async def test_check_says_what_is_left(core: Core, clock: QuickClock) -> None:
    health = await worker_of(core, clock).check()
    assert (health.part, health.state, health.detail) == ("github", PartState.OK, "4,999 left")
    assert health.latency_ms is not None


@pytest.mark.parametrize(
    ("change", "state", "says"),
    [
        (with_github(token=None), PartState.UNCONFIGURED, "set GITHUB_TOKEN (or"),
        (with_github(owner=None), PartState.UNCONFIGURED, "set GITHUB_REPO_OWNER and GITHUB_REPO_NAME, or repo"),
        (with_github(token=Secret("no")), PartState.FAILED, "GitHub rejects GITHUB_TOKEN"),
        (with_github(api_url="http://127.0.0.1:1"), PartState.FAILED, "can't reach 127.0.0.1"),
    ],
)
async def test_check_says_what_is_wrong(
    core: Core, clock: QuickClock, change: Callable[[Config], Config], state: PartState, says: str
) -> None:
    health = await worker_of(core, clock, change(core.config)).check()
    assert health.state is state
    assert health.detail.startswith(says)


async def test_check_without_a_default_repository(core: Core, clock: QuickClock) -> None:
    config = msgspec.structs.replace(
        with_github(owner=None)(core.config), services={"api": ServiceConfig(name="api", repository="octo/api")}
    )
    assert (await worker_of(core, clock, config).check()).detail == "4,999 left"


async def test_the_token_is_in_no_log_and_no_record(
    core: Core, clock: QuickClock, github: SimulatedGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    alert_id = await asked_for(core)
    body = msgspec.Raw(msgspec.json.encode({"message": f"no {TOKEN}"}))
    github.control.faults += [Fault(status=502, body=body), Fault(status=422, body=body)]
    worker = worker_of(core, clock)
    with pytest.raises(UpstreamError):
        await worker.carry_out(alert_id)
    await worker.carry_out(alert_id)
    recorded = await pull_request_of(core, alert_id)
    assert recorded.state is WorkState.FAILED
    assert "no [redacted]" in (recorded.error or "")
    assert TOKEN[4:] not in caplog.text
