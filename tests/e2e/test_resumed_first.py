"""A tail that was followed before a restart is there before anybody can attach."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jinkies import app
from jinkies.commands import KeepTails
from jinkies.config import AwsConfig, Config
from jinkies.model import SYSTEM, SavedTail, TailSpec
from jinkies.wire.client import attach


async def _never(*_: object) -> None:
    await asyncio.Event().wait()


async def test_a_resumed_tail_is_there_with_the_first_snapshot(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jinkies.housekeeping.keep_tails", _never)  # background work may begin at any time later
    aws = AwsConfig(region="us-east-1", endpoint_url="http://127.0.0.1:9")  # nobody answers there
    config = Config(home=home, aws=aws)
    saved = SavedTail(spec=TailSpec(targets=("/app/api",)), start_ms=1, done_ms=1)
    async with app.host(config, ingest=False, background=False, socket=False) as core:
        saved = SavedTail(spec=saved.spec, start_ms=1, done_ms=core.clock.now_ms())
        await core.execute(KeepTails(tails=(saved,)), SYSTEM)
    async with app.host(config, ingest=False) as core, attach(config.socket_path) as operator:
        [tail] = (await operator.snapshot()).tails
        assert tail.spec == saved.spec
