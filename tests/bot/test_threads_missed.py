"""What people wrote in the threads on cards while the bot was away."""

from __future__ import annotations

import msgspec
import pytest

from bot import thread_reader
from bot.courier import Writer, Written
from bot.thread_comments import has_words
from jinkies.commands import Resolve
from jinkies.config import Config
from jinkies.model import AlertDetail, Delivery, EntryKind, PartState, What
from jinkies.simulators.discord import Fault, FaultKind, World
from jinkies.simulators.discord.world import ON_CALL, Access
from tests.bot.test_threads_unwell import in_a_threaded_world, thread_of, threaded
from tests.bot.worlds import CHANNEL_ID, Desk, in_a_world

FRED = World().users[1]
GUILD_MEMBERS = "/members/"


async def with_a_thread(desk: Desk, name: str = "boom") -> str:
    """A new alert's thread, by its id; it is told, and nothing is left to do."""
    alert_id = (await desk.report(name)).alert_id or 0
    thread = await thread_of(desk, alert_id)
    await desk.until_in_step()
    return str(thread.message_id)


async def detail_of(desk: Desk, alert_id: int = 1) -> AlertDetail:
    return await desk.operator.alert(alert_id)


async def comments(desk: Desk, alert_id: int = 1) -> list[str]:
    """What the timeline holds of them, oldest first."""
    timeline = (await detail_of(desk, alert_id)).timeline
    return [entry.text for entry in timeline if entry.kind is EntryKind.ALERT_COMMENTED]


async def refusals(desk: Desk, alert_id: int = 1) -> int:
    timeline = (await detail_of(desk, alert_id)).timeline
    return sum(entry.kind is EntryKind.COMMAND_REFUSED for entry in timeline)


def not_taken(desk: Desk, thread: str) -> int:
    """How often somebody was told why their words were not."""
    return sum("Not taken into the timeline" in one["content"] for one in desk.discord.messages(thread))


async def started(desk: Desk) -> None:
    """The bot, up to where it has nothing to read any more, and has told so."""
    await desk.start_bot()
    await desk.until(lambda: desk.health is not None and desk.health.state is PartState.OK, 60)
    await caught_up(desk)


async def caught_up(desk: Desk) -> None:
    reader = desk.session._reader

    def is_done() -> bool:
        standing = reader._standing()
        return standing is not None and reader._term == standing and not reader._queue and not reader._heard.marks

    await desk.until(is_done)
    await desk.until_in_step()


async def read_to(desk: Desk, alert_id: int = 1) -> str:
    [thread] = [one for one in (await detail_of(desk, alert_id)).deliveries if one.what is What.THREAD]
    return thread.read_to


@pytest.mark.parametrize("kill", [False, True])
def test_what_was_written_while_the_bot_was_away_is_taken_once_and_in_order(kill: bool) -> None:
    async def work(desk: Desk) -> None:
        thread = await with_a_thread(desk)
        await desk.discord.say("zero", "velma", thread)
        await desk.until(lambda: desk.session.replica.rows[1].comments == 1)
        await desk.stop_bot(kill=kill)
        for number, who in enumerate(("velma", "fred", "velma"), 1):
            await desk.discord.say(f"word {number}", who, thread)
            await desk.clock.sleep(1.0)
        await started(desk)
        taken = ["velma: zero", "velma: word 1", "fred: word 2", "velma: word 3"]
        assert await comments(desk) == taken
        await desk.stop_bot(kill=kill)
        await started(desk)
        assert await comments(desk) == taken, "a second start takes none twice"
        for words in ("zero", "word 1", "word 2", "word 3"):
            said_there = [one["content"] for one in desk.discord.messages(thread) if words in one["content"]]
            assert said_there == [words], "nor are they told again in the thread"

    in_a_threaded_world(work)


def test_what_is_written_as_it_catches_up_comes_after_what_was_missed() -> None:
    async def work(desk: Desk) -> None:
        thread = await with_a_thread(desk)
        await desk.stop_bot()
        await desk.discord.say("first", "velma", thread)
        slow = Fault(method="GET", path=f"/channels/{thread}/messages$", kind=FaultKind.DELAY, delay_s=8.0)
        desk.discord.fault(slow)
        await desk.start_bot()
        await desk.until(lambda: desk.discord.rest.faults.left == 0 and desk.session.link.hearing)
        for words in ("second", "third"):
            await desk.discord.say(words, "velma", thread)
        await desk.until(lambda: desk.session.replica.rows[1].comments == 3)
        assert await comments(desk) == ["velma: first", "velma: second", "velma: third"]

    in_a_threaded_world(work)


def test_who_may_not_comment_is_told_so_once() -> None:
    async def work(desk: Desk) -> None:
        one, two = await with_a_thread(desk), await with_a_thread(desk, "bang")
        await desk.stop_bot()
        for thread in (one, two):
            await desk.discord.say("let me in", "shaggy", thread)
            await desk.discord.say("hello?", "shaggy", thread)
            await desk.discord.say("I may", "velma", thread)
        for _ in range(2):
            await started(desk)
            assert not_taken(desk, one) + not_taken(desk, two) == 1
            assert await comments(desk) == await comments(desk, 2) == ["velma: I may"]
            assert await refusals(desk) == await refusals(desk, 2) == 2, "a second start refuses nothing again"
            await desk.stop_bot(kill=True)

    in_a_threaded_world(work)


def test_who_was_refused_as_they_wrote_is_not_refused_again_after_a_kill() -> None:
    async def work(desk: Desk) -> None:
        thread = await with_a_thread(desk)
        await desk.discord.say("let me in", "shaggy", thread)
        await desk.until(lambda: not_taken(desk, thread))
        await desk.stop_bot(kill=True)
        await desk.clock.sleep(3_600.0)  # beyond what is remembered of nonces
        await started(desk)
        assert not_taken(desk, thread) == 1
        assert await refusals(desk) == 1

    in_a_threaded_world(work)


def test_who_left_is_refused_without_a_word() -> None:
    async def work(desk: Desk) -> None:
        thread = await with_a_thread(desk)
        await desk.stop_bot()
        await desk.discord.say("before I go", "fred", thread)
        await desk.discord.say("he left", "velma", thread)
        world = desk.discord.state.world
        left = tuple(user for user in world.users if user.id != FRED.id)
        desk.discord.state.world = msgspec.structs.replace(world, users=left)
        await started(desk)
        assert await comments(desk) == ["velma: he left"]
        assert await refusals(desk) == 0
        assert not_taken(desk, thread) == 0

    in_a_threaded_world(work)


def test_roles_are_those_that_they_have_now() -> None:
    async def work(desk: Desk) -> None:
        thread = await with_a_thread(desk)
        await desk.stop_bot()
        await desk.discord.say("mine", "shaggy", thread)
        await desk.discord.change_user("shaggy", roles=(ON_CALL.id,))
        await started(desk)
        assert await comments(desk) == ["Shaggy (support): mine"]

    in_a_threaded_world(work)


def test_a_change_while_the_bot_is_away_is_taken_and_what_was_deleted_is_not() -> None:
    async def work(desk: Desk) -> None:
        thread = await with_a_thread(desk)
        taken = await desk.discord.say("taken", "velma", thread)
        await desk.until(lambda: desk.session.replica.rows[1].comments == 1)
        await desk.stop_bot(kill=True)
        await desk.discord.people.change(taken["id"], "taken, and changed", "velma")
        changed = await desk.discord.say("the cat", "velma", thread)
        gone = await desk.discord.say("never mind", "velma", thread)
        await desk.discord.people.change(changed["id"], "the cart", "velma")
        await desk.discord.delete_message(gone["id"])
        await desk.discord.say("indeed", "fred", thread, reply_to=changed["id"])
        await started(desk)
        assert await comments(desk) == ["velma: taken", "velma: the cart", "fred: indeed"]
        assert not_taken(desk, thread) == 0

    in_a_threaded_world(work)


@pytest.mark.parametrize("locked", [False, True])
def test_an_archived_thread_is_read_and_stays_archived(locked: bool) -> None:
    async def work(desk: Desk) -> None:
        thread = await with_a_thread(desk)
        await desk.stop_bot()
        await desk.discord.say("the cart", "velma", thread)
        await desk.discord.people.archive(thread, locked=locked)
        await started(desk)
        assert await comments(desk) == ["velma: the cart"]
        [shown] = desk.discord.threads("alerts")
        assert shown["thread_metadata"]["archived"]

    in_a_threaded_world(work)


def test_a_resolved_alerts_thread_is_read_too() -> None:
    async def work(desk: Desk) -> None:
        thread = await with_a_thread(desk)
        await desk.operator.execute(Resolve(alert_id=1))
        await desk.until_in_step()
        await desk.stop_bot()
        await desk.discord.say("it was the cart", "velma", thread)
        await started(desk)
        await desk.discord.say("as always", "fred", thread)
        await desk.until(lambda: desk.session.replica.rows[1].comments == 2)
        assert await comments(desk) == ["velma: it was the cart", "fred: as always"]

    in_a_threaded_world(work)


def test_a_lost_session_is_caught_up_with_and_a_resumed_one_needs_nothing() -> None:
    async def work(desk: Desk) -> None:
        thread = await with_a_thread(desk)
        await desk.discord.say("first", "velma", thread)
        await desk.until(lambda: desk.session.replica.rows[1].comments == 1)
        await caught_up(desk)
        before, resumes = reads(desk, thread), desk.discord.gateway.resumes
        desk.discord.gateway.close(0)
        await desk.discord.say("resumed", "velma", thread)
        await desk.until(lambda: desk.session.replica.rows[1].comments == 2)
        await desk.clock.sleep(30.0)
        assert desk.discord.gateway.resumes == resumes + 1
        assert reads(desk, thread) == before
        desk.discord.gateway.forget()
        desk.discord.gateway.close(0)
        await desk.discord.say("nobody tells", "velma", thread)
        await desk.until(lambda: desk.session.replica.rows[1].comments == 3)
        assert await comments(desk) == ["velma: first", "velma: resumed", "velma: nobody tells"]

    in_a_threaded_world(work)


def reads(desk: Desk, thread: str) -> int:
    return sum(one.method == "GET" and one.path.endswith(f"/channels/{thread}/messages") for one in desk.discord.calls)


def test_what_is_written_while_the_core_is_away_is_taken_when_it_is_back() -> None:
    async def work(desk: Desk) -> None:
        thread = await with_a_thread(desk)
        await desk.discord.say("before", "velma", thread)
        await desk.until(lambda: desk.session.replica.rows[1].comments == 1)
        await desk.stop_core()
        for words in ("meanwhile", "and so on"):
            await desk.discord.say(words, "velma", thread)
            await desk.clock.sleep(1.0)
        await desk.start_core()
        await desk.until(lambda: desk.session.replica.rows[1].comments == 3)
        assert await comments(desk) == ["velma: before", "velma: meanwhile", "velma: and so on"]
        assert not_taken(desk, thread) == 0

    in_a_threaded_world(work)


def test_many_pages_are_taken_in_order_though_discord_fails_in_between() -> None:
    async def work(desk: Desk) -> None:
        thread = await with_a_thread(desk)
        await desk.stop_bot()
        written = [f"word {number}" for number in range(230)]
        for words in written:
            await desk.discord.say(words, "velma", thread)
        desk.discord.fault(Fault(method="GET", path=GUILD_MEMBERS, kind=FaultKind.STATUS, status=500, times=8))
        await started(desk)
        assert await comments_of_all(desk) == len(written)
        newest = [f"velma: {words}" for words in written[-50:]]  # a timeline shows its newest entries
        assert (await comments(desk))[-50:] == newest
        members = [one for one in desk.discord.calls if GUILD_MEMBERS in one.path and one.status == 200]
        assert len(members) == 1, "who somebody is is remembered"

    def change(config: Config) -> Config:
        discord = msgspec.structs.replace(threaded(config).discord, max_actions_per_minute=0)
        return msgspec.structs.replace(config, discord=discord)

    in_a_world(work, change=change, world=World(message_content=True))


async def comments_of_all(desk: Desk, alert_id: int = 1) -> int:
    return (await detail_of(desk, alert_id)).row.comments


def test_who_wrote_too_fast_is_held_to_the_same_pace_as_live() -> None:
    async def work(desk: Desk) -> None:
        thread = await with_a_thread(desk)
        await desk.stop_bot()
        for number in range(30):
            await desk.discord.say(f"word {number}", "velma", thread)
        await desk.clock.sleep(60.0)
        await desk.discord.say("calm again", "velma", thread)
        await started(desk)
        taken = await comments(desk)
        assert taken == [*(f"velma: word {number}" for number in range(20)), "velma: calm again"]
        assert not_taken(desk, thread) == 1

    in_a_threaded_world(work)


def test_fifty_threads_do_not_delay_a_new_card() -> None:
    async def work(desk: Desk) -> None:
        threads = [await with_a_thread(desk, f"boom {number}") for number in range(50)]
        await desk.stop_bot()
        for thread in threads:
            await desk.discord.say("the cart", "velma", thread)
        await desk.clock.sleep(10.0)  # the first fifty cards have used the rate limit up
        await desk.start_bot()
        await desk.until(lambda: sum(row.comments for row in desk.session.replica.rows.values()) >= 3)
        at_s = desk.clock.monotonic_s()
        await desk.report("new")
        await desk.until(lambda: len(desk.discord.messages(CHANNEL_ID)) == 51)
        assert desk.clock.monotonic_s() - at_s < 2.0
        assert desk.session._reader._queue, "the threads are still being read"
        await caught_up(desk)
        for alert_id in range(1, 51):
            assert await comments(desk, alert_id) == ["velma: the cart"]
        assert not [one for one in desk.discord.calls if one.status == 429]

    in_a_threaded_world(work)


def test_without_discords_words_nothing_is_asked_and_nothing_counts_as_read() -> None:
    async def work(desk: Desk) -> None:
        thread = await with_a_thread(desk)
        before = await read_to(desk)
        await desk.discord.say("nobody reads this", "velma", thread)
        reading = reads(desk, thread)
        await desk.clock.sleep(30.0)
        assert reads(desk, thread) == reading
        assert not [one for one in desk.discord.calls if GUILD_MEMBERS in one.path]
        assert await read_to(desk) == before == thread

    in_a_world(work, change=threaded)


def test_a_closed_channels_threads_are_read_once_it_is_open_again() -> None:
    async def work(desk: Desk) -> None:
        threads = [await with_a_thread(desk, f"boom {number}") for number in range(3)]
        await desk.stop_bot()
        for thread in threads:
            await desk.discord.say("the cart", "velma", thread)
        await desk.discord.change_channel(CHANNEL_ID, access=Access.NONE)
        await desk.start_bot()
        await desk.until(lambda: desk.session._reader._closed and not desk.session._reader._queue)
        refused = [one for one in desk.discord.calls if one.status == 403 and one.method == "GET"]
        assert len(refused) == 1, "a channel is asked, not each of its threads"
        await desk.discord.change_channel(CHANNEL_ID, access=Access.FULL)
        await desk.until(lambda: all(desk.session.replica.rows[number].comments for number in (1, 2, 3)))

    in_a_threaded_world(work)


def test_after_days_all_that_was_written_is_taken_and_nothing_twice() -> None:
    async def work(desk: Desk) -> None:
        thread = await with_a_thread(desk)
        await desk.discord.say("before", "velma", thread)
        await desk.until(lambda: desk.session.replica.rows[1].comments == 1)
        await caught_up(desk)
        await desk.stop_bot()
        await desk.stop_core()
        await desk.discord.say("on the first day", "velma", thread)
        await desk.clock.sleep(9 * 86_400.0)
        await desk.discord.say("on the ninth", "velma", thread)
        await desk.start_core()
        await started(desk)
        assert await comments(desk) == ["velma: before", "velma: on the first day", "velma: on the ninth"]

    in_a_threaded_world(work)


def test_a_thread_of_an_older_version_is_read_as_far_back_as_the_core_knows_keys() -> None:
    async def work(desk: Desk) -> None:
        thread = await thread_delivery(desk)
        reader = desk.session._reader
        days = 7 * 86_400_000
        now_ms = desk.clock.now_ms()
        unmarked = reader._start(msgspec.structs.replace(thread, read_to=""), "1")
        assert now_ms - days < (unmarked >> 22) + thread_reader._EPOCH_MS < now_ms

    in_a_threaded_world(work)


async def thread_delivery(desk: Desk) -> Delivery:
    await with_a_thread(desk)
    return await thread_of(desk)


def test_a_card_that_was_posted_afresh_leads_to_its_thread_and_hears_it_after_a_restart() -> None:
    async def work(desk: Desk) -> None:
        thread = await with_a_thread(desk)
        for _ in range(2):
            too_old = {"message": "Maximum number of edits to messages older than 1 hour reached", "code": 30046}
            desk.discord.fault(
                Fault(method="PATCH", path="/messages/", kind=FaultKind.STATUS, status=400, body=too_old)
            )
            await desk.report()
            await desk.until_in_step()
            newest = desk.discord.messages(CHANNEL_ID)[0]
            link = f"https://discord.com/channels/{desk.discord.world.guild_id}/{thread}"
            assert newest["content"].split("\n")[1] == f"Thread: {link}"
        await desk.stop_bot()
        await desk.discord.say("the cart", "velma", thread)
        await started(desk)
        await desk.discord.say("again", "fred", thread)
        await desk.until(lambda: desk.session.replica.rows[1].comments == 2)
        assert await comments(desk) == ["velma: the cart", "fred: again"]

    in_a_threaded_world(work)


@pytest.mark.parametrize(
    ("written", "comment"),
    [
        (Written("2", "1", Writer("3"), "words"), True),
        (Written("2", "1", Writer("3"), "an answer", type=19), True),
        (Written("2", "1", Writer("3", bot=True), "words"), False),
        (Written("2", "1", Writer("3"), "words", webhook_id="4"), False),
        (Written("2", "1", Writer("3"), "words", type=7), False),
        (Written("2", "1", Writer("3"), " \n"), False),
    ],
)
def test_only_what_people_say_is_a_comment(written: Written, comment: bool) -> None:
    assert has_words(written) is comment
