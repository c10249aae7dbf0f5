"""The pace of what is not FilterLogEvents: CloudWatch Logs throttles each action by itself, so each has a bucket.

A flood of one, such as the results of many queries asked for at once, takes nothing from another's, nor from the
tails' own, which is ``budget``'s.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jinkies.clock import Clock
from jinkies.errors import UpstreamError
from jinkies.logs.budget import Budget

# Transactions per second, per account and region. DescribeLogGroups, StartLiveTail: AWS General Reference, "Amazon
# CloudWatch Logs endpoints and quotas". Of Insights it says less: cautious, and throttling lowers it.
RATES = {
    "DescribeLogGroups": 10.0,
    "StartLiveTail": 5.0,
    "StartQuery": 5.0,
    "GetQueryResults": 5.0,
    "StopQuery": 5.0,
}


class Quotas:
    """A ``Budget`` for each action of ``RATES``. Close it.

    Args:
        bounded: an emulator has no rates, until it throttles.
    """

    def __init__(self, clock: Clock, *, bounded: bool) -> None:
        self._budgets = {action: Budget(clock, rate if bounded else None) for action, rate in RATES.items()}

    @asynccontextmanager
    async def turn(self, action: str) -> AsyncIterator[None]:
        """One request of an action, once its turn has come; first come, first served. Raises what the body raises."""
        budget = self._budgets[action]
        await budget.lane().take()
        try:
            yield
        except UpstreamError as error:
            if error.throttled:
                budget.throttled()
            raise

    async def close(self) -> None:
        """Cancel whoever still waits."""
        for budget in self._budgets.values():
            await budget.close()
