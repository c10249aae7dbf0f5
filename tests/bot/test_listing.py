"""``/alerts`` and its pages, through the real client; one bot for all tests."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bot.pages import PAGE_ROWS
from jinkies.commands import Resolve
from tests.bot.office import Office, changed, components, embed, open_office, shown, with_label

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEWER, OLDER = "Newer", "Older"
MANY = 40  # alerts of the service that is paged through


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office() -> AsyncIterator[Office]:
    async with open_office() as opened:
        for number in range(MANY):
            await opened.alert(f"page {number}", service="paged")
        yield opened


def ids(message: dict[str, Any]) -> list[int]:
    [found] = message["embeds"]
    return [int(number) for number in re.findall(r"\*\*#(\d+)\*\*", found.get("description", ""))]


async def turn(office: Office, message: dict[str, Any], label: str) -> dict[str, Any]:
    return changed(await office.discord.press(message["id"], with_label(message, label)))


def disabled(message: dict[str, Any]) -> list[bool]:
    return [each["disabled"] for each in components(message)]


@pytest.mark.parametrize("restarted", [False, True])
async def test_pages_lead_there_and_back(office: Office, restarted: bool) -> None:
    first = shown(await office.discord.slash("alerts", {"service": "paged", "query": "since:2h"}))
    assert disabled(first) == [True, False]
    if restarted:
        await office.restart()
    second = await turn(office, first, OLDER)
    third = await turn(office, second, OLDER)
    assert disabled(second) == [False, False]
    assert disabled(third) == [False, True]
    everything = ids(first) + ids(second) + ids(third)
    assert len(everything) == len(set(everything)) == MANY
    back = await turn(office, third, NEWER)
    assert ids(back) == ids(second)
    assert ids(await turn(office, back, NEWER)) == ids(first)


async def test_pages_are_stable_while_alerts_come_and_go(office: Office) -> None:
    first = shown(await office.discord.slash("alerts", {"service": "paged"}))
    fresh = await office.alert("page new", service="paged")
    shown_first = ids(first)
    await office.operator.execute(Resolve(alert_id=shown_first[3]))
    second = await turn(office, first, OLDER)
    assert not set(ids(second)) & {*shown_first, fresh}
    again = await turn(office, second, NEWER)
    assert fresh in ids(again)
    assert shown_first[3] not in ids(again)
    assert len(ids(again)) == PAGE_ROWS


async def test_a_page_that_emptied_gives_the_first_one(office: Office) -> None:
    made = [await office.alert(f"emptied {number}", service="emptied") for number in range(PAGE_ROWS + 1)]
    first = shown(await office.discord.slash("alerts", {"service": "emptied"}))
    await office.operator.execute(Resolve(alert_id=made[0]))
    whole = await turn(office, first, OLDER)
    assert ids(whole) == made[:0:-1]
    assert whole["components"] == []


async def test_options_win_over_the_query(office: Office) -> None:
    listed = embed(await office.discord.slash("alerts", {"query": "state:resolved service:api", "state": "open"}))
    assert listed["title"] == "Alerts · state:open service:api"
    assert listed["description"] == "None."
    assert "footer" not in listed


async def test_queries_complete(office: Office) -> None:
    found = await office.discord.people.autocomplete("alerts", "query", "service:pa", "velma", "alerts")
    assert [choice["value"] for choice in found.choices] == ["service:pa", "service:paged"]


async def test_a_page_of_another_message_is_nothing_that_it_knows(office: Office) -> None:
    message = shown(await office.discord.slash("alerts", {"service": "paged"}))
    office.discord.state.messages[message["id"]]["embeds"][0].pop("footer")
    answer = await office.discord.press(message["id"], with_label(message, OLDER))
    assert "nothing that the bot knows" in answer.text
