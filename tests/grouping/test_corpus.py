"""Grouping, held against the corpus."""

from __future__ import annotations

import pytest

from jinkies.commands import ReportOccurrence
from jinkies.fingerprint import fingerprint, grouping
from jinkies.model import Rule
from tests.grouping.corpus import ALIKE, APART, BASE, SENT, Pair, said, sent


def named(pair: Pair) -> str:
    return pair[0]


@pytest.mark.parametrize("pair", ALIKE, ids=named)
def test_one_alert(pair: Pair) -> None:
    _, one, other = pair
    assert fingerprint(one) == fingerprint(other), (grouping(one), grouping(other))


@pytest.mark.parametrize("pair", APART, ids=named)
def test_two_alerts(pair: Pair) -> None:
    _, one, other = pair
    assert fingerprint(one) != fingerprint(other), grouping(one)


def test_the_corpus_is_large_and_no_case_is_there_twice() -> None:
    names = [name for name, _, _ in ALIKE]
    assert len(set(names)) == len(names)
    assert len(ALIKE) + len(APART) >= 160


@pytest.mark.parametrize(
    ("occurrence", "rule", "parts"),
    [
        (said("order 7 missing"), Rule.MESSAGE, ("", "order <number> missing")),
        (said("a", fingerprint="mine"), Rule.OWN, ("mine",)),
        (
            BASE,
            Rule.FRAMES,
            (
                "KeyError",
                "/srv/app/main.py in main: serve()",
                '/srv/app/views/orders.py in show: return cart["order_id"]',
            ),
        ),
        (sent(*SENT), Rule.FRAMES, ("KeyError", "app.views in show: return cart[key]")),
    ],
)
def test_why_is_told(occurrence: ReportOccurrence, rule: Rule, parts: tuple[str, ...]) -> None:
    found = grouping(occurrence)
    assert (found.version, found.rule, found.parts) == (2, rule, parts)
