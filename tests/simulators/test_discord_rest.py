"""What the simulated Discord refuses, and how: limits, unknown things, rate limits, faults."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from jinkies.clock import SystemClock
from jinkies.simulators.discord import (
    Access,
    Channel,
    Fault,
    FaultKind,
    RateLimit,
    RateLimits,
    SimulatedDiscord,
    World,
    read_calls,
)
from tests.simulators.rest import Json, ask, authorized

WORLD = World(
    channels=(
        Channel("21", "alerts"),
        Channel("22", "read-only", Access.READ),
        Channel("23", "secret", Access.NONE),
    )
)
POST = "channels/21/messages"


@pytest.fixture
async def sim() -> AsyncIterator[SimulatedDiscord]:
    async with SimulatedDiscord(WORLD, limits=RateLimits(enabled=False)) as running:
        yield running


@pytest.fixture
async def http(sim: SimulatedDiscord) -> AsyncIterator[aiohttp.ClientSession]:
    async with authorized(sim) as session:
        yield session


@pytest.mark.parametrize("body", [{}, {"content": " \n"}, {"embeds": [{}]}, {"embeds": [], "components": []}])
async def test_an_empty_message_is_refused(http: aiohttp.ClientSession, body: Json) -> None:
    assert await ask(http, "POST", POST, body) == (400, {"message": "Cannot send an empty message", "code": 50006})


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "channels/99", 404, 10003),
        ("GET", "guilds/99", 404, 10004),
        ("GET", "users/99", 404, 10013),
        ("GET", f"guilds/{WORLD.guild_id}/members/99", 404, 10007),
        ("GET", "channels/21/messages/99", 404, 10008),
        ("PATCH", "channels/21/messages/99", 404, 10008),
        ("GET", "channels/23/messages", 403, 50001),
        ("POST", "channels/22/messages", 403, 50013),
        ("POST", "channels/99/messages", 404, 10003),
        ("POST", "interactions/1/none/callback", 404, 10062),
        ("POST", "webhooks/1/none", 404, 10015),
        ("GET", "channels/21/messages?limit=101", 400, 50035),
        ("GET", "channels/21/messages?before=x", 400, 50035),
        ("PUT", "applications/99/commands", 403, 20012),
        ("POST", "users/@me/channels", 404, 0),
        ("GET", "telepathy", 404, 0),
    ],
)
async def test_unknown_and_forbidden_things(
    http: aiohttp.ClientSession, method: str, path: str, status: int, code: int
) -> None:
    found, body = await ask(http, method, path, {"content": "x"} if method in ("POST", "PATCH") else None)

    assert (found, body["code"]) == (status, code)


async def test_only_the_bots_token_is_let_in(sim: SimulatedDiscord) -> None:
    async with aiohttp.ClientSession(sim.api_url + "/") as anybody:
        for headers in ({}, {"Authorization": "Bot wrong"}, {"Authorization": sim.token}):
            async with anybody.post(POST, json={"content": "x"}, headers=headers) as response:
                assert (response.status, await response.json()) == (401, {"message": "401: Unauthorized", "code": 0})

    assert sim.rest.invalid_requests == 3
    assert sim.messages("alerts") == []


async def test_a_body_that_is_no_json(sim: SimulatedDiscord, http: aiohttp.ClientSession) -> None:
    async with http.post(POST, data=b"{", headers={"Content-Type": "application/json"}) as response:
        assert (response.status, (await response.json())["code"]) == (400, 50109)


async def test_pages_of_messages_are_newest_first(http: aiohttp.ClientSession) -> None:
    ids = [(await ask(http, "POST", POST, {"content": str(n)}))[1]["id"] for n in range(6)]

    async def contents(query: str) -> str:
        return "".join(message["content"] for message in (await ask(http, "GET", f"{POST}?{query}"))[1])

    assert await contents("") == "543210"
    assert await contents("limit=2") == "54"
    assert await contents(f"before={ids[3]}&limit=2") == "21"
    assert await contents(f"after={ids[1]}&limit=2") == "32"
    assert await contents(f"around={ids[2]}&limit=3") == "321"


async def test_an_enforced_nonce_gives_the_first_message_again(
    sim: SimulatedDiscord, http: aiohttp.ClientSession
) -> None:
    body = {"content": "once", "nonce": "jk1-0a1b2c3d", "enforce_nonce": True}
    _, first = await ask(http, "POST", POST, body)
    _, second = await ask(http, "POST", POST, body | {"content": "twice"})
    _, free = await ask(http, "POST", POST, body | {"enforce_nonce": False})

    assert first["nonce"] == "jk1-0a1b2c3d"
    assert (second["id"], second["content"]) == (first["id"], "once")
    assert free["id"] != first["id"]
    assert len(sim.messages("alerts")) == 2
    assert "nonce" not in sim.messages("alerts")[0]


async def test_a_nonce_is_forgotten_after_a_while() -> None:
    body = {"content": "once", "nonce": "jk1-0a1b2c3d", "enforce_nonce": True}
    async with SimulatedDiscord(WORLD, nonce_memory_s=0.0) as sim, authorized(sim) as http:
        ids = {(await ask(http, "POST", POST, body))[1]["id"] for _ in range(2)}

    assert len(ids) == 2


async def test_only_allowed_mentions_ping(http: aiohttp.ClientSession) -> None:
    velma, on_call = WORLD.users[0].id, WORLD.roles[0].id
    content = f"@everyone <@{velma}> <@&{on_call}>"

    _, everything = await ask(http, "POST", POST, {"content": content})
    _, nothing = await ask(http, "POST", POST, {"content": content, "allowed_mentions": {"parse": []}})
    _, one = await ask(http, "POST", POST, {"content": content, "allowed_mentions": {"parse": [], "roles": [on_call]}})
    _, hidden = await ask(http, "POST", POST, {"embeds": [{"description": content}]})

    def pinged(message: Json) -> tuple[bool, list[str], list[str]]:
        return message["mention_everyone"], [user["username"] for user in message["mentions"]], message["mention_roles"]

    assert pinged(everything) == (True, ["velma"], [on_call])
    assert pinged(nothing) == pinged(hidden) == (False, [], [])
    assert pinged(one) == (False, [], [on_call])


async def test_the_sixth_post_in_a_window_is_a_429_and_other_channels_are_not() -> None:
    async with SimulatedDiscord(limits=RateLimits(messages=RateLimit(5, 5.0))) as sim:
        first, second, _third = (channel.id for channel in sim.world.channels)
        async with authorized(sim) as http:
            posts = [await ask(http, "POST", f"channels/{first}/messages", {"content": "x"}) for _ in range(6)]
            elsewhere = await ask(http, "POST", f"channels/{second}/messages", {"content": "x"})
            edited = await ask(http, "PATCH", f"channels/{first}/messages/{posts[0][1]['id']}", {"content": "y"})

    assert [status for status, _ in posts] == [200] * 5 + [429]
    assert (elsewhere[0], edited[0]) == (200, 200)
    body, headers = posts[5][1], sim.calls[5].response_headers
    assert body["message"] == "You are being rate limited."
    assert body["global"] is False
    assert 0 < body["retry_after"] <= 5
    assert [call.response_headers["X-RateLimit-Remaining"] for call in sim.calls[:6]] == ["4", "3", "2", "1", "0", "0"]
    assert headers["X-RateLimit-Limit"] == "5"
    assert headers["X-RateLimit-Scope"] == "user"
    assert 0 < float(headers["X-RateLimit-Reset-After"]) <= 5
    assert int(headers["Retry-After"]) >= float(headers["X-RateLimit-Reset-After"])
    buckets = [call.response_headers["X-RateLimit-Bucket"] for call in sim.calls]
    assert buckets[6] == headers["X-RateLimit-Bucket"], "a bucket's name leaves the channel out"
    assert buckets[7] != headers["X-RateLimit-Bucket"]


async def test_rates_change_from_now_on(sim: SimulatedDiscord, http: aiohttp.ClientSession) -> None:
    async def posted() -> list[int]:
        return [(await ask(http, "POST", POST, {"content": "x"}))[0] for _ in range(3)]

    assert await posted() == [200, 200, 200]
    sim.limits = RateLimits(messages=RateLimit(1, 60.0))
    assert await posted() == [200, 429, 429]
    assert sim.rest.buckets.refused == 2
    await sim.forward(61)
    assert await posted() == [200, 429, 429]


async def test_members_roles_and_users_can_be_asked_for(http: aiohttp.ClientSession) -> None:
    velma = WORLD.users[0]
    _, member = await ask(http, "GET", f"guilds/{WORLD.guild_id}/members/{velma.id}")
    _, roles = await ask(http, "GET", f"guilds/{WORLD.guild_id}/roles")
    _, user = await ask(http, "GET", f"users/{velma.id}")

    assert (member["user"], member["roles"]) == (user, list(velma.roles))
    assert [role["name"] for role in roles] == ["@everyone", "on-call", "support"]


async def test_the_global_limit_spans_routes() -> None:
    async with SimulatedDiscord(limits=RateLimits(overall=RateLimit(3, 5.0))) as sim, authorized(sim) as http:
        for path in ("users/@me", "gateway", "gateway/bot"):
            assert (await ask(http, "GET", path))[0] == 200
        status, body = await ask(http, "GET", "oauth2/applications/@me")
        exempt, _ = await ask(http, "POST", "webhooks/1/none", {"content": "x"})

    assert (status, body["global"], exempt) == (429, True, 404)
    assert sim.calls[3].response_headers["X-RateLimit-Global"] == "true"


async def test_faults_replace_delay_and_lose_answers(sim: SimulatedDiscord, http: aiohttp.ClientSession) -> None:
    gone = {"message": "Maximum number of edits to messages older than 1 hour reached. Try again later.", "code": 30046}
    sim.fault(Fault("PATCH", r"/messages/\d+$", FaultKind.STATUS, status=400, body=gone))
    sim.fault(Fault("POST", "/messages$", FaultKind.DROP_BEFORE))
    sim.fault(Fault("POST", "/messages$", FaultKind.DROP_AFTER_EFFECT))
    sim.fault(Fault("*", "/users/@me$", FaultKind.STATUS, times=2, status=502))

    for _ in range(2):
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await ask(http, "POST", POST, {"content": "lost"})
    (kept,) = sim.messages("alerts")
    assert await ask(http, "PATCH", f"{POST}/{kept['id']}", {"content": "x"}) == (400, gone)
    assert [(await ask(http, "GET", "users/@me"))[0] for _ in range(3)] == [502, 502, 200]
    assert [(call.status, call.dropped) for call in sim.calls[:2]] == [(0, "before"), (200, "after-effect")]
    assert sim.rest.faults.left == 0


async def test_calls_are_recorded_whole_with_the_token_masked(tmp_path: Any) -> None:
    record = tmp_path / "calls.jsonl"
    async with SimulatedDiscord(WORLD, record=record) as sim:
        async with authorized(sim) as http:
            await ask(http, "GET", POST + "?limit=1")
            await ask(http, "POST", POST, {"content": "x"})
        assert sim.token not in record.read_text()
        kept = sim.calls

    assert read_calls(record) == list(kept)
    listed, posted = kept
    assert (listed.template, listed.query) == ("/channels/{channel_id}/messages", {"limit": "1"})
    assert (posted.body, posted.status, posted.headers["Authorization"]) == ({"content": "x"}, 200, "Bot ***")


async def test_commands_are_checked(http: aiohttp.ClientSession) -> None:
    path = f"applications/{WORLD.application_id}/guilds/{WORLD.guild_id}/commands"
    good = {"name": "ack", "description": "Acknowledge"}
    option = {"type": 3, "name": "a", "description": "d"}
    for commands, code in (
        ([good | {"name": "Ack"}], "APPLICATION_COMMAND_INVALID_NAME"),
        ([good | {"name": "no spaces"}], "APPLICATION_COMMAND_INVALID_NAME"),
        ([good, good], "APPLICATION_COMMANDS_DUPLICATE_NAME"),
        ([{"name": "ack"}], "BASE_TYPE_REQUIRED"),
        ([good | {"options": [option] * 26}], "BASE_TYPE_MAX_LENGTH"),
        (
            [good | {"options": [option, option | {"name": "b", "required": True}]}],
            "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
        ),
    ):
        status, body = await ask(http, "PUT", path, commands)
        assert (status, body["code"]) == (400, 50035), commands
        assert code in str(body["errors"])
    assert (await ask(http, "PUT", path, [good]))[1][0]["guild_id"] == WORLD.guild_id


class ShiftedClock(SystemClock):
    """The machine's clock, some seconds ahead."""

    ahead_s = 0.0

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.ahead_s


async def test_an_interaction_lives_three_seconds_unanswered_and_fifteen_minutes_answered() -> None:
    clock = ShiftedClock()
    velma = WORLD.users[0]
    answer = {"type": 4, "data": {"content": "here"}}
    async with SimulatedDiscord(WORLD, clock=clock) as sim, authorized(sim) as http:
        missed, kept = (sim.state.begin(2, velma, "21", "ping") for _ in range(2))
        path = f"interactions/{kept.id}/{kept.token}/callback"
        original = f"webhooks/{WORLD.application_id}/{kept.token}/messages/@original"
        assert (await ask(http, "GET", original))[1]["code"] == 10015
        assert await ask(http, "POST", path, answer) == (204, None)
        assert (await ask(http, "POST", path, answer))[1]["code"] == 40060
        clock.ahead_s = 3.1
        late, body = await ask(http, "POST", f"interactions/{missed.id}/{missed.token}/callback", answer)
        assert (late, body["code"]) == (404, 10062)
        assert sim.people.answer(missed).reason == "The application did not respond"
        assert (await ask(http, "GET", original))[1]["content"] == "here"
        clock.ahead_s = 901.0
        assert (await ask(http, "GET", original))[1]["code"] == 50027


async def test_the_first_followup_fills_a_deferred_answer(sim: SimulatedDiscord, http: aiohttp.ClientSession) -> None:
    deferred = sim.state.begin(2, WORLD.users[0], "21", "ping")
    webhook = f"webhooks/{WORLD.application_id}/{deferred.token}"
    await ask(http, "POST", f"interactions/{deferred.id}/{deferred.token}/callback", {"type": 5, "data": {"flags": 64}})
    assert sim.people.answer(deferred).kind == "thinking"
    _, first = await ask(http, "POST", webhook, {"content": "first"})
    _, second = await ask(http, "POST", webhook, {"content": "second", "flags": 64})
    answer = sim.people.answer(deferred)

    assert answer.message is not None
    assert (answer.kind, answer.message["id"], answer.ephemeral) == ("message", first["id"], True)
    assert [each["id"] for each in answer.followups] == [second["id"]]
    assert sim.messages("alerts") == []
    assert (await ask(http, "DELETE", f"{webhook}/messages/{second['id']}"))[0] == 204
    assert (await ask(http, "GET", f"channels/21/messages/{first['id']}"))[1]["code"] == 10008, "nobody else's to see"


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        ({"type": 9, "data": {"custom_id": "f", "title": "t" * 46, "components": []}}, ("data", "title")),
        ({"type": 4, "data": {"content": "x" * 2001}}, ("data", "content")),
        ({"type": 8, "data": {"choices": [{"name": "n", "value": "v"}] * 26}}, ("data", "choices")),
        ({"type": 7, "data": {"content": "x"}}, ("type",)),
        ({"type": 99}, ("type",)),
    ],
)
async def test_bad_answers_are_refused_and_a_good_one_may_follow(
    sim: SimulatedDiscord, http: aiohttp.ClientSession, answer: Json, path: tuple[str, ...]
) -> None:
    command = sim.state.begin(2, WORLD.users[0], "21", "ping")
    callback = f"interactions/{command.id}/{command.token}/callback"
    status, body = await ask(http, "POST", callback, answer)

    assert (status, body["code"]) == (400, 50035)
    fault = body["errors"]
    for key in path:
        fault = fault[key]
    assert fault["_errors"]
    assert (await ask(http, "POST", callback, {"type": 4, "data": {"content": "x"}}))[0] == 204


async def test_white_space_around_texts_is_trimmed(http: aiohttp.ClientSession) -> None:
    body = {"content": " x ", "embeds": [{"title": " t " + " " * 300, "fields": [{"name": " n", "value": "v\n"}]}]}
    status, posted = await ask(http, "POST", POST, body)

    assert (status, posted["content"], posted["embeds"][0]["title"]) == (200, "x", "t")
    assert posted["embeds"][0]["fields"] == [{"name": "n", "value": "v", "inline": False}]
