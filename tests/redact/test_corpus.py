"""The corpus: what has to go goes, whatever is around it, and all else stays as it was."""

from __future__ import annotations

import pytest

from jinkies.redact import redact
from tests.redact.corpus import CUT, KEPT, line


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert len(set(CUT)) >= 150
    assert len(set(KEPT)) >= 100
    assert all(line(one)[0] != line(one)[1] for one in CUT)


@pytest.mark.parametrize("marked", CUT)
def test_goes(marked: str) -> None:
    came, expected = line(marked)
    assert redact(came) == expected
    assert redact(expected) == expected


@pytest.mark.parametrize("text", KEPT)
def test_stays(text: str) -> None:
    assert redact(text) == text


def test_all_of_it_at_once() -> None:
    """One text of all lines: what stands on one changes nothing on the next."""
    lines = [one for pair in zip(CUT, KEPT, strict=False) for one in pair]
    whole = "\n\n".join(line(one)[0] for one in lines)
    assert redact(whole) == "\n\n".join(line(one)[1] for one in lines)
