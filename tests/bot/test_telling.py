"""Calls and digests in Discord: each once, whatever happens in between, and pinging exactly whom it should."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest

from bot.session import Session
from jinkies.app import host
from jinkies.commands import Acknowledge, ReportOccurrence, Resolve
from jinkies.config import Config
from jinkies.core import Core
from jinkies.model import Delivery, State, What
from jinkies.operator import Operator
from jinkies.simulators.discord import AnswerKind, Fault, FaultKind, RateLimits, SimulatedDiscord
from jinkies.wire.peer import local_actor
from tests.bot.conftest import CHANNEL, button, edits, posts, report, row_of, running_bot, until, with_discord
from tests.bot.test_process import started_driver
from tests.telling import BOSS, ROLE, route

ROLE_ID, BOSS_ID = ROLE.partition(":")[2], BOSS.partition(":")[2]


def calling(config: Config, *mention: str, new_cards: int = 30) -> Config:
    discord = msgspec.structs.replace(config.discord, max_new_cards_per_minute=new_cards)
    return msgspec.structs.replace(config, discord=discord, routes=(route(mention=mention),))


@asynccontextmanager
async def desk_of(config: Config) -> AsyncIterator[tuple[Core, Operator]]:
    async with host(config, ingest=False, background=False) as desk:
        yield desk, desk.operator(local_actor())


async def all_in_step(session: Session, *seqs: int | None) -> None:
    newest = max(seq or 0 for seq in seqs)

    def reached() -> bool:
        position = session.replica.position
        known = position is not None and position.seq >= newest
        return known and all(one.in_step for one in session.replica.deliveries.values())

    await until(session, reached, 30)


async def come_back(operator: Operator, alert_id: int) -> int:
    await operator.execute(Resolve(alert_id=alert_id))
    await asyncio.sleep(0.002)  # what happened in the same millisecond would be late news
    return (await report(operator)).seq or 0


def bodies(discord: SimulatedDiscord) -> list[dict[str, object]]:
    return [call.body for call in discord.calls if call.method == "POST" and call.path.endswith("/messages")]


async def deliveries(operator: Operator, alert_id: int, what: What) -> list[Delivery]:
    return [one for one in (await operator.alert(alert_id)).deliveries if one.what is what]


async def flood(operator: Operator, count: int, prefix: str = "ValueError") -> int:
    """So many different alerts; gives the journal's position after the last."""
    outcomes = await asyncio.gather(
        *(
            operator.execute(
                ReportOccurrence(service=("api", "worker")[number % 2], message="boom", fingerprint=f"{prefix}{number}")
            )
            for number in range(count)
        )
    )
    return max(outcome.seq or 0 for outcome in outcomes)


@pytest.mark.parametrize(
    ("mention", "content", "allowed"),
    [
        ((ROLE,), f"<@&{ROLE_ID}>", {"parse": [], "roles": [ROLE_ID]}),
        ((BOSS,), f"<@{BOSS_ID}>", {"parse": [], "users": [BOSS_ID]}),
        (("here",), "@here", {"parse": ["everyone"]}),
        (
            (ROLE, BOSS, "everyone"),
            f"<@&{ROLE_ID}> <@{BOSS_ID}> @everyone",
            {"parse": ["everyone"], "roles": [ROLE_ID], "users": [BOSS_ID]},
        ),
    ],
)
async def test_a_card_pings_exactly_whom_its_route_names_and_an_edit_nobody(
    discord: SimulatedDiscord, desk_config: Config, mention: tuple[str, ...], content: str, allowed: dict[str, object]
) -> None:
    async with desk_of(calling(desk_config, *mention)) as (desk, operator), running_bot(desk) as session:
        first = await report(operator, "@everyone <@&1500000000000000002> look")
        await all_in_step(session, first.seq)
        last = await operator.execute(Acknowledge(alert_id=first.alert_id or 0))
        await all_in_step(session, last.seq)
    [body] = bodies(discord)
    assert (body["content"], body["allowed_mentions"]) == (content, allowed)
    [card] = discord.messages(CHANNEL)
    assert card["content"] == content
    assert card["mention_roles"] == allowed.get("roles", [])
    assert [user["id"] for user in card["mentions"]] == allowed.get("users", [])
    [edit] = [call.body for call in discord.calls if call.method == "PATCH" and "/messages/" in call.path]
    assert "content" not in edit
    assert edit["allowed_mentions"] == {"parse": []}


async def test_a_card_that_is_posted_late_calls_nobody_to_what_is_in_hand(
    discord: SimulatedDiscord, desk_config: Config
) -> None:
    async with desk_of(calling(desk_config, ROLE)) as (desk, operator):
        first = await report(operator)
        last = await operator.execute(Acknowledge(alert_id=first.alert_id or 0))
        async with running_bot(desk) as session:
            await all_in_step(session, last.seq)
    [body] = bodies(discord)
    assert "content" not in body
    assert body["allowed_mentions"] == {"parse": []}


async def test_what_comes_back_is_told_in_a_message_that_links_its_card_and_can_be_acknowledged(
    discord: SimulatedDiscord, desk_config: Config
) -> None:
    async with desk_of(calling(desk_config, ROLE)) as (desk, operator), running_bot(desk) as session:
        first = await report(operator)
        await all_in_step(session, first.seq)
        seq = await come_back(operator, first.alert_id or 0)
        await all_in_step(session, seq)
        call, card = discord.messages(CHANNEL)
        link = f"https://discord.com/channels/1200000000000000001/{card['channel_id']}/{card['id']}"
        assert call[
            "content"
        ] == f"<@&{ROLE_ID}> #1 KeyError\\: order\\_id · api: came back after it was resolved {link}".replace(
            "\\:", ":"
        )
        assert call["mention_roles"] == [ROLE_ID]
        answer = await discord.press(call["id"], button(call, "ack"), wait_s=3.0)  # the message shows nothing
        assert answer.kind in (AnswerKind.ACKNOWLEDGED, AnswerKind.UPDATE)
        assert (await row_of(operator, 1)).state is State.ACKNOWLEDGED
    assert bodies(discord)[-1]["allowed_mentions"] == {"parse": [], "roles": [ROLE_ID]}


@pytest.mark.parametrize("nonce_memory_s", [0.0, 300.0])
async def test_a_call_whose_answer_was_lost_is_not_repeated(config: Config, nonce_memory_s: float) -> None:
    async with SimulatedDiscord(limits=RateLimits(enabled=False), nonce_memory_s=nonce_memory_s) as discord:
        chosen = calling(with_discord(config, discord.api_url), ROLE)
        async with desk_of(chosen) as (desk, operator), running_bot(desk) as session:
            first = await report(operator)
            await all_in_step(session, first.seq)
            discord.fault(Fault(method="POST", path="/messages$", kind=FaultKind.DROP_AFTER_EFFECT))
            await all_in_step(session, await come_back(operator, 1))
            [call] = await deliveries(operator, 1, What.CALL)
        assert call.message_id == discord.messages(CHANNEL)[0]["id"]
        assert len(discord.messages(CHANNEL)) == posts(discord) == 2
        assert edits(discord) <= 2


async def test_a_bot_killed_between_a_call_and_its_record_calls_once(home: Path, config: Config) -> None:
    async with SimulatedDiscord(nonce_memory_s=0.0, limits=RateLimits(enabled=False)) as discord:
        async with desk_of(calling(with_discord(config, discord.api_url), ROLE)) as (desk, operator):
            async with running_bot(desk) as session:
                await all_in_step(session, (await report(operator)).seq)
            await come_back(operator, 1)
            # Discord has the call, and its answer takes longer than the bot lives.
            discord.fault(Fault(method="POST", path="/messages$", kind=FaultKind.DELAY, delay_s=2.0))
            process = started_driver(home, discord.api_url)
            try:
                await discord.wait_for(lambda: len(discord.messages(CHANNEL)) == 2, 60)
            finally:
                process.kill()
                process.wait()
            [call] = await deliveries(operator, 1, What.CALL)
            assert call.message_id is None
            async with running_bot(desk) as session:
                await all_in_step(session, 0)
            [call] = await deliveries(operator, 1, What.CALL)
        assert call.message_id == discord.messages(CHANNEL)[0]["id"]
        assert len(discord.messages(CHANNEL)) == 2


async def test_a_storm_is_so_many_cards_and_one_digest_that_counts_the_rest(
    discord: SimulatedDiscord, desk_config: Config
) -> None:
    async with desk_of(calling(desk_config, new_cards=10)) as (desk, operator), running_bot(desk) as session:
        seq = await flood(operator, 500)
        await all_in_step(session, seq)
        messages = discord.messages(CHANNEL)
        [digest] = [one for one in messages if "more alert" in one["embeds"][0]["title"]]
        assert len(messages) == posts(discord) == 11
        assert digest["embeds"][0]["title"].startswith("490 more alerts in ")
        assert "245" in digest["embeds"][0]["description"]
        assert edits(discord) <= 5
        named = (await operator.snapshot()).deliveries
        assert sum(one.digest.count for one in named if one.digest is not None) == 490
        answer = await discord.press(digest["id"], digest["components"][0]["components"][0]["custom_id"])
        shown = answer.message or answer.followups[0]
        assert shown["embeds"][0]["title"] == "Alerts · open"


async def test_a_digested_alert_gets_a_card_when_somebody_decides(
    discord: SimulatedDiscord, desk_config: Config
) -> None:
    async with desk_of(calling(desk_config, new_cards=2)) as (desk, operator):
        await flood(operator, 4)
        open_desk = msgspec.structs.replace(desk.config.discord, max_new_cards_per_minute=3)
        desk.config = msgspec.structs.replace(desk.config, discord=open_desk)
        last = await operator.execute(Acknowledge(alert_id=4))
        async with running_bot(desk) as session:
            await all_in_step(session, last.seq)
    titles = [message["embeds"][0]["title"] for message in discord.messages(CHANNEL)]
    assert any("#4 " in title for title in titles)
    assert len(titles) == 4


async def test_a_digest_posts_the_card_of_an_alert_that_somebody_asks_for(
    discord: SimulatedDiscord, desk_config: Config
) -> None:
    async with desk_of(calling(desk_config, new_cards=1)) as (desk, operator):
        async with running_bot(desk) as session:
            await all_in_step(session, await flood(operator, 4))
        async with running_bot(desk) as session:  # a message from before a restart
            [digest] = [one for one in discord.messages(CHANNEL) if "more alert" in one["embeds"][0]["title"]]
            select = digest["components"][1]["components"][0]
            for said in ("The card of #3 comes below.", "Nothing changed: no digest stands for it."):
                answer = await discord.press(digest["id"], select["custom_id"], values=("3",))
                assert answer.text == said
                assert answer.ephemeral
            await discord.wait_for(lambda: len(discord.messages(CHANNEL)) == 3)
            await all_in_step(session, 0)
    assert "#3 " in discord.messages(CHANNEL)[0]["embeds"][0]["title"]


@pytest.mark.parametrize("nonce_memory_s", [0.0, 300.0])
async def test_a_digest_whose_answer_was_lost_is_adopted_and_grows(config: Config, nonce_memory_s: float) -> None:
    async with SimulatedDiscord(limits=RateLimits(enabled=False), nonce_memory_s=nonce_memory_s) as discord:
        chosen = calling(with_discord(config, discord.api_url), new_cards=1)
        async with desk_of(chosen) as (desk, operator), running_bot(desk) as session:
            await all_in_step(session, await flood(operator, 1))
            discord.fault(Fault(method="POST", path="/messages$", kind=FaultKind.DROP_AFTER_EFFECT))
            await all_in_step(session, await flood(operator, 10, "first"))
            await all_in_step(session, await flood(operator, 5, "then"))
        digest, _ = discord.messages(CHANNEL)
        assert digest["embeds"][0]["title"].startswith("15 more alerts in ")
        assert posts(discord) == 2


async def test_a_digest_too_old_to_edit_goes_on_in_another_message(
    discord: SimulatedDiscord, desk_config: Config
) -> None:
    async with desk_of(calling(desk_config, new_cards=1)) as (desk, operator), running_bot(desk) as session:
        await all_in_step(session, await flood(operator, 3))
        too_old = {"message": "Maximum number of edits to messages older than 1 hour reached", "code": 30046}
        discord.fault(Fault(method="PATCH", path="/messages/", kind=FaultKind.STATUS, status=400, body=too_old))
        await all_in_step(session, await flood(operator, 5, "more"))
    newest = discord.messages(CHANNEL)[0]
    assert newest["embeds"][0]["title"].startswith("7 more alerts in ")
    assert newest["content"].startswith("Earlier card: ")


async def test_killed_again_and_again_there_is_one_digest(home: Path, config: Config) -> None:
    async with SimulatedDiscord(nonce_memory_s=0.0, limits=RateLimits(enabled=False)) as discord:
        async with desk_of(calling(with_discord(config, discord.api_url), ROLE, new_cards=1)) as (desk, operator):
            await flood(operator, 18)
            for stop_at in range(1, 4):  # digest, the call for it, and the card
                discord.fault(Fault(method="POST", path="/messages$", kind=FaultKind.DELAY, delay_s=2.0))
                process = started_driver(home, discord.api_url)
                try:
                    await discord.wait_for(partial(_shows, discord, stop_at), 60)
                finally:
                    process.kill()
                    process.wait()
            async with running_bot(desk) as session:
                await all_in_step(session, 0)
        messages = discord.messages(CHANNEL)
        assert len(messages) == 3
        assert sum(bool(one["embeds"]) and "17 more" in one["embeds"][0]["title"] for one in messages) == 1


def _shows(discord: SimulatedDiscord, number: int) -> bool:
    return len(discord.messages(CHANNEL)) >= number
