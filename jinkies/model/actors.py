"""Who did something."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ActorKind(StrEnum):
    """Through which door somebody came."""

    LOCAL = "local"  # a user of this machine: the socket's peer, or the process's own user
    DISCORD = "discord"
    INGEST = "ingest"  # a sender with the webhook's token
    SYSTEM = "system"  # the core itself: watches, workers, housekeeping


class Actor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who did something. ``name`` is for people; ``kind`` and ``id`` identify."""

    kind: ActorKind
    id: str
    name: str
    roles: tuple[str, ...] = ()  # Discord role ids, as strings
    channels: tuple[str, ...] = ()  # where in Discord: the channel's id, and of a thread also its channel's


SYSTEM = Actor(kind=ActorKind.SYSTEM, id="jinkies", name="jinkies")
