"""``/silence`` and ``/silences``, through the real client; one bot for all tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from jinkies.matching import Silence
from jinkies.simulators.discord import Answer, AnswerKind
from tests.bot.office import Office, changed, components, embed, open_office, private, shown, with_label

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office() -> AsyncIterator[Office]:
    async with open_office() as opened:
        yield opened


async def preview(office: Office, user: str = "velma", **given: str) -> Answer:
    return await office.discord.slash("silence", {"for": "2h", "reason": "a *drill*", **given}, user)


async def press(office: Office, message: dict[str, Any], label: str) -> Answer:
    return await office.discord.press(message["id"], with_label(message, label))


async def running(office: Office) -> list[Silence]:
    now_ms = office.desk.clock.now_ms()
    return [one for one in (await office.operator.snapshot()).silences if one.ends_at_ms > now_ms]


@pytest.mark.parametrize("restarted", [False, True])
async def test_what_would_be_caught_is_shown_then_it_is_silenced_then_ended(office: Office, restarted: bool) -> None:
    service = f"shop-{restarted}"
    caught = await office.alert("a (dead)lock 50%", service=service)
    await office.alert("something else", service=service)
    before = await running(office)
    answer = await preview(office, service=service, title="(DEAD)lock 50%", severity="warning")
    said = embed(answer)
    assert "**1** of the newest" in said["description"]
    assert f"**#{caught}**" in said["description"]
    assert "a \\*drill\\*" in said["description"]
    assert await running(office) == before, "nothing is silenced yet"
    if restarted:
        await office.restart()
    message = shown(answer)
    started = changed(await press(office, message, "Silence"))
    [silence] = [one for one in await running(office) if one not in before]
    assert silence.text == f'service={service} severity>=warning title=~"\\\\(DEAD\\\\)lock\\\\ 50%"'
    assert (silence.reason, silence.started_by.name) == ("a *drill*", "velma")
    assert 2 * 3_600_000 - 60_000 < silence.ends_at_ms - office.desk.clock.now_ms() <= 2 * 3_600_000
    assert started["content"].startswith(f"Silence {silence.silence_id} runs: ")
    assert started["embeds"] == []
    again = await office.alert("a (dead)lock 50%", service=service)
    assert (await office.row(again)).silenced_by == silence.silence_id
    if restarted:
        await office.restart()
    ended = changed(await press(office, started, "End it"))
    assert ended["content"].startswith(f"Silence {silence.silence_id}: silence ended")
    assert await running(office) == before


async def test_a_silence_that_is_confirmed_twice_is_one(office: Office) -> None:
    message = shown(await preview(office, service="twice"))
    before = len(await running(office))
    custom_id = with_label(message, "Silence")
    first = await office.discord.press(message["id"], custom_id)
    office.discord.state.messages[message["id"]]["components"] = message[
        "components"
    ]  # as a slow client still shows it
    office.discord.state.messages[message["id"]]["embeds"] = message["embeds"]
    second = await office.discord.press(message["id"], custom_id)
    assert changed(first)["content"] == changed(second)["content"]
    assert len(await running(office)) == before + 1


async def test_a_preview_can_be_cancelled(office: Office) -> None:
    before = await running(office)
    gone = changed(await press(office, shown(await preview(office, environment="test")), "Cancel"))
    assert (gone["content"], gone["components"], gone["embeds"]) == ("Nothing was silenced.", [], [])
    assert await running(office) == before


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "Say what to silence: service, environment, severity or title."),
        ({"service": "api", "for": "ever"}, "For: 'ever' is no duration"),
        ({"service": "api", "reason": "  "}, "Reason: say why"),
    ],
)
async def test_what_is_missing_is_said(office: Office, given: dict[str, str], told: str) -> None:
    assert private(await preview(office, **given)).startswith(told)


async def test_one_of_the_list_is_ended(office: Office) -> None:
    await press(office, shown(await preview(office, service="listed")), "Silence")
    [silence] = [one for one in await running(office) if "listed" in one.text]
    await office.heard((await office.operator.snapshot()).position.seq)
    listed = await office.discord.slash("silences")
    assert f"**{silence.silence_id}** service=listed" in embed(listed)["description"]
    [select] = components(shown(listed))
    await office.restart()
    ended = await office.discord.press(shown(listed)["id"], select["custom_id"], values=(str(silence.silence_id),))
    assert f"Silence {silence.silence_id}: silence ended" in changed(ended)["content"]
    assert silence.silence_id not in [one.silence_id for one in await running(office)]


async def test_without_the_role_nothing_is_even_shown(office: Office) -> None:
    answer = await preview(office, "daphne", service="api")
    assert private(answer) == "Daphne has none of the roles that may do this."
    assert answer.kind is AnswerKind.MESSAGE
    assert (await office.refusals())[-1].text == "refused: /silence: daphne has none of the roles that may do this"


@pytest.mark.parametrize(("option", "typed", "found"), [("service", "ap", "api"), ("environment", "te", "test")])
async def test_options_complete(office: Office, option: str, typed: str, found: str) -> None:
    await office.alert("there is one")
    answer = await office.discord.people.autocomplete("silence", option, typed, "velma", "alerts")
    assert [choice["value"] for choice in answer.choices] == [found]
