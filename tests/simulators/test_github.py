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


async def with_pull(http: httpx.AsyncClient) -> None:
    await http.post("/git/refs", json={"ref": "refs/heads/x", "sha": await main_sha(http)})
    await put(http, "x", "1", "x")
    assert (await http.post("/pulls", json={"title": "t", "head": "x", "base": "main", "draft": True})).is_success


async def test_what_did_not_change_is_a_304_that_is_not_counted(http: httpx.AsyncClient) -> None:
    await with_pull(http)
    first = await http.get("/pulls/1")
    etag = first.headers["etag"]
    again = await http.get("/pulls/1", headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]
    await http.patch("/pulls/1", json={"state": "closed"})
    changed = await http.get("/pulls/1", headers={"If-None-Match": etag})
    assert (changed.status_code, changed.json()["state"]) == (200, "closed")
    assert changed.headers["etag"] != etag
    assert "etag" not in (await http.get("/pulls/9", headers={"If-None-Match": etag})).headers


async def test_people_merge_close_and_reopen_pull_requests(github: SimulatedGitHub, http: httpx.AsyncClient) -> None:
    async def act(do: str, status: int = 204) -> dict[str, object]:
        asked = {"repository": REPO, "number": 1, "do": do, "by": "ada"}
        assert (await http.post(f"{github.address}/_sim/pull", json=asked)).status_code == status
        found = (await http.get("/pulls/1")).json()
        return {name: found[name] for name in ("state", "draft", "merged")}

    await with_pull(http)
    refused = await http.put("/pulls/1/merge", json={})
    assert (refused.status_code, refused.json()["message"]) == (405, "Pull Request is still a draft")
    assert await act("ready") == {"state": "open", "draft": False, "merged": False}
    assert await act("close") == {"state": "closed", "draft": False, "merged": False}
    assert await act("merge", 409) == {"state": "closed", "draft": False, "merged": False}
    assert await act("reopen") == {"state": "open", "draft": False, "merged": False}
    assert await act("merge") == {"state": "closed", "draft": False, "merged": True}
    assert await act("reopen", 409) == {"state": "closed", "draft": False, "merged": True}
    found = (await http.get("/pulls/1")).json()
    assert found["merged_by"]["login"] == "ada"
    assert found["merged_at"] is not None
    assert (await http.get("/contents/x", params={"ref": "main"})).status_code == 200
    assert (await http.patch("/pulls/1", json={"state": "open"})).status_code == 422


async def test_a_pull_request_is_merged_over_the_api(http: httpx.AsyncClient) -> None:
    await http.post("/git/refs", json={"ref": "refs/heads/x", "sha": await main_sha(http)})
    await put(http, "x", "1", "x")
    await http.post("/pulls", json={"title": "t", "head": "x", "base": "main"})
    merged = await http.put("/pulls/1/merge", json={})
    assert (merged.status_code, merged.json()["merged"]) == (200, True)
    assert merged.json()["sha"] == await main_sha(http)
    assert (await http.put("/pulls/1/merge", json={})).json()["message"] == "Pull Request is not mergeable"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"repository": "octo/none", "number": 1, "do": "close"}, 404),
        ({"repository": REPO, "number": 9, "do": "close"}, 404),
        ({"repository": REPO, "number": 1, "do": "explode"}, 422),
        ([], 422),
    ],
)
@pytest.mark.parametrize("what", ["pull", "issue"])
async def test_what_people_can_not_do(
    github: SimulatedGitHub, http: httpx.AsyncClient, what: str, asked: object, status: int
) -> None:
    do = {**asked, "do": "reopen"} if isinstance(asked, dict) and asked["do"] == "close" else asked
    assert (await http.post(f"{github.address}/_sim/{what}", json=do)).status_code == status


async def test_people_close_and_reopen_issues(github: SimulatedGitHub, http: httpx.AsyncClient) -> None:
    async def stands() -> tuple[str, str | None, str | None]:
        found = (await http.get("/issues/1")).json()
        by = found["closed_by"]
        return found["state"], found["state_reason"], by and by["login"]

    await http.post("/issues", json={"title": "t"})
    assert await stands() == ("open", None, None)
    for do, wanted in (
        ("complete", ("closed", "completed", "velma")),
        ("reopen", ("open", "reopened", None)),
        ("not_planned", ("closed", "not_planned", "velma")),
        ("duplicate", ("closed", "duplicate", "velma")),
    ):
        asked = {"repository": REPO, "number": 1, "do": do}
        assert (await http.post(f"{github.address}/_sim/issue", json=asked)).status_code == 204
        assert await stands() == wanted
    await http.patch("/issues/1", json={"state": "open"})
    assert await stands() == ("open", "reopened", None)
    await http.patch("/issues/1", json={"state": "closed", "state_reason": "not_planned"})
    assert await stands() == ("closed", "not_planned", "jinkies-bot")
    assert (await http.patch("/issues/1", json={"state_reason": "bored"})).status_code == 422


async def test_the_buttons_of_the_pages(github: SimulatedGitHub, http: httpx.AsyncClient) -> None:
    async def press(page: str, do: str) -> str:
        before = (await http.get(page)).text
        assert f'name="do" value="{do}"' in before
        pressed = await http.post(page, data={"do": do})
        assert (pressed.status_code, pressed.headers["location"]) == (303, page.removeprefix(github.address))
        return (await http.get(page)).text

    await with_pull(http)
    await http.post("/issues", json={"title": "t"})
    pull, issue = (f"{github.address}/{REPO}/{place}" for place in ("pull/1", "issues/2"))
    assert ">Open<" in await press(pull, "ready")
    assert ">Closed<" in await press(pull, "close")
    assert ">Open<" in await press(pull, "reopen")
    merged = await press(pull, "merge")
    assert ">Merged<" in merged
    assert "<button" not in merged
    assert "</span> as not planned" in await press(issue, "not_planned")
    assert ">Open<" in await press(issue, "reopen")
    assert (await http.post(f"{github.address}/{REPO}/pull/9", data={"do": "close"})).status_code == 404
