"""Makes the draft pull request of an alert, never twice.

Each step looks at what GitHub holds before it writes, so that a process killed between any two of them, or a request
whose answer got lost, ends in one branch, one commit and one pull request.
"""

from __future__ import annotations

import msgspec

from jinkies.config import Config
from jinkies.errors import UpstreamError
from jinkies.github import bodies
from jinkies.github.client import GitHubClient
from jinkies.github.repository import repository_of
from jinkies.github.standing import NumberRef
from jinkies.model import AlertDetail, OnGitHub


class _Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where the report of an alert goes."""

    repository: str  # owner/name as GitHub has it
    base: str
    branch: str


class PullRequests:
    """Draft pull requests of alerts, each from a branch of its own."""

    def __init__(self, client: GitHubClient, config: Config, epoch: str) -> None:
        self._client = client
        self._config = config
        self._epoch = epoch

    async def opened(self, detail: AlertDetail) -> NumberRef:
        """The alert's pull request; one from its branch, in whatever state, is the one. Raises ``UpstreamError``.

        Where another is asked for after one that was closed unmerged, it comes from the same branch.
        """
        target = await self._target(detail)
        found = await self._client.find_pull_request(target.repository, target.branch)
        after = detail.row.pull_request.after if detail.row.pull_request is not None else 0
        if found is not None and (found.number > after or found.on_github is not OnGitHub.CLOSED):
            return found
        await self._ensure_branch(target)
        path = await self._ensure_file(detail, target)
        row = detail.row
        created = await self._client.open_pull_request(
            target.repository,
            branch=target.branch,
            base=target.base,
            title=bodies.pull_request_title(row),
            body=bodies.pull_request_body(detail, self._epoch, path),
        )
        found = created or await self._client.find_pull_request(target.repository, target.branch)
        if found is None:
            raise UpstreamError("GitHub says that the pull request exists, but doesn't list it yet", retry=True)
        return found

    async def _target(self, detail: AlertDetail) -> _Target:
        row, github = detail.row, self._config.github
        repository = await repository_of(self._client, self._config, row.service)
        asked = row.pull_request.base_branch if row.pull_request is not None else None
        return _Target(
            repository=repository.full_name,
            base=asked or github.base_branch or repository.default_branch,
            branch=bodies.branch_name(row.alert_id, self._epoch),
        )

    async def _ensure_branch(self, target: _Target) -> None:
        if await self._client.branch_sha(target.repository, target.branch) is not None:
            return
        sha = await self._client.branch_sha(target.repository, target.base)
        if sha is None:
            raise UpstreamError(
                f"{target.repository} has no branch {target.base}: ask for another base, or set DEFAULT_BASE_BRANCH"
            )
        await self._client.create_branch(target.repository, target.branch, sha)

    async def _ensure_file(self, detail: AlertDetail, target: _Target) -> str:
        """The incident's file on the branch, as it is to be; gives its path."""
        alert_id = detail.row.alert_id
        path = bodies.incident_path(alert_id)
        there = await self._client.file(target.repository, path, target.branch)
        if there is not None and not (there.text or "").startswith(bodies.marker(alert_id, self._epoch)):
            path = bodies.other_incident_path(alert_id, self._epoch)
            there = await self._client.file(target.repository, path, target.branch)
        text = bodies.incident_markdown(detail, self._epoch)
        if there is None or there.text != text:
            await self._client.put_file(
                target.repository,
                path,
                target.branch,
                text,
                message=bodies.commit_message(alert_id, self._epoch),
                replaces=there.sha if there is not None else None,
            )
        return path
