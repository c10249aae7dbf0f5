"""A backup put in place: what it refuses, and what becomes of what the backup knew of the world outside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from jinkies.app import host
from jinkies.commands import (
    Acknowledge,
    AnyCommand,
    CreatePullRequest,
    RecordDelivery,
    ReportOccurrence,
    Resolve,
    StartSilence,
    TakeLease,
    Tick,
)
from jinkies.config import Config, DiscordConfig, GitHubConfig, RouteConfig, Secret, ServiceConfig
from jinkies.core import Core
from jinkies.errors import StoreFailed
from jinkies.matching import parse_matchers
from jinkies.model import RESTORED, SYSTEM, AlertDetail, ChannelTail, DeliveryState, TailSpec, WorkState
from jinkies.store.backup import back_up
from jinkies.store.database import migrations
from jinkies.store.restore import AHEAD, Restored, restore

NOW_MS = 4_000_000_000_000


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


@pytest.fixture
def told(config: Config) -> Config:
    """A desk with a Discord, somebody to call, and a repository."""
    route = RouteConfig(
        match=parse_matchers("service=api"), channels=("77",), escalate_to=("role:5",), escalate_after_minutes=1
    )
    return msgspec.structs.replace(
        config,
        discord=DiscordConfig(token=Secret("t"), guild_id="1", alert_channel_id="77", max_new_cards_per_minute=0),
        github=GitHubConfig(token=Secret("t"), owner="o", repository="r"),
        services={"api": ServiceConfig(name="api")},
        routes=(route,),
    )


async def posted(core: Core, alert_id: int) -> None:
    detail = await core.reader.alert(alert_id)
    await core.execute(TakeLease(name="board", holder="b", ttl_s=60), SYSTEM)
    await core.execute(
        RecordDelivery(
            alert_id=alert_id,
            channel_id="77",
            holder="b",
            state=DeliveryState.POSTED,
            message_id=f"9{alert_id}",
            shown_revision=detail.row.revision,
            shown_hash="h",
        ),
        SYSTEM,
    )


async def carried_out(config: Config, *commands: AnyCommand) -> None:
    async with host(config, ingest=False, background=False) as core:
        for command in commands:
            await core.operator(SYSTEM).execute(command)


async def put_back(config: Config, file: Path) -> Restored:
    return await restore(file, config.database_path, now_ms=NOW_MS)


def report(fingerprint: str) -> ReportOccurrence:
    return ReportOccurrence(service="api", message=f"m {fingerprint}", fingerprint=fingerprint)


async def test_what_was_given_out_since_is_never_given_out_again(config: Config, home: Path) -> None:
    file = home / "copy.db"
    async with host(config, ingest=False, background=False) as core:
        await core.execute(report("a"), SYSTEM)
        back_up(config.database_path, file)
        await core.execute(report("b"), SYSTEM)
        silence = StartSilence(matchers=parse_matchers("service=x"), ends_at_ms=core.clock.now_ms() + 9_000, reason="r")
        await core.execute(silence, SYSTEM)
        before = core.epoch
    made = await put_back(config, file)
    assert (made.next_alert_id, made.counts.open) == (3, 1)
    async with host(config, ingest=False, background=False) as core:
        assert core.epoch == made.epoch != before
        assert (await core.execute(report("b"), SYSTEM)).alert_id == 3
        assert (await core.execute(report("a"), SYSTEM)).alert_id == 1
        assert (await core.execute(silence, SYSTEM)).silence_id == 2
    assert made.aside is not None
    with closing(sqlite3.connect(made.aside)) as old:
        assert old.execute("SELECT count(*) FROM alerts").fetchone() == (2,)
    assert file.exists()
    assert [one for one in names(home) if "restore" in one] == [made.aside.name]


async def test_numbers_leap_where_nobody_knows_which_were_given_out(config: Config, home: Path) -> None:
    await carried_out(config, report("a"))
    back_up(config.database_path, home / "copy.db")
    config.database_path.write_bytes(b"scrambled" * 1_000)
    made = await put_back(config, home / "copy.db")
    assert made.next_alert_id == 2 + AHEAD
    assert made.aside is not None
    assert made.aside.read_bytes() == b"scrambled" * 1_000
    made.aside.unlink()
    config.database_path.unlink()
    anew = await put_back(config, home / "copy.db")
    assert (anew.next_alert_id, anew.aside) == (2, None)


async def test_a_log_that_a_kill_left_goes_aside_with_its_database(config: Config, home: Path) -> None:
    await carried_out(config, report("a"))
    back_up(config.database_path, home / "copy.db")
    lasting = sqlite3.connect(config.database_path)  # as long as it is open, the log stays
    lasting.execute("SELECT count(*) FROM alerts").fetchall()
    await carried_out(config, report("b"))
    log = config.database_path.with_name("jinkies.db-wal")
    assert log.exists()
    held = log.read_bytes()
    lasting.close()
    log.write_bytes(held)
    made = await put_back(config, home / "copy.db")
    assert not log.exists()
    async with host(config, ingest=False, background=False) as core:
        assert (await core.snapshot()).counts.open == 1
    assert made.aside is not None
    with closing(sqlite3.connect(made.aside)) as old:
        assert old.execute("SELECT count(*) FROM alerts").fetchone() == (2,)


async def test_cards_are_edited_and_none_is_posted_anew(told: Config, home: Path) -> None:
    file = home / "copy.db"
    async with host(told, ingest=False, background=False) as core:
        for name in "abcd":
            await core.execute(report(name), SYSTEM)
        await posted(core, 1)
        await posted(core, 2)
        await core.execute(Resolve(alert_id=2), SYSTEM)
        await posted(core, 2)
        await core.execute(CreatePullRequest(alert_id=4), SYSTEM)
        back_up(told.database_path, file)
    made = await put_back(told, file)
    assert (made.edited, made.untold) == (1, 2)
    async with host(told, ingest=False, background=False) as core:

        async def card(alert_id: int) -> tuple[DeliveryState, str | None, bool, str]:
            (one,) = (await core.reader.alert(alert_id)).deliveries
            return one.state, one.message_id, one.in_step, one.told_in

        assert await card(1) == (DeliveryState.POSTED, "91", False, "")
        assert await card(2) == (DeliveryState.POSTED, "92", True, "")
        assert await card(3) == (DeliveryState.DIGESTED, None, True, RESTORED)
        asked = (await core.reader.alert(4)).row.pull_request
        assert asked is not None
        assert asked.state is WorkState.FAILED
        assert "look whether it is there" in (asked.error or "")
        assert await core.reader.requested_work() == ()
        await core.execute(Acknowledge(alert_id=3), SYSTEM)
        assert (await card(3))[:3] == (DeliveryState.PENDING, None, False)
        again = CreatePullRequest(alert_id=4)
        assert (await core.execute(again, SYSTEM)).changed


async def test_threads_and_tails_that_were_not_there_yet_are_not_made_up(told: Config, home: Path) -> None:
    threads = msgspec.structs.replace(told, discord=msgspec.structs.replace(told.discord, threads=True))
    spec = TailSpec(targets=("/app/api",))
    async with host(threads, ingest=False, background=False) as core:
        await core.execute(report("a"), SYSTEM)
        await posted(core, 1)
        await core.execute(Acknowledge(alert_id=1), SYSTEM)
        kinds = {one.kind for one in (await core.reader.alert(1)).deliveries}
        assert "thread" in kinds
        db = core._store._db
        for number, message_id in ((1, None), (2, "99")):
            tail = ChannelTail(
                number=number, channel_id="77", spec=spec, started_by=SYSTEM, started_at_ms=1, ends_at_ms=NOW_MS,
                message_id=message_id,
            )  # fmt: skip
            await db.execute("INSERT INTO channel_tails VALUES (?, ?)", (number, msgspec.json.encode(tail)))
        back_up(threads.database_path, home / "copy.db")
    made = await put_back(threads, home / "copy.db")
    assert (made.edited, made.untold) == (1, 0)
    async with host(threads, ingest=False, background=False) as core:
        assert [one.kind for one in (await core.reader.alert(1)).deliveries] == ["card"]
        rows = await core._store._db.execute_fetchall("SELECT number FROM channel_tails")
        assert [number for (number,) in rows] == [2]
        await posted(core, 1)
        await core.execute(Resolve(alert_id=1), SYSTEM)
        assert {one.kind for one in (await core.reader.alert(1)).deliveries} == {"card", "thread"}


async def test_nobody_is_called_for_the_time_in_between(told: Config, home: Path) -> None:
    async with host(told, ingest=False, background=False) as core:
        await core.execute(report("a"), SYSTEM)
        back_up(told.database_path, home / "copy.db")
        began_ms = core.clock.now_ms()
    await restore(home / "copy.db", told.database_path, now_ms=began_ms + 120_000)
    async with host(told, ingest=False, background=False) as core:
        detail: AlertDetail = await core.reader.alert(1)
        assert detail.row.calling is not None
        assert detail.row.calling.since_ms == began_ms + 120_000
        assert not (await core.execute(Tick(), SYSTEM)).changed


async def test_what_is_no_sound_database_is_refused_and_nothing_changes(config: Config, home: Path) -> None:
    await carried_out(config, report("a"))
    back_up(config.database_path, home / "good.db")
    whole = (home / "good.db").read_bytes()
    files = {name: home / f"{name}.db" for name in ("text", "empty", "other", "newer", "torn")}
    files["text"].write_text("no database\n" * 500)
    files["empty"].touch()
    with closing(sqlite3.connect(files["other"])) as other:
        other.executescript("CREATE TABLE t (a); PRAGMA user_version = 3")
    files["newer"].write_bytes(whole)
    with closing(sqlite3.connect(files["newer"])) as newer:
        newer.executescript(f"PRAGMA user_version = {migrations()[-1][0] + 1}")
    files["torn"].write_bytes(whole[: len(whole) // 2])
    said = {
        "text": "cannot restore",
        "torn": "torn",
        "missing": "no file",
        "empty": "no database of Jinkies",
        "other": "no database of Jinkies",
        "newer": "of a newer Jinkies",
    }
    before = names(home)
    held = config.database_path.read_bytes()
    for name, file in [*files.items(), ("missing", home / "missing.db")]:
        with pytest.raises(StoreFailed, match=said[name]):
            await put_back(config, file)
        assert config.database_path.read_bytes() == held, name
        assert names(home) == before
