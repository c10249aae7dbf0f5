"""Expressions that take for ever are ended; all others find what they always do."""

from __future__ import annotations

import re
import signal
import threading
import time

import pytest

from tui.linefilter import parse_term
from tui.patience import PATIENCE_S, SEARCHES, Patient


@pytest.mark.parametrize(
    ("typed", "text"),
    [("/(a+)+$/", "a" * 40 + "b"), ("/.*nowhere/", "a" * 200_000), ("/!(\\w+\\s?)*$/", "!" + "word " * 400 + "!")],
)
def test_an_expression_that_takes_for_ever_is_ended(typed: str, text: str) -> None:
    term = parse_term(typed)
    began_s = time.process_time()
    assert not term.found_in(text)
    assert time.process_time() - began_s < PATIENCE_S * 4
    assert term.slow
    assert not term.found_in("ab"), "it finds nothing any more"
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    assert parse_term("/a/").found_in("a"), "others do"


def test_many_searches_that_are_slow_together_are_ended() -> None:
    patient = Patient(re.compile("(a+)+$"))
    began_s = time.process_time()
    for _ in range(SEARCHES):
        patient.found_in("a" * 16 + "b", 100)
    assert patient.slow
    assert time.process_time() - began_s < PATIENCE_S * 4


def test_patience_comes_back_for_what_is_quick() -> None:
    patient = Patient(re.compile("x+y"))
    text = "x" * 500
    for _ in range(SEARCHES * 3):
        assert not patient.found_in(text[:20], 100)
    assert not patient.slow


def test_the_places_are_those_of_the_engine() -> None:
    pattern = re.compile("o*")
    assert Patient(pattern).spans("foo boo") == [(1, 3), (5, 7)]
    assert Patient(re.compile("(a+)+$")).spans("a" * 40 + "b") == []


def test_in_another_thread_it_searches_without_a_bound() -> None:
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(Patient(re.compile("a")).found_in("ba", 10)))
    thread.start()
    thread.join()
    assert found == [True]
