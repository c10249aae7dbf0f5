"""``/logs`` and a card's Logs button, through the real client; Discord and CloudWatch are simulated."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.commands.log_asking import filter_pattern
from jinkies.config import Config
from jinkies.core import Core
from jinkies.simulators.cloudwatch import Fault, Kind, SimulatedCloudWatch, World
from jinkies.simulators.discord import Answer, FaultKind, SimulatedDiscord
from jinkies.simulators.discord import Fault as DiscordFault
from jinkies.wire.peer import local_actor
from tests.bot.conftest import CHANNEL, button, report, running_bot, until_in_step
from tests.bot.logs import GROUP, desk_with_logs, put

NASTY = (
    "ERROR fence ``` and ```` end\n```\n@everyone <@1400000000000000001>\n"
    "\x1b[31mred\x1b[0m nul\x00 bidi\u202eevil\u2066 line\u2028break password=hunter2hunter2"
)


@pytest.fixture
async def cloudwatch() -> AsyncIterator[SimulatedCloudWatch]:
    async with SimulatedCloudWatch(World(GROUP)) as simulated:
        yield simulated


@pytest.fixture
async def core(desk_config: Config, cloudwatch: SimulatedCloudWatch) -> AsyncIterator[Core]:
    async with desk_with_logs(desk_config, cloudwatch) as running:
        yield running


def embed(answer: Answer) -> tuple[str, str]:
    assert answer.ephemeral
    message = answer.followups[0] if answer.followups else answer.message
    assert message is not None
    [shown] = message["embeds"]
    return shown["title"], shown["description"]


def file_of(discord: SimulatedDiscord, answer: Answer) -> str:
    message = answer.followups[0] if answer.followups else answer.message
    assert message is not None
    [attachment] = message["attachments"]
    assert attachment["filename"].endswith(".log")
    return str(attachment["size"])


async def test_lines_are_shown_newest_last_with_their_counts(
    discord: SimulatedDiscord, core: Core, cloudwatch: SimulatedCloudWatch
) -> None:
    put(cloudwatch, "INFO one", "ERROR two", "WARN three", "INFO four")
    async with running_bot(core):
        everything = await discord.slash("logs", {"service": "api"})
        errors = await discord.slash("logs", {"service": "api", "level": "error"})
        newest = await discord.slash("logs", {"service": "api", "limit": 2})
        matching = await discord.slash("logs", {"service": "api", "pattern": "three"})
        nothing = await discord.slash("logs", {"service": "api", "since": "1s"})
    title, text = embed(everything)
    assert title == "Logs · api"
    assert text.startswith("**4 lines** from <t:")
    assert "\n1 error · 1 warning · 2 info\n```\n" in text
    assert [line[9:] for line in text.split("```")[1].strip().split("\n")] == [
        "INFO  INFO one",
        "ERROR ERROR two",
        "WARN  WARN three",
        "INFO  INFO four",
    ]
    assert embed(errors)[0] == "Logs · api · error and above"
    assert "**1 line** " in embed(errors)[1]
    assert "ERROR two" not in embed(newest)[1]
    assert "There are older ones" in embed(newest)[1]
    assert "There are older ones" not in embed(everything)[1]
    assert "**1 line** " in embed(matching)[1]
    assert embed(nothing)[1].startswith("No lines from")


async def test_more_than_fits_goes_up_as_a_file(
    discord: SimulatedDiscord, core: Core, cloudwatch: SimulatedCloudWatch
) -> None:
    put(cloudwatch, *(f"INFO request {number} " + "x" * 100 for number in range(200)))
    async with running_bot(core):
        # The library reads a file again for each attempt: the second must not be empty.
        discord.fault(DiscordFault(method="PATCH", path="/messages/@original$", kind=FaultKind.STATUS, status=502))
        answer = await discord.slash("logs", {"service": "api", "limit": 150})
    _, text = embed(answer)
    assert "**150 lines**" in text
    assert "There are older ones" in text
    assert "the file has all of them." in text
    assert "request 199 " in text
    assert "request 50 " not in text
    assert int(file_of(discord, answer)) > 150 * 120


async def test_lines_that_are_very_long_are_not_all_held(
    discord: SimulatedDiscord, core: Core, cloudwatch: SimulatedCloudWatch
) -> None:
    put(cloudwatch, *(f"INFO request {number} " + "x" * 900_000 for number in range(12)))
    async with running_bot(core):
        answer = await discord.slash("logs", {"service": "api"}, wait_s=30)
    _, text = embed(answer)
    assert "**10 lines**" in text
    assert "There may be older ones" in text
    assert "request 11 " in text


async def test_log_text_is_data(discord: SimulatedDiscord, core: Core, cloudwatch: SimulatedCloudWatch) -> None:
    put(cloudwatch, NASTY, "INFO " + "y" * 50_000)
    async with running_bot(core):
        answer = await discord.slash("logs", {"service": "api"})
    _, text = embed(answer)
    _, inside, tail = text.split("```")
    assert "ERROR fence" in inside
    assert "\n    @everyone" in inside
    assert not any(bad in inside for bad in ("\x1b", "\x00", "\u202e", "\u2066", "\u2028", "hunter2", "y" * 300))
    assert "password=[redacted]" in inside
    assert "Long ones are cut here; the file has all of them." in tail
    assert 20_000 < int(file_of(discord, answer)) < 21_000
    assert answer.message is not None
    assert not answer.message["mentions"]
    assert not answer.message["mention_everyone"]


async def test_it_says_why_there_are_none(
    discord: SimulatedDiscord, core: Core, cloudwatch: SimulatedCloudWatch
) -> None:
    cloudwatch.fault(Fault(kind=Kind.DENY, action="FilterLogEvents", group=GROUP))
    async with running_bot(core):
        denied = await discord.slash("logs", {"service": "api"})
        missing = await discord.slash("logs", {"service": "worker"})
        mistyped = await discord.slash("logs", {"service": "apj"})
        when = await discord.slash("logs", {"service": "api", "since": "the other day"})
        ahead = await discord.slash("logs", {"service": "api", "since": "2999-01-01"})
    for answer in (denied, missing, mistyped, when, ahead):
        assert answer.ephemeral
    assert "not authorized" in denied.text or "denied" in denied.text.lower()
    assert "/app/none" in missing.text
    assert "did you mean api?" in mistyped.text
    assert "is no time" in when.text
    assert "\\-\\-" not in when.text
    assert "future" in ahead.text


async def test_without_aws_it_says_what_to_set(discord: SimulatedDiscord, desk: Core) -> None:
    async with running_bot(desk):
        answer = await discord.slash("logs", {"service": "api"})
    assert answer.ephemeral
    assert "AWS is not configured: set AWS\\_REGION" in answer.text


async def test_services_with_log_groups_complete_first(
    discord: SimulatedDiscord, core: Core, cloudwatch: SimulatedCloudWatch
) -> None:
    await report(core.operator(local_actor()), service="able")
    async with running_bot(core):
        offered = await discord.people.autocomplete("logs", "service", "A", "velma", CHANNEL)
    assert [choice["value"] for choice in offered.choices] == ["api", "able"]


async def test_the_button_of_a_card_from_before_a_restart_shows_the_lines_around_it(
    discord: SimulatedDiscord, core: Core, cloudwatch: SimulatedCloudWatch
) -> None:
    put(cloudwatch, "INFO before", "ERROR at it", ago_ms=1_000)
    async with running_bot(core) as session:
        await report(core.operator(local_actor()))
        await until_in_step(session, 1)
        [card] = discord.messages(CHANNEL)
        first = await discord.press(card["id"], button(card, "logs"))
    async with running_bot(core):
        again = await discord.press(card["id"], button(card, "logs"), "fred")
    for answer in (first, again):
        title, text = embed(answer)
        assert title == "Logs around #1 · api"
        assert text.index("INFO before") < text.index("ERROR at it")
    assert discord.messages(CHANNEL) == [card]


@pytest.mark.parametrize(
    ("typed", "pattern"),
    [
        ("", ""),
        ("timeout order_17", "timeout order_17"),
        ("order-17 failed", '"order-17 failed"'),
        ("GET /api/v1?x=1", '"GET /api/v1?x=1"'),
        ('"as it is" -DEBUG', '"as it is" -DEBUG'),
        ("?ERROR ?WARN", "?ERROR ?WARN"),
        ("-DEBUG", "-DEBUG"),
        ("{ $.status = 500 }", "{ $.status = 500 }"),
        ("[ip, user, ...]", "[ip, user, ...]"),
        ("%AUTH[0-9]+%", "%AUTH[0-9]+%"),
        ("C:\\temp", '"C:\\\\temp"'),
    ],
)
def test_words_with_other_signs_become_a_phrase(typed: str, pattern: str) -> None:
    assert filter_pattern(typed) == pattern
