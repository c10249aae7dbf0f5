"""Sentry's real SDK, its DSN pointed at the real server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jinkies.app import host
from jinkies.commands import ReportOccurrence
from jinkies.config import Config, HttpConfig, Secret, SenderToken
from jinkies.frames import Frame, parse_frames
from jinkies.model import AlertQuery, Severity
from jinkies.wire.peer import local_actor
from tests.ingest.standin import StandIn, config, serving

TOKEN = "0123456789abcdef0123456789abcdef"
TOKENS = (SenderToken(name="shop", token=Secret(TOKEN)),)
ROOT = Path(__file__).parents[3]


async def run(scenario: str, address: str, token: str = TOKEN) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sys; from tests.ingest.sentry.scenarios import main; main(*sys.argv[1:])",
        scenario,
        f"http://{token}@{address}/1",
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    return said.decode()


async def sent(scenario: str) -> list[ReportOccurrence]:
    operator = StandIn()
    async with serving(operator, config(tokens=TOKENS)) as sender:
        await run(scenario, sender.address)
    return operator.commands


def innermost(command: ReportOccurrence) -> Frame:
    """The last call, which every scenario's error comes from; checked for its names, its mark and its line of code."""
    frame = command.frames[-1]
    assert frame.path.endswith("tests/ingest/sentry/scenarios.py")
    assert frame.module == "tests.ingest.sentry.scenarios"
    assert frame.in_app
    assert frame.line is not None
    return frame


def check_total(command: ReportOccurrence) -> None:
    frame = innermost(command)
    assert (frame.function, frame.source) == ("total", 'return cart["shaggy"] + 1')
    assert command.exception_type == "KeyError"
    assert command.message == "'shaggy'"
    assert command.stack_trace is not None
    assert command.stack_trace.endswith("KeyError: 'shaggy'")
    assert '    return cart["shaggy"] + 1' in command.stack_trace
    read = parse_frames(command.stack_trace)
    assert [(one.function, one.line) for one in read] == [(one.function, one.line) for one in command.frames]


async def test_a_plain_exception() -> None:
    (command,) = await sent("plain")
    check_total(command)
    assert (command.service, command.environment, command.release) == ("shop", "staging", "shop@1.4.2")
    assert (command.instance_id, command.severity) == ("i-1", Severity.ERROR)
    assert command.occurred_at_ms is not None
    assert "runtime.name" in command.context


async def test_what_the_scope_holds() -> None:
    (command,) = await sent("scope")
    check_total(command)
    assert command.tags == {"tenant": "acme", "user": "id:42", "transaction": "checkout"}
    assert command.fingerprint == "{{ default }}\0acme"
    assert (command.context["user.email"], command.context["attempt"]) == ("velma@example.com", "3")
    assert (command.context["order.number"], command.context["order.lines.count"]) == ("7", "2")
    (crumb,) = command.related_logs
    assert crumb.message == 'INFO cart: one more {"sku":"sandwich"}'
    assert crumb.at_ms is not None


@pytest.mark.parametrize("scenario", ["chained", "during"])
async def test_a_chain_of_exceptions(scenario: str) -> None:
    (command,) = await sent(scenario)
    assert (command.exception_type, command.message) == ("CheckoutError", "no total")
    assert innermost(command).function == scenario
    trace, link = command.stack_trace or "", "During handling of the above exception"  # the SDK says no more
    assert trace.index("KeyError: 'shaggy'") < trace.index(link) < trace.index("CheckoutError: no total")
    assert 'return cart["shaggy"] + 1' in trace


async def test_a_group_of_exceptions() -> None:
    (command,) = await sent("group")
    assert (command.exception_type, innermost(command).function) == ("ExceptionGroup", "group")
    trace = command.stack_trace or ""
    assert trace.index("ExceptionGroup: two parts") < trace.index("ValueError: part 1") < trace.index("part 2")
    assert trace.count('raise ValueError(f"part {number}")') == 2


async def test_what_logging_logs() -> None:
    (command,) = await sent("logged")
    assert (command.message, command.message_template) == ("order 7 of velma failed", "order %s of %s failed")
    assert command.exception_type is None
    assert command.tags["logger"] == "shop.cart"
    assert [line.message for line in command.related_logs] == ["WARNING shop.cart: only a breadcrumb"]


async def test_an_exception_that_is_logged() -> None:
    (command,) = await sent("logged_exception")
    check_total(command)
    assert command.context["log message"] == "order 7 failed"


async def test_a_message() -> None:
    (command,) = await sent("message")
    assert (command.message, command.severity) == ("the mansion is dark", Severity.CRITICAL)
    assert command.exception_type is None


@pytest.mark.parametrize("scenario", ["uncaught", "in_thread", "in_task"])
async def test_what_nobody_catches(scenario: str) -> None:
    (command,) = await sent(scenario)
    check_total(command)


@pytest.mark.parametrize("scenario", ["django_view", "flask_view"])
async def test_a_view(scenario: str) -> None:
    (command,) = await sent(scenario)
    check_total(command)
    assert "show" in [frame.function for frame in command.frames if frame.in_app]
    assert not all(frame.in_app for frame in command.frames), "the framework's own are told apart"
    assert (command.request_path or "").rstrip("/") == "/orders/7"
    assert command.context["request.method"] == "GET"
    assert command.context["request.query_string"] == "page=2"
    assert command.context["request.headers.Accept"] == "text/html"
    assert "hunter2" not in repr(command)
    assert command.tags["transaction"]


async def test_transactions_sessions_and_check_ins_are_accepted_and_no_alert() -> None:
    (command,) = await sent("everything_else")
    check_total(command)


async def test_a_key_that_nobody_has_gets_nothing_in() -> None:
    operator = StandIn()
    async with serving(operator, config(tokens=TOKENS)) as sender:
        await run("plain", sender.address, token="f" * 32)
    assert operator.commands == []


async def test_all_the_way_into_the_store(configure: Callable[..., Config]) -> None:
    settings = configure(http=HttpConfig(listen="127.0.0.1:0", tokens=TOKENS))
    async with host(settings, ingest=True, background=False) as core:
        assert core.ingest_address is not None
        await asyncio.gather(run("plain", core.ingest_address), run("plain", core.ingest_address))
        operator = core.operator(local_actor())
        (row,) = (await operator.alerts(AlertQuery())).rows
        detail = await operator.alert(row.alert_id)
    assert (row.count, row.title, row.service) == (2, "KeyError: 'shaggy'", "shop")
    assert (row.culprit or "").startswith("tests/ingest/sentry/scenarios.py:")
    assert detail.timeline[0].actor.name == "shop"
    assert 'return cart["shaggy"] + 1' in (detail.latest.stack_trace or "")
