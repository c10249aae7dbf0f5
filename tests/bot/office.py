"""A desk, a simulated Discord and a bot that the tests of a module share; the bot can be restarted."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from bot.session import Session
from jinkies.app import host
from jinkies.config import Config, DiscordConfig, GitHubConfig, HttpConfig, Secret, ServiceConfig
from jinkies.core import Core
from jinkies.events import JournalEntry
from jinkies.model import AlertDetail, AlertRow, EntryKind
from jinkies.operator import Operator
from jinkies.permissions import PermissionRule
from jinkies.simulators.discord import DEFAULT_TOKEN, Answer, AnswerKind, RateLimits, SimulatedDiscord
from jinkies.simulators.discord.world import ON_CALL, World
from jinkies.wire.peer import local_actor
from tests.bot.conftest import held_to_description, report, running_bot

ALERTS_CHANNEL = "1300000000000000001"


class Office:
    """What is running."""

    def __init__(self, discord: SimulatedDiscord, desk: Core) -> None:
        self.discord = discord
        self.desk = desk
        self.operator: Operator = desk.operator(local_actor())
        self.session: Session
        self._bot = AsyncExitStack()

    async def restart(self, config: Config | None = None) -> None:
        """End the bot, if one runs, and start another."""
        await self._bot.aclose()
        self.session = await self._bot.enter_async_context(running_bot(self.desk, config=config))

    async def close(self) -> None:
        await self._bot.aclose()

    async def alert(self, message: str, **more: object) -> int:
        """A new alert, which the bot has heard of."""
        outcome = await report(self.operator, message, **more)
        assert outcome.alert_id is not None
        await self.heard(outcome.seq)
        return outcome.alert_id

    async def heard(self, seq: int | None) -> None:
        """Until the bot has folded the journal up to a position; None is no wait."""
        replica = self.session.replica
        while seq is not None and (replica.position is None or replica.position.seq < seq):
            await replica.changed(replica.version)

    async def detail(self, alert_id: int) -> AlertDetail:
        return await self.operator.alert(alert_id)

    async def row(self, alert_id: int) -> AlertRow:
        return (await self.detail(alert_id)).row

    async def refusals(self) -> list[JournalEntry]:
        """All that was refused, oldest first."""
        found: list[JournalEntry] = []
        after = 0
        while page := await self.desk.reader.journal_after(after):
            found += [entry for entry, _ in page if entry.kind is EntryKind.COMMAND_REFUSED]
            after = page[-1][0].seq
        return found


@asynccontextmanager
async def open_office(
    *,
    rules: tuple[PermissionRule, ...] = (),
    world: World | None = None,
    per_minute: int = 0,
    change: Callable[[Config], Config] = lambda config: config,
) -> AsyncIterator[Office]:
    """Everything started; without rules the on-call people may do everything, and slow mode is off."""
    home = Path(tempfile.mkdtemp(prefix="jk", dir="/tmp"))
    try:
        async with SimulatedDiscord(world, limits=RateLimits(enabled=False)) as discord:
            config = change(_config(home, discord.api_url, rules, per_minute))
            async with host(config, ingest=False, background=False) as desk:
                office = Office(discord, desk)
                await office.restart()
                try:
                    yield office
                finally:
                    await office.close()
            held_to_description(discord)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _config(home: Path, api_url: str, rules: tuple[PermissionRule, ...], per_minute: int) -> Config:
    discord = DiscordConfig(
        token=Secret(DEFAULT_TOKEN),
        guild_id="1200000000000000001",
        alert_channel_id=ALERTS_CHANNEL,
        api_url=api_url,
        permissions=rules,
        allowed_roles=(ON_CALL.id,),
        max_actions_per_minute=per_minute,
        max_new_cards_per_minute=0,
    )
    return Config(
        home=home,
        environment="test",
        services={"api": ServiceConfig(name="api"), "web": ServiceConfig(name="web")},
        discord=discord,
        github=GitHubConfig(token=Secret("a-github-token"), owner="o", repository="r", base_branch="develop"),
        http=HttpConfig(listen="127.0.0.1:0"),
    )


def shown(answer: Answer) -> dict[str, Any]:
    """The private message that answers: the answer itself, or what came after it."""
    message = answer.followups[0] if answer.followups else answer.message
    assert message is not None, answer
    return message


def private(answer: Answer) -> str:
    """The words of a private answer."""
    assert answer.ephemeral, answer
    return str(shown(answer)["content"])


def embed(answer: Answer) -> dict[str, Any]:
    """The embed of a private answer."""
    assert answer.ephemeral, answer
    [found] = shown(answer)["embeds"]
    return dict(found)


def components(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Buttons and selects, in order."""
    return [each for row in message["components"] for each in row["components"]]


def with_label(message: dict[str, Any], label: str) -> str:
    """The custom_id of the button that says so."""
    [found] = [each for each in components(message) if label in str(each.get("label", ""))]
    return str(found["custom_id"])


def changed(answer: Answer) -> dict[str, Any]:
    """The message that a press changed."""
    assert answer.kind is AnswerKind.UPDATE, answer
    assert answer.message is not None
    return answer.message


def with_discord(config: Config, **changes: object) -> Config:
    """A configuration with some of Discord's part replaced."""
    return msgspec.structs.replace(config, discord=msgspec.structs.replace(config.discord, **changes))
