"""Who may do what: the rules by themselves, and in the core."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from jinkies import authz
from jinkies.app import host
from jinkies.commands import (
    Acknowledge,
    AnyCommand,
    Bulk,
    Command,
    Comment,
    CreatePullRequest,
    EndSilence,
    Expire,
    Merge,
    NoteRefusal,
    ReportHealth,
    ReportOccurrence,
    Split,
    StartSilence,
    StartTail,
    Undo,
)
from jinkies.config import Config, ServiceConfig
from jinkies.core import Core
from jinkies.errors import Forbidden, NotFound
from jinkies.events import JournalEntry
from jinkies.matching import parse_matchers
from jinkies.model import SYSTEM, Actor, ActorKind, EntryKind, PartHealth, PartState, TailSpec
from jinkies.permissions import EVERYONE, Permission, PermissionRule, Permissions, permissions_of

P = Permission
ON_CALL, SUPPORT, GUILD = "1", "2", "9"
RULES = (
    PermissionRule(roles=(EVERYONE,), allow=(P.VIEW,), services=("web-*", "shop")),
    PermissionRule(roles=(SUPPORT,), allow=(P.ACKNOWLEDGE, P.VIEW), services=("api",), channels=("ops",)),
    PermissionRule(roles=(ON_CALL,), allow=(P.VIEW, P.ACKNOWLEDGE, P.SILENCE, P.TAIL, P.CREATE)),
)


def who(*roles: str, channels: tuple[str, ...] = ("alerts",)) -> Actor:
    return Actor(kind=ActorKind.DISCORD, id="7", name="velma", roles=roles, channels=channels)


@pytest.mark.parametrize(
    ("actor", "permission", "service", "may"),
    [
        (who(ON_CALL), P.CREATE, "api", True),
        (who(ON_CALL), P.SILENCE, None, True),
        (who(), P.VIEW, "web-1", True),
        (who(), P.VIEW, "shop", True),
        (who(), P.VIEW, "shopping", False),
        (who(), P.VIEW, "my-web-1", False),
        (who(), P.VIEW, "api", False),
        (who(), P.VIEW, None, False),
        (who(), P.ACKNOWLEDGE, "web-1", False),
        (who(SUPPORT), P.ACKNOWLEDGE, "api", False),
        (who(SUPPORT, channels=("ops",)), P.ACKNOWLEDGE, "api", True),
        (who(SUPPORT, channels=("thread", "ops")), P.ACKNOWLEDGE, "api", True),
        (who(SUPPORT, channels=("ops",)), P.ACKNOWLEDGE, "web-1", False),
        (who(SUPPORT, channels=()), P.VIEW, "api", False),
        (who(SUPPORT, channels=("ops",)), P.VIEW, "web-1", True),
        (who(SUPPORT, ON_CALL), P.TAIL, "anything", True),
    ],
)
def test_the_table(actor: Actor, permission: Permission, service: str | None, may: bool) -> None:
    assert Permissions(RULES).may(actor, permission, service) is may
    if service is not None:
        assert Permissions(RULES).sieve(actor, permission)(service) is may


def test_the_simple_form() -> None:
    open_to_all = permissions_of((), allowed_roles=())
    assert all(open_to_all.may(who(), each, None) for each in P)
    with_roles = permissions_of((), allowed_roles=(ON_CALL,))
    assert all(with_roles.may(who(ON_CALL), each, None) for each in P)
    assert [each for each in P if with_roles.may(who(SUPPORT), each, "api")] == [P.VIEW]
    both = permissions_of(RULES[:1], allowed_roles=(SUPPORT,))
    assert all(both.may(who(SUPPORT), each, None) for each in P)
    assert not both.may(who(), P.VIEW, "api"), "with rules of their own, nothing else is granted"


def test_the_servers_own_id_is_the_role_of_everybody() -> None:
    rights = permissions_of((PermissionRule(roles=(GUILD,), allow=(P.TAIL,)),), allowed_roles=(), guild_id=GUILD)
    assert rights.may(who(), P.TAIL, None)
    assert not rights.may(who(ON_CALL), P.VIEW, None)


def test_the_services_of_a_viewer() -> None:
    rights = Permissions(RULES)
    assert rights.services(who(ON_CALL), P.VIEW) is None
    assert rights.services(who(), P.VIEW) == ("web-*", "shop")
    assert rights.services(who(SUPPORT, channels=("ops",)), P.VIEW) == ("web-*", "shop", "api")
    assert rights.services(who(), P.TAIL) == ()


@pytest.mark.parametrize(
    ("pattern", "service", "covers"),
    [
        ("*", None, True),
        ("**", None, True),
        ("*", "", True),
        ("a*", None, False),
        ("a*c", "abc", True),
        ("a*c", "ac", True),
        ("a*a", "a", False),
        ("*b*", "abc", True),
        ("*b*b*", "abc", False),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("A", "a", False),
        ("*a" * 50 + "b", "a" * 5_000, False),
    ],
)
def test_patterns_of_services(pattern: str, service: str | None, covers: bool) -> None:
    assert PermissionRule(roles=(), allow=(), services=(pattern,)).covers(service) is covers


@pytest.mark.parametrize(
    ("actor", "why"),
    [
        (who(), "velma has none of the roles that may do this"),
        (who(SUPPORT), "velma may not do this from this channel"),
        (who(SUPPORT, channels=("ops",)), "velma may not do this for that service"),
    ],
)
def test_a_refusal_says_why(actor: Actor, why: str) -> None:
    with pytest.raises(Forbidden, match=f"^{why}$"):
        authz.check(actor, Acknowledge(alert_id=1), rights=Permissions(RULES), services=("shop",))


def silence(text: str) -> StartSilence:
    return StartSilence(matchers=parse_matchers(text), ends_at_ms=1, reason="r")


@pytest.mark.parametrize(
    ("text", "services"),
    [
        ("service=api severity=error", ("api",)),
        ("severity=error", (None,)),
        ("service!=api", (None,)),
        ("service=~api", (None,)),
        ("service=api service=web", ("api", "web")),
    ],
)
def test_what_a_silence_concerns(text: str, services: tuple[str | None, ...]) -> None:
    assert authz.silenced_services(silence(text).matchers) == services


@pytest.mark.parametrize(
    ("command", "services", "may"),
    [
        (ReportOccurrence(service="api", message="m"), ("api",), True),
        (CreatePullRequest(alert_id=1), ("api",), True),
        (StartTail(spec=TailSpec(targets=("api",))), ("api",), True),
        (StartTail(spec=TailSpec(targets=("api",), grep="(a+)+$")), ("api",), False),
        (silence("service=api title=~(x+)+y"), ("api",), False),
        (silence('service=api title=~"dead\\\\ lock"'), ("api",), True),
        (Expire(before_ms=1), (), False),
        (ReportHealth(health=PartHealth(part="discord", state=PartState.OK)), (), False),
    ],
)
def test_what_discord_may_ask_for_at_all(command: AnyCommand, services: tuple[str | None, ...], may: bool) -> None:
    rights = permissions_of((), allowed_roles=())
    if may:
        authz.check(who(), command, rights=rights, services=services)
    else:
        with pytest.raises(Forbidden):
            authz.check(who(), command, rights=rights, services=services)


# ---------------------------------------------------------------------- in the core


ME = who(SUPPORT)
MAY = (
    PermissionRule(roles=(SUPPORT,), allow=(P.ACKNOWLEDGE, P.SILENCE, P.CREATE, P.TAIL), services=("api",)),
    PermissionRule(roles=(SUPPORT,), allow=(P.SILENCE,), channels=("ops",)),
)


@pytest.fixture
async def desk(config: Config) -> AsyncIterator[Core]:
    discord = msgspec.structs.replace(config.discord, permissions=MAY, allowed_roles=(ON_CALL,))
    services = {"api": ServiceConfig(name="api")}
    async with host(
        msgspec.structs.replace(config, discord=discord, services=services), ingest=False, background=False
    ) as running:
        for service in ("api", "web"):
            await running.execute(ReportOccurrence(service=service, message="boom"), SYSTEM)
            await running.execute(ReportOccurrence(service=service, message="bang", fingerprint="b"), SYSTEM)
        yield running


async def refusals(desk: Core) -> list[JournalEntry]:
    entries = [entry for entry, _ in await desk.reader.journal_after(0)]
    return [entry for entry in entries if entry.kind is EntryKind.COMMAND_REFUSED]


API, API_TOO, WEB = 1, 2, 3


@pytest.mark.parametrize(
    ("command", "alert_id"),
    [
        (Acknowledge(alert_id=WEB), WEB),
        (Comment(alert_id=WEB, text="hm"), WEB),
        (Undo(alert_id=WEB), WEB),
        (Merge(alert_id=API, into=WEB), API),
        (Merge(alert_id=WEB, into=API), WEB),
        (Split(alert_id=WEB), WEB),
        (silence("service=web"), None),
        (silence("severity>=info"), None),
        (ReportOccurrence(service="web", message="from a message"), None),
        (StartTail(spec=TailSpec(targets=("api", "/ecs/web"))), None),
    ],
    ids=lambda one: one.__struct_config__.tag if isinstance(one, Command) else "",
)
async def test_a_service_that_is_not_theirs(desk: Core, command: AnyCommand, alert_id: int | None) -> None:
    with pytest.raises(Forbidden, match="velma may not do this for that service"):
        await desk.execute(command, ME)
    (refused,) = await refusals(desk)
    assert (refused.alert_id, refused.actor) == (alert_id, ME)
    assert "velma may not do this for that service" in refused.text


async def test_their_own_service(desk: Core) -> None:
    assert (await desk.execute(Merge(alert_id=API_TOO, into=API), ME)).changed
    assert (await desk.execute(Acknowledge(alert_id=API), ME)).changed
    assert (await desk.execute(Undo(alert_id=API), ME)).changed
    made = await desk.execute(ReportOccurrence(service="api", message="from a message"), ME)
    assert made.created
    assert not await refusals(desk)


async def test_of_many_only_those_that_they_may(desk: Core) -> None:
    items = tuple(Acknowledge(alert_id=one) for one in (API, WEB, API_TOO))
    outcome = await desk.execute(Bulk(items=items), ME)
    assert [(one.changed, one.refused) for one in outcome.items] == [
        (True, ""),
        (False, "velma may not do this for that service"),
        (True, ""),
    ]
    assert [one.alert_id for one in await refusals(desk)] == [WEB]


async def test_a_silence_is_ended_by_who_might_have_started_it(desk: Core) -> None:
    now_ms = desk.clock.now_ms()
    of_all = msgspec.structs.replace(silence("severity>=info"), ends_at_ms=now_ms + 60_000)
    of_api = msgspec.structs.replace(silence("service=api"), ends_at_ms=now_ms + 60_000)
    everything = (await desk.execute(of_all, who(ON_CALL))).silence_id
    own = (await desk.execute(of_api, who(ON_CALL))).silence_id
    assert everything is not None
    assert own is not None
    with pytest.raises(Forbidden):
        await desk.execute(EndSilence(silence_id=everything), ME)
    assert (await desk.execute(EndSilence(silence_id=own), ME)).changed
    elsewhere = who(SUPPORT, channels=("ops",))
    assert (await desk.execute(EndSilence(silence_id=everything), elsewhere)).changed


async def test_an_unknown_alert_is_unknown_to_everybody(desk: Core) -> None:
    with pytest.raises(NotFound):
        await desk.execute(Acknowledge(alert_id=99), ME)


async def test_what_is_only_read_is_noted_by_the_bot(desk: Core) -> None:
    await desk.execute(NoteRefusal(what="/alert", reason="not yours", alert_id=WEB), ME)
    await desk.execute(NoteRefusal(what="/logs", reason="not yours", alert_id=77), ME)
    assert [(one.alert_id, one.text) for one in await refusals(desk)] == [
        (WEB, "refused: /alert: not yours"),
        (None, "refused: /logs: not yours"),
    ]
