"""How the parts that the desk depends on are doing."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class PartState(StrEnum):
    """How one of the parts that the desk depends on is doing."""

    OK = "ok"
    CONNECTING = "connecting"
    FAILED = "failed"
    UNCONFIGURED = "unconfigured"  # normal; ``detail`` says what to set


class PartHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One of: store, ingest, tokens, discord, aws, github, watches, tails (those in Discord)."""

    part: str
    state: PartState
    detail: str = ""
    latency_ms: float | None = None
    at_ms: int = 0
