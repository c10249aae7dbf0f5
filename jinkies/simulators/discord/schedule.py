"""A random schedule of everything that can go wrong with Discord, the same for the same seed.

In a soak::

    schedule = Schedule(Random(seed), lasts_s=20.0)
    async with schedule.disturbing(sim):
        ...  # what the bot is asked to do meanwhile
        await schedule.over.wait()
    # Discord is well again here; schedule.report() says what happened, and sim.calls which requests it hit
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from random import Random

import msgspec

from jinkies.simulators.discord import faults
from jinkies.simulators.discord.faults import Fault
from jinkies.simulators.discord.simulator import SimulatedDiscord

CLOSE_CODES = (1001, 1011, 1012, 1013, 4000, 4001, 4002, 4003, 4005, 4007, 4008, 4009)
"""What Discord closes with when coming back helps. 4004 and 4010 to 4014 are for an operator to mend."""
TARGETS = (("*", ""), ("POST", "/messages$"), ("PATCH", r"/messages/"), ("GET", "/messages"), ("POST", "/callback$"))
STATUSES = (500, 502, 503, 504)


class Trouble(StrEnum):
    """What goes wrong."""

    RATE_LIMIT = "rate-limit"
    SERVER_ERROR = "server-error"
    UNAUTHORIZED = "unauthorized"
    OLD_MESSAGE = "old-message"
    SLOW = "slow"
    CUT = "cut"
    LOST_ANSWER = "lost-answer"
    RECONNECT = "reconnect"  # op 7
    INVALID = "invalid"  # op 9, not resumable
    INVALID_RESUMABLE = "invalid-resumable"  # op 9, resumable
    DROP = "drop"  # the gateway's connections, without a closing handshake
    CLOSE = "close"  # with one of the close codes
    FORGET = "forget"  # cut, and resuming is refused
    ZOMBIE = "zombie"  # nothing comes through for a while, then the connection is cut
    REFUSE = "refuse"  # cut, and the gateway takes no connection for a while
    DOWN = "down"  # REST and gateway for a while


LASTING = (Trouble.ZOMBIE, Trouble.REFUSE, Trouble.DOWN)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing of the plan. ``at_s`` is from the schedule's start, ``until_s`` the end of what lasts."""

    at_s: float
    trouble: Trouble
    until_s: float | None = None
    fault: Fault | None = None
    code: int = 0

    def __str__(self) -> str:
        """``3.20 s server-error POST /messages$ 502 ×2``."""
        about = ""
        if self.fault is not None:
            status = self.fault.status if self.fault.kind is faults.FaultKind.STATUS else self.fault.delay_s or ""
            about = f" {self.fault.method} {self.fault.path or 'anything'} {status} ×{self.fault.times}"
        until = "" if self.until_s is None else f" until {self.until_s:.2f} s"
        return f"{self.at_s:.2f} s {self.trouble.value}{about}{self.code or ''}{until}"


class Schedule:
    """A plan of trouble, made at once and without looking at the clock, so that the same dice give the same plan.

    Args:
        dice: where the randomness comes from; nothing else is random.
        lasts_s: the plan's length. Everything that lasts ends within it.
        mean_pause_s: between two steps.
        longest_s: how long a zombie, a refusing gateway or an outage lasts at most.
        most_slow_s: how late a slow answer is at most.
        kinds: what may go wrong; everything by default.
        close_codes: what connections are closed with.
    """

    def __init__(
        self,
        dice: Random,
        *,
        lasts_s: float,
        mean_pause_s: float = 0.5,
        longest_s: float = 2.0,
        most_slow_s: float = 1.0,
        kinds: Sequence[Trouble] = tuple(Trouble),
        close_codes: Sequence[int] = CLOSE_CODES,
    ) -> None:
        self.lasts_s = lasts_s
        self.over = asyncio.Event()
        self.happened: list[Step] = []
        self._dice = dice
        self._longest_s, self._most_slow_s = longest_s, most_slow_s
        self._close_codes = close_codes
        self.plan = tuple(self._planned(mean_pause_s, tuple(kinds)))

    def _planned(self, mean_pause_s: float, kinds: Sequence[Trouble]) -> list[Step]:
        plan: list[Step] = []
        at_s = self._dice.expovariate(1 / mean_pause_s)
        while at_s < self.lasts_s:
            trouble = self._dice.choice(kinds)
            until_s = None
            if trouble in LASTING:
                until_s = min(self.lasts_s, at_s + self._dice.uniform(0.1, 1.0) * self._longest_s)
            code = self._dice.choice(self._close_codes) if trouble is Trouble.CLOSE else 0
            plan.append(Step(at_s=at_s, trouble=trouble, until_s=until_s, fault=self._fault(trouble), code=code))
            at_s += self._dice.expovariate(1 / mean_pause_s)
        return plan

    def _fault(self, trouble: Trouble) -> Fault | None:
        dice = self._dice
        method, path = dice.choice(TARGETS)
        times = dice.choice((1, 1, 1, 2, 3, 4))
        makers: dict[Trouble, Callable[[], Fault]] = {
            Trouble.RATE_LIMIT: lambda: faults.rate_limited(
                method,
                path,
                retry_after_s=round(dice.uniform(0.05, 0.5), 3),
                scope=dice.choice(("user", "global", "shared")),
                times=times,
            ),
            Trouble.SERVER_ERROR: lambda: faults.broken(method, path, status=dice.choice(STATUSES), times=times),
            Trouble.UNAUTHORIZED: lambda: faults.unauthorized(method, "/channels/"),
            Trouble.OLD_MESSAGE: lambda: faults.old_message(times=times),
            Trouble.SLOW: lambda: faults.slow(
                method, path, delay_s=round(dice.uniform(0.05, 1.0) * self._most_slow_s, 3), times=times
            ),
            Trouble.CUT: lambda: faults.cut(method, path, times=times),
            Trouble.LOST_ANSWER: lambda: faults.lost_answer(method, path, times=times),
        }
        return makers[trouble]() if trouble in makers else None

    async def run(self, sim: SimulatedDiscord) -> None:
        """Carry out the plan by the simulator's clock, and leave Discord well at the end, or when it is cancelled."""
        clock = sim.state.clock
        started_s = clock.monotonic_s()
        ends = [(step.until_s, index, None) for index, step in enumerate(self.plan) if step.until_s is not None]
        moments = sorted([*((step.at_s, index, step) for index, step in enumerate(self.plan)), *ends], key=_moment)
        try:
            for at_s, index, step in moments:
                await clock.sleep(max(0.0, started_s + at_s - clock.monotonic_s()))
                await (self._begin(sim, step) if step is not None else self._end(sim, self.plan[index]))
            await clock.sleep(max(0.0, started_s + self.lasts_s - clock.monotonic_s()))
        finally:
            await sim.heal()
            self.over.set()

    @asynccontextmanager
    async def disturbing(self, sim: SimulatedDiscord) -> AsyncIterator[None]:
        """Run it beside what is inside; it is over, at the latest, when that is left."""
        task = asyncio.create_task(self.run(sim), name="a schedule of faults")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                task.result()

    async def _begin(self, sim: SimulatedDiscord, step: Step) -> None:
        self.happened.append(step)
        gateway = sim.gateway
        if step.fault is not None:
            sim.fault(step.fault)
            return
        if step.trouble is Trouble.DOWN:
            await sim.go_down()
            return
        if step.trouble in (Trouble.REFUSE, Trouble.FORGET):
            gateway.refuse = gateway.refuse or step.trouble is Trouble.REFUSE
            if step.trouble is Trouble.FORGET:
                gateway.forget()
        acts: dict[Trouble, Callable[[], None]] = {
            Trouble.RECONNECT: gateway.request_reconnect,
            Trouble.INVALID: gateway.invalidate,
            Trouble.INVALID_RESUMABLE: lambda: gateway.invalidate(resumable=True),
            Trouble.CLOSE: lambda: gateway.close(step.code),
            Trouble.ZOMBIE: gateway.freeze,
        }
        acts.get(step.trouble, lambda: gateway.close(0))()
        await sim.state.touch()

    async def _end(self, sim: SimulatedDiscord, step: Step) -> None:
        """End what lasted, unless something like it began later and still lasts."""
        others = [each for each in self.happened if each is not step and each.until_s is not None]
        still = {each.trouble for each in others if (each.until_s or 0.0) > (step.until_s or 0.0)}
        if step.trouble is Trouble.ZOMBIE:
            sim.gateway.cut_zombies()
        if step.trouble is Trouble.DOWN and Trouble.DOWN not in still:
            sim.rest.faults.standing = None
        if step.trouble in (Trouble.DOWN, Trouble.REFUSE) and not still & {Trouble.DOWN, Trouble.REFUSE}:
            sim.gateway.refuse = False
        await sim.state.touch()

    def report(self) -> str:
        """What it did, one step a line."""
        return "\n".join(map(str, self.happened))


def _moment(moment: tuple[float, int, Step | None]) -> tuple[float, int]:
    return moment[:2]
