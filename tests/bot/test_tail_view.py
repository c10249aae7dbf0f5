"""What a tail's message says: within Discord's limits whatever comes, and honest about what the lines are worth."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.log_text import FILE_BYTES, MESSAGE_CHARS, block, log_file
from bot.render import DESCRIPTION_LIMIT
from bot.tail_view import TailView, tail_message
from bot.tally import Tally
from bot.text import units
from jinkies.model import (
    Actor,
    ActorKind,
    ChannelTail,
    Coverage,
    LedgerSpan,
    Level,
    LogEvent,
    TailBatch,
    TailSpec,
    TailTotals,
)
from jinkies.redact import DEFAULT
from jinkies.simulators.discord.validate import check_message, check_not_empty
from tests.telling import Moment

T0_S = 1_767_225_600
TAIL = ChannelTail(
    number=7,
    channel_id="1",
    spec=TailSpec(targets=("api",)),
    started_by=Actor(kind=ActorKind.DISCORD, id="1", name="velma"),
    started_at_ms=T0_S * 1000,
    ends_at_ms=(T0_S + 900) * 1000,
)


def event(message: str, at_s: float = 0.0, *, level: Level = Level.INFO, ingested_s: float | None = None) -> LogEvent:
    at_ms = int((T0_S + at_s) * 1000)
    ingestion_ms = at_ms if ingested_s is None else int((T0_S + ingested_s) * 1000)
    return LogEvent(
        log_group="/app/api",
        log_stream="s",
        timestamp_ms=at_ms,
        ingestion_ms=ingestion_ms,
        message=message,
        level=level,
    )


def span(start_s: int, end_s: int, coverage: Coverage, reason: str = "") -> LedgerSpan:
    return LedgerSpan(start_s=T0_S + start_s, end_s=T0_S + end_s, coverage=coverage, reason=reason)


def view_of(*batches: TailBatch, tail: ChannelTail = TAIL) -> TailView:
    view = TailView(tail, Moment(T0_S * 1000 + 60_000))
    for batch in batches:
        view.fold(batch)
    return view


def wire(view: TailView, *, over: str | None = None) -> dict[str, Any]:
    decoded = msgspec.json.decode(msgspec.json.encode(tail_message(TAIL, view, DEFAULT, epoch="0a1b2c3d", over=over)))
    assert isinstance(decoded, dict)
    return decoded


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (TailBatch(spans=(span(-300, -10, Coverage.COMPLETE),)), ["complete"]),
        (
            TailBatch(spans=(span(-300, 0, Coverage.COMPLETE), span(0, 31, Coverage.MISSING, "access *denied*"))),
            ["**31 s missing**: access \\*denied\\*"],
        ),
        (
            TailBatch(spans=(span(0, 12, Coverage.SAMPLED), span(12, 20, Coverage.BACKFILLING, "being read"))),
            ["**12 s sampled: lines were left out**", "catching up: being read"],
        ),
        (
            TailBatch(spans=(span(0, 9, Coverage.BACKFILLING), span(0, 9, Coverage.COMPLETE)), dropped=1_200),
            ["complete", "1,200 lines came too fast and were dropped"],
        ),
        (TailBatch(gone_ms=(T0_S - 100) * 1000, spans=(span(-900, -99, Coverage.MISSING),)), ["**201 s missing**"]),
    ],
)
def test_the_ledger_in_words(batch: TailBatch, words: list[str]) -> None:
    assert view_of(batch).worth() == words


def test_what_left_a_shared_tail_before_one_asked_is_no_loss() -> None:
    view = view_of(TailBatch(spans=(span(-300, -10, Coverage.COMPLETE),)))
    view.attached((T0_S - 30) * 1000)
    view.fold(TailBatch(gone_ms=(T0_S - 60) * 1000, spans=(span(-900, -59, Coverage.MISSING),)))
    assert view.worth() == ["complete"]


def test_lines_that_come_again_are_shown_once_and_those_that_do_not_stay() -> None:
    view = view_of(TailBatch(events=tuple(event(str(number), number) for number in range(40))))
    view.attached((T0_S + 30) * 1000)
    view.fold(TailBatch(events=(*(event(str(number), number) for number in range(30, 40)), event("39", 39))))
    shown = [one.message for one in view.lines()]
    assert shown == [*map(str, range(40)), "39"]


def test_trouble_is_said_until_it_is_over() -> None:
    view = view_of(TailBatch(trouble="throttled"))
    assert "CloudWatch: throttled" in wire(view)["embeds"][0]["description"]
    assert "throttled" not in wire(view, over="its time is up")["embeds"][0]["description"]
    view.fold(TailBatch(events=(event("x"),)))
    assert "throttled" not in wire(view)["embeds"][0]["description"]


def test_it_looks_exactly_so() -> None:
    view = view_of(
        TailBatch(
            events=(event("INFO one", 1), event("boom\n  at x", 3, level=Level.ERROR), event("WARN", 2)),
            spans=(span(-300, 4, Coverage.COMPLETE),),
        )
    )
    message = wire(view)
    assert message["embeds"] == [
        {
            "title": "Tail 7 · api",
            "description": (
                "starting · since <t:1767225300:t> · ends <t:1767226500:R>\n**3 lines**: 1 error · 2 info · complete\n"
                "```\n00:00:01 INFO  INFO one\n00:00:02 INFO  WARN\n00:00:03 ERROR boom\n      at x\n```"
            ),
            "color": 0x30A46C,
        }
    ]
    assert [one["label"] for one in message["components"][0]["components"]] == ["Pause", "Stop"]


@settings(max_examples=60)
@given(
    st.lists(st.text(st.characters(), max_size=400), max_size=40),
    st.sampled_from(["`" * 3_000, "😀" * 3_000, "@everyone\n" * 900, "\u202e\x1b[31m" * 500, "<@1>" * 999, "\\"]),
    st.integers(0, 39),
)
def test_whatever_the_lines_are_discord_takes_the_message(messages: list[str], nasty: str, at: int) -> None:
    messages.insert(min(at, len(messages)), nasty)
    lines = tuple(event(message, number) for number, message in enumerate(messages))
    message = wire(view_of(TailBatch(events=lines, trouble=nasty)))
    check_message(message)
    check_not_empty({"content": "", "attachments": []} | message)
    description = message["embeds"][0]["description"]
    assert units(description) <= DESCRIPTION_LIMIT
    assert description.count("```") in (0, 2)


@settings(max_examples=60)
@given(st.lists(st.text(st.characters(), max_size=300), min_size=1, max_size=30), st.integers(100, 3_000))
def test_a_block_fits_and_says_how_many_it_shows(messages: list[str], room: int) -> None:
    found = block([event(message) for message in messages], room, DEFAULT)
    assert units(found.text) <= room
    assert 1 <= found.shown <= len(messages)


def test_a_file_is_bounded_and_leaves_the_oldest_out() -> None:
    content, filed = log_file([event("x" * 2 * MESSAGE_CHARS) for _ in range(500)], DEFAULT)
    assert len(content) <= FILE_BYTES
    assert 300 < filed < 500
    assert content.startswith(b"2026-01-01T00:00:00.000Z INFO  xxx")
    assert b"(20,000 more characters)\n" in content


@given(
    st.lists(st.sampled_from(Level), min_size=120, max_size=120),
    st.lists(st.tuples(st.integers(0, 120), st.integers(0, 60), st.integers(0, 30), st.booleans()), max_size=8),
)
def test_counting_goes_on_where_it_was(levels: list[Level], breaks: list[tuple[int, int, int, bool]]) -> None:
    """Whenever it is taken up again, with whatever of what was settled coming again, each line counts once."""
    lines = [event(str(number), number, level=level) for number, level in enumerate(levels)]
    tally, upto, first = Tally(T0_S * 1000, TailTotals()), 0, 0
    for reached, unsettled, overlap, killed in breaks:
        upto = max(upto, reached)
        for line in lines[first:upto]:
            assert tally.take(line)
        settled_ms, now_ms = (T0_S + max(0, upto - unsettled)) * 1000, (T0_S + upto) * 1000
        totals = tally.totals(settled_ms, now_ms)
        if killed:
            tally = Tally(T0_S * 1000, totals)
        else:
            tally.again(settled_ms, now_ms)
        first = max(0, max(totals.until_ms // 1000 - T0_S, 0) - overlap)
    for line in lines[first:]:
        tally.take(line)
    assert tally.counts == Counter(levels)


def test_a_line_that_comes_late_counts_after_a_restart_too() -> None:
    tally = Tally(T0_S * 1000, TailTotals())
    tally.take(event("in time", 5))
    totals = tally.totals((T0_S + 60) * 1000, (T0_S + 70) * 1000)
    assert totals == TailTotals(levels={Level.INFO: 1}, until_ms=(T0_S + 60) * 1000, at_ms=(T0_S + 70) * 1000)
    again = Tally(T0_S * 1000, totals)
    again.take(event("in time", 5))
    again.take(event("late", 6, ingested_s=80))
    again.take(event("new", 61))
    assert again.counts[Level.INFO] == 3
    assert not again.take(event("older than was asked for", -1))
