"""``GET /metrics``: what Prometheus reads, and who may."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from jinkies.app import host
from jinkies.config import Config, HttpConfig, Secret

SAMPLE = re.compile(r'^[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9]+$')
TOKEN = {"Authorization": "Bearer a-token-of-a-sender-0123456789"}
ALERT = {"service_name": "api", "error_message": "boom", "severity": "critical"}


@pytest.fixture(params=["", "a-token-of-a-sender-0123456789"], ids=["open", "with a token"])
async def client(request: pytest.FixtureRequest, configure: Callable[..., Config]) -> AsyncIterator[httpx.AsyncClient]:
    token = Secret(request.param) if request.param else None
    config = configure(http=HttpConfig(listen="127.0.0.1:0", token=token))
    async with (
        host(config, ingest=True, background=False) as core,
        httpx.AsyncClient(base_url=f"http://{core.ingest_address}", trust_env=False) as client,
    ):
        yield client


async def test_every_line_is_a_sample_and_the_numbers_are_right(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        await client.post("/webhook/alert", json=ALERT, headers=TOKEN)
    await client.post("/webhook/alert", content=b"{", headers=TOKEN | {"Content-Type": "application/json"})
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    assert all(SAMPLE.match(line) for line in lines if not line.startswith("# ")), answer.text
    samples = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert samples['jinkies_alerts{state="open"}'] == "1"
    assert samples['jinkies_alerts{state="resolved"}'] == "0"
    assert samples["jinkies_alerts_unresolved_critical"] == "1"
    assert samples["jinkies_journal_position"] == "2"
    assert samples["jinkies_deliveries_waiting"] == "1"
    assert samples['jinkies_part_up{part="ingest"}'] == "1"
    assert samples['jinkies_ingest_requests_total{status="201"}'] == "1"
    assert samples['jinkies_ingest_requests_total{status="400"}'] == "1"
    assert "boom" not in answer.text
    assert "api" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.7"},
        {"Host": "desk.example.com"},
        {"Origin": "https://elsewhere.example"},
        {"Authorization": "Bearer wrong"},
    ],
)
async def test_only_this_machine_reads_it_without_a_token(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await client.get("/metrics", headers=headers)).status_code == 401
