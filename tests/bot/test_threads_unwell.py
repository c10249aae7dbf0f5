"""Threads on cards when Discord, the bot or somebody's permissions stand in the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from bot import threads
from jinkies.commands import Acknowledge, Comment
from jinkies.config import Config
from jinkies.model import Delivery, DeliveryState, TimelineEntry, What
from jinkies.simulators.discord import Fault, FaultKind, World
from jinkies.simulators.discord.permissions import CREATE_PUBLIC_THREADS
from jinkies.simulators.discord.world import User
from tests.bot.worlds import CHANNEL, CHANNEL_ID, Desk, in_a_world

POST_THERE = r"/channels/\d+/messages$"


def threaded(config: Config) -> Config:
    return msgspec.structs.replace(
        config, discord=msgspec.structs.replace(config.discord, threads=True, max_new_cards_per_minute=0)
    )


def in_a_threaded_world(
    work: Callable[[Desk], Awaitable[None]], *, nonce_memory_s: float = 300.0, users: tuple[User, ...] = World().users
) -> None:
    world = World(message_content=True, users=users)
    in_a_world(work, change=threaded, world=world, nonce_memory_s=nonce_memory_s)


async def thread_of(desk: Desk, alert_id: int = 1) -> Delivery:
    """Once it is there, and in step."""
    key = (alert_id, CHANNEL_ID, What.THREAD)
    held = desk.session.replica.deliveries
    await desk.until(lambda: key in held and held[key].in_step)
    return held[key]


def said(desk: Desk, thread: Delivery) -> str:
    """All that the bot said in a thread, oldest first."""
    mine = [one for one in reversed(desk.discord.messages(str(thread.message_id))) if one["author"].get("bot")]
    return "\n".join(one["content"] for one in mine)


async def decided_while_the_card_is_refused(desk: Desk) -> None:
    await desk.report()
    await desk.until_in_step()
    desk.discord.fault(Fault(method="PATCH", path="/messages/", kind=FaultKind.STATUS, status=400, times=1))
    await desk.report()
    states: list[DeliveryState] = []
    while DeliveryState.FAILED not in states:
        await desk.clock.sleep(0.5)
        states = [one.state for one in await desk.deliveries()]
    await desk.operator.execute(Acknowledge(alert_id=1, note="mine"))
    await desk.until_in_step()
    assert "mine" in said(desk, await thread_of(desk))


def test_what_is_decided_while_a_card_cannot_be_edited_is_told_all_the_same() -> None:
    in_a_threaded_world(decided_while_the_card_is_refused)


async def comment_of_two_lines(desk: Desk) -> None:
    await desk.report()
    await desk.until_in_step()
    lost = Fault(method="POST", path=POST_THERE, kind=FaultKind.DROP_AFTER_EFFECT, times=1)
    desk.discord.fault(lost)
    await desk.operator.execute(Comment(alert_id=1, text="first line\nsecond line"))
    await desk.until_in_step()
    assert said(desk, await thread_of(desk)).count("second line") == 1


def test_words_of_two_lines_are_not_told_twice() -> None:
    in_a_threaded_world(comment_of_two_lines, nonce_memory_s=0.0)


async def without_the_permission(desk: Desk) -> None:
    await desk.discord.change_channel(CHANNEL_ID, denied=CREATE_PUBLIC_THREADS)
    for number in range(40):
        await desk.report(f"boom {number}")
    await desk.clock.sleep(240.0)
    tried = [one for one in desk.discord.calls if one.path.endswith("/threads")]
    assert 1 <= len(tried) <= 12, "a channel is asked, not each of its cards"
    [told] = {one.error for one in await desk.deliveries() if one.what is What.THREAD and one.error}
    assert "Create Public Threads" in told
    await desk.discord.change_channel(CHANNEL_ID, denied=0)
    await desk.until_in_step(60.0)


def test_a_missing_permission_is_asked_for_once_a_channel_and_its_coming_is_noticed() -> None:
    in_a_threaded_world(without_the_permission)


def test_a_fault_of_ours_with_one_thread_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = threads.entry_line

    def broken(entry: TimelineEntry) -> str:
        if "broken" in entry.text:
            raise ValueError("an inner detail")
        return whole(entry)

    monkeypatch.setattr(threads, "entry_line", broken)

    async def two(desk: Desk) -> None:
        await desk.report("one")
        await desk.report("two")
        await desk.until_in_step()
        await desk.operator.execute(Comment(alert_id=1, text="broken"))
        await desk.operator.execute(Comment(alert_id=2, text="well"))
        two = await thread_of(desk, 2)
        await desk.until(lambda: "well" in said(desk, two), 30.0)

    in_a_threaded_world(two)


async def written_while_the_thread_begins(desk: Desk) -> None:
    in_the_thread = rf"/channels/(?!{CHANNEL_ID})\d+/messages$"
    desk.discord.fault(Fault(method="GET", path=in_the_thread, kind=FaultKind.DELAY, delay_s=10.0))
    await desk.report()
    await desk.until(lambda: desk.discord.threads(CHANNEL))
    [thread] = desk.discord.threads(CHANNEL)
    await desk.discord.say("at once", "velma", thread["id"])
    await desk.until(lambda: desk.session.replica.rows[1].comments, 30.0)
    await desk.until_in_step()
    assert sum("at once" in one["content"] for one in desk.discord.messages(thread["id"])) == 1


def test_what_is_written_before_the_thread_is_recorded_is_a_comment() -> None:
    in_a_threaded_world(written_while_the_thread_begins)


async def chatting_without_permission(desk: Desk) -> None:
    await desk.report()
    await desk.until_in_step()
    thread = await thread_of(desk)
    for words in ("hello", "anybody", "there"):
        await desk.discord.say(words, "shaggy", str(thread.message_id))
        await desk.clock.sleep(5.0)
    assert said(desk, thread).count("Not taken into the timeline") == 1


def test_who_chats_without_permission_is_told_so_once() -> None:
    in_a_threaded_world(chatting_without_permission)


async def name_with_a_colon(desk: Desk) -> None:
    await desk.report()
    await desk.until_in_step()
    thread = await thread_of(desk)
    desk.session._comments._took = lambda _: None  # as after a restart
    await desk.discord.say("it is: the cart", "fred", str(thread.message_id))
    await desk.until(lambda: desk.session.replica.rows[1].comments, 30.0)
    await desk.until_in_step()
    await asyncio.sleep(0)
    assert sum("the cart" in one["content"] for one in desk.discord.messages(str(thread.message_id))) == 1


def test_words_of_somebody_whose_name_has_a_colon_are_not_said_again() -> None:
    named = World().users[1]
    users = (msgspec.structs.replace(named, nick="Fred: Jones"), *World().users[:1])
    in_a_threaded_world(name_with_a_colon, users=users)
