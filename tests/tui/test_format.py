from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.format import ago, clean, cut, fit, short_count, sparkline, wrap


@given(st.text(), st.integers(min_value=2, max_value=40))
def test_clean_text_fits_wraps_and_controls_nothing(text: str, width: int) -> None:
    cleaned = clean(text)
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in cleaned)
    assert not set("\u202a\u202b\u202d\u202e\u2066\u2067\u200f\u200d\ufe0f") & set(cleaned)
    cleaned.encode()
    assert cell_len(fit(cleaned, width)) == width
    assert cell_len(cut(cleaned, width)) <= width
    assert all(cell_len(piece) <= width for piece in wrap(cleaned, width))


@given(st.text(alphabet="abc defgh", max_size=300), st.integers(min_value=2, max_value=40))
def test_wrapping_keeps_every_letter(text: str, width: int) -> None:
    assert "".join(wrap(text, width)).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(("seconds", "words"), [(0, "now"), (12, "12s"), (60, "1m"), (7_200, "2h"), (900_000, "10d")])
def test_ago(seconds: int, words: str) -> None:
    assert ago(1_000_000, 1_000_000 + seconds * 1000) == words


def test_counts_and_bars() -> None:
    assert [short_count(number) for number in (9_999, 12_345, 3_000_000)] == ["9999", "12k", "3M"]
    assert sparkline([0, 1, 800]) == " ▁█"
