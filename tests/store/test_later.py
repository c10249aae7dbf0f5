"""What later occurrences say is found, some seconds after they came in, and what that costs is bounded."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from jinkies.commands import Expire, KeepSearched, ReportOccurrence, Resolve
from jinkies.core import Core
from jinkies.errors import Forbidden
from jinkies.housekeeping import read_later, read_some
from jinkies.model import SYSTEM, Actor, ActorKind, AlertQuery, Occurrence
from jinkies.query import parse
from jinkies.searched import LATER_LIMIT, TAGS_LIMIT, later


async def report(core: Core, message: str, **fields: object) -> None:
    told = {"service": "api", "message": message, "fingerprint": "f"} | fields
    await core.execute(msgspec.convert(told, ReportOccurrence), SYSTEM)


async def found(core: Core, text: str) -> list[int]:
    return [row.alert_id for row in (await core.reader.alerts(parse(f"state:any {text}", now_ms=0).query())).rows]


async def read_all(core: Core) -> int:
    """How many alerts were read."""
    alert_ids = await core.reader.unread(0, 500)
    await read_some(core, alert_ids)
    return len(alert_ids)


async def sound(core: Core) -> None:
    """The index holds what the texts say, no more and no less. The newest words are written down first."""
    db = core._store._db
    await db.execute_fetchall("INSERT INTO alert_search (alert_search, rank) VALUES ('integrity-check', 1)")


def one(message: str, stack: str | None = None, **tags: str) -> Occurrence:
    return Occurrence(occurred_at_ms=1, message=message, stack_trace=stack, tags=tags)


def test_only_what_the_first_does_not_say_is_taken_each_line_once_the_newest_first() -> None:
    first = one("order 1 failed\nfor good", "a\n  b", region="eu")
    others = [one("order 3 failed\nKeyError", "a\nc"), one("order 2 failed\nKeyError", "a\n b", region="us")]
    held = later(7, 3, first, others)
    assert held.text == "order 3 failed\nKeyError\nc\norder 2 failed\nKey Error"
    assert held.tags == "region=eu\nregion=us"
    assert (held.alert_id, held.through) == (7, 3)
    assert later(7, 3, first, [first, first]).text == ""


def test_it_is_bounded() -> None:
    long = [one("\n".join(f"{n} {line} {'x' * 50}" for line in range(200)), None, **{f"t{n}": "v"}) for n in range(300)]
    held = later(1, 9, long[0], long[1:])
    assert LATER_LIMIT * 0.9 < len(held.text) <= LATER_LIMIT
    assert held.text.startswith("1 0 ")
    assert len(held.tags.split("\n")) == TAGS_LIMIT


async def test_messages_stacks_and_tags_of_later_occurrences_are_found(core: Core) -> None:
    await report(core, "payment refused", tags={"region": "eu"})
    await report(core, "something else", fingerprint="g")
    await report(core, "payment refused: deadlock detected", stack_trace="in lock_rows", tags={"region": "us"})
    assert await found(core, "deadlock") == []
    assert await read_all(core) == 1
    for text in ('"deadlock detected"', "lock_rows", "tag:region=us", "tag:region=eu", "service:api refused deadlock"):
        assert await found(core, text) == [1], text
    assert await found(core, "-deadlock") == [2]
    assert await read_all(core) == 0
    await report(core, "payment refused: card stolen")
    assert await read_all(core) == 1
    assert await found(core, "deadlock stolen") == [1]
    await sound(core)


async def test_what_is_no_longer_kept_is_no_longer_found_and_what_was_written_is_not_written_again(core: Core) -> None:
    for number in range(1, 60):
        await report(core, f"order x{number}x failed")
    await read_all(core)
    assert await found(core, "x59x") == [1]
    assert await found(core, "x3x") == []
    assert await found(core, "x1x") == [1]
    await report(core, "order x1x failed")
    told = await core.reader.later(1)
    assert told is not None
    assert not told.same
    await read_all(core)
    told = await core.reader.later(1)
    assert told is not None
    assert told.same
    await sound(core)


async def test_an_occurrence_that_comes_while_it_is_read_stays_unread(core: Core) -> None:
    await report(core, "a")
    await report(core, "b")
    held = await core.reader.later(1)
    assert held is not None
    await report(core, "zebra")
    await core.execute(KeepSearched(items=(held,)), SYSTEM)
    assert await found(core, "zebra") == []
    assert await read_all(core) == 1
    assert await found(core, "zebra") == [1]


async def test_an_alert_that_goes_meanwhile_leaves_nothing_in_the_index(core: Core) -> None:
    await report(core, "a")
    await report(core, "zebra")
    await core.execute(Resolve(alert_id=1), SYSTEM)
    held = await core.reader.later(1)
    assert held is not None
    at_ms = core.clock.now_ms() + 1
    both = (Expire(before_ms=at_ms), KeepSearched(items=(held,)))
    await asyncio.gather(*(core.execute(command, SYSTEM) for command in both))
    assert await core.reader.later(1) is None
    await core.execute(KeepSearched(items=(held,)), SYSTEM)
    assert await found(core, "zebra") == []
    await sound(core)


async def test_the_core_reads_by_itself_and_nobody_else_may_say_what_is_found(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jinkies.housekeeping.SWEEP_S", 0.01)
    reading = asyncio.create_task(read_later(core))
    try:
        for number in range(12):
            await report(core, "a", fingerprint=str(number))
            await report(core, f"zebra {number}", fingerprint=str(number))
        async with asyncio.timeout(30):
            while len(await found(core, "zebra")) < 12:  # noqa: ASYNC110 - nothing tells that it has read
                await asyncio.sleep(0.01)
    finally:
        reading.cancel()
        await asyncio.wait({reading})
    assert (await core.reader.alerts(AlertQuery(search="zebra", limit=5))).next_cursor is not None
    with pytest.raises(Forbidden):
        await core.execute(KeepSearched(items=()), Actor(kind=ActorKind.LOCAL, id="1", name="me"))
