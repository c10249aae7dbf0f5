"""What the configuration decides of an alert's life."""

from __future__ import annotations

import msgspec

from jinkies.config import Config
from jinkies.lifecycle import Policy

HOUR_MS = 3_600_000


def policy_text(config: Config) -> str:
    """What the configuration decides of an alert's life, to be compared with what it decided last time."""
    return msgspec.json.encode(policy_of(config), order="sorted").decode()


def policy_of(config: Config) -> Policy:
    """By ``auto_resolve_hours``, the desk's and the services'."""
    return Policy(
        auto_resolve_ms=config.auto_resolve_hours * HOUR_MS,
        services={
            service.name: service.auto_resolve_hours * HOUR_MS
            for service in config.services.values()
            if service.auto_resolve_hours is not None
        },
    )
