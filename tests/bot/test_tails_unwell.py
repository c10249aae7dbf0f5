"""Tails while Discord and CloudWatch are unwell at random, and bot and core restart: one message, and it is right."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest

from jinkies.simulators.cloudwatch import Fault, Kind
from jinkies.simulators.discord import Schedule
from tests.bot.tailing import Scene, in_a_scene
from tests.bot.worlds import CHANNEL

LASTS_S = 90
TROUBLES = (
    (Kind.THROTTLE, 0.0),
    (Kind.FAIL, 0.0),
    (Kind.DROP, 0.0),
    (Kind.OVER_LIMIT, 0.0),
    (Kind.DELAY, 3.0),
    (Kind.EMPTY_PAGES, 2.0),
    (Kind.LIVE_STALL, 0.0),
    (Kind.LIVE_DROP, 2.0),
    (Kind.LIVE_END, 4.0),
    (Kind.LIVE_TIMEOUT, 3.0),
    (Kind.LIVE_BREAK, 5.0),
)


async def unwell(world: Scene, seed: int) -> None:
    dice = Random(seed)
    await world.follow("velma")
    await world.follow("fred", level="error")
    restarts = {dice.randrange(10, LASTS_S): dice.choice(["bot", "core"]) for _ in range(3)}
    world.cloudwatch.fault(*(trouble(dice, world.desk.clock.now_ms()) for _ in range(4)))
    schedule = Schedule(dice, lasts_s=LASTS_S, mean_pause_s=3.0, longest_s=15.0)
    async with schedule.disturbing(world.discord):
        for second in range(LASTS_S):
            world.say(f"{'ERROR' if second % 3 == 0 else 'INFO'} {second}")
            await world.desk.clock.sleep(1.0)
            if restarts.get(second) == "core":
                await world.restart_core(away_s=dice.random() * 5)
            elif second in restarts:
                await world.desk.stop_bot()
                await world.desk.start_bot()
        await schedule.over.wait()
    await world.desk.until(lambda: shown(world) == {1: f"{LASTS_S} lines", 2: f"{LASTS_S // 3} lines"}, 300)
    messages = world.discord.messages(CHANNEL)
    continued = Counter(
        found[1] for one in messages if (found := re.search(r"Continued from \S+/(\d+)$", one["content"]))
    )
    assert set(continued) <= {one["id"] for one in messages}
    assert max(continued.values(), default=1) == 1
    assert len(messages) - len(continued) == 2, schedule.report()


def trouble(dice: Random, now_ms: int) -> Fault:
    """Something that befalls CloudWatch for a while, meanwhile or soon after."""
    start_ms = now_ms + dice.randrange(LASTS_S) * 1_000
    kind, value = dice.choice(TROUBLES)
    return Fault(kind=kind, value=value, start_ms=start_ms, end_ms=start_ms + dice.randrange(2_000, 30_000))


def shown(world: Scene) -> dict[int, str]:
    """How many lines the newest message of each tail has."""
    found: dict[int, str] = {}
    for one in world.discord.messages(CHANNEL):
        number = re.match(r"Tail (\d+)", one["embeds"][0]["title"])
        lines = re.search(r"\*\*([\d,]+ lines?)\*\*", one["embeds"][0]["description"])
        assert number is not None
        found.setdefault(1 if "error" not in one["embeds"][0]["title"] else 2, lines[1] if lines is not None else "")
    return found


@pytest.mark.parametrize(
    "seeds", [range(1, 3), pytest.param(range(100, 160), marks=[pytest.mark.soak, pytest.mark.timeout(1_800)])]
)
def test_whatever_discord_does_there_is_one_message_a_tail_and_it_is_right(seeds: range) -> None:
    for seed in seeds:
        in_a_scene(lambda world, seed=seed: unwell(world, seed), nonce_memory_s=0.0)  # type: ignore[misc] # mypy takes a default for no argument
