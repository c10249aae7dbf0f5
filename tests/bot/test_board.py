"""The board on a real core and a simulated Discord: one alert is one card, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
import pytest

from bot import client, http
from bot.render import Message, alert_message
from bot.session import Session
from jinkies.app import host
from jinkies.commands import Acknowledge, AnyCommand, Outcome, RecordDelivery, Reopen, TakeLease
from jinkies.config import Config
from jinkies.core import Core
from jinkies.errors import Conflict, Disconnected
from jinkies.model import AlertDetail, DeliveryState, PartState
from jinkies.operator import Operator
from jinkies.simulators.discord import (
    Access,
    Channel,
    Fault,
    FaultKind,
    RateLimit,
    RateLimits,
    SimulatedDiscord,
    World,
)
from jinkies.wire.peer import local_actor
from tests.bot.conftest import (
    CHANNEL,
    delivery,
    edits,
    posts,
    report,
    running_bot,
    until,
    until_health,
    until_in_step,
    with_discord,
)


@asynccontextmanager
async def desk_on(discord: SimulatedDiscord, config: Config) -> AsyncIterator[tuple[Core, Operator]]:
    async with host(with_discord(config, discord.api_url), ingest=False, background=False) as desk:
        yield desk, desk.operator(local_actor())


async def test_an_occurrence_becomes_one_card_and_repeats_edit_it(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    async with running_bot(desk) as session:
        first = await report(operator)
        assert first.alert_id is not None
        await until_in_step(session, first.alert_id)
        await asyncio.gather(*(report(operator) for _ in range(20)))
        shown = await until_in_step(session, first.alert_id, 21)
    [card] = discord.messages(CHANNEL)
    assert shown.message_id == card["id"]
    assert "×21" in card["embeds"][0]["description"]
    assert posts(discord) == 1
    assert edits(discord) <= 3


async def test_what_looks_the_same_is_recorded_and_not_edited(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    alert_id = (await report(operator)).alert_id or 0
    async with running_bot(desk) as session:
        await until_in_step(session, alert_id)
    await operator.execute(Acknowledge(alert_id=alert_id))
    await operator.execute(Reopen(alert_id=alert_id))
    async with running_bot(desk) as session:
        shown = await until_in_step(session, alert_id, 3)
    assert shown.shown_revision == 3
    assert edits(discord) == 0


async def test_cards_that_were_wanted_before_are_posted_once(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    ids = [(await report(operator, f"ValueError: number {number}")).alert_id or 0 for number in range(5)]
    async with running_bot(desk) as session:
        for alert_id in ids:
            await until_in_step(session, alert_id)
    assert len(discord.messages(CHANNEL)) == posts(discord) == 5


async def test_a_post_whose_answer_was_lost_is_adopted(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    async with running_bot(desk) as session:
        discord.fault(Fault(method="POST", path="/messages$", kind=FaultKind.DROP_AFTER_EFFECT))
        alert_id = (await report(operator)).alert_id or 0
        shown = await until_in_step(session, alert_id)
    [card] = discord.messages(CHANNEL)
    assert card["id"] == shown.message_id
    assert posts(discord) == 1


async def test_a_card_that_a_dead_bot_posted_is_adopted_without_help_of_the_nonce(config: Config) -> None:
    unbounded = msgspec.structs.replace(config.discord, max_new_cards_per_minute=0)
    config = msgspec.structs.replace(config, discord=unbounded)
    async with SimulatedDiscord(limits=RateLimits(enabled=False), nonce_memory_s=0.0) as discord:
        async with desk_on(discord, config) as (desk, operator):
            others = [(await report(operator, f"ValueError: {number}")).alert_id or 0 for number in range(130)]
            async with running_bot(desk) as session:
                for alert_id in others:
                    await until_in_step(session, alert_id)
            alert_id = (await report(operator, "OSError: disk full")).alert_id or 0
            discord.fault(Fault(method="POST", path="/messages$", kind=FaultKind.DELAY, delay_s=5.0))
            async with running_bot(desk, until_ok=False):
                # It dies between Discord's taking the card and the core's hearing of it.
                await discord.wait_for(lambda: len(discord.messages(CHANNEL)) == 131)
            held = delivery_of(await operator.alert(alert_id))
            assert held == (DeliveryState.PENDING, None)
            async with running_bot(desk) as session:
                shown = await until_in_step(session, alert_id)
        newest = discord.messages(CHANNEL)[0]
        assert shown.message_id == newest["id"]
        assert len(discord.messages(CHANNEL)) == 131


def delivery_of(detail: object) -> tuple[DeliveryState, str | None]:
    [found] = detail.deliveries  # type: ignore[attr-defined] # an AlertDetail
    return found.state, found.message_id


async def test_a_card_that_a_person_deleted_stays_deleted(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    async with running_bot(desk) as session:
        alert_id = (await report(operator)).alert_id or 0
        shown = await until_in_step(session, alert_id)
        await discord.delete_message(shown.message_id or "")
        await report(operator)
        await until(session, lambda: state(session, alert_id) is DeliveryState.DELETED)
        await report(operator)
    async with running_bot(desk) as session:
        other = (await report(operator, "ValueError: another one")).alert_id or 0
        await until_in_step(session, other)
        assert state(session, alert_id) is DeliveryState.DELETED
    assert len(discord.messages(CHANNEL)) == 1
    assert posts(discord) == 2


def state(session: Session, alert_id: int) -> DeliveryState | None:
    found = delivery(session, alert_id)
    return found.state if found is not None else None


async def test_a_missing_permission_is_recorded_in_discords_words_and_not_hammered(config: Config) -> None:
    world = World(channels=(Channel("1300000000000000001", CHANNEL, Access.READ),))
    async with SimulatedDiscord(world, limits=RateLimits(enabled=False)) as discord:
        async with desk_on(discord, config) as (desk, operator), running_bot(desk) as session:
            for number in range(20):
                alert_id = (await report(operator, f"ValueError: {number}")).alert_id or 0
            await until(session, lambda: any(each.error for each in session.replica.deliveries.values()))
            await until(session, lambda: delivery(session, alert_id) is not None)
            [failed] = [each for each in session.replica.deliveries.values() if each.error]
        assert failed.state is DeliveryState.FAILED
        assert failed.error == "Missing Permissions (403, code 50013)"
        assert posts(discord) == 1


async def test_a_card_too_old_to_edit_is_posted_afresh_with_a_link_back(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    async with running_bot(desk) as session:
        alert_id = (await report(operator)).alert_id or 0
        old = (await until_in_step(session, alert_id)).message_id
        too_old = {"message": "Maximum number of edits to messages older than 1 hour reached", "code": 30046}
        discord.fault(Fault(method="PATCH", path="/messages/", kind=FaultKind.STATUS, status=400, body=too_old))
        last = await report(operator)
        new = await until_in_step(session, alert_id, last.revision)
    assert new.message_id != old
    newest = discord.messages(CHANNEL)[0]
    assert newest["id"] == new.message_id
    assert (
        newest["content"]
        == f"Earlier card: https://discord.com/channels/1200000000000000001/{newest['channel_id']}/{old}"
    )


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_channel_that_refuses_for_now_is_tried_again(
    discord: SimulatedDiscord, desk: Core, operator: Operator, status: int
) -> None:
    body = {"message": "You are being rate limited.", "retry_after": 0.05, "global": False} if status == 429 else None
    times = 3 if status == 429 else 1
    async with running_bot(desk) as session:
        discord.fault(
            Fault(method="POST", path="/messages$", kind=FaultKind.STATUS, status=status, body=body, times=times)
        )
        alert_id = (await report(operator)).alert_id or 0
        await until_in_step(session, alert_id)
    assert len(discord.messages(CHANNEL)) == 1


async def test_a_storm_in_a_rate_limited_channel_arrives_whole_and_without_refusals(config: Config) -> None:
    limits = RateLimits(messages=RateLimit(5, 0.5))
    async with SimulatedDiscord(limits=limits) as discord:
        async with desk_on(discord, config) as (desk, operator), running_bot(desk) as session:
            reports = [report(operator, f"ValueError: {number % 15}") for number in range(150)]
            ids = {outcome.alert_id or 0 for outcome in await asyncio.gather(*reports)}
            for alert_id in ids:
                await until_in_step(session, alert_id, 10)
        assert len(discord.messages(CHANNEL)) == 15
        assert [call.path for call in discord.calls if call.status == 429] == []
        assert edits(discord) < 60


async def test_discord_down_at_the_start_is_waited_for(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BACKOFF_FIRST_S", 0.2)
    monkeypatch.setattr(http, "_PAUSES_S", (0.1, 0.3))
    async with AsyncExitStack() as stack:
        discord = await stack.enter_async_context(SimulatedDiscord(limits=RateLimits(enabled=False)))
        port = int(discord.address.rpartition(":")[2])
        async with desk_on(discord, config) as (desk, operator):
            await stack.aclose()
            alert_id = (await report(operator)).alert_id or 0
            async with running_bot(desk, until_ok=False) as session:
                await until_health(session, PartState.FAILED)
                assert session.replica.health["discord"].detail == f"Discord can't be reached at {discord.api_url}"
                assert state(session, alert_id) is DeliveryState.PENDING
                async with SimulatedDiscord(limits=RateLimits(enabled=False), port=port) as again:
                    await until_in_step(session, alert_id)
                    assert len(again.messages(CHANNEL)) == 1


async def test_of_two_boards_one_mends_and_the_other_takes_over(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    async with AsyncExitStack() as first, running_bot(desk) as second:
        await first.enter_async_context(running_bot(desk))
        ids = [(await report(operator, f"ValueError: {number}")).alert_id or 0 for number in range(10)]
        for alert_id in ids:
            await until_in_step(second, alert_id)
        assert len(discord.messages(CHANNEL)) == posts(discord) == 10
    async with AsyncExitStack() as holder:
        await holder.enter_async_context(running_bot(desk))
        async with running_bot(desk) as standby:
            await holder.aclose()
            alert_id = (await report(operator, "ValueError: after the handover")).alert_id or 0
            await until_in_step(standby, alert_id)
    assert len(discord.messages(CHANNEL)) == posts(discord) == 11


async def test_a_board_that_slept_through_its_lease_posts_nothing(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has read the alert, is suspended, and goes on when another has posted the card and Discord's nonce is old."""
    async with SimulatedDiscord(limits=RateLimits(enabled=False), nonce_memory_s=0.0) as discord:
        async with desk_on(discord, config) as (desk, operator), running_bot(desk) as sleeper:
            before = (await report(operator, "ValueError: before")).alert_id or 0
            await until_in_step(sleeper, before)  # what comes later is nobody else's card, as far as it knows
            asked, wake = asyncio.Event(), asyncio.Event()
            attached = sleeper.replica.operator
            alert, execute = attached.alert, attached.execute

            async def slowly(alert_id: int) -> AlertDetail:
                detail = await alert(alert_id)
                asked.set()
                await wake.wait()
                return detail

            async def without_lease(command: AnyCommand, **more: Any) -> Outcome:
                if isinstance(command, TakeLease):
                    raise Disconnected("suspended")
                return await execute(command, **more)

            monkeypatch.setattr(attached, "alert", slowly)
            first = (await report(operator)).alert_id or 0
            await asked.wait()
            monkeypatch.setattr(attached, "execute", without_lease)
            async with running_bot(desk) as awake:
                await until_in_step(awake, first)
                wake.set()
                second = (await report(operator, "ValueError: another one")).alert_id or 0
                await until_in_step(awake, second)
        assert len(discord.messages(CHANNEL)) == posts(discord) == 3


async def test_a_board_that_hears_that_the_lease_is_gone_takes_it_again_first(
    discord: SimulatedDiscord, desk: Core, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_bot(desk, lease_ttl_s=30.0) as session:
        attached = session.replica.operator
        execute, said, commands = attached.execute, [Conflict("the board's lease is not yours")], []

        async def refusing(command: AnyCommand, **more: Any) -> Outcome:
            commands.append(type(command))
            if isinstance(command, RecordDelivery) and said:
                raise said.pop()
            return await execute(command, **more)

        monkeypatch.setattr(attached, "execute", refusing)
        alert_id = (await report(operator)).alert_id or 0
        await until_in_step(session, alert_id)
    first, second = [at for at, kind in enumerate(commands) if kind is RecordDelivery]
    assert TakeLease in commands[first:second]
    assert len(discord.messages(CHANNEL)) == posts(discord) == 1


async def test_a_card_that_can_not_be_rendered_stops_no_other(
    discord: SimulatedDiscord, desk: Core, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = (await report(operator, "ValueError: poison")).alert_id or 0

    def rendered(detail: AlertDetail, *, epoch: str) -> Message:
        if detail.row.alert_id == bad:
            raise ZeroDivisionError
        return alert_message(detail, epoch=epoch)

    monkeypatch.setattr("bot.showing.alert_message", rendered)
    async with running_bot(desk) as session:
        good = (await report(operator, "ValueError: another one")).alert_id or 0
        await until_in_step(session, good)
        assert state(session, bad) is DeliveryState.PENDING
    assert len(discord.messages(CHANNEL)) == 1


async def test_mentions_in_an_alert_ping_nobody(discord: SimulatedDiscord, desk: Core, operator: Operator) -> None:
    async with running_bot(desk) as session:
        message = "@everyone <@1400000000000000001> <@&1500000000000000001> look"
        alert_id = (await report(operator, message)).alert_id or 0
        await until_in_step(session, alert_id)
    [card] = discord.messages(CHANNEL)
    assert (card["mentions"], card["mention_roles"], card["mention_everyone"]) == ([], [], False)
    assert "@everyone" not in str(card["embeds"])
    [post] = [call for call in discord.calls if call.method == "POST" and call.path.endswith("/messages")]
    assert post.body["allowed_mentions"] == {"parse": []}
    assert post.body["enforce_nonce"] is True
    assert 1 <= len(post.body["nonce"]) <= 25


async def test_a_card_is_not_lost_while_the_core_is_away(discord: SimulatedDiscord, desk_config: Config) -> None:
    """The core dies right after Discord took the card: nothing is recorded, and still there is one card."""
    async with AsyncExitStack() as bot:
        async with host(desk_config, ingest=False, background=False) as desk:
            session = await bot.enter_async_context(running_bot(desk))
            discord.fault(Fault(method="POST", path="/messages$", kind=FaultKind.DELAY, delay_s=0.5))
            alert_id = (await report(desk.operator(local_actor()))).alert_id or 0
            await discord.wait_for(lambda: discord.messages(CHANNEL) or posts(discord))
        async with host(desk_config, ingest=False, background=False) as desk:
            shown = await until_in_step(session, alert_id)
    [card] = discord.messages(CHANNEL)
    assert card["id"] == shown.message_id
