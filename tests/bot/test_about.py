"""``/stats``, ``/status``, ``/help``, "Make this an alert" and the presence, through the real client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from jinkies.commands import Resolve
from jinkies.model import LinkKind, Severity
from jinkies.simulators.discord import Answer, AnswerKind
from tests.bot.office import Office, embed, open_office, private

pytestmark = pytest.mark.asyncio(loop_scope="module")

MENU = "Make this an alert"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office() -> AsyncIterator[Office]:
    async with open_office() as opened:
        yield opened


def fields(answer: Answer) -> dict[str, str]:
    return {field["name"]: field["value"] for field in embed(answer)["fields"]}


async def test_stats(office: Office) -> None:
    alert_id = await office.alert("figures", service="counted")
    await office.operator.execute(Resolve(alert_id=alert_id))
    of_one = await office.discord.slash("stats", {"service": "counted", "range": "30"})
    assert embed(of_one)["title"] == "Figures · 30 days · counted"
    assert fields(of_one)["Alerts opened"] == "1"
    assert fields(of_one)["To acknowledge"] == "never"
    assert fields(of_one)["To resolve"].startswith("half within ")
    assert fields(of_one)["Services"] == "counted: 1 opened, 1×, 0 unresolved"
    assert f"**#{alert_id}** KeyError: figures · 1×" in fields(of_one)["Noisy"]
    assert embed(await office.discord.slash("stats"))["title"] == "Figures · 7 days"
    completed = await office.discord.people.autocomplete("stats", "service", "coun", "velma", "alerts")
    assert [choice["value"] for choice in completed.choices] == ["counted"]


async def test_status_says_how_it_is_and_who_one_is(office: Office) -> None:
    await office.alert("status")
    mine = await office.discord.slash("status")
    assert "open" in embed(mine)["description"]
    assert "🟢 **discord** connected" in fields(mine)["Parts"]
    assert fields(mine)["You"].splitlines()[0].startswith("velma (")
    assert "✅ decide on alerts" in fields(mine)["You"]
    other = fields(await office.discord.slash("status", user="daphne"))
    assert "✖️ decide on alerts" in other["You"]
    assert "✅ see alerts" in other["You"]


async def test_help_tells_what_one_may(office: Office) -> None:
    mine = embed(await office.discord.slash("help"))["description"]
    other = embed(await office.discord.slash("help", user="daphne"))["description"]
    for name in ("ack", "alert", "alerts", "silence", "stats", "status", "help"):
        assert f"**/{name}**" in mine
    assert "**/ack**" not in other
    assert "**/alerts**" in other
    assert "for which you have no permission here" in other


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_message_becomes_an_alert(office: Office, restarted: bool) -> None:
    said = f"the api is slow {restarted}\npassword=hunter2hunter2 and @everyone"
    message = await office.discord.people.say(said, "fred", "ops")
    if restarted:
        await office.restart()
    asked = await office.discord.menu(MENU, message["id"])
    assert asked.modal is not None
    values = {row["components"][0]["custom_id"]: row["components"][0].get("value") for row in asked.modal["components"]}
    assert values == {"service": "api", "severity": "error", "text": said}
    if restarted:
        await office.restart()
    sent = await office.discord.modal(asked.modal["custom_id"], {"severity": "critical"})
    words = private(sent)
    assert words.endswith("of api now.")
    detail = await office.detail(int(words.split("#")[1].split()[0]))
    assert (detail.row.severity, detail.row.service) == (Severity.CRITICAL, "api")
    assert detail.row.title == f"the api is slow {restarted}"
    assert "hunter2" not in detail.latest.message
    [link] = [one for one in detail.row.links if one.kind is LinkKind.SOURCE]
    assert link.url == f"https://discord.com/channels/1200000000000000001/1300000000000000003/{message['id']}"
    assert detail.latest.context["reported_by"] == "velma"
    assert detail.timeline[0].actor.name == "velma"
    once_more = await office.discord.menu(MENU, message["id"], "fred")
    assert once_more.modal is not None
    again = await office.discord.modal(once_more.modal["custom_id"], {}, "fred")
    assert private(again) == f"That is alert #{detail.row.alert_id} already."
    assert (await office.row(detail.row.alert_id)).count == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [({"severity": "loud"}, "Severity: 'loud' is none of"), ({"service": "   "}, "Service: name the service")],
)
async def test_what_makes_no_alert_is_said(office: Office, given: dict[str, str], told: str) -> None:
    message = await office.discord.people.say("boom", "fred", "ops")
    asked = await office.discord.menu(MENU, message["id"])
    assert asked.modal is not None
    sent = await office.discord.modal(asked.modal["custom_id"], {"service": "web", **given})
    assert private(sent).startswith(told)


async def test_who_may_not_create_gets_no_form(office: Office) -> None:
    message = await office.discord.people.say("boom", "fred", "ops")
    refused = await office.discord.menu(MENU, message["id"], "daphne")
    assert refused.kind is AnswerKind.MESSAGE
    assert private(refused) == "Daphne has none of the roles that may do this."


async def test_the_presence_shows_what_is_open(office: Office) -> None:
    await office.alert("presence", severity=Severity.CRITICAL)
    counts = office.session.replica.counts
    await office.restart()

    def told() -> bool:
        presence = office.discord.gateway.presence
        return presence is not None and bool(presence["activities"])

    await office.discord.wait_for(told)
    presence = office.discord.gateway.presence
    assert presence is not None
    [activity] = presence["activities"]
    assert (activity["type"], activity["state"]) == (4, f"{counts.open} open · {counts.critical} critical")
    assert presence["status"] == "dnd"
