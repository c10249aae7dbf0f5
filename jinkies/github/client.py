"""A thin adapter over githubkit: the few calls that a pull request needs, typed, paced and with errors in our words.

githubkit is imported with the first call. Answers are decoded from their JSON with the fields that are needed,
because githubkit's models fail on some of GitHub's own examples.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec

from jinkies.clock import Clock
from jinkies.config import GitHubConfig
from jinkies.errors import UpstreamError
from jinkies.github.errors import Asked, credentials_name, host, rate_limited, refused, wait_s, words
from jinkies.github.standing import NumberRef

if TYPE_CHECKING:
    import ssl

    import httpx
    from githubkit import GitHub

_T = TypeVar("_T")

TIMEOUT_S = 20.0  # for each of connecting, writing and waiting for bytes
CALL_TIMEOUT_S = 60.0  # for a whole call
MAX_ANSWER_BYTES = 8 * 1024 * 1024
WRITE_GAP_S = 1.0  # GitHub: at least a second between requests that create or change something

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_TOKEN = re.compile(r"[\x21-\x7e]{1,1000}")
# git-check-ref-format: what a branch's name may not hold
_BAD_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|(^|/)\.|\.lock(/|$)|[./]$|^[/-]|^$")

_CONTENTS = "Contents: write"
_PULLS = "Pull requests: write"


class RepositoryInfo(msgspec.Struct, frozen=True):
    """A repository as GitHub names it now: ``full_name`` differs from what was asked for after a renaming."""

    full_name: str
    default_branch: str


class RemoteFile(msgspec.Struct, frozen=True):
    """A file on a branch: its blob's sha, and its text (None: not text, or too large to be sent along)."""

    sha: str
    text: str | None


class RateLimit(msgspec.Struct, frozen=True):
    """What is left of the hour's requests; None where the server has no limit."""

    remaining: int | None


class _Object(msgspec.Struct):
    sha: str


class _Ref(msgspec.Struct):
    object: _Object


class _File(msgspec.Struct):
    sha: str
    encoding: str = ""
    content: str = ""


class _Installation(msgspec.Struct):
    id: int


class Answer(msgspec.Struct):
    """What GitHub said; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class GitHubClient:
    """GitHub's REST API. One call at a time, each on a connection of its own; writes at least ``WRITE_GAP_S`` apart.

    Every method raises ``UpstreamError``: ``retry`` says whether the same call can work later, and ``wait_s()`` how
    much later at least. No error holds a credential.
    """

    def __init__(self, config: GitHubConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._signed_in: dict[str, GitHub[Any]] = {}  # by repository for an app, else one under ""
        self._tls: ssl.SSLContext | None = None
        self._last_write_s: float | None = None
        self._blocked_until_s = 0.0
        self.remaining: int | None = None  # of the hour's requests, as the last answer said

    def wait_s(self) -> float:
        """Seconds until GitHub wants to be asked again; 0 when it can be now."""
        return max(self._blocked_until_s - self._clock.monotonic_s(), 0.0)

    async def rate_limit(self) -> RateLimit:
        """Ask for the limits, which costs nothing of them. For a token only: an app has one per installation."""
        asked = Asked(what="say how many requests are left")
        answer = await self.ask(asked, "GET", "rate_limit", accept=(404,))  # 404: a server without limits
        return RateLimit(self.remaining if answer.status == 200 else None)

    async def repository(self, name: str) -> RepositoryInfo:
        """A repository by ``owner/name``."""
        if _REPOSITORY.fullmatch(name) is None:
            raise UpstreamError(f"{name!r} is not a repository: write it as owner/name")
        asked = Asked(what="read the repository", repository=name)
        return decoded(await self.ask(asked, "GET", f"repos/{name}"), RepositoryInfo, asked)

    async def branch_sha(self, repository: str, branch: str) -> str | None:
        """The commit that a branch points to; None when there is no such branch."""
        if len(branch) > 255 or _BAD_BRANCH.search(branch):
            raise UpstreamError(f"{branch!r} is not a name that a branch can have")
        asked = Asked(what=f"read the branch {branch}", repository=repository, permission="Contents: read")
        path = f"repos/{repository}/git/ref/heads/{quote(branch)}"
        answer = await self.ask(asked, "GET", path, accept=(404,))
        return None if answer.status == 404 else decoded(answer, _Ref, asked).object.sha

    async def create_branch(self, repository: str, branch: str, sha: str) -> None:
        """A branch at a commit; one that is there already stays as it is."""
        asked = Asked(what=f"create the branch {branch}", repository=repository, permission=_CONTENTS)
        body = {"ref": f"refs/heads/{branch}", "sha": sha}
        answer = await self.ask(asked, "POST", f"repos/{repository}/git/refs", body=body, accept=(422,))
        if answer.status == 422 and "already exists" not in words(answer.content).lower():
            raise self._refusal(asked, answer)

    async def file(self, repository: str, path: str, branch: str) -> RemoteFile | None:
        """A file on a branch; None when it isn't there."""
        asked = Asked(what=f"read {path}", repository=repository, permission="Contents: read")
        url = f"repos/{repository}/contents/{quote(path)}"
        answer = await self.ask(asked, "GET", url, params={"ref": branch}, accept=(404,))
        if answer.status == 404:
            return None
        found = decoded(answer, _File, asked)
        return RemoteFile(found.sha, _text(found))

    async def put_file(
        self, repository: str, path: str, branch: str, text: str, *, message: str, replaces: str | None
    ) -> None:
        """Create a file, or replace the blob ``replaces``, with one commit on a branch."""
        asked = Asked(what=f"commit {path}", repository=repository, permission=_CONTENTS)
        body = {"message": message, "content": base64.b64encode(text.encode()).decode(), "branch": branch}
        if replaces is not None:
            body["sha"] = replaces
        await self.ask(asked, "PUT", f"repos/{repository}/contents/{quote(path)}", body=body)

    async def find_pull_request(self, repository: str, branch: str) -> NumberRef | None:
        """The newest pull request from a branch, whether open, merged or closed."""
        asked = Asked(what="list pull requests", repository=repository, permission="Pull requests: read")
        params = {"state": "all", "head": f"{repository.partition('/')[0]}:{branch}", "per_page": "1"}
        answer = await self.ask(asked, "GET", f"repos/{repository}/pulls", params=params)
        found = decoded(answer, list[NumberRef], asked)
        return found[0] if found else None

    async def open_pull_request(
        self, repository: str, *, branch: str, base: str, title: str, body: str
    ) -> NumberRef | None:
        """A draft pull request, a plain one where drafts are not supported; None when there is one from that branch."""
        asked = Asked(what="open the pull request", repository=repository, permission=_PULLS)
        wanted: dict[str, object] = {"title": title, "head": branch, "base": base, "body": body, "draft": True}
        url = f"repos/{repository}/pulls"
        answer = await self.ask(asked, "POST", url, body=wanted, accept=(422,))
        if answer.status == 422 and "draft" in words(answer.content).lower():
            answer = await self.ask(asked, "POST", url, body={**wanted, "draft": False}, accept=(422,))
        if answer.status != 422:
            return decoded(answer, NumberRef, asked)
        if "already exists" in words(answer.content).lower():
            return None
        raise self._refusal(asked, answer)

    async def ask(
        self,
        asked: Asked,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        etag: str = "",
        accept: tuple[int, ...] = (),
    ) -> Answer:
        """One call; an answer that is no success is raised unless its status is in ``accept``.

        With ``etag`` an answer that would be the same as the one that had it is a bare 304.
        """
        async with self._one_at_a_time:
            if (wait := self.wait_s()) > 0:
                raise UpstreamError(f"GitHub asked for a pause: {wait:.0f} s are left of it", retry=True)
            github = await self._github(asked.repository)
            if method != "GET":
                await self._pace()
            answer = await self._call(github, asked, method, path, params=params, body=body, etag=etag)
            if answer.status == 401:
                self._signed_in.clear()  # an app may be installed anew
        return self._checked(answer, asked, accept)

    def _checked(self, answer: Answer, asked: Asked, accept: tuple[int, ...]) -> Answer:
        if answer.headers.get("x-ratelimit-remaining", "").isdecimal():
            self.remaining = int(answer.headers["x-ratelimit-remaining"])
        if 200 <= answer.status < 300 or answer.status in accept:
            return answer
        raise self._refusal(asked, answer)

    def _refusal(self, asked: Asked, answer: Answer) -> UpstreamError:
        said = words(answer.content)
        if not rate_limited(answer.status, answer.headers, said):
            return refused(self._config, asked, answer.status, answer.headers, said)
        wait = wait_s(answer.headers, self._clock.now_ms())
        self._blocked_until_s = self._clock.monotonic_s() + wait
        return UpstreamError(f"GitHub's rate limit is reached: {wait:.0f} s until it can be asked again", retry=True)

    async def _pace(self) -> None:
        if self._last_write_s is not None:
            gap = self._last_write_s + WRITE_GAP_S - self._clock.monotonic_s()
            if gap > 0:
                await self._clock.sleep(gap)
        self._last_write_s = self._clock.monotonic_s()

    async def _call(
        self,
        github: GitHub[Any],
        asked: Asked,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        etag: str = "",
    ) -> Answer:
        from githubkit.exception import GitHubException, RequestError, RequestFailed  # costs 0.3 s: only when needed

        headers = {"if-none-match": etag} if etag else None
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                response = await github.arequest(method, f"/{path}", params=params, json=body, headers=headers)
        except RequestFailed as error:
            response = error.response
        except TimeoutError:
            raise self._unreachable(asked, "no answer in time") from None
        except RequestError as error:
            if not isinstance(error.exc, RequestFailed):  # else: what the sign-in of an app was answered
                raise self._translated(asked, error.exc) from None
            response = error.exc.response
        except GitHubException as error:
            raise self._translated(asked, error) from None
        return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content)

    def _translated(self, asked: Asked, error: Exception) -> UpstreamError:
        """The words for an exception; never its own text, which may quote a header."""
        import httpx

        if isinstance(error, UpstreamError):
            return error
        if isinstance(error, httpx.TimeoutException):
            return self._unreachable(asked, "no answer in time")
        if isinstance(error, httpx.ConnectError):
            return self._unreachable(asked, "no connection")
        if isinstance(error, (httpx.LocalProtocolError, UnicodeError)):
            return self._unsendable()
        if isinstance(error, httpx.HTTPError):
            return self._unreachable(asked, "the connection broke")
        if self._config.token is None:
            return UpstreamError("GITHUB_PRIVATE_KEY is not the PEM text of a GitHub App's private key")
        return UpstreamError(f"asking GitHub to {asked.what} failed: {type(error).__name__}")

    def _unsendable(self) -> UpstreamError:
        return UpstreamError(f"{credentials_name(self._config)} holds characters that no credential has")

    def _unreachable(self, asked: Asked, why: str) -> UpstreamError:
        return UpstreamError(f"can't reach {host(self._config)} to {asked.what}: {why}", retry=True)

    async def _github(self, repository: str | None) -> GitHub[Any]:
        """The client signed in for a repository: an app is installed for each owner on its own."""
        key = "" if self._config.token is not None else (repository or "")
        if key not in self._signed_in:
            self._signed_in[key] = await self._sign_in(key)
        return self._signed_in[key]

    async def _sign_in(self, repository: str) -> GitHub[Any]:
        from githubkit import AppAuthStrategy, TokenAuthStrategy

        if self._config.token is not None:
            token = self._config.token.reveal().strip()
            if _TOKEN.fullmatch(token) is None:  # httpcore's debug log would quote it as an illegal header
                raise self._unsendable()
            return self._new_client(TokenAuthStrategy(token))
        if self._config.app_id is None or self._config.private_key is None:
            raise UpstreamError(self._config.missing() or "GitHub is not set up")
        pem = self._config.private_key.reveal().replace("\\n", "\n")  # as environment files often hold it
        app = AppAuthStrategy(self._config.app_id, pem)
        asked = Asked(
            what="find the app's installation",
            repository=repository,
            missing=f"the app of GITHUB_APP_ID is not installed on {repository}, or there is no such repository",
        )
        answer = await self._call(self._new_client(app), asked, "GET", f"repos/{repository}/installation")
        installation = decoded(self._checked(answer, asked, ()), _Installation, asked)
        return self._new_client(app.as_installation(installation.id))

    def _new_client(self, auth: Any) -> GitHub[Any]:
        import httpx
        from githubkit import GitHub
        from githubkit.cache import MemCacheStrategy

        if self._tls is None:
            self._tls = httpx.create_ssl_context()  # reading the certificates takes long: once
        return GitHub(
            auth,
            base_url=self._config.api_url,
            user_agent="jinkies",
            timeout=TIMEOUT_S,
            ssl_verify=self._tls,
            auto_retry=False,  # the worker's business: it knows the clock
            http_cache=False,
            cache_strategy=MemCacheStrategy(),  # the default one is shared between clients
            async_event_hooks={"request": [_plain_encoding], "response": [_bounded]},
        )


async def _plain_encoding(request: httpx.Request) -> None:
    """So that the bytes that are counted are the bytes that are kept."""
    request.headers["Accept-Encoding"] = "identity"


async def _bounded(response: httpx.Response) -> None:
    import httpx

    class Bounded(httpx.AsyncByteStream):
        def __init__(self, stream: httpx.AsyncByteStream) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            total = 0
            async for chunk in self._stream:
                total += len(chunk)
                if total > MAX_ANSWER_BYTES:
                    raise UpstreamError(f"GitHub's answer is larger than {MAX_ANSWER_BYTES:,} bytes")
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = Bounded(response.stream)


def decoded(answer: Answer, kind: type[_T], asked: Asked) -> _T:
    """Its body. Raises ``UpstreamError`` where that is not GitHub's."""
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.DecodeError:
        message = f"what answered to {asked.what} is not GitHub's API: is [github] api_url right?"
        raise UpstreamError(message) from None


def _text(found: _File) -> str | None:
    if found.encoding != "base64":
        return None
    try:
        return base64.b64decode(found.content).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
