"""Storms: so many new cards a minute, and one digest that stands for the rest, exactly."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from jinkies import cards
from jinkies.commands import Acknowledge, CatchUp, Comment, ReportOccurrence, Resolve, ShowCard, TakeLease
from jinkies.config import Config
from jinkies.errors import Conflict, Invalid
from jinkies.events import JournalEntry, Position
from jinkies.model import Delivery, DeliveryState, Digest, Severity, What
from jinkies.storms import Storm, admit, joined
from tests.telling import BOSS, CHANNEL_ID, MINUTE_MS, ROLE, Scene, route, scene, with_routes


async def told(desk: Scene) -> dict[DeliveryState, int]:
    """Every card by its state."""
    counts: dict[DeliveryState, int] = {}
    newest = (await desk.operator.snapshot()).counts.unresolved
    for alert_id in range(1, newest + 1):
        for card in await desk.deliveries(What.CARD, alert_id):
            counts[card.state] = counts.get(card.state, 0) + 1
    return counts


async def digests(desk: Scene) -> list[Digest]:
    return [one.digest for one in await desk.deliveries(What.DIGEST) if one.digest is not None]


async def test_what_goes_over_is_one_digest_whose_count_is_exact(config: Config) -> None:
    async with scene(with_routes(config, new_cards=10)) as desk:
        reports = [
            desk.operator.execute(
                ReportOccurrence(service="api" if number % 3 else "worker", message="boom", fingerprint=f"{number}")
            )
            for number in range(500)
        ]
        await asyncio.gather(*reports)
        assert await told(desk) == {DeliveryState.PENDING: 10, DeliveryState.DIGESTED: 490}
        [digest] = await digests(desk)
        assert digest.count == sum(digest.services.values()) == 490
        assert set(digest.services) == {"api", "worker"}
        assert len({one.alert_id for one in digest.worst}) == len(digest.worst) == 8


async def test_repeats_of_a_few_are_no_storm(config: Config) -> None:
    async with scene(with_routes(config)) as desk:
        for round_ in range(20):
            reports = [desk.report(f"{number}") for number in range(20)]
            await asyncio.gather(*reports)
            desk.moment.at_ms += round_
        assert await told(desk) == {DeliveryState.PENDING: 20}
        assert await digests(desk) == []


async def state(desk: Scene, alert_id: int) -> DeliveryState:
    [card] = await desk.deliveries(What.CARD, alert_id)
    return card.state


async def test_a_digested_alert_gets_a_card_at_its_next_change(config: Config) -> None:
    async with scene(with_routes(config, new_cards=1)) as desk:
        await desk.report("first")
        ids = [await desk.report(name) for name in ("a", "b", "c")]
        desk.moment.at_ms += MINUTE_MS
        await desk.operator.execute(Acknowledge(alert_id=ids[0]))
        assert await state(desk, ids[0]) is DeliveryState.PENDING
        await desk.operator.execute(Resolve(alert_id=ids[1]))
        assert await state(desk, ids[1]) is DeliveryState.DIGESTED, "there was one within this minute, and it is over"
        desk.moment.at_ms += MINUTE_MS
        await desk.report("b")
        assert await state(desk, ids[1]) is DeliveryState.PENDING, "it came back"
        [digest] = await digests(desk)
        assert digest.count == 3, "the digest stands for what it stood for"


async def test_what_only_counts_on_waits_for_the_end_of_the_storm_and_for_room(config: Config) -> None:
    async with scene(with_routes(config, new_cards=1)) as desk:
        await desk.report("first")
        a, b = [await desk.report(name) for name in ("a", "b")]
        for name in ("a", "b"):
            await desk.report(name)
        await desk.operator.execute(Comment(alert_id=a, text="a comment decides nothing"))
        assert await told(desk) == {DeliveryState.PENDING: 1, DeliveryState.DIGESTED: 2}
        desk.moment.at_ms += MINUTE_MS
        await desk.report("a")
        await desk.report("b")
        assert await state(desk, a) is DeliveryState.PENDING
        assert await state(desk, b) is DeliveryState.DIGESTED, "no room, and no digest of its own for a repeat"
        [digest] = await digests(desk)
        assert digest.count == 2


async def test_somebody_who_asks_gets_a_card_whatever_the_bound(config: Config) -> None:
    async with scene(with_routes(config, new_cards=1)) as desk:
        first = await desk.report("first")
        ids = [await desk.report(name) for name in ("a", "b")]
        outcome = await desk.operator.execute(ShowCard(alert_id=ids[0]))
        assert outcome.changed
        assert [await state(desk, one) for one in ids] == [DeliveryState.PENDING, DeliveryState.DIGESTED]
        assert not (await desk.operator.execute(ShowCard(alert_id=first))).changed
        assert not (await desk.operator.execute(ShowCard(alert_id=ids[0]))).changed


async def missed_by(desk: Scene) -> CatchUp:
    """What a board says that finds a channel again, after so long."""
    await desk.operator.execute(TakeLease(name="board", holder="test", ttl_s=300))
    waiting = [one for one in (await desk.operator.snapshot()).deliveries if not one.in_step]
    keys = tuple((one.alert_id, one.kind) for one in waiting)
    return CatchUp(channel_id=CHANNEL_ID, holder="test", missed=keys)


async def test_what_was_missed_becomes_one_digest_that_calls_whom_it_should(config: Config) -> None:
    async with scene(with_routes(config, route(mention=(ROLE,)), new_cards=5)) as desk:
        ids = []
        for number in range(12):  # five cards, a digest of seven, and calls
            ids.append(await desk.report(f"{number}"))
            desk.moment.at_ms += 1_000
        seconds = 11
        for one in ids[1:]:
            await desk.operator.execute(Acknowledge(alert_id=one))
        outcome = await desk.operator.execute(await missed_by(desk))
        assert outcome.changed
        [digest] = [one for one in (await desk.operator.snapshot()).deliveries if not one.in_step]
        assert (digest.kind, digest.mentions, digest.what) == ("digest-2", (ROLE,), What.DIGEST)
        assert digest.digest is not None
        assert digest.digest.count == 12
        assert digest.digest.until_ms - digest.digest.since_ms == seconds * 1_000
        assert cards.digest_title(digest.digest) == "12 alerts in 11 s while Discord could not be reached"
        assert {one.told_in for each in ids for one in await desk.deliveries(What.CARD, each)} <= {
            "digest-1",
            "digest-2",
        }
        [folded] = [one for one in await desk.deliveries(What.DIGEST, ids[5]) if one.kind == "digest-1"]
        assert (folded.state, folded.told_in) == (DeliveryState.DIGESTED, "digest-2")
        assert not (
            await desk.operator.execute(CatchUp(channel_id=CHANNEL_ID, holder="test", missed=((1, "card"),)))
        ).changed, "it was told"


async def test_calls_alone_that_were_missed_are_one_digest_too(config: Config) -> None:
    async with scene(with_routes(config, route(mention=(ROLE,)), new_cards=0)) as desk:
        ids = [await desk.report(name) for name in ("a", "b", "c")]
        await desk.posted()
        for one in ids[1:]:
            await desk.operator.execute(Resolve(alert_id=one))
        desk.moment.at_ms += 1_000
        for name in ("b", "c"):
            await desk.report(name)
        command = await missed_by(desk)
        calls = tuple(one for one in command.missed if one[1].startswith("call"))
        command = msgspec.structs.replace(command, missed=calls)
        assert len(calls) == 2
        assert (await desk.operator.execute(command)).changed
        [digest] = await digests(desk)
        assert (digest.count, digest.mentions) == (2, (ROLE,))


async def test_a_storm_does_not_join_what_was_missed_once_that_was_shown(config: Config) -> None:
    async with scene(with_routes(config, new_cards=1)) as desk:
        for number in range(3):
            await desk.report(f"{number}")
        await desk.operator.execute(await missed_by(desk))
        await desk.report("joins what nobody has seen yet")
        assert [one.count for one in await digests(desk)] == [4, 2]
        await desk.posted()
        await desk.report("too fast")
        assert [one.count for one in await digests(desk)] == [4, 2, 1]


async def test_only_who_holds_the_lease_says_what_was_missed(config: Config) -> None:
    async with scene(with_routes(config)) as desk:
        await desk.report("a")
        command = await missed_by(desk)
        with pytest.raises(Conflict):
            await desk.operator.execute(msgspec.structs.replace(command, holder="another"))
        with pytest.raises(Invalid):
            await desk.operator.execute(msgspec.structs.replace(command, missed=()))
        await desk.posted()
        assert not (await desk.operator.execute(command)).changed, "it was posted meanwhile"


async def test_a_storm_that_is_over_is_closed_and_the_next_is_another(config: Config) -> None:
    config = with_routes(config, new_cards=2)
    async with scene(config) as desk:
        for number in range(5):
            await desk.report(f"{number}")
            desk.moment.at_ms += 1_000
        ended_ms = desk.moment.at_ms
    async with scene(config, ended_ms + MINUTE_MS) as desk:  # and a restart between them
        for number in range(5, 9):
            await desk.report(f"{number}")
        first, second = await desk.deliveries(What.DIGEST)
    assert (first.kind, second.kind) == ("digest-1", "digest-2")
    assert first.digest is not None
    assert second.digest is not None
    assert (first.digest.count, second.digest.count) == (3, 2)
    assert cards.digest_title(first.digest) == "3 more alerts in 2 s"


async def test_a_long_storm_goes_on_in_another_digest(config: Config) -> None:
    async with scene(with_routes(config, new_cards=1)) as desk:
        for number in range(4 * 70):
            await desk.report(f"{number}")
            desk.moment.at_ms += MINUTE_MS // 4
        first, second = await digests(desk)
    assert first.count == 3 * 60
    assert first.count + second.count == 3 * 70
    assert first.until_ms - first.since_ms < 60 * MINUTE_MS


async def test_whom_an_alert_calls_is_called_once_a_digest(config: Config) -> None:
    routes = (route("title=boss", mention=(BOSS,)), route("service=api", mention=(ROLE,)))
    async with scene(with_routes(config, *routes, new_cards=1)) as desk:
        await desk.report("quiet", service="worker")
        ids = [await desk.report(name) for name in ("a", "b", "boss", "c")]
        found = [(one.alert_id, one.mentions) for each in ids for one in await desk.deliveries(What.CALL, each)]
        [digest] = await digests(desk)
    assert found == [(ids[0], (ROLE,)), (ids[2], (BOSS,))]
    assert digest.mentions == (ROLE, BOSS)


async def test_followers_of_the_journal_know_the_same_as_a_snapshot(config: Config) -> None:
    async with scene(with_routes(config, route(mention=(ROLE,)), new_cards=3)) as desk:
        position = Position(desk.core.epoch, 0)
        names = [f"{number % 12}" for number in range(40)]
        await asyncio.gather(*(desk.report(name) for name in names))
        snapshot = await desk.operator.snapshot()
        held: dict[tuple[int, str, str], Delivery] = {}
        async with desk.operator.subscribe(position) as updates:
            async for update in updates:
                if isinstance(update, JournalEntry):
                    held |= {(one.alert_id, one.channel_id, one.kind): one for one in update.deliveries}
                    if update.seq == snapshot.position.seq:
                        break
    wanted = {(one.alert_id, one.channel_id, one.kind): one for one in snapshot.deliveries}
    assert wanted == held


async def test_no_bound_is_no_storm(config: Config) -> None:
    async with scene(with_routes(config, new_cards=0)) as desk:
        await asyncio.gather(*(desk.report(f"{number}") for number in range(100)))
        assert await told(desk) == {DeliveryState.PENDING: 100}


def test_within_any_minute_there_are_no_more_than_the_bound() -> None:
    storm, admitted = Storm(channel_id=CHANNEL_ID), []
    for at_ms in range(0, 5 * MINUTE_MS, 997):
        more = admit(storm, 7, at_ms)
        if more is not None:
            storm = more
            admitted.append(at_ms)
    for at_ms in admitted:
        assert sum(at_ms <= other < at_ms + MINUTE_MS for other in admitted) <= 7
    assert len(admitted) == 5 * 7


async def test_the_worst_are_named_first_and_services_are_bounded(config: Config) -> None:
    async with scene(with_routes(config)) as desk:
        row = (await desk.operator.alert(await desk.report("x" * 300))).row
    digest: Digest | None = None
    for number in range(1, 101):
        severity = Severity.CRITICAL if number == 60 else Severity.WARNING
        one = msgspec.structs.replace(row, alert_id=number, severity=severity, service=f"service-{number % 50}")
        digest = joined(digest, one, number)
    assert digest is not None
    assert [line.alert_id for line in digest.worst[:3]] == [60, 1, 2]
    assert sum(digest.services.values()) == digest.count == 100
    assert cards.digest_services(digest).endswith("others 60")
