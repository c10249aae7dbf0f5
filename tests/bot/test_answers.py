"""How answers reach people: in time, by edits, in private, whatever the work does; commands of these tests' own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import interactions
import pytest
import pytest_asyncio

import bot.commands
from bot import answers
from bot.answers import Attached, Line, Reply, Seen, Upload
from bot.commands.desk import Desk
from bot.commands.making import make_form
from bot.commands.wiring import Call, component, message_menu, slash
from bot.render import Button, Row
from jinkies.errors import Conflict, Disconnected
from jinkies.simulators.discord import Answer, AnswerKind, Fault, FaultKind
from jinkies.simulators.discord.interaction import Interaction
from tests.bot.office import Office, open_office, private, shown

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLOW_S = 0.25  # as long as work takes that is deferred here
SOON_S = 0.01  # after so long, in tests of what is slow
LATER_S = 1.0  # in all others: more than what is done at once takes on a busy machine
PRESS = Row(components=(Button(style=2, label="Press", custom_id="jk:test:work"),))


async def work(call: Call) -> Reply:
    """Does what it is told: by an option, or by what the message says that a button is on."""
    what = str(call.given.get("what") or (call.message.content if call.message is not None else ""))
    match what:
        case "form" | "late form":
            await asyncio.sleep(SLOW_S if "late" in what else 0)
            return make_form("jk:make:01234567:1:2", service="", text="t")
        case "conflict":
            await call.progress("on it")
            raise Conflict("somebody was faster: *velma*")
        case "lost":
            raise Disconnected("gone")
        case "broken":
            raise ValueError("an inner detail")
        case "slow":
            await asyncio.sleep(SLOW_S)
        case "told":
            await call.progress("a third")
            await asyncio.sleep(LATER_S + SLOW_S)
            await call.progress("two thirds")
        case "file":
            return Attached(shown="here", files=(Upload(name="a.txt", data=b"text"),))
        case "seen":
            return Seen.ON_THE_CARD
    return Line(text=f"done: {what}", components=(PRESS,))


class Group:
    """As a module of commands."""

    @staticmethod
    def install(client: interactions.Client, desk: Desk) -> None:
        what = interactions.SlashCommandOption(
            name="what", type=interactions.OptionType.STRING, description="what to do", required=True
        )
        slash(client, desk, "work", "Works", work, options=[what])
        slash(client, desk, "announce", "Works for all to see", work, options=[what], private=False)
        slash(client, desk, "hurry", "Gives up soon", work, options=[what], limit_s=SLOW_S / 2)
        component(client, desk, "work", re.compile(r"jk:test:work$"), work)
        component(client, desk, "work_form", re.compile(r"jk:test:form$"), work, asks=True)
        message_menu(client, desk, "Work", work, asks=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office() -> AsyncIterator[Office]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bot.commands, "GROUPS", (*bot.commands.GROUPS, Group))
        patch.setattr(answers, "DEFER_AFTER_S", LATER_S)
        async with open_office() as opened:
            yield opened


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not come at once is deferred, or given up where it can't be."""
    monkeypatch.setattr(answers, "DEFER_AFTER_S", SOON_S)
    monkeypatch.setattr(answers, "FORM_LIMIT_S", SOON_S)


def bodies(office: Office, answer: Answer) -> list[dict[str, Any]]:
    """What the bot asked of Discord to answer, in order."""
    token = interaction(office, answer).token
    return [call.body for call in office.discord.calls if token in call.path and call.method != "GET"]


def interaction(office: Office, answer: Answer) -> Interaction:
    return next(each for each in office.discord.state.interactions.values() if each.id == answer.interaction_id)


async def until_said(office: Office, answer: Answer, words: str) -> Answer:
    """The answer once its last word is there."""

    def now() -> Answer:
        return office.discord.people.answer(interaction(office, answer))

    await office.discord.wait_for(lambda: words in now().text)
    return now()


def said(body: dict[str, Any]) -> str:
    return str((body.get("data") or body).get("content", ""))


@pytest.mark.parametrize(
    ("what", "first", "words"),
    [
        ("quick", 4, ["done: quick"]),
        ("slow", 5, ["", "done: slow"]),
        ("told", 4, ["a third", "two thirds", "done: told"]),
        ("conflict", 4, ["on it", "Somebody was faster: \\*velma\\*."]),
        ("lost", 4, ["The core is not reachable just now"]),
        ("broken", 4, ["Something went wrong in the bot"]),
        ("file", 5, ["", "here"]),
        ("seen", 4, ["Done."]),
    ],
)
async def test_a_command_is_answered_in_private_and_the_answer_edited(
    office: Office, request: pytest.FixtureRequest, what: str, first: int, words: list[str]
) -> None:
    if what == "slow":
        request.getfixturevalue("hasty")
    answer = await until_said(office, await office.discord.slash("work", {"what": what}), words[-1])
    asked = bodies(office, answer)
    assert asked[0]["type"] == first
    assert len(asked) == len(words)
    assert all(said(body).startswith(word) for body, word in zip(asked, words, strict=True))
    assert all((body.get("data") or body)["flags"] == 64 for body in asked)
    assert answer.ephemeral
    assert not answer.followups


async def test_an_answer_can_be_for_all_to_see(office: Office) -> None:
    answer = await until_said(office, await office.discord.slash("announce", {"what": "quick"}), "done")
    assert not answer.ephemeral


@pytest.mark.usefixtures("hasty")
async def test_a_deferred_answer_can_be_for_all_to_see(office: Office) -> None:
    answer = await until_said(office, await office.discord.slash("announce", {"what": "slow"}), "done")
    assert bodies(office, answer)[0]["type"] == 5
    assert not answer.ephemeral


@pytest.mark.usefixtures("hasty")
async def test_work_that_takes_too_long_is_given_up(office: Office) -> None:
    answer = await office.discord.slash("hurry", {"what": "slow"})
    assert private(await until_said(office, answer, "given up")).startswith("That took too long")


async def button_that(office: Office, what: str) -> dict[str, Any]:
    """A message for all to see, with a button that does so."""
    message = shown(await office.discord.slash("announce", {"what": "quick"}))
    office.discord.state.messages[message["id"]]["content"] = what
    return message


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(
    ("what", "first", "words"),
    [
        ("seen", 6, [""]),
        ("lost", 4, ["The core is not reachable just now"]),
        ("slow", 6, ["", "done: slow"]),
        ("told", 4, ["a third", "two thirds", "done: told"]),
    ],
)
async def test_what_is_said_of_a_press_is_private_and_leaves_the_message_alone(
    office: Office, request: pytest.FixtureRequest, what: str, first: int, words: list[str], restarted: bool
) -> None:
    message = await button_that(office, what)
    if restarted:
        await office.restart()
    if what == "slow":
        request.getfixturevalue("hasty")
    wait_s = 0.5 if what == "seen" else 5.0  # that shows nothing to wait for
    pressed = await office.discord.press(message["id"], "jk:test:work", wait_s=wait_s)
    await office.discord.wait_for(lambda: len(bodies(office, pressed)) >= len(words))
    answer = await until_said(office, pressed, words[-1])
    asked = bodies(office, answer)
    assert asked[0]["type"] == first
    assert [said(body)[: len(word)] for body, word in zip(asked, words, strict=True)] == words
    assert office.discord.state.messages[message["id"]]["content"] == what
    if what != "seen":
        assert private(answer).startswith(words[-1])


@pytest.mark.parametrize(("what", "kind"), [("form", AnswerKind.MODAL), ("late form", AnswerKind.MESSAGE)])
async def test_a_form_comes_at_once_or_not_at_all(
    office: Office, request: pytest.FixtureRequest, what: str, kind: AnswerKind
) -> None:
    if "late" in what:
        request.getfixturevalue("hasty")
    message = await office.discord.people.say(what, "fred", "ops")
    answer = await office.discord.menu("Work", message["id"])
    assert answer.kind is kind
    if kind is AnswerKind.MESSAGE:
        assert "nothing was done" in private(answer)


@pytest.mark.usefixtures("hasty")
async def test_a_form_after_something_was_said_is_told_as_too_late(office: Office) -> None:
    answer = await until_said(office, await office.discord.slash("work", {"what": "late form"}), "nothing was done")
    assert bodies(office, answer)[0]["type"] == 5


async def test_an_answer_that_is_refused_is_logged_without_its_token(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.discord.fault(Fault(method="POST", path="/callback$", kind=FaultKind.STATUS, status=403))
    answer = await office.discord.slash("work", {"what": "quick"}, wait_s=0.0)
    assert answer.kind is AnswerKind.WAITING
    async with asyncio.timeout(30):
        while "Discord refused an answer" not in caplog.text:  # noqa: ASYNC110 - a log line sets no event
            await asyncio.sleep(0.01)
    assert office.discord.people.answer(interaction(office, answer)).kind is not AnswerKind.MESSAGE
    assert interaction(office, answer).token not in caplog.text
