"""The library's HTTP client with a rate limiter that holds, and failures that are raised.

The library's own gives ``None`` after three refusals, fails when requests to a bucket overlap, forgets how long Discord
asked it to wait, and takes a bucket's name for the bucket, which Discord counts for each channel apart.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import interactions
from interactions.api.http.http_client import HTTPClient
from interactions.api.http.route import Route
from interactions.client.errors import DiscordError, Forbidden, HTTPException, NotFound
from interactions.client.utils.input_utils import response_decode
from interactions.client.utils.serializer import dict_filter

from bot.limits import Bucket, Limits
from bot.text import plain_label
from jinkies.clock import Clock

log = logging.getLogger(__name__)

PATIENCE_S = 15.0  # longest wait for a rate limit; beyond, the caller is told how long it is
ANSWER_PATIENCE_S = 2.5  # of an interaction's first answer: Discord takes it for 3 s
TRY_LIMIT_S = 15.0  # a request's bound
CONNECTS_S = 5.0
_PAUSES_S = (1.0, 3.0)  # after a 5xx or a lost connection
_ANSWER_PAUSES_S = (0.1, 0.3, 0.6, 1.0)
_ALREADY_ANSWERED = 40060  # Discord: "Interaction has already been acknowledged"

_Answer = Any  # decoded JSON: what it means is known to whoever asked


class RateLimited(RuntimeError):
    """Discord's rate limit asks to wait longer than a caller may be kept waiting; nothing was sent just now."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"Discord asks to wait {wait_s:.0f} s (rate limit)")
        self.wait_s = wait_s


class TokenRefused(RuntimeError):
    """Discord has refused the token before: nothing is sent with it any more."""


class PoliteHTTP(HTTPClient):
    """Sends requests as Discord's headers ask, one at a time a bucket.

    Args:
        logger: the library's.
        clock: the time by which is waited.
        on_refused: called once when Discord refuses the token; from then on requests raise ``TokenRefused``.
    """

    def __init__(self, logger: logging.Logger, clock: Clock, on_refused: Callable[[], None]) -> None:
        super().__init__(logger=logger)
        self._clock = clock
        self._on_refused = on_refused
        self._limits = Limits()
        self._refused = False
        self._connected_at_s: deque[float] = deque(maxlen=2)

    async def request(
        self,
        route: Route,
        payload: list[Any] | dict[str, Any] | None = None,
        files: list[Any] | None = None,
        reason: str | None = None,  # noqa: ARG002 - of the audit log: the bot does nothing that is in it
        params: dict[str, Any] | None = None,
        **_: Any,
    ) -> _Answer:
        """Make a request, and again after a short rate limit; after a 5xx or a lost answer too, but for a channel's.

        Raises:
            interactions.errors.HTTPException: Discord refused.
            RateLimited: waiting would take too long.
            TokenRefused: see above.
            aiohttp.ClientError, TimeoutError: there was no answer; it may have happened all the same.
        """
        attempt = _Attempt(route, self._clock)
        while True:
            try:
                return await self._once(attempt, payload, files, params)
            except (aiohttp.ClientError, TimeoutError, DiscordError) as error:
                if not attempt.may_go_on:
                    raise
                log.debug("%s: %s; once more", route.endpoint, type(error).__name__)
                attempt.unclear = True
                await self._clock.sleep(attempt.pause_s())
            except RateLimited as limited:
                if limited.wait_s > attempt.patience_s():
                    raise
                await self._clock.sleep(limited.wait_s)
            except HTTPException as error:
                if attempt.unclear and attempt.answers and error.code == _ALREADY_ANSWERED:
                    return ""  # the answer that was lost had arrived
                raise

    async def _once(self, attempt: _Attempt, payload: Any, files: Any, params: Any) -> _Answer:
        if self._refused and not attempt.open_to_all:
            raise TokenRefused("Discord refuses the token")
        bucket = self._limits.bucket(attempt.endpoint, attempt.major)
        async with bucket.turn:
            now_s = self._clock.monotonic_s()
            wait_s = max(bucket.wait_s(now_s), self._limits.wait_s(now_s, exempt=attempt.open_to_all))
            if wait_s > 0:
                if wait_s > attempt.patience_s():
                    raise RateLimited(wait_s)
                await self._clock.sleep(wait_s)
            if not attempt.open_to_all:
                self._limits.sent(self._clock.monotonic_s())
            async with asyncio.timeout(TRY_LIMIT_S):
                return await self._send(attempt, bucket, payload, files, params)

    async def _send(self, attempt: _Attempt, bucket: Bucket, payload: Any, files: Any, params: Any) -> _Answer:
        data = self._process_payload(payload, files)
        session = self._session()
        async with session.request(
            attempt.route.method,
            attempt.route.url,
            headers={"User-Agent": self.user_agent, "Authorization": f"Bot {self.token}"},
            params={key: value for key, value in dict_filter(params or {}).items() if value is not None},
            data=data if isinstance(data, aiohttp.FormData) else None,
            json=None if isinstance(data, aiohttp.FormData) else data,
        ) as response:
            answer = await response_decode(response)
            return self._judge(attempt, bucket, response, answer)

    def _session(self) -> aiohttp.ClientSession:
        session: aiohttp.ClientSession | None = getattr(self, "_HTTPClient__session", None)
        if session is None or session.closed:
            raise aiohttp.ClientConnectionError("not logged in")
        return session

    async def websocket_connect(self, url: str) -> aiohttp.ClientWebSocketResponse:
        """Open a connection to the gateway; the third within a few seconds waits.

        The library identifies again at once whenever a session is refused, for ever; Discord takes a token away that
        identifies 1,000 times a day ("Session Start Limit Object").
        """
        now_s = self._clock.monotonic_s()
        if len(self._connected_at_s) == 2 and now_s - self._connected_at_s[0] < CONNECTS_S:
            await self._clock.sleep(random.uniform(1.0, CONNECTS_S))  # noqa: S311 - spreads reconnects
        self._connected_at_s.append(self._clock.monotonic_s())
        return await super().websocket_connect(url)

    def _judge(self, attempt: _Attempt, bucket: Bucket, response: aiohttp.ClientResponse, answer: Any) -> _Answer:
        now_s = self._clock.monotonic_s()
        bucket.note(response.headers, now_s)
        self._limits.name(attempt.endpoint, attempt.major, response.headers)
        if response.status in (401, 403, 429):
            self._limits.invalid(now_s)
        if response.status == 429:
            raise self._limited(attempt, bucket, response.headers, answer, now_s)
        if response.status == 401 and not attempt.open_to_all and not self._refused:
            self._refused = True
            self._on_refused()
        if 200 <= response.status < 300:
            return answer
        log.debug("%s: %d", attempt.endpoint, response.status)
        kinds = {403: Forbidden, 404: NotFound}
        kind = DiscordError if response.status >= 500 else kinds.get(response.status, HTTPException)
        raise kind(response, response_data=answer, route=attempt.route)

    def _limited(
        self, attempt: _Attempt, bucket: Bucket, headers: Mapping[str, str], answer: Any, now_s: float
    ) -> RateLimited:
        """Remember how long nothing may be sent, in Discord's words: to this bucket, or at all."""
        body = answer if isinstance(answer, dict) else {}
        wait_s = _seconds(body.get("retry_after")) or _seconds(headers.get("Retry-After")) or 1.0
        everywhere = body.get("global") is True or headers.get("X-RateLimit-Scope") == "global"
        log.info("Discord's rate limit: %s waits %.1f s", "everything" if everywhere else attempt.endpoint, wait_s)
        if everywhere:
            self._limits.close(now_s + wait_s)
        else:
            bucket.close(now_s + wait_s)
        return RateLimited(wait_s)


class _Attempt:
    """A request on its way: which bucket it is of, and how much longer it may take."""

    def __init__(self, route: Route, clock: Clock) -> None:
        self.route = route
        self._clock = clock
        self.answers = route.path.startswith("/interactions/")
        self.open_to_all = self.answers or route.path.startswith("/webhooks/")  # its own token is in the path
        self.endpoint = f"{route.method} {route.path}"
        majors = (route.channel_id, route.guild_id, route.params.get("application_id"), route.webhook_token)
        self.major = "/".join(str(one) for one in majors if one)
        self.unclear = False  # an answer was lost
        shows = route.path.startswith("/channels/")  # who shows something there knows whether to do it again
        self._pauses = list(_ANSWER_PAUSES_S if self.answers else () if shows else _PAUSES_S)
        self._until_s = clock.monotonic_s() + (ANSWER_PATIENCE_S if self.answers else PATIENCE_S)

    @property
    def may_go_on(self) -> bool:
        return bool(self._pauses) and self.patience_s() > self._pauses[0]

    def pause_s(self) -> float:
        return self._pauses.pop(0)

    def patience_s(self) -> float:
        return self._until_s - self._clock.monotonic_s()


def _seconds(value: object) -> float:
    """Seconds of a header or a body; 0.0 when it says none. At most an hour is believed."""
    try:
        return min(max(float(str(value)), 0.0), 3_600.0)
    except ValueError:
        return 0.0


def words(error: Exception) -> str:
    """Discord's own words for a refusal, and what they are known by; without addresses, which hold tokens."""
    if not isinstance(error, interactions.errors.HTTPException):
        return plain_label(str(error), 200) or type(error).__name__
    code = error.code if isinstance(error.code, int) else 0
    said = plain_label(str(error.text), 200) if error.text else str(error.response.reason)
    return f"{said} ({error.status}, code {code})" if code else f"{said} ({error.status})"
