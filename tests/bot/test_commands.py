"""What people do in Discord: buttons, forms and slash commands, through the real client."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import msgspec
import pytest

from jinkies.app import host
from jinkies.commands import (
    Acknowledge,
    CreatePullRequest,
    RecordIssue,
    RecordOnGitHub,
    RecordPullRequest,
    Resolve,
)
from jinkies.config import Config
from jinkies.core import Core
from jinkies.model import SYSTEM, ActorKind, EntryKind, LinkKind, OnGitHub, PartHealth, PartState, State, WorkState
from jinkies.operator import Operator
from jinkies.simulators.discord import Answer, AnswerKind, SimulatedDiscord
from jinkies.wire.peer import local_actor
from tests.bot.conftest import CHANNEL, button, posts, report, row_of, running_bot, until_in_step


async def opened_card(discord: SimulatedDiscord, desk: Core, operator: Operator) -> int:
    """An alert whose card an earlier bot has posted."""
    async with running_bot(desk) as session:
        alert_id = (await report(operator)).alert_id
        assert alert_id is not None
        await until_in_step(session, alert_id)
    return alert_id


def private_line(answer: Answer) -> str:
    assert answer.ephemeral
    message = (
        answer.message if answer.message is not None and answer.kind is AnswerKind.MESSAGE else answer.followups[0]
    )
    return str(message["content"])


async def test_a_button_acknowledges_and_the_card_changes(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    alert_id = await opened_card(discord, desk, operator)
    [card] = discord.messages(CHANNEL)
    async with running_bot(desk) as session:  # a new client: the button is from before the restart
        answer = await discord.press(card["id"], button(card, "ack"), "velma")
        assert answer.kind in (AnswerKind.ACKNOWLEDGED, AnswerKind.UPDATE)
        await until_in_step(session, alert_id, 2)
    row = await row_of(operator, alert_id)
    assert row.state is State.ACKNOWLEDGED
    assert row.acknowledged_by is not None
    assert (row.acknowledged_by.kind, row.acknowledged_by.name) == (ActorKind.DISCORD, "velma")
    [card] = discord.messages(CHANNEL)
    assert "acknowledged by velma" in card["embeds"][0]["description"]
    assert card["components"][0]["components"][0] | {"id": 0} == {
        "type": 2,
        "id": 0,
        "style": 2,
        "label": "Acknowledged ✓",
        "custom_id": button(card, "ack"),
        "disabled": True,
    }
    assert posts(discord) == 1


async def test_resolve_and_reopen_by_button(discord: SimulatedDiscord, desk: Core, operator: Operator) -> None:
    alert_id = await opened_card(discord, desk, operator)
    async with running_bot(desk) as session:
        [card] = discord.messages(CHANNEL)
        await discord.press(card["id"], button(card, "resolve"))
        await until_in_step(session, alert_id, 2)
        assert (await row_of(operator, alert_id)).state is State.RESOLVED
        [card] = discord.messages(CHANNEL)
        await discord.press(card["id"], button(card, "reopen"))
        await until_in_step(session, alert_id, 3)
    assert (await row_of(operator, alert_id)).state is State.OPEN


async def test_without_a_role_a_press_is_refused_privately_and_audited(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    alert_id = await opened_card(discord, desk, operator)
    [card] = discord.messages(CHANNEL)
    async with running_bot(desk):
        answer = await discord.press(card["id"], button(card, "ack"), "daphne")
    assert private_line(answer) == "Daphne has none of the roles that may do this."
    detail = await operator.alert(alert_id)
    assert detail.row.state is State.OPEN
    assert EntryKind.COMMAND_REFUSED in [entry.kind for entry in detail.timeline]


async def test_the_loser_of_a_race_is_told_who_won(discord: SimulatedDiscord, desk: Core, operator: Operator) -> None:
    alert_id = await opened_card(discord, desk, operator)
    [card] = discord.messages(CHANNEL)
    async with running_bot(desk) as session:
        both = await asyncio.gather(
            discord.press(card["id"], button(card, "ack"), "velma"),
            discord.press(card["id"], button(card, "ack"), "fred"),
        )
        await until_in_step(session, alert_id, 2)
        winner = (await row_of(operator, alert_id)).acknowledged_by
    assert winner is not None
    [loser] = [answer for answer in both if answer.ephemeral]
    assert private_line(loser) == f"Nothing changed: already acknowledged by {winner.name}."


async def test_a_card_of_another_database_is_told_so(
    discord: SimulatedDiscord, desk_config: Config, desk: Core, operator: Operator
) -> None:
    await opened_card(discord, desk, operator)
    [card] = discord.messages(CHANNEL)
    other = msgspec.structs.replace(desk_config, home=desk_config.home / "other")
    async with host(other, ingest=False, background=False) as new_desk, running_bot(new_desk):
        for action, values in (("ack", ()), ("pr", ()), ("issue", ()), ("silence", ()), ("snooze", ("2h",))):
            answer = await discord.press(card["id"], button(card, action), values=values)
            assert "another database" in private_line(answer)


async def test_create_pull_request_asks_for_details_first(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    alert_id = await opened_card(discord, desk, operator)
    [card] = discord.messages(CHANNEL)
    async with running_bot(desk) as session:
        asked = await discord.press(card["id"], button(card, "pr"))
        assert asked.modal is not None
        values = {
            row["components"][0]["custom_id"]: row["components"][0].get("value") for row in asked.modal["components"]
        }
        assert values == {"title": "Fix KeyError: order_id in api", "base_branch": "develop", "notes": None}
        sent = await discord.modal(asked.modal["custom_id"], {"title": "Mend the cart", "notes": "see *logs*"})
        assert sent.kind in (AnswerKind.ACKNOWLEDGED, AnswerKind.UPDATE)
        await until_in_step(session, alert_id, 2)
    wanted = (await row_of(operator, alert_id)).pull_request
    assert wanted is not None
    assert (wanted.state, wanted.title, wanted.base_branch, wanted.notes, wanted.requested_by.name) == (
        WorkState.REQUESTED,
        "Mend the cart",
        "develop",
        "see *logs*",
        "velma",
    )
    [card] = discord.messages(CHANNEL)
    assert "PR requested…" in [one["label"] for one in card["components"][1]["components"]]


async def test_without_github_no_form_is_filled_in_for_nothing(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    await opened_card(discord, desk, operator)
    [card] = discord.messages(CHANNEL)
    desk.report_health(PartHealth(part="github", state=PartState.UNCONFIGURED, detail="set GITHUB_TOKEN"))
    async with running_bot(desk):
        asked = await discord.press(card["id"], button(card, "pr"))
    assert private_line(asked) == "GitHub is not configured: set GITHUB\\_TOKEN."


async def test_alerts_lists_what_is_asked_for(discord: SimulatedDiscord, desk: Core, operator: Operator) -> None:
    first = await report(operator, "ValueError: one")
    await report(operator, "ValueError: two")
    assert first.alert_id is not None
    await operator.execute(Resolve(alert_id=first.alert_id))
    async with running_bot(desk):
        unresolved = await discord.slash("alerts")
        resolved = await discord.slash("alerts", {"state": "resolved", "service": "api", "severity": "error"})
        none = await discord.slash("alerts", {"query": "nothing like it"})
    assert unresolved.ephemeral
    assert embed(unresolved)["title"] == "Alerts · unresolved"
    assert "**#2**" in embed(unresolved)["description"]
    assert "**#1**" not in embed(unresolved)["description"]
    assert embed(resolved)["title"] == "Alerts · state:resolved service:api level>=error"
    assert embed(resolved)["description"].startswith("■ **#1** KeyError: ValueError: one · api · ×1 · <t:")
    assert embed(none)["description"] == "None."


async def test_alert_shows_the_card_privately(discord: SimulatedDiscord, desk: Core, operator: Operator) -> None:
    await report(operator)
    async with running_bot(desk):
        shown = await discord.slash("alert", {"id": "#1"})
        unknown = await discord.slash("alert", {"id": "77"})
        nonsense = await discord.slash("alert", {"id": "the big one"})
    assert shown.ephemeral
    assert embed(shown)["title"] == "■ #1 · KeyError: order\\_id"
    assert private_line(unknown) == "There is no alert #77."
    assert "is no alert's number" in private_line(nonsense)


async def test_ack_with_a_note(discord: SimulatedDiscord, desk: Core, operator: Operator) -> None:
    await report(operator)
    async with running_bot(desk):
        done = await discord.slash("ack", {"id": "1", "note": "rolling back"}, "fred")
    assert private_line(done) == "Alert #1: acknowledged by fred: rolling back."
    detail = await operator.alert(1)
    [entry] = [one for one in detail.timeline if one.kind is EntryKind.ALERT_ACKNOWLEDGED]
    assert entry.text == "acknowledged by fred: rolling back"
    assert entry.actor.kind is ActorKind.DISCORD


async def test_ids_and_services_complete(discord: SimulatedDiscord, desk: Core, operator: Operator) -> None:
    for number in range(30):
        await report(operator, f"ValueError: {number}", service="web" if number else "api")
    await operator.execute(Acknowledge(alert_id=2))
    async with running_bot(desk):
        ids = await discord.people.autocomplete("ack", "id", "2", "velma", CHANNEL)
        words = await discord.people.autocomplete("alert", "id", "ValueError: 7", "velma", CHANNEL)
        services = await discord.people.autocomplete("alerts", "service", "", "velma", CHANNEL)
    offered = {choice["value"] for choice in ids.choices}
    assert offered >= {"20", "29"}
    assert "2" not in offered, "it is acknowledged already"
    assert [choice["name"] for choice in words.choices] == ["#8 ■ KeyError: ValueError: 7 · web"]
    assert [choice["value"] for choice in services.choices] == ["api", "web"]


async def test_commands_exist_in_the_configured_server_only(discord: SimulatedDiscord, desk: Core) -> None:
    async with running_bot(desk):
        puts = [call for call in discord.calls if call.method == "PUT"]
    assert [call.template for call in puts] == ["/applications/{application_id}/guilds/{guild_id}/commands"]
    assert {"ack", "alert", "alerts", "create-issue", "create-pr", "logs"} <= {
        command["name"] for command in puts[0].body
    }


async def test_a_core_that_goes_away_is_said_privately_and_may_come_back(
    discord: SimulatedDiscord, desk_config: Config
) -> None:
    async with AsyncExitStack() as bot:
        async with host(desk_config, ingest=False, background=False) as desk:
            await report(desk.operator(local_actor()))
            session = await bot.enter_async_context(running_bot(desk))
            await until_in_step(session, 1)
            [card] = discord.messages(CHANNEL)
        refused = await discord.press(card["id"], button(card, "ack"))
        listed = await discord.slash("alerts")
        assert private_line(refused).startswith("The core is not reachable just now.")
        assert private_line(listed).startswith("The core is not reachable just now.")
        async with host(desk_config, ingest=False, background=False) as desk:
            accepted = await discord.press(card["id"], button(card, "ack"))
            assert accepted.kind in (AnswerKind.ACKNOWLEDGED, AnswerKind.UPDATE)
            await until_in_step(session, 1, 2)
    assert len(discord.messages(CHANNEL)) == posts(discord) == 1


def embed(answer: Answer) -> dict[str, str]:
    assert answer.message is not None
    found = answer.message["embeds"][0]
    assert isinstance(found, dict)
    return found


async def test_what_the_bot_does_not_know_is_answered_all_the_same(
    discord: SimulatedDiscord, desk: Core, operator: Operator
) -> None:
    await opened_card(discord, desk, operator)
    async with running_bot(desk):
        kept = discord.state.commands["1200000000000000001"]
        kept.append({"id": "77", "name": "dance", "type": 1, "description": "of an older version", "options": []})
        command = await discord.slash("dance")
        [card] = discord.messages(CHANNEL)
        card["components"][0]["components"][0]["custom_id"] = "jk:dance:1:00000000"
        press = await discord.press(card["id"], "jk:dance:1:00000000")
    assert "has no command /dance" in private_line(command)
    assert "nothing that the bot knows" in private_line(press)


async def test_a_fault_of_the_bots_own_is_answered_without_its_details(
    discord: SimulatedDiscord, desk: Core, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("an inner detail")

    monkeypatch.setattr("bot.commands.listing.page_message", broken)
    async with running_bot(desk):
        answer = await discord.slash("alerts")
    assert private_line(answer).startswith("Something went wrong in the bot")
    assert "an inner detail" in caplog.text


@pytest.mark.parametrize(("name", "what"), [("create-issue", "issue"), ("create-pr", "draft pull request")])
async def test_work_on_github_is_asked_for_and_its_end_is_told(
    discord: SimulatedDiscord, desk: Core, operator: Operator, name: str, what: str
) -> None:
    await report(operator)
    system = desk.operator(SYSTEM)
    async with running_bot(desk) as session:
        answer = await discord.slash(name, {"id": "#1", "title": "Mend the cart", "fix_notes": "see *logs*"})
        assert private_line(answer) == f"The {what} of #1 is asked for; GitHub is at work…"
        row = await row_of(operator, 1)
        work = row.issue if name == "create-issue" else row.pull_request
        assert work is not None
        assert (work.title, work.notes, work.requested_by.name) == ("Mend the cart", "see *logs*", "velma")
        record = RecordIssue if name == "create-issue" else RecordPullRequest
        await system.execute(record(alert_id=1, error="401 Bad credentials"))
        await discord.wait_for(lambda: f"There is no {what} of" in edits(discord)[-1])
        again = await discord.slash(name, {"id": "1"})
        assert private_line(again).startswith(f"The {what} of")
        await system.execute(record(alert_id=1, number=7, url="https://github.example/o/r/7"))
        await discord.wait_for(lambda: "[github.example/o/r/7](https://github.example/o/r/7)" in edits(discord)[-1])
        await until_in_step(session, 1, (await row_of(operator, 1)).revision)
    [card] = discord.messages(CHANNEL)
    assert "github.example/o/r/7" in str(card["embeds"])


async def test_a_merge_on_github_changes_the_card(discord: SimulatedDiscord, desk: Core, operator: Operator) -> None:
    await report(operator)
    system, url = desk.operator(SYSTEM), "https://github.example/o/r/pull/7"
    await operator.execute(CreatePullRequest(alert_id=1))
    await system.execute(RecordPullRequest(alert_id=1, number=7, url=url, on_github=OnGitHub.DRAFT))
    kind = LinkKind.PULL_REQUEST
    async with running_bot(desk) as session:
        await until_in_step(session, 1, (await row_of(operator, 1)).revision)
        [card] = discord.messages(CHANNEL)
        assert f"({url}) · draft" in str(card["embeds"])
        await system.execute(RecordOnGitHub(alert_id=1, kind=kind, number=7, on_github=OnGitHub.MERGED, by="ada"))
        await until_in_step(session, 1, (await row_of(operator, 1)).revision)
        answer = await discord.slash("create-pr", {"id": "1"})
        assert "already there, merged: " in private_line(answer)
    [card] = discord.messages(CHANNEL)
    assert f"({url}) · merged" in str(card["embeds"])


async def test_the_issue_button_asks_at_once(discord: SimulatedDiscord, desk: Core, operator: Operator) -> None:
    alert_id = await opened_card(discord, desk, operator)
    [card] = discord.messages(CHANNEL)
    async with running_bot(desk) as session:
        answer = await discord.press(card["id"], button(card, "issue"), "velma")
        assert answer.kind in (AnswerKind.ACKNOWLEDGED, AnswerKind.UPDATE)
        await until_in_step(session, alert_id, 2)
    [card] = discord.messages(CHANNEL)
    assert "Issue requested…" in [one["label"] for one in card["components"][1]["components"]]


def edits(discord: SimulatedDiscord) -> list[str]:
    """What answers became, in the order of the edits."""
    bodies = [call.body for call in discord.calls if call.method == "PATCH" and "/webhooks/" in call.path]
    return [str(body) for body in bodies] or [""]
