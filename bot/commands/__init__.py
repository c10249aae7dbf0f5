"""What people can ask of the desk in Discord: a module a group, each with ``install(client, desk)``.

Each command is three steps: parse, execute, render. ``wiring`` brings it from Discord to a function and its answer
back; ``options`` holds the options that commands share.
"""

from __future__ import annotations

import interactions

from bot.commands import cards, deciding, github, listing, logs, resting, tails, unknown
from bot.commands.desk import Desk

__all__ = ["Desk", "install"]

GROUPS = (listing, deciding, github, cards, resting, logs, tails)


def install(client: interactions.Client, desk: Desk) -> None:
    """Give a client all commands, buttons and forms."""
    for group in GROUPS:
        group.install(client, desk)
    unknown.install(client, desk)
