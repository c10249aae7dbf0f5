"""A real core and the real console on it, headless."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from jinkies.commands import ReportOccurrence
from jinkies.config import Config
from jinkies.core import Core
from jinkies.model import SYSTEM
from jinkies.operator import Operator
from jinkies.wire.client import attach
from jinkies.wire.peer import local_actor
from tui.app import ConsoleApp

LIMIT_S = 30.0  # for what a busy machine shows late; a quiet one shows it within 0.1 s


class Console:
    """The running console, as a person sees and uses it."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def lines(self) -> list[str]:
        """The text on the screen, line by line."""
        strips = self.app.screen._compositor.render_strips()
        return [strip.text for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def line_with(self, words: str) -> str:
        return next((line for line in self.lines if words in line), "")

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        await self.press(*text)

    async def until(self, *words: str) -> None:
        """Until all words are on the screen."""
        await self.until_true(lambda: all(word in self.text for word in words), f"{words} in")

    async def until_gone(self, word: str) -> None:
        await self.until_true(lambda: word not in self.text, f"{word} gone from")

    async def until_true(self, condition: Callable[[], bool], what: str = "a condition on") -> None:
        end_s = time.monotonic() + LIMIT_S
        while not condition():
            if time.monotonic() > end_s:
                pytest.fail(f"never saw {what}\n{self.text}")
            await self.pilot.pause(0.02)


@asynccontextmanager
async def console_on(config: Config, operator: Operator, size: tuple[int, int] = (120, 36)) -> AsyncIterator[Console]:
    """The console on an operator that somebody else closes."""

    @asynccontextmanager
    async def connect() -> AsyncIterator[Operator]:
        yield operator

    app = ConsoleApp(connect, config)
    async with app.run_test(size=size, notifications=True) as pilot:
        console = Console(app, pilot)
        await console.until_true(lambda: app.session.live, "a snapshot for")
        yield console


@pytest.fixture(params=["embedded", "attached"])
async def operator(request: pytest.FixtureRequest, core: Core) -> AsyncIterator[Operator]:
    """The same core through either transport."""
    if request.param == "embedded":
        yield core.operator(local_actor())
    else:
        async with attach(core.config.socket_path) as attached:
            yield attached


Report = Callable[..., Awaitable[int]]


@pytest.fixture
def report(core: Core) -> Report:
    """Report an occurrence; answers its alert's id."""

    async def send(message: str, **changes: object) -> int:
        fields: dict[str, object] = {"service": "api", "message": message, "fingerprint": message, **changes}
        outcome = await core.operator(SYSTEM).execute(ReportOccurrence(**fields))  # type: ignore[arg-type] # test data
        assert outcome.alert_id is not None
        return outcome.alert_id

    return send
