"""What stays and what goes: occurrences thinned out, the journal compacted, the file no larger than it has to be."""

from __future__ import annotations

import asyncio
import itertools
import math

import pytest

from jinkies.commands import Acknowledge, Expire, Outcome, ReportOccurrence, Resolve
from jinkies.core import Core
from jinkies.errors import ResyncNeeded
from jinkies.events import Position
from jinkies.model import SYSTEM, EntryKind
from jinkies.store import keeping
from jinkies.store.keeping import NEWEST, TOGETHER, compactable, dropped


async def report(core: Core, fingerprint: str, message: str = "m") -> Outcome:
    return await core.execute(ReportOccurrence(service="api", message=message, fingerprint=fingerprint), SYSTEM)


async def compact(core: Core) -> None:
    step = Expire(before_ms=0, compact_before_ms=core.clock.now_ms() + 1)
    while (await core.execute(step, SYSTEM)).changed:
        pass


@pytest.mark.parametrize("total", [1, 21, 22, 400, 5_000, 40_000])
def test_of_many_occurrences_few_stay_ever_fewer_of_the_older_ones(total: int) -> None:
    kept: set[int] = set()
    for ordinal in range(1, total + 1):
        kept = (kept | {ordinal}).difference(dropped(range(ordinal, ordinal + 1)))
        assert len(kept) <= NEWEST + 3 + 1.25 * math.log2(max(1, ordinal / NEWEST)) + 1
    assert {1, *range(max(1, total - NEWEST + 1), total + 1)} <= kept
    ages = sorted(total - ordinal for ordinal in kept - {1})
    assert all(later <= 3 * earlier + 32 for earlier, later in itertools.pairwise(ages)), (
        "gaps grow with age, not faster"
    )
    if total > 1_000:
        assert ages[-1] > total / 4, "something of its first days is there"


async def test_what_goes_goes_a_few_at_once_and_one_by_one_would_leave_the_same(core: Core) -> None:
    kept: set[int] = set()
    for ordinal in range(1, 6 * TOGETHER + 1):
        await report(core, "same")
        kept = (kept | {ordinal}).difference(dropped(range(ordinal, ordinal + 1)))
        rows = await core._store._db.execute_fetchall("SELECT ordinal FROM occurrences")
        held = {number for (number,) in rows}
        assert kept <= held
        assert len(held - kept) < TOGETHER
        if ordinal % TOGETHER == 0:
            assert held == kept


def test_what_may_go_is_old_or_too_much_and_never_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "JOURNAL_NEWEST", 10)
    monkeypatch.setattr(keeping, "JOURNAL_ENTRIES", 50)
    journal = [(seq, seq * 1_000) for seq in range(1, 31)]
    assert compactable(journal, 30, 100) == 0
    assert compactable(journal, 30, 15_500) == 15
    assert compactable(journal, 30, 10**9) == 20, "the newest ten stay"
    assert compactable(journal, 70, 0) == 20, "more than fifty"
    assert compactable([], 0, 10**9) == 0


@pytest.fixture
def little_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "JOURNAL_NEWEST", 5)


@pytest.mark.usefixtures("little_is_kept")
async def test_the_journal_compacts_and_timelines_stay(core: Core) -> None:
    await report(core, "a")
    await core.execute(Acknowledge(alert_id=1, note="on it"), SYSTEM)
    for _ in range(30):
        await report(core, "a")
    await core.execute(Resolve(alert_id=1), SYSTEM)
    before = (await core.reader.alert(1)).timeline
    await compact(core)
    ((held,),) = await core._store._db.execute_fetchall("SELECT count(*) FROM journal")
    assert held == 5
    assert await core.reader.first_seq() == core.hub.head - 4
    assert (await core.reader.alert(1)).timeline == before
    assert [entry.kind for entry in before] == [
        EntryKind.ALERT_OPENED,
        EntryKind.ALERT_ACKNOWLEDGED,
        EntryKind.ALERT_RESOLVED,
    ]
    assert (await report(core, "b")).seq == core.hub.head, "numbers go on"
    await core.execute(Expire(before_ms=core.clock.now_ms() + 1), SYSTEM)
    ((kept,),) = await core._store._db.execute_fetchall("SELECT count(*) FROM timeline")
    assert kept == 0, "a deleted alert leaves none"


@pytest.mark.usefixtures("little_is_kept")
async def test_who_followed_from_before_is_told_to_start_anew(core: Core) -> None:
    for _ in range(20):
        await report(core, "a")
    await compact(core)
    with pytest.raises(ResyncNeeded, match="compacted away"):
        async with core.subscribe(Position(core.epoch, 3)):
            pass
    first = await core.reader.first_seq()
    core.hub._ring.clear()
    async with core.subscribe(Position(core.epoch, first - 1)) as updates:
        assert [getattr((await anext(updates)).update, "seq", None) for _ in range(5)] == [*range(first, first + 5)]


@pytest.mark.usefixtures("little_is_kept")
async def test_compacting_under_a_follower_is_never_a_gap(core: Core) -> None:
    """It reads the journal page by page; what goes between two pages must not look as if it had never been."""
    for _ in range(20):
        await report(core, "a")
    core.hub._ring.clear()
    async with core.subscribe(Position(core.epoch, 0)) as updates:
        await compact(core)
        with pytest.raises(ResyncNeeded, match="while it was followed"):
            await anext(updates)


@pytest.mark.usefixtures("little_is_kept")
async def test_ingest_goes_on_meanwhile_and_what_is_free_is_given_back(core: Core) -> None:
    text = "x" * 20_000
    await asyncio.gather(*(report(core, f"{n}", text) for n in range(150)))
    for n in range(150):
        await core.execute(Resolve(alert_id=n + 1), SYSTEM)
    database = core._store._db
    ((before,),) = await database.execute_fetchall("PRAGMA page_count")
    step = Expire(before_ms=core.clock.now_ms() + 1, limit=40, compact_before_ms=core.clock.now_ms() + 1)
    while True:
        outcomes = await asyncio.gather(core.execute(step, SYSTEM), report(core, "new"))
        if not outcomes[0].changed:
            break
    ((after,),) = await database.execute_fetchall("PRAGMA page_count")
    assert after < before / 2
    await database.execute_fetchall("INSERT INTO alert_search (alert_search) VALUES ('integrity-check')")
