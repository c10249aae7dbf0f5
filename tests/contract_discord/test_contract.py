"""A real client's traffic, and the simulator's answers, against Discord's own description of its API."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import interactions as ipy
import msgspec
import pytest

from jinkies.simulators.discord import Call, RateLimit, RateLimits, SimulatedDiscord, faults
from tests.contract_discord.check import violations
from tests.simulators.client import buttons, card, connected, snoozing, text_channel

pytestmark = pytest.mark.contract


@pytest.fixture
def spec() -> Path:
    path = os.environ.get("JINKIES_DISCORD_SPEC")
    if path is None:
        pytest.skip("needs Discord's API description: make contract SPEC=path/to/discord-openapi.json")
    if not Path(path).is_file():
        pytest.fail(f"no API description at {path!r}: make contract SPEC=path/to/discord-openapi.json")
    return Path(path)


@pytest.fixture
async def sim() -> AsyncIterator[SimulatedDiscord]:
    async with SimulatedDiscord(limits=RateLimits(messages=RateLimit(50, 1.0))) as running:
        yield running


async def whole_conversation(sim: SimulatedDiscord) -> None:
    """Every kind of request that the bot makes."""
    async with connected(sim) as bot:
        channel = text_channel(bot, sim)
        posted = await channel.send(
            "<@&1500000000000000001> an alert",
            embeds=card(),
            components=buttons(),
            allowed_mentions={"parse": [], "roles": ["1500000000000000001"]},
            nonce="jk42-0a1b2c3d",
            enforce_nonce=True,
        )
        await posted.edit(content="an alert, twice", embeds=card("twice"))
        await channel.send("with a file", files=ipy.File(file=io.BytesIO(b"a line"), file_name="excerpt.log"))
        another = await channel.send("another", components=buttons())
        await people_act(sim, str(posted.id), str(another.id))
        await channel.fetch_messages(limit=10, before=int(another.id))
        await bot.http.get_message(channel.id, another.id)
        await bot.http.get_channel(channel.id)
        await bot.http.get_guild(int(sim.world.guild_id))
        await bot.http.get_guild_channels(int(sim.world.guild_id))
        await another.delete()
        await answer_in_full(sim)


async def threads_and_files(sim: SimulatedDiscord) -> None:
    """A thread's whole life, files that come and go, context menus, selects, typing."""
    async with connected(sim, ipy.Intents.GUILDS | ipy.Intents.GUILD_MESSAGES) as bot:
        channel = text_channel(bot, sim)
        card_ = await channel.send("an alert", components=snoozing())
        thread = await card_.create_thread("#42 KeyError", auto_archive_duration=1440)
        inside = await thread.send("a line", files=ipy.File(file=io.BytesIO(b"a line"), file_name="more lines.log"))
        await sim.say("it is the tax table", "fred", str(thread.id), files=[("screen.png", b"png")])
        await thread.fetch_messages(limit=5)
        await bot.http.get_channel_messages(thread.id, 100, after=inside.id)
        await inside.edit(content="two", attachments=[], files=ipy.File(io.BytesIO(b"b"), file_name="b.log"))
        await inside.edit(content="none", attachments=[])
        await sim.press(str(card_.id), "jk:snooze:42", values=("4h",))
        shown = await sim.menu("Make this an alert", str(inside.id), "fred")
        assert shown.modal is not None
        await sim.modal("jk:make:7", {"note": "since noon"}, "fred")
        await sim.slash("logs tail", {"service": "api", "whose": "fred"}, channel=str(thread.id))
        await sim.autocomplete("logs tail", "service", "a", others={"limit": 3})
        await bot.http.trigger_typing_indicator(channel.id)
        await bot.http.get_channel(thread.id)
        await bot.http.get_member(int(sim.world.guild_id), int(sim.world.users[1].id))
        await bot.http.get_user(int(sim.world.users[1].id))
        await bot.http.get_roles(int(sim.world.guild_id))
        await bot.http.list_active_threads(int(sim.world.guild_id))
        await thread.edit(name="#42 KeyError, again", auto_archive_duration=ipy.AutoArchiveDuration.ONE_HOUR)
        await thread.archive()
        await bot.http.list_public_archived_threads(channel.id, limit=5)
        await thread.edit(archived=False)
        await bot.http.join_thread(thread.id)
        await bot.http.leave_thread(thread.id)
        await bot.http.create_thread(channel.id, "talk", 60, thread_type=ipy.ChannelType.GUILD_PUBLIC_THREAD)
        await bot.http.get_message(channel.id, card_.id)


async def people_act(sim: SimulatedDiscord, message_id: str, another_id: str) -> None:
    """Every kind of interaction, and every kind of answer."""
    await sim.slash("ping")
    await sim.slash("diagnose", {"service": "billing"})
    await sim.people.autocomplete("diagnose", "service", "che", "velma", "alerts")
    whisper = await sim.slash("whisper")
    await sim.wait_for(lambda: len([c for c in sim.calls if c.method == "POST" and "/webhooks" in c.path]) == 1)
    assert whisper.ephemeral
    await sim.press(message_id, "jk:deny:42")
    await sim.press(message_id, "jk:why:42")
    await sim.modal("jk:f:7", {"reason": "flaky"})
    await sim.press(message_id, "jk:ack:42:0a1b2c3d")
    await sim.press(another_id, "jk:slow:42")


async def answer_in_full(sim: SimulatedDiscord) -> None:
    """An answer that asks for the message it made, which the client never does."""
    interaction = sim.state.begin(2, sim.world.users[0], sim.world.channels[0].id, "ping")
    url = f"{sim.api_url}/interactions/{interaction.id}/{interaction.token}/callback?with_response=true"
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, json={"type": 4, "data": {"content": "here"}}) as response,
    ):
        assert (await response.json())["resource"]["message"]["content"] == "here"


async def test_a_real_client_and_the_simulator_satisfy_the_description(sim: SimulatedDiscord, spec: Path) -> None:
    await whole_conversation(sim)

    assert violations(spec, sim.calls) == []

    used = {(call.method, call.template.split("/")[1]) for call in sim.calls}
    assert {("POST", "channels"), ("PATCH", "channels"), ("DELETE", "channels")} <= used
    assert {("POST", "interactions"), ("PATCH", "webhooks"), ("POST", "webhooks"), ("PUT", "applications")} <= used


async def test_threads_files_menus_and_selects_satisfy_the_description(sim: SimulatedDiscord, spec: Path) -> None:
    await threads_and_files(sim)

    assert violations(spec, sim.calls) == []
    used = {(call.method, call.template.removeprefix("/channels/{channel_id}")) for call in sim.calls}
    assert {
        ("POST", "/messages/{message_id}/threads"),
        ("POST", "/threads"),
        ("GET", "/threads/archived/public"),
        ("PATCH", ""),
        ("PUT", "/thread-members/@me"),
        ("DELETE", "/thread-members/@me"),
        ("POST", "/typing"),
    } <= used
    assert {call.files for call in sim.calls} >= {("more lines.log",), ("b.log",)}
    kinds = {call.body["type"] for call in sim.calls if call.template.endswith("/callback")}
    assert kinds == {4, 5, 8, 9}


async def test_the_simulators_refusals_satisfy_the_description(sim: SimulatedDiscord, spec: Path) -> None:
    channel = sim.world.channels[0].id
    async with aiohttp.ClientSession(sim.api_url + "/", headers={"Authorization": f"Bot {sim.token}"}) as http:
        await http.get("channels/1")
        await http.get(f"channels/{channel}/messages/1")
        await http.post(f"channels/{channel}/messages", json={})
        await http.get("users/@me", headers={"Authorization": "Bot wrong"})
        await http.post(f"channels/{channel}/threads", json={"name": ""})
        await http.patch(f"channels/{channel}", json={"name": "x"})
        await http.get(f"channels/{channel}/threads/archived/public?limit=1000")
        await http.put(f"applications/{sim.world.application_id}/commands", json=[{"name": "X", "description": ""}])
        sim.fault(faults.old_message())
        await http.patch(f"channels/{channel}/messages/1", json={"content": "x"})
        for scope in ("user", "global", "shared"):
            sim.fault(faults.rate_limited(scope=scope))
            await http.get("users/@me")
        await http.get(f"guilds/{sim.world.guild_id}/members/1")
        for _ in range(51):
            await http.delete(f"channels/{channel}/messages/1")

    assert [call.status for call in sim.calls][:4] == [404, 404, 400, 401]
    assert [call.status for call in sim.calls][4:12] == [400, 403, 400, 400, 400, 429, 429, 429]
    assert sim.calls[12].response["code"] == 10007
    assert sim.calls[-1].status == 429
    bad = {4, 6, 7}  # requests that are wrong on purpose: the answers alone are held against the description
    assert violations(spec, [call for index, call in enumerate(sim.calls) if index not in bad]) == []
    wrong = [each for each in violations(spec, [sim.calls[index] for index in bad]) if ": answer" in each]
    assert wrong == []


async def good_post(sim: SimulatedDiscord, body: dict[str, Any]) -> Call:
    channel = sim.world.channels[0].id
    headers = {"Authorization": f"Bot {sim.token}"}
    async with aiohttp.ClientSession() as http:
        await http.post(f"{sim.api_url}/channels/{channel}/messages", json=body, headers=headers)
    return sim.calls[-1]


async def test_the_checker_catches_bad_requests(sim: SimulatedDiscord, spec: Path) -> None:
    good = await good_post(sim, {"content": "fine"})
    assert violations(spec, [good]) == []
    bad_bodies: list[tuple[Any, str]] = [
        ({"content": "x", "embeds": [{"title": "x" * 257}]}, "$.embeds[0].title"),
        ({"content": "x", "flags": "many"}, "$.flags"),
        ({"content": "x", "nonce": "n" * 26}, "$.nonce"),
        ({"components": [{"type": 1, "components": [{"type": 2, "style": 1, "custom_id": "c" * 101}]}]}, "too long"),
        (None, "Missing required request body"),
    ]
    for body, complaint in bad_bodies:
        found = violations(spec, [msgspec.structs.replace(good, body=body)])
        assert len(found) == 1, body
        assert complaint in found[0]
    elsewhere = msgspec.structs.replace(good, path="/api/v10/channels/1/telepathy")
    assert "Path not found" in violations(spec, [elsewhere])[0]
    anonymous = msgspec.structs.replace(good, headers={})
    assert "request: " in violations(spec, [anonymous])[0]


async def test_the_checker_catches_what_only_the_simulator_knows(sim: SimulatedDiscord, spec: Path) -> None:
    refused = await good_post(sim, {"content": "x" * 2001})

    assert refused.status == 400
    (found,) = violations(spec, [refused])
    assert found.startswith("POST /channels/{channel_id}/messages: request: refused as an invalid form: ")
    assert "Must be 2000 or fewer in length." in found


async def test_the_checker_catches_bad_answers(sim: SimulatedDiscord, spec: Path) -> None:
    good = await good_post(sim, {"content": "fine", "embeds": [{"title": "t", "color": 1}]})
    without_id = {key: value for key, value in good.response.items() if key != "id"}
    for response, complaint in (
        (without_id, "'id' is a required property"),
        (good.response | {"timestamp": "yesterday"}, "$.timestamp"),
        (good.response | {"author": {}}, "$.author"),
        (good.response | {"embeds": [{"type": "rich", "color": "red"}]}, "$.embeds[0].color"),
    ):
        found = violations(spec, [msgspec.structs.replace(good, response=response)])
        assert len(found) == 1, complaint
        assert complaint in found[0]
        assert "answer 200" in found[0]
