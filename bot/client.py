"""The connection to Discord: the interactions.py client, and the supervision that it needs.

A failed reconnect makes the library's ``astart()`` return normally with one log line, a failed command sync still
reports ready, and ``stop()`` spins: so each connection is a client of its own, in a task that is watched and cancelled.
After a heartbeat that nobody acknowledged the library connects again by itself; that is watched like the rest.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiohttp
import interactions
import msgspec
from interactions.api import events
from interactions.api.http.route import Route

from bot.answers import apologise, apologise_for_unknown
from bot.contexts import (
    AnswerableContext,
    AutocompleteContext,
    ComponentContext,
    MenuContext,
    ModalContext,
    SlashContext,
)
from bot.http import PoliteHTTP, words
from bot.registering import Registration
from bot.text import plain_label
from jinkies.clock import Clock
from jinkies.config import DiscordConfig
from jinkies.model import PartHealth, PartState
from jinkies.redact import redact

log = logging.getLogger(__name__)

BACKOFF_FIRST_S = 1.0
BACKOFF_LAST_S = 60.0
FATAL_PAUSE_S = 300.0  # 288 identifies a day; Discord takes a token away at 1,000 ("Session Start Limit Object")
TOKEN_REFUSED = "Discord refuses the token; check DISCORD_BOT_TOKEN"  # noqa: S105 - words, no token
LOOK_EVERY_S = 0.5
READY_LIMIT_S = 90.0
STOP_LIMIT_S = 1.0
HELD_S = 2.0  # so long an interaction waits for a bot that is starting: Discord gives it 3 s

INTENTS_REFUSED = 4014
# Close codes that mean: not like this, ever (Discord, "Gateway Close Event Codes"), and what to do about them
FATAL = {
    4010: "Discord refuses the shard; this bot has one, so another version of it is needed",
    4011: "the bot is in more servers than one connection may serve; use an application of its own for this desk",
    4012: "Discord no longer speaks this version of its API; update jinkies",
    4013: "Discord does not know the intents that were asked for; update jinkies",
    INTENTS_REFUSED: "Discord refuses the intents that were asked for; switch Message Content Intent on, on the Bot"
    " page of the application in Discord's developer portal",
}
# Any of these may let the bot into a channel that was closed to it.
_ACCESS_EVENTS = (
    "channel_create",
    "channel_update",
    "guild_create",
    "guild_update",
    "guild_member_update",
    "guild_role_create",
    "guild_role_update",
    "thread_update",
)

INTENTS = interactions.Intents.GUILDS
INTENTS_WITH_WORDS = INTENTS | interactions.Intents.GUILD_MESSAGES | interactions.Intents.MESSAGE_CONTENT

Install = Callable[[interactions.Client], None]


class DiscordLink:
    """Keeps a client connected, for ever.

    Args:
        config: token, guild and the API's address.
        clock: the time by which is waited.
        install: gives a new client its commands.
        on_access: called when what the bot may do may have changed.
        on_message: called with each message that people write; None: they are not asked for.
    """

    def __init__(
        self,
        config: DiscordConfig,
        clock: Clock,
        install: Install,
        on_access: Callable[[], None] = lambda: None,
        on_message: Callable[[dict[str, Any]], Awaitable[None]] | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._install = install
        self._on_access = on_access
        self._on_message = on_message
        self._words_refused = False  # Discord doesn't let this application read messages
        self._refused = False
        self._client: interactions.Client | None = None
        self._logged_in = False
        self._trouble: str | None = None
        self._registration: Registration | None = None

    def online(self) -> interactions.Client | None:
        """The client that is logged in now, or None: Discord's HTTP API can't be used then."""
        return self._client if self._logged_in else None

    def ready(self) -> interactions.Client | None:
        """The client whose gateway is up, or None."""
        return self._client if self._client is not None and self._client.is_ready else None

    @property
    def hearing(self) -> str | None:
        """The gateway's session in which Discord tells what people write; None: in none, just now or at all.

        A session that is resumed has its name still, and Discord has told what came in between. One that is lost has
        it until there is another.
        """
        client = self.online()
        return getattr(client.ws, "session_id", None) if client is not None and self._reads_words else None

    @property
    def health(self) -> PartHealth:
        """How the connection is doing."""
        client = self._client
        if client is None or not client.is_ready:
            state = PartState.FAILED if self._trouble else PartState.CONNECTING
            return PartHealth(part="discord", state=state, detail=self._trouble or "connecting")
        if self._registration is not None and self._registration.trouble is not None:
            return PartHealth(part="discord", state=PartState.FAILED, detail=self._registration.trouble)
        latency_s = client.latency
        latency_ms = round(latency_s * 1000, 1) if math.isfinite(latency_s) else None
        return PartHealth(part="discord", state=PartState.OK, detail=self._standing, latency_ms=latency_ms)

    @property
    def _standing(self) -> str:
        if not self._words_refused:
            return "connected"
        return "connected; comments in threads are not read: " + FATAL[INTENTS_REFUSED].partition("; ")[2]

    async def run(self) -> None:
        """Connect, and connect again with backoff."""
        Route.BASE = self._config.api_url.rstrip("/")  # the library has it for the whole process
        delay_s = BACKOFF_FIRST_S
        while True:
            was_ready = await self._connect()
            if self._trouble == FATAL[INTENTS_REFUSED] and self._reads_words:
                log.warning("Discord: %s; until then, what is written in threads is not read", self._trouble)
                self._words_refused = True
                continue
            if was_ready:
                delay_s = BACKOFF_FIRST_S
            elif self._trouble == TOKEN_REFUSED:
                delay_s = BACKOFF_LAST_S  # hammering would count as invalid requests, which can ban an address
            pause_s = FATAL_PAUSE_S if self._trouble in FATAL.values() else delay_s
            log.warning("%s; trying again in %.0f s", self._trouble, pause_s)
            await self._clock.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311 - spreads reconnects
            delay_s = min(delay_s * 2, BACKOFF_LAST_S)

    async def _connect(self) -> bool:
        """One connection from its beginning to its end; says whether it was ever ready."""
        client = self._client = self._build()
        registration = Registration(client, self._config.guild_id or "0", self._clock, _words)
        self._registration = registration
        token = self._config.token.reveal() if self._config.token is not None else ""
        task = asyncio.create_task(client.astart(token), name="discord")
        was_ready, alive_at_s = False, self._clock.monotonic_s()
        try:
            while not task.done():
                await registration.look_after()
                if self._refused:
                    self._trouble = TOKEN_REFUSED
                    return was_ready
                if client.is_ready:
                    was_ready, self._trouble, alive_at_s = True, None, self._clock.monotonic_s()
                elif self._clock.monotonic_s() - alive_at_s > READY_LIMIT_S:  # the library waits for ever for a HELLO
                    self._trouble = f"no connection to Discord within {READY_LIMIT_S:.0f} s"
                    return was_ready
                await asyncio.wait({task}, timeout=LOOK_EVERY_S)
            self._trouble = self._why(task)
        finally:
            self._logged_in, self._client = False, None
            await _end(task, client)
        return was_ready

    def _build(self) -> interactions.Client:
        client = _PatientClient(
            intents=INTENTS_WITH_WORDS if self._reads_words else INTENTS,
            disable_dm_commands=True,
            send_command_tracebacks=False,
            send_not_ready_messages=True,
            slash_context=SlashContext,
            component_context=ComponentContext,
            modal_context=ModalContext,
            context_menu_context=MenuContext,
            autocomplete_context=AutocompleteContext,
            logging_level=logging.WARNING,
        )
        client.http = PoliteHTTP(client.logger, self._clock, self._on_refused)
        self._refused = False
        for name in _ACCESS_EVENTS:
            client.add_listener(interactions.Listener(self._on_access_event, f"raw_{name}"))
        if self._reads_words:
            # In place of the library's own, which takes the roles out of the payload that listeners get.
            client.add_event_processor("raw_message_create")(self._on_message_event)
        for name, callback in (
            ("login", self._on_login),
            ("command_error", _on_interaction_error),
            ("component_error", _on_interaction_error),
            ("modal_error", _on_interaction_error),
            ("raw_interaction_create", _on_interaction),
            ("autocomplete_error", _on_quiet_error),
            ("error", _on_quiet_error),
        ):
            client.add_listener(interactions.Listener(callback, name, disable_default_listeners=True))
        self._install(client)
        return client

    async def _on_login(self, event: events.Login) -> None:
        self._logged_in = event.bot is self._client

    async def _on_access_event(self, _: events.RawGatewayEvent) -> None:
        self._on_access()

    @property
    def _reads_words(self) -> bool:
        return self._on_message is not None and not self._words_refused

    async def _on_message_event(self, event: events.RawGatewayEvent) -> None:
        if self._on_message is None:
            return
        try:
            await self._on_message(event.data)
        except Exception:  # nobody awaits it: the log is all that can tell
            log.exception("a message could not be taken")

    def _on_refused(self) -> None:
        self._refused = True

    def _why(self, task: asyncio.Task[None]) -> str:
        error = task.exception() if not task.cancelled() else None
        if isinstance(error, interactions.errors.LoginError) or self._refused:
            return TOKEN_REFUSED
        if (code := _close_code(error)) is not None:
            return FATAL.get(code, f"Discord closed the connection (code {code})")
        if isinstance(error, aiohttp.ClientError | OSError):  # TimeoutError among them
            return f"Discord can't be reached at {self._config.api_url}"
        if isinstance(error, TypeError | AttributeError):  # the library trips over its own logged failure
            return "the connection to Discord could not be made; the log says more"
        return (
            "the connection to Discord ended" if error is None else f"the connection to Discord failed: {_words(error)}"
        )


class _PatientClient(interactions.Client):
    """Who presses while the bot starts waits a little for the answer instead of being told to try again."""

    async def handle_pre_ready_response(self, data: dict[str, Any]) -> None:
        """The library's answer to what comes before the commands are registered; it is taken up once they are."""
        try:
            async with asyncio.timeout(HELD_S):
                await self.wait_until_ready()
        except TimeoutError:
            await super().handle_pre_ready_response(data)
        else:
            name = "raw_interaction_create"
            await self.processors[name](events.RawGatewayEvent(data, override_name=name))
            self.dispatch(events.RawGatewayEvent(data, override_name=name))


def _close_code(error: BaseException | None) -> int | None:
    """The gateway's close code; the library wraps some of them in errors of its own."""
    found = (one for one in (error, error.__context__ if error is not None else None))
    return next((one.code for one in found if isinstance(one, interactions.errors.WebSocketClosed)), None)


def _words(error: BaseException) -> str:
    if isinstance(error, interactions.errors.HTTPException):
        return redact(words(error))
    return redact(plain_label(f"{type(error).__name__}: {error}", 200))


async def _end(task: asyncio.Task[None], client: interactions.Client) -> None:
    """End a connection in bounded time, whatever state it is in."""
    task.cancel()
    await asyncio.wait({task}, timeout=STOP_LIMIT_S)
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_LIMIT_S / 2):
            await client.http.close()
    if not task.done():
        log.warning("Discord: the old connection does not end")
    elif not task.cancelled():
        task.exception()  # seen, so that nobody complains that it never was


async def _on_interaction(event: events.RawGatewayEvent) -> None:
    """Answer commands that Discord still shows and this version doesn't have; the library only logs them."""
    data, client = event.data, event.bot
    if not client.is_ready or data.get("type") != interactions.InteractionType.APPLICATION_COMMAND:
        return
    name = str(data["data"]["name"])
    known = {
        str(each.name) for by_name in client.interactions_by_scope.values() for each in by_name.values() if each.cmd_id
    }
    if name not in known:
        await apologise_for_unknown(client, str(data["id"]), str(data["token"]), name)


async def _on_interaction_error(event: events.CommandError) -> None:
    log.error("an interaction failed", exc_info=event.error)
    if isinstance(event.ctx, AnswerableContext):
        await apologise(event.ctx)


async def _on_quiet_error(event: events.Error) -> None:
    log.error("the Discord client failed: %s", _words(event.error))


def same_health(one: PartHealth, other: PartHealth) -> bool:
    """Whether two reports differ in nothing but the time and the latency."""
    still = {"at_ms": 0, "latency_ms": None}
    return msgspec.structs.replace(one, **still) == msgspec.structs.replace(other, **still)
