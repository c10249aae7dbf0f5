"""What Discord shows and what is on its way there, by channel: from the replica's deliveries. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from jinkies.config import DiscordConfig
from jinkies.model import Delivery, DeliveryState, Digest, What


@dataclass
class Channel:
    """A channel and its deliveries."""

    channel_id: str
    name: str
    deliveries: list[Delivery] = field(default_factory=list)

    @property
    def cards(self) -> list[Delivery]:
        """Of alerts that have one of their own."""
        found = (one for one in self.deliveries if one.what is What.CARD)
        return [one for one in found if one.state is not DeliveryState.DIGESTED]

    @property
    def digests(self) -> list[Digest]:
        """The newest first."""
        found = (one.digest for one in self.deliveries if one.digest is not None)
        return sorted(found, key=lambda one: one.until_ms, reverse=True)

    @property
    def waiting(self) -> list[Delivery]:
        """To be posted or edited."""
        return [one for one in self.deliveries if not one.in_step and one.state is not DeliveryState.FAILED]

    @property
    def failed(self) -> list[Delivery]:
        """Refused by Discord, with its words."""
        return [one for one in self.deliveries if one.state is DeliveryState.FAILED]


def channels_of(deliveries: Iterable[Delivery], config: DiscordConfig) -> list[Channel]:
    """All channels, the alerts' first, each with its deliveries."""
    found: dict[str, Channel] = {}
    names = {config.log_channel_id: "logs", config.alert_channel_id: "alerts"}
    for channel_id in (config.alert_channel_id, config.log_channel_id):
        if channel_id is not None:
            found.setdefault(channel_id, Channel(channel_id, names[channel_id]))
    for one in deliveries:
        channel = found.setdefault(one.channel_id, Channel(one.channel_id, "channel"))
        channel.deliveries.append(one)
    return list(found.values())
