"""What people can ask of the desk in Discord: a module a group, each with ``install(client, desk)``.

Each command is three steps: parse, execute, render. ``wiring`` brings it from Discord to a function and its answer
back; ``options`` holds the options that commands share.
"""

from __future__ import annotations

import interactions

from bot.commands import (
    about,
    cards,
    deciding,
    figures,
    github,
    listing,
    logs,
    making,
    resting,
    silencing,
    tails,
    unknown,
)
from bot.commands.desk import Desk

__all__ = ["Desk", "install"]

GROUPS = (listing, deciding, silencing, figures, about, making, github, cards, resting, logs, tails)


def install(client: interactions.Client, desk: Desk) -> None:
    """Give a client all commands, buttons and forms."""
    for group in GROUPS:
        group.install(client, desk)
    unknown.install(client, desk)
