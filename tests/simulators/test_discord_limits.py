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
