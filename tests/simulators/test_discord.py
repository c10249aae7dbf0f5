"""The real interactions.py client on the simulated Discord: it logs in, answers, posts, edits and comes back."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator

import aiohttp
import interactions as ipy
import pytest

from jinkies.simulators.discord import AnswerKind, Fault, FaultKind, RateLimit, RateLimits, Refused, SimulatedDiscord
from tests.simulators.client import buttons, card, connected, text_channel

ACK = "jk:ack:42:0a1b2c3d"


@pytest.fixture
async def sim() -> AsyncIterator[SimulatedDiscord]:
    async with SimulatedDiscord() as running:
        yield running


async def post_card(bot: ipy.Client, sim: SimulatedDiscord) -> str:
    message = await text_channel(bot, sim).send("an alert", embeds=card(), components=buttons())
    return str(message.id)


async def test_a_client_logs_in_and_syncs_its_commands(sim: SimulatedDiscord) -> None:
    async with connected(sim) as bot:
        assert bot.user.username == "jinkies"
        assert [guild.name for guild in bot.guilds] == ["Mystery Inc"]
        assert {command["name"] for command in sim.state.commands[None]} == {
            *("ping", "diagnose", "whisper", "silent", "logs", "Make this an alert")
        }
        puts = sum(call.method == "PUT" for call in sim.calls)

    async with connected(sim):
        assert sum(call.method == "PUT" for call in sim.calls) == puts, "unchanged commands are not sent again"


async def test_slash_commands_are_answered_at_once_deferred_and_in_private(sim: SimulatedDiscord) -> None:
    async with connected(sim):
        at_once = await sim.slash("ping")
        deferred = await sim.slash("diagnose", {"service": "billing"})
        private = await sim.slash("whisper")
        await sim.wait_for(lambda: any(c.method == "POST" and "/webhooks/" in c.path for c in sim.calls))
        offered = await sim.people.autocomplete("diagnose", "service", "che", "velma", "alerts")

    assert (at_once.kind, at_once.text, at_once.ephemeral) == (AnswerKind.MESSAGE, "pong", False)
    assert deferred.text.startswith("diagnosis of billing\nRoot cause")
    assert (private.text, private.ephemeral) == ("first", True)
    assert [choice["value"] for choice in offered.choices] == ["checkout-api"]
    assert [message["content"] for message in sim.messages("alerts")] == ["diagnosis of billing", "pong"]


async def test_a_command_that_never_answers_fails(sim: SimulatedDiscord) -> None:
    async with connected(sim):
        waiting = await sim.slash("silent", wait_s=0.0)

    assert waiting.kind is AnswerKind.WAITING
    assert (await sim.slash("silent", wait_s=0.0)).kind is AnswerKind.FAILED, "nobody is connected any more"


async def test_commands_are_refused_as_discords_own_client_would(sim: SimulatedDiscord) -> None:
    async with connected(sim):
        for name, options, user, channel, why in (
            ("nonsense", {}, "velma", "alerts", "no command"),
            ("diagnose", {}, "velma", "alerts", "needs"),
            ("diagnose", {"service": 3}, "velma", "alerts", "cannot be 3"),
            ("ping", {"loud": True}, "velma", "alerts", "no option"),
            ("ping", {}, "scooby", "alerts", "no user"),
            ("ping", {}, "velma", "nowhere", "no channel"),
        ):
            with pytest.raises(Refused, match=why):
                await sim.slash(name, options, user, channel)


async def test_buttons_update_defer_and_answer_in_private(sim: SimulatedDiscord) -> None:
    async with connected(sim) as bot:
        first, second = await post_card(bot, sim), await post_card(bot, sim)
        denied = await sim.press(first, "jk:deny:42", "shaggy")
        acknowledged = await sim.press(first, ACK, "fred")
        slow = await sim.press(second, "jk:slow:42")

    assert (denied.kind, denied.ephemeral, denied.text) == (AnswerKind.MESSAGE, True, "not for you")
    assert (acknowledged.kind, slow.kind) == (AnswerKind.UPDATE, AnswerKind.UPDATE)
    shown = sim.messages("alerts")
    assert [message["content"] for message in shown] == ["slow done", "acknowledged by fred"]
    assert all(message["components"] == [] for message in shown)
    assert shown[1]["embeds"][0]["title"] == "ZeroDivisionError", "what an edit leaves out stays"


async def test_a_disabled_or_absent_button_cannot_be_pressed(sim: SimulatedDiscord) -> None:
    async with connected(sim) as bot:
        message_id = await post_card(bot, sim)
        calls = len(sim.calls)
        for target, custom_id, user, why in (
            (message_id, "jk:gone:42", "velma", "disabled"),
            (message_id, "jk:other:42", "velma", "no component"),
            ("123", ACK, "velma", "no message"),
            (message_id, ACK, "scooby", "no user"),
        ):
            with pytest.raises(Refused, match=why):
                await sim.press(target, custom_id, user)
        await sim.press(message_id, ACK)
        with pytest.raises(Refused, match="no component"):
            await sim.press(message_id, ACK)

    assert sum("/callback" in call.path for call in sim.calls[calls:]) == 1


async def test_a_form_is_shown_filled_in_and_sent_once(sim: SimulatedDiscord) -> None:
    async with connected(sim) as bot:
        shown = await sim.press(await post_card(bot, sim), "jk:why:42")
        assert shown.kind is AnswerKind.MODAL
        assert shown.modal is not None
        assert shown.modal["title"] == "Why?"
        with pytest.raises(Refused, match="must be filled in"):
            await sim.modal("jk:f:7", {})
        with pytest.raises(Refused, match="no form"):
            await sim.modal("jk:f:7", {"reason": "flaky"}, "fred")
        answer = await sim.modal("jk:f:7", {"reason": "flaky"})
        with pytest.raises(Refused, match="no form"):
            await sim.modal("jk:f:7", {"reason": "again"})

    assert (answer.text, answer.ephemeral) == ("because flaky", True)


async def test_posting_editing_reading_deleting(sim: SimulatedDiscord) -> None:
    async with connected(sim) as bot:
        channel = text_channel(bot, sim)
        posted = [await channel.send(f"message {number}") for number in range(3)]
        await posted[0].edit(content="changed", embeds=card())
        await posted[1].delete()
        await channel.send("log", files=ipy.File(file=io.BytesIO(b"line\n"), file_name="excerpt.log"))
        found = await channel.fetch_messages(limit=2)

    assert [message.content for message in found] == ["log", "message 2"]
    assert [message["content"] for message in sim.messages("alerts")] == ["log", "message 2", "changed"]
    assert sim.messages("alerts")[0]["attachments"][0]["size"] == 5
    assert sim.messages("alerts")[2]["edited_timestamp"] is not None


@pytest.mark.parametrize("code", [0, 1001, 4000])
async def test_a_dropped_connection_resumes_and_replays_what_it_missed(sim: SimulatedDiscord, code: int) -> None:
    async with connected(sim):
        sim.gateway.close(code)
        missed = await sim.slash("ping")  # sent while the client is away

    assert missed.text == "pong"
    assert (sim.gateway.identifies, sim.gateway.resumes) == (1, 1)


async def test_reconnect_and_invalidate_on_demand(sim: SimulatedDiscord) -> None:
    async with connected(sim):
        sim.gateway.request_reconnect()
        await sim.wait_for(lambda: sim.gateway.resumes == 1)
        assert (await sim.slash("ping")).text == "pong"
        sim.gateway.invalidate()
        await sim.wait_for(lambda: sim.gateway.identifies == 2)
        assert (await sim.slash("ping")).text == "pong"


async def test_a_client_that_leaves_cannot_resume_and_its_buttons_work_for_the_next_one(sim: SimulatedDiscord) -> None:
    async with connected(sim) as bot:
        message_id = await post_card(bot, sim)
    await sim.wait_for(lambda: not sim.gateway.connections)

    async with connected(sim):
        assert (await sim.press(message_id, ACK)).text.startswith("acknowledged by velma")


async def test_heartbeats_are_acknowledged() -> None:
    async with SimulatedDiscord(heartbeat_interval_ms=300) as sim, connected(sim):
        (connection,) = sim.gateway.connections
        await sim.wait_for(lambda: connection.heartbeats >= 3)
        assert sim.gateway.resumes == 0, "a client without its acknowledgement would have come back"


async def test_a_person_deletes_a_card_and_the_client_hears_of_it(sim: SimulatedDiscord) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    async with connected(sim, ipy.Intents.GUILDS | ipy.Intents.GUILD_MESSAGES) as bot:

        @ipy.listen("raw_message_delete")
        async def deleted(event: ipy.events.RawGatewayEvent) -> None:
            heard.put_nowait(event.data["id"])

        bot.add_listener(deleted)
        message_id = await post_card(bot, sim)
        await sim.delete_message(message_id)
        assert await asyncio.wait_for(heard.get(), 30) == message_id

    assert sim.messages("alerts") == []


async def test_a_wrong_token_is_refused(sim: SimulatedDiscord) -> None:
    with pytest.raises(ipy.errors.LoginError):
        async with connected(sim, token="wrong"):
            pytest.fail("it is not connected")

    assert [(call.status, call.response) for call in sim.calls] == [(401, {"message": "401: Unauthorized", "code": 0})]
    assert sim.rest.invalid_requests == 1


async def test_an_answer_lost_after_its_effect_leaves_one_message_thanks_to_the_nonce(sim: SimulatedDiscord) -> None:
    async with connected(sim) as bot:
        channel = text_channel(bot, sim)
        sim.fault(Fault("POST", "/messages$", FaultKind.DROP_AFTER_EFFECT))
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await channel.send("once", nonce="jk42-0a1b2c3d", enforce_nonce=True)
        again = await channel.send("once", nonce="jk42-0a1b2c3d", enforce_nonce=True)

    (kept,) = sim.messages("alerts")
    assert str(again.id) == kept["id"]
    lost, repeated = sim.calls[-2:]
    assert (lost.status, lost.dropped, lost.response["id"]) == (200, "after-effect", kept["id"])
    assert (repeated.status, repeated.dropped, repeated.response["id"]) == (200, None, kept["id"])


async def test_the_client_waits_out_a_429_and_is_told_the_truth() -> None:
    limits = RateLimits(messages=RateLimit(2, 0.3))
    async with SimulatedDiscord(limits=limits) as sim, connected(sim) as bot:
        channel = text_channel(bot, sim)
        sent = [await channel.send(f"message {number}") for number in range(5)]

    assert all(message is not None for message in sent)
    assert len(sim.messages("alerts")) == 5
    remaining = [call.response_headers["X-RateLimit-Remaining"] for call in sim.calls if call.method == "POST"]
    assert remaining == ["1", "0", "1", "0", "1"], "the client waited as long as it was told, and never met a 429"
