"""GitHub's errors in our words, once: one line that says what to do, and whether trying again can help.

No text of a driver's exception gets in here: httpx quotes an illegal header, and with it the token.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from jinkies.config import GitHubConfig
from jinkies.errors import UpstreamError
from jinkies.github.markdown import one_line

_SAID_LIMIT = 300  # characters of GitHub's own words in an error
_LEAST_WAIT_S = 60.0  # GitHub: without a header, wait at least a minute
_RETRIED = frozenset({408, 425, 429})


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked of GitHub, for the words of an error."""

    what: str  # "create the branch jinkies/alert-42-1a2b3c4d"
    repository: str | None = None
    permission: str = ""  # what a token or an app needs for it: "Contents: write"
    missing: str = ""  # what a 404 means, when it isn't the repository


class _Detail(msgspec.Struct):
    message: str | None = None
    resource: str | None = None
    field: str | None = None
    code: str | None = None


class _ErrorBody(msgspec.Struct):
    message: str = ""
    errors: list[_Detail | str] = []


def words(content: bytes) -> str:
    """GitHub's own words in an error's body, on one line; "" when it has none."""
    try:
        body = msgspec.json.decode(content, type=_ErrorBody)
    except msgspec.DecodeError:
        return ""
    return one_line("; ".join([body.message, *filter(None, map(_detail_text, body.errors))]), _SAID_LIMIT)


def _detail_text(detail: _Detail | str) -> str:
    if isinstance(detail, str):
        return detail
    return detail.message or " ".join(part for part in (detail.resource, detail.field, detail.code) if part)


def credentials_name(config: GitHubConfig) -> str:
    """The variables that hold what GitHub is asked with."""
    return "GITHUB_TOKEN" if config.token is not None else "GITHUB_APP_ID and GITHUB_PRIVATE_KEY"


def rate_limited(status: int, headers: Mapping[str, str], said: str) -> bool:
    """Whether an answer means "later" (GitHub: 403 or 429 with one of these signs)."""
    if status not in (403, 429):
        return False
    return status == 429 or "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0" or _slow_down(said)


def _slow_down(said: str) -> bool:
    return "rate limit" in said.lower() or "abuse detection" in said.lower()


def wait_s(headers: Mapping[str, str], now_ms: int) -> float:
    """How long GitHub wants a pause: retry-after, else until x-ratelimit-reset, else a minute; at most a day."""
    wanted = _LEAST_WAIT_S
    if headers.get("retry-after", "").isdecimal():
        wanted = float(headers["retry-after"])
    elif headers.get("x-ratelimit-remaining") == "0" and headers.get("x-ratelimit-reset", "").isdecimal():
        wanted = int(headers["x-ratelimit-reset"]) - now_ms / 1000
    return min(max(wanted, 1.0), 86_400.0)


def refused(config: GitHubConfig, asked: Asked, status: int, headers: Mapping[str, str], said: str) -> UpstreamError:
    """The error for an answer that is no success and no rate limit."""
    quoted = f" (GitHub: {said})" if said else ""
    if status == 401:
        return UpstreamError(f"GitHub rejects {credentials_name(config)}: set one that is valid{quoted}")
    if status == 403:
        return UpstreamError(_forbidden(config, asked, headers, said))
    if status == 404:
        return UpstreamError(_missing(config, asked))
    if status == 410 and "issues" in said.lower():
        return UpstreamError(f"{asked.repository} has issues turned off: turn them on in its settings")
    if status == 409 and "empty" in said.lower():
        return UpstreamError(f"{asked.repository} is empty: a pull request needs a first commit to start from")
    if status == 409:
        return UpstreamError(f"{asked.repository} changed while Jinkies tried to {asked.what}{quoted}", retry=True)
    if status >= 500 or status in _RETRIED:
        return UpstreamError(f"GitHub failed to {asked.what}: HTTP {status}{quoted}", retry=True)
    return UpstreamError(f"GitHub refuses to {asked.what}: HTTP {status}{quoted}")


def _forbidden(config: GitHubConfig, asked: Asked, headers: Mapping[str, str], said: str) -> str:
    wanted = one_line(headers.get("x-accepted-github-permissions", ""), 100) or asked.permission
    if wanted and ("not accessible" in said.lower() or "x-accepted-github-permissions" in headers):
        where = f" on {asked.repository}" if asked.repository else ""
        return (
            f"{credentials_name(config)} may not {asked.what}: give it the permission {wanted}{where} (GitHub: {said})"
        )
    return f"GitHub refuses to {asked.what}: {said or 'HTTP 403'}"


def _missing(config: GitHubConfig, asked: Asked) -> str:
    if asked.missing:
        return asked.missing
    if asked.repository is None:
        return f"GitHub has nothing at {host(config)} to {asked.what}: is [github] api_url right?"
    permission = f" or may not {asked.what} ({asked.permission})" if asked.permission else ""
    return (
        f"{host(config)} has no repository {asked.repository}, or {credentials_name(config)} can't see it{permission}: "
        "check GITHUB_REPO_OWNER and GITHUB_REPO_NAME, or the service's repository"
    )


def host(config: GitHubConfig) -> str:
    """The host of the API, for words."""
    return urlsplit(config.api_url).hostname or "GitHub"
