"""What is held, filtered and searched: against plain models of it."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinkies.model import Level, LogEvent
from jinkies.reading.joining import joined
from jinkies.reading.templates import template_of
from tui.linefilter import BadTerm, LineFilter, Term, parse_term
from tui.logbuffer import LogBuffer
from tui.patterns import Patterns, trend

WORDS = (
    "GET /orders 200",
    "KeyError: x",
    "Traceback (most recent call last):",
    '  File "a.py", line 1, in f',
    "slow [red]",
)
LEVELS = tuple(Level)

events_drawn = st.builds(
    lambda word, stream, level, at: LogEvent(
        log_group="/app/api", log_stream=stream, timestamp_ms=at, ingestion_ms=at, message=word, level=level
    ),
    st.sampled_from(WORDS),
    st.sampled_from(("a", "b")),
    st.sampled_from((Level.NONE, Level.INFO, Level.ERROR)),
    st.integers(min_value=0, max_value=3_000),
)
filters = st.sampled_from(
    (
        LineFilter(),
        LineFilter(level=Level.ERROR),
        LineFilter(terms=(parse_term("keyerror"),)),
        LineFilter(terms=(parse_term("!file"), parse_term("/GET|slow/"))),
        LineFilter(level=Level.INFO, request="x"),
        LineFilter(template=template_of("GET /orders 200")),
    )
)


def work(buffer: LogBuffer) -> None:
    while buffer.busy:
        buffer.work()


def passes(group: list[LogEvent], wanted: LineFilter) -> bool:
    """What a filter means, said once more."""
    if max(event.level.rank for event in group) < wanted.level.rank:
        return False
    texts = [event.message for event in group]
    for term in wanted.terms:
        pattern = term.pattern.pattern if term.pattern else re.compile(re.escape(term.needle), re.IGNORECASE)
        if any(pattern.search(text) for text in texts) is term.inverse:
            return False
    if wanted.template and template_of(texts[0]) != wanted.template:
        return False
    return any(wanted.request in text for text in texts)


@settings(deadline=None)
@given(
    st.lists(st.lists(events_drawn, max_size=12), max_size=8),
    filters,
    filters,
    st.sampled_from((None, "keyerror", "!get")),
)
def test_what_is_shown_is_what_passes_whenever_the_filter_came(
    batches: list[list[LogEvent]], first: LineFilter, then: LineFilter, searched: str | None
) -> None:
    buffer = LogBuffer()
    buffer.set_filter(first)
    for number, batch in enumerate(batches):
        buffer.extend(batch)
        if number == len(batches) // 2:
            buffer.set_filter(then)
            buffer.set_term(parse_term(searched) if searched else None)
    buffer.set_filter(then)
    buffer.set_term(parse_term(searched) if searched else None)
    work(buffer)
    groups = [group for group in joined([event for batch in batches for event in batch]) if passes(group, then)]
    assert [buffer.text(seq) for seq in buffer.shown] == ["\n".join(one.message for one in group) for group in groups]
    hits = [group for group in groups if searched and passes(group, LineFilter(terms=(parse_term(searched),)))]
    assert len(buffer.hits) == len(hits)


@settings(deadline=None)
@given(st.lists(events_drawn, max_size=120), st.integers(min_value=1, max_value=20), filters)
def test_nothing_is_shown_that_left_and_nothing_held_is_hidden(
    events: list[LogEvent], room: int, wanted: LineFilter
) -> None:
    buffer = LogBuffer(max_lines=room)
    buffer.set_filter(wanted)
    for event in events:
        buffer.append(event)
    work(buffer)
    ring = buffer.ring
    held = range(ring.first, ring.next_seq)
    assert [ring.text(seq) for seq in held] == [event.message for event in events[-room:]]
    assert ring.evicted == max(len(events) - room, 0)
    entries = [seq for seq in held if not buffer.joins.is_inner(seq)]
    assert sorted(member for seq in entries for member in buffer.joins.of(seq)) == list(held)
    again = LogBuffer()
    again.ring, again.joins = ring, buffer.joins
    again.set_filter(LineFilter(level=Level.CRITICAL))
    again.set_filter(wanted)
    work(again)
    if wanted.passes_all:
        assert list(buffer.shown) == entries
    assert list(buffer.shown) == [seq for seq in entries if buffer._passes(seq)]


def event(number: int, message: str, level: Level = Level.INFO, **changes: object) -> LogEvent:
    fields: dict[str, object] = {
        "log_group": "/app/api", "log_stream": "s", "timestamp_ms": number * 1000, "ingestion_ms": 5, **changes
    }  # fmt: skip
    return LogEvent(message=message, level=level, **fields)  # type: ignore[arg-type] # test data


def test_an_event_comes_out_as_it_went_in() -> None:
    buffer = LogBuffer()
    given_ = event(3, "text", Level.ERROR, late=True, backfilled=True)
    buffer.append(given_)
    buffer.note("lost some")
    assert buffer.ring.event(0) == given_
    assert buffer.ring.event(1) is None
    with pytest.raises(IndexError):
        buffer.ring.line(2)


def test_a_large_line_pushes_out_what_its_bytes_need_and_stays() -> None:
    buffer = LogBuffer(max_bytes=10_000)
    for number in range(50):
        buffer.append(event(number, f"line {number}"))
    buffer.append(event(50, "x" * 1_000_000))
    assert [len(buffer.text(seq)) for seq in buffer.shown] == [1_000_000]


def test_streams_that_come_and_go_leave_nothing_behind() -> None:
    buffer = LogBuffer(max_lines=10)
    for number in range(1_000):
        buffer.append(event(number, "x", log_stream=f"stream {number}"))
    assert len(buffer.ring._sources.pairs) <= 11


def test_notes_pass_every_filter() -> None:
    buffer = LogBuffer()
    buffer.note("7 lines dropped here")
    buffer.set_filter(LineFilter(level=Level.ERROR, terms=(parse_term("nothing"),)))
    work(buffer)
    assert len(buffer.shown) == 1


def test_a_filter_of_a_hundred_thousand_lines_is_made_in_slices_newest_first() -> None:
    buffer = LogBuffer()
    buffer.extend(event(number, f"line {number}") for number in range(100_000))
    buffer.set_filter(LineFilter(terms=(parse_term("9"),)))
    buffer.work()
    assert buffer.busy
    assert 0.01 < buffer.progress < 0.2
    assert buffer.text(buffer.shown[len(buffer.shown) - 1]) == "line 99999"
    buffer.extend([event(1, "a nine: 9"), event(2, "none")])
    work(buffer)
    assert len(buffer.shown) == sum("9" in str(number) for number in range(100_000)) + 1


def test_the_next_error_and_time_are_found_among_what_is_shown() -> None:
    buffer = LogBuffer()
    buffer.extend(
        [event(1, "a"), event(2, "b", Level.ERROR), event(3, "c"), event(9, "late", late=True), event(5, "d")]
    )
    assert buffer.next_error(None, -1) == 1
    assert buffer.next_error(1, 1) is None
    assert buffer.next_error(0, 1) == 1
    assert buffer.at_or_after(3_000) == 2
    assert buffer.at_or_after(4_000) == 4
    assert buffer.at_or_after(99_000) == 4


@pytest.mark.parametrize("typed", ["", "/(/", "!", "x" * 501])
def test_terms_that_can_not_be_read_say_so(typed: str) -> None:
    if typed == "!":
        assert parse_term(typed) == Term(text="!", needle="!")
        return
    with pytest.raises(BadTerm):
        parse_term(typed)


def test_the_same_term_again_takes_it_away() -> None:
    wanted = LineFilter().toggled(parse_term("!healthz")).toggled(parse_term("/5\\d\\d/"))
    assert wanted.words == "& !healthz  & /5\\d\\d/"
    assert wanted.toggled(parse_term("!healthz")).words == "& /5\\d\\d/"


@settings(deadline=None)
@given(
    st.lists(events_drawn, max_size=80), st.integers(min_value=1, max_value=30), st.integers(min_value=1, max_value=9)
)
def test_patterns_count_what_is_held(events: list[LogEvent], room: int, every: int) -> None:
    buffer = LogBuffer(max_lines=room)
    patterns = Patterns(buffer.ring, buffer.joins)
    for number, one in enumerate(events):
        buffer.append(one)
        if number % every == 0:
            patterns.work(3)
    while patterns.busy:
        patterns.work()
    patterns.work()
    # A line that was counted as its trace's first stays one; a trace's later lines are counted once they are alone.
    held = [buffer.ring.text(seq) for seq in range(buffer.ring.first, buffer.ring.next_seq)]
    counted = {pattern.template: pattern.count for pattern in patterns.ranked()}
    assert patterns.counted == sum(counted.values()) <= len(held)
    wanted = Counter(template_of(text) for text in held)
    assert all(count <= wanted[template] for template, count in counted.items())
    for pattern in patterns.ranked():
        assert sum(trend(pattern, patterns.span_ms(), 7)) == pattern.count


def test_patterns_are_ranked_with_their_worst_level() -> None:
    buffer = LogBuffer()
    buffer.extend([event(number, f"GET /orders/{number} 200") for number in range(30)])
    buffer.extend([event(31, "GET /orders/31 200", Level.ERROR), event(32, "started")])
    patterns = Patterns(buffer.ring, buffer.joins)
    patterns.work()
    first, second = patterns.ranked()
    assert patterns.template_at(3) == first.template
    assert patterns.template_at(99) is None
    assert (first.count, first.level, second.count) == (31, Level.ERROR, 1)


def test_templates_of_lines_that_left_make_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.patterns.MOST_PATTERNS", 8)
    buffer = LogBuffer(max_lines=4)
    patterns = Patterns(buffer.ring, buffer.joins)
    words = ["".join(chr(ord("a") + int(digit)) for digit in str(number)) for number in range(100, 140)]
    for number, word in enumerate(words):
        buffer.append(
            LogEvent(log_group="g", log_stream="s", timestamp_ms=number, ingestion_ms=number, message=f"went {word}")
        )
        patterns.work()
    assert {one.template for one in patterns.ranked()} == {f"went {word}" for word in words[-4:]}
