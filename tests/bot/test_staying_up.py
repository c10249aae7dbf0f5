"""The bot stays up: whatever becomes of gateway, token or channel, it says so, does not hammer, and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.board import Board
from bot.client import FATAL, TOKEN_REFUSED, DiscordLink
from bot.mender import Mender
from jinkies.model import DeliveryState, PartState
from jinkies.simulators.discord import AnswerKind, faults
from jinkies.simulators.discord.world import Access
from tests.bot.conftest import button
from tests.bot.worlds import CHANNEL, CHANNEL_ID, Desk, in_a_world


def is_well(desk: Desk) -> bool:
    return desk.health is not None and desk.health.state is PartState.OK


def says(desk: Desk, words: str) -> Callable[[], bool]:
    return lambda: desk.health is not None and desk.health.state is PartState.FAILED and words in desk.health.detail


async def answers(desk: Desk) -> bool:
    return (await desk.discord.slash("alerts", {})).kind is AnswerKind.MESSAGE


def test_a_token_that_is_revoked_is_said_and_not_hammered_with() -> None:
    async def work(desk: Desk) -> None:
        await desk.report("before")
        await desk.until_in_step()
        calls, since_ms = len(desk.discord.calls), desk.clock.now_ms()
        desk.discord.fault(faults.unauthorized(times=100_000))
        for number in range(20):
            await desk.report(f"{number}")
        await desk.until(says(desk, TOKEN_REFUSED), 20)
        await desk.clock.sleep(600)
        tried = desk.discord.calls[calls:]
        assert len(tried) <= 25, "10,000 in ten minutes ban an address"
        assert desk.health is not None
        assert desk.health.at_ms - since_ms < 20_000
        assert desk.discord.gateway.identifies == 1
        await desk.discord.heal()
        await desk.until(lambda: is_well(desk), 90)
        await desk.until_in_step()
        print(f"a revoked token: {len(tried)} requests in ten minutes; then well again by itself")

    in_a_world(work)


@pytest.mark.parametrize("code", [4010, 4013, 4014])
def test_a_close_code_that_can_not_heal_says_what_to_set(code: int) -> None:
    async def work(desk: Desk) -> None:
        gateway = desk.discord.gateway
        gateway.close(code)
        await desk.until(says(desk, FATAL[code]), 10)
        await desk.clock.sleep(200)
        assert gateway.identifies == 1, "a token that identifies 1,000 times a day is taken away"
        await desk.until(lambda: is_well(desk), 200)
        assert await answers(desk)

    in_a_world(work)


def test_a_session_that_is_refused_again_and_again_is_not_hammered_for() -> None:
    async def work(desk: Desk) -> None:
        gateway, ends_s = desk.discord.gateway, desk.clock.monotonic_s() + 120
        while desk.clock.monotonic_s() < ends_s:
            gateway.invalidate()
            await desk.clock.sleep(0.2)
        assert gateway.identifies < 120
        await desk.until(lambda: is_well(desk), 120)
        assert await answers(desk)

    in_a_world(work)


def test_a_connection_that_nobody_answers_on_is_noticed() -> None:
    async def work(desk: Desk) -> None:
        before = desk.discord.gateway.resumes + desk.discord.gateway.identifies
        desk.discord.gateway.freeze()
        asked = asyncio.create_task(desk.discord.slash("alerts", {}))
        await desk.until(lambda: desk.discord.gateway.resumes + desk.discord.gateway.identifies > before, 90)
        await desk.until(lambda: is_well(desk), 30)
        assert await answers(desk)
        assert (await asked).kind is AnswerKind.FAILED, "nobody can answer what came through no connection"

    in_a_world(work)


@pytest.mark.parametrize("access", [Access.READ, Access.NONE])
def test_a_channel_that_is_closed_is_said_tried_slowly_and_at_once_when_it_opens(access: Access) -> None:
    async def work(desk: Desk) -> None:
        await desk.discord.change_channel(CHANNEL, access=access)
        calls = len(desk.discord.calls)
        for number in range(30):
            await desk.report(f"{number}")
        await desk.until(says(desk, f"channel {CHANNEL_ID}: Missing "), 20)
        assert desk.health is not None
        assert desk.health.detail.endswith(
            "the bot needs View Channel, Send Messages, Embed Links and Read Message History there"
        )
        await desk.clock.sleep(900)
        tried = len(desk.discord.calls) - calls
        assert tried <= 30
        failed = [one for one in await desk.deliveries() if one.state is DeliveryState.FAILED]
        assert failed
        assert all(one.error is not None and one.error.startswith("Missing ") for one in failed)
        await desk.discord.change_channel(CHANNEL, access=Access.FULL)
        await desk.until(lambda: desk.discord.messages(CHANNEL), 5)
        await desk.until(lambda: is_well(desk), 5)
        await desk.until_in_step()
        print(f"closed with {access}: {tried} requests in a quarter of an hour, shown within 5 s of being opened")

    in_a_world(work)


def test_a_channel_that_is_gone_is_said() -> None:
    async def work(desk: Desk) -> None:
        await desk.discord.remove_channel(CHANNEL)
        await desk.report("one")
        await desk.until(says(desk, f"channel {CHANNEL_ID}: Unknown Channel"), 20)
        assert await answers_in_another(desk)

    async def answers_in_another(desk: Desk) -> bool:
        return (await desk.discord.slash("alerts", {}, channel="ops")).kind is AnswerKind.MESSAGE

    in_a_world(work)


def test_requests_that_fail_while_the_gateway_stands_are_said_once_they_last() -> None:
    async def work(desk: Desk) -> None:
        desk.discord.fault(faults.broken(path="/channels/", times=100_000))
        await desk.report("one")
        await desk.until(says(desk, f"channel {CHANNEL_ID}: 502: Server Error (502)"), 30)
        await desk.discord.heal()
        await desk.until_in_step()
        await desk.until(lambda: is_well(desk), 5)
        assert len(desk.discord.messages(CHANNEL)) == 1

    in_a_world(work)


def test_a_fault_of_its_own_stops_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    broken: list[None] = []

    def failing(whole: Callable[..., Any], times: int) -> Callable[..., Any]:
        left = [None] * times

        def called(*arguments: Any, **more: Any) -> Any:
            if left:
                broken.append(left.pop())
                raise ZeroDivisionError
            return whole(*arguments, **more)

        return called

    async def work(desk: Desk) -> None:
        monkeypatch.setattr(Mender, "_begin", failing(Mender._begin, 2))
        monkeypatch.setattr(DiscordLink, "_build", failing(DiscordLink._build, 3))
        monkeypatch.setattr(Board, "_mender", failing(Board._mender, 2))
        await desk.start_bot()
        await desk.report("one")
        await desk.until_in_step(120)
        assert len(broken) == 7
        assert len(desk.discord.messages(CHANNEL)) == 1
        assert await answers(desk)

    in_a_world(work, bot=False)


def test_commands_that_somebody_removed_are_registered_again() -> None:
    async def work(desk: Desk) -> None:
        state = desk.discord.state
        for scope in list(state.commands):
            state.commands[scope] = []
        await desk.until(lambda: state.command("alerts"), 700)
        assert await answers(desk)

    in_a_world(work)


@pytest.mark.parametrize(("takes_s", "answered"), [(1.0, True), (30.0, False)])
def test_who_presses_while_it_starts_waits_a_little_or_is_told_to_try_again(takes_s: float, answered: bool) -> None:
    async def work(desk: Desk) -> None:
        await desk.report("one")
        await desk.until_in_step()
        await desk.stop_bot()
        discord = desk.discord
        [card] = discord.messages(CHANNEL)
        discord.fault(faults.slow("GET", "/commands$", delay_s=takes_s))
        await desk.start_bot()
        await desk.until(lambda: discord.gateway.live, 20)
        answer = await discord.press(card["id"], button(card, "ack"), wait_s=20)
        listed = await discord.slash("alerts", {}, wait_s=20)
        if answered:
            assert "acknowledged by velma" in answer.text
            assert "one" in listed.text
        else:
            assert "is starting up" in answer.text
            assert "is starting up" in listed.text

    in_a_world(work)


async def _nothing(desk: Desk) -> None:
    await desk.report("one")


async def _down(desk: Desk) -> None:
    await desk.discord.go_down()
    await desk.clock.sleep(20)


async def _slow(desk: Desk) -> None:
    desk.discord.fault(faults.slow(delay_s=25.0, times=100))
    await desk.report("one")
    await desk.clock.sleep(3)


async def _limited(desk: Desk) -> None:
    desk.discord.fault(faults.rate_limited(retry_after_s=14.0, times=100))
    await desk.report("one")
    await desk.clock.sleep(3)


async def _frozen(desk: Desk) -> None:
    desk.discord.gateway.freeze()
    await desk.clock.sleep(70)


async def _alone(desk: Desk) -> None:
    await desk.stop_core()
    await desk.clock.sleep(5)


@pytest.mark.parametrize("before", [_nothing, _down, _slow, _limited, _frozen, _alone])
def test_it_ends_within_two_seconds_whatever_it_is_doing(before: Callable[[Desk], Awaitable[None]]) -> None:
    async def work(desk: Desk) -> None:
        await before(desk)
        began_s = desk.clock.monotonic_s()
        await desk.stop_bot()
        assert desk.clock.monotonic_s() - began_s < 2.0

    in_a_world(work)
