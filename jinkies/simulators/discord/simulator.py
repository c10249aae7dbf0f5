"""The simulated Discord as a library: ``async with SimulatedDiscord() as sim``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from aiohttp import web

from jinkies.clock import Clock
from jinkies.serving import listen_on, served
from jinkies.simulators.discord import disturb
from jinkies.simulators.discord.answers import Answer, Refused
from jinkies.simulators.discord.clock import ForwardClock
from jinkies.simulators.discord.control import add_control_routes
from jinkies.simulators.discord.faults import Fault
from jinkies.simulators.discord.gateway import Gateway
from jinkies.simulators.discord.limits import Buckets, RateLimits
from jinkies.simulators.discord.page import add_page_routes
from jinkies.simulators.discord.people import WAIT_S, People
from jinkies.simulators.discord.recording import Call, Recording
from jinkies.simulators.discord.rest import add_routes
from jinkies.simulators.discord.server import API, MAX_BODY_BYTES, Rest
from jinkies.simulators.discord.state import NONCE_MEMORY_S, State
from jinkies.simulators.discord.teammate import teammate
from jinkies.simulators.discord.typed import Value
from jinkies.simulators.discord.world import Channel, Json, World
from jinkies.simulators.discord.writing import FileParts

DEFAULT_TOKEN = "simulated-discord-token"  # noqa: S105 reason: the token of a server that exists on loopback only
STOP_S = 0.5


class SimulatedDiscord:
    """A Discord on loopback: REST version 10, gateway, control API and a page to look at.

    Args:
        world: who and what exists.
        token: the bot's token; anything else is answered with 401.
        port: 0 chooses a free one.
        limits: rate limits; ``RateLimits(enabled=False)`` for none.
        record: a file to append every REST call to, one JSON object a line.
        clock: for ids, limits and timeouts; by default the machine's, which ``forward`` can put forward.
        nonce_memory_s: how long an enforced nonce dedupes.
        heartbeat_interval_ms: what HELLO asks of clients.
        teammate_s: mean seconds between a scripted teammate's presses; None for no teammate.
        seed: of the teammate's pauses.
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        token: str = DEFAULT_TOKEN,
        port: int = 0,
        limits: RateLimits | None = None,
        record: Path | None = None,
        clock: Clock | None = None,
        nonce_memory_s: float = NONCE_MEMORY_S,
        heartbeat_interval_ms: int = 41_250,
        teammate_s: float | None = None,
        seed: int = 1,
    ) -> None:
        world = world if world is not None else World()
        self.token = token
        clock = clock if clock is not None else ForwardClock()
        self.recording = Recording(record)
        self.state = State(world, clock, nonce_memory_s=nonce_memory_s)
        self.gateway = Gateway(self.state, token, heartbeat_interval_ms=heartbeat_interval_ms)
        self.people = People(self.state, self.gateway)
        buckets = Buckets(limits if limits is not None else RateLimits(), clock)
        self.rest = Rest(self.state, token, buckets, self.recording)
        self.address = ""
        self._port = port
        self._teammate = (teammate_s, seed)
        self._stack = AsyncExitStack()

    @property
    def world(self) -> World:
        """Who and what exists now."""
        return self.state.world

    @property
    def limits(self) -> RateLimits:
        """How strict it is; set it to change that from now on. Windows that are open stay."""
        return self.rest.buckets.limits

    @limits.setter
    def limits(self, limits: RateLimits) -> None:
        self.rest.buckets.limits = limits

    @property
    def api_url(self) -> str:
        """The base of the REST API, for ``[discord] api_url`` and interactions.py's ``Route.BASE``."""
        return self.address + API

    async def __aenter__(self) -> Self:
        self._stack.callback(self.recording.close)
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        add_routes(app, self.rest, self.state)
        app.router.add_get("/gateway", self.gateway.handle)
        app.router.add_get("/gateway/resume", self.gateway.handle)
        add_control_routes(app, self.state, self.people, self.rest, self.gateway)
        add_page_routes(app, self.state, self.people, self.gateway)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_S)
        listener = listen_on("127.0.0.1", self._port)
        await self._stack.enter_async_context(served(runner, listener))
        self._stack.push_async_callback(self.gateway.shut_down)
        self._stack.push_async_callback(self._release_pages)
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        self.address, self.people.host = f"http://{host}", host
        await self._start_teammate()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _release_pages(self) -> None:
        self.state.ending = True
        await self.state.touch()

    async def _start_teammate(self) -> None:
        every_s, seed = self._teammate
        if every_s is None or not self.world.users:
            return
        who = self.world.users[0].id
        task = asyncio.create_task(teammate(self.state, self.people, who, every_s=every_s, seed=seed), name="teammate")

        async def end() -> None:
            task.cancel()
            await asyncio.wait({task})

        self._stack.push_async_callback(end)

    # What tests and drills do; each person, channel and thread is named by id or name

    def messages(self, channel: str) -> list[Json]:
        """What a channel or thread shows everyone, newest first."""
        found = self.world.channel(channel) or self.state.threads.named(channel)
        return self.state.listed(found.id if found is not None else channel)

    def seen_by(self, user: str, channel: str) -> list[Json]:
        """What a channel or thread shows one person, newest first: with what only that person sees."""
        return self.state.seen_by(self.people.person(user).id, self.people.where(channel))

    def threads(self, channel: str) -> list[Json]:
        """A channel's threads, active and archived, newest first, as the bot sees them."""
        where = self.people.where(channel)
        found = [each for each in self.state.threads.all.values() if each.parent_id == where]
        return [self.state.threads.shown(each) for each in reversed(found)]

    def file(self, attachment: Json) -> bytes:
        """What is in an attached file; its ``url`` serves the same."""
        return self.state.files.data(attachment["id"])

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every REST call so far (the last 20,000), oldest first."""
        return tuple(self.recording.calls)

    async def press(
        self,
        message_id: str,
        custom_id: str,
        user: str = "velma",
        *,
        values: tuple[str, ...] = (),
        wait_s: float = WAIT_S,
    ) -> Answer:
        """See ``People.press``."""
        return await self.people.press(message_id, custom_id, user, values=values, wait_s=wait_s)

    async def slash(
        self,
        name: str,
        options: Mapping[str, Any] | None = None,
        user: str = "velma",
        channel: str = "alerts",
        *,
        wait_s: float = WAIT_S,
    ) -> Answer:
        """See ``People.slash``."""
        return await self.people.slash(name, options or {}, user, channel, wait_s=wait_s)

    async def autocomplete(
        self,
        name: str,
        option: str,
        typed: str,
        user: str = "velma",
        channel: str = "alerts",
        *,
        others: Mapping[str, Any] | None = None,
    ) -> Answer:
        """See ``People.autocomplete``; the answer's ``choices`` are what is offered."""
        return await self.people.autocomplete(name, option, typed, user, channel, others=others)

    async def menu(
        self, name: str, target: str, user: str = "velma", channel: str = "alerts", *, wait_s: float = WAIT_S
    ) -> Answer:
        """See ``People.menu``: a context menu command on a message or a member."""
        return await self.people.menu(name, target, user, channel, wait_s=wait_s)

    async def modal(
        self, custom_id: str, fields: Mapping[str, Value], user: str = "velma", *, wait_s: float = WAIT_S
    ) -> Answer:
        """See ``People.modal``."""
        return await self.people.modal(custom_id, fields, user, wait_s=wait_s)

    async def say(
        self,
        content: str,
        user: str = "velma",
        channel: str = "alerts",
        *,
        reply_to: str | None = None,
        files: FileParts = (),
    ) -> Json:
        """See ``Writing.say``."""
        return await self.people.say(content, user, channel, reply_to=reply_to, files=files)

    async def delete_message(self, message_id: str) -> None:
        """See ``Writing.delete``."""
        await self.people.delete(message_id)

    async def forward(self, seconds: float) -> None:
        """Put the clock forward: interactions expire, windows of rate limits pass, idle threads are archived.

        Raises:
            Refused: the simulator was given another clock.
        """
        await disturb.forward(self.state, seconds)

    async def change_channel(self, channel: str, **changes: Any) -> None:
        """Change a channel's fields from now on (``access=Access.READ``, ``denied=ATTACH_FILES``)."""
        self.state.change_channel(msgspec.structs.replace(self._channel(channel), **changes))
        await self.state.touch()

    async def remove_channel(self, channel: str) -> None:
        """Delete a channel with everything in it."""
        self.state.remove_channel(self._channel(channel))
        await self.state.touch()

    async def change_user(self, user: str, **changes: Any) -> None:
        """Change a member's fields from now on (``roles=(ON_CALL.id,)``, ``nick="Vel"``)."""
        changed = msgspec.structs.replace(self.people.person(user), **changes)
        self.state.world = self.world.with_user(changed)
        await self.state.touch()

    def _channel(self, which: str) -> Channel:
        found = self.world.channel(which)
        if found is None:
            raise Refused(f"no channel {which!r} in the guild")
        return found

    def fault(self, fault: Fault) -> None:
        """Make the next matching requests go wrong; ``faults`` has ready-made ones."""
        self.rest.faults.add(fault)

    async def go_down(self, *, status: int | None = None) -> None:
        """Discord is gone: connections are cut and refused, and every REST request with them.

        Args:
            status: answer REST requests with this 5xx instead of cutting their connections.
        """
        await disturb.go_down(self.rest, self.gateway, status)

    async def come_back(self) -> None:
        """Discord is there again, with everything that it remembered; faults that were armed are still due."""
        await disturb.come_back(self.rest, self.gateway)

    async def heal(self) -> None:
        """End every fault: none is due any more, the gateway accepts and acknowledges, zombies are cut."""
        await disturb.heal(self.rest, self.gateway)

    async def wait_for(self, condition: Callable[[], object], timeout_s: float = 30.0) -> None:
        """Return as soon as ``condition()`` is true; it is asked again after every change, never on a timer.

        Raises:
            TimeoutError: it did not become true; the message tells the last calls.
        """
        try:
            async with asyncio.timeout(timeout_s), self.state.changed:
                await self.state.changed.wait_for(lambda: bool(condition()))
        except TimeoutError:
            last = [f"{call.method} {call.path} {call.status}" for call in self.calls[-8:]]
            raise TimeoutError(f"not within {timeout_s} s; the last calls were {last}") from None
