"""Believable log traffic for the demo: three services that mostly work, written into CloudWatch as they would.

As a process: ``python -m jinkies.simulators.traffic --endpoint http://127.0.0.1:PORT`` prints one JSON line once the
log groups are there, then writes until SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import signal
import sys
import time
from collections.abc import Iterator
from typing import Protocol

import aioboto3
import msgspec

TICK_S = 0.5
QUIET_TICKS = 3  # ticks between two errors, at least
ERROR_CHANCE = 0.22  # of a tick after that


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A log group and the streams that write to it."""

    name: str
    streams: tuple[str, ...]


API = Group(name="/app/api", streams=("api/web-01", "api/web-02", "api/web-03"))
WORKER = Group(name="/app/worker", streams=("worker/queue-01",))
EDGE = Group(name="/aws/lambda/edge", streams=("2026/01/01/[$LATEST]7f3a",))
GROUPS = (API, WORKER, EDGE)

_PATHS = ("/orders/{n}", "/cart", "/health", "/login", "/search?q=lamp", "/orders/{n}/pay", "/users/{n}")

_KEY_ERROR = """ERROR GET /orders/{n} req={req} KeyError: 'order_id'
Traceback (most recent call last):
  File "/srv/venv/lib/python3.12/site-packages/django/core/handlers/exception.py", line 55, in inner
    response = get_response(request)
  File "/srv/app/views/orders.py", line 118, in show
    return render(request, cart["order_id"])
KeyError: 'order_id'"""

_TIMEOUT = """ERROR POST /orders/{n}/pay req={req} payment provider did not answer
Traceback (most recent call last):
  File "/srv/app/payments/charge.py", line 64, in charge
    reply = client.post("/charges", json=body, timeout=5)
  File "/srv/venv/lib/python3.12/site-packages/httpx/_client.py", line 1144, in post
    return self.request("POST", url)
  File "/srv/app/payments/client.py", line 31, in request
    raise TimeoutError("charge() took longer than 5 s")
TimeoutError: charge() took longer than 5 s"""

_VALIDATION = """ERROR POST /users req={req} could not create the account
Traceback (most recent call last):
  File "/srv/app/accounts/forms.py", line 42, in clean
    raise ValidationError("email: address of user {n} is already in use")
app.accounts.errors.ValidationError: email: address of user {n} is already in use"""

_DEADLOCK = """CRITICAL job=invoice-{n} giving up after 3 attempts
Traceback (most recent call last):
  File "/srv/app/jobs/invoices.py", line 77, in run
    session.commit()
  File "/srv/venv/lib/python3.12/site-packages/sqlalchemy/orm/session.py", line 2032, in commit
    trans.commit(_to_root=True)
  File "/srv/app/db.py", line 19, in commit
    raise OperationalError("deadlock detected")
sqlalchemy.exc.OperationalError: deadlock detected"""

_EDGE = """2026-01-01T00:00:00.000Z\t{req}\tERROR\tInvoke Error\t{{"errorType":"TypeError","errorMessage":\
"Cannot read properties of undefined (reading 'country')","stack":["TypeError: Cannot read properties of undefined \
(reading 'country')","    at pickOrigin (/var/task/src/origin.js:27:31)","    at Runtime.handler \
(/var/task/src/index.js:11:10)"]}}"""

_ERRORS: tuple[tuple[int, Group, str], ...] = (
    (5, API, _KEY_ERROR),
    (4, API, _TIMEOUT),
    (2, API, _VALIDATION),
    (2, WORKER, _DEADLOCK),
    (2, EDGE, _EDGE),
)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line to write."""

    group: Group
    stream: str
    message: str


def traffic(seed: int) -> Iterator[list[Line]]:
    """What is written at each tick, for ever; the first error comes with the second tick."""
    dice = random.Random(seed)
    quiet = QUIET_TICKS - 1
    while True:
        lines = [_request(dice) for _ in range(dice.randint(1, 5))]
        if dice.random() < 0.5:
            lines.append(_job(dice))
        quiet += 1
        if quiet > QUIET_TICKS and (quiet == QUIET_TICKS + 1 or dice.random() < ERROR_CHANCE):
            lines.append(_error(dice))
            quiet = 0
        yield lines


def _request(dice: random.Random) -> Line:
    path = dice.choice(_PATHS).format(n=dice.randint(10, 999))
    status = dice.choices((200, 201, 304, 404), (80, 8, 8, 4))[0]
    level = "WARNING" if status == 404 else "INFO"
    text = (
        f"{level} GET {path} {status} {dice.randint(4, 180)}ms user={dice.randint(1000, 1099)} req={_request_id(dice)}"
    )
    if dice.random() < 0.15:
        text = json.dumps({"level": "info", "event": "charge", "amount": dice.randint(3, 90), "req": _request_id(dice)})
    return Line(group=API, stream=dice.choice(API.streams), message=text)


def _job(dice: random.Random) -> Line:
    text = f"INFO job=invoice-{dice.randint(1, 400)} done in {dice.randint(20, 900)}ms"
    return Line(group=WORKER, stream=WORKER.streams[0], message=text)


def _error(dice: random.Random) -> Line:
    _, group, template = dice.choices(_ERRORS, [weight for weight, _, _ in _ERRORS])[0]
    message = template.format(n=dice.randint(10, 999), req=_request_id(dice))
    return Line(group=group, stream=dice.choice(group.streams), message=message)


def _request_id(dice: random.Random) -> str:
    return f"{dice.getrandbits(16):04x}"


class _Logs(Protocol):
    async def create_log_group(self, *, logGroupName: str) -> object: ...  # noqa: N803 - AWS's own name
    async def create_log_stream(self, *, logGroupName: str, logStreamName: str) -> object: ...  # noqa: N803 - AWS's
    async def put_log_events(
        self,
        *,
        logGroupName: str,  # noqa: N803 - AWS's own name
        logStreamName: str,  # noqa: N803 - AWS's own name
        logEvents: list[dict[str, object]],  # noqa: N803 - AWS's own name
    ) -> object: ...


async def write_for_ever(endpoint: str, region: str, seed: int, *, silent: bool = False) -> None:
    """Create the groups and streams and say so; then write the traffic at its pace, or nothing, until cancelled."""
    session = aioboto3.Session(aws_access_key_id="demo", aws_secret_access_key="demo", region_name=region)  # noqa: S106
    async with session.client("logs", endpoint_url=endpoint) as logs:
        await create(logs)
        sys.stdout.write(json.dumps({"log_groups": [group.name for group in GROUPS]}) + "\n")
        sys.stdout.flush()
        if silent:
            await asyncio.Event().wait()
        for lines in traffic(seed):
            await put(logs, lines)
            await asyncio.sleep(TICK_S)


async def create(logs: _Logs) -> None:
    """The groups and streams that the traffic goes to."""
    for group in GROUPS:
        await logs.create_log_group(logGroupName=group.name)
        for stream in group.streams:
            await logs.create_log_stream(logGroupName=group.name, logStreamName=stream)


async def put(logs: _Logs, lines: list[Line]) -> None:
    """Write lines, now, each stream's in one call."""
    now_ms = time.time_ns() // 1_000_000
    by_stream: dict[tuple[str, str], list[dict[str, object]]] = {}
    for offset, line in enumerate(lines):
        event: dict[str, object] = {"timestamp": now_ms + offset, "message": line.message}
        by_stream.setdefault((line.group.name, line.stream), []).append(event)
    for (group, stream), events in by_stream.items():
        await logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


async def _run(arguments: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    writing = asyncio.create_task(
        write_for_ever(arguments.endpoint, arguments.region, arguments.seed, silent=arguments.silent)
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, writing.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await writing


def main() -> None:
    """Write until a signal."""
    parser = argparse.ArgumentParser("python -m jinkies.simulators.traffic", description=__doc__)
    parser.add_argument("--endpoint", required=True, help="of an emulated CloudWatch; never the real one")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--silent", action="store_true", help="make the log groups and write nothing into them")
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
