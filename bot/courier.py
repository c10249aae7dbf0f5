"""The courier: the ways to touch a Discord channel, with errors that say what to do about them.

Over interactions.py's client with our rate limiter (``bot.http``): one call at a time a channel, each bounded.
(The bound is ``asyncio.timeout``: up to Python 3.11 ``wait_for`` can swallow a cancellation, and with it the shutdown.)
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Protocol, TypeVar

import aiohttp
import interactions
import msgspec

from bot.answers import Files, Upload, as_file
from bot.contexts import Member
from bot.http import RateLimited, TokenRefused, words
from bot.render import AllowedMentions, Message
from jinkies.clock import Clock
from jinkies.errors import UpstreamError

CALL_TIMEOUT_S = 30.0
LATE_S = 10.0  # what was sent and got no answer may happen so much later, whatever nonces Discord remembers
LIST_LIMIT = 100  # Discord limit
STRANGERS = (10007, 10013)  # Discord's codes: Unknown member, Unknown user
THREAD_MINUTES = 4_320  # without a word, after which Discord archives a thread

_T = TypeVar("_T")


class Trouble(StrEnum):
    """What kind of failure it was, and so what to do."""

    OFFLINE = "offline"  # not logged in just now: nothing was tried
    UNCLEAR = "unclear"  # no answer: it may have happened
    PENDING = "pending"  # the same was sent a moment ago, got no answer, and may happen yet: nothing was tried
    BUSY = "busy"  # Discord refused for now: try again
    MESSAGE_GONE = "message_gone"  # somebody deleted the message
    TOO_OLD = "too_old"  # the message can't be edited any more
    CHANNEL = "channel"  # the channel is unknown or not ours to write in
    THREAD_THERE = "thread_there"  # the message has a thread already
    LOCKED = "locked"  # a thread that only moderators may write in
    REFUSED = "refused"  # this very request makes no sense to Discord


# https://docs.discord.com/developers/topics/opcodes-and-status-codes, "JSON Error Codes"
_BY_CODE = {
    10003: Trouble.CHANNEL,  # Unknown channel
    10008: Trouble.MESSAGE_GONE,  # Unknown message
    30046: Trouble.TOO_OLD,  # Maximum number of edits to messages older than 1 hour reached
    50005: Trouble.TOO_OLD,  # Cannot edit a message authored by another user: the bot's application was changed
    50083: Trouble.LOCKED,  # Operation on an archived thread: one that was unlocked unarchives by itself
    160004: Trouble.THREAD_THERE,  # A thread has already been created for this message
    160005: Trouble.LOCKED,  # Thread is locked
    50001: Trouble.CHANNEL,  # Missing access
    50013: Trouble.CHANNEL,  # Missing permissions
}


NOTHING_TRIED = frozenset({Trouble.OFFLINE, Trouble.PENDING})
_PASSING = frozenset({Trouble.OFFLINE, Trouble.UNCLEAR, Trouble.PENDING, Trouble.BUSY})


class CourierError(UpstreamError):
    """Discord refused or did not answer; ``trouble`` says which, ``str()`` has Discord's words."""

    code = "discord"

    def __init__(
        self,
        message: str,
        *,
        trouble: Trouble = Trouble.UNCLEAR,
        wait_s: float = 0.0,
        code_number: int = 0,
        late: bool = False,
    ) -> None:
        super().__init__(message, retry=trouble in _PASSING)
        self.trouble = trouble
        self.wait_s = wait_s  # how long Discord asks to wait
        self.code_number = code_number  # Discord's own, of JSON errors; 0: none
        self.late = late  # it may happen yet


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A message as Discord shows it, as far as the bot cares."""

    message_id: str
    custom_ids: tuple[str, ...] = ()  # of its buttons
    mine: bool = True  # posted by this bot
    author: str = ""  # whose it is: a user's id
    content: str = ""  # as far as the bot may read it


class Writer(msgspec.Struct, frozen=True):
    """Who wrote a message, as far as Discord says it there."""

    id: str
    bot: bool = False


class Written(msgspec.Struct, frozen=True):
    """A message as Discord tells of it, as far as its words go."""

    id: str
    channel_id: str
    author: Writer
    content: str = ""
    type: int = 0
    webhook_id: str | None = None


class Courier(Protocol):
    """What the board needs of Discord. Every method raises ``CourierError``."""

    @property
    def ready(self) -> bool:
        """Whether there is a connection; without one every method raises at once."""
        ...

    async def post(
        self, channel_id: str, message: Message, *, nonce: str, content: str = "", pings: AllowedMentions | None = None
    ) -> Shown:
        """Post a message that pings only ``pings``; Discord drops a second one with its nonce for some minutes."""
        ...

    async def edit(self, channel_id: str, message_id: str, message: Message, *, upload: Upload | None = None) -> Shown:
        """Replace what a message of ours shows, and its files by one if there is one."""
        ...

    async def open_thread(self, channel_id: str, message_id: str, name: str) -> str:
        """The thread on a message, begun under a name where there is none yet; gives its channel's id."""
        ...

    async def get(self, channel_id: str, message_id: str) -> Shown:
        """One message."""
        ...

    async def list(self, channel_id: str, *, before: str | None = None) -> tuple[Shown, ...]:
        """At most 100 messages, newest first, older than ``before``."""
        ...

    async def written(self, channel_id: str, *, after: str) -> tuple[Written, ...]:
        """The 100 messages that follow one, oldest first; fewer at the end. An archived thread stays archived."""
        ...

    async def member(self, guild_id: str, user_id: str) -> Member | None:
        """Somebody in a server; None: they are not in it."""
        ...


class _Component(msgspec.Struct):
    custom_id: str | None = None
    components: tuple[_Component, ...] = ()


class _Author(msgspec.Struct):
    id: str


class _Thread(msgspec.Struct):
    id: str


class _Message(msgspec.Struct):
    id: str
    author: _Author
    content: str = ""
    components: tuple[_Component, ...] = ()


class InteractionsCourier:
    """A courier over the HTTP client of interactions.py.

    Args:
        client: gives the client that is logged in now, or None.
        clock: the time by which what got no answer is waited for.
        timeout_s: bound on each call, waiting for Discord's rate limit included.
    """

    def __init__(
        self, client: Callable[[], interactions.Client | None], clock: Clock, *, timeout_s: float = CALL_TIMEOUT_S
    ) -> None:
        self._client = client
        self._clock = clock
        self._timeout_s = timeout_s
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._unanswered: dict[str, float] = {}  # nonce, or id of an edited message → until when it may happen

    @property
    def ready(self) -> bool:
        """Whether a client is logged in."""
        return self._client() is not None

    async def post(
        self, channel_id: str, message: Message, *, nonce: str, content: str = "", pings: AllowedMentions | None = None
    ) -> Shown:
        """Post a message; see ``Courier``."""
        payload = msgspec.to_builtins(message) | {"nonce": nonce, "enforce_nonce": True}
        if pings is not None:
            payload["allowed_mentions"] = msgspec.to_builtins(pings)
        if content:
            payload["content"] = content
        async with self._alone(nonce):
            return await self._one(channel_id, lambda client: client.http.create_message(payload, channel_id))

    async def edit(self, channel_id: str, message_id: str, message: Message, *, upload: Upload | None = None) -> Shown:
        """Replace what a message of ours shows; see ``Courier``."""
        payload = msgspec.to_builtins(message)
        files: Files | None = [as_file(upload)] if upload is not None else None
        async with self._alone(message_id):
            return await self._one(
                channel_id, lambda client: client.http.edit_message(payload, channel_id, message_id, files=files)
            )

    async def open_thread(self, channel_id: str, message_id: str, name: str) -> str:
        """The thread on a message; see ``Courier``."""
        client = self._online()
        try:
            answer = await self._call(
                channel_id,
                lambda: client.http.create_thread(
                    channel_id, name, auto_archive_duration=THREAD_MINUTES, rate_limit_per_user=0, message_id=message_id
                ),
            )
        except CourierError as error:
            if error.trouble is not Trouble.THREAD_THERE:
                raise
            return message_id  # Discord: a thread that was begun from a message has its id
        return _parse(answer, _Thread).id

    async def get(self, channel_id: str, message_id: str) -> Shown:
        """One message; see ``Courier``."""
        return await self._one(channel_id, lambda client: client.http.get_message(channel_id, message_id))

    async def list(self, channel_id: str, *, before: str | None = None) -> tuple[Shown, ...]:
        """At most 100 messages, newest first, older than ``before``; see ``Courier``."""
        client = self._online()
        answer = await self._call(
            channel_id, lambda: client.http.get_channel_messages(channel_id, LIST_LIMIT, before=before)
        )
        return tuple(_shown(message, client) for message in _parse(answer, tuple[_Message, ...]))

    async def written(self, channel_id: str, *, after: str) -> tuple[Written, ...]:
        """The 100 messages that follow one; see ``Courier``."""
        client = self._online()
        answer = await self._call(
            channel_id, lambda: client.http.get_channel_messages(channel_id, LIST_LIMIT, after=after)
        )
        return tuple(sorted(_parse(answer, tuple[Written, ...]), key=lambda one: int(one.id)))

    async def member(self, guild_id: str, user_id: str) -> Member | None:
        """Somebody in a server; see ``Courier``."""
        client = self._online()
        try:
            answer = await self._call(f"guild {guild_id}", lambda: client.http.get_member(guild_id, user_id))
        except CourierError as error:
            if error.code_number in STRANGERS:
                return None
            raise
        return _parse(answer, Member)

    def unanswered_s(self) -> float:
        """How long something that was sent may yet happen, in seconds: nobody else should write until then."""
        ends_s = max(self._unanswered.values(), default=0.0)
        return min(LATE_S, max(0.0, ends_s - self._clock.monotonic_s()))

    @asynccontextmanager
    async def _alone(self, what: str) -> AsyncIterator[None]:
        """One try at a time of what must not happen twice, or after what came later. Raises ``CourierError``.

        Whoever tries again looks first; a connection that was cut says nothing of what Discord is still doing.
        """
        now_s = self._clock.monotonic_s()
        self._unanswered = {one: until_s for one, until_s in self._unanswered.items() if until_s > now_s}
        if (until_s := self._unanswered.get(what)) is not None:
            wait_s = min(LATE_S, until_s - now_s)
            raise CourierError("an earlier try may happen yet", trouble=Trouble.PENDING, wait_s=wait_s)
        self._unanswered[what] = math.inf
        late = True
        try:
            yield
            late = False
        except CourierError as error:
            late = error.late
            raise
        finally:
            if late:
                self._unanswered[what] = self._clock.monotonic_s() + LATE_S
            else:
                del self._unanswered[what]

    def _online(self) -> interactions.Client:
        client = self._client()
        if client is None:
            raise CourierError("not connected to Discord", trouble=Trouble.OFFLINE)
        return client

    async def _one(self, channel_id: str, call: Callable[[interactions.Client], Awaitable[object]]) -> Shown:
        client = self._online()
        return _shown(_parse(await self._call(channel_id, lambda: call(client)), _Message), client)

    async def _call(self, channel_id: str, call: Callable[[], Awaitable[object]]) -> object:
        async with self._locks[channel_id]:
            try:
                async with asyncio.timeout(self._timeout_s):
                    answer = await call()
            except interactions.errors.HTTPException as error:
                raise _refusal(error) from None
            except RateLimited as limited:
                raise CourierError(str(limited), trouble=Trouble.BUSY, wait_s=limited.wait_s) from None
            except TokenRefused as error:
                raise CourierError(str(error), trouble=Trouble.OFFLINE) from None
            except TimeoutError:
                raise CourierError(f"Discord gave no answer within {self._timeout_s:.0f} s", late=True) from None
            except aiohttp.ClientConnectorError as error:  # nothing was sent
                raise CourierError(f"Discord can't be reached: {words(error)}") from None
            except (aiohttp.ClientError, OSError) as error:
                raise CourierError(f"Discord can't be reached: {words(error)}", late=True) from None
            except (RuntimeError, AttributeError) as error:  # a session that is being torn down
                raise CourierError(f"the Discord library failed: {words(error)}") from None
        return answer


def _refusal(error: interactions.errors.HTTPException) -> CourierError:
    code = error.code if isinstance(error.code, int) else 0
    return CourierError(words(error), trouble=_BY_CODE.get(code) or _by_status(error.status), code_number=code)


def _by_status(status: int) -> Trouble:
    if status == 401:
        return Trouble.OFFLINE  # the token is refused, and the connection says so
    if status == 403:
        return Trouble.CHANNEL
    return Trouble.UNCLEAR if status >= 500 else Trouble.REFUSED


def _parse(answer: object, kind: type[_T]) -> _T:
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise CourierError(f"Discord's answer makes no sense: {error}") from None


def _shown(message: _Message, client: interactions.Client) -> Shown:
    return Shown(
        message_id=message.id,
        custom_ids=tuple(_custom_ids(message.components)),
        mine=message.author.id == str(client.user.id),
        author=message.author.id,
        content=message.content,
    )


def _custom_ids(components: tuple[_Component, ...]) -> list[str]:
    found = [component.custom_id for component in components if component.custom_id]
    for component in components:
        found.extend(_custom_ids(component.components))
    return found
