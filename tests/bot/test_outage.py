"""Discord goes away for a while: the desk goes on, and catching up is one digest and the edits that are due."""

from __future__ import annotations

import asyncio
import time

import msgspec
import pytest

from jinkies.commands import Acknowledge
from jinkies.config import Config
from jinkies.model import DeliveryState, PartState, What
from tests.bot.worlds import CHANNEL, Desk, in_a_world

MINUTES = 10


async def ten_minutes(desk: Desk) -> None:
    known = [(await desk.report(f"known {number}")).alert_id or 0 for number in range(8)]
    await desk.until_in_step()
    before, began_ms = len(desk.discord.calls), desk.clock.now_ms()
    desk.down()
    slowest_s, seconds = 0.0, MINUTES * 60
    for second in range(seconds):
        began_s = time.perf_counter()
        await desk.report(f"known {second % 8}")
        if second % 3 == 0:
            await desk.report(f"new {second}")
        slowest_s = max(slowest_s, time.perf_counter() - began_s)
        if second == 100:
            await desk.operator.execute(Acknowledge(alert_id=known[0]))
        await desk.clock.sleep(1.0)
    health = desk.health
    assert health is not None
    assert health.state is PartState.FAILED
    assert health.detail.startswith("Discord can't be reached")
    assert health.at_ms - began_ms < 30_000, "since it went away"
    tried = len(desk.discord.calls) - before
    desk.up()
    at = len(desk.discord.calls)
    await desk.until_in_step()
    await desk.clock.sleep(30.0)
    cards = [one for one in await desk.deliveries() if one.what is What.CARD]
    digested = [one for one in cards if one.state is DeliveryState.DIGESTED]
    [digest] = [one for one in await desk.deliveries() if one.digest is not None and one.message_id]
    assert digest.digest is not None
    assert digest.digest.count == len(digested) == seconds // 3
    assert {one.told_in for one in digested} == {digest.kind}
    assert (desk.posts(at), desk.edits(at)) == (1, len(known))
    newest = desk.discord.messages(CHANNEL)[0]
    assert newest["embeds"][0]["title"] == "200 alerts in 10 min while Discord could not be reached"
    assert tried < 400, "nobody hammers"
    assert desk.health is not None
    assert desk.health.state is PartState.OK
    print(
        f"{MINUTES} minutes without Discord, {seconds + seconds // 3} reports, the slowest taken in"
        f" {slowest_s * 1000:.0f} ms; {tried} requests tried meanwhile; caught up with {desk.posts(at)} message for"
        f" {len(digested)} alerts and {desk.edits(at)} edits of {len(known)} cards"
    )


def unbounded(config: Config) -> Config:
    return msgspec.structs.replace(config, discord=msgspec.structs.replace(config.discord, max_new_cards_per_minute=0))


def test_ten_minutes_without_discord_are_caught_up_with_in_one_message() -> None:
    in_a_world(ten_minutes)


@pytest.mark.soak
def test_ten_minutes_without_discord_and_without_a_bound_are_too() -> None:
    in_a_world(ten_minutes, change=unbounded)


async def hours(desk: Desk) -> None:
    """More was missed than a snapshot holds, by a bot that wasn't there."""
    for _ in range(26):
        await asyncio.gather(*(desk.report(f"{desk.clock.now_ms()} {number}") for number in range(100)))
        await desk.clock.sleep(300.0)
    await desk.start_bot()
    await desk.until_in_step()
    [message] = desk.discord.messages(CHANNEL)
    assert message["embeds"][0]["title"] == "2,600 alerts in 125 min while Discord could not be reached"
    assert desk.posts() == 1


def test_hours_without_a_bot_are_caught_up_with_in_one_message() -> None:
    in_a_world(hours, change=unbounded, bot=False)
