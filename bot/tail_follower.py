"""Follows a tail of the core for its message: joins it, folds its batches, comes back after a lost connection."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from bot.tail_view import TailView
from jinkies.clock import Clock
from jinkies.commands import StartTail
from jinkies.errors import Disconnected, JinkiesError, NotFound, Unavailable, UpstreamError
from jinkies.model import ChannelTail
from jinkies.operator import Operator

log = logging.getLogger(__name__)

RETRY_FIRST_S = 0.5
RETRY_LAST_S = 10.0
OVERLAP_MS = 20_000  # of what was settled, asked again: late lines; with what is not settled less than a core's own


async def follow(
    operator: Operator, clock: Clock, tail: ChannelTail, view: TailView, moved: Callable[[], None]
) -> None:
    """Fold what comes, until the tail is refused for good; ``moved`` is called after each change."""
    delay_s = RETRY_FIRST_S
    while view.refused is None:
        try:
            await _once(operator, clock, tail, view, moved)
            delay_s = RETRY_FIRST_S
            view.away = "the tail ended; starting it again"
        except (Unavailable, NotFound):
            view.away = "the core is not reachable; what comes meanwhile is read afterwards"
        except JinkiesError as error:
            if isinstance(error, UpstreamError) and error.retry:
                view.away = str(error)
            else:
                view.refused = str(error)
        except Exception:  # a fault of ours with this one: others, and the board, go on
            log.exception("tail %d broke", tail.number)
            view.refused = "the bot broke over it; its log says more"
        moved()
        if view.refused is None:
            await clock.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_LAST_S)


async def _once(operator: Operator, clock: Clock, tail: ChannelTail, view: TailView, moved: Callable[[], None]) -> None:
    """Join what runs already where it can be: equal specs share one upstream, as long as it reaches back far enough."""
    from_ms = max(tail.start_ms, view.known_until_ms() - OVERLAP_MS)
    outcome = await operator.execute(StartTail(spec=msgspec.structs.replace(tail.spec, from_ms=from_ms)))
    if outcome.tail_id is None:
        raise Disconnected("the core named no tail")
    async with operator.tail(outcome.tail_id) as batches:
        view.attached(from_ms)
        async for batch in batches:
            view.fold(batch)
            moved()
            if view.refused is not None:
                return
            await clock.sleep(0)  # what is held comes without a pause: commands come in between
