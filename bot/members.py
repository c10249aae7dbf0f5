"""Who somebody is in the server, for what Discord tells without it: messages that are read later carry no roles."""

from __future__ import annotations

from collections import OrderedDict

from bot.contexts import Member
from bot.courier import Courier
from jinkies.clock import Clock

KEPT_S = 300.0  # roles change
KEPT = 500  # those asked for longest ago are forgotten first


class Members:
    """The members of a server, asked for when they are needed and remembered for a while.

    Args:
        courier: asks Discord.
        guild_id: the server.
        clock: the time by which is forgotten.
    """

    def __init__(self, courier: Courier, guild_id: str, clock: Clock) -> None:
        self._courier = courier
        self._guild_id = guild_id
        self._clock = clock
        self._held: OrderedDict[str, tuple[float, Member | None]] = OrderedDict()  # user → when (seconds), and who

    async def get(self, user_id: str) -> Member | None:
        """Somebody as they are now, or were up to ``KEPT_S`` ago; None: they are not in the server.

        Raises:
            CourierError: Discord could not be asked.
        """
        now_s = self._clock.monotonic_s()
        at_s, member = self._held.get(user_id, (float("-inf"), None))
        if now_s - at_s < KEPT_S:
            return member
        member = await self._courier.member(self._guild_id, user_id)
        self._held.pop(user_id, None)
        self._held[user_id] = now_s, member
        if len(self._held) > KEPT:
            self._held.popitem(last=False)
        return member
