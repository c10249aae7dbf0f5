"""The histogram, the ledger beneath it, typed times, and the pace of drawing."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinkies.errors import Invalid
from jinkies.model import Coverage, LedgerSpan, Level, LogEvent, TailBatch, TailFigures, TailSpec, Upstream
from tests.logs.clock import ManualClock
from tui.coverage import CoverageMap
from tui.draw import width_of
from tui.histogram import histogram
from tui.logwords import Holdings, holdings_words
from tui.moments import moment
from tui.pace import Pace
from tui.rates import KEPT_S, Rates
from tui.tailing import Tailing, identity

spans_drawn = st.lists(
    st.builds(
        lambda start, length, coverage, reason: LedgerSpan(
            start_s=start, end_s=start + length, coverage=coverage, reason=reason
        ),
        st.integers(min_value=0, max_value=60),
        st.integers(min_value=0, max_value=20),
        st.sampled_from(Coverage),
        st.sampled_from(("", "throttled")),
    ),
    max_size=30,
)


@given(spans_drawn)
def test_a_later_span_replaces_what_was_said_before(spans: list[LedgerSpan]) -> None:
    ledger = CoverageMap()
    seconds: dict[int, Coverage] = {}
    for span in spans:
        ledger.fold([span])
        seconds |= dict.fromkeys(range(span.start_s, span.end_s), span.coverage)
    assert ledger.columns(0, 1, 80) == [seconds.get(second) for second in range(80)]
    for coverage in Coverage:
        assert ledger.seconds(coverage) == list(seconds.values()).count(coverage)
    assert all(one.end_s <= two.start_s for one, two in zip(ledger.spans, ledger.spans[1:], strict=False))


def test_a_column_shows_the_worst_of_its_seconds_and_spans_that_say_the_same_become_one() -> None:
    ledger = CoverageMap()
    ledger.fold(LedgerSpan(start_s=at, end_s=at + 1, coverage=Coverage.COMPLETE) for at in range(100))
    assert len(ledger.spans) == 1
    ledger.fold([LedgerSpan(start_s=14, end_s=15, coverage=Coverage.MISSING, reason="not followed")])
    assert ledger.columns(0, 10, 3) == [Coverage.COMPLETE, Coverage.MISSING, Coverage.COMPLETE]
    assert ledger.reason_at(14) == "not followed"


def logged(second: int, level: Level = Level.INFO, *, backfilled: bool = False) -> LogEvent:
    return LogEvent(
        log_group="g", log_stream="s", timestamp_ms=second * 1000, ingestion_ms=0, message="m", level=level,
        backfilled=backfilled,
    )  # fmt: skip


def test_rates_count_by_level_and_forget_what_is_older_than_an_hour() -> None:
    rates = Rates()
    rates.add(logged(1_000))
    for number in range(10):
        rates.add(logged(1_000 + KEPT_S + 100 + number, Level.ERROR if number == 3 else Level.WARNING))
    step, first, buckets = rates.columns(40)
    assert sum(bucket.total for bucket in buckets) == 10
    assert sum(bucket.errors for bucket in buckets) == 1
    assert first + step * 40 > rates.newest_s
    assert rates.per_second(rates.newest_s + 1) == 1.0


@given(
    st.lists(st.tuples(st.integers(min_value=1, max_value=4_000), st.sampled_from(Level)), max_size=60),
    st.integers(min_value=30, max_value=200),
    st.sampled_from((2, 3)),
)
def test_a_histogram_is_as_wide_as_it_is_told(found: list[tuple[int, Level]], width: int, height: int) -> None:
    rates, ledger = Rates(), CoverageMap()
    for second, level in found:
        rates.add(logged(second, level))
    ledger.fold([LedgerSpan(start_s=1, end_s=9, coverage=Coverage.SAMPLED)])
    scale, lines = histogram(rates, ledger, width, height, 5_000)
    assert len(lines) == height
    assert all(width_of(line) <= max(width, 60) for line in lines)
    assert scale.count >= 8


def test_the_ledger_shows_what_was_backfilled_and_says_it_in_words() -> None:
    rates, ledger = Rates(), CoverageMap()
    for second in range(1_000, 1_060):
        rates.add(logged(second, backfilled=1_020 <= second < 1_025))
    ledger.fold([LedgerSpan(start_s=1_000, end_s=1_060, coverage=Coverage.COMPLETE)])
    ledger.fold([LedgerSpan(start_s=1_040, end_s=1_042, coverage=Coverage.MISSING)])
    _, lines = histogram(rates, ledger, 120, 3, None)
    text = "".join(segment.text for segment in lines[-1])
    assert "━━╍╍╍╍╍━━" in text
    assert "✗✗" in text
    assert "✗ missing 2 s" in text
    assert "╍ backfilled" in text


NOW = int(datetime(2026, 3, 4, 14, 30).astimezone().timestamp() * 1000)


def local(day: int, hour: int, minute: int, second: int = 0) -> int:
    return int(datetime(2026, 3, day, hour, minute, second).astimezone().timestamp() * 1000)


@pytest.mark.parametrize(
    ("typed", "at_ms"),
    [
        ("13:10", local(4, 13, 10)),
        (" 13:10:05 ", local(4, 13, 10, 5)),
        ("15:00", local(3, 15, 0)),
        ("5m", NOW - 300_000),
        ("-5m", NOW - 60_000 - 300_000),
        ("+1h30m", NOW - 60_000 + 5_400_000),
        ("2026-03-01T12:00", local(1, 12, 0)),
    ],
)
def test_times_as_they_are_typed(typed: str, at_ms: int) -> None:
    assert moment(typed, here_ms=NOW - 60_000, now_ms=NOW) == at_ms


@pytest.mark.parametrize("typed", ["", "soon", "25:00", "5x", "9" * 50, "999999d" * 5])
def test_what_is_no_time_says_what_would_be(typed: str) -> None:
    with pytest.raises(Invalid, match="13:10"):
        moment(typed, here_ms=NOW, now_ms=NOW)


def test_a_frame_waits_until_the_one_before_has_left_and_the_link_has_rested() -> None:
    clock = ManualClock()
    pace = Pace(clock.monotonic_s)
    assert pace.ready()
    pace.gave(20_000)
    clock.advance(0.1)
    assert not pace.ready(), "it has not left"
    pace.left(20_000)
    assert not pace.ready(), "keys want their share of the link"
    clock.advance(0.1)
    assert pace.ready()
    pace.gave(50)
    pace.left(50)
    assert pace.ready(), "what leaves at once delays nothing"


def test_a_terminal_that_answers_is_asked_behind_each_frame() -> None:
    clock = ManualClock()
    pace = Pace(clock.monotonic_s)
    assert not pace.asks(20_000), "nobody knows yet whether it answers"
    pace.answered()
    assert pace.asks(20_000)
    assert not pace.asks(20_000), "one question at a time"
    pace.gave(20_000)
    pace.left(20_000)  # into the buffers of a link: not on the screen yet
    clock.advance(0.5)
    assert not pace.ready()
    assert pace.waiting
    pace.answered()
    assert pace.ready()
    assert not pace.asks(100), "a key's few characters need no question"
    assert pace.asks(20_000)
    clock.advance(5)
    assert pace.ready(), "an answer that never comes stops nothing"


def test_a_very_slow_link_still_gets_a_frame_a_second() -> None:
    clock = ManualClock()
    pace = Pace(clock.monotonic_s)
    pace.gave(20_000)
    clock.advance(30)
    pace.left(20_000)
    clock.advance(1)
    assert pace.ready()


def test_after_a_lost_link_what_is_no_event_is_kept() -> None:
    tailing = Tailing(
        lambda: pytest.fail("not asked"), ManualClock(), TailSpec(targets=("api",)), lambda _: None, CoverageMap()
    )
    known = logged(5)
    tailing._held.update([identity(known)])
    span = LedgerSpan(start_s=1, end_s=2, coverage=Coverage.MISSING)
    figures = TailFigures(upstream=Upstream.LIVE, events=9)
    batch = tailing._without_held(TailBatch(events=(known, logged(6)), spans=(span,), figures=figures, dropped=3))
    assert batch == TailBatch(events=(logged(6),), spans=(span,), figures=figures, dropped=3)


def test_what_is_held_is_told_as_far_as_there_is_room() -> None:
    ledger = CoverageMap()
    ledger.fold([LedgerSpan(start_s=0, end_s=60, coverage=Coverage.COMPLETE)])
    figures = TailFigures(upstream=Upstream.LIVE, live_ms=18 * 60_000, sessions=2)
    holdings = Holdings(
        held=98_204, shown=12, filtered=True, evicted=0, dropped=0, late=3, backfilled=0, viewers=2, figures=figures,
        fixed=False,
    )  # fmt: skip
    words = holdings_words(holdings, ledger, 200)
    assert words == (
        "12 shown · 98,204 held of 100,000 · 0 missing · 3 late · 2 viewers · 18 min of live tail in 2 sessions"
    )
    assert holdings_words(holdings, ledger, 40) == "12 shown · 98,204 held of 100,000"


def test_a_clock_that_runs_ahead_does_not_empty_the_histogram() -> None:
    rates, now_s = Rates(), 1_700_000_000
    ahead = LogEvent(
        log_group="/app/api",
        log_stream="a",
        timestamp_ms=(now_s + 7_000) * 1000,
        ingestion_ms=now_s * 1000,
        message="x",
    )
    rates.add(ahead)
    rates.add(logged(now_s))
    _, _, buckets = rates.columns(10)
    assert sum(bucket.total for bucket in buckets) == 2
