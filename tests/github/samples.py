"""Alerts and a clock for the tests of GitHub."""

from __future__ import annotations

import asyncio

import msgspec

from jinkies.config import Config, GitHubConfig, Secret
from jinkies.model import (
    SYSTEM,
    Actor,
    ActorKind,
    AlertDetail,
    AlertRow,
    EntryKind,
    LogLine,
    Occurrence,
    PullRequest,
    Severity,
    State,
    TimelineEntry,
    WorkState,
)
from jinkies.simulators.github import SimulatedGitHub

TOKEN = "ghp_" + "x1Y2" * 9
REPO = "octo/shop"
EPOCH = "1a2b3c4d" * 4
AT_MS = 1_767_225_600_000
OPS_A = Actor(kind=ActorKind.DISCORD, id="7", name="ops-a")


def with_github(config: Config, github: SimulatedGitHub) -> Config:
    outside = GitHubConfig(token=Secret(TOKEN), owner="octo", repository="shop", api_url=github.api_url)
    return msgspec.structs.replace(config, github=outside)


def detail(
    *,
    title: str = "KeyError: 'order_id'",
    message: str = "'order_id'",
    stack: str | None = "Traceback (most recent call last):\nKeyError: 'order_id'",
    logs: tuple[LogLine, ...] = (LogLine(message="ERROR req=7f3a", at_ms=AT_MS),),
    notes: str = "",
    pull_request_title: str = "",
    context: dict[str, str] | None = None,
    timeline: tuple[str, ...] = ("opened",),
) -> AlertDetail:
    row = AlertRow(
        alert_id=42,
        state=State.OPEN,
        severity=Severity.ERROR,
        service="api",
        environment="production",
        title=title,
        exception_type="KeyError",
        request_path="/orders/{id}",
        culprit="app/views/orders.py:118 in show",
        count=37,
        first_seen_at_ms=AT_MS,
        last_seen_at_ms=AT_MS + 100_000,
        pull_request=PullRequest(state=WorkState.REQUESTED, title=pull_request_title, notes=notes, requested_by=OPS_A),
    )
    latest = Occurrence(
        occurred_at_ms=AT_MS + 100_000,
        message=message,
        stack_trace=stack,
        request_path="/orders/{id}",
        instance_id="i-0abc123",
        commit_sha="a1b2c3d",
        related_logs=logs,
        context=context or {},
    )
    entries = tuple(
        TimelineEntry(seq=seq, at_ms=AT_MS, kind=EntryKind.ALERT_OPENED, actor=SYSTEM, text=text)
        for seq, text in enumerate(timeline, 1)
    )
    return AlertDetail(row=row, fingerprint="f", latest=latest, first=latest, timeline=entries, deliveries=())


class QuickClock:
    """Time that passes only while somebody sleeps, and then at once."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self.slept: list[float] = []

    def now_ms(self) -> int:
        return AT_MS + int(self.elapsed_s * 1000)

    def monotonic_s(self) -> float:
        return self.elapsed_s

    async def sleep(self, delay_s: float) -> None:
        self.slept.append(delay_s)
        self.elapsed_s += delay_s
        await asyncio.sleep(0)
