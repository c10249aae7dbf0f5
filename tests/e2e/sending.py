"""A load over the ways in whose senders repeat themselves, as senders do, and what has to be counted of it."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import httpx

KINDS = 8  # fingerprints a way
SENDERS = 12
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class Delivery(NamedTuple):
    """A request, and the services that it counts for: each fingerprint has a service of its own."""

    path: str
    body: bytes
    headers: dict[str, str]
    counts: tuple[str, ...]


def delivery(number: int) -> Delivery:
    """An array, NDJSON or a Sentry envelope, in turn, each with what makes its repeat known."""
    way = number % 3
    if way == 2:
        service = f"sentry-{number % KINDS}"
        return Delivery("/api/1/envelope/", envelope(number, service), {}, (service,))
    size = 1 + number % 5
    services = tuple(f"{'array' if way == 0 else 'lines'}-{(number + index) % KINDS}" for index in range(size))
    items = [{"service_name": one, "error_message": "boom", "fingerprint": one} for one in services]
    key = {"Idempotency-Key": f"delivery-{number}"}
    if way == 0:
        return Delivery("/webhook/alert", json.dumps(items).encode(), key | JSON, services)
    lines = "\n".join(json.dumps(item) for item in items)
    return Delivery("/webhook/alert", lines.encode(), key | {"Content-Type": "application/x-ndjson"}, services)


JSON = {"Content-Type": "application/json"}


def envelope(number: int, service: str) -> bytes:
    """One event, its id made from the number."""
    event_id = f"{number:032x}"
    error = {"type": "KillError", "value": "boom"}
    event = {"exception": {"values": [error]}, "fingerprint": [service], "tags": {"service": service}}
    body = json.dumps(event | {"event_id": event_id, "timestamp": "2026-01-01T00:00:00Z"}).encode()
    return b'{"event_id":"%s"}\n{"type":"event","length":%d}\n%s\n' % (event_id.encode(), len(body), body)


def firing(beginning: int, service: str) -> Delivery:
    """Alertmanager's: the same ``startsAt`` is one occurrence, however often it is told."""
    starts = (BEGAN + timedelta(seconds=beginning)).isoformat()
    alert = {"status": "firing", "labels": {"alertname": "Down", "service": service}, "startsAt": starts}
    alert["fingerprint"] = service
    body = {"version": "4", "status": "firing", "receiver": "jinkies", "alerts": [alert]}
    return Delivery("/alertmanager", json.dumps(body).encode(), JSON, (service,))


class Load:
    """Posts each delivery until it is answered, and every third again after that.

    Alertmanager tells the beginnings of an alert in their order; all else comes in any.
    """

    def __init__(self, deliveries: int, seed: int) -> None:
        self.url = ""  # of the core that runs now: http://host:port
        self.counted: Counter[str] = Counter()  # what was answered with a yes, by service
        self.answered = self.repeats = self.cut_off = 0
        self.total = deliveries + deliveries // 5
        self._random = random.Random(seed)
        self._waiting = [delivery(number) for number in range(deliveries)]
        self._random.shuffle(self._waiting)
        self._moved = asyncio.Condition()

    async def run(self) -> None:
        """Until all was answered."""
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client, asyncio.TaskGroup() as tasks:
            for _ in range(SENDERS):
                tasks.create_task(self._send_all(client))
            for kind in range(4):
                tasks.create_task(self._fire(client, f"manager-{kind}", (self.total - len(self._waiting)) // 4))

    async def until(self, answered: int) -> None:
        """Until so many deliveries were answered."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.answered >= min(answered, self.total - 20))

    async def _send_all(self, client: httpx.AsyncClient) -> None:
        while self._waiting:
            await self._deliver(client, self._waiting.pop())

    async def _fire(self, client: httpx.AsyncClient, service: str, beginnings: int) -> None:
        for beginning in range(beginnings):
            await self._deliver(client, firing(beginning, service))

    async def _deliver(self, client: httpx.AsyncClient, one: Delivery) -> None:
        await self._post(client, one)
        if self._random.random() < 0.3:  # its sender did not hear the yes
            await self._post(client, one)
            self.repeats += 1
        self.counted.update(one.counts)
        async with self._moved:
            self.answered += 1
            self._moved.notify_all()

    async def _post(self, client: httpx.AsyncClient, one: Delivery) -> None:
        while True:
            try:
                reply = await client.post(self.url + one.path, content=one.body, headers=one.headers)
            except httpx.TransportError:
                self.cut_off += 1
                await asyncio.sleep(0.02)  # the core is down: a sender's own pause, not a wait of the test
                continue
            assert reply.status_code in {200, 201, 202}, reply.text
            return
