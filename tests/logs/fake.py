"""A small CloudWatch Logs for what ministack can't do: empty pages, throttling, refusals."""

from __future__ import annotations

import json
from collections import deque
from typing import Any, Self

from aiohttp import web


class FakeCloudWatch:
    """FilterLogEvents and DescribeLogGroups on loopback; an async context manager.

    ``faults`` are answered first, one a request: (HTTP status, error code). ``empty_pages`` come before each page
    with events, all with a token.
    """

    def __init__(self, *groups: str, page_size: int = 10_000, empty_pages: int = 0) -> None:
        self.events: dict[str, list[dict[str, Any]]] = {group: [] for group in groups}
        self.faults: deque[tuple[int, str]] = deque()
        self.requests: list[dict[str, Any]] = []
        self.page_size = page_size
        self.empty_pages = empty_pages
        self.newest_first = "obeys"  # or "ignores", "refuses": what it does with startFromHead=false
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1_048_576)
        app.router.add_post("/", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *failure: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def put(
        self, group: str, message: str, at_ms: int, *, stream: str = "s", ingested_ms: int | None = None, times: int = 1
    ) -> None:
        """Make an event visible now, ``times`` identical ones."""
        event = {
            "logStreamName": stream,
            "timestamp": at_ms,
            "ingestionTime": at_ms + 100 if ingested_ms is None else ingested_ms,
            "message": message,
        }
        self.events[group].extend([event] * times)

    def asked(self, action: str = "FilterLogEvents") -> list[dict[str, Any]]:
        """The requests of an action so far."""
        return [request for request in self.requests if request["action"] == action]

    async def _answer(self, request: web.Request) -> web.Response:
        action = request.headers["X-Amz-Target"].rpartition(".")[2]
        body = json.loads(await request.text())
        self.requests.append({"action": action, **body})
        if self.faults:
            status, code = self.faults.popleft()
            return _json({"__type": code, "message": "as the test wished"}, status)
        if action == "DescribeLogGroups":
            return _json({"logGroups": [{"logGroupName": group} for group in self.events]})
        group = body.get("logGroupName") or body["logGroupIdentifier"].split("log-group:")[1]
        if group not in self.events:
            return _json(
                {"__type": "ResourceNotFoundException", "message": "The specified log group does not exist."}, 400
            )
        if body.get("startFromHead") is False and (
            self.newest_first == "refuses" or body.get("startTime", 0) < 1_704_067_200_000
        ):
            return _json({"__type": "InvalidParameterException", "message": "startFromHead"}, 400)
        return _json(self._page(self.events[group], body))

    def _page(self, events: list[dict[str, Any]], body: dict[str, Any]) -> dict[str, Any]:
        first, last = body.get("startTime", 0), body.get("endTime", 1 << 62)
        streams, pattern = body.get("logStreamNames"), body.get("filterPattern", "")
        found = sorted(
            (
                event
                for event in events
                if first <= event["timestamp"] <= last
                and (not streams or event["logStreamName"] in streams)
                and pattern in event["message"]
            ),
            key=lambda event: (event["timestamp"], event["ingestionTime"]),
        )
        if body.get("startFromHead") is False and self.newest_first == "obeys":
            found.reverse()
        place, empty = map(int, body.get("nextToken", "0/0").split("/"))
        if empty < self.empty_pages:
            return {"events": [], "nextToken": f"{place}/{empty + 1}"}
        page = found[place : place + self.page_size]
        answer: dict[str, Any] = {"events": page, "searchedLogStreams": []}
        if place + len(page) < len(found):
            answer["nextToken"] = f"{place + len(page)}/0"
        return answer


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(body), status=status, content_type="application/x-amz-json-1.1")
