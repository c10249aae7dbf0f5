"""Merging and splitting alerts in the console."""

from __future__ import annotations

from jinkies.commands import Acknowledge, Comment, Merge
from jinkies.config import Config
from jinkies.core import Core
from jinkies.model import Actor, ActorKind, State
from jinkies.operator import Operator
from tests.tui.conftest import Report, console_on

MARA = Actor(kind=ActorKind.DISCORD, id="9", name="mara")


async def test_merges_into_the_newest_of_the_service_and_takes_it_back(
    operator: Operator, config: Config, report: Report
) -> None:
    target = await report("target")
    await report("foreign", service="worker")
    gone = await report("gone")
    async with console_on(config, operator) as console:
        await console.until("gone")
        await console.press("M")
        await console.until(f"Make #{gone} part of", f"#{target}   target  ×1")
        assert "foreign  ×1" not in console.text
        await console.press("enter")
        await console.until(f"#{gone}: merged into #{target} by", f"z undo merge #{gone}")
        assert (await operator.alert(gone)).row.merged_into == target
        assert (await operator.alert(target)).row.parts == (gone,)
        await console.press("z")
        await console.until(f"#{gone}: split off #{target} by")
        row = (await operator.alert(gone)).row
        assert (row.state, row.merged_into) == (State.OPEN, None)
        assert (await operator.alert(target)).row.parts == ()


async def test_both_say_what_they_are_part_of_and_either_splits(
    operator: Operator, core: Core, config: Config, report: Report
) -> None:
    target, one, two = await report("target"), await report("one"), await report("two")
    await report("two")
    mara = core.operator(MARA)
    for part in (one, two):
        await mara.execute(Merge(alert_id=part, into=target))
    async with console_on(config, operator) as console:
        await console.until("Merged into this ─ 2", "Z split off", f"#{two} two", "×2", f"#{one} one")
        await console.press("Z")
        await console.until(f"Split off #{target}")
        await console.press("enter")
        await console.until("Merged into this ─ 1")
        assert (await operator.alert(two)).row.merged_into is None
        await console.press("slash", *f"#{one}", "enter")
        await console.until(f"part of #{target}")
        await console.press("a")
        await console.press("Z")
        await console.until(f"#{one}: split off #{target} by")
        assert (await operator.alert(target)).row.parts == ()


async def test_what_cannot_be_merged_says_why(operator: Operator, config: Config, report: Report) -> None:
    foreign = await report("foreign", service="worker")
    mine = await report("mine")
    async with console_on(config, operator) as console:
        await console.until("mine")
        await console.press("M", *str(foreign), "enter")
        await console.until("Not done", "that is not one thing")
        await console.press("M", *"nowhere", "enter")
        await console.until("'nowhere' is no alert's number")
        assert (await operator.alert(mine)).row.merged_into is None


async def test_the_loser_of_a_merge_is_told_who_won(
    operator: Operator, core: Core, config: Config, report: Report
) -> None:
    target, mine = await report("target"), await report("mine")
    async with console_on(config, operator) as console:
        await console.until("mine")
        await console.press("M")
        await console.until(f"Make #{mine} part of")
        await core.operator(MARA).execute(Acknowledge(alert_id=mine))
        await console.press("enter")
        await console.until("Somebody decided first", f"#{mine} is acknowledged by mara")
        assert (await operator.alert(target)).row.parts == ()


async def test_a_comment_is_shown_whole_and_folded_when_long(
    operator: Operator, core: Core, config: Config, report: Report
) -> None:
    alert_id = await report("boom")
    text = "\n".join(["the [b]cause[/b] is known", *(f"line {number}" for number in range(9)), "the very last"])
    await core.operator(MARA).execute(Comment(alert_id=alert_id, text=text))
    async with console_on(config, operator, size=(120, 50)) as console:
        await console.until("mara", "the [b]cause[/b] is known", "line 2", "⋯ 7 more lines, f unfold")
        assert "the very last" not in console.text
        await console.press("f")
        await console.until("line 3", "the very last")
        await console.until_gone("more lines")
