"""Everything that people can do to a real client: subcommands, partly typed options, menus, context menus, forms."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import interactions as ipy
import pytest

from jinkies.simulators.discord import AnswerKind, RateLimits, Refused, Role, SimulatedDiscord, User, World
from jinkies.simulators.discord.permissions import MANAGE_GUILD
from tests.simulators.client import buttons, card, connected, snoozing, text_channel
from tests.simulators.rest import ask, authorized

MODERATOR = Role("71", "moderator", permissions=MANAGE_GUILD, color=0x00FF00)
WORLD = World(users=(User("81", "velma"), User("82", "fred", (MODERATOR.id,), nick="Freddie")), roles=(MODERATOR,))


@pytest.fixture
async def sim() -> AsyncIterator[SimulatedDiscord]:
    async with SimulatedDiscord(WORLD, limits=RateLimits(enabled=False)) as running:
        yield running


async def test_subcommands_take_numbers_and_people(sim: SimulatedDiscord) -> None:
    async with connected(sim):
        answer = await sim.slash("logs tail", {"service": "api", "whose": "fred", "limit": 7}, "fred")
        assert answer.text == "7 of api for Freddie asked by Freddie"
        for name, options, why in (
            ("logs", {}, "no command"),
            ("logs head", {}, "no command"),
            ("logs tail", {"service": "api", "limit": 51}, "out of bounds"),
            ("logs tail", {"service": "api", "whose": "scooby"}, "no user"),
            ("logs tail", {"service": ""}, "must be filled in"),
        ):
            with pytest.raises(Refused, match=why):
                await sim.slash(name, options)


async def test_an_option_completes_beside_others_that_are_filled_in(sim: SimulatedDiscord) -> None:
    async with connected(sim):
        offered = await sim.autocomplete("logs tail", "service", "che", others={"limit": 3})
        assert [choice["value"] for choice in offered.choices] == ["che limit=3"]
        with pytest.raises(Refused, match="no option"):
            await sim.autocomplete("logs tail", "service", "che", others={"loud": True})
        with pytest.raises(Refused, match="completes"):
            await sim.autocomplete("logs tail", "limit", "3")


async def test_a_select_menu_takes_what_it_offers(sim: SimulatedDiscord) -> None:
    async with connected(sim) as bot:
        message = await text_channel(bot, sim).send("an alert", components=snoozing())
        chosen = await sim.press(str(message.id), "jk:snooze:42", values=("4h",))
        for values in (("8h",), (), ("1h", "4h")):
            with pytest.raises(Refused):
                await sim.press(str(message.id), "jk:snooze:42", values=values)

    assert (chosen.kind, chosen.text, chosen.ephemeral) == (AnswerKind.MESSAGE, "snoozed for 4h", True)


async def test_a_context_menu_carries_the_message_even_without_the_content_intent(sim: SimulatedDiscord) -> None:
    async with connected(sim):
        said = await sim.say("checkout is broken", "fred")
        shown = await sim.menu("Make this an alert", said["id"], "fred")
        assert shown.modal is not None
        assert sim.people.forms("fred") == [shown.modal]
        made = await sim.modal("jk:make:7", {"note": "since noon"}, "fred")
        with pytest.raises(Refused, match="no message"):
            await sim.menu("Make this an alert", "1")
        with pytest.raises(Refused, match="no context menu"):
            await sim.menu("Burn it", said["id"])

    assert (made.kind, made.ephemeral) == (AnswerKind.MESSAGE, True)
    assert made.text == "made of 'checkout is broken', 'since noon'"
    assert made.message is not None
    about = made.message["interaction_metadata"]
    assert (about["type"], about["user"]["id"]) == (5, "82")
    assert about["triggering_interaction_metadata"]["target_message_id"] == said["id"]


async def test_only_its_user_sees_an_ephemeral_answer(sim: SimulatedDiscord) -> None:
    async with connected(sim) as bot:
        message = await text_channel(bot, sim).send("an alert", embeds=card(), components=buttons())
        denied = await sim.press(str(message.id), "jk:deny:42", "fred")

    assert denied.message is not None
    assert [each["content"] for each in sim.seen_by("fred", "alerts")] == ["not for you", "an alert"]
    assert [each["content"] for each in sim.seen_by("velma", "alerts")] == ["an alert"]
    with pytest.raises(Refused, match="no message"):
        await sim.menu("Make this an alert", denied.message["id"], "velma")


async def payload_of(sim: SimulatedDiscord, name: str, user: str) -> Any:
    """What the gateway sent for the last interaction."""
    (session,) = sim.gateway.sessions.values()
    return next(frame["d"] for frame in reversed(session.log) if frame["t"] == "INTERACTION_CREATE")


async def test_an_interaction_says_who_asks_where_and_what_they_may(sim: SimulatedDiscord) -> None:
    async with connected(sim):
        await sim.slash("ping", user="fred", channel="logs")
        asked = await payload_of(sim, "ping", "fred")

    member, channel = asked["member"], asked["channel"]
    assert (member["nick"], member["roles"], member["user"]["username"]) == ("Freddie", ["71"], "fred")
    assert int(member["permissions"]) & MANAGE_GUILD
    assert channel["id"] == asked["channel_id"] == sim.world.channels[1].id
    assert (channel["name"], channel["type"], channel["permissions"]) == ("logs", 0, member["permissions"])
    assert (asked["guild_id"], asked["context"], asked["locale"], asked["version"]) == (WORLD.guild_id, 0, "en-US", 1)
    assert asked["entitlements"] == []
    assert not int(asked["app_permissions"]) & MANAGE_GUILD
    assert asked["attachment_size_limit"] == 10 * 1024 * 1024


async def test_changed_roles_arrive_with_the_next_interaction(sim: SimulatedDiscord) -> None:
    async with connected(sim):
        await sim.change_user("fred", roles=(), nick=None)
        await sim.slash("ping", user="fred")
        asked = await payload_of(sim, "ping", "fred")

    assert (asked["member"]["roles"], asked["member"]["nick"]) == ([], None)


async def test_a_command_for_moderators_is_offered_to_nobody_else(sim: SimulatedDiscord) -> None:
    command = {"name": "silence", "description": "d", "default_member_permissions": str(MANAGE_GUILD)}
    async with authorized(sim) as http, connected(sim):
        await ask(http, "PUT", f"applications/{WORLD.application_id}/guilds/{WORLD.guild_id}/commands", [command])
        with pytest.raises(Refused, match="may not use"):
            await sim.slash("silence", user=await newcomer(sim))
        assert (await sim.slash("silence", user="fred", wait_s=0.0)).kind is AnswerKind.WAITING


async def newcomer(sim: SimulatedDiscord) -> str:
    sim.state.world = sim.world.with_user(User("83", "daphne"))
    return "daphne"


@pytest.mark.parametrize(("kind", "answer"), [(2, 8), (2, 7), (4, 4), (5, 9), (5, 6)])
async def test_an_answer_must_fit_what_was_asked(sim: SimulatedDiscord, kind: int, answer: int) -> None:
    form = {"custom_id": "f", "title": "t", "components": [text_label()]}
    data = {8: {"choices": []}, 9: form, 7: {"content": "x"}, 4: {"content": "x"}, 6: None}[answer]
    asked = sim.state.begin(kind, WORLD.users[0], WORLD.channels[0].id, "x")
    async with authorized(sim) as http:
        path = f"interactions/{asked.id}/{asked.token}/callback"
        status, body = await ask(http, "POST", path, {"type": answer, "data": data})

    assert (status, body["code"]) == (400, 50035)
    assert body["errors"]["type"]["_errors"][0]["message"] == "Invalid interaction response type"


def text_label() -> dict[str, Any]:
    return {"type": 18, "label": "Why", "component": {"type": 4, "custom_id": "why", "style": 1, "required": False}}


async def test_a_form_with_labels_takes_texts_and_choices(sim: SimulatedDiscord) -> None:
    """The real client cannot read these submissions (5.16 looks for rows only), so a plain request opens the form."""
    menu = {"type": 3, "custom_id": "base", "options": [{"label": b, "value": b} for b in ("main", "develop")]}
    whom = {"type": 5, "custom_id": "who", "required": False}
    labels = [text_label(), *({"type": 18, "label": "Pick", "component": each} for each in (menu, whom))]
    asked = sim.state.begin(2, WORLD.users[0], WORLD.channels[0].id, "x")
    async with authorized(sim) as http, connected(sim):
        form = {"custom_id": "f", "title": "A pull request", "components": labels}
        await ask(http, "POST", f"interactions/{asked.id}/{asked.token}/callback", {"type": 9, "data": form})
        for fields, why in (({}, "0 values"), ({"base": "x"}, "not offer"), ({"base": "main", "z": "1"}, "no field")):
            with pytest.raises(Refused, match=why):
                await sim.modal("f", fields, wait_s=0.0)
        await sim.modal("f", {"base": "main", "who": ["fred"]}, wait_s=0.0)
        sent = (await payload_of(sim, "f", "velma"))["data"]

    assert [outer["component"].get("values", outer["component"].get("value")) for outer in sent["components"]] == [
        "",
        ["main"],
        ["82"],
    ]
    assert sent["resolved"]["users"]["82"]["username"] == "fred"


async def test_time_can_be_put_forward(sim: SimulatedDiscord) -> None:
    async with authorized(sim) as http:
        asked = sim.state.begin(2, WORLD.users[0], WORLD.channels[0].id, "x")
        callback = f"interactions/{asked.id}/{asked.token}/callback"
        original = f"webhooks/{WORLD.application_id}/{asked.token}/messages/@original"
        await sim.forward(2.9)
        assert (await ask(http, "POST", callback, {"type": 5}))[0] == 204
        await sim.forward(890)
        assert (await ask(http, "PATCH", original, {"content": "at last"}))[0] == 200
        await sim.forward(10)
        assert (await ask(http, "PATCH", original, {"content": "too late"}))[1]["code"] == 50027


async def test_the_presence_is_what_the_bot_last_said(sim: SimulatedDiscord) -> None:
    async with connected(sim) as bot:
        await bot.change_presence(ipy.Status.IDLE, ipy.Activity.create("3 open alerts", ipy.ActivityType.WATCHING))
        await sim.wait_for(lambda: sim.gateway.presence and sim.gateway.presence["activities"])

        assert sim.gateway.presence is not None
        assert sim.gateway.presence["status"] == "idle"
        assert sim.gateway.presence["activities"][0]["name"] == "3 open alerts"
