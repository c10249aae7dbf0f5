"""The buttons of a card, and the form that asks for a draft pull request."""

from __future__ import annotations

from typing import assert_never

import interactions
from interactions import ComponentCommand, ModalCommand

from bot import custom_ids
from bot.answers import Reply, answer, open_form
from bot.commands.desk import OTHER_DATABASE, Desk, refusal
from bot.contexts import ComponentContext, ModalContext
from bot.custom_ids import CustomId, FormField, epoch8
from bot.render import Form, list_message, pull_request_form
from jinkies.cards import CardAction
from jinkies.commands import Acknowledge, AnyCommand, CreatePullRequest, Reopen, Resolve
from jinkies.errors import JinkiesError
from jinkies.model import Actor, AlertQuery, AlertRow, State

LISTED = 40  # alerts, as many as fit
FORM_LIMIT_S = 1.5  # of Discord's 3 s
UNKNOWN = "This is nothing that the bot knows; it may be from another version. Nothing was done."


def install(client: interactions.Client, desk: Desk) -> None:
    """Give a client the callbacks; matched by pattern, so that cards from before a restart work."""
    presses = _Presses(desk)
    for name, callback, pattern in (
        ("press", presses.press, custom_ids.PRESSED),
        ("list_open", presses.list_open, custom_ids.LISTED),
        ("unknown_press", presses.unknown, custom_ids.ANY_PRESS),
    ):
        client.add_command(ComponentCommand(name=name, callback=callback, listeners=[pattern]))
    for name, submitted, pattern in (
        ("submit", presses.submit, custom_ids.SUBMITTED),
        ("unknown_submit", presses.unknown_form, custom_ids.ANY_SUBMISSION),
    ):
        client.add_command(ModalCommand(name=name, callback=submitted, listeners=[pattern]))


class _Presses:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def press(self, context: ComponentContext) -> None:
        meant = custom_ids.parse(context.custom_id)
        if meant is None:
            await self.unknown(context)
        elif meant.action is CardAction.CREATE_PULL_REQUEST:
            await self._ask_for_details(context, meant)
        else:
            await answer(context, self._decide(meant, context.caller, str(context.id)), on_card=True)

    async def submit(self, context: ModalContext) -> None:
        await answer(context, self._request(context), on_card=context.message is not None)

    async def list_open(self, context: ComponentContext) -> None:
        await answer(context, self._open(), on_card=True)

    async def _open(self) -> Reply:
        try:
            query = AlertQuery(states=(State.OPEN,), limit=LISTED)
            return list_message(await self._desk.ask(self._desk.operator.alerts(query)), described="open")
        except JinkiesError as error:
            return refusal(error)

    async def unknown(self, context: ComponentContext) -> None:
        await answer(context, _said(UNKNOWN), on_card=True)

    async def unknown_form(self, context: ModalContext) -> None:
        await answer(context, _said(UNKNOWN), on_card=False)

    async def _decide(self, meant: CustomId, caller: Actor, interaction_id: str) -> Reply:
        return await self._desk.act(command_of(meant), caller, interaction_id, foreign=meant.epoch8)

    async def _ask_for_details(self, context: ComponentContext, meant: CustomId) -> None:
        """A form must be the first answer, so that all it is filled with has to come within ``FORM_LIMIT_S``."""
        try:
            form = await self._desk.ask(self._form(meant), limit_s=FORM_LIMIT_S)
        except JinkiesError as error:
            await answer(context, _said(refusal(error)), on_card=True)
        else:
            if isinstance(form, str):
                await answer(context, _said(form), on_card=True)
            else:
                await open_form(context, form)

    async def _form(self, meant: CustomId) -> Form | str:
        """The form, or a line that says why there is none."""
        epoch = await self._desk.epoch()
        if meant.epoch8 != epoch8(epoch):
            return OTHER_DATABASE
        self._desk.check_github()
        row = self._desk.replica.rows.get(meant.alert_id)
        if row is None:
            row = (await self._desk.operator.alert(meant.alert_id)).row
        base = self._desk.config.github.base_branch
        return pull_request_form(row, epoch=epoch, title=_title(row), base_branch=base)

    async def _request(self, context: ModalContext) -> Reply:
        found = custom_ids.parse_form(context.custom_id)
        if found is None:
            return UNKNOWN
        alert_id, digits = found
        values = context.responses
        command = CreatePullRequest(
            alert_id=alert_id,
            title=values.get(FormField.TITLE, "").strip(),
            base_branch=values.get(FormField.BASE_BRANCH, "").strip() or None,
            notes=values.get(FormField.NOTES, "").strip(),
        )
        return await self._desk.act(command, context.caller, str(context.id), foreign=digits)


def command_of(meant: CustomId) -> AnyCommand:
    """What a button asks of the core."""
    match meant.action:
        case CardAction.ACKNOWLEDGE:
            return Acknowledge(alert_id=meant.alert_id)
        case CardAction.RESOLVE:
            return Resolve(alert_id=meant.alert_id)
        case CardAction.REOPEN:
            return Reopen(alert_id=meant.alert_id)
        case CardAction.CREATE_PULL_REQUEST:
            return CreatePullRequest(alert_id=meant.alert_id)
        case _:
            assert_never(meant.action)


def _title(row: AlertRow) -> str:
    if row.pull_request is not None:
        return row.pull_request.title
    return f"Fix {row.title} in {row.service}"


async def _said(line: str) -> Reply:
    return line
