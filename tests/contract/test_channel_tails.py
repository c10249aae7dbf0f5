"""Tails that Discord channels show: what the core keeps of them, whoever asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from jinkies.app import host
from jinkies.commands import (
    PauseChannelTail,
    RecordChannelTail,
    StartChannelTail,
    StopChannelTail,
    TakeLease,
)
from jinkies.config import AwsConfig, Config
from jinkies.core import Core
from jinkies.errors import CommandError, Conflict, Forbidden, Invalid, NotConfigured, NotFound
from jinkies.model import Actor, ActorKind, ChannelTail, EntryKind, Level, TailSpec, TailTotals
from jinkies.operator import Operator
from jinkies.wire.peer import local_actor
from tests.waiting import replica_of, until

MINUTE_MS = 60_000
API = TailSpec(targets=("api",))


@pytest.fixture
def aws_config(configure: Callable[..., Config]) -> Config:
    """An account that nobody is asked of."""
    return configure(aws=AwsConfig(region="us-east-1", endpoint_url="http://127.0.0.1:9"))


@pytest.fixture
async def core(aws_config: Config) -> AsyncIterator[Core]:
    async with host(aws_config, ingest=False, background=False) as running:
        yield running


def person(number: int = 1) -> Actor:
    return Actor(kind=ActorKind.DISCORD, id=str(number), name=f"person{number}")


def start(channel: str = "1", *, spec: TailSpec = API, minutes: float = 15) -> StartChannelTail:
    return StartChannelTail(channel_id=channel, spec=spec, duration_ms=int(minutes * MINUTE_MS))


async def started(operator: Operator, command: StartChannelTail, who: Actor | None = None) -> int:
    return int((await operator.execute(command, on_behalf_of=who or person())).tail_id or 0)


async def held(operator: Operator) -> dict[int, ChannelTail]:
    return {tail.number: tail for tail in (await operator.snapshot()).channel_tails}


async def test_a_tail_is_started_paused_stopped_and_followed_in_the_journal(operator: Operator) -> None:
    async with replica_of(operator) as replica:
        number = await started(operator, start())
        await until(replica, lambda: number in replica.channel_tails)
        paused = PauseChannelTail(number=number, paused=True)
        assert (await operator.execute(paused, on_behalf_of=person(2))).changed
        assert not (await operator.execute(paused, on_behalf_of=person(2))).changed
        await until(replica, lambda: replica.channel_tails[number].paused)
        await operator.execute(StopChannelTail(number=number), on_behalf_of=person(2))
        await until(replica, lambda: replica.channel_tails[number].ended_at_ms is not None)
        tail = replica.channel_tails[number]
        assert (tail.ended_why, tail.ended_by, tail.started_by) == ("stopped by person2", person(2), person())
        assert tail.ends_at_ms - tail.started_at_ms == 15 * MINUTE_MS
        assert replica.channel_tails == await held(operator)
        with pytest.raises(Conflict, match="is over already"):
            await operator.execute(StopChannelTail(number=number), on_behalf_of=person())
        with pytest.raises(NotFound, match="tail 4711 is over"):
            await operator.execute(StopChannelTail(number=4711), on_behalf_of=person())


async def test_the_bot_records_what_it_shows_while_it_holds_the_lease(operator: Operator) -> None:
    number = await started(operator, start())
    record = RecordChannelTail(number=number, holder="me", message_id="17")
    with pytest.raises(Conflict, match="lease"):
        await operator.execute(record)
    await operator.execute(TakeLease(name="board", holder="me", ttl_s=30))
    async with replica_of(operator) as replica:
        assert (await operator.execute(record)).seq is not None
        assert not (await operator.execute(record)).changed
        totals = TailTotals(levels={Level.ERROR: 3}, until_ms=5, at_ms=7)
        counted = await operator.execute(msgspec.structs.replace(record, totals=totals))
        assert counted.seq is None  # counting is no news
        assert (await held(operator))[number].totals == totals
        over = RecordChannelTail(number=number, holder="me", settled=True, why="its message was deleted")
        await operator.execute(over)
        await until(replica, lambda: number not in replica.channel_tails)
    assert await held(operator) == {}


async def test_it_outlives_the_core(aws_config: Config) -> None:
    async with host(aws_config, ingest=False, background=False, socket=False) as core:
        operator = core.operator(local_actor())
        number = await started(operator, start())
        before = await held(operator)
    async with host(aws_config, ingest=False, background=False, socket=False) as core:
        operator = core.operator(local_actor())
        assert await held(operator) == before
        again = await started(operator, start("2"))
        assert again > number


async def test_there_are_only_so_many(operator: Operator) -> None:
    await started(operator, start("1"))
    with pytest.raises(Conflict, match="shows the same already: tail 1, started by person1"):
        await started(operator, start("1"), person(2))
    await started(operator, start("2"))
    await started(operator, start("3"))
    with pytest.raises(Conflict, match=r"you follow 3 already \(tails 1, 2, 3\)"):
        await started(operator, start("4"))
    for channel in range(5, 12):
        await started(operator, start(str(channel)), person(channel))
    with pytest.raises(Conflict, match="10 tails run in Discord already"):
        await started(operator, start("12"), person(12))
    await operator.execute(StopChannelTail(number=1), on_behalf_of=person(9))
    await started(operator, start("12"), person(12))


@pytest.mark.parametrize(
    ("command", "error", "words"),
    [
        (start(minutes=0.5), Invalid, "duration: 1 min to 4 h"),
        (start(minutes=241), Invalid, "duration"),
        (start("here"), Invalid, "no Discord id"),
        (start(spec=TailSpec(targets=("apj",))), Invalid, "did you mean api"),
        (start(spec=TailSpec(targets=("api",), grep="(a+)+$")), Forbidden, "regular expression"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    operator: Operator, command: StartChannelTail, error: type[CommandError], words: str
) -> None:
    with pytest.raises(error, match=words):
        await started(operator, command)
    assert await held(operator) == {}


async def test_only_those_who_may_start_one(configure: Callable[..., Config], aws_config: Config) -> None:
    discord = msgspec.structs.replace(aws_config.discord, allowed_roles=("7",))
    config = msgspec.structs.replace(aws_config, discord=discord)
    async with host(config, ingest=False, background=False, socket=False) as core:
        operator = core.operator(local_actor())
        with pytest.raises(Forbidden, match="none of the roles"):
            await started(operator, start())
        allowed = msgspec.structs.replace(person(), roles=("7",))
        number = await started(operator, start(), allowed)
        with pytest.raises(Forbidden):
            await operator.execute(StopChannelTail(number=number), on_behalf_of=person(2))


async def test_without_aws_it_says_what_to_set(configure: Callable[..., Config]) -> None:
    async with host(configure(), ingest=False, background=False, socket=False) as core:
        with pytest.raises(NotConfigured, match="AWS is not configured: set AWS_REGION"):
            await started(core.operator(local_actor()), start())


async def test_the_journal_tells_of_it(operator: Operator) -> None:
    position = (await operator.snapshot()).position
    await operator.execute(StopChannelTail(number=await started(operator, start())), on_behalf_of=person())
    kinds = []
    async with operator.subscribe(position) as updates:
        async for update in updates:
            kinds.append(getattr(update, "kind", None))
            if len(kinds) == 2:
                break
    assert kinds == [EntryKind.TAIL_STARTED, EntryKind.TAIL_ENDED]
