"""What the console tells its user first, as the demo does with the simulated Discord's address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jinkies.config import Config
from jinkies.core import Core
from jinkies.model import SYSTEM
from jinkies.operator import Operator
from tests.tui.conftest import Console
from tui.app import ConsoleApp


async def test_a_greeting_is_shown_as_text(core: Core, config: Config) -> None:
    @asynccontextmanager
    async def connect() -> AsyncIterator[Operator]:
        yield core.operator(SYSTEM)

    app = ConsoleApp(connect, config, greeting="Discord is at http://127.0.0.1:8099 [bold]")
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await Console(app, pilot).until("Discord is at", "http://127.0.0.1:8099", "[bold]")
