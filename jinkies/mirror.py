"""What Discord should show of the alerts of one transaction, and what it is said to show."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from jinkies.commands import RecordDelivery
from jinkies.errors import NotFound
from jinkies.model import AlertRow, Delivery, DeliveryState, State

Key = tuple[int, str, str]  # alert, channel, kind


class Mirror:
    """The deliveries that a transaction loaded; ``changed`` gets those that it writes."""

    def __init__(
        self, held: Iterable[Delivery], changed: dict[Key, Delivery], *, now_ms: int, channel_id: str | None
    ) -> None:
        self._held = {_key(delivery): delivery for delivery in held}
        self._changed = changed
        self._now_ms = now_ms
        self._channel_id = channel_id

    def want(self, row: AlertRow) -> tuple[Delivery, ...]:
        """What should be shown from now on: the alert's card in each of its channels.

        None for one that was never told and is silenced, or over.
        """
        default = (self._channel_id,) if self._channel_id is not None else ()
        found = (self._want_in(row, channel_id) for channel_id in row.channels or default)
        return tuple(delivery for delivery in found if delivery is not None)

    def _want_in(self, row: AlertRow, channel_id: str) -> Delivery | None:
        held = self._held.get((row.alert_id, channel_id, "card"))
        if held is not None:
            return self._keep(msgspec.structs.replace(held, wanted_revision=row.revision))
        if row.silenced_by is not None or row.state is State.RESOLVED:
            return None
        wanted = Delivery(
            alert_id=row.alert_id,
            channel_id=channel_id,
            wanted_revision=row.revision,
            changed_at_ms=self._now_ms,
        )
        return self._keep(wanted)

    def record(self, command: RecordDelivery) -> tuple[Delivery, str] | None:
        """What is shown now, and that in words; None when it was recorded already. Raises ``NotFound``."""
        held = self._held.get((command.alert_id, command.channel_id, command.kind))
        if held is None:
            raise NotFound(f"#{command.alert_id} is not wanted in channel {command.channel_id}")
        new = msgspec.structs.replace(
            held,
            state=command.state,
            message_id=command.message_id,
            shown_revision=command.shown_revision,
            shown_hash=command.shown_hash,
            error=command.error,
        )
        if new == held:
            return None
        new = msgspec.structs.replace(new, changed_at_ms=self._now_ms)
        self._keep(new)
        return new, _text(held, new)

    def _keep(self, delivery: Delivery) -> Delivery:
        self._held[_key(delivery)] = self._changed[_key(delivery)] = delivery
        return delivery


def _key(delivery: Delivery) -> Key:
    return (delivery.alert_id, delivery.channel_id, delivery.kind)


def _text(held: Delivery, new: Delivery) -> str:
    match new.state:
        case DeliveryState.POSTED if held.state is DeliveryState.POSTED and held.message_id == new.message_id:
            return f"card edited to rev {new.shown_revision}"
        case DeliveryState.POSTED:
            return f"card posted in channel {new.channel_id}"
        case DeliveryState.FAILED:
            return f"card failed: {new.error or 'unknown reason'}"
        case DeliveryState.DELETED:
            return "card deleted in Discord"
        case DeliveryState.PENDING:
            return "card waits"
