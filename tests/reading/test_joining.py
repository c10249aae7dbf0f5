from __future__ import annotations

from itertools import chain, zip_longest

import pytest

from jinkies.logs.levels import level_of
from jinkies.model import LogEvent
from jinkies.reading.joining import BLOCK_LINES, GAP_MS, STREAMS, Joiner, Neighbours, joined

PYTHON = (
    'Traceback (most recent call last):\n  File "/app/v.py", line 3, in show\n'
    '    raise ValueError("boom")\nValueError: boom'
)
CHAINED = (
    "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'x'\n\n"
    "During handling of the above exception, another exception occurred:\n\n"
    'Traceback (most recent call last):\n  File "b.py", line 2\n    x\n    ^\npkg.DbError: db gone'
)
JAVA = (
    "java.lang.IllegalStateException: pool empty\n\tat com.x.A.b(A.java:1)\n"
    "Caused by: java.io.IOException: down\n\tat x.y(Z.java)\n\t... 3 more"
)
NODE = (
    "TypeError: Cannot read x\n    at f (/a.js:1:2)\n    at g (/b.js:2:3) {\n  code: 'E_X',\n  meta: [\n    1\n  ]\n}"
)


def event(line: str, at_ms: int = 1_000_000, stream: str = "s", group: str = "/a") -> LogEvent:
    return LogEvent(
        log_group=group, log_stream=stream, timestamp_ms=at_ms, ingestion_ms=0, message=line, level=level_of(line)
    )


def sent(*lines: str, apart_ms: int = 10, stream: str = "s") -> list[LogEvent]:
    return [event(line, 1_000_000 + at * apart_ms, stream) for at, line in enumerate(lines)]


def texts(groups: list[list[LogEvent]]) -> list[list[str]]:
    return [[one.message for one in group] for group in groups]


@pytest.mark.parametrize("trace", [PYTHON, JAVA, NODE, CHAINED])
def test_the_lines_of_a_trace_belong_together(trace: str) -> None:
    lines = trace.split("\n")
    found = texts(joined(sent("INFO before", "ERROR it broke", *lines, "INFO after")))
    assert found == [["INFO before"], ["ERROR it broke", *lines], ["INFO after"]]
    assert texts(joined(sent("INFO before", *lines, "INFO after"))) == [["INFO before"], lines, ["INFO after"]]


def test_traces_of_streams_that_write_at_once_are_told_apart() -> None:
    streams = [
        sent("ERROR it broke", *trace.split("\n"), "INFO after", stream=str(at))
        for at, trace in enumerate((PYTHON, JAVA, NODE))
    ]
    mixed = [one for one in chain.from_iterable(zip_longest(*streams)) if one is not None]
    found = joined(mixed)
    assert [group[0].log_stream for group in found] == ["0", "1", "2", "0", "1", "2"]  # by their first lines
    for stream in streams:
        assert [group for group in found if group[0].log_stream == stream[0].log_stream] == [stream[:-1], stream[-1:]]


def test_streams_of_one_name_in_two_groups_are_two() -> None:
    events = [event("ERROR x", group="/a"), event("  at f", group="/b"), event("  at g", group="/a")]
    assert texts(joined(events)) == [["ERROR x", "  at g"], ["  at f"]]


def test_a_trace_within_one_event_is_one() -> None:
    whole = f"ERROR it broke\n{PYTHON}"
    assert texts(joined(sent(whole, whole))) == [[whole], [whole]]


def test_errors_of_their_own_stay_apart() -> None:
    for lines in (("ERROR one", "ERROR two", "INFO three"), ("ValueError: one", "ValueError: two"), ("ERROR a",) * 2):
        assert texts(joined(sent(*lines))) == [[line] for line in lines]


def test_a_line_of_another_level_ends_a_trace_that_has_no_end() -> None:
    lines = ["Traceback (most recent call last):", '  File "a.py", line 1', "INFO:root:hello"]
    assert texts(joined(sent(*lines))) == [lines[:2], lines[2:]]


def test_blank_lines_belong_to_a_python_traceback_only() -> None:
    assert texts(joined(sent("INFO a", "", "INFO b"))) == [["INFO a"], [""], ["INFO b"]]


def test_lines_far_apart_in_time_are_not_joined() -> None:
    lines = ("ERROR one", "    at f (a.js:1:2)")
    assert texts(joined(sent(*lines, apart_ms=GAP_MS))) == [list(lines)]
    assert texts(joined(sent(*lines, apart_ms=GAP_MS + 1))) == [[lines[0]], [lines[1]]]
    assert texts(joined([event(lines[0], 5_000), event(lines[1], 3_000)])) == [[lines[0]], [lines[1]]]  # late


def test_event_by_event_it_is_the_same() -> None:
    events = [*sent("INFO a", *PYTHON.split("\n")), *sent(*JAVA.split("\n"), "INFO z", stream="t")]
    joiner = Joiner()
    heads = [joiner.feed(one) for one in events]
    groups = joined(events)
    assert [
        [one for one, head in zip(events, heads, strict=True) if head == first] for first in sorted(set(heads))
    ] == (groups)
    assert all(events[head] is group[0] for head, group in zip(sorted(set(heads)), groups, strict=True))


@pytest.mark.parametrize("trace", [PYTHON, JAVA, NODE, CHAINED])
@pytest.mark.parametrize("before", ["ERROR it broke", "INFO before"])
def test_neighbours_agree_with_the_joiner_while_one_stream_sends(before: str, trace: str) -> None:
    events = sent(before, *trace.split("\n"), "INFO after", "", "    indented", "Traceback", "ERROR x", trace, "INFO")
    joiner, neighbours = Joiner(), Neighbours()
    for number, one in enumerate(events):
        assert neighbours.continues(one) == (joiner.feed(one) != number), one.message


def test_another_streams_event_in_between_parts_neighbours() -> None:
    neighbours = Neighbours()
    lines = [event("ERROR x"), event("  at f"), event("INFO y", stream="t"), event("  at g"), event("  at h")]
    assert [neighbours.continues(one) for one in lines] == [False, True, False, False, True]


def test_a_block_has_an_end() -> None:
    events = sent("ERROR deep", *["    at f (a.js:1:2)"] * (2 * BLOCK_LINES), apart_ms=0)
    assert [len(group) for group in joined(events)] == [BLOCK_LINES, BLOCK_LINES, 1]


def test_memory_does_not_grow_with_the_streams() -> None:
    joiner = Joiner()
    for at in range(STREAMS):
        joiner.feed(event("ERROR x", stream=str(at)))
    assert joiner.feed(event("  at f", stream="0")) == 0
    joiner.feed(event("ERROR x", stream="another"))
    assert joiner.feed(event("  at f", stream="1")) == STREAMS + 2  # forgotten: silent longest
    assert joiner.feed(event("  at f", stream="0")) == 0


@pytest.mark.parametrize(
    "line", ["", "\n", " " * 100_000, "Error" * 20_000 + "!", "a." * 50_000, "Traceback\n" * 9_000]
)
def test_hostile_lines_are_joined_all_the_same(line: str) -> None:
    events = sent("ERROR it broke", line, PYTHON.split("\n")[0], line, line)
    assert [one for group in joined(events) for one in group] == events
