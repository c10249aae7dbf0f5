"""Slow mode: by itself, and through the real client."""

from __future__ import annotations

import pytest

from bot.slowness import USERS, SlowMode
from tests.bot.office import open_office


async def test_a_user_who_hammers_is_told_so_and_nobody_else() -> None:
    async with open_office(per_minute=60) as hammered:
        said = [(await hammered.discord.slash("status", user="velma")).text for _ in range(40)]
        slowed = [line for line in said if line.startswith("Slow down")]
        assert slowed
        assert "Try again in 1 s; nothing was done." in slowed[0]
        assert all("Slow down" not in line for line in said[:20])
        assert "Slow down" not in (await hammered.discord.slash("status", user="fred")).text


def test_the_bucket_fills_again() -> None:
    slow = SlowMode(60)
    assert [slow.take("a", 0.0) for _ in range(20)] == [0.0] * 20
    assert slow.take("a", 0.0) == pytest.approx(1.0)
    assert slow.take("a", 0.5) == pytest.approx(0.5)
    assert slow.take("b", 0.5) == 0.0
    assert slow.take("a", 1.0) == 0.0
    assert [slow.take("a", 1_000.0) for _ in range(21)] == [*[0.0] * 20, pytest.approx(1.0)]


def test_no_bound_is_no_bound_and_the_table_has_one() -> None:
    assert not any(SlowMode(0).take("a", 0.0) for _ in range(1_000))
    slow = SlowMode(15)
    for number in range(3 * USERS):
        slow.take(str(number), float(number))
    assert len(slow._left) == USERS
