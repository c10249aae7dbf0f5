"""A Discord on loopback that real clients accept: REST, gateway, limits, faults, people and a page to look at.

``async with SimulatedDiscord() as sim`` in a test, ``python -m jinkies.simulators.discord`` as a process. It takes its
limits from Discord's published description and never from the bot's constants. It knows no components V2, no
reactions and no direct messages.

People act with ``press`` (buttons and selects), ``slash``, ``autocomplete``, ``menu``, ``modal`` and ``say``; all but
the last wait and give the bot's ``Answer``. More is on ``sim.people``: threads, edits, deletions, forms that are open.
``messages``, ``seen_by``, ``threads`` and ``file`` say what there is, ``gateway.presence`` what the bot says of itself,
``calls`` what it asked; ``wait_for`` waits for any of it. ``change_channel``, ``remove_channel`` and ``change_user``
alter the world, ``forward`` the time, ``limits`` the rates. ``fault`` arms one of ``faults``; ``gateway`` reconnects,
invalidates, closes, freezes and refuses; ``go_down`` and ``come_back`` are an outage; ``Schedule`` is all at random.
"""

from jinkies.simulators.discord.answers import Answer, AnswerKind, Refused
from jinkies.simulators.discord.faults import Fault, FaultKind
from jinkies.simulators.discord.limits import RateLimit, RateLimits
from jinkies.simulators.discord.recording import Call, read_calls
from jinkies.simulators.discord.schedule import Schedule, Step, Trouble
from jinkies.simulators.discord.simulator import DEFAULT_TOKEN, SimulatedDiscord
from jinkies.simulators.discord.world import Access, Channel, Role, User, World

__all__ = [
    "DEFAULT_TOKEN",
    "Access",
    "Answer",
    "AnswerKind",
    "Call",
    "Channel",
    "Fault",
    "FaultKind",
    "RateLimit",
    "RateLimits",
    "Refused",
    "Role",
    "Schedule",
    "SimulatedDiscord",
    "Step",
    "Trouble",
    "User",
    "World",
    "read_calls",
]
