"""How a command, a button, a select, a form, a context menu and a completion come from Discord to a function.

A function takes a ``Call`` and gives a reply, or raises; what it raises becomes a private line. Everything is
answered within Discord's 3 seconds, by deferring. The interaction's id is the idempotency key of what it asks.
Components and forms are found by a pattern of their ``custom_id``, so that those of messages from before a restart
work; the first pattern that was registered wins.
"""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

import interactions
import msgspec
from interactions import CommandType, ComponentCommand, ContextMenu, ModalCommand, SlashCommand, SlashCommandOption

from bot.answers import WORK_LIMIT_S, Line, Progress, Reply, Said, answer, offer, without_buttons
from bot.commands.desk import Desk, Known, refusal
from bot.contexts import AnswerableContext, AutocompleteContext, ComponentContext, MenuContext, ModalContext, Shown
from bot.contexts import SlashContext as Slash
from bot.text import plain_label
from jinkies.errors import Invalid, JinkiesError
from jinkies.model import Actor
from jinkies.permissions import Permission

CHOICE_LIMIT = 100  # characters of a choice's name and value (Discord limit)

_T = TypeVar("_T")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One interaction, as a command's function sees it."""

    caller: Actor  # with roles, and with where
    key: str  # Discord's id of the interaction: the idempotency key
    given: Mapping[str, object]  # options by name, of people their ids; a form's inputs by their custom_id
    names: Mapping[str, str] = {}  # of people who were chosen, by their ids
    custom_id: str = ""  # of the component or form
    values: tuple[str, ...] = ()  # what was chosen in a select
    message: Shown | None = None  # that the component is on, or the context menu was opened on
    progress: Progress  # shows how far the work is, in place of what was said before

    def read(self, kind: type[_T]) -> _T:
        """The options as a struct. Raises ``Invalid``, naming the option."""
        try:
            return msgspec.convert(dict(self.given), kind)
        except msgspec.ValidationError as error:
            raise Invalid(str(error)) from None


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """An option that is being typed."""

    caller: Actor
    text: str
    others: Mapping[str, object]  # the options beside it, as far as they are filled in


class Choice(msgspec.Struct, frozen=True):
    """What an option may become: what people see, and what the command gets."""

    name: str
    value: str


Run = Callable[[Call], Awaitable[Reply]]
Complete = Callable[[Typed], Awaitable[Sequence[Choice]]]


def slash(
    client: interactions.Client,
    desk: Desk,
    name: str,
    description: str,
    run: Run,
    *,
    options: Sequence[SlashCommandOption] = (),
    completes: Mapping[str, Complete] | None = None,
    needs: Permission | None = Permission.VIEW,
    private: bool = True,
    limit_s: float = WORK_LIMIT_S,
) -> None:
    """Add a slash command, for the configured guild only.

    Args:
        client: gets it.
        desk: of the command.
        name: at most 32 characters, lower case.
        description: at most 100 characters.
        run: carries it out.
        options: the required ones first.
        completes: by the name of an option that has ``autocomplete`` set.
        needs: what ``/help`` tells by who may use it; who may not is refused by ``run`` or by the core.
        private: whether only the asker sees the answer.
        limit_s: how long it may take; at most 840.
    """
    desk.known[name] = Known(name, description, needs)

    async def called(context: Slash) -> None:
        await _answer(desk, context, run, context.called.options, private=private, limit_s=limit_s)

    client.add_command(
        SlashCommand(
            name=name,
            description=description,
            scopes=_scopes(desk),
            options=list(options),
            autocomplete_callbacks={option: _completing(option, work) for option, work in (completes or {}).items()},
            callback=called,
        )
    )


def message_menu(client: interactions.Client, desk: Desk, name: str, run: Run, *, asks: bool = False) -> None:
    """Add an entry to the context menu of messages; ``Call.message`` is the one that it was opened on."""

    async def called(context: MenuContext) -> None:
        await _answer(desk, context, run, {}, asks=asks)

    client.add_command(ContextMenu(name=name, type=CommandType.MESSAGE, scopes=_scopes(desk), callback=called))


def component(
    client: interactions.Client, desk: Desk, name: str, pattern: re.Pattern[str], run: Run, *, asks: bool = False
) -> None:
    """Add what a button or a select does.

    Args:
        client: gets it.
        desk: of the component.
        name: unique among the components.
        pattern: of the ``custom_id``; ends with ``$``.
        run: carries it out.
        asks: it may answer with a form, and so has 1.5 s.
    """

    async def pressed(context: ComponentContext) -> None:
        await _answer(desk, context, run, {}, on_card=True, asks=asks)

    client.add_command(ComponentCommand(name=name, callback=pressed, listeners=[pattern]))


def form(client: interactions.Client, desk: Desk, name: str, pattern: re.Pattern[str], run: Run) -> None:
    r"""Add what a submitted form does. ``pattern`` must be none of a component's: end it with ``\Z``."""

    async def submitted(context: ModalContext) -> None:
        await _answer(desk, context, run, dict(context.responses), on_card=context.called.message is not None)

    client.add_command(ModalCommand(name=name, callback=submitted, listeners=[pattern]))


def _scopes(desk: Desk) -> list[interactions.Snowflake_Type]:
    return [int(desk.config.discord.guild_id or 0)]


async def _answer(
    desk: Desk,
    context: AnswerableContext,
    run: Run,
    given: Mapping[str, object],
    *,
    on_card: bool = False,
    private: bool = True,
    asks: bool = False,
    limit_s: float = WORK_LIMIT_S,
) -> None:
    async def work(progress: Progress) -> Reply:
        wait_s = desk.slow_mode.take(context.called.caller.id, desk.clock.monotonic_s())
        if wait_s > 0:
            return f"Slow down: that was too much at once. Try again in {math.ceil(wait_s)} s; nothing was done."
        try:
            return await run(_call(context, given, progress))
        except JinkiesError as error:
            return refusal(error)

    reply = await answer(context, work, on_card=on_card, private=private, asks=asks, limit_s=limit_s)
    if isinstance(reply, Line) and reply.lasts_s:
        desk.later.put(reply.lasts_s, partial(without_buttons, context))


def _call(context: AnswerableContext, given: Mapping[str, object], progress: Callable[[Said], Awaitable[None]]) -> Call:
    called = context.called
    return Call(
        caller=called.caller,
        key=str(context.id),
        given=given,
        names=called.names,
        custom_id=called.custom_id,
        values=called.values,
        message=called.message,
        progress=progress,
    )


def _completing(option: str, complete: Complete) -> Callable[[AutocompleteContext], Awaitable[None]]:
    async def typed(context: AutocompleteContext) -> None:
        called = context.called
        given = dict(called.options)
        text = str(given.pop(option, ""))
        found = await complete(Typed(caller=called.caller, text=text, others=given))
        choices = [
            {"name": plain_label(one.name, CHOICE_LIMIT), "value": one.value}
            for one in found
            if 0 < len(one.value) <= CHOICE_LIMIT
        ]
        await offer(context, choices)

    return typed
