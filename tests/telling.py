"""A core with routes that call people, at a time that stands still until it is moved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from jinkies.app import host
from jinkies.commands import RecordDelivery, ReportOccurrence, TakeLease, Tick
from jinkies.config import Config, DiscordConfig, RouteConfig, Secret
from jinkies.core import Core
from jinkies.matching import parse_matchers
from jinkies.model import SYSTEM, Delivery, DeliveryState, Severity, What
from jinkies.operator import Operator
from jinkies.wire.peer import local_actor

CHANNEL_ID = "1300000000000000001"
ROLE, BOSS = "role:1500000000000000001", "user:1400000000000000001"
MINUTE_MS = 60_000


class Moment:
    """A clock that stands where it is put."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic_s(self) -> float:
        return self.at_ms / 1000

    async def sleep(self, delay_s: float) -> None:
        raise NotImplementedError


def with_routes(config: Config, *routes: RouteConfig, new_cards: int = 30) -> Config:
    discord = DiscordConfig(
        token=Secret("x"), guild_id="1", alert_channel_id=CHANNEL_ID, max_new_cards_per_minute=new_cards
    )
    return msgspec.structs.replace(config, discord=discord, routes=routes)


def route(match: str = "service=api", /, **more: object) -> RouteConfig:
    made = RouteConfig(match=parse_matchers(match), channels=(CHANNEL_ID,))
    return msgspec.structs.replace(made, **more)


@dataclass
class Scene:
    """A core and its clock."""

    core: Core
    moment: Moment

    @property
    def operator(self) -> Operator:
        return self.core.operator(local_actor())

    async def report(self, name: str, service: str = "api", severity: Severity = Severity.ERROR) -> int:
        command = ReportOccurrence(service=service, message=name, fingerprint=name, severity=severity)
        return (await self.operator.execute(command)).alert_id or 0

    async def tick(self, after_ms: int = 0) -> bool:
        self.moment.at_ms += after_ms
        return (await self.core.execute(Tick(), SYSTEM)).changed

    async def deliveries(self, what: What, alert_id: int | None = None) -> list[Delivery]:
        """Of the alert, or those of the snapshot."""
        if alert_id is not None:
            found = (await self.operator.alert(alert_id)).deliveries
        else:
            found = (await self.operator.snapshot()).deliveries
        return sorted((one for one in found if one.what is what), key=lambda one: (one.alert_id, one.kind))

    async def posted(self) -> None:
        """As if the bot had posted all that waits."""
        await self.operator.execute(TakeLease(name="board", holder="test", ttl_s=300))
        for one in (await self.operator.snapshot()).deliveries:
            if not one.in_step:
                await self.operator.execute(
                    RecordDelivery(
                        alert_id=one.alert_id,
                        channel_id=one.channel_id,
                        kind=one.kind,
                        holder="test",
                        state=DeliveryState.POSTED,
                        message_id="1",
                        shown_revision=one.wanted_revision,
                    )
                )


@asynccontextmanager
async def scene(config: Config, at_ms: int = 1_767_225_600_000) -> AsyncIterator[Scene]:
    moment = Moment(at_ms)
    async with host(config, ingest=False, background=False, socket=False, clock=moment) as core:
        yield Scene(core, moment)
