"""Every way in."""

from __future__ import annotations

from jinkies.clock import Clock
from jinkies.config import Config
from jinkies.ingest import alertmanager, aws_logs, own_json, sns
from jinkies.ingest.sentry.ways import sentry_ways
from jinkies.ingest.ways import Way


def all_ways(config: Config, clock: Clock) -> tuple[Way, ...]:
    """The ways in that this configuration has, each with an address of its own."""
    return (
        own_json.WAY,
        *sentry_ways(config),
        alertmanager.ALERTMANAGER,
        alertmanager.GRAFANA,
        aws_logs.way(config),
        sns.way(config, clock),
    )
