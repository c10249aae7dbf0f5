"""Cases that generated schedules found, each made small: what the ledger says where nothing can be read."""

from __future__ import annotations

from jinkies.logs.ledger import Cover
from jinkies.model import Coverage
from tests.logs.followed import folded

NOW_S = 1_767_225_600
GROUP = "/a"


def at(second: int) -> int:
    return (NOW_S + second) * 1000


def told(cover: Cover, second: int) -> dict[int, Coverage]:
    return {at_s - NOW_S: coverage for at_s, coverage in folded(cover.changes(at(second))).items()}


def followed(cover: Cover, start: int, end: int) -> None:
    for second in range(start, end + 1):
        cover.live(GROUP, at(second))


def test_what_a_lost_session_covered_is_not_missing_when_reading_is_denied_only_later() -> None:
    cover = Cover((GROUP,), at(0))
    followed(cover, 5, 45)
    cover.read(GROUP, at(0), at(20))  # joined to the session
    cover.sampled(GROUP, at(46), "too many")
    followed(cover, 47, 67)
    cover.failed(GROUP, "just now", at(67), final=False)
    cover.lost(GROUP, at(68), "broken")
    followed(cover, 71, 100)
    cover.failed(GROUP, "denied", at(100), final=True)
    said = told(cover, 100)
    gone = {second: coverage for second, coverage in said.items() if coverage is not Coverage.COMPLETE}
    sampled = dict.fromkeys(range(35, 46), Coverage.SAMPLED)
    missing = dict.fromkeys(range(57, 71), Coverage.MISSING)
    assert gone == sampled | missing
    assert set(said) == set(range(90))


def test_pieces_that_sessions_covered_are_joined_once_the_gap_is_read() -> None:
    cover = Cover((GROUP,), at(0))
    followed(cover, 5, 40)
    cover.lost(GROUP, at(41), "broken")
    cover.read(GROUP, at(0), at(20))  # slow: it began before the session was lost
    assert set(told(cover, 41)) >= set(range(30))
    cover.failed(GROUP, "denied", at(60), final=True)
    said = told(cover, 60)
    assert {second for second, coverage in said.items() if coverage is Coverage.MISSING} == set(range(30, 60))
