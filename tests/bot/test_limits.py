"""Discord's rate limits: what its headers ask for is done, and no more is asked of it than it bears."""

from __future__ import annotations

import pytest

from bot.limits import INVALID_LIMIT, INVALID_S, KEPT_BUCKETS, OVERALL, Bucket, Limits
from jinkies.simulators.discord import RateLimits, faults
from tests.bot.worlds import CHANNEL, Desk, in_a_world


def test_a_bucket_waits_for_its_window() -> None:
    bucket = Bucket()
    assert bucket.wait_s(0.0) == 0.0
    bucket.note({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset-After": "5"}, 10.0)
    assert bucket.wait_s(10.0) == 0.0
    bucket.note({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "4"}, 11.0)
    assert 4.0 <= bucket.wait_s(11.0) < 4.1
    assert bucket.wait_s(15.1) == 0.0
    bucket.close(30.0)
    bucket.note({}, 16.0)
    bucket.note({"X-RateLimit-Remaining": "many"}, 16.0)
    assert bucket.wait_s(16.0) == 14.0, "an answer without headers says nothing"


def test_a_name_is_shared_by_routes_and_not_by_channels() -> None:
    limits = Limits()
    posts, edits = limits.bucket("POST", "1"), limits.bucket("PATCH", "1")
    for route in ("POST", "PATCH"):
        limits.name(route, "1", {"X-RateLimit-Bucket": "abc"})
    assert limits.bucket("POST", "1") is limits.bucket("PATCH", "1") is posts
    assert edits is not posts
    limits.name("POST", "2", {"X-RateLimit-Bucket": "abc"})
    assert limits.bucket("POST", "2") is not posts


async def test_who_holds_a_bucket_keeps_it_however_many_there_are() -> None:
    limits = Limits()
    held = limits.bucket("POST", "0")
    async with held.turn:
        for number in range(3 * KEPT_BUCKETS):
            limits.bucket("POST", f"{number}")
        assert limits.bucket("POST", "0") is held


def test_no_more_than_so_many_go_out_in_a_second_and_answers_pass() -> None:
    limits = Limits()
    for _ in range(OVERALL):
        assert limits.wait_s(100.0, exempt=False) == 0.0
        limits.sent(100.0)
    assert limits.wait_s(100.25, exempt=False) == 0.75
    assert limits.wait_s(100.25, exempt=True) == 0.0
    limits.close(130.0)
    assert limits.wait_s(102.0, exempt=False) == 28.0


def test_far_below_what_bans_nothing_more_is_sent() -> None:
    limits = Limits()
    for number in range(INVALID_LIMIT):
        assert limits.wait_s(number / 10, exempt=True) == 0.0
        limits.invalid(number / 10)
    assert limits.wait_s(INVALID_LIMIT / 10, exempt=True) == INVALID_S - INVALID_LIMIT / 10
    assert limits.wait_s(INVALID_S, exempt=True) == 0.0


@pytest.mark.parametrize("scope", ["user", "shared", "global"])
@pytest.mark.parametrize("wait_s", [4.0, 40.0])
def test_a_refusal_is_obeyed_to_the_second(scope: str, wait_s: float) -> None:
    async def work(desk: Desk) -> None:
        refusal = faults.rate_limited("POST", "/messages$", retry_after_s=wait_s, scope=scope)
        desk.discord.fault(refusal)
        for number in range(3):
            await desk.report(f"{number}")
        await desk.until_in_step()
        refused, *others = [one for one in desk.discord.calls if one.method == "POST" and "/channels/" in one.path]
        assert refused.status == 429
        assert others[0].at_ms - refused.at_ms >= wait_s * 1000
        assert {one.status for one in others} == {200}
        assert len(desk.discord.messages(CHANNEL)) == 3

    in_a_world(work, limits=RateLimits(enabled=False))
