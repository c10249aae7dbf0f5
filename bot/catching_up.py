"""Catching up after a channel could not be written to: what is no news any more is told in one digest. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.agenda import Agenda, Key
from jinkies.model import Delivery, DeliveryState

LATE_S = 60.0  # so long after it was wanted a card is no news
CHUNK = 500  # deliveries that one command takes


def missed(wanted: Iterable[Delivery], agenda: Agenda, *, now_s: float, now_ms: int) -> list[Delivery]:
    """What was never shown, if that is more than one and the oldest of it is late; else nothing.

    Left out is what Discord refused for what it is: that says nothing about the channel.

    Args:
        wanted: of one channel, and out of step.
        agenda: of the channel.
        now_s: by the board's clock.
        now_ms: Unix time.
    """
    found = [one for one in wanted if one.message_id is None and _may_be_told(one, agenda, now_s)]
    if len(found) < 2:
        return []
    oldest_ms = min(one.wanted_at_ms or one.changed_at_ms for one in found)
    return found if now_ms - oldest_ms >= LATE_S * 1000 else []


def _may_be_told(delivery: Delivery, agenda: Agenda, now_s: float) -> bool:
    progress = agenda.of(delivery)
    return progress.message_id is None and progress.not_before_s <= now_s


def standing_for(deliveries: Mapping[Key, Delivery], channel_id: str, kind: str) -> str:
    """The kind of the digest that stands for one of ``kind``: it may have gone into another, and that into a third."""
    digests = {key[2]: one for key, one in deliveries.items() if key[1] == channel_id and one.digest is not None}
    for _ in digests:
        found = digests.get(kind)
        if found is None or found.state is not DeliveryState.DIGESTED:
            break
        kind = found.told_in
    return kind
