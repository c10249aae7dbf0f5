"""Files in the simulated Discord: uploaded, kept, removed, fetched, and refused when they are too large."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import interactions as ipy
import pytest

from jinkies.simulators.discord import RateLimits, SimulatedDiscord, World
from jinkies.simulators.discord.files import MAX_FILE_BYTES, stored_name
from jinkies.simulators.discord.permissions import ATTACH_FILES
from tests.simulators.client import connected, text_channel
from tests.simulators.rest import ask, authorized

POST = f"channels/{World().channels[0].id}/messages"


@pytest.fixture
async def sim() -> AsyncIterator[SimulatedDiscord]:
    async with SimulatedDiscord(limits=RateLimits(enabled=False)) as running:
        yield running


@pytest.fixture
async def http(sim: SimulatedDiscord) -> AsyncIterator[aiohttp.ClientSession]:
    async with authorized(sim) as session:
        yield session


async def uploaded(
    http: aiohttp.ClientSession, body: Any, *files: tuple[str, bytes], method: str = "POST", path: str = POST
) -> tuple[int, Any]:
    form = aiohttp.FormData()
    form.add_field("payload_json", json.dumps(body), content_type="application/json")
    for number, (name, data) in enumerate(files):
        form.add_field(f"files[{number}]", io.BytesIO(data), filename=name)
    async with http.request(method, path, data=form) as response:
        return response.status, await response.json()


async def test_a_file_can_be_fetched_for_a_day(sim: SimulatedDiscord, http: aiohttp.ClientSession) -> None:
    data = "a line with an é\n".encode() * 1000
    async with connected(sim) as bot:
        await text_channel(bot, sim).send("log", files=ipy.File(io.BytesIO(data), file_name="last lines.log"))
    (attachment,) = sim.messages("alerts")[0]["attachments"]
    async with aiohttp.ClientSession() as anybody:
        async with anybody.get(attachment["url"]) as response:
            assert (response.status, await response.read()) == (200, data)
            assert response.headers["X-Content-Type-Options"] == "nosniff"
        async with anybody.get(attachment["url"].partition("?")[0]) as response:
            assert response.status == 404
        await sim.forward(24 * 3600 + 1)
        async with anybody.get(attachment["url"]) as response:
            assert (response.status, await response.text()) == (404, "This content is no longer available.")

    assert (attachment["filename"], attachment["size"]) == ("last_lines.log", len(data))
    assert attachment["content_type"] == "text/plain; charset=utf-8"
    assert sim.file(attachment) == data


async def test_an_edit_keeps_what_it_lists_and_adds_what_it_brings(http: aiohttp.ClientSession) -> None:
    two = {"content": "x", "attachments": [{"id": 0, "description": "the first"}, {"id": 1, "filename": "other.txt"}]}
    status, message = await uploaded(http, two, ("a.txt", b"a"), ("b.txt", b"bb"))
    first, second = message["attachments"]
    path = f"{POST}/{message['id']}"
    _, untouched = await ask(http, "PATCH", path, {"content": "y"})
    listed = {"attachments": [{"id": second["id"]}, {"id": 0}]}
    _, changed = await uploaded(http, listed, ("c.txt", b"ccc"), method="PATCH", path=path)
    _, cleared = await ask(http, "PATCH", path, {"attachments": []})

    assert (status, first["description"], second["filename"]) == (200, "the first", "other.txt")
    assert untouched["attachments"] == [first, second]
    assert [each["filename"] for each in changed["attachments"]] == ["other.txt", "c.txt"]
    assert cleared["attachments"] == []


async def test_answers_and_followups_carry_files(sim: SimulatedDiscord, http: aiohttp.ClientSession) -> None:
    asked = sim.state.begin(2, sim.world.users[0], sim.world.channels[0].id, "x")
    callback = f"interactions/{asked.id}/{asked.token}/callback"
    webhook = f"webhooks/{sim.world.application_id}/{asked.token}"
    wrong = {"type": 4, "data": {"attachments": [{"id": 1}]}}
    _, refused = await uploaded(http, wrong, ("a.txt", b"a"), path=callback)
    form = aiohttp.FormData()
    form.add_field("payload_json", json.dumps({"type": 4, "data": {"attachments": [{"id": 0}]}}))
    form.add_field("files[0]", b"a", filename="a.txt")
    async with http.post(callback, data=form) as response:
        assert response.status == 204
    _, followup = await uploaded(http, {}, ("b.txt", b"b"), path=webhook)
    _, edited = await uploaded(http, {"attachments": []}, method="PATCH", path=f"{webhook}/messages/{followup['id']}")

    found = refused["errors"]["data"]["attachments"]["0"]["_errors"]
    assert found == [{"code": "ATTACHMENT_NOT_FOUND", "message": "Attachment data not found"}]
    (original,) = sim.people.answer(asked).message["attachments"]  # type: ignore[index] # it was answered
    assert (original["filename"], followup["attachments"][0]["size"]) == ("a.txt", 1)
    assert edited["code"] == 50006, "nothing would be left"


async def test_sizes_and_numbers_have_limits(sim: SimulatedDiscord, http: aiohttp.ClientSession) -> None:
    exact, over = b"x" * MAX_FILE_BYTES, b"x" * (MAX_FILE_BYTES + 1)
    assert (await uploaded(http, {}, ("a", exact)))[0] == 200
    assert await uploaded(http, {}, ("a", over)) == (413, {"message": "Request entity too large", "code": 40005})
    many = [(f"{number}.txt", b"x") for number in range(11)]
    assert (await uploaded(http, {}, *many[:10]))[0] == 200
    assert (await uploaded(http, {}, *many))[1]["code"] == 50035
    await sim.change_channel("alerts", denied=ATTACH_FILES)
    assert (await uploaded(http, {}, ("a", b"x")))[1]["code"] == 50013
    assert (await ask(http, "POST", POST, {"content": "no file"}))[0] == 200


@pytest.mark.parametrize(
    ("name", "kept"),
    [("a b.txt", "a_b.txt"), ("../../etc/passwd", "passwd"), ("<script>.js", "script.js"), ("…", "unknown")],
)
def test_names_are_made_harmless(name: str, kept: str) -> None:
    assert stored_name(name) == kept


async def test_people_send_files_too(sim: SimulatedDiscord) -> None:
    said = await sim.say("", "fred", files=[("screen.png", b"png")])
    async with aiohttp.ClientSession() as anybody, anybody.get(said["attachments"][0]["url"]) as response:
        assert (await response.read(), response.headers["Content-Type"]) == (b"png", "image/png")
