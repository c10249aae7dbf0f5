"""Every way in."""

from __future__ import annotations

from jinkies.config import Config
from jinkies.ingest import own_json
from jinkies.ingest.sentry.ways import sentry_ways
from jinkies.ingest.ways import Way


def all_ways(config: Config) -> tuple[Way, ...]:
    """The ways in that this configuration has, each with an address of its own."""
    return (own_json.WAY, *sentry_ways(config))
