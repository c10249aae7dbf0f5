"""What befalls the whole of the simulated Discord: outages, their end, and time that passes."""

from __future__ import annotations

from jinkies.simulators.discord import faults
from jinkies.simulators.discord.answers import Refused
from jinkies.simulators.discord.clock import ForwardClock
from jinkies.simulators.discord.gateway import Gateway
from jinkies.simulators.discord.server import Rest
from jinkies.simulators.discord.state import State


async def go_down(rest: Rest, gateway: Gateway, status: int | None = None) -> None:
    """Cut and refuse connections, and every REST request with them; or answer those with a 5xx."""
    rest.faults.standing = faults.cut() if status is None else faults.broken(status=status)
    gateway.refuse = True
    gateway.close(0)
    await rest.state.touch()


async def come_back(rest: Rest, gateway: Gateway) -> None:
    """Be there again; faults that were armed are still due."""
    rest.faults.standing = None
    gateway.refuse = False
    await rest.state.touch()


async def heal(rest: Rest, gateway: Gateway) -> None:
    """End every fault: none is due any more, the gateway accepts and acknowledges, zombies are cut."""
    rest.faults.clear()
    gateway.refuse = False
    gateway.acknowledge_heartbeats = True
    gateway.cut_zombies()
    await rest.state.touch()


async def forward(state: State, seconds: float) -> None:
    """Put the clock forward.

    Raises:
        Refused: the simulator was given a clock that cannot be, or time would go back.
    """
    if not isinstance(state.clock, ForwardClock) or seconds < 0:
        raise Refused("only the simulator's own clock can be put forward, and never back")
    state.clock.ahead_s += seconds
    state.threads.archive_idle()
    await state.touch()
