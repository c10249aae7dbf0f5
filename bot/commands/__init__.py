"""What people can ask of the desk in Discord. Each is three steps: parse, execute, render."""

from __future__ import annotations

import interactions

from bot.commands import buttons, slash
from bot.commands.desk import Desk

__all__ = ["Desk", "install"]


def install(client: interactions.Client, desk: Desk) -> None:
    """Give a client all commands, buttons and forms."""
    slash.install(client, desk)
    buttons.install(client, desk)
