"""Every button, select and form of a card does what it says, to a bot that ran on and to one that was restarted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from jinkies.model import State, WorkState
from jinkies.simulators.discord import Answer
from tests.bot.conftest import button, until_in_step
from tests.bot.office import Office, components, open_office, private

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office() -> AsyncIterator[Office]:
    async with open_office() as opened:
        yield opened


async def card_of(office: Office, alert_id: int) -> dict[str, Any]:
    await until_in_step(office.session, alert_id)
    return next(one for one in office.discord.messages("alerts") if f"#{alert_id} " in str(one["embeds"][0]["title"]))


async def press(office: Office, card: dict[str, Any], action: str, **more: Any) -> Answer:
    return await office.discord.press(card["id"], button(card, action), **more)


async def sent(office: Office, answer: Answer, fields: dict[str, str], *, restarted: bool) -> Answer:
    assert answer.modal is not None
    if restarted:
        await office.restart()
    return await office.discord.modal(answer.modal["custom_id"], fields)


@pytest.mark.parametrize("restarted", [False, True])
async def test_acknowledge_resolve_and_reopen(office: Office, restarted: bool) -> None:
    alert_id = await office.alert(f"decided {restarted}")
    card = await card_of(office, alert_id)
    for action, state in (("ack", State.ACKNOWLEDGED), ("resolve", State.RESOLVED), ("reopen", State.OPEN)):
        if restarted:
            await office.restart()
        await press(office, card, action)
        row = await office.row(alert_id)
        assert row.state is state
        await until_in_step(office.session, alert_id, row.revision)
        card = await card_of(office, alert_id)


@pytest.mark.parametrize("restarted", [False, True])
async def test_snooze(office: Office, restarted: bool) -> None:
    alert_id = await office.alert(f"snoozed {restarted}")
    card = await card_of(office, alert_id)
    [menu] = [one for one in components(card) if one["custom_id"] == button(card, "snooze")]
    if restarted:
        await office.restart()
    await press(office, card, "snooze", values=(menu["options"][0]["value"],))
    assert (await office.row(alert_id)).state is State.SNOOZED


@pytest.mark.parametrize("restarted", [False, True])
async def test_silence(office: Office, restarted: bool) -> None:
    alert_id = await office.alert(f"silenced {restarted}")
    card = await card_of(office, alert_id)
    if restarted:
        await office.restart()
    asked = await press(office, card, "silence")
    answer = await sent(office, asked, {"duration": "2h", "reason": "a drill"}, restarted=restarted)
    assert "is silenced for 2h" in private(answer)
    silence = (await office.operator.snapshot()).silences[-1]
    assert (silence.reason, silence.started_by.name) == ("a drill", "velma")
    assert "service=api" in silence.text


@pytest.mark.parametrize("restarted", [False, True])
async def test_create_pull_request_and_issue(office: Office, restarted: bool) -> None:
    alert_id = await office.alert(f"worked on {restarted}")
    card = await card_of(office, alert_id)
    if restarted:
        await office.restart()
    asked = await press(office, card, "pr")
    await sent(office, asked, {"title": "Mend it", "notes": "see the cart"}, restarted=restarted)
    await press(office, card, "issue")
    row = await office.row(alert_id)
    assert row.pull_request is not None
    assert (row.pull_request.title, row.pull_request.notes) == ("Mend it", "see the cart")
    assert row.issue is not None
    assert row.issue.state is WorkState.REQUESTED


@pytest.mark.parametrize("restarted", [False, True])
async def test_logs_say_what_to_set(office: Office, restarted: bool) -> None:
    card = await card_of(office, await office.alert(f"looked into {restarted}"))
    if restarted:
        await office.restart()
    assert "AWS is not configured" in private(await press(office, card, "logs"))
