"""A Discord on loopback that real clients accept: REST, gateway, limits, faults, people and a page to look at.

``async with SimulatedDiscord() as sim`` in a test, ``python -m jinkies.simulators.discord`` as a process. It takes its
limits from Discord's published description and never from the bot's constants. It knows no components V2, no
reactions and no direct messages.
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
