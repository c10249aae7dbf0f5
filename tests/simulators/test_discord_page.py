"""The page: what each person sees, escaped, and how it hears of changes."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import interactions as ipy
import pytest

from jinkies.simulators.discord import RateLimits, SimulatedDiscord
from tests.simulators.client import buttons, card, connected, snoozing, text_channel
from tests.simulators.rest import ask, authorized

ATTACK = '<img src=x onerror="alert(1)">'
ESCAPED = "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;"


@pytest.fixture
async def sim() -> AsyncIterator[SimulatedDiscord]:
    async with SimulatedDiscord(limits=RateLimits(enabled=False)) as running:
        yield running


async def parts(sim: SimulatedDiscord, **query: str) -> dict[str, str]:
    async with aiohttp.ClientSession(sim.address) as http, http.get("/_sim/page", params=query) as response:
        assert response.status == 200
        found: dict[str, str] = (await response.json())["parts"]
        return found


async def test_cards_selects_files_and_threads_are_shown_as_text(sim: SimulatedDiscord) -> None:
    async with connected(sim) as bot:
        log = ipy.File(io.BytesIO(f"{ATTACK}\n".encode() * 20), file_name="lines.log")
        channel = text_channel(bot, sim)
        message = await channel.send("new", embeds=card(ATTACK), components=buttons() + snoozing(), files=log)
        thread = await message.create_thread(ATTACK)
        await sim.say(f"{ATTACK} <@{sim.world.users[0].id}>", "fred", str(thread.id))
        shown = await parts(sim, thread=str(thread.id))

    html = "".join(shown.values())
    assert "<img" not in html
    assert "<script" not in html
    assert 'fill="#da373c"' in shown["messages"]
    assert '<select class="menu"' in shown["messages"]
    assert '<option value="4h">4 h</option>' in shown["messages"]
    assert f"<pre>{ESCAPED}" in shown["messages"]
    assert "lines.log</a>" in shown["messages"]
    assert f'data-thread="{thread.id}"><b>{ESCAPED}</b> <span class="count">1 message ›</span>' in shown["messages"]
    assert f"<i>›</i> {ESCAPED}" in shown["thread-title"]
    assert '<span class="mention">@velma</span>' in shown["thread"]
    assert ESCAPED in shown["channels"]


async def test_only_its_user_is_shown_an_ephemeral_answer_and_a_form(sim: SimulatedDiscord) -> None:
    async with connected(sim) as bot:
        message = await text_channel(bot, sim).send("an alert", components=buttons())
        await sim.press(str(message.id), "jk:deny:42", "fred")
        await sim.press(str(message.id), "jk:why:42", "fred")
        fred, velma = [await parts(sim, user=user) for user in ("fred", "velma")]
        async with aiohttp.ClientSession(sim.address) as http:
            await http.post("/_sim/dismiss", json={"custom_id": "jk:f:7", "user": "fred"})
        dismissed = await parts(sim, user="fred")

    assert "not for you" in fred["messages"]
    assert "Only you can see this" in fred["messages"]
    assert "not for you" not in velma["messages"]
    assert '<form data-custom-id="jk:f:7"><h3>Why?</h3>' in fred["form"]
    assert 'name="reason" required' in fred["form"]
    assert velma["form"] == dismissed["form"] == ""


async def test_a_page_hears_of_a_change_as_soon_as_it_is_there(sim: SimulatedDiscord) -> None:
    async with aiohttp.ClientSession(sim.address) as http:
        async with http.get("/_sim/page") as response:
            seen = (await response.json())["version"]
        waiting = asyncio.create_task(asked(http, seen))
        await sim.say("hello", "fred")
        answer = await asyncio.wait_for(waiting, 30)

    assert "hello" in answer["parts"]["messages"]
    assert answer["version"] != seen


async def asked(http: aiohttp.ClientSession, seen: str) -> Any:
    async with http.get("/_sim/page", params={"seen": seen}) as response:
        return await response.json()


async def test_who_is_there_and_what_can_be_typed(sim: SimulatedDiscord) -> None:
    async with connected(sim) as bot:
        await bot.change_presence(ipy.Status.DND, ipy.Activity.create("3 open alerts", ipy.ActivityType.WATCHING))
        await sim.wait_for(lambda: sim.gateway.presence and sim.gateway.presence["status"] == "dnd")
        shown = await parts(sim)
    await sim.wait_for(lambda: not sim.gateway.live)
    gone = await parts(sim)

    assert "Watching 3 open alerts" in shown["members"]
    assert 'class="member dnd"' in shown["members"]
    assert 'class="member offline"' in gone["members"]
    assert "Shaggy (support)" in shown["members"]
    assert (
        'data-command="logs tail"><b>/logs tail</b> <code>service:text [whose:user] [limit:number]</code>'
        in (shown["commands"])
    )


async def test_people_act_over_http(sim: SimulatedDiscord) -> None:
    async with connected(sim), aiohttp.ClientSession(sim.address) as http:

        async def told(action: str, **body: Any) -> Any:
            async with http.post(f"/_sim/{action}", json=body) as response:
                return response.status, await response.json()

        _, said = await told("say", content="look at this", user="fred")
        _, form = await told("menu", name="Make this an alert", target=said["id"], user="fred")
        _, offered = await told("autocomplete", name="logs tail", option="service", typed="a", others={"limit": 2})
        _, thread = await told("thread", name="talk", message_id=said["id"])
        await told("archive", thread="talk")
        _, now = await told("forward", seconds=3_600)
        await told("outage", down=True, status=503)
        async with authorized(sim) as bot:
            down = (await ask(bot, "GET", "users/@me"))[0]
            await told("outage", down=False)
            back = (await ask(bot, "GET", "users/@me"))[0]
        unknown = await told("menu", name="Burn it", target=said["id"])

    assert (form["kind"], form["modal"]["title"]) == ("modal", "An alert")
    assert offered["choices"][0]["value"] == "a limit=2"
    assert (thread["id"], sim.threads("alerts")[0]["thread_metadata"]["archived"]) == (said["id"], True)
    assert now["now_ms"] > (int(said["id"]) >> 22) + 1_420_070_400_000 + 3_600_000 - 1
    assert (down, back) == (503, 200)
    assert unknown == (409, {"error": "no context menu 'Burn it'"})


async def test_an_open_page_does_not_hold_up_the_end() -> None:
    async with aiohttp.ClientSession() as http:
        async with SimulatedDiscord() as sim:
            async with http.get(sim.address + "/_sim/page") as response:
                seen = (await response.json())["version"]
            waiting = asyncio.create_task(status_of(http, f"{sim.address}/_sim/page?seen={seen}"))
            while not sim.state.changed._waiters:  # noqa: ASYNC110 - nothing tells that a request has begun to wait
                await asyncio.sleep(0)
        assert await asyncio.wait_for(waiting, 30) == 503


async def status_of(http: aiohttp.ClientSession, url: str) -> int:
    async with http.get(url) as response:
        return response.status
