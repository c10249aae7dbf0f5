"""Answers to interactions: exactly one each, within Discord's 3 seconds, by deferring when the work takes longer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from enum import Enum
from typing import Any

import aiohttp
import interactions
import msgspec

from bot.render import CONTENT_LIMIT, Form, Message
from bot.text import escaped, plain_label

log = logging.getLogger(__name__)

DEFER_AFTER_S = 1.5  # half of what Discord gives, the way there and back included
WORK_LIMIT_S = 60.0
EPHEMERAL = 64  # the flag of an answer that only its asker sees

MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, AUTOCOMPLETE, MODAL = 4, 5, 6, 8, 9  # Discord's callback types

Context = interactions.SlashContext | interactions.ComponentContext | interactions.ModalContext
BROKEN = "Something went wrong in the bot; its log says more. Whether anything was done can be seen on the card."


class Seen(Enum):
    """An answer without words: the card itself will show what happened."""

    ON_THE_CARD = "on_the_card"


Reply = Message | str | Seen  # text is plain: it is escaped here


async def answer(context: Context, work: Coroutine[Any, Any, Reply], *, on_card: bool) -> None:
    """Do the work and answer with what it gives, privately.

    Args:
        context: the interaction.
        work: gives the reply, or raises.
        on_card: the interaction came from a card, so that it can be answered by the card's changing.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=DEFER_AFTER_S)
        deferred = not task.done()
        if deferred:
            await _defer(context, on_card=on_card)
        reply = await _result(task)
        await _say(context, reply, deferred=deferred, on_card=on_card)
    finally:
        task.cancel()


async def _result(task: asyncio.Task[Reply]) -> Reply:
    try:
        async with asyncio.timeout(WORK_LIMIT_S):
            return await task
    except Exception:  # whatever it was, the person who asked gets an answer
        log.exception("an interaction failed")
        return BROKEN


async def _defer(context: Context, *, on_card: bool) -> None:
    if on_card:
        await _call(context, {"type": DEFERRED_UPDATE})
    else:
        await _call(context, {"type": DEFERRED_MESSAGE, "data": {"flags": EPHEMERAL}})


async def _say(context: Context, reply: Reply, *, deferred: bool, on_card: bool) -> None:
    if isinstance(reply, Seen) and on_card:
        if not deferred:
            await _call(context, {"type": DEFERRED_UPDATE})
        return
    data = _body("Done." if isinstance(reply, Seen) else reply)
    if not deferred:
        await _call(context, {"type": MESSAGE, "data": data})
    elif on_card:  # the deferred answer is the card itself, so that words need a message of their own
        await _guarded(context.client.http.post_followup(data, str(context.client.app.id), context.token))
    else:
        await _guarded(context.client.http.edit_interaction_message(data, str(context.client.app.id), context.token))


def _body(reply: Message | str) -> dict[str, Any]:
    if isinstance(reply, str):
        body = {"content": escaped(reply, CONTENT_LIMIT), "allowed_mentions": {"parse": []}}
    else:
        body = msgspec.to_builtins(reply)
    return body | {"flags": EPHEMERAL}


async def open_form(context: Context, form: Form) -> None:
    """Answer with a form to fill in; only possible as the first answer."""
    await _call(context, {"type": MODAL, "data": msgspec.to_builtins(form)})


async def offer(context: interactions.AutocompleteContext, choices: list[dict[str, str]]) -> None:
    """Complete what is being typed; at most 25 choices (Discord limit)."""
    payload = {"type": AUTOCOMPLETE, "data": {"choices": choices[:25]}}
    await _guarded(context.client.http.post_initial_response(payload, str(context.id), context.token))


async def apologise(context: Context) -> None:
    """Answer something that broke before it was answered; an interaction that was answered stays as it is."""
    if not context.responded:
        await _call(context, {"type": MESSAGE, "data": _body(BROKEN)})


async def apologise_for_unknown(client: interactions.Client, interaction_id: str, token: str, name: str) -> None:
    """Answer a command that this bot doesn't have."""
    line = f"The bot has no command /{name[:32]} just now; it may be starting, or of another version."
    payload = {"type": MESSAGE, "data": _body(line)}
    await _guarded(client.http.post_initial_response(payload, interaction_id, token))


async def _call(context: Context, payload: dict[str, Any]) -> None:
    context.responded = True
    await _guarded(context.client.http.post_initial_response(payload, str(context.id), context.token))


async def _guarded(call: Coroutine[Any, Any, Any]) -> None:
    """Nobody can be told that the answer didn't arrive: it is logged, without the interaction's token."""
    try:
        if await call is None:
            log.warning("Discord refused an answer three times in a row (rate limit or server error)")
    except interactions.errors.HTTPException as error:
        log.warning("Discord refused an answer: %s (%d)", plain_label(str(error.text), 200), error.status)
    except (aiohttp.ClientError, OSError, RuntimeError) as error:
        log.warning("an answer did not reach Discord: %s", type(error).__name__)
