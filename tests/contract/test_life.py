"""Snooze, assign, comment, undo, bulk, merge and split, through either transport."""

from __future__ import annotations

import getpass

import pytest

from jinkies.commands import (
    Acknowledge,
    Assign,
    Bulk,
    Comment,
    Merge,
    Reopen,
    ReportOccurrence,
    ReportRecovery,
    Resolve,
    Snooze,
    Split,
    Tick,
    Undo,
)
from jinkies.core import Core
from jinkies.errors import Conflict, Forbidden, Invalid, NotFound
from jinkies.model import SYSTEM, Actor, ActorKind, AlertRow, EntryKind, State
from jinkies.operator import Operator

SHELL = getpass.getuser()
VELMA = Actor(kind=ActorKind.DISCORD, id="1400000000000000001", name="velma")
HOUR_MS = 3_600_000


async def report(operator: Operator, fingerprint: str = "a", service: str = "api") -> int:
    outcome = await operator.execute(ReportOccurrence(service=service, message="boom", fingerprint=fingerprint))
    assert outcome.alert_id is not None
    return outcome.alert_id


async def row_of(operator: Operator, alert_id: int) -> AlertRow:
    return (await operator.alert(alert_id)).row


async def told(operator: Operator, alert_id: int) -> list[str]:
    return [entry.text for entry in (await operator.alert(alert_id)).timeline]


class Moment:
    """A clock that stands where it is put."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic_s(self) -> float:
        return self.at_ms / 1000

    async def sleep(self, delay_s: float) -> None:
        raise NotImplementedError


@pytest.fixture
def moment(core: Core) -> Moment:
    clock = Moment(core.clock.now_ms())
    core.clock = clock
    return clock


async def test_a_snooze_ends_at_its_time(core: Core, operator: Operator, moment: Moment) -> None:
    alert_id = await report(operator)
    outcome = await operator.execute(Snooze(alert_id=alert_id, until_ms=moment.at_ms + HOUR_MS, note="deploying"))
    assert outcome.reason.endswith(": deploying")
    assert (await operator.snapshot()).counts.snoozed == 1
    moment.at_ms += HOUR_MS - 1
    assert not (await core.execute(Tick(), SYSTEM)).changed
    moment.at_ms += 1
    assert (await core.execute(Tick(), SYSTEM)).changed
    row = await row_of(operator, alert_id)
    assert (row.state, row.snoozed_by, row.snoozed_until_ms) == (State.OPEN, None, None)
    assert (await operator.alert(alert_id)).timeline[-1].kind is EntryKind.ALERT_WOKE
    assert not (await core.execute(Tick(), SYSTEM)).changed


async def test_a_snooze_ends_after_so_many_more(operator: Operator) -> None:
    alert_id = await report(operator)
    await operator.execute(Snooze(alert_id=alert_id, occurrences=2))
    await report(operator)
    assert (await row_of(operator, alert_id)).state is State.SNOOZED
    await report(operator)
    row = await row_of(operator, alert_id)
    assert (row.state, row.count, row.snoozed_until_count) == (State.OPEN, 3, None)


async def test_who_snoozed_is_told_to_who_comes_later(operator: Operator) -> None:
    alert_id = await report(operator)
    seen_rev = (await row_of(operator, alert_id)).decision_rev
    await operator.execute(Snooze(alert_id=alert_id, occurrences=5), on_behalf_of=VELMA)
    with pytest.raises(Conflict, match="is snoozed by velma"):
        await operator.execute(Acknowledge(alert_id=alert_id, seen_rev=seen_rev))
    await operator.execute(Acknowledge(alert_id=alert_id))
    row = await row_of(operator, alert_id)
    assert (row.state, row.snoozed_by, row.snoozed_until_count) == (State.ACKNOWLEDGED, None, None)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "until_ms: a snooze ends at a time, or after more occurrences"),
        ({"until_ms": 1}, "until_ms: 1 is not within the next 90 d"),
        ({"until_ms": 2**62}, "is not within the next 90 d"),
        ({"occurrences": 0}, "occurrences: 0 is out of bounds; 1 to 1,000,000"),
        ({"occurrences": 1, "note": "x" * 1_001}, "note: 1,001 characters; at most 1,000"),
    ],
)
async def test_a_snooze_that_makes_no_sense_is_refused(operator: Operator, fields: dict[str, int], said: str) -> None:
    alert_id = await report(operator)
    with pytest.raises(Invalid, match=said):
        await operator.execute(Snooze(alert_id=alert_id, **fields))  # type: ignore[arg-type] # fields by name


async def test_what_is_resolved_is_not_snoozed(operator: Operator) -> None:
    alert_id = await report(operator)
    await operator.execute(Resolve(alert_id=alert_id))
    with pytest.raises(Conflict, match="there is nothing to snooze"):
        await operator.execute(Snooze(alert_id=alert_id, occurrences=1))


async def test_assigning_says_who_and_takes_back(operator: Operator) -> None:
    alert_id = await report(operator)
    await operator.execute(Assign(alert_id=alert_id, to=" ops  a "), on_behalf_of=VELMA)
    assert (await row_of(operator, alert_id)).assigned_to == "ops a"
    assert not (await operator.execute(Assign(alert_id=alert_id, to="ops a"))).changed
    await operator.execute(Assign(alert_id=alert_id, to=""))
    assert (await row_of(operator, alert_id)).assigned_to is None
    assert (await told(operator, alert_id))[1] == "assigned to ops a by velma"
    with pytest.raises(Invalid, match="to: 81 characters; at most 80"):
        await operator.execute(Assign(alert_id=alert_id, to="x" * 81))


async def test_a_comment_is_in_the_timeline_and_decides_nothing(operator: Operator) -> None:
    alert_id = await report(operator)
    before = await row_of(operator, alert_id)
    await operator.execute(Comment(alert_id=alert_id, text=" looks like the cart \n"), on_behalf_of=VELMA)
    row = await row_of(operator, alert_id)
    assert (row.comments, row.decision_rev, row.revision) == (1, before.decision_rev, before.revision + 1)
    assert (await told(operator, alert_id))[-1] == "velma: looks like the cart"
    for text in (" ", "x" * 4_001):
        with pytest.raises(Invalid, match="text:"):
            await operator.execute(Comment(alert_id=alert_id, text=text))


@pytest.mark.parametrize(
    "decision",
    [
        lambda alert_id: Acknowledge(alert_id=alert_id),
        lambda alert_id: Resolve(alert_id=alert_id),
        lambda alert_id: Snooze(alert_id=alert_id, occurrences=9),
        lambda alert_id: Assign(alert_id=alert_id, to="ops-a"),
    ],
)
async def test_a_decision_is_undone_within_its_time(operator: Operator, moment: Moment, decision: object) -> None:
    alert_id = await report(operator)
    before = await row_of(operator, alert_id)
    await operator.execute(decision(alert_id))  # type: ignore[operator] # one of the lambdas above
    moment.at_ms += 30_000
    await operator.execute(Undo(alert_id=alert_id))
    after = await row_of(operator, alert_id)
    assert after.decision_rev == before.decision_rev + 2
    for field in ("state", "acknowledged_by", "resolved_by", "snoozed_by", "snoozed_until_count", "assigned_to"):
        assert getattr(after, field) == getattr(before, field)
    with pytest.raises(Conflict, match="nothing to undo"):
        await operator.execute(Undo(alert_id=alert_id))


async def test_a_decision_is_not_undone_later_or_by_others(operator: Operator, moment: Moment) -> None:
    alert_id = await report(operator)
    await operator.execute(Acknowledge(alert_id=alert_id), on_behalf_of=VELMA)
    with pytest.raises(Conflict, match="by velma: only they can undo it"):
        await operator.execute(Undo(alert_id=alert_id))
    moment.at_ms += 30_001
    with pytest.raises(Conflict, match="more than 30 s ago"):
        await operator.execute(Undo(alert_id=alert_id), on_behalf_of=VELMA)


async def test_what_came_back_since_is_not_undone(operator: Operator, moment: Moment) -> None:
    alert_id = await report(operator)
    await operator.execute(Resolve(alert_id=alert_id))
    moment.at_ms += 1
    await report(operator)
    with pytest.raises(Conflict, match="nothing to undo"):
        await operator.execute(Undo(alert_id=alert_id))


async def test_many_are_decided_at_once_each_by_itself(operator: Operator) -> None:
    first, second = await report(operator, "a"), await report(operator, "b")
    await operator.execute(Resolve(alert_id=second))
    outcome = await operator.execute(
        Bulk(items=(Acknowledge(alert_id=first), Acknowledge(alert_id=second), Resolve(alert_id=999)))
    )
    done, refused, unknown = outcome.items
    assert done.changed
    assert (refused.changed, refused.refused) == (False, f"#{second} is resolved by {SHELL}; reopen it first")
    assert unknown.refused == "there is no alert #999"
    assert outcome.reason == "1 of 3 changed, 2 refused"
    assert (await told(operator, second))[-1].startswith("refused: ")
    for items in ((), (Acknowledge(alert_id=first),) * 501):
        with pytest.raises(Invalid, match="1 to 500"):
            await operator.execute(Bulk(items=items))


async def test_many_are_taken_back_at_once(operator: Operator) -> None:
    first, second = await report(operator, "a"), await report(operator, "b")
    await operator.execute(Bulk(items=(Acknowledge(alert_id=first), Resolve(alert_id=second))))
    undone = await operator.execute(Bulk(items=(Undo(alert_id=first), Undo(alert_id=second), Undo(alert_id=first))))
    assert [item.changed for item in undone.items] == [True, True, False]
    assert undone.items[-1].refused == f"there is nothing to undo on #{first}"
    assert {(await row_of(operator, one)).state for one in (first, second)} == {State.OPEN}


async def test_an_alert_names_the_newest_of_its_parts(operator: Operator) -> None:
    into = await report(operator, "into")
    parts = [await report(operator, f"part {number}") for number in range(202)]
    for part in parts:
        await operator.execute(Merge(alert_id=part, into=into))
    row = await row_of(operator, into)
    assert row.parts == tuple(parts[-200:])
    assert row.count == 203
    await operator.execute(Split(alert_id=parts[0]))
    assert (await row_of(operator, into)).count == 202


async def test_merged_alerts_count_together_and_are_split_again(operator: Operator) -> None:
    one, other = await report(operator, "a"), await report(operator, "b")
    await report(operator, "b")
    await operator.execute(Merge(alert_id=other, into=one))
    assert (await row_of(operator, one)).count == 3
    assert (await row_of(operator, other)).merged_into == one
    assert (await row_of(operator, one)).parts == (other,)
    assert await report(operator, "b") == one, "what comes for the merged one is counted by the other"
    assert (await row_of(operator, one)).count == 4
    assert (await row_of(operator, other)).state is State.RESOLVED
    assert not (await operator.execute(ReportRecovery(service="api", fingerprint="b"))).changed, (
        "a part is not the whole"
    )
    with pytest.raises(Conflict, match=f"#{other} is part of #{one}"):
        await operator.execute(Reopen(alert_id=other))
    await operator.execute(Split(alert_id=other))
    first, second = await row_of(operator, one), await row_of(operator, other)
    assert (first.count, second.count, second.state, second.merged_into) == (2, 2, State.OPEN, None)
    assert first.parts == ()
    assert await report(operator, "b") == other
    assert await report(operator, "a") == one
    assert (await operator.alert(one)).latest.message == "boom"
    assert not (await operator.execute(Split(alert_id=other))).changed


async def test_a_chain_of_merges_ends_where_it_ends(operator: Operator) -> None:
    first, second, third = [await report(operator, name) for name in "abc"]
    await operator.execute(Merge(alert_id=third, into=second))
    await operator.execute(Merge(alert_id=second, into=first))
    assert await report(operator, "c") == first
    with pytest.raises(Conflict, match="merge into that one"):
        await operator.execute(Merge(alert_id=first, into=third))


async def test_what_cannot_be_merged_is_refused(operator: Operator) -> None:
    one, other = await report(operator, "a"), await report(operator, "a", service="worker")
    with pytest.raises(Invalid, match="can't be merged into itself"):
        await operator.execute(Merge(alert_id=one, into=one))
    with pytest.raises(Conflict, match="that is not one thing"):
        await operator.execute(Merge(alert_id=one, into=other))
    with pytest.raises(NotFound, match="#999"):
        await operator.execute(Merge(alert_id=one, into=999))


async def test_time_is_the_cores_own(operator: Operator) -> None:
    with pytest.raises(Forbidden, match="tick is for the core itself"):
        await operator.execute(Tick())


async def test_heat_rises_with_rate_and_cools(operator: Operator, moment: Moment) -> None:
    alert_id = await report(operator)
    for _ in range(9):
        await report(operator)
    assert (await row_of(operator, alert_id)).heat == pytest.approx(10)
    moment.at_ms += 600_000
    await report(operator)
    assert (await row_of(operator, alert_id)).heat == pytest.approx(6)
