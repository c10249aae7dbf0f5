from __future__ import annotations

import logging

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from jinkies.config import GitHubConfig, Secret
from jinkies.errors import UpstreamError
from jinkies.github.client import MAX_ANSWER_BYTES, GitHubClient
from jinkies.simulators.github import Fault, RateLimits, SimulatedGitHub, When
from tests.github.samples import REPO, TOKEN, QuickClock


@pytest.fixture
def client(github: SimulatedGitHub, clock: QuickClock) -> GitHubClient:
    return GitHubClient(GitHubConfig(token=Secret(TOKEN), api_url=github.api_url), clock)


def fails(
    github: SimulatedGitHub, status: int, message: str, *, headers: dict[str, str] | None = None, times: int = 1
) -> None:
    body = msgspec.Raw(msgspec.json.encode({"message": message}))
    github.control.faults.append(Fault(status=status, body=body, headers=headers or {}, times=times))


async def make_branch(client: GitHubClient) -> None:
    sha = await client.branch_sha(REPO, "main")
    assert sha is not None
    await client.create_branch(REPO, "fix", sha)


async def test_the_calls_of_a_pull_request(github: SimulatedGitHub, client: GitHubClient) -> None:
    info = await client.repository("OCTO/shop")
    assert (info.full_name, info.default_branch) == (REPO, "main")
    assert await client.branch_sha(REPO, "fix") is None
    assert await client.find_pull_request(REPO, "fix") is None
    await make_branch(client)
    await make_branch(client)  # a branch that is there is no error
    assert await client.file(REPO, "incidents/42.md", "fix") is None
    await client.put_file(REPO, "incidents/42.md", "fix", "one é", message="m", replaces=None)
    there = await client.file(REPO, "incidents/42.md", "fix")
    assert there is not None
    assert there.text == "one é"
    await client.put_file(REPO, "incidents/42.md", "fix", "two", message="m", replaces=there.sha)
    opened = await client.open_pull_request(REPO, branch="fix", base="main", title="t", body="b")
    assert opened is not None
    assert opened == await client.find_pull_request(REPO, "fix")
    assert opened.html_url == f"{github.address}/octo/shop/pull/1"
    assert await client.open_pull_request(REPO, branch="fix", base="main", title="t", body="b") is None
    assert github.repositories[REPO].pulls[0].draft
    assert client.remaining == 5_000 - len(github.control.calls)


async def test_a_branch_with_slashes_and_odd_characters(client: GitHubClient) -> None:
    sha = await client.branch_sha(REPO, "main")
    assert sha is not None
    for name in ("feature/a#b", "release/1.2%20x", "jinkies/é"):
        await client.create_branch(REPO, name, sha)
        assert await client.branch_sha(REPO, name) == sha


async def test_a_repository_without_drafts_gets_a_plain_one(github: SimulatedGitHub, client: GitHubClient) -> None:
    github.repositories[REPO].drafts = False
    await make_branch(client)
    await client.put_file(REPO, "x", "fix", "1", message="m", replaces=None)
    assert await client.open_pull_request(REPO, branch="fix", base="main", title="t", body="b") is not None
    assert not github.repositories[REPO].pulls[0].draft


async def test_writes_are_a_second_apart(client: GitHubClient, clock: QuickClock) -> None:
    await make_branch(client)
    assert clock.slept == []
    await client.put_file(REPO, "x", "fix", "1", message="m", replaces=None)
    await client.put_file(REPO, "y", "fix", "1", message="m", replaces=None)
    assert clock.slept == [1.0, 1.0]
    await client.repository(REPO)
    assert clock.slept == [1.0, 1.0]


NOT_ACCESSIBLE = "Resource not accessible by personal access token"
MAY_NOT = "GITHUB_TOKEN may not create the branch fix: give it the permission"
NO_REPOSITORY = (
    "127.0.0.1 has no repository octo/shop, or GITHUB_TOKEN can't see it or may not create the branch fix"
    " (Contents: write): check GITHUB_REPO_OWNER and GITHUB_REPO_NAME, or the service's repository"
)
PAUSE = "GitHub's rate limit is reached:"
ACCEPTED = {"x-accepted-github-permissions": "contents=write"}


@pytest.mark.parametrize(
    ("status", "message", "headers", "retry", "says"),
    [
        (401, "Bad", {}, False, "GitHub rejects GITHUB_TOKEN: set one that is valid (GitHub: Bad)"),
        (403, NOT_ACCESSIBLE, ACCEPTED, False, f"{MAY_NOT} contents=write on octo/shop (GitHub: {NOT_ACCESSIBLE})"),
        (403, NOT_ACCESSIBLE, {}, False, f"{MAY_NOT} Contents: write on octo/shop (GitHub: {NOT_ACCESSIBLE})"),
        (403, "It was archived.", {}, False, "GitHub refuses to create the branch fix: It was archived."),
        (404, "Not Found", {}, False, NO_REPOSITORY),
        (409, "Git Repository is empty.", {}, False, "octo/shop is empty: a pull request needs a first commit"),
        (409, "a but expected b", {}, True, "octo/shop changed while Jinkies tried to create the branch fix (GitHub:"),
        (422, "No object", {}, False, "GitHub refuses to create the branch fix: HTTP 422 (GitHub: No object)"),
        (500, "Server Error", {}, True, "GitHub failed to create the branch fix: HTTP 500 (GitHub: Server Error)"),
        (503, "", {}, True, "GitHub failed to create the branch fix: HTTP 503"),
        (429, "slow down", {"retry-after": "7"}, True, f"{PAUSE} 7 s until it can be asked again"),
        (403, "You have exceeded a secondary rate limit.", {}, True, f"{PAUSE} 60 s until it can be asked again"),
    ],
)
async def test_each_error_in_our_words(
    github: SimulatedGitHub,
    client: GitHubClient,
    status: int,
    message: str,
    headers: dict[str, str],
    retry: bool,
    says: str,
) -> None:
    fails(github, status, message, headers=headers)
    with pytest.raises(UpstreamError) as caught:
        await client.create_branch(REPO, "fix", "0" * 40)
    assert str(caught.value).startswith(says)
    assert caught.value.retry is retry


async def test_a_limit_is_left_alone_until_it_is_over(
    github: SimulatedGitHub, client: GitHubClient, clock: QuickClock
) -> None:
    fails(github, 429, "slow down", headers={"retry-after": "30"})
    with pytest.raises(UpstreamError):
        await client.repository(REPO)
    with pytest.raises(UpstreamError, match="GitHub asked for a pause: 30 s are left of it"):
        await client.repository(REPO)
    assert len(github.control.calls) == 1
    assert client.wait_s() == 30
    clock.elapsed_s += 30
    assert (await client.repository(REPO)).full_name == REPO


async def test_the_primary_limit_waits_for_its_reset(clock: QuickClock) -> None:
    async with SimulatedGitHub(token=TOKEN, limits=RateLimits(per_hour=1)) as github:
        client = GitHubClient(GitHubConfig(token=Secret(TOKEN), api_url=github.api_url), clock)
        await client.repository(REPO)
        github.limits.reset_at_s = clock.now_ms() // 1000 + 90
        github.limits.take = lambda: False  # type: ignore[method-assign] # its own clock is not this one
        with pytest.raises(UpstreamError, match="90 s until it can be asked again"):
            await client.repository(REPO)


async def test_unprocessable_details_are_quoted(github: SimulatedGitHub, client: GitHubClient) -> None:
    await make_branch(client)
    with pytest.raises(UpstreamError, match="No commits between main and fix") as caught:
        await client.open_pull_request(REPO, branch="fix", base="main", title="t", body="b")
    assert not caught.value.retry


@pytest.mark.parametrize("name", ["octo", "octo/", "octo/..", "../x/y", "octo/a b", "https://github.com/o/r"])
async def test_a_repository_is_owner_and_name(client: GitHubClient, github: SimulatedGitHub, name: str) -> None:
    with pytest.raises(UpstreamError, match="write it as owner/name"):
        await client.repository(name)
    assert not github.control.calls


@pytest.mark.parametrize(
    "name", ["", "a..b", "../x", "a b", "x.lock", "-x", "a//b", "@{", "x/", "/x", ".x", "x\n", "x" * 256]
)
async def test_a_branch_has_a_branchs_name(client: GitHubClient, github: SimulatedGitHub, name: str) -> None:
    with pytest.raises(UpstreamError, match="not a name that a branch can have"):
        await client.branch_sha(REPO, name)
    assert not github.control.calls


async def test_nobody_answers(clock: QuickClock) -> None:
    async with SimulatedGitHub(token=TOKEN) as gone:
        pass
    client = GitHubClient(GitHubConfig(token=Secret(TOKEN), api_url=gone.api_url), clock)
    with pytest.raises(UpstreamError, match=r"can't reach 127.0.0.1 to read the repository: no connection") as caught:
        await client.repository(REPO)
    assert caught.value.retry


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_a_broken_connection(github: SimulatedGitHub, client: GitHubClient, when: When) -> None:
    github.control.faults.append(Fault(status=0, when=when))
    with pytest.raises(UpstreamError, match="the connection broke") as caught:
        await client.repository(REPO)
    assert caught.value.retry


async def test_no_answer_in_time(
    github: SimulatedGitHub, client: GitHubClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jinkies.github.client.CALL_TIMEOUT_S", 0.05)
    github.control.faults.append(Fault(status=0, delay_s=5))
    with pytest.raises(UpstreamError, match="no answer in time") as caught:
        await client.repository(REPO)
    assert caught.value.retry


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"full_name": 1}'])
async def test_something_else_answers(github: SimulatedGitHub, client: GitHubClient, body: bytes) -> None:
    github.control.faults.append(Fault(status=200, body=msgspec.Raw(body)))
    with pytest.raises(UpstreamError, match=r"is not GitHub's API: is \[github\] api_url right"):
        await client.repository(REPO)


async def test_an_answer_too_large(github: SimulatedGitHub, client: GitHubClient) -> None:
    github.control.faults.append(Fault(status=200, body=msgspec.Raw(b" " * (MAX_ANSWER_BYTES + 1))))
    with pytest.raises(UpstreamError, match="larger than 8,388,608 bytes"):
        await client.repository(REPO)


@pytest.mark.parametrize("token", [TOKEN + "\nx", TOKEN + "é", TOKEN + "\x00", "wrong" + TOKEN])
async def test_the_token_is_in_no_error_and_no_log(
    github: SimulatedGitHub, token: str, clock: QuickClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = GitHubClient(GitHubConfig(token=Secret(token), api_url=github.api_url), clock)
    with pytest.raises(UpstreamError) as caught:
        await client.repository(REPO)
    error: BaseException | None = caught.value
    assert error is not None
    assert "GITHUB_TOKEN" in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    assert TOKEN[4:] not in str(error) + repr(error) + caplog.text


async def test_a_token_that_github_repeats_is_redacted(github: SimulatedGitHub, client: GitHubClient) -> None:
    fails(github, 422, f"bad token {TOKEN}")
    with pytest.raises(UpstreamError) as caught:
        await client.repository(REPO)
    assert "bad token [redacted]" in str(caught.value)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@pytest.mark.parametrize("on_one_line", [False, True])
async def test_an_app_signs_in_for_its_repository(key: rsa.RSAPrivateKey, clock: QuickClock, on_one_line: bool) -> None:
    text = pem(key).replace("\n", "\\n") if on_one_line else pem(key)
    async with SimulatedGitHub(token=TOKEN, app_id="12", app_public_key=public_pem(key)) as github:
        config = GitHubConfig(app_id="12", private_key=Secret(text), api_url=github.api_url)
        client = GitHubClient(config, clock)
        assert (await client.repository(REPO)).default_branch == "main"
        await make_branch(client)
        paths = [call.path for call in github.control.calls]
        assert paths[:3] == [f"/repos/{REPO}/installation", "/app/installations/1/access_tokens", f"/repos/{REPO}"]
        assert paths.count("/app/installations/1/access_tokens") == 1
        with pytest.raises(UpstreamError, match="the app of GITHUB_APP_ID is not installed on octo/other"):
            await client.repository("octo/other")


async def test_another_apps_key_is_rejected(key: rsa.RSAPrivateKey, clock: QuickClock) -> None:
    async with SimulatedGitHub(token=TOKEN, app_id="12", app_public_key=public_pem(key)) as github:
        config = GitHubConfig(app_id="13", private_key=Secret(pem(key)), api_url=github.api_url)
        with pytest.raises(UpstreamError, match="GitHub rejects GITHUB_APP_ID and GITHUB_PRIVATE_KEY"):
            await GitHubClient(config, clock).repository(REPO)


async def test_a_private_key_that_is_none(github: SimulatedGitHub, clock: QuickClock) -> None:
    config = GitHubConfig(app_id="12", private_key=Secret("swordfish"), api_url=github.api_url)
    with pytest.raises(UpstreamError, match="GITHUB_PRIVATE_KEY is not the PEM text") as caught:
        await GitHubClient(config, clock).repository(REPO)
    assert "swordfish" not in str(caught.value)
