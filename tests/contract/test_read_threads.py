"""How far the thread on a card was looked at for comments: what the core keeps of it, whoever asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from jinkies.app import host
from jinkies.commands import Acknowledge, Outcome, RecordDelivery, ReportOccurrence, TakeLease
from jinkies.config import Config
from jinkies.core import Core
from jinkies.errors import Conflict, Invalid, NotFound
from jinkies.model import Delivery, DeliveryState, What
from jinkies.operator import Operator
from tests.conftest import CHANNEL_ID

CARD_ID = "99000"
READ = RecordDelivery(alert_id=1, channel_id=CHANNEL_ID, holder="me", kind=What.THREAD, state=None)


@pytest.fixture
async def core(configure: Callable[..., Config]) -> AsyncIterator[Core]:
    """With threads."""
    config = configure()
    config = msgspec.structs.replace(config, discord=msgspec.structs.replace(config.discord, threads=True))
    async with host(config, ingest=False, background=False) as running:
        yield running


async def posted(operator: Operator) -> None:
    """An alert with its card, and a thread that tells all."""
    await operator.execute(ReportOccurrence(service="api", message="boom"))
    await operator.execute(TakeLease(name="board", holder="me", ttl_s=30))
    card = msgspec.structs.replace(READ, kind=What.CARD, state=DeliveryState.POSTED, message_id=CARD_ID)
    await operator.execute(msgspec.structs.replace(card, shown_revision=1))
    told = msgspec.structs.replace(READ, state=DeliveryState.POSTED, message_id=CARD_ID)
    await operator.execute(msgspec.structs.replace(told, shown_revision=(await thread(operator)).wanted_revision))


async def thread(operator: Operator) -> Delivery:
    return next(one for one in (await operator.alert(1)).deliveries if one.what is What.THREAD)


async def read(operator: Operator, message_id: str, **more: object) -> Outcome:
    return await operator.execute(msgspec.structs.replace(READ, read_to=message_id, **more))


async def test_a_thread_begins_at_its_card_and_is_read_on_from_where_it_was(operator: Operator) -> None:
    await posted(operator)
    before = await thread(operator)
    assert (before.read_to, before.in_step) == (CARD_ID, True)
    assert (await read(operator, "100000")).reason == "thread read"
    after = await thread(operator)
    assert after == msgspec.structs.replace(before, read_to="100000", changed_at_ms=after.changed_at_ms)
    assert not (await read(operator, "99999")).changed, "an earlier message moves nothing"
    await operator.execute(Acknowledge(alert_id=1))
    assert ((await thread(operator)).read_to, (await thread(operator)).in_step) == ("100000", False)


async def test_telling_moves_nothing_that_was_read(operator: Operator) -> None:
    await posted(operator)
    await read(operator, "100000")
    await operator.execute(msgspec.structs.replace(READ, state=DeliveryState.FAILED, error="closed"))
    assert (await thread(operator)).read_to == "100000"


async def test_only_the_boards_holder_says_it_and_only_of_a_message(operator: Operator) -> None:
    await posted(operator)
    with pytest.raises(Conflict, match="lease"):
        await read(operator, "100000", holder="another")
    for wrong in ("newest", "1" * 21, "-1"):
        with pytest.raises(Invalid, match="read_to"):
            await read(operator, wrong)
    with pytest.raises(NotFound):
        await read(operator, "100000", channel_id="1300000000000000009")
    assert (await thread(operator)).read_to == CARD_ID
