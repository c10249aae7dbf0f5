"""What most subcommands start with: the configuration, and an Operator for one call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from jinkies.config import Config, load_config
from jinkies.operator import Operator

Call = Callable[[Config, Operator], Awaitable[int]]


def with_operator(call: Call) -> int:
    """Run ``call`` with an Operator: attached when a core runs, else on the database for this one call."""
    config = load_config()
    logging.basicConfig(level=logging.ERROR, format="jinkies: %(message)s")
    return asyncio.run(_with_operator(config, call))


async def _with_operator(config: Config, call: Call) -> int:
    from jinkies.app import Mode, open_operator

    async with open_operator(config, Mode.ONE_SHOT) as operator:
        return await call(config, operator)
