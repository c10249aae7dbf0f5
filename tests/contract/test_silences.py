"""Silences and maintenance windows, through either transport."""

from __future__ import annotations

import pytest

from jinkies.commands import EndSilence, ReportOccurrence, Resolve, StartSilence, Tick
from jinkies.core import Core
from jinkies.errors import Conflict, Forbidden, Invalid, NotFound
from jinkies.matching import Matcher, Op, parse_matchers
from jinkies.model import SYSTEM, Actor, ActorKind, EntryKind
from jinkies.operator import Operator
from tests.contract.test_life import HOUR_MS, Moment
from tests.waiting import replica_of

VELMA = Actor(kind=ActorKind.DISCORD, id="1400000000000000001", name="velma")


@pytest.fixture
def moment(core: Core) -> Moment:
    clock = Moment(core.clock.now_ms())
    core.clock = clock
    return clock


async def report(operator: Operator, service: str = "api", fingerprint: str = "a", **tags: str) -> int:
    command = ReportOccurrence(service=service, message="boom", fingerprint=fingerprint, tags=tags)
    outcome = await operator.execute(command)
    assert outcome.alert_id is not None
    return outcome.alert_id


async def silence(operator: Operator, text: str, moment: Moment, **more: int) -> int:
    command = StartSilence(matchers=parse_matchers(text), ends_at_ms=moment.at_ms + HOUR_MS, reason="deploying", **more)
    outcome = await operator.execute(command)
    assert outcome.silence_id is not None
    return outcome.silence_id


async def wanted(operator: Operator) -> set[int]:
    return {delivery.alert_id for delivery in (await operator.snapshot()).deliveries}


async def test_what_is_silenced_is_counted_and_not_told(core: Core, operator: Operator, moment: Moment) -> None:
    silence_id = await silence(operator, "service=api tag:region=eu", moment)
    held, told = await report(operator, region="eu"), await report(operator, fingerprint="b", region="us")
    assert await wanted(operator) == {told}
    row = (await operator.alert(held)).row
    assert (row.silenced_by, row.silenced_until_ms) == (silence_id, moment.at_ms + HOUR_MS)
    assert (await operator.snapshot()).counts.open == 2
    moment.at_ms += HOUR_MS
    assert (await core.execute(Tick(), SYSTEM)).changed
    assert await wanted(operator) == {held, told}
    detail = await operator.alert(held)
    assert detail.row.silenced_by is None
    assert detail.timeline[-1].kind is EntryKind.ALERT_UNSILENCED
    assert not (await core.execute(Tick(), SYSTEM)).changed


async def test_a_silence_that_is_ended_lets_its_alerts_be_told(core: Core, operator: Operator, moment: Moment) -> None:
    silence_id = await silence(operator, "service=api", moment)
    held = await report(operator)
    moment.at_ms += 1
    await operator.execute(EndSilence(silence_id=silence_id))
    assert (await operator.snapshot()).silences == ()
    assert (await core.execute(Tick(), SYSTEM)).changed
    assert await wanted(operator) == {held}
    with pytest.raises(NotFound, match=f"no silence {silence_id} runs"):
        await operator.execute(EndSilence(silence_id=silence_id))


async def test_what_was_resolved_meanwhile_is_not_told(core: Core, operator: Operator, moment: Moment) -> None:
    await silence(operator, "service=api", moment)
    held = await report(operator)
    await operator.execute(Resolve(alert_id=held))
    moment.at_ms += HOUR_MS
    await core.execute(Tick(), SYSTEM)
    assert await wanted(operator) == set()


async def test_a_card_that_is_there_is_kept_up_to_date(operator: Operator, moment: Moment) -> None:
    told = await report(operator)
    await silence(operator, "service=api", moment)
    await report(operator)
    [delivery] = (await operator.snapshot()).deliveries
    assert (delivery.alert_id, delivery.wanted_revision) == (told, 2)


async def test_a_maintenance_window_begins_later(operator: Operator, moment: Moment) -> None:
    await silence(operator, "service=api", moment, starts_at_ms=moment.at_ms + HOUR_MS // 2)
    before = await report(operator)
    moment.at_ms += HOUR_MS // 2
    during = await report(operator, fingerprint="b")
    assert await wanted(operator) == {before}
    assert (await operator.alert(during)).row.silenced_by is not None


async def test_every_follower_sees_a_silence_come_and_go(operator: Operator, moment: Moment) -> None:
    first = await silence(operator, "service=a", moment)
    async with replica_of(operator) as replica:
        assert list(replica.silences) == [first]
        version = replica.version
        second = await silence(operator, "service=b", moment)
        while second not in replica.silences:
            version = await replica.changed(version)
        moment.at_ms += 1
        await operator.execute(EndSilence(silence_id=first))
        while replica.silences[first].ended_by is None:
            version = await replica.changed(version)


async def test_the_numbers_of_silences_are_never_used_again(operator: Operator, moment: Moment) -> None:
    numbers = []
    for _ in range(3):
        numbers.append(await silence(operator, "service=a", moment))
        moment.at_ms += 2 * HOUR_MS
    assert numbers == [1, 2, 3]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"reason": " "}, "reason: say why"),
        ({"reason": "x" * 501}, "reason: 501 characters; at most 500"),
        ({"ends_at_ms": 0}, "ends_at_ms: a silence ends after it starts, within 90 d"),
        ({"ends_at_ms": 2**60}, "ends_at_ms:"),
        ({"starts_at_ms": 2**60, "ends_at_ms": 2**60 + 1}, "starts_at_ms: more than 90 d ahead"),
        ({"matchers": ()}, "matchers: 0 of them"),
    ],
)
async def test_a_silence_that_makes_no_sense_is_refused(
    operator: Operator, moment: Moment, fields: dict[str, object], said: str
) -> None:
    given = {"matchers": parse_matchers("service=api"), "ends_at_ms": moment.at_ms + 1, "reason": "deploying"} | fields
    with pytest.raises(Invalid, match=said):
        await operator.execute(StartSilence(**given))  # type: ignore[arg-type] # fields by name


async def test_two_hundred_silences_are_enough(operator: Operator, moment: Moment) -> None:
    for _ in range(200):
        await silence(operator, "service=a", moment)
    with pytest.raises(Conflict, match="200 silences run or are to come already"):
        await silence(operator, "service=a", moment)


async def test_patterns_from_discord_are_refused(operator: Operator, moment: Moment) -> None:
    for text, refused in (("title=~(a+)+", True), ("title!~a|b", True), ("title=~a", False), ("title=a", False)):
        command = StartSilence(matchers=parse_matchers(text), ends_at_ms=moment.at_ms + 1, reason="deploying")
        if refused:
            with pytest.raises(Forbidden, match="regular expressions"):
                await operator.execute(command, on_behalf_of=VELMA)
        else:
            await operator.execute(command, on_behalf_of=VELMA)


async def test_a_preview_shows_what_would_have_been_caught(operator: Operator) -> None:
    first, second = await report(operator, region="eu"), await report(operator, fingerprint="b", region="us")
    assert [row.alert_id for row in await operator.matching(parse_matchers("tag:region=eu"))] == [first]
    assert {row.alert_id for row in await operator.matching(parse_matchers("service=api"))} == {first, second}
    with pytest.raises(Invalid, match="no field 'x'"):
        await operator.matching((Matcher(field="x", op=Op.IS, value="a"),))
