"""Who may do what, through the real client: every command, button, form and completion; one bot for all tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest
import pytest_asyncio

from jinkies.commands import Acknowledge, StartSilence
from jinkies.matching import parse_matchers
from jinkies.model import EntryKind, State
from jinkies.permissions import Permission, PermissionRule
from jinkies.simulators.discord import Answer, AnswerKind
from jinkies.simulators.discord.world import SUPPORT
from tests.bot.conftest import button, until_in_step
from tests.bot.office import Office, embed, open_office, private, shown, with_label
from tests.bot.test_listing import disabled, ids

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPS = "1300000000000000003"
P = Permission
RULES = (
    PermissionRule(roles=(SUPPORT.id,), allow=(P.VIEW,), services=("web*",)),
    PermissionRule(
        roles=(SUPPORT.id,), allow=(P.ACKNOWLEDGE, P.SILENCE, P.CREATE), services=("web*",), channels=(OPS,)
    ),
)
VELMA, DAPHNE, SHAGGY = "velma", "daphne", "shaggy"  # on call; of support; nobody in particular
ROLES = "has none of the roles that may do this."
CHANNEL = "may not do this from this channel."
SERVICE = "may not do this for that service."


COUNTER = count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office() -> AsyncIterator[Office]:
    async with open_office(rules=RULES) as opened:
        yield opened


async def fresh(office: Office, service: str) -> str:
    """The id of an alert that nobody has touched."""
    return str(await office.alert(f"rights {next(COUNTER)}", service=service))


DECISIONS: tuple[tuple[str, dict[str, object]], ...] = (
    ("ack", {}),
    ("resolve", {}),
    ("snooze", {"for": "2h"}),
    ("assign", {}),
    ("comment", {"text": "hm"}),
    ("create-pr", {}),
    ("create-issue", {}),
)


@pytest.mark.parametrize(("name", "given"), DECISIONS, ids=[name for name, _ in DECISIONS])
@pytest.mark.parametrize(
    ("user", "channel", "service", "refused"),
    [
        (DAPHNE, "ops", "api", SERVICE),
        (DAPHNE, "alerts", "web", CHANNEL),
        (SHAGGY, "ops", "web", ROLES),
    ],
)
async def test_a_decision_that_is_not_theirs_is_refused_privately_and_audited(
    office: Office, name: str, given: dict[str, object], user: str, channel: str, service: str, refused: str
) -> None:
    alert_id = await fresh(office, service)
    before = await office.row(int(alert_id))
    answer = await office.discord.slash(name, {"id": alert_id, **given}, user, channel)
    assert private(answer).endswith(refused)
    assert await office.row(int(alert_id)) == before
    audited = (await office.refusals())[-1]
    assert (audited.alert_id, audited.actor.name.casefold().split()[0]) == (int(alert_id), user)


@pytest.mark.parametrize(("name", "given"), DECISIONS[:5], ids=[name for name, _ in DECISIONS[:5]])
@pytest.mark.parametrize(("user", "channel", "service"), [(DAPHNE, "ops", "web"), (VELMA, "alerts", "api")])
async def test_a_decision_that_is_theirs(
    office: Office, name: str, given: dict[str, object], user: str, channel: str, service: str
) -> None:
    alert_id = await fresh(office, service)
    await office.discord.slash(name, {"id": alert_id, **given}, user, channel)
    timeline = (await office.detail(int(alert_id))).timeline
    entry = [one for one in timeline if one.kind is not EntryKind.DELIVERY_CHANGED][-1]
    assert entry.actor.name == user
    assert entry.actor.channels, "the journal says from where"
    assert (await office.row(int(alert_id))).revision > 1


@pytest.mark.parametrize(
    ("name", "given", "refused"),
    [
        ("alert", {"id": "{api}"}, SERVICE),
        ("stats", {"service": "api"}, SERVICE),
        ("stats", {}, "Service: name one that you may view"),
        ("logs", {"service": "web"}, ROLES),
        ("logs-tail", {"service": "web"}, ROLES),
        ("silence", {"for": "1h", "reason": "r", "service": "api"}, SERVICE),
        ("silence", {"for": "1h", "reason": "r", "title": "boom"}, SERVICE),
    ],
)
async def test_what_is_read_or_silenced_is_refused_too(
    office: Office, name: str, given: dict[str, str], refused: str
) -> None:
    api = await fresh(office, "api")
    answer = await office.discord.slash(name, {key: text.format(api=api) for key, text in given.items()}, DAPHNE, "ops")
    assert refused in private(answer)
    if "Service:" not in refused:
        assert (await office.refusals())[-1].actor.name == DAPHNE


@pytest.mark.parametrize("name", ["alert", "alerts", "stats", "silences"])
async def test_without_any_permission_nothing_is_shown(office: Office, name: str) -> None:
    given = {"id": await fresh(office, "web")} if name == "alert" else {}
    assert private(await office.discord.slash(name, given, SHAGGY)).endswith(ROLES)
    assert (await office.refusals())[-1].text.startswith(f"refused: /{name}: ")


async def test_lists_hold_only_what_may_be_viewed_on_every_page(office: Office) -> None:
    web = [int(await fresh(office, service)) for service in ("web-shop", "api") * 20][::2]
    message = shown(await office.discord.slash("alerts", {"query": "rights"}, DAPHNE))
    seen = set(ids(message))
    while not disabled(message)[-1]:
        turned = await office.discord.press(message["id"], with_label(message, "Older"), DAPHNE)
        assert turned.message is not None
        message = turned.message
        seen |= set(ids(message))
    assert set(web) <= seen
    assert {(await office.row(one)).service for one in seen} <= {"web", "web-shop"}


async def test_a_page_is_not_turned_for_who_may_view_no_more(office: Office) -> None:
    for _ in range(20):
        await fresh(office, "web")
    message = shown(await office.discord.slash("alerts", {}, DAPHNE))
    await office.discord.change_user(DAPHNE, roles=())
    try:
        turned = await office.discord.press(message["id"], with_label(message, "Older"), DAPHNE)
    finally:
        await office.discord.change_user(DAPHNE, roles=(SUPPORT.id,))
    assert turned.kind is AnswerKind.MESSAGE
    assert turned.text.endswith(ROLES)


COMPLETIONS = [
    *((name, "id") for name in ("alert", "ack", "resolve", "reopen", "snooze", "assign", "comment", "create-pr")),
    ("create-issue", "id"),
    *((name, "service") for name in ("alerts", "stats", "silence", "logs", "logs-tail")),
    ("alerts", "query"),
    ("silence", "environment"),
]


@pytest.mark.parametrize(("name", "option"), COMPLETIONS)
async def test_completions_tell_nobody_what_they_may_not_view(office: Office, name: str, option: str) -> None:
    api = await office.alert(f"secret {name} {option}", service="api-secret", environment="secret-env")
    web = await office.alert(f"public {name} {option}", service="web-public", environment="public-env")
    for alert_id in (api, web) if name == "reopen" else ():
        await office.operator.execute(Acknowledge(alert_id=alert_id))
    if name == "alert":  # at nobody's hand: the core is asked
        for alert_id in (api, web):
            office.session.replica.rows.pop(alert_id)
    await office.heard((await office.operator.snapshot()).position.seq)
    typed = {"query": "service:", "id": f"{name} {option}"}.get(option, "")
    values = {
        user: {
            choice["value"]
            for choice in (await office.discord.people.autocomplete(name, option, typed, user, "ops")).choices
        }
        for user in (VELMA, DAPHNE, SHAGGY)
    }
    for user, found in values.items():
        assert (user == VELMA) is any("secret" in value or value == str(api) for value in found)
        may = user == VELMA or (user == DAPHNE and not name.startswith("logs"))
        assert may is any("public" in value or value == str(web) for value in found)


async def card_of(office: Office, service: str) -> dict[str, Any]:
    alert_id = int(await fresh(office, service))
    await until_in_step(office.session, alert_id)
    return next(one for one in office.discord.messages("alerts") if f"#{alert_id} " in str(one["embeds"][0]["title"]))


@pytest.mark.parametrize("restarted", [False, True])
async def test_every_button_of_a_card_asks_who_presses(office: Office, restarted: bool) -> None:
    card = await card_of(office, "api")
    if restarted:
        await office.restart()
    for action in ("ack", "resolve", "pr", "issue", "logs", "silence"):
        answer: Answer = await office.discord.press(card["id"], button(card, action), DAPHNE)
        assert private(answer).endswith((ROLES, CHANNEL, SERVICE)), action
    menu = button(card, "snooze")
    answer = await office.discord.press(card["id"], menu, DAPHNE, values=(first_choice(card, menu),))
    assert private(answer).endswith(CHANNEL)
    refused = [one for one in await office.refusals() if f"#{one.alert_id} " in card["embeds"][0]["title"]]
    assert len(refused) == 7


def first_choice(card: dict[str, Any], menu: str) -> str:
    [found] = [each for row in card["components"] for each in row["components"] if each["custom_id"] == menu]
    return str(found["options"][0]["value"])


async def test_a_form_is_checked_again_when_it_is_sent(office: Office) -> None:
    message = await office.discord.people.say("web is slow", "fred", "ops")
    asked = await office.discord.menu("Make this an alert", message["id"], DAPHNE)
    assert asked.modal is not None
    sent = await office.discord.modal(asked.modal["custom_id"], {"service": "api"}, DAPHNE)
    assert private(sent).endswith(SERVICE)
    refused = (await office.refusals())[-1]
    assert (refused.alert_id, refused.text) == (None, f"refused: report occurrence: daphne {SERVICE.removesuffix('.')}")


async def test_only_silences_that_concern_them_are_shown_and_offered(office: Office) -> None:
    now_ms = office.desk.clock.now_ms()
    for text in ("service=api", "service=web", "severity=info"):
        silence = StartSilence(matchers=parse_matchers(text), ends_at_ms=now_ms + 3_600_000, reason=text)
        await office.operator.execute(silence)
    await office.heard((await office.operator.snapshot()).position.seq)
    listed = await office.discord.slash("silences", {}, DAPHNE, "ops")
    lines = embed(listed)["description"].splitlines()
    assert [line.split()[1] for line in lines] == ["service=web", "severity=info"]
    [select] = shown(listed)["components"][0]["components"]
    assert [one["description"] for one in select["options"]] == ["service=web"]


async def test_the_journal_carries_who_and_from_where(office: Office) -> None:
    alert_id = await fresh(office, "web")
    await office.discord.slash("ack", {"id": alert_id}, DAPHNE, "ops")
    row = await office.row(int(alert_id))
    assert row.state is State.ACKNOWLEDGED
    assert row.acknowledged_by is not None
    assert (row.acknowledged_by.name, row.acknowledged_by.roles, row.acknowledged_by.channels) == (
        DAPHNE,
        (SUPPORT.id,),
        (OPS,),
    )
