"""How the parts are doing, where nobody is left to say it."""

from __future__ import annotations

import asyncio

from jinkies import housekeeping
from jinkies.commands import ReportHealth
from jinkies.config import Config
from jinkies.core import Core
from jinkies.events import HealthChanged
from jinkies.housekeeping import notice_silence
from jinkies.model import PartHealth, PartState
from jinkies.wire.peer import local_actor
from tests.telling import scene


async def test_a_bot_that_falls_silent_is_missed(core: Core) -> None:
    moments = iter(range(1_000_000, 100_000_000, 11_000))

    class Clock:
        """Every look at it finds eleven seconds gone."""

        def now_ms(self) -> int:
            return next(moments)

        def monotonic_s(self) -> float:
            raise NotImplementedError

        async def sleep(self, _delay_s: float) -> None:
            await asyncio.sleep(0)

    core.clock = Clock()
    states: list[tuple[PartState, str]] = []
    with core.hub.subscribe() as subscription:
        watching = asyncio.create_task(notice_silence(core))
        while not states or states[-1][0] is not PartState.FAILED:
            update = (await subscription.get()).update
            assert isinstance(update, HealthChanged)
            states.append((update.health.state, update.health.detail))
            if update.health.state is PartState.CONNECTING:
                health = PartHealth(part="discord", state=PartState.OK, detail="connected")
                await core.operator(local_actor()).execute(ReportHealth(health=health))
        watching.cancel()
        await asyncio.wait({watching})
    assert states == [
        (PartState.CONNECTING, "no bot yet: run jinkies-bot"),
        (PartState.OK, "connected"),
        (PartState.FAILED, housekeeping.BOT_SILENT),
    ]


async def test_a_part_is_down_since_it_went_down_whatever_it_says_meanwhile(config: Config) -> None:
    async with scene(config) as desk:
        core, since = desk.core, []
        for state, detail in (
            (PartState.OK, "connected"),
            (PartState.FAILED, "the connection ended"),
            (PartState.FAILED, "can't be reached"),
            (PartState.CONNECTING, "connecting"),
            (PartState.FAILED, "can't be reached"),
            (PartState.OK, "connected"),
        ):
            core.report_health(PartHealth(part="discord", state=state, detail=detail))
            since.append(core.health["discord"].at_ms - desk.moment.at_ms)
            assert core.health["discord"].detail == detail
            desk.moment.at_ms += 1_000
    assert since == [0, 0, -1_000, -2_000, -3_000, 0]
