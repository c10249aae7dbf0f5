"""What a frontend may rely on, whichever transport it has."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from jinkies.commands import (
    Acknowledge,
    AdvanceWatch,
    CreatePullRequest,
    RecordDelivery,
    RecordPullRequest,
    Reopen,
    ReportHealth,
    ReportOccurrence,
    Resolve,
    StartTail,
    TakeLease,
)
from jinkies.config import GitHubConfig, Secret
from jinkies.core import Core
from jinkies.errors import (
    Conflict,
    Forbidden,
    Invalid,
    KeyReused,
    NotConfigured,
    NotFound,
    ResyncNeeded,
)
from jinkies.events import HealthChanged, JournalEntry, Position
from jinkies.model import (
    SYSTEM,
    Actor,
    ActorKind,
    AlertQuery,
    DeliveryState,
    EntryKind,
    PartHealth,
    PartState,
    Severity,
    State,
    TailSpec,
    WorkState,
)
from jinkies.operator import Operator
from tests.conftest import CHANNEL_ID

VELMA = Actor(kind=ActorKind.DISCORD, id="1400000000000000001", name="velma", roles=("7",))


def boom(message: str = "boom", **changes: object) -> ReportOccurrence:
    return msgspec.structs.replace(
        ReportOccurrence(service="api", message=message, exception_type="KeyError", fingerprint=message), **changes
    )


@asynccontextmanager
async def following(operator: Operator) -> AsyncIterator[AsyncIterator[JournalEntry]]:
    """The journal entries from now on."""
    position = (await operator.snapshot()).position
    async with operator.subscribe(position) as updates:

        async def entries() -> AsyncIterator[JournalEntry]:
            async for update in updates:
                if isinstance(update, JournalEntry):
                    yield update

        yield entries()


async def test_hello_names_the_database_and_the_caller(operator: Operator, core: Core) -> None:
    hello = await operator.hello()
    assert hello.epoch == core.epoch
    assert len(hello.epoch) == 32
    assert hello.actor.kind is ActorKind.LOCAL
    assert hello.actor.name == getpass.getuser()
    assert hello.ingest is None


async def test_an_occurrence_opens_an_alert_with_its_context(operator: Operator) -> None:
    outcome = await operator.execute(
        ReportOccurrence(
            service="api",
            message="'order_id'",
            exception_type="KeyError",
            stack_trace='Traceback (most recent call last):\n  File "app/views/orders.py", line 118, in show\n'
            "    return cart['order_id']\nKeyError: 'order_id'",
            request_path="/orders/{id}",
            severity=Severity.CRITICAL,
            instance_id="i-0abc123",
            commit_sha="a1b2c3d",
            context={"user": "1009"},
        )
    )
    assert outcome.created
    assert outcome.alert_id == 1
    detail = await operator.alert(1)
    assert detail.row.title == "KeyError: 'order_id'"
    assert detail.row.culprit is not None
    assert "app/views/orders.py:118" in detail.row.culprit
    assert (detail.row.state, detail.row.severity, detail.row.environment) == (State.OPEN, Severity.CRITICAL, "test")
    assert (detail.latest.instance_id, detail.latest.commit_sha, detail.latest.context) == (
        "i-0abc123",
        "a1b2c3d",
        {"user": "1009"},
    )
    assert [link.url for link in detail.row.links] == ["https://runbooks.example/api"]
    assert [entry.kind for entry in detail.timeline] == [EntryKind.ALERT_OPENED]
    assert [delivery.channel_id for delivery in detail.deliveries] == [CHANNEL_ID]


async def test_a_repeat_raises_the_count_and_the_revision_alone(operator: Operator) -> None:
    first = await operator.execute(boom())
    again = await operator.execute(boom())
    assert (first.created, again.created) == (True, False)
    assert first.alert_id == again.alert_id
    row = (await operator.alert(1)).row
    assert (row.count, row.revision, row.decision_rev) == (2, 2, 1)


async def test_counts_are_exact_under_concurrency(operator: Operator) -> None:
    await asyncio.gather(*(operator.execute(boom(f"kind {n % 5}")) for n in range(100)))
    page = await operator.alerts(AlertQuery())
    assert sorted(row.count for row in page.rows) == [20] * 5
    assert (await operator.snapshot()).counts.open == 5


async def test_acknowledging_is_seen_by_everyone_who_follows(operator: Operator) -> None:
    await operator.execute(boom())
    async with following(operator) as entries:
        outcome = await operator.execute(Acknowledge(alert_id=1, seen_rev=1, note="on it"))
        entry = await anext(entries)
    assert outcome.changed
    assert entry.kind is EntryKind.ALERT_ACKNOWLEDGED
    assert entry.text == f"acknowledged by {getpass.getuser()}: on it"
    assert entry.alert is not None
    assert entry.alert.state is State.ACKNOWLEDGED
    assert entry.alert.acknowledged_by is not None
    assert entry.alert.acknowledged_by.name == getpass.getuser()
    assert entry.counts is not None
    assert (entry.counts.open, entry.counts.acknowledged) == (0, 1)
    assert entry.deliveries[0].wanted_revision == entry.alert.revision
    assert outcome.seq == entry.seq


async def test_a_noisy_alert_can_still_be_acknowledged(operator: Operator) -> None:
    await operator.execute(boom())
    seen = (await operator.alert(1)).row.decision_rev
    await operator.execute(boom())
    assert (await operator.execute(Acknowledge(alert_id=1, seen_rev=seen))).changed


async def test_the_loser_of_a_race_is_told_who_won(operator: Operator) -> None:
    await operator.execute(boom())
    await operator.execute(Acknowledge(alert_id=1, seen_rev=1), on_behalf_of=VELMA)
    with pytest.raises(Conflict, match="acknowledged by velma"):
        await operator.execute(Acknowledge(alert_id=1, seen_rev=1))
    timeline = (await operator.alert(1)).timeline
    assert timeline[-1].kind is EntryKind.COMMAND_REFUSED
    assert (await operator.alert(1)).row.decision_rev == 2


async def test_doing_it_again_changes_nothing_and_appends_nothing(operator: Operator) -> None:
    await operator.execute(boom())
    await operator.execute(Acknowledge(alert_id=1))
    before = (await operator.snapshot()).position
    again = await operator.execute(Acknowledge(alert_id=1))
    assert not again.changed
    assert "already acknowledged" in again.reason
    assert (await operator.snapshot()).position == before


async def test_resolve_reopen_and_regression(operator: Operator) -> None:
    await operator.execute(boom())
    await operator.execute(Resolve(alert_id=1))
    assert (await operator.snapshot()).rows == ()
    with pytest.raises(Conflict, match="reopen it first"):
        await operator.execute(Acknowledge(alert_id=1))
    await operator.execute(Reopen(alert_id=1))
    assert (await operator.alert(1)).row.resolved_by is None
    await operator.execute(Resolve(alert_id=1))
    resolved_at_ms = (await operator.alert(1)).row.resolved_at_ms
    assert resolved_at_ms is not None
    late = await operator.execute(boom(occurred_at_ms=resolved_at_ms - 5_000))
    assert (await operator.alert(1)).row.state is State.RESOLVED, "older than the resolution: late news"
    assert not late.created


async def test_a_resolved_alert_that_comes_back_is_a_regression(operator: Operator, core: Core) -> None:
    await operator.execute(boom())
    await operator.execute(Resolve(alert_id=1))
    resolved_at_ms = (await operator.alert(1)).row.resolved_at_ms
    assert resolved_at_ms is not None
    while core.clock.now_ms() <= resolved_at_ms:
        await core.clock.sleep(0.001)
    await operator.execute(boom())
    detail = await operator.alert(1)
    assert (detail.row.state, detail.row.resolved_by) == (State.OPEN, None)
    assert detail.timeline[-1].kind is EntryKind.ALERT_REGRESSED


async def test_a_key_replayed_gives_the_first_answer_and_does_nothing(operator: Operator) -> None:
    first = await operator.execute(boom(), key="delivery-1")
    again = await operator.execute(boom(), key="delivery-1")
    assert again == first
    assert again.created
    assert (await operator.alert(1)).row.count == 1
    with pytest.raises(KeyReused, match="delivery-1"):
        await operator.execute(boom("another body"), key="delivery-1")


async def test_keys_replayed_in_one_transaction_count_once(operator: Operator) -> None:
    outcomes = await asyncio.gather(*(operator.execute(boom(), key="same") for _ in range(20)))
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert (await operator.alert(1)).row.count == 1


@pytest.mark.parametrize("key", ["", "k" * 201])
async def test_a_key_has_bounds(operator: Operator, key: str) -> None:
    with pytest.raises(Invalid, match="1 to 200"):
        await operator.execute(boom(), key=key)


async def test_a_key_is_printable(operator: Operator) -> None:
    for _ in range(2):
        with pytest.raises(Invalid, match="key: printable characters only"):
            await operator.execute(boom(), key="a\0b")


async def test_numbers_beyond_the_store_are_refused(operator: Operator) -> None:
    with pytest.raises(NotFound, match="there is no alert #"):
        await operator.execute(CreatePullRequest(alert_id=2**70))
    with pytest.raises(Invalid, match="occurred_at_ms"):
        await operator.execute(boom(occurred_at_ms=-(2**70)))


async def test_an_unknown_alert_is_not_found(operator: Operator) -> None:
    with pytest.raises(NotFound, match="there is no alert #77"):
        await operator.execute(Acknowledge(alert_id=77))
    with pytest.raises(NotFound, match="there is no alert #77"):
        await operator.alert(77)


async def test_what_is_the_cores_own_is_refused(operator: Operator) -> None:
    await operator.execute(boom())
    with pytest.raises(Forbidden, match="for the core itself"):
        await operator.execute(RecordPullRequest(alert_id=1, number=1, url="https://evil.example"))
    with pytest.raises(Forbidden, match="for the core itself"):
        await operator.execute(AdvanceWatch(watch="w", cursor="{}"))


async def test_only_discord_users_can_be_spoken_for(operator: Operator) -> None:
    await operator.execute(boom())
    with pytest.raises(Forbidden, match="only for Discord users"):
        await operator.execute(Acknowledge(alert_id=1), on_behalf_of=SYSTEM)
    with pytest.raises(Forbidden, match="can't be asked for from Discord"):
        await operator.execute(TakeLease(name="board", holder="velma", ttl_s=5), on_behalf_of=VELMA)


async def test_a_snapshot_and_what_follows_leave_no_gap(operator: Operator) -> None:
    start = (await operator.snapshot()).position
    for n in range(10):
        await operator.execute(boom(f"kind {n}"))
    async with operator.subscribe(start) as updates:
        seqs = []
        async for update in updates:
            if isinstance(update, JournalEntry):
                seqs.append(update.seq)
            if len(seqs) == 10:
                break
    assert seqs == list(range(start.seq + 1, start.seq + 11))


async def test_a_foreign_or_future_position_means_resync(operator: Operator) -> None:
    position = (await operator.snapshot()).position
    for wrong in (Position("0" * 32, 0), Position(position.epoch, position.seq + 5)):
        with pytest.raises(ResyncNeeded):
            async with operator.subscribe(wrong) as updates:
                await anext(updates)


async def test_health_reaches_those_who_follow_and_the_snapshot(operator: Operator, core: Core) -> None:
    health = PartHealth(part="discord", state=PartState.OK, latency_ms=41.0)
    position = (await operator.snapshot()).position
    before_ms = core.clock.now_ms()
    async with operator.subscribe(position) as updates:
        await operator.execute(ReportHealth(health=health))
        async for update in updates:
            if isinstance(update, HealthChanged) and update.health.part == "discord":
                since = update.health
                break
    assert msgspec.structs.replace(since, at_ms=0) == health
    assert since.at_ms >= before_ms
    while core.clock.now_ms() <= since.at_ms:
        await core.clock.sleep(0.001)
    await operator.execute(ReportHealth(health=msgspec.structs.replace(health, latency_ms=40.0)))
    (held,) = [one for one in (await operator.snapshot()).health if one.part == "discord"]
    assert (held.latency_ms, held.at_ms) == (40.0, since.at_ms), "since when it is so, not when it was last said"


async def test_pages_follow_each_other_without_gap_or_repeat(operator: Operator) -> None:
    for n in range(25):
        await operator.execute(boom(f"kind {n}", occurred_at_ms=1_000 * (n // 3)))
    seen: list[int] = []
    query = AlertQuery(limit=7)
    while True:
        page = await operator.alerts(query)
        seen += [row.alert_id for row in page.rows]
        if page.next_cursor is None:
            break
        query = msgspec.structs.replace(query, cursor=page.next_cursor)
    assert sorted(seen) == list(range(1, 26))


async def test_alerts_are_found_by_state_service_severity_and_text(operator: Operator) -> None:
    await operator.execute(boom("deadlock 100%_sure", severity=Severity.CRITICAL))
    await operator.execute(boom("timeout", service="worker", severity=Severity.WARNING))
    await operator.execute(Acknowledge(alert_id=2))

    async def found(**changes: object) -> list[int]:
        page = await operator.alerts(msgspec.structs.replace(AlertQuery(), **changes))
        return sorted(row.alert_id for row in page.rows)

    assert await found(states=(State.OPEN,)) == [1]
    assert await found(service="worker") == [2]
    assert await found(severity=Severity.ERROR) == [1]
    assert await found(search="DEADLOCK") == [1]
    assert await found(search="100%_s") == [1]
    assert await found(search="0__s") == [], "wildcards of LIKE are plain text"
    assert await found(search="#2") == [2]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (AlertQuery(limit=0), "limit"),
        (AlertQuery(limit=501), "limit"),
        (AlertQuery(cursor="x"), "cursor"),
        (AlertQuery(cursor=f"{2**80}-1"), "cursor"),
    ],
)
async def test_a_query_out_of_bounds_names_what_is_wrong(operator: Operator, query: AlertQuery, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        await operator.alerts(query)


async def test_a_pull_request_is_an_intent_first_and_a_link_at_the_end(operator: Operator, core: Core) -> None:
    await operator.execute(boom())
    asked = await operator.execute(CreatePullRequest(alert_id=1, notes="try a default"))
    assert asked.changed
    again = await operator.execute(CreatePullRequest(alert_id=1))
    assert not again.changed
    assert await core.reader.requested_work() == (1,)
    system = core.operator(SYSTEM)
    await system.execute(RecordPullRequest(alert_id=1, error="401 Bad credentials"))
    row = (await operator.alert(1)).row
    assert row.pull_request is not None
    assert (row.pull_request.state, row.pull_request.error) == (WorkState.FAILED, "401 Bad credentials")
    await operator.execute(CreatePullRequest(alert_id=1))
    await system.execute(RecordPullRequest(alert_id=1, number=7, url="https://github.example/o/r/pull/7"))
    row = (await operator.alert(1)).row
    assert row.pull_request is not None
    assert row.pull_request.state is WorkState.DONE
    assert [link.label for link in row.links] == ["Runbook", "PR #7"]
    third = await operator.execute(CreatePullRequest(alert_id=1))
    assert not third.changed
    assert "pull/7" in third.reason


@pytest.mark.parametrize(
    ("github", "message"),
    [
        (GitHubConfig(), "set GITHUB_TOKEN"),
        (GitHubConfig(token=Secret("t")), r"no repository for api: set GITHUB_REPO_OWNER .* \[services.api\]"),
    ],
)
async def test_without_github_a_pull_request_says_what_to_set(
    operator: Operator, core: Core, github: GitHubConfig, message: str
) -> None:
    await operator.execute(boom())
    core.config = msgspec.structs.replace(core.config, github=github)
    with pytest.raises(NotConfigured, match=message):
        await operator.execute(CreatePullRequest(alert_id=1))
    assert (await operator.alert(1)).row.pull_request is None


async def test_too_long_notes_name_the_field_and_the_limit(operator: Operator) -> None:
    await operator.execute(boom())
    with pytest.raises(Invalid, match="notes: 10,001 characters; at most 10,000"):
        await operator.execute(CreatePullRequest(alert_id=1, notes="x" * 10_001))


async def test_only_the_holder_of_the_lease_mends_the_board(operator: Operator) -> None:
    await operator.execute(boom())

    def posted(holder: str) -> RecordDelivery:
        return RecordDelivery(
            alert_id=1,
            channel_id=CHANNEL_ID,
            holder=holder,
            state=DeliveryState.POSTED,
            message_id="99",
            shown_revision=1,
            shown_hash="h",
        )

    with pytest.raises(Conflict, match="lease"):
        await operator.execute(posted("a"))
    await operator.execute(TakeLease(name="board", holder="a", ttl_s=30))
    with pytest.raises(Conflict, match="held by another"):
        await operator.execute(TakeLease(name="board", holder="b", ttl_s=30))
    async with following(operator) as entries:
        await operator.execute(posted("a"))
        entry = await anext(entries)
    assert entry.kind is EntryKind.DELIVERY_CHANGED
    assert entry.deliveries[0].in_step
    assert not (await operator.execute(posted("a"))).changed
    await operator.execute(TakeLease(name="board", holder="a", ttl_s=0))
    await operator.execute(TakeLease(name="board", holder="b", ttl_s=30))


async def test_secrets_never_reach_the_store(operator: Operator, core: Core) -> None:
    await operator.execute(
        ReportOccurrence(
            service="api",
            message="cannot connect to postgres://app:hunter2hunter2@db/app with AKIAIOSFODNN7EXAMPLE",
            stack_trace="password=correct-horse-battery",
            context={"password": "correct-horse-battery"},
        )
    )
    stored = b"".join(path.read_bytes() for path in core.config.home.glob("jinkies.db*"))
    for secret in (b"hunter2hunter2", b"AKIAIOSFODNN7EXAMPLE", b"correct-horse"):
        assert secret not in stored
    assert "[redacted" in (await operator.alert(1)).latest.message


async def test_without_aws_logs_say_what_to_set(operator: Operator) -> None:
    await operator.execute(boom())
    with pytest.raises(NotConfigured, match="AWS_REGION"):
        await operator.logs_around(1)
    with pytest.raises(NotConfigured, match="AWS_REGION"):
        await operator.execute(StartTail(spec=TailSpec(targets=("api",))))
    with pytest.raises(NotConfigured, match="AWS_REGION"):
        await operator.fetch_logs(TailSpec(targets=("api",)), start_ms=0, end_ms=1, limit=10)
