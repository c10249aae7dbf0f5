"""Discord's limits on messages, each at its edge: what is just accepted, and how one more is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from jinkies.simulators.discord import RateLimits, SimulatedDiscord
from jinkies.simulators.discord.forms import utf16_length
from tests.simulators.rest import Json, ask, authorized

POST = "channels/1300000000000000001/messages"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with SimulatedDiscord(limits=RateLimits(enabled=False)) as sim, authorized(sim) as session:
        yield session


def button(**changes: Any) -> Json:
    return {"type": 2, "style": 1, "label": "Press", "custom_id": "one"} | changes


def select(**changes: Any) -> Json:
    options = [{"label": "l", "value": value} for value in ("a", "b")]
    return {"type": 3, "custom_id": "pick", "options": options} | changes


def rows(*components: Json) -> Json:
    return {"content": "x", "components": [{"type": 1, "components": list(components)}]}


def embed(**fields: Any) -> Json:
    return {"embeds": [fields]}


def field(name: str = "n", value: str = "v") -> Json:
    return {"name": name, "value": value}


LIMITS: list[tuple[Json, Json, str, str]] = [
    ({"content": "x" * 2000}, {"content": "x" * 2001}, "content", "Must be 2000 or fewer in length."),
    ({"content": "😀" * 1000}, {"content": "😀" * 1001}, "content", "Must be 2000 or fewer in length."),
    (embed(title="x" * 256), embed(title="x" * 257), "embeds.0.title", "Must be 256 or fewer in length."),
    (
        embed(description="x" * 4096),
        embed(description="x" * 4097),
        "embeds.0.description",
        "Must be 4096 or fewer in length.",
    ),
    (embed(fields=[field()] * 25), embed(fields=[field()] * 26), "embeds.0.fields", "Must be 25 or fewer in length."),
    (
        embed(fields=[field(name="x" * 256)]),
        embed(fields=[field(name="x" * 257)]),
        "embeds.0.fields.0.name",
        "Must be 256 or fewer in length.",
    ),
    (
        embed(fields=[field(value="x" * 1024)]),
        embed(fields=[field(), field(value="x" * 1025)]),
        "embeds.0.fields.1.value",
        "Must be 1024 or fewer in length.",
    ),
    (embed(fields=[field()]), embed(fields=[field(value=" ")]), "embeds.0.fields.0.value", "This field is required"),
    (embed(fields=[field()]), embed(fields=[{"name": "n"}]), "embeds.0.fields.0.value", "This field is required"),
    (
        embed(title="t", footer={"text": "x" * 2048}),
        embed(title="t", footer={"text": "x" * 2049}),
        "embeds.0.footer.text",
        "Must be 2048 or fewer in length.",
    ),
    (
        embed(author={"name": "x" * 256}),
        embed(author={"name": "x" * 257}),
        "embeds.0.author.name",
        "Must be 256 or fewer in length.",
    ),
    (
        {"embeds": [{"description": "x" * 3000}, {"description": "x" * 3000}]},
        {"embeds": [{"description": "x" * 3000}, {"description": "x" * 3001}]},
        "embeds",
        "Embed size exceeds maximum size of 6000",
    ),
    ({"embeds": [{"title": "x"}] * 10}, {"embeds": [{"title": "x"}] * 11}, "embeds", "Must be 10 or fewer in length."),
    (
        embed(title="t", url="https://example.com/x"),
        embed(title="t", url="javascript:alert(1)"),
        "embeds.0.url",
        "Scheme \"javascript\" is not supported. Scheme must be one of ('http', 'https').",
    ),
    (
        embed(title="t", timestamp="2026-01-01T00:00:00Z"),
        embed(title="t", timestamp="soon"),
        "embeds.0.timestamp",
        "Could not parse soon. Should be ISO8601.",
    ),
    (
        embed(title="t", color=0xFFFFFF),
        embed(title="t", color=0x1000000),
        "embeds.0.color",
        "int value should be less than or equal to 16777215.",
    ),
    (
        rows(*(button(custom_id=str(n)) for n in range(5))),
        rows(*(button(custom_id=str(n)) for n in range(6))),
        "components.0.components",
        "Must be between 1 and 5 in length.",
    ),
    (
        {"components": [{"type": 1, "components": [button(custom_id=str(n))]} for n in range(5)]},
        {"components": [{"type": 1, "components": [button(custom_id=str(n))]} for n in range(6)]},
        "components",
        "Must be 5 or fewer in length.",
    ),
    (
        rows(button(custom_id="x" * 100)),
        rows(button(custom_id="x" * 101)),
        "components.0.components.0.custom_id",
        "Must be between 1 and 100 in length.",
    ),
    (
        rows(button(custom_id="x")),
        rows(button(custom_id="")),
        "components.0.components.0.custom_id",
        "Must be between 1 and 100 in length.",
    ),
    (
        rows(button(), button(custom_id="two")),
        rows(button(), button()),
        "components.0.components.1.custom_id",
        "Component custom id cannot be duplicated",
    ),
    (
        rows(button(label="x" * 80)),
        rows(button(label="x" * 81)),
        "components.0.components.0.label",
        "Must be 80 or fewer in length.",
    ),
    (
        rows(button(style=5, custom_id=None, url="https://example.com/" + "x" * 492)),
        rows(button(style=5, custom_id=None, url="https://example.com/" + "x" * 493)),
        "components.0.components.0.url",
        "Must be 512 or fewer in length.",
    ),
    (
        rows({"type": 3, "custom_id": "s", "options": [{"label": "l", "value": str(n)} for n in range(25)]}),
        rows({"type": 3, "custom_id": "s", "options": [{"label": "l", "value": str(n)} for n in range(26)]}),
        "components.0.components.0.options",
        "Must be between 1 and 25 in length.",
    ),
    (
        rows(select(max_values=2)),
        rows(select(max_values=3)),
        "components.0.components.0.max_values",
        "int value should be less than or equal to 2.",
    ),
    (
        rows(select(min_values=1, max_values=1)),
        rows(select(min_values=2, max_values=1)),
        "components.0.components.0.min_values",
        "int value should be less than or equal to 1.",
    ),
    (
        rows(select(options=[{"label": "l", "value": "a"}, {"label": "l", "value": "b"}])),
        rows(select(options=[{"label": "l", "value": "a"}] * 2)),
        "components.0.components.0.options.1",
        "The specified option value is already used",
    ),
    (
        rows(select(placeholder="x" * 150)),
        rows(select(placeholder="x" * 151)),
        "components.0.components.0.placeholder",
        "Must be 150 or fewer in length.",
    ),
    (
        rows(select()),
        rows(select(), button(custom_id="two")),
        "components.0.components.0",
        "The specified component exceeds the maximum width",
    ),
    (
        {"content": "x", "allowed_mentions": {"parse": ["roles"], "users": ["1"]}},
        {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
        "allowed_mentions",
        'parse:["users"] and users: [ids...] are mutually exclusive.',
    ),
    (
        {"content": "x", "message_reference": {"message_id": "1", "fail_if_not_exists": False}},
        {"content": "x", "message_reference": {"message_id": "1"}},
        "message_reference",
        "Unknown message",
    ),
    (
        {"content": "x", "attachments": []},
        {"content": "x", "attachments": [{"id": 0}]},
        "attachments.0",
        "Attachment data not found",
    ),
    (
        {"content": "x", "nonce": "n" * 25},
        {"content": "x", "nonce": "n" * 26},
        "nonce",
        "Must be 25 or fewer in length.",
    ),
]


@pytest.mark.parametrize(("accepted", "refused", "path", "message"), LIMITS, ids=[each[2] for each in LIMITS])
async def test_each_limit_holds_at_its_edge(
    http: aiohttp.ClientSession, accepted: Json, refused: Json, path: str, message: str
) -> None:
    status, body = await ask(http, "POST", POST, refused)

    assert (status, body["code"], body["message"]) == (400, 50035, "Invalid Form Body")
    fault = body["errors"]
    for key in path.split("."):
        fault = fault[key]
    assert [each["message"] for each in fault["_errors"]] == [message]
    assert (await ask(http, "POST", POST, accepted))[0] == 200


async def test_edits_are_held_to_the_same_limits(http: aiohttp.ClientSession) -> None:
    _, posted = await ask(http, "POST", POST, {"content": "x"})
    path = f"{POST}/{posted['id']}"

    assert (await ask(http, "PATCH", path, {"content": "x" * 2001}))[1]["code"] == 50035
    assert (await ask(http, "PATCH", path, {"content": ""}))[1]["code"] == 50006
    assert (await ask(http, "PATCH", path, {"embeds": [{"title": "t"}], "content": None}))[1]["content"] == ""


def test_an_emoji_counts_two() -> None:
    assert (utf16_length("é"), utf16_length("😀"), utf16_length("")) == (1, 2, 0)


def text(**changes: Any) -> Json:
    return {"type": 4, "custom_id": "why", "label": "Why", "style": 1} | changes


def form(*inputs: Json, **changes: Any) -> Json:
    rows = [{"type": 1, "components": [each]} for each in inputs or (text(),)]
    return {"custom_id": "f", "title": "t", "components": rows} | changes


def labelled(component: Json, **changes: Any) -> Json:
    return {"type": 18, "label": "Why", "component": component} | changes


def named(**changes: Any) -> Json:
    return {key: value for key, value in text(**changes).items() if value is not None}


FORMS: list[tuple[Json, Json, str, str]] = [
    (form(title="x" * 45), form(title="x" * 46), "title", "Must be between 1 and 45 in length."),
    (form(custom_id="x" * 100), form(custom_id=""), "custom_id", "Must be between 1 and 100 in length."),
    (
        form(*(text(custom_id=str(n)) for n in range(5))),
        form(*(text(custom_id=str(n)) for n in range(6))),
        "components",
        "Must be between 1 and 5 in length.",
    ),
    (
        form(text(label="x" * 45)),
        form(text(label="x" * 46)),
        "components.0.components.0.label",
        "Must be between 1 and 45 in length.",
    ),
    (form(), form(named(label=None)), "components.0.components.0.label", "This field is required"),
    (
        form(text(placeholder="x" * 100)),
        form(text(placeholder="x" * 101)),
        "components.0.components.0.placeholder",
        "Must be 100 or fewer in length.",
    ),
    (
        form(text(value="x" * 4000)),
        form(text(value="x" * 4001)),
        "components.0.components.0.value",
        "Must be 4000 or fewer in length.",
    ),
    (
        form(text(value="xx", max_length=2)),
        form(text(value="xxx", max_length=2)),
        "components.0.components.0.value",
        "Must be 2 or fewer in length.",
    ),
    (
        form(text(min_length=2, max_length=2)),
        form(text(min_length=3, max_length=2)),
        "components.0.components.0.min_length",
        "int value should be less than or equal to 2.",
    ),
    (
        form(text(), text(custom_id="two")),
        form(text(), text()),
        "components.1.components.0.custom_id",
        "Component custom id cannot be duplicated",
    ),
    (
        form(components=[labelled(named(label=None)), labelled(select())]),
        form(components=[labelled(named(label=None)), labelled(select(max_values=9))]),
        "components.1.component.max_values",
        "int value should be less than or equal to 2.",
    ),
    (
        form(components=[labelled(named(label=None), description="x" * 100)]),
        form(components=[labelled(named(label=None), description="x" * 101)]),
        "components.0.description",
        "Must be between 1 and 100 in length.",
    ),
]


@pytest.mark.parametrize(("accepted", "refused", "path", "message"), FORMS, ids=[each[2] for each in FORMS])
async def test_each_limit_of_a_form_holds_at_its_edge(accepted: Json, refused: Json, path: str, message: str) -> None:
    async with SimulatedDiscord() as sim, authorized(sim) as http:
        asked = sim.state.begin(2, sim.world.users[0], sim.world.channels[0].id, "x")
        callback = f"interactions/{asked.id}/{asked.token}/callback"
        status, body = await ask(http, "POST", callback, {"type": 9, "data": refused})
        fault = body["errors"]["data"]
        for key in path.split("."):
            fault = fault[key]
        assert (status, body["code"], [each["message"] for each in fault["_errors"]]) == (400, 50035, [message])
        assert (await ask(http, "POST", callback, {"type": 9, "data": accepted}))[0] == 204


def option(**changes: Any) -> Json:
    return {"type": 3, "name": "a", "description": "d"} | changes


def command(*options: Json, **changes: Any) -> Json:
    return {"name": "ack", "description": "d", "options": list(options)} | changes


def choices(number: int, size: int = 1) -> list[Json]:
    return [{"name": f"{n}", "value": str(n).ljust(size, "x")} for n in range(number)]


COMMANDS: list[tuple[list[Json], list[Json], str, str]] = [
    ([command(name="x" * 32)], [command(name="x" * 33)], "0.name", "Must be between 1 and 32 in length."),
    ([command(name="größe")], [command(name="Größe")], "0.name", "Command name is invalid"),
    (
        [command(description="x" * 100)],
        [command(description="x" * 101)],
        "0.description",
        "Must be between 1 and 100 in length.",
    ),
    (
        [command(*(option(name=f"o{n}") for n in range(25)))],
        [command(*(option(name=f"o{n}") for n in range(26)))],
        "0.options",
        "Must be 25 or fewer in length.",
    ),
    (
        [command(option(choices=choices(25)))],
        [command(option(choices=choices(26)))],
        "0.options.0.choices",
        "Must be 25 or fewer in length.",
    ),
    (
        [command(option(choices=choices(1, 100)))],
        [command(option(choices=choices(1, 101)))],
        "0.options.0.choices.0.value",
        "Must be 100 or fewer in length.",
    ),
    (
        [command(option(), option(name="b"))],
        [command(option(), option())],
        "0.options.1",
        "The specified option name is already used",
    ),
    (
        [command(option(type=1), option(type=1, name="b"))],
        [command(option(type=1), option(name="b"))],
        "0.options.1",
        "Sub-command and sub-command group option types are mutually exclusive to all other types",
    ),
    (
        [command(option(type=1, options=[option()]))],
        [command(option(type=1, options=[option(), option(name="b", required=True)]))],
        "0.options.0.options.1",
        "Required options must be placed before non-required options",
    ),
    (
        [command(option(autocomplete=True))],
        [command(option(autocomplete=True, choices=choices(1)))],
        "0.options.0.autocomplete",
        "Autocomplete is not allowed with choices, and only for strings, integers and numbers",
    ),
    (
        [command(*(option(name=f"o{n}", choices=choices(25, 90)) for n in range(3)))],
        [command(*(option(name=f"o{n}", choices=choices(25, 90)) for n in range(4)))],
        "0",
        "Command exceeds maximum size (8000)",
    ),
    (
        [{"type": 3, "name": "Make this an alert"}],
        [{"type": 3, "name": "Make this an alert", "description": "d"}],
        "0.description",
        "Context menu commands cannot have description",
    ),
]


@pytest.mark.parametrize(("accepted", "refused", "path", "message"), COMMANDS, ids=[each[3] for each in COMMANDS])
async def test_each_limit_of_commands_holds_at_its_edge(
    accepted: list[Json], refused: list[Json], path: str, message: str
) -> None:
    async with SimulatedDiscord() as sim, authorized(sim) as http:
        where = f"applications/{sim.world.application_id}/guilds/{sim.world.guild_id}/commands"
        status, body = await ask(http, "PUT", where, refused)
        fault = body["errors"]
        for key in path.split("."):
            fault = fault[key]
        assert (status, body["code"]) == (400, 50035)
        assert message in [each["message"] for each in fault["_errors"]]
        assert (await ask(http, "PUT", where, accepted))[0] == 200


async def test_there_are_only_so_many_commands() -> None:
    async with SimulatedDiscord() as sim, authorized(sim) as http:
        where = f"applications/{sim.world.application_id}/guilds/{sim.world.guild_id}/commands"
        menus = [{"type": 3, "name": f"menu {n}"} for n in range(16)]
        assert (await ask(http, "PUT", where, menus))[1]["code"] == 50035
        assert (await ask(http, "PUT", where, menus[:15]))[0] == 200
        assert (await ask(http, "PUT", where, [command(name=f"c{n}") for n in range(101)]))[1]["code"] == 50035


async def test_answers_of_interactions_ping_users_only_unless_they_say_otherwise() -> None:
    async with SimulatedDiscord() as sim, authorized(sim) as http:
        velma, on_call = sim.world.users[0].id, sim.world.roles[0].id
        asked = sim.state.begin(2, sim.world.users[0], sim.world.channels[0].id, "x")
        content = f"@everyone <@{velma}> <@&{on_call}>"
        callback = f"interactions/{asked.id}/{asked.token}/callback"
        await ask(http, "POST", callback, {"type": 4, "data": {"content": content}})
        _, followup = await ask(
            http,
            "POST",
            f"webhooks/{sim.world.application_id}/{asked.token}",
            {"content": content, "allowed_mentions": {"parse": ["roles"]}},
        )
        original = sim.messages("alerts")[-1]

    assert (original["mention_everyone"], original["mention_roles"]) == (False, [])
    assert [user["id"] for user in original["mentions"]] == [velma]
    assert (followup["mention_roles"], followup["mentions"]) == ([on_call], [])


async def test_an_answer_to_a_message_quotes_it(http: aiohttp.ClientSession) -> None:
    _, first = await ask(http, "POST", POST, {"content": "first"})
    body = {"content": "second", "message_reference": {"message_id": first["id"]}, "allowed_mentions": {"parse": []}}
    _, second = await ask(http, "POST", POST, body)

    assert (second["type"], second["referenced_message"]["content"]) == (19, "first")
    assert second["mentions"] == []
