"""Who is called when, by what the core decides: mentions of routes, and escalation."""

from __future__ import annotations

import pytest

from jinkies.commands import Acknowledge, AnyCommand, EndSilence, Reopen, Resolve, Snooze, StartSilence
from jinkies.config import Config
from jinkies.matching import parse_matchers
from jinkies.model import DeliveryState, EntryKind, State, What
from tests.telling import BOSS, MINUTE_MS, ROLE, Scene, route, scene, with_routes

CALLING = {"mention": (ROLE, "here")}
ESCALATING = {"escalate_after_minutes": 15, "escalate_to": (BOSS,)}


async def calls(desk: Scene, alert_id: int) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.kind, one.mentions) for one in await desk.deliveries(What.CALL, alert_id)]


async def test_a_card_carries_the_mentions_of_its_route(config: Config) -> None:
    async with scene(with_routes(config, route(**CALLING))) as desk:
        named = await desk.report("a")
        other = await desk.report("b", service="worker")
        [card] = await desk.deliveries(What.CARD, named)
        [plain] = await desk.deliveries(What.CARD, other)
        assert card.mentions == (ROLE, "here")
        assert plain.mentions == ()
        assert await calls(desk, named) == []


async def test_what_comes_back_calls_again_once(config: Config) -> None:
    async with scene(with_routes(config, route(**CALLING))) as desk:
        alert_id = await desk.report("a")
        await desk.posted()
        await desk.operator.execute(Resolve(alert_id=alert_id))
        desk.moment.at_ms += 1
        for _ in range(3):
            await desk.report("a")
        assert await calls(desk, alert_id) == [("call-3", (ROLE, "here"))]
        await desk.operator.execute(Snooze(alert_id=alert_id, until_ms=desk.moment.at_ms + MINUTE_MS))
        await desk.tick(MINUTE_MS)
        assert await calls(desk, alert_id) == [("call-3", (ROLE, "here")), ("call-5", (ROLE, "here"))]
        await desk.operator.execute(Acknowledge(alert_id=alert_id))
        await desk.operator.execute(Reopen(alert_id=alert_id))
        assert len(await calls(desk, alert_id)) == 2, "nothing came back"


async def test_what_comes_back_before_its_card_is_posted_is_told_by_the_card(config: Config) -> None:
    async with scene(with_routes(config, route(**CALLING))) as desk:
        alert_id = await desk.report("a")
        await desk.operator.execute(Resolve(alert_id=alert_id))
        desk.moment.at_ms += 1
        await desk.report("a")
        assert await calls(desk, alert_id) == []
        assert (await desk.deliveries(What.CARD, alert_id))[0].mentions == (ROLE, "here")


async def test_without_mentions_nobody_is_called(config: Config) -> None:
    async with scene(with_routes(config, route())) as desk:
        alert_id = await desk.report("a")
        await desk.posted()
        await desk.operator.execute(Resolve(alert_id=alert_id))
        desk.moment.at_ms += 1
        await desk.report("a")
        assert await calls(desk, alert_id) == []


@pytest.mark.parametrize("resolved", [False, True])
async def test_a_silenced_alert_calls_when_its_silence_ends_if_it_is_open_still(config: Config, resolved: bool) -> None:
    async with scene(with_routes(config, route(**CALLING, **ESCALATING))) as desk:
        alert_id = await desk.report("a")
        await desk.posted()
        await desk.operator.execute(Resolve(alert_id=alert_id))
        silence = StartSilence(
            matchers=parse_matchers("service=api"), ends_at_ms=desk.moment.at_ms + 120 * MINUTE_MS, reason="works"
        )
        silence_id = (await desk.operator.execute(silence)).silence_id or 0
        desk.moment.at_ms += 1
        await desk.report("a")
        await desk.tick(60 * MINUTE_MS)
        assert await calls(desk, alert_id) == [], "neither called nor escalated"
        if resolved:
            await desk.operator.execute(Resolve(alert_id=alert_id))
        await desk.operator.execute(EndSilence(silence_id=silence_id))
        await desk.tick()
        assert await calls(desk, alert_id) == ([] if resolved else [("call-3", (ROLE, "here"))])
        await desk.tick(15 * MINUTE_MS)
        assert len(await calls(desk, alert_id)) == (0 if resolved else 2), "it waits for somebody since then"


async def test_nobody_acted_in_time(config: Config) -> None:
    """To the millisecond, once, and across a restart."""
    config = with_routes(config, route(**ESCALATING))
    async with scene(config) as desk:
        alert_id = await desk.report("a")
        await desk.posted()
        began_ms = desk.moment.at_ms
        await desk.tick(14 * MINUTE_MS)
        assert await desk.core.reader.next_due_at_ms() == began_ms + 15 * MINUTE_MS
    async with scene(config, began_ms + 15 * MINUTE_MS - 1) as desk:
        assert not await desk.tick()
        assert await calls(desk, alert_id) == []
        assert await desk.tick(1)
        assert await calls(desk, alert_id) == [("escalation-1", (BOSS,))]
        before = (await desk.operator.alert(alert_id)).row
        assert before.decision_rev == 1, "whoever acknowledges just now is not refused"
        for _ in range(3):
            assert not await desk.tick(30 * MINUTE_MS)
        detail = await desk.operator.alert(alert_id)
    told = [entry for entry in detail.timeline if entry.kind is EntryKind.ALERT_ESCALATED]
    assert [entry.text for entry in told] == ["escalated: nobody acknowledged it in 15 min"]
    assert [one.text for one in detail.deliveries if one.what is What.CALL] == [told[0].text]


@pytest.mark.parametrize("decision", ["acknowledge", "snooze", "resolve"])
async def test_whoever_acts_in_time_is_enough(config: Config, decision: str) -> None:
    async with scene(with_routes(config, route(**ESCALATING))) as desk:
        alert_id = await desk.report("a")
        desk.moment.at_ms += 14 * MINUTE_MS
        commands: dict[str, AnyCommand] = {
            "acknowledge": Acknowledge(alert_id=alert_id),
            "snooze": Snooze(alert_id=alert_id, until_ms=desk.moment.at_ms + 600 * MINUTE_MS),
            "resolve": Resolve(alert_id=alert_id),
        }
        await desk.operator.execute(commands[decision])
        await desk.tick(60 * MINUTE_MS)
        assert await calls(desk, alert_id) == []


async def test_who_takes_an_acknowledgement_back_starts_the_time_again(config: Config) -> None:
    async with scene(with_routes(config, route(**ESCALATING))) as desk:
        alert_id = await desk.report("a")
        await desk.operator.execute(Acknowledge(alert_id=alert_id))
        desk.moment.at_ms += 60 * MINUTE_MS
        await desk.operator.execute(Reopen(alert_id=alert_id))
        assert not await desk.tick(15 * MINUTE_MS - 1)
        assert await desk.tick(1)
        assert [kind for kind, _ in await calls(desk, alert_id)] == ["escalation-3"]


async def test_what_comes_back_escalates_again(config: Config) -> None:
    async with scene(with_routes(config, route(**ESCALATING))) as desk:
        alert_id = await desk.report("a")
        await desk.tick(15 * MINUTE_MS)
        await desk.operator.execute(Resolve(alert_id=alert_id))
        desk.moment.at_ms += 1
        await desk.report("a")
        await desk.tick(15 * MINUTE_MS)
        assert [kind for kind, _ in await calls(desk, alert_id)] == ["escalation-1", "escalation-3"]
        assert (await desk.operator.alert(alert_id)).row.state is State.OPEN


async def test_a_flood_of_calls_pings_the_same_people_so_often_a_minute(config: Config) -> None:
    """Three a minute; who was in none of them is called all the same."""
    routes = (route("title=boss", mention=(BOSS,)), route(**CALLING))
    async with scene(with_routes(config, *routes, new_cards=3)) as desk:
        ids = []
        for name in ("a", "b", "c", "d", "boss"):
            ids.append(await desk.report(name))
            await desk.posted()
            desk.moment.at_ms += MINUTE_MS
        for alert_id in ids:
            await desk.operator.execute(Resolve(alert_id=alert_id))
        desk.moment.at_ms += 1
        for name in ("a", "b", "c", "d", "boss"):
            await desk.report(name)
        found = [call for alert_id in ids for call in await desk.deliveries(What.CALL, alert_id)]
        states = [(one.state, one.mentions) for one in found]
    pings = (ROLE, "here")
    assert states == [(DeliveryState.PENDING, pings)] * 3 + [
        (DeliveryState.DIGESTED, ()),
        (DeliveryState.PENDING, (BOSS,)),
    ]
