"""Opens the issue of an alert, never twice.

GitHub's API knows no key for that, so the issue's body begins with a marker that names the alert and the request, and
the newest issues are looked through for it before one is opened: after a crash, or an answer that got lost, the one
that is there is found.
"""

from __future__ import annotations

from jinkies.clock import iso
from jinkies.config import Config
from jinkies.errors import UpstreamError
from jinkies.github import bodies
from jinkies.github.client import GitHubClient, decoded
from jinkies.github.errors import Asked
from jinkies.github.repository import repository_of
from jinkies.github.standing import NumberRef
from jinkies.model import AlertDetail

PAGE = 100  # issues; GitHub's most
PAGES = 10  # looked through
SKEW_MS = 600_000  # that GitHub's clock may be behind ours
_READ, _WRITE = "Issues: read", "Issues: write"


class _Listed(NumberRef, frozen=True):
    body: str | None = None


class Issues:
    """Issues of alerts."""

    def __init__(self, client: GitHubClient, config: Config, epoch: str) -> None:
        self._client = client
        self._config = config
        self._epoch = epoch

    async def opened(self, detail: AlertDetail) -> NumberRef:
        """The alert's issue, open or closed; else a new one. Raises ``UpstreamError``."""
        row = detail.row
        if row.issue is None:
            raise UpstreamError("no issue is asked for")
        repository = await repository_of(self._client, self._config, row.service)
        marker = bodies.issue_marker(row, self._epoch)
        found = await self._find(repository.full_name, marker, row.issue.requested_at_ms - SKEW_MS)
        return found or await self._open(repository.full_name, detail)

    async def _find(self, repository: str, marker: str, since_ms: int) -> NumberRef | None:
        """The issue whose body begins with a marker, among those that changed since then."""
        asked = Asked(what="list issues", repository=repository, permission=_READ)
        params = {"state": "all", "sort": "created", "direction": "desc", "per_page": str(PAGE)}
        params["since"] = iso(max(since_ms, 0))
        for page in range(1, PAGES + 1):
            answer = await self._client.ask(
                asked, "GET", f"repos/{repository}/issues", params=params | {"page": str(page)}
            )
            listed = decoded(answer, list[_Listed], asked)
            for one in listed:
                if (one.body or "").startswith(marker):
                    return one
            if len(listed) < PAGE:
                return None
        return None

    async def _open(self, repository: str, detail: AlertDetail) -> NumberRef:
        asked = Asked(what="open the issue", repository=repository, permission=_WRITE)
        guild_id = self._config.discord.guild_id
        body = {
            "title": bodies.issue_title(detail.row),
            "body": bodies.issue_body(detail, self._epoch, guild_id=guild_id),
            "labels": bodies.issue_labels(detail.row, self._config.github.issue_labels),
        }
        answer = await self._client.ask(asked, "POST", f"repos/{repository}/issues", body=body)
        return decoded(answer, NumberRef, asked)
