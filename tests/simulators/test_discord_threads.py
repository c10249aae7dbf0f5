"""Threads in the simulated Discord, with the real client: made, written in, archived, brought back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import interactions as ipy
import msgspec
import pytest

from jinkies.simulators.discord import Access, RateLimits, Refused, SimulatedDiscord, World
from jinkies.simulators.discord.permissions import CREATE_PUBLIC_THREADS, SEND_MESSAGES_IN_THREADS
from tests.simulators.client import buttons, card, connected, text_channel
from tests.simulators.rest import ask, authorized

INTENTS = ipy.Intents.GUILDS | ipy.Intents.GUILD_MESSAGES
ALERTS = World().channels[0].id


@pytest.fixture
async def sim() -> AsyncIterator[SimulatedDiscord]:
    async with SimulatedDiscord(World(message_content=True), limits=RateLimits(enabled=False)) as running:
        yield running


@pytest.fixture
async def http(sim: SimulatedDiscord) -> AsyncIterator[aiohttp.ClientSession]:
    async with authorized(sim) as session:
        yield session


async def posted(http: aiohttp.ClientSession, where: str = ALERTS, content: str = "an alert") -> str:
    status, message = await ask(http, "POST", f"channels/{where}/messages", {"content": content})
    assert status == 200, message
    return str(message["id"])


async def started(http: aiohttp.ClientSession, message_id: str, **more: object) -> tuple[int, dict[str, object]]:
    path = f"channels/{ALERTS}/messages/{message_id}/threads"
    return await ask(http, "POST", path, {"name": "#42 KeyError", **more})


def heard(bot: ipy.Client, *events: str) -> asyncio.Queue[tuple[str, dict[str, object]]]:
    """What the gateway tells this client, by raw event."""
    queue: asyncio.Queue[tuple[str, dict[str, object]]] = asyncio.Queue()
    for name in events:

        async def keep(event: ipy.events.RawGatewayEvent, name: str = name) -> None:
            queue.put_nowait((name, event.data))

        bot.add_listener(ipy.Listener.create(f"raw_{name}")(keep))
    return queue


async def test_a_thread_of_a_message_is_written_in_and_heard(sim: SimulatedDiscord) -> None:
    async with connected(sim, INTENTS | ipy.Intents.MESSAGE_CONTENT) as bot:
        events = heard(bot, "thread_create", "message_create")
        message = await text_channel(bot, sim).send("an alert", embeds=card(), components=buttons())
        thread = await message.create_thread("#42 ZeroDivisionError", auto_archive_duration=1440)
        await thread.send("acknowledged by velma")
        await sim.say("it is the new tax table", "fred", str(thread.id))
        seen = {}
        while "it is the new tax table" not in seen:
            name, data = await asyncio.wait_for(events.get(), 30)
            seen[str(data.get("content", name))] = data

    assert int(thread.id) == int(message.id)
    comment = seen["it is the new tax table"]
    assert (comment["channel_id"], comment["guild_id"]) == (str(thread.id), sim.world.guild_id)
    assert "joined_at" in str(comment["member"])
    assert seen["thread_create"]["newly_created"] is True
    told = [(each["type"], each["content"]) for each in reversed(sim.messages(str(thread.id)))]
    assert told == [(21, ""), (0, "acknowledged by velma"), (0, "it is the new tax table")]
    (shown,) = sim.threads("alerts")
    assert (shown["message_count"], shown["member_count"], shown["parent_id"]) == (2, 2, ALERTS)
    assert shown["thread_metadata"]["auto_archive_duration"] == 1440
    assert shown["member"]["user_id"] == sim.world.application_id
    assert sim.messages("alerts")[0]["flags"] == 32, "the card has a thread"


async def test_a_command_and_a_button_work_in_a_thread(sim: SimulatedDiscord) -> None:
    async with connected(sim, INTENTS) as bot:
        message = await text_channel(bot, sim).send("an alert")
        thread = await message.create_thread("talk")
        inside = await thread.send("again", components=buttons())
        assert (await sim.slash("ping", channel="talk")).text == "pong"
        assert (await sim.press(str(inside.id), "jk:deny:42", "fred")).ephemeral
        await sim.people.archive("talk")
        with pytest.raises(Refused, match="archived"):
            await sim.slash("ping", user="fred", channel="talk")


async def test_content_is_empty_without_its_intent() -> None:
    async with SimulatedDiscord() as sim, connected(sim, INTENTS) as bot, authorized(sim) as http:
        events = heard(bot, "message_create")
        own = await text_channel(bot, sim).send("mine")
        plain = await sim.say("secret", "fred")
        await sim.say(f"<@{sim.world.application_id}> for you", "fred")
        await sim.say("an answer", "fred", reply_to=str(own.id))
        contents = [(await asyncio.wait_for(events.get(), 30))[1]["content"] for _ in range(4)]
        _, read = await ask(http, "GET", f"channels/{ALERTS}/messages/{plain['id']}")

    assert contents == ["mine", "", f"<@{sim.world.application_id}> for you", "an answer"]
    assert read["content"] == ""


async def test_the_content_intent_is_refused_where_nobody_switched_it_on() -> None:
    async with SimulatedDiscord() as sim:
        with pytest.raises(ipy.errors.LibraryException, match="privileged intents"):
            async with connected(sim, INTENTS | ipy.Intents.MESSAGE_CONTENT):
                pytest.fail("it is connected")


async def test_an_archived_thread_takes_no_edits_and_wakes_on_a_message(
    sim: SimulatedDiscord, http: aiohttp.ClientSession
) -> None:
    thread = await posted(http)
    await started(http, thread)
    inside = await posted(http, thread)
    assert (await ask(http, "PATCH", f"channels/{thread}", {"archived": True}))[0] == 200
    edit = await ask(http, "PATCH", f"channels/{thread}/messages/{inside}", {"content": "x"})
    rename = await ask(http, "PATCH", f"channels/{thread}", {"name": "x"})
    assert (await ask(http, "DELETE", f"channels/{thread}/messages/{inside}"))[0] == 204
    await posted(http, thread)

    for status, body in (edit, rename):
        assert (status, body["code"], body["message"]) == (400, 50083, "Thread is archived")
    (shown,) = sim.threads("alerts")
    assert shown["thread_metadata"]["archived"] is False


async def test_a_locked_thread_stays_shut(sim: SimulatedDiscord, http: aiohttp.ClientSession) -> None:
    thread = await posted(http)
    await started(http, thread)
    await sim.people.archive("#42 KeyError", locked=True)
    status, body = await ask(http, "POST", f"channels/{thread}/messages", {"content": "x"})
    unarchived = await ask(http, "PATCH", f"channels/{thread}", {"archived": False})
    with pytest.raises(Refused, match="archived"):
        await sim.say("x", "fred", thread)

    assert (status, body["code"]) == (400, 160005)
    assert (unarchived[0], unarchived[1]["code"]) == (403, 50013)


async def test_an_idle_thread_archives_itself(sim: SimulatedDiscord, http: aiohttp.ClientSession) -> None:
    thread = await posted(http)
    await started(http, thread, auto_archive_duration=60)
    await sim.forward(3_000)
    await posted(http, thread)
    await sim.forward(3_000)
    assert sim.threads("alerts")[0]["thread_metadata"]["archived"] is False
    await sim.forward(700)

    _, active = await ask(http, "GET", f"guilds/{sim.world.guild_id}/threads/active")
    _, archived = await ask(http, "GET", f"channels/{ALERTS}/threads/archived/public")
    assert active["threads"] == []
    assert [each["id"] for each in archived["threads"]] == [thread]
    assert [each["user_id"] for each in archived["members"]] == [sim.world.application_id]


async def test_what_a_thread_refuses(sim: SimulatedDiscord, http: aiohttp.ClientSession) -> None:
    message = await posted(http)
    assert (await started(http, message))[0] == 201
    assert (await started(http, message))[1]["code"] == 160004
    assert (await started(http, "1"))[1]["code"] == 10008
    assert (await started(http, message, name="x" * 101))[1]["code"] == 50035
    assert (await started(http, message, name=" "))[1]["code"] == 50035
    assert (await started(http, message, auto_archive_duration=90))[1]["code"] == 50035
    inside = await posted(http, message)
    path = f"channels/{message}/messages/{inside}/threads"
    assert (await ask(http, "POST", path, {"name": "deeper"}))[1]["code"] == 50024
    assert (await ask(http, "DELETE", f"channels/{message}"))[1]["code"] == 50013
    assert (await ask(http, "PATCH", f"channels/{ALERTS}", {"name": "x"}))[1]["code"] == 50013
    assert (await ask(http, "GET", f"channels/{message}/thread-members"))[1]["code"] == 50001
    starter = sim.messages(message)[-1]["id"]
    assert (await ask(http, "DELETE", f"channels/{message}/messages/{starter}"))[1]["code"] == 50021


async def test_permissions_are_the_parents(sim: SimulatedDiscord, http: aiohttp.ClientSession) -> None:
    thread = await posted(http)
    await started(http, thread)
    await sim.change_channel("alerts", denied=SEND_MESSAGES_IN_THREADS | CREATE_PUBLIC_THREADS)
    another = await posted(http)
    assert (await ask(http, "POST", f"channels/{thread}/messages", {"content": "x"}))[1]["code"] == 50013
    assert (await started(http, another))[1]["code"] == 50013
    await sim.change_channel("alerts", access=Access.NONE)
    assert (await ask(http, "GET", f"channels/{thread}"))[1]["code"] == 50001
    await sim.remove_channel("alerts")
    assert (await ask(http, "GET", f"channels/{thread}"))[1]["code"] == 10003
    assert sim.state.messages == {}


async def test_a_private_thread_is_its_members(sim: SimulatedDiscord, http: aiohttp.ClientSession) -> None:
    channel = msgspec.structs.replace(sim.world.channels[0], denied=0)
    status, refused = await ask(http, "POST", f"channels/{channel.id}/threads", {"name": "secret"})
    made = await sim.people.start_thread("secret", "fred", private=True)
    with pytest.raises(Refused, match="cannot see"):
        await sim.say("hello", "daphne", "secret")

    assert (status, refused["code"]) == (403, 50013), "the bot may make public ones only"
    assert (await ask(http, "GET", f"channels/{made['id']}"))[1]["code"] == 50001


async def test_a_thread_without_a_message(sim: SimulatedDiscord, http: aiohttp.ClientSession) -> None:
    status, made = await ask(http, "POST", f"channels/{ALERTS}/threads", {"name": "talk", "type": 11})
    assert (await ask(http, "PUT", f"channels/{made['id']}/thread-members/@me"))[0] == 204
    assert (await ask(http, "DELETE", f"channels/{made['id']}/thread-members/@me"))[0] == 204

    assert (status, made["type"]) == (201, 11)
    (announced,) = sim.messages("alerts")
    assert (announced["type"], announced["content"]) == (18, "talk")
    assert announced["message_reference"]["channel_id"] == made["id"]
    assert "member" not in sim.threads("alerts")[0]


async def test_channels_that_change_are_told(sim: SimulatedDiscord) -> None:
    async with connected(sim, INTENTS) as bot:
        events = heard(bot, "channel_delete", "channel_create", "channel_update", "thread_delete", "typing_start")
        message = await text_channel(bot, sim).send("an alert")
        await message.create_thread("talk")
        await sim.people.type("fred", "alerts")  # not told: the client did not ask for typing
        await sim.people.delete_thread("talk")
        await sim.change_channel("ops", topic="what runs")
        await sim.change_channel("ops", access=Access.NONE)
        await sim.change_channel("ops", access=Access.FULL)
        await sim.remove_channel("ops")
        names = [(await asyncio.wait_for(events.get(), 30))[0] for _ in range(5)]

    assert names == ["thread_delete", "channel_update", "channel_delete", "channel_create", "channel_delete"]


async def test_a_client_that_comes_later_is_given_the_active_threads(sim: SimulatedDiscord) -> None:
    made = await sim.people.start_thread("talk", "fred", message_id=(await sim.say("look", "fred"))["id"])
    async with connected(sim, INTENTS) as bot:
        thread = bot.get_channel(int(made["id"]))
        assert isinstance(thread, ipy.ThreadChannel)
        assert thread.name == "talk"
