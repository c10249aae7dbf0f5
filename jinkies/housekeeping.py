"""What the core does by itself, now and then; each loop runs until it is cancelled."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable

from jinkies.commands import Expire, KeepSearched, KeepTails, Tick
from jinkies.core import Core
from jinkies.errors import JinkiesError, Overloaded, StoreFailed
from jinkies.model import SYSTEM, PartHealth, PartState
from jinkies.ports import Logs

TICK_S = 1.0
STEP_S = 0.05  # between two steps of a long work, so that ingest passes
PROGRESS_S = 10.0  # between two records of how far tails have come
RETENTION_S = 3_600.0
JOURNAL_DAYS = 7  # entries older than that are compacted, unless they are among the newest few thousand
SWEEP_S = 3.0  # between two looks at what came since
READ_AT_ONCE = 5  # alerts in one transaction: some milliseconds of the writer
DAY_MS = 86_400_000
BOT_SILENCE_S = 40.0  # it reports every 15 s
BOT_SILENT = "the bot is silent: is jinkies-bot running?"

_log = logging.getLogger(__name__)


async def keep_time(core: Core) -> None:
    """Wake what was snoozed and resolve what is quiet, within ``TICK_S`` of its time."""
    while True:
        with contextlib.suppress(StoreFailed, Overloaded):
            while await _is_due(core) and (await core.execute(Tick(), SYSTEM)).changed:
                await core.clock.sleep(STEP_S)
        await core.clock.sleep(TICK_S)


async def _is_due(core: Core) -> bool:
    """Asked of the readers, so that an idle core begins no transaction."""
    due_at_ms = await core.reader.next_due_at_ms()
    return due_at_ms is not None and due_at_ms <= core.clock.now_ms()


async def resume_tails(core: Core, logs: Logs) -> None:
    """Follow again what was followed before a restart.

    Before anybody can attach: a viewer who comes back first would begin a tail anew, without what came meanwhile.
    """
    for saved in await core.reader.saved_tails():
        try:
            logs.resume_tail(saved)
        except JinkiesError as error:
            _log.warning("the tail of %s is not followed again: %s", ", ".join(saved.spec.targets)[:200], error)


async def keep_tails(core: Core, logs: Logs) -> None:
    """Keep what runs, and how far it has come, in the store."""
    kept = await core.reader.saved_tails()
    kept_s = core.clock.monotonic_s()
    while True:
        tails, now_s = logs.saved_tails(), core.clock.monotonic_s()
        others = [one.spec for one in kept] != [one.spec for one in tails]
        if others or (tails != kept and now_s - kept_s >= PROGRESS_S):
            with contextlib.suppress(StoreFailed, Overloaded):
                await core.execute(KeepTails(tails=tails), SYSTEM)
                kept, kept_s = tails, now_s
        await core.clock.sleep(TICK_S)


async def expire(core: Core) -> None:
    """Delete resolved alerts past ALERT_RETENTION_DAYS and compact the journal, in small steps between ingest's."""
    while True:
        now_ms, days = core.clock.now_ms(), core.config.alert_retention_days
        step = Expire(before_ms=now_ms - days * DAY_MS if days else 0, compact_before_ms=now_ms - JOURNAL_DAYS * DAY_MS)
        with contextlib.suppress(StoreFailed, Overloaded):
            while (await core.execute(step, SYSTEM)).changed:
                await core.clock.sleep(STEP_S)
        await core.clock.sleep(RETENTION_S)


async def read_later(core: Core) -> None:
    """Tell the search what later occurrences say: each alert once a sweep however often it happens, slowly."""
    after = 0
    while True:
        with contextlib.suppress(StoreFailed, Overloaded):
            alert_ids = await core.reader.unread(after, READ_AT_ONCE)
            await read_some(core, alert_ids)
            after = alert_ids[-1] if alert_ids else 0
        await core.clock.sleep(STEP_S if after else SWEEP_S)


async def read_some(core: Core, alert_ids: Iterable[int]) -> None:
    """What the search has not read of these alerts, in one transaction."""
    found = [await core.reader.later(alert_id) for alert_id in alert_ids]
    items = tuple(one for one in found if one is not None)
    if items:
        await core.execute(KeepSearched(items=items), SYSTEM)


async def notice_silence(core: Core) -> None:
    """Say when the bot has not been heard of for a while: nobody else would, were it killed."""
    core.report_health(PartHealth(part="discord", state=PartState.CONNECTING, detail="no bot yet: run jinkies-bot"))
    while True:
        await core.clock.sleep(BOT_SILENCE_S / 4)
        if core.unheard_ms("discord") > BOT_SILENCE_S * 1000:
            core.report_health(PartHealth(part="discord", state=PartState.FAILED, detail=BOT_SILENT))
