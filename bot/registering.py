"""Commands are Discord's too: a failed registration reports ready like a good one, so that it is checked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import interactions

from jinkies.clock import Clock

log = logging.getLogger(__name__)

FIRST_S = 1.0
LAST_S = 60.0
LIMIT_S = 30.0
CHECK_EVERY_S = 600.0  # another program with the same token may have replaced them meanwhile


class Registration:
    """Looks after the commands of a client.

    Args:
        client: with its commands installed.
        guild_id: of the server whose commands they are.
        clock: the time by which is waited.
        words: says what an error is, without secrets.
    """

    def __init__(
        self, client: interactions.Client, guild_id: str, clock: Clock, words: Callable[[BaseException], str]
    ) -> None:
        self.trouble: str | None = None  # why they aren't registered, in words
        self._client = client
        self._guild_id = guild_id
        self._clock = clock
        self._words = words
        self._next_s = 0.0
        self._delay_s = FIRST_S
        self._checked_at_s = clock.monotonic_s()

    async def look_after(self) -> None:
        """Check, and register again what is missing, with backoff. Does nothing while the client isn't ready."""
        now_s = self._clock.monotonic_s()
        if self._client.is_ready and now_s - self._checked_at_s >= CHECK_EVERY_S:
            self._checked_at_s = now_s
            await self._check()
        if not self._client.is_ready or commands_known(self._client):
            self.trouble, self._delay_s = None, FIRST_S
        elif now_s >= self._next_s:
            self._next_s = now_s + self._delay_s
            self._delay_s = min(self._delay_s * 2, LAST_S)
            await self._register()

    async def _check(self) -> None:
        """Forget the ids of commands that Discord doesn't have any more."""
        try:
            async with asyncio.timeout(LIMIT_S):
                kept = await self._client.http.get_application_commands(self._client.app.id, int(self._guild_id))
        except Exception as error:  # the library raises whatever broke; the next check says more
            log.debug("the commands could not be checked: %s", self._words(error))
            return
        ids = {int(each["id"]) for each in kept}
        for known in self._client.interactions_by_scope.values():  # of that one server: they have no other scope
            for command in known.values():
                held = {scope: number for scope, number in command.cmd_id.items() if int(number) in ids}
                if held != command.cmd_id:
                    log.warning("Discord has lost the command %s", command.resolved_name)
                    command.cmd_id = held

    async def _register(self) -> None:
        try:
            async with asyncio.timeout(LIMIT_S):
                await self._client.synchronise_interactions()
        except Exception as error:  # likewise: it is told, and tried again
            self.trouble = f"commands are not registered: {self._words(error)}"
            return
        if not commands_known(self._client):
            self.trouble = (
                f"commands can't be registered in server {self._guild_id}:"
                " invite the bot with the applications.commands scope"
            )


def commands_known(client: interactions.Client) -> bool:
    """Whether Discord has given every command its id."""
    return all(
        scope in command.cmd_id for scope, known in client.interactions_by_scope.items() for command in known.values()
    )
