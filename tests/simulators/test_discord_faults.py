"""Faults on demand and on a schedule, with the real client: it comes back from each, and nothing stays broken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random

import aiohttp
import pytest

from jinkies.simulators.discord import AnswerKind, RateLimit, RateLimits, Schedule, SimulatedDiscord, Trouble, faults
from jinkies.simulators.discord.schedule import LASTING
from tests.simulators.client import connected
from tests.simulators.rest import ask, authorized


@pytest.fixture
async def sim() -> AsyncIterator[SimulatedDiscord]:
    async with SimulatedDiscord(limits=RateLimits(enabled=False), heartbeat_interval_ms=200) as running:
        yield running


@pytest.fixture
async def http(sim: SimulatedDiscord) -> AsyncIterator[aiohttp.ClientSession]:
    async with authorized(sim) as session:
        yield session


async def test_a_429_says_whose_limit_it_is(sim: SimulatedDiscord, http: aiohttp.ClientSession) -> None:
    for scope, counted in (("user", 1), ("global", 2), ("shared", 2)):
        sim.fault(faults.rate_limited("GET", "/users/", retry_after_s=1.5, scope=scope))
        async with http.get("users/@me") as response:
            body = await response.json()
            assert (response.status, body["retry_after"], body["global"]) == (429, 1.5, scope == "global")
            assert (response.headers["X-RateLimit-Scope"], response.headers["Retry-After"]) == (scope, "2")
            assert response.headers.get("X-RateLimit-Global") == ("true" if scope == "global" else None)
        assert sim.rest.invalid_requests == counted


async def test_ready_made_faults(sim: SimulatedDiscord, http: aiohttp.ClientSession) -> None:
    post = f"channels/{sim.world.channels[0].id}/messages"
    _, message = await ask(http, "POST", post, {"content": "x"})
    for fault in (faults.broken(status=503), faults.unauthorized(), faults.old_message()):
        sim.fault(fault)
        status, body = await ask(http, "PATCH", f"{post}/{message['id']}", {"content": "y"})
        assert (status, body) == (fault.status, fault.body)
    sim.fault(faults.slow(delay_s=0.01))
    assert (await ask(http, "GET", "users/@me"))[0] == 200
    assert [call.fault for call in sim.calls] == [None, "status", "status", "status", "delay"]


async def test_an_answer_can_come_after_its_client_gave_up(sim: SimulatedDiscord, http: aiohttp.ClientSession) -> None:
    sim.fault(faults.late_answer("POST", "/messages$", delay_s=30.0))
    asking = asyncio.create_task(ask(http, "POST", f"channels/{sim.world.channels[0].id}/messages", {"content": "x"}))
    await sim.wait_for(lambda: sim.messages("alerts"))
    assert not asking.done()
    asking.cancel()
    await asyncio.wait({asking})
    await sim.wait_for(lambda: [call.fault for call in sim.calls] == ["late-answer"])


async def test_too_many_invalid_requests_ban_the_address() -> None:
    limits = RateLimits(invalid=RateLimit(3, 600.0))
    async with SimulatedDiscord(limits=limits) as sim, authorized(sim) as http:
        for _ in range(3):
            assert (await ask(http, "GET", "users/@me/", None))[0] == 404
            async with http.get("users/@me", headers={"Authorization": "Bot wrong"}) as response:
                assert response.status == 401
        async with http.get("users/@me") as response:
            assert (response.status, await response.text()) == (429, "error code: 1015")
            assert 0 < int(response.headers["Retry-After"]) <= 600
        await sim.forward(601)
        assert (await ask(http, "GET", "users/@me"))[0] == 200
        assert sim.rest.invalid_requests == 4


async def test_edits_of_old_messages_have_a_limit_of_their_own() -> None:
    async with SimulatedDiscord(limits=RateLimits(old_edits=RateLimit(2, 600.0))) as sim, authorized(sim) as http:
        post = f"channels/{sim.world.channels[0].id}/messages"
        _, message = await ask(http, "POST", post, {"content": "x"})
        path = f"{post}/{message['id']}"
        assert [(await ask(http, "PATCH", path, {"content": str(n)}))[0] for n in range(3)] == [200] * 3
        await sim.forward(3_601)
        answers = [await ask(http, "PATCH", path, {"content": str(n)}) for n in range(3)]
        await sim.forward(601)
        assert (await ask(http, "PATCH", path, {"content": "z"}))[0] == 200

    assert [status for status, _ in answers] == [200, 200, 400]
    assert answers[2][1]["code"] == 30046


async def test_a_zombie_connection_is_noticed_and_nothing_is_lost(sim: SimulatedDiscord) -> None:
    async with connected(sim):
        sim.gateway.freeze()
        late = asyncio.create_task(sim.slash("ping"))  # sent into the dead connection, replayed on the next
        await sim.wait_for(lambda: sim.gateway.resumes == 1)
        assert (await late).text == "pong"


async def test_unacknowledged_heartbeats_make_the_client_come_back(sim: SimulatedDiscord) -> None:
    async with connected(sim):
        sim.gateway.acknowledge_heartbeats = False
        await sim.wait_for(lambda: sim.gateway.resumes >= 1)
        await sim.heal()
        resumed = sim.gateway.resumes
        (connection,) = sim.gateway.connections
        await sim.wait_for(lambda: connection.heartbeats >= 3 or sim.gateway.resumes > resumed)


@pytest.mark.parametrize("code", [4007, 4009])
async def test_a_session_that_ended_is_begun_anew(sim: SimulatedDiscord, code: int) -> None:
    async with connected(sim):
        sim.gateway.close(code)
        await sim.wait_for(lambda: sim.gateway.identifies == 2)
        assert (await sim.slash("ping")).text == "pong"
        assert sim.gateway.resumes == 0


async def test_a_resumable_invalidation_keeps_the_session(sim: SimulatedDiscord) -> None:
    async with sim_socket(sim) as socket:
        session_id = (await identified(sim, socket))["session_id"]
        sim.gateway.invalidate(resumable=True)
        assert (await socket.receive_json())["d"] is True
        resume = {"token": sim.token, "session_id": session_id, "seq": 2}
        await socket.send_json({"op": 6, "d": resume})
        assert (await socket.receive_json())["t"] == "RESUMED"
        sim.gateway.invalidate()
        assert (await socket.receive_json())["d"] is False
        await socket.send_json({"op": 6, "d": resume})
        assert (await socket.receive_json())["op"] == 9


def sim_socket(sim: SimulatedDiscord) -> Socket:
    return Socket(sim)


class Socket:
    """A bare gateway connection."""

    def __init__(self, sim: SimulatedDiscord) -> None:
        self._http = aiohttp.ClientSession(sim.address)

    async def __aenter__(self) -> aiohttp.ClientWebSocketResponse:
        return await self._http.ws_connect("/gateway?v=10&encoding=json")

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()


async def identified(sim: SimulatedDiscord, socket: aiohttp.ClientWebSocketResponse) -> dict[str, str]:
    assert (await socket.receive_json())["op"] == 10
    await socket.send_json({"op": 2, "d": {"token": sim.token, "intents": 1, "properties": {}}})
    ready = (await socket.receive_json())["d"]
    assert (await socket.receive_json())["t"] == "GUILD_CREATE"
    return dict(ready)


async def test_a_client_that_chatters_is_closed(sim: SimulatedDiscord) -> None:
    async with sim_socket(sim) as socket:
        await identified(sim, socket)
        for _ in range(120):
            await socket.send_json({"op": 1, "d": 2})
        async with asyncio.timeout(30):
            while (await socket.receive()).type is not aiohttp.WSMsgType.CLOSE:
                pass
        assert socket.close_code == 4008


async def test_discord_goes_down_and_comes_back(sim: SimulatedDiscord, http: aiohttp.ClientSession) -> None:
    post = f"channels/{sim.world.channels[0].id}/messages"
    async with sim_socket(sim) as socket:
        await identified(sim, socket)
        await sim.go_down()
        assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        for _ in range(2):
            with pytest.raises(aiohttp.ClientError):
                await ask(http, "POST", post, {"content": "nobody hears it"})
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(sim.address + "/gateway")
        await sim.go_down(status=503)
        assert (await ask(http, "POST", post, {"content": "nobody hears it"}))[0] == 503
        await sim.come_back()
        assert (await ask(http, "POST", post, {"content": "everybody hears it"}))[0] == 200

    assert [message["content"] for message in sim.messages("alerts")] == ["everybody hears it"]


def test_the_same_dice_give_the_same_plan() -> None:
    one, other, third = (Schedule(Random(seed), lasts_s=600.0) for seed in (1, 1, 2))

    assert one.plan == other.plan
    assert one.plan != third.plan
    assert {step.trouble for step in one.plan} == set(Trouble)
    assert all((step.until_s is not None) is (step.trouble in LASTING) for step in one.plan)
    assert all(step.at_s < 600 and (step.until_s or 0) <= 600 for step in one.plan)
    assert all((step.code > 0) is (step.trouble is Trouble.CLOSE) for step in one.plan)


async def test_a_schedule_leaves_discord_well_and_says_what_it_did(sim: SimulatedDiscord) -> None:
    schedule = Schedule(Random(7), lasts_s=1.5, mean_pause_s=0.03, longest_s=0.2, most_slow_s=0.05)
    async with authorized(sim) as http, schedule.disturbing(sim):
        answered = 0
        while not schedule.over.is_set():
            try:
                answered += (await ask(http, "GET", "users/@me"))[0] == 200
            except aiohttp.ClientError:
                continue

    assert schedule.happened == list(schedule.plan)
    assert len(schedule.report().splitlines()) == len(schedule.plan)
    assert 0 < answered < len(sim.calls)
    assert {call.fault for call in sim.calls} >= {None, "status", "drop-before"}
    assert (sim.rest.faults.left, sim.rest.faults.standing, sim.gateway.refuse) == (0, None, False)


async def test_a_schedule_that_is_left_early_ends(sim: SimulatedDiscord) -> None:
    schedule = Schedule(Random(3), lasts_s=60.0, kinds=[Trouble.DOWN], mean_pause_s=0.01, longest_s=50.0)
    async with schedule.disturbing(sim):
        await sim.wait_for(lambda: schedule.happened)
    async with connected(sim):
        assert (await sim.slash("ping")).kind is AnswerKind.MESSAGE
