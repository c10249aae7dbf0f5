from __future__ import annotations

import io

import pytest

from jinkies.cli.output import Cell, Printer, ago, block, fit, line, moment, width

EVIL = "\x1b[2J\x1b]0;owned\x07 a\tb\r\nc\x9b31m\u202e\x7f\ud800"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_no_control_character_reaches_the_terminal() -> None:
    assert line(EVIL) == "␛[2J␛]0;owned␇ a b c\ufffd31m\ufffd␡\ufffd"
    assert block(EVIL) == "  ␛[2J␛]0;owned␇ a    b\n  c\ufffd31m\ufffd␡\ufffd"


def test_ordinary_text_stays_as_it_is() -> None:
    assert line("  Ärger: 注文 [red]×3[/red] \\ % {} ") == "Ärger: 注文 [red]×3[/red] \\ % {}"
    assert block("  one\n    two\n\n") == "    one\n      two"


@pytest.mark.parametrize(("text", "cells"), [("abc", 3), ("注文", 4), ("e\u0301", 1), ("", 0)])
def test_width_is_in_terminal_cells(text: str, cells: int) -> None:
    assert width(text) == cells


def test_what_does_not_fit_is_cut_visibly() -> None:
    assert fit("abcdef", 6) == "abcdef"
    assert fit("abcdef", 4) == "abc…"
    assert fit("注文注文", 4) == "注…"


def test_columns_are_aligned_and_uncoloured_in_a_pipe() -> None:
    stream = io.StringIO()
    rows = [(Cell("#1", "1"), Cell("注文"), Cell("x" * 300)), (Cell("#1000"), Cell("b"), Cell(""))]
    Printer(stream).table(("ID", "NAME", "TITLE"), rows)
    assert stream.getvalue().splitlines() == ["ID     NAME  TITLE", "#1     注文  " + "x" * 300, "#1000  b"]


def test_a_terminal_gets_colour_and_no_line_that_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    Printer(stream).table((), [(Cell("a", "31"), Cell("x" * 300))])
    assert stream.getvalue() == "\x1b[31ma\x1b[0m  " + "x" * 36 + "…\n"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colour_can_be_turned_off(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert Printer(Terminal()).paint("a", "31") == "\x1b[31ma\x1b[0m"
    monkeypatch.setenv(name, value)
    assert Printer(Terminal()).paint("a", "31") == "a"


@pytest.mark.parametrize(
    ("before_s", "text"),
    [
        (-5, "now"),
        (0, "now"),
        (1, "1s ago"),
        (59, "59s ago"),
        (60, "1m ago"),
        (3_599, "59m ago"),
        (3_600, "1h ago"),
        (172_799, "47h ago"),
        (172_800, "2d ago"),
        (2_591_999, "29d ago"),
        (2_592_000, "2025-12-02"),
    ],
)
def test_relative_times(before_s: int, text: str) -> None:
    now_ms = 1_767_225_600_000
    assert ago(now_ms - before_s * 1000, now_ms) == text


def test_moments_are_utc_and_say_so() -> None:
    assert moment(1_767_225_600_123) == "2026-01-01 00:00:00Z"
