"""A thread on each card: the timeline as it grows, and what people write there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from bot import http, threads
from bot.session import Session
from jinkies.app import host
from jinkies.commands import Acknowledge, Comment, CreatePullRequest, RecordOnGitHub, RecordPullRequest, Resolve
from jinkies.config import Config
from jinkies.core import Core
from jinkies.model import SYSTEM, ActorKind, Delivery, DeliveryState, EntryKind, LinkKind, OnGitHub, TimelineEntry, What
from jinkies.operator import Operator
from jinkies.simulators.discord import Fault, FaultKind, RateLimits, SimulatedDiscord, World
from jinkies.wire.peer import local_actor
from tests.bot.conftest import CHANNEL, report, running_bot
from tests.waiting import until

ALERTS_ID = "1300000000000000001"  # of ``CHANNEL``


@pytest.fixture
async def discord() -> AsyncIterator[SimulatedDiscord]:
    async with SimulatedDiscord(World(message_content=True), limits=RateLimits(enabled=False)) as simulated:
        yield simulated


@pytest.fixture
def desk_config(desk_config: Config) -> Config:
    """With threads."""
    return msgspec.structs.replace(desk_config, discord=msgspec.structs.replace(desk_config.discord, threads=True))


@pytest.fixture
async def desk(desk_config: Config) -> AsyncIterator[Core]:
    async with host(desk_config, ingest=False, background=False) as running:
        yield running


async def told(session: Session, alert_id: int, *, state: DeliveryState = DeliveryState.POSTED) -> Delivery:
    """The thread's delivery once nothing is left to do for it."""
    key = (alert_id, ALERTS_ID, What.THREAD)

    def settled() -> bool:
        one = session.replica.deliveries.get(key)
        return one is not None and one.state is state and one.in_step

    await until(session.replica, settled)
    return session.replica.deliveries[key]


def lines(discord: SimulatedDiscord, thread_id: str | None) -> list[str]:
    """What the bot said in a thread, oldest first, without the moments."""
    assert thread_id is not None
    mine = [one for one in reversed(discord.messages(thread_id)) if one["author"].get("bot") and one["content"]]
    return [line.partition("> ")[2] for one in mine for line in one["content"].split("\n")]


async def seq_of(operator: Operator, alert_id: int, kind: EntryKind) -> int:
    return max(entry.seq for entry in (await operator.alert(alert_id)).timeline if entry.kind is kind)


async def reached(session: Session, alert_id: int, seq: int) -> Delivery:
    key = (alert_id, ALERTS_ID, What.THREAD)

    def there() -> bool:
        one = session.replica.deliveries.get(key)
        return one is not None and one.in_step and one.shown_revision >= seq

    await until(session.replica, there)
    return session.replica.deliveries[key]


async def test_a_card_has_a_thread_that_tells_its_timeline(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    async with running_bot(desk) as session:
        await report(operator)
        thread = await told(session, 1)
        [card] = discord.messages(CHANNEL)
        assert thread.message_id == card["id"], "a thread on a message has its id"
        [shown] = discord.threads(CHANNEL)
        assert shown["name"] == "#1 KeyError: order_id · api"
        await operator.execute(Acknowledge(alert_id=1, note="looking"))
        await operator.execute(Comment(alert_id=1, text="*it* is the cart"))
        await report(operator)  # counting is the card's business
        await reached(session, 1, await seq_of(operator, 1, EntryKind.ALERT_COMMENTED))
    found = lines(discord, thread.message_id)
    assert [line.partition(" ")[0] for line in found] == ["opened", "acknowledged", found[2].partition(" ")[0]]
    assert "looking" in found[1]
    assert "\\*it\\* is the cart" in found[2]


async def test_help_says_what_writing_there_does(discord: SimulatedDiscord, desk: Core) -> None:
    async with running_bot(desk):
        answer = await discord.slash("help")
    assert answer.message is not None
    assert "what you write becomes a comment" in answer.message["embeds"][0]["description"]


async def test_after_a_restart_it_goes_on_where_it_was(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    async with running_bot(desk) as session:
        await report(operator)
        thread = await told(session, 1)
    await operator.execute(Acknowledge(alert_id=1))
    await operator.execute(Resolve(alert_id=1))
    async with running_bot(desk) as session:
        await reached(session, 1, await seq_of(operator, 1, EntryKind.ALERT_RESOLVED))
    assert len(discord.threads(CHANNEL)) == 1
    assert [line.partition(" ")[0] for line in lines(discord, thread.message_id)] == [
        "opened",
        "acknowledged",
        "resolved",
    ]


@pytest.mark.parametrize("path", ["/threads$", r"/channels/\d+/messages$"])
async def test_a_lost_answer_tells_nothing_twice(
    discord: SimulatedDiscord, desk: Core, operator: Operator, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(http, "_PAUSES_S", (0.1, 0.3))
    monkeypatch.setattr(threads, "PAUSE_S", 0.2)
    async with running_bot(desk) as session:
        fault = Fault(method="POST", path=path, kind=FaultKind.DROP_AFTER_EFFECT, times=2)
        discord.fault(fault)
        await report(operator)
        thread = await told(session, 1)
    assert len(discord.threads(CHANNEL)) == 1
    assert [line.partition(" ")[0] for line in lines(discord, thread.message_id)] == ["opened"]


async def test_a_merge_on_github_is_news_in_the_thread(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    system, kind = desk.operator(SYSTEM), LinkKind.PULL_REQUEST
    async with running_bot(desk) as session:
        await report(operator)
        await operator.execute(CreatePullRequest(alert_id=1))
        await system.execute(RecordPullRequest(alert_id=1, number=7, url="https://github.example/o/r/pull/7"))
        await system.execute(RecordOnGitHub(alert_id=1, kind=kind, number=7, on_github=OnGitHub.MERGED, by="a_*d*_a"))
        thread = await reached(session, 1, await seq_of(operator, 1, EntryKind.PULL_REQUEST_CHANGED))
    assert "PR #7 merged by a\\_\\*d\\*\\_a" in lines(discord, thread.message_id)


async def test_a_thread_that_a_person_deletes_stays_deleted(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    async with running_bot(desk) as session:
        await report(operator)
        thread = await told(session, 1)
        assert thread.message_id is not None
        discord.state.remove_thread(discord.state.threads.all[thread.message_id])
        await operator.execute(Acknowledge(alert_id=1))
        await told(session, 1, state=DeliveryState.DELETED)
    assert discord.threads(CHANNEL) == []


async def test_what_is_written_there_is_a_comment_once(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    async with running_bot(desk) as session:
        await report(operator)
        thread = await told(session, 1)
        assert thread.message_id is not None
        await discord.say("it is the cart", "velma", thread.message_id)
        row = await commented(session, operator, 1)
        await reached(session, 1, row.seq)
        assert (row.actor.kind, row.actor.name, row.text) == (ActorKind.DISCORD, "velma", "velma: it is the cart")
    async with running_bot(desk) as session:
        await operator.execute(Comment(alert_id=1, text="from the console"))
        await reached(session, 1, await seq_of(operator, 1, EntryKind.ALERT_COMMENTED))
    said = [one["content"] for one in discord.messages(thread.message_id)]
    assert sum("it is the cart" in one for one in said) == 1
    assert sum("from the console" in one for one in said) == 1


async def test_who_may_not_comment_is_told_so(discord: SimulatedDiscord, desk: Core, operator: Operator) -> None:
    async with running_bot(desk) as session:
        await report(operator)
        thread = await told(session, 1)
        assert thread.message_id is not None
        await discord.say("let me in @everyone", "shaggy", thread.message_id)
        await discord.wait_for(
            lambda: any("Not taken" in one["content"] for one in discord.messages(str(thread.message_id)))
        )
    assert (await operator.alert(1)).row.comments == 0
    [refused] = [one for one in discord.messages(thread.message_id) if "Not taken" in one["content"]]
    assert "has none of the roles" in refused["content"]
    assert refused["mentions"] == []


async def commented(session: Session, operator: Operator, alert_id: int) -> TimelineEntry:
    """The newest comment of an alert, once there is one."""

    def there() -> bool:
        return session.replica.rows[alert_id].comments > 0

    await until(session.replica, there)
    return next(e for e in reversed((await operator.alert(alert_id)).timeline) if e.kind is EntryKind.ALERT_COMMENTED)


async def test_where_discord_gives_no_words_the_thread_grows_and_health_says_why(
    desk_config: Config,
) -> None:
    async with SimulatedDiscord(limits=RateLimits(enabled=False)) as mute:
        config = msgspec.structs.replace(
            desk_config, discord=msgspec.structs.replace(desk_config.discord, api_url=mute.api_url)
        )
        async with host(config, ingest=False, background=False) as desk, running_bot(desk) as session:
            await report(desk.operator(local_actor()))
            thread = await told(session, 1)
            assert [line.partition(" ")[0] for line in lines(mute, thread.message_id)] == ["opened"]
            assert "switch Message Content Intent on" in session.link.health.detail
