"""A card's snooze and silence, on messages that an earlier bot has posted."""

from __future__ import annotations

import pytest

from jinkies.core import Core
from jinkies.model import State
from jinkies.operator import Operator
from jinkies.simulators.discord import AnswerKind, SimulatedDiscord
from tests.bot.conftest import CHANNEL, button, row_of, running_bot, until_in_step
from tests.bot.test_commands import opened_card, private_line


@pytest.mark.parametrize(("value", "count"), [("2h", None), ("x10", 11)])
async def test_the_select_snoozes(
    discord: SimulatedDiscord, desk: Core, operator: Operator, value: str, count: int | None
) -> None:
    alert_id = await opened_card(discord, desk, operator)
    [card] = discord.messages(CHANNEL)
    async with running_bot(desk) as session:
        answer = await discord.press(card["id"], button(card, "snooze"), "velma", values=(value,))
        assert answer.kind in (AnswerKind.ACKNOWLEDGED, AnswerKind.UPDATE)
        await until_in_step(session, alert_id, 2)
    row = await row_of(operator, alert_id)
    assert row.state is State.SNOOZED
    assert row.snoozed_by is not None
    assert row.snoozed_by.name == "velma"
    assert row.snoozed_until_count == count
    assert (row.snoozed_until_ms is None) == (count is not None)
    [card] = discord.messages(CHANNEL)
    assert "snoozed by velma" in card["embeds"][0]["description"]


async def test_the_silence_button_asks_for_how_long_and_why(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    alert_id = await opened_card(discord, desk, operator)
    [card] = discord.messages(CHANNEL)
    async with running_bot(desk):
        asked = await discord.press(card["id"], button(card, "silence"), "velma")
        assert asked.modal is not None
        wrong = await discord.modal(asked.modal["custom_id"], {"duration": "soon", "reason": "noise"}, "velma")
        assert "is no duration" in private_line(wrong)
        asked = await discord.press(card["id"], button(card, "silence"), "velma")
        assert asked.modal is not None
        sent = await discord.modal(asked.modal["custom_id"], {"duration": "3d", "reason": "known noise"}, "velma")
        assert "#1 is silenced for 3d" in private_line(sent)
    [silence] = (await operator.snapshot()).silences
    assert (silence.reason, silence.started_by.name) == ("known noise", "velma")
    fingerprint = (await operator.alert(alert_id)).fingerprint
    assert [str(one) for one in silence.matchers] == ["service=api", f"fingerprint={fingerprint}"]
