"""What is remembered of lines changes nothing: each text is cut as if all of it were looked at for the first time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinkies.redact import redact
from jinkies.redact.cards import card_numbers
from jinkies.redact.commands import command_lines
from jinkies.redact.private_keys import private_keys
from jinkies.redact.shapes import known_shapes, scheme_values
from jinkies.redact.telling import LONGEST, REMEMBERED, forget, remembered, told_by
from jinkies.redact.values import named_values
from jinkies.redact.words import words_of
from tests.redact.corpus import CUT, KEPT, line

PASSES = 4


def looked_at_whole(text: str) -> str:
    """As ``redact``, with every word asked for every gate."""
    for _ in range(PASSES):
        before = text
        text = private_keys(text) if "PRIVATE KEY" in text else text
        words = words_of(text)
        text = scheme_values(named_values(text, words.lowered), words.lowered)
        text = card_numbers(known_shapes(command_lines(text, words.text), words))
        if text == before:
            break
    return text


_LINES = [one for marked in CUT for one in line(marked)[0].split("\n")] + [
    one for text in KEPT for one in text.split("\n")
]
_PIECES = (
    "key", "Key", "api", "_", "-", "KeyError: 'x'", "İ", "K", "otp", "sig", "=", ": ", " ", "\n", "\r", "\x85", "\0",
    "https://", "a:b", "@h", "mysql", "curl", "-p", "-u x:y", "--auth a:b", "http", "redis-cli -a s", "hunter2", "/",
    "x" * 41, "aB3" * 14, "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs", "pass:", "4111 1111 1111 1111",
)  # fmt: skip
_TEXT = st.lists(st.sampled_from(_LINES) | st.sampled_from(_PIECES), max_size=8).map("".join)
_TEXTS = st.lists(st.lists(_TEXT, max_size=6).map("\n".join), min_size=1, max_size=5)


@settings(max_examples=400, deadline=None)
@given(_TEXTS)
def test_what_came_before_changes_nothing(texts: list[str]) -> None:
    forget()
    for text in [*texts, *texts]:
        assert redact(text) == looked_at_whole(text)


def test_the_corpus_after_the_corpus() -> None:
    forget()
    for text in [*_LINES, "\n".join(_LINES), *_LINES]:
        assert redact(text) == looked_at_whole(text)


@pytest.mark.parametrize("marked", CUT)
def test_no_line_with_a_secret_is_remembered(marked: str) -> None:
    came, _ = line(marked)
    if "PRIVATE KEY" in came:  # looked for apart, in the whole text
        return
    forget()
    redact("\n".join([*KEPT, came]))
    redact(came)
    assert told_by(came) != (None, False)


def test_a_plain_line_is_asked_once() -> None:
    forget()
    text = "Traceback (most recent call last):\n    return lines[0].price\nKeyError: 'order-7'"
    assert told_by(text) == (None, False)
    assert remembered() == 3
    assert told_by(text) == (None, False)
    assert remembered() == 3


def test_what_is_remembered_is_bounded() -> None:
    forget()
    redact("x" * (LONGEST + 1))
    assert remembered() == 0
    for start in range(0, 3 * REMEMBERED, 1_000):
        redact("\n".join(f"line {number}" for number in range(start, start + 1_000)))
        assert remembered() <= REMEMBERED
    redact("\n".join(f"row {number}" for number in range(2 * REMEMBERED)))
    assert remembered() <= REMEMBERED
