"""``/logs``, and the button of a card that shows the lines around its alert."""

from __future__ import annotations

from collections.abc import Awaitable

import interactions

from bot import custom_ids
from bot.answers import Reply
from bot.commands.desk import Desk
from bot.commands.log_asking import Asked, LogsOptions, complete_service, logs_options, read_logs
from bot.commands.wiring import Call, component, slash
from bot.log_answer import logs_reply
from bot.log_text import in_words
from bot.render import timestamp
from jinkies.errors import Disconnected, UpstreamError
from jinkies.model import FETCHED_CHARS, LogEvent
from jinkies.permissions import Permission

AROUND = 60  # lines, half of them before the alert
LIMIT_S = 25.0  # less than an attached operator waits for an answer
MOST = 10_000  # that the core takes


def install(client: interactions.Client, desk: Desk) -> None:
    """Give a client ``/logs`` and the button."""
    logs = _Logs(desk)
    slash(
        client,
        desk,
        "logs",
        "Show log lines of a service, the newest last",
        logs.read,
        options=logs_options(desk.config.max_log_lines),
        completes=complete_service(desk),
        needs=Permission.TAIL,
    )
    component(client, desk, "logs_around", custom_ids.AROUND, logs.around)


class _Logs:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def read(self, call: Call) -> Reply:
        desk = self._desk
        asked = read_logs(call.read(LogsOptions), now_ms=desk.clock.now_ms(), most=desk.config.max_log_lines)
        await desk.require(call.caller, Permission.TAIL, desk.targets(asked.spec), what="/logs")
        one_more = min(asked.limit + 1, MOST)  # tells whether there are older ones
        query = desk.operator.fetch_logs(asked.spec, start_ms=asked.start_ms, end_ms=asked.end_ms, limit=one_more)
        found = await self._in_time(query)
        is_full = sum(len(event.message) for event in found) >= FETCHED_CHARS
        long = "There may be older ones: the lines are so long that this is all that fits."
        older = "There are older ones: ask for more lines, or for a time that ends earlier."
        return await logs_reply(
            found[-asked.limit :],
            desk.redactor,
            title=f"Logs · {in_words(asked.spec)}",
            about=_about(asked),
            left_out=older if len(found) > asked.limit else long if is_full else "",
        )

    async def around(self, call: Call) -> Reply:
        alert_id, digits = custom_ids.alert_of(custom_ids.AROUND, call.custom_id)
        await self._desk.check_epoch(digits)
        detail = await self._desk.ask(self._desk.operator.alert(alert_id))
        services = (detail.row.service,)
        await self._desk.require(call.caller, Permission.TAIL, services, what="logs around", alert_id=alert_id)
        events = await self._in_time(self._desk.operator.logs_around(alert_id, limit=AROUND))
        return await logs_reply(
            events,
            self._desk.redactor,
            title=f"Logs around #{alert_id} · {detail.row.service}",
            about=f"around {timestamp(detail.latest.occurred_at_ms)}",
        )

    async def _in_time(self, query: Awaitable[tuple[LogEvent, ...]]) -> tuple[LogEvent, ...]:
        """What CloudWatch gives in bounded time. Raises ``UpstreamError`` when it takes longer."""
        begun_s = self._desk.clock.monotonic_s()
        try:
            return await self._desk.ask(query, limit_s=LIMIT_S)
        except Disconnected:
            if self._desk.clock.monotonic_s() - begun_s < LIMIT_S:
                raise
            raise UpstreamError(
                f"that takes longer than {LIMIT_S:.0f} s: ask for a shorter time or fewer lines"
            ) from None


def _about(asked: Asked) -> str:
    return f"from <t:{asked.start_ms // 1000}:f> to <t:{-(-asked.end_ms // 1000)}:t>"
