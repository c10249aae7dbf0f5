"""Marking alerts, deciding on all of them, and taking it back."""

from __future__ import annotations

from jinkies.commands import Acknowledge, Resolve
from jinkies.config import Config
from jinkies.core import Core
from jinkies.model import SYSTEM, Actor, ActorKind, AlertQuery, State
from jinkies.operator import Operator
from jinkies.wire.peer import local_actor
from tests.tui.conftest import Console, Report, console_on
from tui.screens.alert_actions import AlertActions

MARA = Actor(kind=ActorKind.DISCORD, id="9", name="mara")


async def _states(operator: Operator) -> dict[str, State]:
    rows = (await operator.alerts(AlertQuery(limit=500))).rows
    return {row.title: row.state for row in rows}


async def test_space_marks_and_a_decides_on_all_marked(operator: Operator, config: Config, report: Report) -> None:
    for name in ("one", "two", "three"):
        await report(name, service="api" if name != "two" else "worker")
    async with console_on(config, operator) as console:
        await console.until("one", "three")
        await console.press("space", "space")
        await console.until("◆ 2 marked", "▶ ")
        await console.press("a")
        await console.until("Acknowledge 2 marked alerts", "2 open", "1 api, 1 worker", "⏎ yes, all")
        await console.press("escape")
        await console.until("◆ 2 marked")
        assert set((await _states(operator)).values()) == {State.OPEN}
        await console.press("a", "enter")
        await console.until("2 changed", "undo ack of 2")
        await console.until_gone("marked")
        acknowledged = State.ACKNOWLEDGED
        assert await _states(operator) == {"one": State.OPEN, "two": acknowledged, "three": acknowledged}
        await console.press("z")
        await console.until_gone("undo ack")
        await console.until_true(lambda: console.app.session.counts.open == 3, "three open in")


async def test_all_of_the_filter_and_what_was_refused_stays_marked(
    operator: Operator, core: Core, config: Config, report: Report
) -> None:
    ids = [await report(f"boom {number}") for number in range(12)]
    await report("other", service="worker")
    async with console_on(config, operator) as console:
        await console.until("other")
        await console.press("slash", *"service:api", "enter")
        await console.until_gone("other")
        await console.press("asterisk")
        await console.until("◆ 12 marked")
        await console.press("r")
        await console.until("Resolve 12 marked alerts", "12 open", "and 2 more")
        await core.operator(MARA).execute(Acknowledge(alert_id=ids[3]))
        await console.press("enter")
        await console.until("11 changed, 1 refused", f"somebody was faster: #{ids[3]} is acknowledged by", "mara")
        await console.until("◆ 1 marked")
        states = await _states(operator)
        assert states["boom 3"] is State.ACKNOWLEDGED
        assert states["other"] is State.OPEN
        assert list(states.values()).count(State.RESOLVED) == 11
        await console.press("escape")
        await console.until_gone("marked")
        assert "service:api" in console.text, "the filter is the next escape's"


async def test_marks_what_is_not_loaded_up_to_a_bound(core: Core, config: Config, report: Report) -> None:
    for number in range(510):
        await report(f"alert {number}", occurred_at_ms=1_700_000_000_000 + number)
    async with console_on(config, core.operator(local_actor())) as console:
        await console.until("of 510")
        await console.press("asterisk")
        await console.until("◆ 500 marked", "the newest 500 are marked")
        await console.press("s")
        await console.until("Snooze 500 marked")
        await console.press("2", "h", "enter")
        await console.until("500 open", "and 490 more")
        await console.press("enter")
        await console.until("500 changed")
        assert console.app.session.counts.snoozed == 500


def meant(console: Console) -> int | None:
    """The alert that keys act on."""
    screen = console.app.screen
    row = screen.current if isinstance(screen, AlertActions) else None
    return row.alert_id if row is not None else None


async def test_undo_is_offered_where_one_looks_and_runs_out(
    operator: Operator, core: Core, config: Config, report: Report
) -> None:
    first, second = await report("first"), await report("second")
    async with console_on(config, operator) as console:
        await console.until("second")
        assert "undo" not in console.lines[-1]
        await console.press("r")
        await console.until(f"z undo resolve #{second} (")
        await console.until_true(lambda: "first" in console.line_with("▶"), "the cursor on the first in")
        await console.until_true(lambda: meant(console) == first, "the keys mean the first in")
        await console.press("a")
        await console.until(f"z undo ack #{first} (")
        await console.press("z")
        await console.until(f"z undo resolve #{second} (")
        await console.press("z")
        await console.until_true(lambda: console.app.session.counts.open == 2, "both open in")
        await console.until_gone("undo")


async def test_an_undo_that_comes_too_late_is_told_who_won(
    operator: Operator, core: Core, config: Config, report: Report
) -> None:
    alert_id = await report("boom")
    async with console_on(config, operator) as console:
        await console.until("boom")
        await console.press("a")
        await console.until("undo ack")
        await core.operator(MARA).execute(Resolve(alert_id=alert_id))
        await console.press("z")
        await console.until("Somebody decided first", f"#{alert_id} is resolved by mara")


async def test_what_another_window_decided_can_be_taken_back_here(
    operator: Operator, core: Core, config: Config, report: Report
) -> None:
    alert_id = await report("boom")
    async with console_on(config, operator) as console:
        await console.until("boom")
        await core.operator(local_actor()).execute(Acknowledge(alert_id=alert_id))
        await console.until("undo acknowledged #")
        await core.operator(SYSTEM).execute(Acknowledge(alert_id=alert_id))
        await console.press("z")
        await console.until("took back: acknowledged")
