"""Which repository the work for a service goes to."""

from __future__ import annotations

from jinkies.config import Config
from jinkies.errors import UpstreamError
from jinkies.github.client import GitHubClient, RepositoryInfo


async def repository_of(client: GitHubClient, config: Config, service: str) -> RepositoryInfo:
    """As GitHub names it now. Raises ``UpstreamError``: GitHub or the repository is not set up, or can't be read."""
    missing = config.github.missing()
    if missing:
        raise UpstreamError(f"GitHub is not set up: {missing}")
    name = config.repository_of(service)
    if name is None:
        raise UpstreamError(f"no repository for {service}: {config.missing_repository(service)}")
    return await client.repository(name)
