"""What all commands share: the core to ask, and refusals in one line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from contextlib import suppress
from typing import TypeVar

import msgspec

from bot.answers import FORM_LIMIT_S, Seen
from bot.custom_ids import epoch8
from bot.later import Later
from bot.slowness import SlowMode
from jinkies.clock import Clock
from jinkies.commands import AnyCommand, NoteRefusal, Outcome
from jinkies.config import Config
from jinkies.errors import Conflict, Disconnected, Forbidden, JinkiesError, NotConfigured
from jinkies.model import Actor, AlertRow, PartState, TailSpec
from jinkies.operator import Operator
from jinkies.permissions import Permission
from jinkies.redact import Redactor
from jinkies.replica import Replica

ASK_LIMIT_S = 20.0
UNREACHABLE = "The core is not reachable just now. Try again in a moment; whatever was done shows on the card."
OTHER_DATABASE = "This card is from another database than the one the desk runs on now; nothing was done."

_T = TypeVar("_T")


class Known(msgspec.Struct, frozen=True):
    """A command, as ``/help`` tells of it."""

    name: str
    description: str
    needs: Permission | None  # None: nothing


class Desk:
    """The core as the commands see it.

    Args:
        config: of the desk.
        operator: the core.
        replica: what is known of it at hand.
        clock: what times in queries count back from.
    """

    def __init__(self, config: Config, operator: Operator, replica: Replica, clock: Clock) -> None:
        self.clock = clock
        self.config = config
        self.operator = operator
        self.replica = replica
        self.later = Later(clock)
        self.known: dict[str, Known] = {}
        self.rights = config.discord.rights
        self.slow_mode = SlowMode(config.discord.max_actions_per_minute)
        rules = config.redact
        self.redactor = Redactor(also=rules.also, keep=rules.keep, emails=rules.emails, ips=rules.ips)

    async def epoch(self) -> str:
        """The epoch of the core's journal. Raises ``Disconnected``."""
        hello = self.replica.hello
        return hello.epoch if hello is not None else (await self.ask(self.operator.hello())).epoch

    def may(self, caller: Actor, permission: Permission, service: str | None) -> bool:
        """Whether somebody may do that to a service from where they are; None is what concerns all services."""
        return self.rights.may(caller, permission, service)

    async def require(
        self,
        caller: Actor,
        permission: Permission,
        services: Iterable[str | None] = (),
        *,
        what: str,
        alert_id: int | None = None,
    ) -> None:
        """Let pass only who may; for what is read, since the core checks every command itself.

        Args:
            caller: who asks, and from where.
            permission: that they need.
            services: for each of these; None is all of them; () is for any at all.
            what: was asked for, in the journal: "/logs".
            alert_id: that it was about.

        Raises:
            Forbidden: after it was noted in the journal.
        """
        if self.rights.somewhere(caller, permission) and all(self.may(caller, permission, one) for one in services):
            return
        reason = self.rights.why_not(caller, permission)
        note = NoteRefusal(what=what, reason=reason, alert_id=alert_id)
        with suppress(JinkiesError):
            await self.ask(self.operator.execute(note, on_behalf_of=caller))
        raise Forbidden(reason)

    def rows(self, viewer: Actor) -> list[AlertRow]:
        """The alerts at hand that somebody may view: unresolved ones, and what changed of late."""
        may = self.rights.sieve(viewer, Permission.VIEW)
        return [row for row in self.replica.rows.values() if may(row.service)]

    def services(self, viewer: Actor, permission: Permission = Permission.VIEW) -> set[str]:
        """The services of the configuration and of the alerts at hand for which somebody has a permission."""
        known = {*self.config.services, *(row.service for row in self.replica.rows.values())}
        may = self.rights.sieve(viewer, permission)
        return {name for name in known if may(name)}

    def targets(self, spec: TailSpec) -> tuple[str | None, ...]:
        """The services that log lines are read of; None for a log group, which is nobody's in particular."""
        return tuple(one if one in self.config.services else None for one in spec.targets)

    def check_github(self) -> None:
        """Raise ``NotConfigured``, saying what to set, when the core has said that it has no GitHub."""
        health = self.replica.health.get("github")
        if health is not None and health.state is PartState.UNCONFIGURED:
            raise NotConfigured(f"GitHub is not configured: {health.detail}")

    async def ask(self, query: Awaitable[_T], *, limit_s: float = ASK_LIMIT_S) -> _T:
        """A query, bounded in time. Raises what the core raises, and ``Disconnected`` when it doesn't answer."""
        try:
            async with asyncio.timeout(limit_s):
                return await query
        except TimeoutError:
            raise Disconnected("the core does not answer") from None

    async def moved(self, version: int, limit_s: float) -> bool:
        """Until what is at hand moves past ``version``; False when that takes longer than ``limit_s``."""
        try:
            async with asyncio.timeout(max(limit_s, 0.0)):
                await self.replica.changed(version)
        except TimeoutError:
            return False
        return True

    async def row(self, alert_id: int) -> AlertRow:
        """An alert as it is at hand, else as the core knows it, in time for a form. Raises ``NotFound``."""
        row = self.replica.rows.get(alert_id)
        return row if row is not None else (await self.ask(self.operator.alert(alert_id), limit_s=FORM_LIMIT_S)).row

    async def check_epoch(self, digits: str) -> None:
        """Raise ``Conflict`` unless a component is of the database that the desk runs on; ``digits`` are its eight."""
        if digits != epoch8(await self.epoch()):
            raise Conflict(OTHER_DATABASE)

    async def execute(self, command: AnyCommand, caller: Actor, key: str) -> Outcome:
        """Carry a command out for a Discord user; ``key`` is its idempotency key. Raises what the core raises."""
        return await self.ask(self.operator.execute(command, on_behalf_of=caller, key=key))

    async def act(
        self, command: AnyCommand, caller: Actor, interaction_id: str, *, foreign: str | None = None
    ) -> Seen | str:
        """Carry a command out for a Discord user.

        Args:
            command: what they asked for.
            caller: who.
            interaction_id: Discord's, the idempotency key.
            foreign: the eight epoch digits on the card that was used, when one was.

        Returns:
            ``Seen.ON_THE_CARD`` when the card will show it, else a line that says why nothing changed.
        """
        try:
            if foreign is not None:
                await self.check_epoch(foreign)
            outcome = await self.execute(command, caller, interaction_id)
        except JinkiesError as error:
            return refusal(error)
        return Seen.ON_THE_CARD if outcome.changed else f"Nothing changed: {outcome.reason}."


def refusal(error: JinkiesError) -> str:
    """One line that says why not."""
    if isinstance(error, Disconnected):
        return UNREACHABLE
    line = " ".join(str(error).split())
    return line[:1].upper() + line[1:] + ("" if line.endswith(".") else ".")
