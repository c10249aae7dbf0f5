from __future__ import annotations

import asyncio
import base64
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import msgspec
import pytest

from jinkies.clock import Clock
from jinkies.simulators.github import RateLimits, SimulatedGitHub
from tests.virtual import run_virtually

TOKEN = "ghp_" + "x1Y2" * 9
REPO = "octo/shop"


@pytest.fixture
async def github() -> AsyncIterator[SimulatedGitHub]:
    async with SimulatedGitHub(token=TOKEN, repositories=(REPO,)) as running:
        yield running


@pytest.fixture
async def http(github: SimulatedGitHub) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=github.api_url + f"/repos/{REPO}", headers=headers) as client:
        yield client


async def main_sha(http: httpx.AsyncClient) -> str:
    return str((await http.get("/git/ref/heads/main")).json()["object"]["sha"])


async def put(http: httpx.AsyncClient, path: str, text: str, branch: str, **more: str) -> httpx.Response:
    content = base64.b64encode(text.encode()).decode()
    return await http.put(f"/contents/{path}", json={"message": "m", "content": content, "branch": branch, **more})


async def test_a_pull_request_from_start_to_end(github: SimulatedGitHub, http: httpx.AsyncClient) -> None:
    made = await http.post("/git/refs", json={"ref": "refs/heads/fix", "sha": await main_sha(http)})
    assert (made.status_code, made.json()["ref"]) == (201, "refs/heads/fix")
    committed = await put(http, "a/b.md", "hello", "fix")
    assert (committed.status_code, committed.json()["content"]["path"]) == (201, "a/b.md")
    read = (await http.get("/contents/a/b.md", params={"ref": "fix"})).json()
    assert base64.b64decode(read["content"]) == b"hello"
    assert read["sha"] == "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0"  # what git hash-object says
    opened = await http.post("/pulls", json={"title": "<b>T</b>", "head": "fix", "base": "main", "draft": True})
    assert (opened.status_code, opened.json()["number"], opened.json()["draft"]) == (201, 1, True)
    listed = (await http.get("/pulls", params={"state": "all", "head": "octo:fix"})).json()
    assert [pull["number"] for pull in listed] == [1]
    page = await http.get(opened.json()["html_url"])
    assert "&lt;b&gt;T&lt;/b&gt;" in page.text
    assert "<b>T</b>" not in page.text
    assert "hello" in page.text
    closed = await http.patch("/pulls/1", json={"state": "closed"})
    assert closed.json()["state"] == "closed"
    assert (await http.get("/pulls")).json() == []
    assert (await http.get("/pulls/1")).json()["title"] == "<b>T</b>"
    recorded = (await http.get(f"{github.address}/_sim/pulls")).json()
    assert (recorded[0]["files"], recorded[0]["commits"]) == ({"a/b.md": "hello"}, ["m"])


async def test_every_answer_counts_down_the_limit(http: httpx.AsyncClient) -> None:
    first, second = await http.get("/pulls"), await http.get("/pulls")
    assert first.headers["x-ratelimit-limit"] == "5000"
    assert int(first.headers["x-ratelimit-remaining"]) - int(second.headers["x-ratelimit-remaining"]) == 1
    assert first.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("header", [{}, {"Authorization": "token wrong"}])
async def test_no_or_a_wrong_token(github: SimulatedGitHub, header: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=github.api_url, headers=header) as client:
        answer = await client.get(f"/repos/{REPO}")
    assert answer.status_code == 401
    assert answer.json()["message"] == ("Bad credentials" if header else "Requires authentication")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "/git/refs", {"ref": "refs/heads/main", "sha": "SHA"}, 422, "Reference already exists"),
        ("POST", "/git/refs", {"ref": "refs/heads/x"}, 422, '"sha" wasn\'t supplied.'),
        ("POST", "/git/refs", {"ref": "main", "sha": "SHA"}, 422, "main is not a valid ref name."),
        ("POST", "/git/refs", {"ref": "refs/heads/a..b", "sha": "SHA"}, 422, "is not a valid ref name."),
        ("POST", "/git/refs", {"ref": "refs/heads/x", "sha": "0" * 40}, 422, "Object does not exist"),
        ("GET", "/git/ref/heads/nope", None, 404, "Not Found"),
        ("GET", "/contents/nope", None, 404, "Not Found"),
        ("PUT", "/contents/README.md", {"message": "m", "content": "eA=="}, 422, '"sha" wasn\'t supplied.'),
        ("PUT", "/contents/README.md", {"message": "m", "content": "eA==", "sha": "1"}, 409, "does not match"),
        ("PUT", "/contents/x", {"message": "m", "content": "eA==", "branch": "no"}, 404, "Branch no not found"),
        ("PUT", "/contents/x", {"message": "m", "content": "%"}, 422, "not valid Base64"),
        ("POST", "/pulls", {"title": "t", "base": "main"}, 422, '"head" wasn\'t supplied.'),
        ("POST", "/pulls", {"title": "t", "base": "main", "head": "no"}, 422, "Validation Failed"),
        ("POST", "/pulls", {"title": "t", "base": "main", "head": "main"}, 422, "No commits between main and main"),
        ("POST", "/pulls", {"title": "t", "base": "main", "head": 1}, 422, "1 is not a string"),
        ("POST", "/pulls", {"title": "t" * 257, "base": "main", "head": "main"}, 422, "title is too long"),
        ("POST", "/pulls", {"title": "t", "body": "b" * 65_537, "base": "main", "head": "main"}, 422, "65536"),
        ("GET", "/pulls/9", None, 404, "Not Found"),
        ("GET", "/nothing", None, 404, "Not Found"),
    ],
)
async def test_refusals(
    http: httpx.AsyncClient, method: str, path: str, body: dict[str, object] | None, status: int, says: str
) -> None:
    if body is not None and body.get("sha") == "SHA":
        body = {**body, "sha": await main_sha(http)}
    answer = await http.request(method, path, json=body)
    assert answer.status_code == status
    assert says in answer.json()["message"] + str(answer.json().get("errors"))
    assert answer.json()["status"] == str(status)


async def test_a_second_pull_request_from_a_branch(http: httpx.AsyncClient) -> None:
    await http.post("/git/refs", json={"ref": "refs/heads/x", "sha": await main_sha(http)})
    await put(http, "x", "1", "x")
    wanted = {"title": "t", "head": "octo:x", "base": "main"}
    assert (await http.post("/pulls", json=wanted)).status_code == 201
    again = await http.post("/pulls", json=wanted)
    assert again.json()["errors"][0]["message"] == "A pull request already exists for octo:x."


async def test_refs_move_forward_only_unless_forced(http: httpx.AsyncClient) -> None:
    start = await main_sha(http)
    await put(http, "x", "1", "main")
    assert (await http.patch("/git/refs/heads/main", json={"sha": start})).status_code == 422
    assert (await http.patch("/git/refs/heads/main", json={"sha": start, "force": True})).status_code == 200
    assert await main_sha(http) == start


async def test_faults_strike_before_or_after(github: SimulatedGitHub, http: httpx.AsyncClient) -> None:
    for fault in (
        {"method": "GET", "path": "/pulls$", "status": 502},
        {"method": "PUT", "path": "/contents/", "status": 0, "when": "after"},
    ):
        assert (await http.post(f"{github.address}/_sim/faults", json=fault)).status_code == 204
    assert (await http.get("/pulls")).status_code == 502
    assert (await http.get("/pulls")).status_code == 200
    with pytest.raises(httpx.RemoteProtocolError):
        await put(http, "x", "1", "main")
    assert (await http.get("/contents/x")).status_code == 200  # it was carried out, only the answer got lost
    assert [call.status for call in github.control.calls] == [502, 200, 0, 200]
    assert TOKEN not in (await http.get(f"{github.address}/_sim/calls")).text


async def test_both_rate_limits() -> None:
    limits = RateLimits(per_hour=3, writes_per_minute=1)
    async with (
        SimulatedGitHub(token=TOKEN, limits=limits) as github,
        httpx.AsyncClient(base_url=f"{github.api_url}/repos/octo/shop") as http,
    ):
        http.headers["Authorization"] = f"token {TOKEN}"
        assert (await put(http, "x", "1", "main")).status_code == 201
        second = await put(http, "y", "1", "main")
        assert (second.status_code, second.headers["retry-after"]) == (403, "60")
        await http.get("/pulls")
        last = await http.get("/pulls")
        assert (last.status_code, last.headers["x-ratelimit-remaining"]) == (403, "0")
        assert int(last.headers["x-ratelimit-reset"]) > time.time()


def test_an_open_connection_does_not_hold_up_the_end() -> None:
    async def leave(clock: Clock) -> float:
        async with AsyncExitStack() as running, httpx.AsyncClient(trust_env=False) as client:
            github = await running.enter_async_context(SimulatedGitHub(token=TOKEN))
            assert (await client.get(f"{github.address}/_sim/calls")).status_code == 200
            began_s = clock.monotonic_s()
            await running.aclose()
            return clock.monotonic_s() - began_s

    assert run_virtually(leave) < 0.1


@pytest.mark.processes
async def test_as_a_process() -> None:
    command = [sys.executable, "-m", "jinkies.simulators.github", "--token-env", "SIM_TOKEN", "--repository", "a/b"]
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, "SIM_TOKEN": TOKEN}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        said = msgspec.json.decode(await asyncio.wait_for(process.stdout.readline(), 30), type=dict[str, str])
        assert set(said) == {"address", "api_url"}
        async with httpx.AsyncClient(headers={"Authorization": f"token {TOKEN}"}) as http:
            assert (await http.get(f"{said['api_url']}/repos/a/b")).json()["full_name"] == "a/b"
            process.send_signal(signal.SIGTERM)
            _, complaints = await asyncio.wait_for(process.communicate(), 30)
        assert (process.returncode, complaints) == (0, b"")
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def test_the_process_wants_a_token() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SIM_TOKEN"}
    command = [sys.executable, "-m", "jinkies.simulators.github", "--token-env", "SIM_TOKEN"]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.PIPE)
    _, complaints = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    assert b"set SIM_TOKEN" in complaints
