"""``/status`` and ``/help``: how the desk is doing, and what can be asked of it."""

from __future__ import annotations

import interactions

from bot import status_view
from bot.answers import Reply
from bot.commands.desk import Desk
from bot.commands.wiring import Call, slash
from bot.status_view import help_message, status_message
from jinkies import __version__
from jinkies.permissions import Permission
from jinkies.replica import LinkState


def install(client: interactions.Client, desk: Desk) -> None:
    """Give a client the commands."""

    async def status(call: Call) -> Reply:
        visible = desk.rights.somewhere(call.caller, Permission.VIEW)
        return status_message(_desk(desk) if visible else None, call.caller, desk.rights)

    async def help_(call: Call) -> Reply:
        mine = [
            (one.name, one.description)
            for one in sorted(desk.known.values(), key=lambda one: one.name)
            if one.needs is None or desk.rights.somewhere(call.caller, one.needs)
        ]
        return help_message(mine, withheld=len(desk.known) - len(mine), threads=desk.config.discord.threads)

    slash(client, desk, "status", "How the desk is doing, and what you may do", status, needs=None)
    slash(client, desk, "help", "What you can ask", help_, needs=None)


def _desk(desk: Desk) -> status_view.Desk:
    """Of what is at hand, so that it is answered when the core can't be reached too."""
    replica, now_ms = desk.replica, desk.clock.now_ms()
    return status_view.Desk(
        environment=replica.hello.environment if replica.hello is not None else desk.config.environment,
        version=replica.hello.version if replica.hello is not None else __version__,
        lost_at_ms=replica.lost_at_ms if replica.link is not LinkState.LIVE else None,
        counts=replica.counts,
        parts=tuple(sorted(replica.health.values(), key=lambda one: one.part)),
        tails=len(replica.tails),
        silences=sum(one.ends_at_ms > now_ms for one in replica.silences.values()),
        behind=tuple(replica.unsettled.values()),
    )
