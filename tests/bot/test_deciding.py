"""Decisions by slash command and their undoing, through the real client; one bot for all tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.commands import deciding
from jinkies.commands import Resolve, Snooze
from jinkies.model import EntryKind, State
from jinkies.simulators.discord import Answer
from tests.bot.conftest import button
from tests.bot.office import Office, changed, components, embed, open_office, private, shown, with_label

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office() -> AsyncIterator[Office]:
    async with open_office() as opened:
        yield opened


async def do(office: Office, name: str, alert_id: int, who: str = "velma", /, **given: object) -> Answer:
    return await office.discord.slash(name, {"id": str(alert_id), **given}, who)


async def test_each_decision_is_made_told_and_taken_back(office: Office) -> None:
    alert_id = await office.alert("decided")
    for name, given, state, told in (
        ("ack", {"note": "rolling back"}, State.ACKNOWLEDGED, "acknowledged by velma: rolling back."),
        ("resolve", {}, State.RESOLVED, "resolved by velma."),
        ("snooze", {"count": 5}, State.SNOOZED, "snoozed until 5 more occurrences by velma."),
    ):
        done = await do(office, name, alert_id, **given)
        assert private(done) == f"Alert #{alert_id}: {told}"
        assert (await office.row(alert_id)).state is state
        undone = await office.discord.press(shown(done)["id"], with_label(shown(done), "Undo"))
        assert changed(undone)["content"].startswith(f"Alert #{alert_id}: velma took back:")
        assert changed(undone)["components"] == []
        assert (await office.row(alert_id)).state is State.OPEN
    timeline = (await office.detail(alert_id)).timeline
    assert all(entry.actor.name == "velma" for entry in timeline if entry.kind is EntryKind.ALERT_UNDONE)


async def test_reopen_takes_a_resolution_back(office: Office) -> None:
    alert_id = await office.alert("reopened")
    await do(office, "resolve", alert_id)
    assert private(await do(office, "reopen", alert_id, "fred")) == f"Alert #{alert_id}: reopened by fred."
    assert private(await do(office, "reopen", alert_id)) == "Nothing changed: already open."


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"for": "2h"}, "snoozed until "),
        ({"until": "2099-01-01"}, "Until_ms: "),
        ({"until": "2h"}, "Until: '2h' is not ahead"),
        ({"for": "soon"}, "For: 'soon' is no duration"),
        ({"for": "2h", "until": "13:10"}, "For and until: give one of them."),
        ({}, "Say until when: for:2h, until:13:10 or count:5."),
    ],
)
async def test_snooze_says_what_would_be_right(office: Office, given: dict[str, str], told: str) -> None:
    alert_id = await office.alert(f"snoozed {given}")
    line = private(await do(office, "snooze", alert_id, **given)).replace("\\", "")
    assert line.removeprefix(f"Alert #{alert_id}: ").startswith(told)


async def test_assign_to_somebody_to_oneself_and_to_nobody(office: Office) -> None:
    alert_id = await office.alert("assigned")
    assert private(await do(office, "assign", alert_id, user="shaggy")) == (
        f"Alert #{alert_id}: assigned to Shaggy (support) by velma."
    )
    assert (await office.row(alert_id)).assigned_to == "Shaggy (support)"
    assert private(await do(office, "assign", alert_id)) == f"Alert #{alert_id}: assigned to velma by velma."
    nobody = await do(office, "assign", alert_id, nobody=True)
    assert private(nobody) == f"Alert #{alert_id}: assigned to nobody by velma."
    both = await do(office, "assign", alert_id, nobody=True, user="fred")
    assert private(both) == "User and nobody: give one of them."
    undone = await office.discord.press(shown(nobody)["id"], with_label(shown(nobody), "Undo"))
    assert "took back" in changed(undone)["content"]
    assert (await office.row(alert_id)).assigned_to == "velma"


async def test_a_comment_is_in_the_timeline(office: Office) -> None:
    alert_id = await office.alert("commented")
    said = await do(office, "comment", alert_id, text="it is *the* cache @everyone")
    assert private(said).startswith(f"Noted on alert #{alert_id}: velma: it is \\*the\\* cache")
    assert shown(said)["components"] == []
    said_so = [one.text for one in (await office.detail(alert_id)).timeline if one.kind is EntryKind.ALERT_COMMENTED]
    assert said_so == ["velma: it is *the* cache @everyone"]


async def test_a_decision_that_was_overtaken_is_not_taken_back(office: Office) -> None:
    alert_id = await office.alert("overtaken")
    done = await do(office, "ack", alert_id)
    await do(office, "resolve", alert_id, "fred")
    undone = await office.discord.press(shown(done)["id"], with_label(shown(done), "Undo"))
    assert changed(undone)["content"] == f"Somebody was faster: #{alert_id} is resolved by fred."
    assert changed(undone)["components"] == []


async def test_an_unknown_alert_is_said_so(office: Office) -> None:
    for name in ("alert", "ack", "resolve", "reopen", "assign"):
        assert private(await do(office, name, 7_777_777)) == "There is no alert #7777777."
    assert "is no alert's number" in private(await office.discord.slash("ack", {"id": "the big one"}))


async def test_alert_shows_the_card(office: Office) -> None:
    alert_id = await office.alert("shown")
    assert embed(await do(office, "alert", alert_id))["title"] == f"■ #{alert_id} · KeyError: shown"


@pytest.mark.parametrize(
    ("name", "offers"),
    [
        ("alert", ("open", "resolved", "snoozed")),
        ("ack", ("open", "snoozed")),
        ("snooze", ("open", "snoozed")),
        ("resolve", ("open", "snoozed")),
        ("reopen", ("resolved", "snoozed")),
        ("assign", ("open", "snoozed")),
        ("comment", ("open", "resolved", "snoozed")),
    ],
)
async def test_ids_complete_with_what_can_be_decided(office: Office, name: str, offers: tuple[str, ...]) -> None:
    made = {state: await office.alert(f"zz{name} {state}") for state in ("open", "resolved", "snoozed")}
    await office.operator.execute(Resolve(alert_id=made["resolved"]))
    last = await office.operator.execute(Snooze(alert_id=made["snoozed"], occurrences=9))
    await office.heard(last.seq)
    found = await office.discord.people.autocomplete(name, "id", f"zz{name}", "velma", "alerts")
    assert {choice["value"] for choice in found.choices} == {str(made[state]) for state in offers}


async def test_alerts_that_are_not_at_hand_complete_too(office: Office) -> None:
    old = await office.alert("zebra crossing")
    last = await office.operator.execute(Resolve(alert_id=old))
    await office.heard(last.seq)
    await office.restart()  # a new bot knows only what is unresolved
    assert old not in office.session.replica.rows
    for typed in (f"#{old}", "zebra cross"):
        found = await office.discord.people.autocomplete("alert", "id", typed, "velma", "alerts")
        assert str(old) in [choice["value"] for choice in found.choices]
    nothing = await office.discord.people.autocomplete("alert", "id", '"- !', "velma", "alerts")
    assert nothing.choices == ()


@pytest.mark.parametrize("restarted", [False, True])
async def test_ones_own_card_shows_what_one_did(office: Office, restarted: bool) -> None:
    alert_id = await office.alert(f"own card {restarted}")
    card = shown(await do(office, "alert", alert_id))
    if restarted:
        await office.restart()
    pressed = changed(await office.discord.press(card["id"], button(card, "ack")))
    assert "acknowledged by velma" in pressed["embeds"][0]["description"]
    menu = button(pressed, "snooze")
    [select] = [each for each in components(pressed) if each["custom_id"] == menu]
    snoozed = changed(await office.discord.press(card["id"], menu, values=(select["options"][0]["value"],)))
    assert "snoozed by velma" in snoozed["embeds"][0]["description"]


async def test_durations_complete(office: Office) -> None:
    found = await office.discord.people.autocomplete("snooze", "for", "1", "velma", "alerts")
    assert [choice["value"] for choice in found.choices] == ["1", "15m", "1h", "1d"]


async def test_the_button_goes_when_its_time_is_over(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "UNDO_S", 0.01)
    alert_id = await office.alert("too late")
    done = shown(await do(office, "ack", alert_id))
    kept = office.discord.state.messages
    await office.discord.wait_for(lambda: kept[done["id"]]["components"] == [])
    assert kept[done["id"]]["content"] == f"Alert #{alert_id}: acknowledged by velma."


async def test_undo_works_after_a_restart(office: Office) -> None:
    alert_id = await office.alert("before the restart")
    done = await do(office, "ack", alert_id)
    await office.restart()
    undone = await office.discord.press(shown(done)["id"], with_label(shown(done), "Undo"))
    assert "took back: acknowledged" in changed(undone)["content"]
    assert (await office.row(alert_id)).state is State.OPEN
