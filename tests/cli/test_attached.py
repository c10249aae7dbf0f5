"""With a running core: the command attaches to it, from a thread, as another process would."""

from __future__ import annotations

import asyncio
import json

import pytest

from jinkies.commands import (
    CreateIssue,
    CreatePullRequest,
    RecordIssue,
    RecordOnGitHub,
    RecordPullRequest,
    ReportOccurrence,
)
from jinkies.core import Core
from jinkies.events import JournalEntry, Position
from jinkies.model import SYSTEM, EntryKind, LinkKind, OnGitHub, PartHealth, PartState, State
from tests.cli.conftest import Run


@pytest.fixture
async def alert_id(core: Core) -> int:
    outcome = await core.operator(SYSTEM).execute(ReportOccurrence(service="api", message="boom"))
    assert outcome.alert_id is not None
    return outcome.alert_id


async def requested(core: Core) -> JournalEntry:
    """The first request of a pull request, as the worker would see it."""
    async with core.operator(SYSTEM).subscribe(Position(core.epoch, 0)) as updates:
        async for update in updates:
            if isinstance(update, JournalEntry) and update.kind is EntryKind.PULL_REQUEST_REQUESTED:
                return update
    raise AssertionError("the journal ended")


async def test_status_names_the_core_and_its_parts(core: Core, run: Run) -> None:
    core.report_health(PartHealth(part="github", state=PartState.FAILED, detail="401 Bad credentials"))
    core.ingest_address = "127.0.0.1:8080"
    record = json.loads((await asyncio.to_thread(run, "status", "--json")).out)
    assert record["core"]["running"] is True
    assert record["ingest"] == "http://127.0.0.1:8080"
    assert {"part": "github", "state": "failed", "detail": "401 Bad credentials"} in record["parts"]
    text = (await asyncio.to_thread(run, "status")).out
    assert "runs, pid " in text
    assert "401 Bad credentials" in text


async def test_an_acknowledgement_reaches_the_core(core: Core, alert_id: int, run: Run) -> None:
    ran = await asyncio.to_thread(run, "ack", str(alert_id), "--json")
    assert json.loads(ran.out)["state"] == "acknowledged"
    detail = await core.operator(SYSTEM).alert(alert_id)
    assert detail.row.state is State.ACKNOWLEDGED
    assert detail.row.acknowledged_by is not None
    assert detail.row.acknowledged_by.name == json.loads(ran.out)["acknowledged_by"]


async def test_pr_waits_for_the_address_and_prints_it(core: Core, alert_id: int, run: Run) -> None:
    running = asyncio.create_task(
        asyncio.to_thread(run, "pr", f"#{alert_id}", "--title", "Mend it", "--base", "dev", "--notes", "n")
    )
    entry = await asyncio.wait_for(requested(core), 30)
    assert entry.alert is not None
    assert entry.alert.pull_request is not None
    asked = entry.alert.pull_request
    assert (asked.title, asked.base_branch, asked.notes) == ("Mend it", "dev", "n")
    assert not running.done()
    url = "https://github.example/o/r/pull/7"
    await core.operator(SYSTEM).execute(RecordPullRequest(alert_id=alert_id, number=7, url=url))
    ran = await running
    assert (ran.code, ran.out, ran.err) == (0, f"{url}\n", "")
    again = await asyncio.to_thread(run, "pr", str(alert_id))
    assert (again.code, again.out) == (0, f"{url}\n")
    record = json.loads((await asyncio.to_thread(run, "pr", str(alert_id), "--json")).out)
    assert {"kind": "pull_request", "url": url, "label": "PR #7"} in record["links"]


async def test_alert_shows_how_its_work_stands_on_github(core: Core, alert_id: int, run: Run) -> None:
    system = core.operator(SYSTEM)
    await system.execute(CreatePullRequest(alert_id=alert_id))
    await system.execute(CreateIssue(alert_id=alert_id))
    url = "https://github.example/o/r/pull/7"
    await system.execute(RecordPullRequest(alert_id=alert_id, number=7, url=url, on_github=OnGitHub.DRAFT))
    await system.execute(RecordIssue(alert_id=alert_id, number=8, url="https://github.example/o/r/issues/8"))
    for kind, number, state in (
        (LinkKind.PULL_REQUEST, 7, OnGitHub.MERGED),
        (LinkKind.ISSUE, 8, OnGitHub.NOT_PLANNED),
    ):
        await system.execute(RecordOnGitHub(alert_id=alert_id, kind=kind, number=number, on_github=state))
    record = json.loads((await asyncio.to_thread(run, "alert", str(alert_id), "--json")).out)
    assert (record["pull_request"]["on_github"], record["issue"]["on_github"]) == ("merged", "not_planned")
    assert [entry["text"] for entry in record["timeline"]][-2:] == ["PR #7 merged", "issue #8 closed as not planned"]
    text = (await asyncio.to_thread(run, "alert", str(alert_id))).out
    assert f"{url} · merged\n" in text
    assert "https://github.example/o/r/issues/8 · closed as not planned\n" in text


async def test_pr_that_fails_says_why_and_is_1(core: Core, alert_id: int, run: Run) -> None:
    running = asyncio.create_task(asyncio.to_thread(run, "pr", str(alert_id)))
    await asyncio.wait_for(requested(core), 30)
    await core.operator(SYSTEM).execute(RecordPullRequest(alert_id=alert_id, error="404 no such repository\x1b[2J"))
    ran = await running
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"jinkies: no pull request for #{alert_id}: 404 no such repository␛[2J\n"


async def test_pr_gives_up_waiting_but_not_the_request(core: Core, alert_id: int, run: Run) -> None:
    ran = await asyncio.to_thread(run, "pr", str(alert_id), "--timeout", "0.2")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        f"jinkies: no pull request for #{alert_id} within 0.2 s; it is still asked for: "
        f"see `jinkies alert {alert_id}`\n"
    )


async def test_pr_without_waiting_only_asks(core: Core, alert_id: int, run: Run) -> None:
    ran = await asyncio.to_thread(run, "pr", str(alert_id), "--no-wait")
    assert ran.code == 0
    assert ran.out.startswith(f"#{alert_id} draft pull request asked for by ")


async def test_pr_is_refused_where_the_core_has_no_github(core: Core, alert_id: int, run: Run) -> None:
    core.report_health(PartHealth(part="github", state=PartState.UNCONFIGURED, detail="set GITHUB_TOKEN"))
    ran = await asyncio.to_thread(run, "pr", str(alert_id))
    assert (ran.code, ran.err) == (1, "jinkies: GitHub is not configured: set GITHUB_TOKEN\n")
    assert (await core.operator(SYSTEM).alert(alert_id)).row.pull_request is None


async def test_alerts_beyond_a_page_are_listed(core: Core, run: Run) -> None:
    operator = core.operator(SYSTEM)
    reports = [ReportOccurrence(service="api", message="boom", fingerprint=str(n)) for n in range(520)]
    await asyncio.gather(*(operator.execute(one) for one in reports))
    ran = await asyncio.to_thread(run, "alerts", "--json", "--limit", "510")
    ids = [json.loads(one)["id"] for one in ran.out.splitlines()]
    assert len(ids) == len(set(ids)) == 510
    assert ran.err == ""
    every = await asyncio.to_thread(run, "alerts", "--json", "--limit", "1000")
    assert len(every.out.splitlines()) == 520
