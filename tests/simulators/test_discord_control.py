"""The control API, the page, the scripted teammate, and the simulator as a process."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from jinkies.clock import Clock
from jinkies.simulators.discord import SimulatedDiscord, read_calls
from tests.simulators.client import buttons, card, connected, text_channel
from tests.virtual import run_virtually

ACK = "jk:ack:42:0a1b2c3d"


@pytest.fixture
async def sim() -> AsyncIterator[SimulatedDiscord]:
    async with SimulatedDiscord() as running:
        yield running


@pytest.fixture
async def control(sim: SimulatedDiscord) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(sim.address + "/_sim/") as session:
        yield session


async def told(control: aiohttp.ClientSession, action: str, /, **body: Any) -> tuple[int, Any]:
    async with control.post(action, json=body) as response:
        return response.status, await response.json()


async def test_people_act_over_http_and_get_the_answer(sim: SimulatedDiscord, control: aiohttp.ClientSession) -> None:
    async with connected(sim) as bot:
        message = await text_channel(bot, sim).send("an alert", embeds=card(), components=buttons())
        target = {"message_id": str(message.id), "user": "fred"}
        _, slash = await told(control, "slash", name="diagnose", options={"service": "billing"}, channel="ops")
        _, denied = await told(control, "press", custom_id="jk:deny:42", wait_s=3, **target)
        _, shown = await told(control, "press", custom_id="jk:why:42", **target)
        _, because = await told(control, "modal", custom_id="jk:f:7", fields={"reason": "flaky"}, user="fred")
        refused = await told(control, "press", custom_id="jk:gone:42", **target)
        unknown = await told(control, "press", custom_id=ACK, **target | {"user": "scooby"})
        malformed = await told(control, "press", nonsense=1)

    assert slash["message"]["content"] == "diagnosis of billing"
    assert sim.messages("ops")[0]["content"] == "diagnosis of billing"
    assert (denied["ephemeral"], denied["message"]["content"]) == (True, "not for you")
    assert (shown["kind"], because["message"]["content"]) == ("modal", "because flaky")
    assert refused == (409, {"error": "'jk:gone:42' is disabled"})
    assert (unknown[0], malformed[0]) == (409, 400)


async def test_messages_calls_and_counters_can_be_read(sim: SimulatedDiscord, control: aiohttp.ClientSession) -> None:
    async with connected(sim) as bot:
        await text_channel(bot, sim).send("an alert")
        await told(control, "slash", name="whisper")
        async with control.get("channels/alerts/messages") as response:
            everyone = await response.json()
        async with control.get("channels/alerts/messages?ephemeral=1") as response:
            hidden_too = await response.json()
        async with control.get("state") as response:
            counters = await response.json()
    async with control.get("calls") as response:
        calls = [json.loads(line) for line in (await response.text()).splitlines()]

    assert [message["content"] for message in everyone] == ["an alert"]
    assert len(hidden_too) > len(everyone)
    assert (counters["live"], counters["identifies"], counters["faults_left"]) == (1, 1, 0)
    assert "ping" in counters["commands"]
    (posted,) = [call for call in calls if call["template"] == "/channels/{channel_id}/messages"]
    assert (posted["method"], posted["body"]["content"]) == ("POST", "an alert")
    assert sim.token not in json.dumps(calls)


async def test_faults_and_the_gateway_are_disturbed_over_http(
    sim: SimulatedDiscord, control: aiohttp.ClientSession
) -> None:
    async with connected(sim):
        assert await told(control, "faults", method="POST", path="/messages$", kind="status", status=500, times=3) == (
            200,
            {"faults_left": 3},
        )
        assert (await told(control, "faults", method="POST", path="(", kind="status"))[0] == 400
        assert (await told(control, "gateway", action="reconnect"))[0] == 200
        await sim.wait_for(lambda: sim.gateway.resumes == 1)
        assert (await told(control, "gateway", action="close", code=4000))[1]["live"] == 0
        await sim.wait_for(lambda: sim.gateway.resumes == 2)
        assert (await told(control, "gateway", action="invalidate"))[0] == 200
        await sim.wait_for(lambda: sim.gateway.identifies == 2)
        assert (await told(control, "gateway", action="dance"))[0] == 409
        assert (await told(control, "gateway", action="refuse"))[0] == 200
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await control.ws_connect(sim.address + "/gateway")
        assert (await told(control, "gateway", action="accept"))[0] == 200


async def test_pages_of_other_origins_cannot_act(sim: SimulatedDiscord, control: aiohttp.ClientSession) -> None:
    async with control.post("say", data=b'{"content":"x"}', headers={"Content-Type": "text/plain"}) as response:
        assert response.status == 415
    for path in ("/", "/_sim/calls"):
        async with control.get(sim.address + path, headers={"Host": "evil.example"}) as response:
            assert response.status == 403
    assert sim.messages("alerts") == []


async def test_the_page_shows_cards_as_text_never_as_markup(
    sim: SimulatedDiscord, control: aiohttp.ClientSession
) -> None:
    attack = '<img src=x onerror="alert(1)">'
    async with connected(sim) as bot:
        channel = text_channel(bot, sim)
        await channel.send(attack, embeds=card(attack), components=buttons())
    await told(control, "say", content="<script>alert(1)</script>", channel="ops")
    async with control.get(sim.address + "/") as response:
        page, policy = await response.text(), response.headers["Content-Security-Policy"]

    assert "<img" not in page
    assert page.count("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;") == 2
    assert page.count("<script") == 1, "the page's own"
    assert 'fill="#da373c"' in page
    assert f'data-custom-id="{ACK}">' in page
    assert 'data-custom-id="jk:gone:42" disabled>' in page
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    for asset in ("page.js", "page.css"):
        async with control.get(asset) as response:
            assert response.status == 200


async def test_the_teammate_acknowledges_the_newest_card_and_nothing_else() -> None:
    async with SimulatedDiscord(teammate_s=0.01) as sim, connected(sim) as bot:
        channel = text_channel(bot, sim)
        await channel.send("a card", embeds=card(), components=buttons())
        await sim.wait_for(lambda: "acknowledged by velma" in [each["content"] for each in sim.messages("alerts")])
        presses = [call.body["type"] for call in sim.calls if "/callback" in call.path]

    assert presses == [7]
    assert len(sim.state.messages) == 1


def test_an_open_connection_does_not_hold_up_the_end() -> None:
    async def leave(clock: Clock) -> float:
        async with AsyncExitStack() as running, aiohttp.ClientSession() as http:
            sim = await running.enter_async_context(SimulatedDiscord(clock=clock))
            async with http.ws_connect(sim.address + "/gateway") as gateway:
                assert (await gateway.receive_json())["op"] == 10
                began_s = clock.monotonic_s()
                await running.aclose()
                return clock.monotonic_s() - began_s

    assert run_virtually(leave) < 0.1


async def started(*arguments: str, token: str = "a-token") -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "jinkies.simulators.discord",
        *arguments,
        env={"DISCORD_BOT_TOKEN": token, "PATH": ""},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    return process, json.loads(await process.stdout.readline())


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_process_says_where_it_listens_and_ends_at_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    record = tmp_path / "calls.jsonl"
    world = tmp_path / "world.json"
    world.write_text('{"guild_name": "Elsewhere", "guild_id": "77"}')
    process, hello = await started("--port", "0", "--record", str(record), "--world", str(world))
    async with aiohttp.ClientSession() as http:
        async with http.get(hello["api_url"] + "/users/@me", headers={"Authorization": "Bot a-token"}) as response:
            assert response.status == 200
        async with http.ws_connect(hello["address"] + "/gateway") as gateway:
            assert (await gateway.receive_json())["op"] == 10
            process.send_signal(number)
            _, errors = await asyncio.wait_for(process.communicate(), 30)

    assert (process.returncode, errors) == (0, b"")
    assert [call.path for call in read_calls(record)] == ["/api/v10/users/@me"]
    assert hello["guild_id"] == "77"
    assert {"alerts", "logs"} <= hello["channels"].keys()
    assert "velma" in hello["users"]
