"""Everything that people can use in Discord is used here, through the real gateway: by a bot that was freshly started,
and after its restart, on messages and forms from before. What is registered and not used here fails a test.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from interactions import ContextMenu, SlashCommand

from jinkies.config import Config
from jinkies.simulators.cloudwatch import SimulatedCloudWatch
from jinkies.simulators.cloudwatch import World as Account
from jinkies.simulators.discord import Answer, AnswerKind
from tests.bot.conftest import button, until_in_step
from tests.bot.logs import GROUP, put, with_aws
from tests.bot.office import Office, components, open_office, shown, with_discord, with_label

pytestmark = pytest.mark.asyncio(loop_scope="module")

CARDS = 2  # so many alerts have cards of their own; a digest stands for the others
ALERTS = 18  # more than a page lists
MENU = "Make this an alert"


@dataclass
class Stage:
    """An office, and messages and forms that its bot gave before it was restarted."""

    office: Office
    card: dict[str, Any]
    digest: dict[str, Any]
    tail: dict[str, Any]
    page: dict[str, Any]
    decided: dict[str, Any]
    previews: list[dict[str, Any]]
    started: dict[str, Any]
    listed: dict[str, Any]
    forms: dict[str, Answer]
    words: dict[str, Any]  # what somebody said

    async def press(self, message: dict[str, Any], custom_id: str, *values: str) -> Answer:
        return await self.office.discord.press(message["id"], custom_id, values=values)

    async def fill_in(self, form: str, **fields: str) -> Answer:
        modal = self.forms[form].modal
        assert modal is not None
        return await self.office.discord.modal(modal["custom_id"], fields)


def stormy(url: str) -> Callable[[Config], Config]:
    return lambda config: with_discord(with_aws(config, url), max_new_cards_per_minute=CARDS)


async def preview(office: Office) -> dict[str, Any]:
    options = {"for": "2h", "reason": "a drill", "service": "worker"}
    return shown(await office.discord.slash("silence", options))


async def staged(office: Office) -> Stage:
    discord = office.discord
    for number in range(ALERTS):
        await office.alert(f"each {number}")
    await until_in_step(office.session, 1)
    await discord.wait_for(lambda: any("jk:list:" in str(one) for one in discord.messages("alerts")))
    [digest] = [one for one in discord.messages("alerts") if "jk:list:" in str(one)]
    [card] = [one for one in discord.messages("alerts") if one["embeds"] and "#1 " in one["embeds"][0]["title"]]
    await discord.slash("logs-tail", {"service": "api"}, "velma", "logs")
    await discord.wait_for(lambda: any("jk:tail:stop" in str(one) for one in discord.messages("logs")))
    begun = await preview(office)
    started = await discord.press(begun["id"], with_label(begun, "Silence"))
    assert started.message is not None
    await discord.slash("resolve", {"id": "8"})
    words = await discord.people.say("the api is slow", "fred", "ops")
    return Stage(
        office=office,
        card=card,
        digest=digest,
        tail=discord.messages("logs")[0],
        page=shown(await discord.slash("alerts")),
        decided=shown(await discord.slash("ack", {"id": "2"})),
        previews=[await preview(office) for _ in range(2)],
        started=started.message,
        listed=shown(await discord.slash("silences")),
        forms={
            "submit": await discord.press(card["id"], button(card, "pr")),
            "silence": await discord.press(card["id"], button(card, "silence")),
            "make_alert": await discord.menu(MENU, words["id"]),
        },
        words=words,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[False, True], ids=["fresh", "restarted"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        cloudwatch = await stack.enter_async_context(SimulatedCloudWatch(Account(GROUP)))
        put(cloudwatch, "ERROR it broke")
        office = await stack.enter_async_context(open_office(change=stormy(cloudwatch.address)))
        made = await staged(office)
        if request.param:
            await office.restart()
        yield made


COMMANDS: dict[str, tuple[dict[str, Any], str]] = {  # options, and words of the answer
    "alerts": ({}, "Alerts"),
    "alert": ({"id": "3"}, "#3 "),
    "ack": ({"id": "3"}, "Alert #3: acknowledged by velma"),
    "snooze": ({"id": "4", "for": "2h"}, "Alert #4: snoozed"),
    "resolve": ({"id": "5"}, "Alert #5: resolved by velma"),
    "reopen": ({"id": "8"}, "Alert #8: reopened by velma"),
    "assign": ({"id": "6"}, "Alert #6: assigned to velma"),
    "comment": ({"id": "6", "text": "the cart"}, "Noted on alert #6"),
    "create-pr": ({"id": "7"}, "The draft pull request of #7 is asked for"),
    "create-issue": ({"id": "7"}, "The issue of #7 is asked for"),
    "silence": ({"for": "2h", "reason": "a drill", "service": "worker"}, "worker"),
    "silences": ({}, "a drill"),
    "stats": ({}, "Figures"),
    "status": ({}, "Status"),
    "help": ({}, "What you can ask"),
    "logs": ({"service": "api"}, "ERROR it broke"),
    "logs-tail": ({"service": "api", "level": "error"}, "api"),
    "logs-stop": ({"tail": "999999"}, "is over, or never was"),
}
COMPLETIONS: dict[tuple[str, str], tuple[str, str]] = {  # what is typed, and a value that is offered
    **{
        (name, "id"): ("1", "1")
        for name in ("alert", "resolve", "assign", "comment", "snooze", "create-pr", "create-issue")
    },
    ("ack", "id"): ("9", "9"),
    ("reopen", "id"): ("", "8"),
    ("snooze", "for"): ("1", "1h"),
    ("alerts", "service"): ("a", "api"),
    ("alerts", "query"): ("service:a", "service:api"),
    ("silence", "for"): ("1", "1h"),
    ("silence", "service"): ("w", "worker"),
    ("silence", "environment"): ("t", "test"),
    ("stats", "service"): ("a", "api"),
    ("logs", "service"): ("a", "api"),
    ("logs-tail", "service"): ("a", "api"),
    ("logs-tail", "duration"): ("30", "30m"),
    ("logs-stop", "tail"): ("", ""),  # its number, whichever that is
}
COMPONENTS: dict[str, tuple[Callable[[Stage], Awaitable[Answer]], str]] = {  # by name; words of the answer, "" for none
    "ask_for_pull_request": (lambda on: on.press(on.card, button(on.card, "pr")), "Draft pull request for #1"),
    "press": (lambda on: on.press(on.card, button(on.card, "ack")), ""),
    "list_open": (lambda on: on.press(on.digest, button(on.digest, "list")), "Alerts"),
    "own_card": (lambda on: on.press(on.digest, button(on.digest, "card"), "3"), "The card of #3 comes below."),
    "snooze": (lambda on: on.press(on.card, button(on.card, "snooze"), "2h"), ""),
    "ask_for_silence": (lambda on: on.press(on.card, button(on.card, "silence")), "Silence #1"),
    "logs_around": (lambda on: on.press(on.card, button(on.card, "logs")), "Logs around #1"),
    "page": (lambda on: on.press(on.page, with_label(on.page, "Older")), "**#1** "),
    "undo": (lambda on: on.press(on.decided, with_label(on.decided, "Undo")), "Alert #2: "),
    "start_silence": (
        lambda on: on.press(on.previews[0], with_label(on.previews[0], "Silence")),
        " runs: service=worker",
    ),
    "cancel": (lambda on: on.press(on.previews[1], with_label(on.previews[1], "Cancel")), "Nothing was silenced."),
    "end_silence": (lambda on: on.press(on.listed, components(on.listed)[0]["custom_id"], "1"), "Silence 1"),
    "unsilence": (lambda on: on.press(on.started, with_label(on.started, "End it")), "Silence 1"),
    "tail_press": (lambda on: on.press(on.tail, button(on.tail, "pause")), ""),
    "unknown_press": (lambda on: pressed_unknown(on), "This is nothing that the bot knows"),
}
FORMS: dict[str, tuple[Callable[[Stage], Awaitable[Answer]], str]] = {
    "submit": (lambda on: on.fill_in("submit", title="Mend it"), ""),
    "silence": (lambda on: on.fill_in("silence", duration="2h", reason="a drill"), "#1 is silenced for 2h"),
    "make_alert": (lambda on: on.fill_in("make_alert", severity="error"), "of api now."),
    "unknown_submit": (lambda on: submitted_unknown(on), "This is nothing that the bot knows"),
}


async def pressed_unknown(on: Stage) -> Answer:
    """A button of another version's, put on a message."""
    kept = on.office.discord.state.messages[on.card["id"]]
    kept["components"][0]["components"][-1]["custom_id"] = "jk:dance:1"
    return await on.press(kept, "jk:dance:1")


async def submitted_unknown(on: Stage) -> Answer:
    """A form of another version's, in place of one that is open."""
    await on.press(on.card, button(on.card, "silence"))
    on.office.discord.people.forms("velma")[0]["custom_id"] = "jk:dance:1"
    return await on.office.discord.modal("jk:dance:1", {"reason": "a drill"})


def said(answer: Answer) -> str:
    """All that an answer says."""
    messages = [one for one in (answer.message, *answer.followups) if one is not None]
    told = [(one["content"], one["embeds"]) for one in messages]
    return json.dumps([told, answer.modal and answer.modal["title"]], ensure_ascii=False)


def check(answer: Answer, words: str) -> None:
    assert "Something went wrong" not in said(answer)
    if words:
        assert words in said(answer).replace("\\\\", "")
        assert answer.ephemeral or answer.modal is not None or answer.kind is AnswerKind.UPDATE
    else:  # the message itself shows it
        assert answer.kind in (AnswerKind.ACKNOWLEDGED, AnswerKind.UPDATE)
        assert not answer.followups


async def test_nothing_is_registered_that_is_not_used_here(stage: Stage) -> None:
    client = stage.office.session.link.online()
    assert client is not None
    [commands] = client.interactions_by_scope.values()
    slashes = {str(one.name): one for one in commands.values() if isinstance(one, SlashCommand)}
    assert set(slashes) == set(COMMANDS)
    completed = {(name, option) for name, one in slashes.items() for option in one.autocomplete_callbacks}
    assert completed == set(COMPLETIONS)
    assert {str(one.name) for one in commands.values() if isinstance(one, ContextMenu)} == {MENU}
    assert {one.name for one in client._regex_component_callbacks.values()} == set(COMPONENTS)  # type: ignore[attr-defined] # the library types commands as callables
    assert {one.name for one in client._regex_modal_callbacks.values()} == set(FORMS)  # type: ignore[attr-defined] # likewise
    assert not client._component_callbacks
    assert not client._modal_callbacks


@pytest.mark.parametrize(("name", "option"), COMPLETIONS)
async def test_completion(stage: Stage, name: str, option: str) -> None:
    typed, offered = COMPLETIONS[name, option]
    found = await stage.office.discord.autocomplete(name, option, typed)
    assert [one for one in found.choices if offered in ("", one["value"])]


@pytest.mark.parametrize("name", COMPONENTS)
async def test_component(stage: Stage, name: str) -> None:
    use, words = COMPONENTS[name]
    check(await use(stage), words)


@pytest.mark.parametrize("name", FORMS)
async def test_form(stage: Stage, name: str) -> None:
    use, words = FORMS[name]
    check(await use(stage), words)


async def test_context_menu(stage: Stage) -> None:
    check(await stage.office.discord.menu(MENU, stage.words["id"]), MENU)


@pytest.mark.parametrize("name", COMMANDS)
async def test_command(stage: Stage, name: str) -> None:
    options, words = COMMANDS[name]
    check(await stage.office.discord.slash(name, options), words)
