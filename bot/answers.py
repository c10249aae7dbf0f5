"""Answers to interactions: within Discord's 3 seconds, by deferring when the work takes longer, then by edits."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable, Coroutine
from enum import Enum
from typing import Any

import aiohttp
import interactions
import msgspec
from interactions.api.http.http_client import HTTPClient
from interactions.models.discord.file import UPLOADABLE_TYPE

from bot.contexts import AnswerableContext, AutocompleteContext
from bot.render import CONTENT_LIMIT, AllowedMentions, Form, Message, Row
from bot.text import escaped, plain_label

log = logging.getLogger(__name__)

Files = list[UPLOADABLE_TYPE]  # as the library's methods take them

DEFER_AFTER_S = 1.5  # half of what Discord gives, the way there and back included
FORM_LIMIT_S = 1.5  # likewise: a form can only be the first answer
WORK_LIMIT_S = 60.0
LONGEST_WORK_S = 840.0  # Discord takes changes of an answer for 15 minutes
EPHEMERAL = 64  # the flag of an answer that only its asker sees

# Discord's callback types
MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE, AUTOCOMPLETE, MODAL = 4, 5, 6, 7, 8, 9

BROKEN = "Something went wrong in the bot; its log says more. Whether anything was done can be seen on the card."
TOO_LONG = "That took too long and was given up. Whether anything was done can be seen on the card."
TOO_SLOW = "The core is not reachable just now, or busy. Try again in a moment; nothing was done."


class Seen(Enum):
    """An answer without words: the card itself will show what happened."""

    ON_THE_CARD = "on_the_card"


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file on its way to Discord."""

    name: str
    data: bytes


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Words with buttons or selects below."""

    text: str  # plain: it is escaped here
    components: tuple[Row, ...] = ()
    lasts_s: float = 0.0  # so long the buttons make sense; 0 for ever


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """An answer with files; at most 10, and 10 MiB in all (Discord limits)."""

    shown: Message | Line | str
    files: tuple[Upload, ...]


class Replaced(msgspec.Struct, frozen=True, kw_only=True):
    """The message that the pressed button is on becomes this one."""

    shown: Message | Line


Said = Message | Line | str | Attached  # text is plain: it is escaped here
Reply = Said | Seen | Replaced | Form
Progress = Callable[[Said], Awaitable[None]]
Work = Callable[[Progress], Awaitable[Reply]]


async def answer(
    context: AnswerableContext,
    work: Work,
    *,
    on_card: bool,
    private: bool = True,
    asks: bool = False,
    limit_s: float = WORK_LIMIT_S,
) -> Reply:
    """Do the work and answer with what it gives.

    Args:
        context: the interaction.
        work: gives the reply, or raises; may tell how far it is meanwhile, which edits the answer.
        on_card: the interaction came from a message, so that it can be answered by the message's changing.
        private: whether only the asker sees a new message. Words about a press always are.
        asks: it may answer with a form, so that it can't be deferred: it has ``FORM_LIMIT_S``.
        limit_s: for the work, at most ``LONGEST_WORK_S``.

    Returns:
        What was answered.
    """
    answering = _Answering(context, on_card=on_card, private=private)
    limit = (FORM_LIMIT_S, TOO_SLOW) if asks else (limit_s, TOO_LONG)
    task = asyncio.ensure_future(_carried_out(work, answering.say, *limit))
    try:
        if not asks:
            await asyncio.wait({task}, timeout=DEFER_AFTER_S)
            if not task.done():
                await answering.defer()
        reply = await task
        await answering.finish(reply)
    finally:
        task.cancel()
    return reply


async def without_buttons(context: AnswerableContext) -> None:
    """Take the buttons from an answer; what it says stays."""
    http, app_id = context.client.http, str(context.client.app.id)
    await _guarded(http.edit_interaction_message({"components": []}, app_id, context.token))


async def _carried_out(work: Work, progress: Progress, limit_s: float, late: str) -> Reply:
    try:
        async with asyncio.timeout(limit_s):
            return await work(progress)
    except TimeoutError:
        log.warning("an interaction was not answered within %.1f s", limit_s)
        return late
    except Exception:  # whatever it was, the person who asked gets an answer
        log.exception("an interaction failed")
        return BROKEN


class _Answering:
    """How far the answer to one interaction is."""

    def __init__(self, context: AnswerableContext, *, on_card: bool, private: bool) -> None:
        self._context = context
        self._on_card = on_card
        self._private = private or on_card
        self._begun = False  # Discord has its first answer
        self._message_id: str | None = None  # of the message that holds the words, once there is one
        self._lock = asyncio.Lock()

    async def defer(self) -> None:
        """Say that the answer takes longer, unless something was said."""
        async with self._lock:
            await self._begin()

    async def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        if self._on_card:
            await self._first({"type": DEFERRED_UPDATE})
        else:
            self._message_id = "@original"
            await self._first({"type": DEFERRED_MESSAGE, "data": {"flags": EPHEMERAL if self._private else 0}})

    async def say(self, said: Said) -> None:
        """Show words or a message, in place of what was said before."""
        async with self._lock:
            body, files = _body(said, private=self._private)
            if files:  # the library says of files what a first answer has no place for
                await self._begin()
            if not self._begun:
                self._begun, self._message_id = True, "@original"
                await self._first({"type": MESSAGE, "data": body}, files)
            elif self._message_id is not None:
                await self._edit(body, files, self._message_id)
            else:  # the deferred answer is the card itself, so that words need a message of their own
                sent = await _guarded(self._http.post_followup(body, self._app_id, self._context.token, files=files))
                self._message_id = str(sent["id"]) if isinstance(sent, dict) and "id" in sent else None

    async def finish(self, reply: Reply) -> None:
        """The last word."""
        match reply:
            case Seen():
                await (self.defer() if self._on_card else self.say("Done."))
            case Replaced():
                await self._replace(reply.shown)
            case Form():
                if self._begun:
                    await self.say(TOO_SLOW)
                else:
                    self._begun = True
                    await self._first({"type": MODAL, "data": msgspec.to_builtins(reply)})
            case _:
                await self.say(reply)

    async def _replace(self, shown: Message | Line) -> None:
        async with self._lock:
            body: dict[str, Any] = msgspec.to_builtins(shown if isinstance(shown, Message) else _plain(shown))
            if not self._on_card:
                raise TypeError("there is no message to replace")
            if self._begun:
                await self._edit(body, None, "@original")
            else:
                self._begun = True
                await self._first({"type": UPDATE, "data": body})

    @property
    def _http(self) -> HTTPClient:
        return self._context.client.http

    @property
    def _app_id(self) -> str:
        return str(self._context.client.app.id)

    async def _first(self, payload: dict[str, Any], files: Files | None = None) -> None:
        self._context.responded = True
        await _guarded(
            self._http.post_initial_response(payload, str(self._context.id), self._context.token, files=files)
        )

    async def _edit(self, body: dict[str, Any], files: Files | None, message_id: str) -> None:
        token = self._context.token
        await _guarded(
            self._http.edit_interaction_message(body, self._app_id, token, message_id=message_id, files=files)
        )


class _Plain(msgspec.Struct, frozen=True, kw_only=True):
    """Words as Discord's API takes them, in place of whatever was there."""

    content: str
    embeds: tuple[()] = ()
    components: tuple[Row, ...] = ()
    allowed_mentions: AllowedMentions = AllowedMentions(parse=())


def _plain(said: Line | str) -> _Plain:
    if isinstance(said, str):
        return _Plain(content=escaped(said, CONTENT_LIMIT))
    return _Plain(content=escaped(said.text, CONTENT_LIMIT), components=said.components)


def _body(said: Said, *, private: bool) -> tuple[dict[str, Any], Files | None]:
    if isinstance(said, Attached):
        body, _ = _body(said.shown, private=private)
        return body, [as_file(one) for one in said.files]
    built = (
        {"content": ""} | msgspec.to_builtins(said) if isinstance(said, Message) else msgspec.to_builtins(_plain(said))
    )
    return built | {"flags": EPHEMERAL if private else 0}, None


class _Held(io.BytesIO):
    """Gives all it holds whenever it is read: the library reads a file anew for each of its attempts."""

    def read(self, _size: int | None = -1, /) -> bytes:
        return self.getvalue()


def as_file(upload: Upload) -> interactions.File:
    """A file as the library takes it."""
    kind = "text/plain; charset=utf-8" if upload.name.endswith((".log", ".txt")) else None  # None: the library looks
    return interactions.File(_Held(upload.data), upload.name, description=upload.name, content_type=kind)


async def offer(context: AutocompleteContext, choices: list[dict[str, str]]) -> None:
    """Complete what is being typed; at most 25 choices (Discord limit)."""
    payload = {"type": AUTOCOMPLETE, "data": {"choices": choices[:25]}}
    await _guarded(context.client.http.post_initial_response(payload, str(context.id), context.token))


async def apologise(context: AnswerableContext) -> None:
    """Answer something that broke before it was answered; an interaction that was answered stays as it is."""
    if not context.responded:
        await _Answering(context, on_card=False, private=True).say(BROKEN)


async def apologise_for_unknown(client: interactions.Client, interaction_id: str, token: str, name: str) -> None:
    """Answer a command that this bot doesn't have."""
    line = f"The bot has no command /{name[:32]} just now; it may be starting, or of another version."
    payload = {"type": MESSAGE, "data": _body(line, private=True)[0]}
    await _guarded(client.http.post_initial_response(payload, interaction_id, token))


async def _guarded(call: Coroutine[Any, Any, Any]) -> object:
    """Nobody can be told that the answer didn't arrive: it is logged, without the interaction's token."""
    try:
        given: object = await call
    except interactions.errors.HTTPException as error:
        log.warning("Discord refused an answer: %s (%d)", plain_label(str(error.text), 200), error.status)
    except (aiohttp.ClientError, OSError, RuntimeError) as error:
        log.warning("an answer did not reach Discord: %s", type(error).__name__)
    else:
        if given is None:
            log.warning("Discord refused an answer three times in a row (rate limit or server error)")
        return given
    return None
