"""The whole product in one walk, with real processes: from a line in CloudWatch to the link on the card."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aioboto3
import httpx
import pytest

from jinkies import demo
from jinkies.app import Mode, open_operator
from jinkies.model import ActorKind, PartState, State
from jinkies.replica import Replica
from jinkies.simulators import traffic
from tests.waiting import replica_of, until
from tui.app import ConsoleApp

LINE = """ERROR GET /orders/77 req=7f3a KeyError: 'order_id'
Traceback (most recent call last):
  File "/srv/app/views/orders.py", line 118, in show
    return render(request, cart["order_id"])
KeyError: 'order_id'"""

pytestmark = pytest.mark.processes


@asynccontextmanager
async def attached(desk: demo.Desk) -> AsyncIterator[Replica]:
    async with open_operator(desk.config, Mode.ATTACH) as operator, replica_of(operator) as replica:
        yield replica


async def put_line(desk: demo.Desk, message: str) -> None:
    session = aioboto3.Session(aws_access_key_id="demo", aws_secret_access_key="demo", region_name=demo.REGION)
    async with session.client("logs", endpoint_url=desk.aws_url) as logs:
        line = traffic.Line(group=traffic.API, stream=traffic.API.streams[0], message=message)
        before = traffic.Line(group=traffic.API, stream=traffic.API.streams[0], message="INFO GET /orders/77 user=1009")
        await traffic.put(logs, [before, line])


async def card(desk: demo.Desk, client: httpx.AsyncClient) -> dict[str, Any]:
    channel = desk.config.discord.alert_channel_id
    messages = (await client.get(f"{desk.discord_url}/_sim/channels/{channel}/messages")).json()
    (only,) = messages["messages"] if isinstance(messages, dict) else messages
    found: dict[str, Any] = only
    return found


def in_step(replica: Replica) -> bool:
    return bool(replica.deliveries) and all(one.in_step for one in replica.deliveries.values())


@pytest.mark.timeout(150)
async def test_from_a_log_line_to_the_link_on_the_card() -> None:
    with demo.running(teammate_s=0, traffic=False) as desk:
        async with attached(desk) as replica, httpx.AsyncClient(trust_env=False, timeout=30) as client:
            await until(replica, lambda: healthy(replica, "watches") and healthy(replica, "discord"))
            await put_line(desk, LINE)
            await until(replica, lambda: bool(replica.rows) and in_step(replica))
            detail = await replica.operator.alert(1)
            assert detail.row.title == "KeyError: 'order_id'"
            assert detail.row.culprit == "srv/app/views/orders.py:118 in show"
            assert "INFO GET /orders/77 user=1009" in [line.message for line in detail.latest.related_logs]

            shown = await card(desk, client)
            assert "KeyError" in json.dumps(shown["embeds"])
            await press(desk, client, shown, "jk:ack:1:")
            await until(replica, lambda: replica.rows[1].state is State.ACKNOWLEDGED)
            by = replica.rows[1].acknowledged_by
            assert by is not None
            assert by.kind is ActorKind.DISCORD

            await in_the_console(desk, replica, by.name)
            await until(replica, lambda: bool(replica.rows[1].links[1:]) and in_step(replica))
            link = replica.rows[1].links[-1]
            assert link.url.startswith(desk.github_url)
            final = await card(desk, client)
            assert final["id"] == shown["id"], "the same card, edited"
            assert link.url in json.dumps(final)
            assert "acknowledged by" in json.dumps(final)
            page = await client.get(link.url)
            assert "incidents/1.md" in page.text


def healthy(replica: Replica, part: str) -> bool:
    health = replica.health.get(part)
    return health is not None and health.state is PartState.OK


async def press(desk: demo.Desk, client: httpx.AsyncClient, shown: dict[str, Any], prefix: str) -> None:
    buttons = [button for row in shown["components"] for button in row["components"]]
    custom_id = next(one["custom_id"] for one in buttons if one.get("custom_id", "").startswith(prefix))
    body = {"message_id": shown["id"], "custom_id": custom_id, "user": "velma", "wait_s": 10}
    reply = await client.post(f"{desk.discord_url}/_sim/press", json=body, timeout=20)
    assert reply.status_code == 200, reply.text


async def in_the_console(desk: demo.Desk, replica: Replica, acknowledged_by: str) -> None:
    """A second console, the real one: it shows who acknowledged, and asks for the pull request with its keys."""

    app = ConsoleApp(lambda: open_operator(desk.config, Mode.ATTACH), desk.config)
    async with app.run_test(size=(140, 40)) as pilot:
        await shows(pilot, f"acknowledged by {acknowledged_by}")
        await pilot.press("p")
        await shows(pilot, "base branch")
        await pilot.press("ctrl+s")
        await until(replica, lambda: replica.rows[1].pull_request is not None)
        await shows(pilot, "#1 is open")


async def shows(pilot: Any, text: str) -> None:
    """Until the screen's text holds it."""
    for _ in range(1_500):
        if text.casefold() in screen_text(pilot.app).casefold():
            return
        await pilot.pause(0.02)
    raise AssertionError(f"{text!r} never shown:\n{screen_text(pilot.app)}")


def screen_text(app: ConsoleApp) -> str:
    return "\n".join("".join(segment.text for segment in line) for line in app.screen._compositor.render_strips())
