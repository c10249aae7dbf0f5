"""All that the bot asks of Discord, held against Discord's own description of its API."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from jinkies.config import Config
from jinkies.core import Core
from jinkies.operator import Operator
from jinkies.simulators.cloudwatch import SimulatedCloudWatch, World
from jinkies.simulators.discord import Fault, FaultKind, SimulatedDiscord
from jinkies.wire.peer import local_actor
from tests.bot.conftest import CHANNEL, button, report, running_bot, until_in_step
from tests.bot.logs import GROUP, desk_with_logs, put
from tests.bot.test_telling import all_in_step, calling, come_back, desk_of, flood
from tests.telling import BOSS, ROLE

pytestmark = pytest.mark.contract


@pytest.fixture
def spec() -> Path:
    path = os.environ.get("JINKIES_DISCORD_SPEC")
    if not path:
        pytest.skip("run this with: make contract SPEC=path/to/discord-openapi.json")
    return Path(path)


async def whole_desk(discord: SimulatedDiscord, desk: Core, operator: Operator) -> None:
    """Every kind of request that the bot makes, but those for calls and digests."""
    await report(operator)
    async with running_bot(desk) as session:
        await until_in_step(session, 1)
        [card] = discord.messages(CHANNEL)
        await discord.press(card["id"], button(card, "ack"))
        await until_in_step(session, 1, 2)
        await discord.press(card["id"], button(card, "resolve"), "daphne")
        asked = await discord.press(card["id"], button(card, "pr"))
        assert asked.modal is not None
        await discord.modal(asked.modal["custom_id"], {"notes": "look at the cart"})
        await until_in_step(session, 1, 3)
        await discord.slash("alerts", {"state": "all", "query": "order"})
        await discord.slash("alert", {"id": "1"})
        await discord.slash("ack", {"id": "1"})
        await discord.people.autocomplete("alert", "id", "1", "velma", CHANNEL)
        discord.fault(Fault(method="POST", path="/messages$", kind=FaultKind.DROP_AFTER_EFFECT))
        await report(operator, "OSError: disk full on " + "x" * 9_000)
        await until_in_step(session, 2)


async def test_the_bot_satisfies_discords_description(
    discord: SimulatedDiscord, desk: Core, operator: Operator, spec: Path
) -> None:
    from tests.contract_discord.check import violations

    await whole_desk(discord, desk, operator)
    used = {(call.method, call.template) for call in discord.calls}
    assert {
        ("POST", "/channels/{channel_id}/messages"),
        ("GET", "/channels/{channel_id}/messages"),
        ("PATCH", "/channels/{channel_id}/messages/{message_id}"),
        ("POST", "/interactions/{interaction_id}/{interaction_token}/callback"),
        ("PUT", "/applications/{application_id}/guilds/{guild_id}/commands"),
    } <= used
    assert violations(spec, discord.calls) == []


async def test_calls_and_digests_satisfy_discords_description(
    discord: SimulatedDiscord, desk_config: Config, spec: Path
) -> None:
    from tests.contract_discord.check import violations

    config = calling(desk_config, ROLE, BOSS, "here", new_cards=2)
    async with desk_of(config) as (desk, operator), running_bot(desk) as session:
        await all_in_step(session, (await report(operator)).seq)
        await all_in_step(session, await come_back(operator, 1))
        await all_in_step(session, await flood(operator, 10))
        await all_in_step(session, await flood(operator, 10, "more"))
    used = {(call.method, call.template) for call in discord.calls}
    assert ("PATCH", "/channels/{channel_id}/messages/{message_id}") in used
    assert any("more alerts" in str(message["embeds"]) for message in discord.messages(CHANNEL))
    assert violations(spec, discord.calls) == []


async def test_logs_and_tails_satisfy_discords_description(
    discord: SimulatedDiscord, desk_config: Config, spec: Path
) -> None:
    from tests.contract_discord.check import violations

    async with SimulatedCloudWatch(World(GROUP)) as cloudwatch, desk_with_logs(desk_config, cloudwatch) as desk:
        put(cloudwatch, *(f"ERROR {number} " + "x" * 300 for number in range(60)))
        await report(desk.operator(local_actor()))
        async with running_bot(desk) as session:
            await until_in_step(session, 1)
            [card] = discord.messages(CHANNEL)
            await discord.slash("logs", {"service": "api", "limit": 5})
            await discord.slash("logs", {"service": "api", "limit": 60})
            await discord.press(card["id"], button(card, "logs"))
            await discord.slash("logs-tail", {"service": "api"}, channel="ops", wait_s=12)
            [tail] = discord.messages("ops")
            for action in ("pause", "resume"):
                shown = discord.messages("ops")[0]
                await discord.press(tail["id"], button(shown, action))
                await discord.wait_for(partial(lambda before: discord.messages("ops")[0] != before, shown))
            await discord.people.autocomplete("logs-stop", "tail", "", "velma", CHANNEL)
            await discord.slash("logs-stop", {})
            await discord.wait_for(lambda: not discord.messages("ops")[0]["components"])
    files = [call for call in discord.calls if call.files]
    assert {call.method for call in files} == {"PATCH", "POST"}
    assert violations(spec, discord.calls) == []
