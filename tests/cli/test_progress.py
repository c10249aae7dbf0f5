"""The line of a long fetch on a terminal's stderr."""

from __future__ import annotations

import io

import pytest

from jinkies.cli.progress import AFTER_S, EVERY_S, shown
from jinkies.logs.slices import Progress
from tests.logs.clock import START_MS, ManualClock


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def test_it_shows_after_a_while_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, progress, terminal = ManualClock(), Progress(), Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    async with shown(progress, clock) as line:
        await clock.asleep(1)
        line.erase()
        assert terminal.getvalue() == "", "a short fetch shows nothing"
        progress.events, progress.reached_ms = 120_000, START_MS
        await clock.pass_until_next_sleep(AFTER_S)
        assert terminal.getvalue() == "\r\x1b[K120,000 events read · 60,000/s · up to 2026-01-01T00:00:00Z"
        line.erase()
        line.erase()
        assert terminal.getvalue().endswith("Z\r\x1b[K"), "once"
        await clock.pass_until_next_sleep(EVERY_S)
    assert terminal.getvalue().endswith("Z\r\x1b[K")


async def test_without_a_terminal_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, out = ManualClock(), io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    async with shown(Progress(), clock) as line:
        line.erase()
    assert (out.getvalue(), clock.slept) == ("", 0)
