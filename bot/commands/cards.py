"""The buttons of a card, and the form that asks for a draft pull request."""

from __future__ import annotations

from typing import assert_never

import interactions

from bot import custom_ids
from bot.answers import Reply, Seen
from bot.commands.desk import Desk
from bot.commands.own_cards import on_its_card
from bot.commands.unknown import UNKNOWN
from bot.commands.wiring import Call, component, form
from bot.custom_ids import CustomId, FormField
from bot.render import Form, list_message, pull_request_form
from jinkies.cards import CardAction
from jinkies.commands import Acknowledge, AnyCommand, CreateIssue, CreatePullRequest, Reopen, Resolve, ShowCard
from jinkies.model import AlertQuery, AlertRow, State
from jinkies.permissions import Permission

LISTED = 40  # alerts, as many as fit


def install(client: interactions.Client, desk: Desk) -> None:
    """Give a client the callbacks; matched by pattern, so that cards from before a restart work."""
    cards = _Cards(desk)
    component(client, desk, "ask_for_pull_request", custom_ids.ASKS, cards.ask, asks=True)
    component(client, desk, "press", custom_ids.PRESSED, cards.press)
    component(client, desk, "list_open", custom_ids.LISTED, cards.list_open)
    component(client, desk, "own_card", custom_ids.OWN_CARD, cards.own_card)
    form(client, desk, "submit", custom_ids.SUBMITTED, cards.submit)


class _Cards:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def press(self, call: Call) -> Reply:
        meant = custom_ids.parse(call.custom_id)
        if meant is None:
            return UNKNOWN
        reply = await self._desk.act(command_of(meant), call.caller, call.key, foreign=meant.epoch8)
        return await on_its_card(self._desk, call, meant.alert_id, reply)

    async def list_open(self, call: Call) -> Reply:
        await self._desk.require(call.caller, Permission.VIEW, what="list of open alerts")
        services = self._desk.rights.services(call.caller, Permission.VIEW)
        query = AlertQuery(states=(State.OPEN,), limit=LISTED, services=services)
        return list_message(await self._desk.ask(self._desk.operator.alerts(query)), described="open")

    async def own_card(self, call: Call) -> Reply:
        """Of an alert that a digest stands for."""
        _, digits = custom_ids.alert_of(custom_ids.OWN_CARD, call.custom_id)
        [chosen] = call.values
        reply = await self._desk.act(ShowCard(alert_id=int(chosen)), call.caller, call.key, foreign=digits)
        return f"The card of #{chosen} comes below." if isinstance(reply, Seen) else reply

    async def ask(self, call: Call) -> Form | str:
        """The form, or a line that says why there is none."""
        meant = custom_ids.parse(call.custom_id)
        if meant is None:
            return UNKNOWN
        await self._desk.check_epoch(meant.epoch8)
        self._desk.check_github()
        row = await self._desk.row(meant.alert_id)
        await self._desk.require(
            call.caller, Permission.CREATE, (row.service,), what="Create PR", alert_id=meant.alert_id
        )
        base = self._desk.config.github.base_branch
        return pull_request_form(row, epoch=await self._desk.epoch(), title=_title(row), base_branch=base)

    async def submit(self, call: Call) -> Reply:
        found = custom_ids.parse_form(call.custom_id)
        if found is None:
            return UNKNOWN
        alert_id, digits = found
        values = {name: str(value).strip() for name, value in call.given.items()}
        command = CreatePullRequest(
            alert_id=alert_id,
            title=values.get(FormField.TITLE, ""),
            base_branch=values.get(FormField.BASE_BRANCH, "") or None,
            notes=values.get(FormField.NOTES, ""),
        )
        reply = await self._desk.act(command, call.caller, call.key, foreign=digits)
        return await on_its_card(self._desk, call, alert_id, reply)


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
        case CardAction.CREATE_ISSUE:
            return CreateIssue(alert_id=meant.alert_id)
        case CardAction.LOGS | CardAction.SNOOZE | CardAction.SILENCE:
            raise ValueError(f"{meant.action} is answered by a module of its own")
        case _:
            assert_never(meant.action)


def _title(row: AlertRow) -> str:
    if row.pull_request is not None:
        return row.pull_request.title
    return f"Fix {row.title} in {row.service}"
