"""Tails in Discord, through the real client: one message that is edited, whatever restarts meanwhile."""

from __future__ import annotations

import asyncio

from jinkies.commands import StartTail
from jinkies.model import PartState, TailSpec
from jinkies.simulators.cloudwatch import Fault, Kind
from jinkies.simulators.discord import Fault as DiscordFault
from jinkies.simulators.discord import FaultKind, World
from jinkies.simulators.discord.world import Access, Channel
from tests.bot.tailing import Scene, scene, with_log_channel
from tests.bot.worlds import CHANNEL, CHANNEL_ID


@scene()
async def test_a_message_is_posted_once_and_edited_as_lines_come(world: Scene) -> None:
    world.say("INFO earlier", "ERROR before", ago_s=20)
    answer = await world.follow(duration="5m")
    message = world.message()
    assert answer.ephemeral
    assert f"/{message['id']})" in answer.text
    assert message["embeds"][0]["title"] == "Tail 1 · api"
    await world.shows("ERROR before")
    for number in range(60):
        world.say(f"WARN number {number}")
        await world.desk.clock.sleep(1.0)
    await world.shows("WARN number 59")
    assert "**62 lines**: 1 error · 60 warnings · 1 info · complete" in world.text()
    assert "live · since <t:" in world.text()
    assert 15 < world.desk.edits() < 30, "two or three seconds apart"
    quiet = world.desk.edits()
    await world.desk.clock.sleep(60)
    assert world.desk.edits() - quiet <= 4, "no edit where nothing changed"
    stopped = await world.press("stop", "fred")
    assert not stopped.followups
    await world.shows("**ended**")
    await world.settled()
    assert "stopped by fred" in world.text()
    assert "**62 lines**" in world.text()
    assert "WARN number 59" in world.text()
    assert world.message()["components"] == []
    assert world.text().endswith("The file has all lines.")
    [file] = world.message()["attachments"]
    assert file["filename"].startswith("tail-1-api-2026")
    assert file["size"] > 62 * 30
    assert world.desk.posts() == 1


@scene()
async def test_where_no_file_may_be_attached_it_ends_without(world: Scene) -> None:
    await world.follow()
    world.say(*(f"ERROR {number}" for number in range(40)))
    await world.shows("**40 lines**")
    refusal = {"message": "Missing Permissions", "code": 50013}
    world.discord.fault(
        DiscordFault(method="PATCH", path="/messages/", kind=FaultKind.STATUS, status=403, body=refusal)
    )
    await world.press("stop")
    await world.shows("**ended**")
    await world.settled()
    assert not world.message()["attachments"]
    assert "The file" not in world.text()


@scene()
async def test_its_time_ends_it(world: Scene) -> None:
    await world.follow(duration="2m", level="error", pattern="broken-pipe")
    began_ms = world.desk.clock.now_ms()
    world.say("ERROR broken-pipe", "INFO broken-pipe", "ERROR another")
    await world.shows("**1 line**: 1 error")
    assert world.message()["embeds"][0]["title"] == 'Tail 1 · api · error and above · "broken-pipe"'
    await world.shows("its time is up", limit_s=180)
    assert 118_000 < world.desk.clock.now_ms() - began_ms < 125_000
    assert "**1 line**: 1 error" in world.text()
    await world.settled()
    await world.desk.until(lambda: not world.cloudwatch.live.open, 120)


@scene()
async def test_a_restart_of_the_bot_goes_on_with_its_message(world: Scene) -> None:
    await world.follow()
    world.say("ERROR first")
    await world.shows("ERROR first")
    await world.desk.clock.sleep(100)
    await world.restart_bot(away_s=20)
    world.say("ERROR second")
    await world.shows("ERROR second")
    assert "ERROR first" in world.text(), "the core still holds it"
    assert "**2 lines**" in world.text()
    paused = await world.press("pause")
    assert not paused.followups
    await world.shows("**paused**")
    await world.restart_bot(away_s=5)
    await world.press("resume")
    await world.shows("live")
    await world.press("stop")
    await world.settled()
    assert world.desk.posts() == 1


@scene()
async def test_a_restart_of_the_core_goes_on_with_its_message_and_its_count(world: Scene) -> None:
    await world.follow()
    for number in range(100):
        world.say(f"ERROR number {number}")
        await world.desk.clock.sleep(4.0)
        if number == 50:
            await world.restart_core(away_s=10)
        if number == 75:
            await world.desk.stop_bot()
            await world.restart_core()
            await world.desk.start_bot()
    await world.shows("ERROR number 99")
    await world.shows("**100 lines**: 100 errors · complete")
    assert world.desk.posts() == 1
    assert len(world.cloudwatch.live.open) == 1


@scene()
async def test_a_quiet_tail_keeps_its_lines_while_the_core_restarts(world: Scene) -> None:
    await world.follow(duration="1h")
    world.say("ERROR long ago")
    await world.shows("ERROR long ago")
    await world.desk.clock.sleep(900)
    await world.restart_core(away_s=40)
    world.say("ERROR again")
    await world.shows("ERROR again")
    assert "ERROR long ago" in world.text()
    await world.shows("**2 lines**: 2 errors · complete")


@scene()
async def test_one_live_tail_session_serves_console_and_discord(world: Scene) -> None:
    operator = world.desk.operator
    console = await operator.execute(StartTail(spec=TailSpec(targets=("api",))))
    async with operator.tail(console.tail_id or "") as batches:
        await world.desk.clock.sleep(30)
        await world.follow()
        await world.follow(channel="ops", who="fred")
        world.say("ERROR for all")
        await world.shows("ERROR for all")
        await world.shows("ERROR for all", "ops")
        async for batch in batches:
            if any("for all" in event.message for event in batch.events):
                break
        [upstream] = await world.upstreams()
        assert upstream.viewers == 3
        assert len(world.cloudwatch.live.sessions) == 1


@scene()
async def test_paused_it_stays_as_it_is_and_counts_on(world: Scene) -> None:
    await world.follow()
    world.say("ERROR first")
    await world.shows("ERROR first")
    await world.press("pause")
    await world.shows("**paused**")
    held = world.text()
    world.say("ERROR second")
    await world.desk.clock.sleep(60)
    assert world.text() == held
    await world.press("resume", "fred")
    await world.shows("ERROR second")
    assert "**2 lines**" in world.text()


@scene()
async def test_what_the_lines_are_worth_is_said(world: Scene) -> None:
    now_ms = world.desk.clock.now_ms()
    world.cloudwatch.fault(Fault(kind=Kind.DENY, action="FilterLogEvents", end_ms=now_ms + 60_000))
    await world.follow()
    await world.shows("s missing**: access denied")
    assert "logs:FilterLogEvents" in world.text()
    await world.shows("complete", limit_s=300)


@scene()
async def test_lines_are_data(world: Scene) -> None:
    await world.follow()
    world.say("ERROR ``` @everyone \x1b[31m\x00\u202e\nspoofed password=hunter2hunter2", "x" * 20_000, "`" * 3_000)
    await world.shows("password=[redacted]")
    await world.desk.clock.sleep(5)
    _, inside, rest = world.text().split("```")
    assert "\n    spoofed" in inside
    assert not any(bad in inside for bad in ("\x1b", "\x00", "\u202e", "hunter2", "x" * 300))
    assert not rest
    assert not world.message()["mention_everyone"]


@scene()
async def test_a_person_who_deletes_its_message_ends_it(world: Scene) -> None:
    await world.follow()
    await world.discord.delete_message(world.message()["id"])
    world.say("ERROR unseen")
    await world.settled()
    await world.desk.clock.sleep(30)
    assert not world.discord.messages(CHANNEL)
    assert world.desk.posts() == 1


READ_ONLY = World(channels=(Channel(CHANNEL_ID, "alerts"), Channel("1300000000000000002", "logs", Access.READ)))


@scene(world=READ_ONLY, change=with_log_channel)
async def test_a_channel_that_is_not_ours_to_write_in_ends_it_and_is_said(world: Scene) -> None:
    answer = await world.follow()
    assert "It is over already: tail 1 in channel 1300000000000000002 ended" in answer.text
    assert "Missing Permissions" in answer.text
    await world.settled()
    core = world.desk.core
    assert core is not None
    health = core.health["tails"]
    assert health.state is PartState.FAILED
    assert "Missing Permissions" in health.detail
    await world.desk.until(lambda: core.health["tails"].state is PartState.OK, 700)


@scene(change=with_log_channel)
async def test_it_goes_to_the_log_channel_where_there_is_one(world: Scene) -> None:
    answer = await world.follow(channel="ops")
    assert "<#1300000000000000002>" in answer.text
    assert len(world.discord.messages("logs")) == 1
    assert not world.discord.messages("ops")


@scene(nonce_memory_s=0.0)
async def test_a_post_whose_answer_was_lost_is_adopted(world: Scene) -> None:
    world.discord.fault(DiscordFault(method="POST", path="/messages$", kind=FaultKind.DROP_AFTER_EFFECT))
    await world.follow()
    world.say("ERROR one")
    await world.shows("ERROR one")
    assert len(world.discord.messages(CHANNEL)) == 1


@scene(nonce_memory_s=0.0)
async def test_a_bot_that_died_between_post_and_record_posts_no_second_message(world: Scene) -> None:
    world.discord.fault(DiscordFault(method="POST", path="/messages$", kind=FaultKind.DELAY, delay_s=5.0))
    asked = asyncio.ensure_future(world.follow())
    await world.desk.until(lambda: world.discord.rest.faults.left == 0)
    await world.desk.stop_bot()
    await world.desk.until(lambda: len(world.discord.messages(CHANNEL)) == 1)
    assert [tail.message_id for tail in await world.tails()] == [None]
    await asked
    await world.desk.start_bot()
    world.say("ERROR one")
    await world.shows("ERROR one")
    assert len(world.discord.messages(CHANNEL)) == 1


@scene()
async def test_a_message_that_is_too_old_to_edit_is_continued_in_another(world: Scene) -> None:
    await world.follow()
    old = world.message()["id"]
    refusal = {"message": "Maximum number of edits to messages older than 1 hour reached", "code": 30046}
    world.discord.fault(
        DiscordFault(
            method="PATCH", path=f"/messages/{old}$", kind=FaultKind.STATUS, status=400, body=refusal, times=99
        )
    )
    world.say("ERROR one")
    await world.desk.until(lambda: len(world.discord.messages(CHANNEL)) == 2)
    await world.shows("ERROR one")
    assert (
        world.message()["content"]
        == f"Continued from https://discord.com/channels/1200000000000000001/{CHANNEL_ID}/{old}"
    )
    await world.restart_bot()
    world.say("ERROR two")
    await world.shows("ERROR two")
    assert len(world.discord.messages(CHANNEL)) == 2


@scene()
async def test_discord_is_never_refused_for_too_many_edits(world: Scene) -> None:
    for number, who in enumerate(("velma", "fred", "velma", "fred", "velma", "fred")):
        await world.follow(who, pattern=f"word{number}")
    for second in range(60):
        world.say(" ".join(f"word{number}" for number in range(6)) + f" {second}")
        await world.desk.clock.sleep(1.0)
    await world.desk.clock.sleep(40)
    limited = [call for call in world.discord.calls if call.status == 429]
    assert not limited
    shown = [one["embeds"][0]["description"] for one in world.discord.messages(CHANNEL)]
    assert len(shown) == 6
    assert [text.split("\n")[1].split(":")[0] for text in shown] == ["**60 lines**"] * 6


@scene()
async def test_stopping_by_command_offers_ones_own_first(world: Scene) -> None:
    none = await world.discord.slash("logs-stop", {})
    assert none.text == "No tail runs in Discord just now."
    await world.follow("fred", pattern="one")
    await world.follow("velma", pattern="two")
    await world.follow("velma", pattern="three")
    offered = await world.discord.people.autocomplete("logs-stop", "tail", "", "velma", CHANNEL)
    assert [choice["name"].split(" · by ")[0] for choice in offered.choices] == [
        "#3 api · two",
        "#5 api · three",
        "#1 api · one",
    ]
    which = await world.discord.slash("logs-stop", {}, "velma")
    assert "Say which one: 3 (api · two); 5 (api · three)" in which.text
    stopped = await world.discord.slash("logs-stop", {"tail": "5"}, "velma")
    assert stopped.text == "Stopped tail 5 of api · three."
    others = await world.discord.slash("logs-stop", {"tail": "#1"}, "velma")
    assert others.text == "Stopped tail 1 of api · one."
    own = await world.discord.slash("logs-stop", {}, "velma")
    assert own.text == "Stopped tail 3 of api · two."
    unknown = await world.discord.slash("logs-stop", {"tail": "1"}, "velma")
    assert unknown.text == "Tail 1 is over, or never was."
    await world.settled()


@scene()
async def test_who_may_not_is_told_so(world: Scene) -> None:
    refused = await world.follow("daphne")
    assert refused.ephemeral
    assert "none of the roles" in refused.text
    await world.follow("velma")
    pressed = await world.press("stop", "daphne")
    assert "none of the roles" in pressed.text
    offered = await world.discord.people.autocomplete("logs-stop", "tail", "", "daphne", CHANNEL)
    assert not offered.choices
    assert len(await world.tails()) == 1


@scene()
async def test_what_makes_no_sense_is_said(world: Scene) -> None:
    for options, words in (
        ({"duration": "5h"}, "Duration: 1 min to 4 h"),
        ({"duration": "soon"}, "is no duration"),
        ({"service": "apj"}, "did you mean api?"),
        ({"service": "worker"}, "/app/none"),
    ):
        answer = await world.follow(**options)
        await world.desk.clock.sleep(10)
        assert words in answer.text or words in world.text(), (options, answer.text)
    await world.follow()
    again = await world.follow("fred")
    assert "The channel shows the same already: tail" in again.text
    offered = await world.discord.people.autocomplete("logs-tail", "service", "a", "velma", CHANNEL)
    assert [choice["value"] for choice in offered.choices] == ["api"]
    spans = await world.discord.people.autocomplete("logs-tail", "duration", "", "velma", CHANNEL)
    assert "30m" in [choice["value"] for choice in spans.choices]


@scene()
async def test_a_button_of_an_ended_tail_says_so(world: Scene) -> None:
    await world.follow()
    message, custom_id = world.message(), world.message()["components"][0]["components"][1]["custom_id"]
    await world.press("stop")
    await world.settled()
    world.discord.state.messages[message["id"]]["components"] = message["components"]  # seen before the edit arrived
    answer = await world.discord.press(message["id"], custom_id)
    assert "Tail 1 is over, or never was." in answer.text
