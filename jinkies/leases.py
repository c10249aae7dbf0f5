"""Leases: of several that could do a work, one does it. Pure."""

from __future__ import annotations

from jinkies.commands import TakeLease
from jinkies.errors import Conflict, Invalid
from jinkies.store.changes import Lease

LONGEST_S = 300


def take(held: Lease | None, command: TakeLease, now_ms: int) -> Lease | None:
    """The lease from now on; None when it is given back.

    Raises:
        Invalid: ``ttl_s`` is out of bounds.
        Conflict: another holds it still.
    """
    if not 0 <= command.ttl_s <= LONGEST_S:
        raise Invalid(f"ttl_s: {command.ttl_s} is out of bounds; 0 to {LONGEST_S} seconds")
    if held is not None and held.holder != command.holder and held.expires_at_ms > now_ms:
        raise Conflict(f"the lease {command.name!r} is held by another for {held.expires_at_ms - now_ms} ms")
    if command.ttl_s == 0:
        return None
    return Lease(name=command.name, holder=command.holder, expires_at_ms=now_ms + int(command.ttl_s * 1000))
