"""The connection to Discord: what it says of itself, and how it comes back."""

from __future__ import annotations

import asyncio
import logging

import msgspec
import pytest

from bot.courier import CourierError, InteractionsCourier, Trouble
from bot.render import Embed, Message
from jinkies.app import host
from jinkies.clock import SystemClock
from jinkies.commands import TakeLease
from jinkies.config import Config, Secret
from jinkies.core import Core
from jinkies.events import Hello
from jinkies.model import PartState
from jinkies.operator import Operator
from jinkies.simulators.discord import AnswerKind, Fault, FaultKind, RateLimit, RateLimits, SimulatedDiscord
from tests.bot.conftest import CHANNEL, button, report, running_bot, until, until_health, until_in_step

CHANNEL_ID = "1300000000000000001"


async def test_a_refused_token_is_said_and_never_logged(
    desk: Core, desk_config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = msgspec.structs.replace(desk_config.discord, token=Secret("not-the-token-at-all"))
    config = msgspec.structs.replace(desk_config, discord=wrong)
    async with running_bot(desk, config=config, until_ok=False) as session:
        await until_health(session, PartState.FAILED)
        assert session.replica.health["discord"].detail == "Discord refuses the token; check DISCORD_BOT_TOKEN"
    assert "not-the-token-at-all" not in caplog.text


@pytest.mark.parametrize("code", [1001, 1000, 4000, 4009, 4004, 1013])
async def test_a_closed_connection_comes_back(discord: SimulatedDiscord, desk: Core, code: int) -> None:
    async with running_bot(desk) as session:
        discord.gateway.close(code)
        await discord.wait_for(lambda: not discord.gateway.live)
        await discord.wait_for(lambda: discord.gateway.live)
        await until_health(session, PartState.OK)
        answer = await discord.slash("alerts")
        assert answer.kind is AnswerKind.MESSAGE


async def test_commands_that_could_not_be_registered_are_registered_later(
    discord: SimulatedDiscord, desk: Core
) -> None:
    discord.fault(Fault(method="PUT", path="/commands$", kind=FaultKind.STATUS, status=400, times=2))
    async with running_bot(desk, until_ok=False) as session:
        await until_health(session, PartState.FAILED)
        assert session.replica.health["discord"].detail.startswith("commands are not registered: ")
        await until_health(session, PartState.OK)
        assert (await discord.slash("alerts")).kind is AnswerKind.MESSAGE


async def test_cards_go_on_while_the_gateway_is_away(discord: SimulatedDiscord, desk: Core, operator: Operator) -> None:
    async with running_bot(desk) as session:
        discord.fault(Fault(method="GET", path="/gateway$", kind=FaultKind.STATUS, status=503, times=1))
        discord.gateway.close(4004)
        alert_id = (await report(operator)).alert_id or 0
        await until_in_step(session, alert_id)
        await until_health(session, PartState.OK)
    assert len(discord.messages(CHANNEL)) == 1


async def test_a_core_that_restarts_hears_of_discord_again(discord: SimulatedDiscord, desk_config: Config) -> None:
    async with host(desk_config, ingest=False, background=False) as desk:
        running = running_bot(desk)
        session = await running.__aenter__()
    try:
        async with host(desk_config, ingest=False, background=False) as again:
            await until(session, lambda: session.replica.link.value == "live" and "discord" in again.health)
            assert again.health["discord"].state is PartState.OK
    finally:
        await running.__aexit__(None, None, None)


async def test_a_slow_core_is_waited_for_by_deferring(
    discord: SimulatedDiscord, desk: Core, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discord gives three seconds; the answer comes later, as an edit of "thinking"."""
    await report(operator)
    asked = desk.reader.alerts

    async def slowly(query: object) -> object:
        await asyncio.sleep(1.7)
        return await asked(query)  # type: ignore[arg-type] # passed through

    monkeypatch.setattr(desk.reader, "alerts", slowly)
    async with running_bot(desk):
        answer = await discord.slash("alerts")
        callback = next(call for call in discord.calls if call.path.endswith("/callback"))
    assert callback.body == {"type": 5, "data": {"flags": 64}}
    assert answer.kind is AnswerKind.MESSAGE
    assert answer.ephemeral


async def test_a_form_is_not_waited_for_beyond_what_discord_allows(
    discord: SimulatedDiscord, desk: Core, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form can't be deferred: with a core that has not answered once yet, the press is answered in words."""
    alert_id = (await report(operator)).alert_id or 0

    async def never() -> Hello:
        await asyncio.Event().wait()
        raise AssertionError

    async with running_bot(desk) as session:
        await until_in_step(session, alert_id)
        monkeypatch.setattr(session.replica.operator, "hello", never)
        monkeypatch.setattr(session.replica, "hello", None)
        [card] = discord.messages(CHANNEL)
        answer = await discord.press(card["id"], button(card, "pr"))
    assert answer.kind is AnswerKind.MESSAGE
    assert "core is not reachable" in answer.text


async def test_many_calls_to_one_channel_at_once_all_arrive(desk_config: Config, config: Config) -> None:
    """The library's own rate limiter loses some of them; the courier's lock doesn't."""
    async with SimulatedDiscord(limits=RateLimits(messages=RateLimit(5, 0.3))) as discord:
        named = msgspec.structs.replace(desk_config.discord, api_url=discord.api_url)
        config = msgspec.structs.replace(desk_config, discord=named)
        async with host(config, ingest=False, background=False) as desk, running_bot(desk) as session:
            courier = InteractionsCourier(session.link.online, SystemClock())
            message = Message(embeds=(Embed(title="hello"),))
            shown = await asyncio.gather(*(courier.post(CHANNEL_ID, message, nonce=f"n{n}") for n in range(20)))
            assert len({each.message_id for each in shown}) == 20
            assert all(each.mine for each in shown)
            listed = await courier.list(CHANNEL_ID)
            assert [each.message_id for each in listed] == sorted((each.message_id for each in shown), reverse=True)
            got = await courier.get(CHANNEL_ID, shown[0].message_id)
            assert got.message_id == shown[0].message_id


@pytest.mark.parametrize(
    ("status", "code", "trouble"),
    [
        (403, 50013, Trouble.CHANNEL),
        (404, 10003, Trouble.CHANNEL),
        (404, 10008, Trouble.MESSAGE_GONE),
        (400, 30046, Trouble.TOO_OLD),
        (400, 50035, Trouble.REFUSED),
        (503, 0, Trouble.UNCLEAR),
    ],
)
async def test_the_courier_says_what_kind_of_trouble_it_is(
    discord: SimulatedDiscord, desk: Core, status: int, code: int, trouble: Trouble
) -> None:
    async with running_bot(desk) as session:
        courier = InteractionsCourier(session.link.online, SystemClock())
        body = {"message": "no", "code": code}
        discord.fault(Fault(method="PATCH", path="/messages/", kind=FaultKind.STATUS, status=status, body=body))
        with pytest.raises(CourierError) as refused:
            await courier.edit(CHANNEL_ID, "1", Message(embeds=(Embed(title="hello"),)))
    assert refused.value.trouble is trouble
    assert refused.value.retry is (trouble is Trouble.UNCLEAR)


async def test_a_long_rate_limit_is_told_and_obeyed(discord: SimulatedDiscord, desk: Core) -> None:
    message = Message(embeds=(Embed(title="hello"),))
    async with running_bot(desk) as session:
        courier = InteractionsCourier(session.link.online, SystemClock())
        limited = {"message": "You are being rate limited.", "retry_after": 3_600.0, "global": False}
        discord.fault(Fault(method="POST", path="/messages$", kind=FaultKind.STATUS, status=429, body=limited))
        for _ in range(3):
            with pytest.raises(CourierError, match="rate limit") as busy:
                await courier.post(CHANNEL_ID, message, nonce="a")
            assert busy.value.trouble is Trouble.BUSY
            assert 3_540 < busy.value.wait_s <= 3_600
        assert sum(call.method == "POST" and call.status == 429 for call in discord.calls) == 1
        assert await courier.list(CHANNEL_ID) == (), "another bucket"


async def test_no_answer_is_a_failure(discord: SimulatedDiscord, desk: Core) -> None:
    message = Message(embeds=(Embed(title="hello"),))
    async with running_bot(desk) as session:
        hasty = InteractionsCourier(session.link.online, SystemClock(), timeout_s=0.1)
        discord.fault(Fault(method="POST", path="/messages$", kind=FaultKind.DELAY, delay_s=0.5))
        with pytest.raises(CourierError, match="no answer within"):
            await hasty.post(CHANNEL_ID, message, nonce="b")
    with pytest.raises(CourierError) as offline:
        await hasty.post(CHANNEL_ID, message, nonce="c")
    assert offline.value.trouble is Trouble.OFFLINE


async def test_a_board_without_the_lease_does_nothing(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    await operator.execute(TakeLease(name="board", holder="another", ttl_s=300))
    await report(operator)
    async with running_bot(desk) as session:
        answer = await discord.slash("alert", {"id": "1"})  # it does everything else
        assert answer.kind is AnswerKind.MESSAGE
        assert discord.messages(CHANNEL) == []
        await operator.execute(TakeLease(name="board", holder="another", ttl_s=0))
        await until_in_step(session, 1)
    assert len(discord.messages(CHANNEL)) == 1
