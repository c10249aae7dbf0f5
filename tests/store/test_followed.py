"""What is followed on GitHub, of older databases and of restored ones."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec

from jinkies.model import AlertRow, Issue, OnGitHub, PullRequest, Severity, State, WorkState
from jinkies.store.database import migrations, open_writer
from jinkies.store.writer import work_column

ROW = AlertRow(
    alert_id=1,
    state=State.OPEN,
    severity=Severity.ERROR,
    service="api",
    environment="production",
    title='a "state":"done" title',
    exception_type=None,
    request_path=None,
    culprit=None,
    count=1,
    first_seen_at_ms=1,
    last_seen_at_ms=1,
)


def pull_request(state: WorkState, on_github: OnGitHub | None = None) -> PullRequest:
    return PullRequest(state=state, title="t", number=7, url="https://g.example/o/r/pull/7", on_github=on_github)


def issue(state: WorkState) -> Issue:
    return Issue(state=state, title="t", number=8, url="https://g.example/o/r/issues/8")


def test_what_is_merged_or_failed_is_followed_no_more() -> None:
    def column(**work: PullRequest | Issue) -> str | None:
        return work_column(msgspec.structs.replace(ROW, **work))

    assert column() is None
    assert column(pull_request=pull_request(WorkState.FAILED)) is None
    assert column(pull_request=pull_request(WorkState.DONE)) == "followed"
    assert column(pull_request=pull_request(WorkState.DONE, OnGitHub.CLOSED)) == "followed"
    assert column(pull_request=pull_request(WorkState.DONE, OnGitHub.MERGED)) is None
    merged = pull_request(WorkState.DONE, OnGitHub.MERGED)
    assert column(pull_request=merged, issue=issue(WorkState.DONE)) == "followed"
    assert column(pull_request=merged, issue=issue(WorkState.REQUESTED)) == "requested"


async def test_what_was_opened_by_an_older_core_is_followed(home: Path) -> None:
    rows = {
        1: ROW,
        2: msgspec.structs.replace(ROW, pull_request=pull_request(WorkState.DONE)),
        3: msgspec.structs.replace(ROW, issue=issue(WorkState.DONE)),
        4: msgspec.structs.replace(ROW, pull_request=pull_request(WorkState.REQUESTED), issue=issue(WorkState.DONE)),
        5: msgspec.structs.replace(ROW, pull_request=pull_request(WorkState.FAILED)),
    }
    with sqlite3.connect(home / "jinkies.db") as connection:
        for number, sql in migrations():
            if number < 13:
                connection.executescript(f"{sql}; PRAGMA user_version = {number}")
        connection.executemany(
            "INSERT INTO alerts (alert_id, fingerprint, state, severity, service, environment, count, last_seen_at_ms,"
            " work, names, tags, image) VALUES (?, ?, 'open', 2, 'api', 'production', 1, 1, ?, '', '', ?)",
            [
                (number, str(number), "requested" if row.awaits_work else None, msgspec.json.encode(row))
                for number, row in rows.items()
            ],
        )
    connection.close()
    async with open_writer(home / "jinkies.db") as db:
        found = await db.execute_fetchall("SELECT alert_id, work FROM alerts ORDER BY alert_id")
    assert [tuple(each) for each in found] == [(number, work_column(row)) for number, row in rows.items()]
