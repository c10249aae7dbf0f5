"""What Discord still does after its connection was cut: a card that comes late is the only one."""

from __future__ import annotations

import pytest

from bot.courier import LATE_S
from jinkies.commands import Acknowledge
from jinkies.simulators.discord import faults
from tests.bot.worlds import CHANNEL, Desk, in_a_world

TAKES_S = 6.0  # of ``LATE_S``


def cut_off(desk: Desk) -> None:
    """The client ends, and its connections with it; Discord goes on with what it has begun."""
    desk.discord.gateway.close(4004)


def test_a_card_whose_connection_was_cut_before_it_was_posted_is_posted_once() -> None:
    async def work(desk: Desk) -> None:
        desk.discord.fault(faults.slow("POST", "/messages$", delay_s=TAKES_S))
        await desk.report("one")
        await desk.clock.sleep(0.5)
        cut_off(desk)
        assert not desk.discord.messages(CHANNEL)
        await desk.report("another")  # its card does not wait for the first one's
        await desk.until(lambda: desk.discord.messages(CHANNEL), TAKES_S - 1)
        await desk.until_in_step()
        await desk.clock.sleep(LATE_S)
        titles = sorted(one["embeds"][0]["title"] for one in desk.discord.messages(CHANNEL))
        assert titles == ["■ #1 · one", "■ #2 · another"]

    in_a_world(work, nonce_memory_s=0.0)


def test_an_edit_that_comes_late_does_not_stay_over_a_newer_one() -> None:
    async def work(desk: Desk) -> None:
        await desk.report("one")
        await desk.until_in_step()
        desk.discord.fault(faults.slow("PATCH", "/messages/", delay_s=TAKES_S))
        await desk.report("one")
        await desk.clock.sleep(2.0)
        cut_off(desk)
        await desk.operator.execute(Acknowledge(alert_id=1))
        await desk.until_in_step()
        await desk.clock.sleep(LATE_S)
        [card] = desk.discord.messages(CHANNEL)
        assert "acknowledged" in str(card["embeds"][0])

    in_a_world(work)


@pytest.mark.parametrize("kill", [False, True])
def test_the_next_bot_waits_for_what_the_last_one_left_under_way(kill: bool) -> None:
    async def work(desk: Desk) -> None:
        desk.discord.fault(faults.slow("POST", "/messages$", delay_s=TAKES_S))
        await desk.report("one")
        await desk.clock.sleep(0.5)
        await desk.stop_bot(kill=kill)
        await desk.start_bot()
        await desk.until_in_step()
        await desk.clock.sleep(LATE_S)
        assert len(desk.discord.messages(CHANNEL)) == 1
        assert desk.posts() == 1

    in_a_world(work, nonce_memory_s=0.0)
