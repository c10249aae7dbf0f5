"""``jinkies stats``, ``backup`` and ``export``, as users run them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import msgspec
import pytest

from jinkies.app import host
from jinkies.commands import ReportOccurrence
from jinkies.config import Config
from jinkies.model import SYSTEM
from jinkies.store.backup import back_up
from tests.cli.conftest import Run, report


@pytest.fixture
def two_alerts(config: Config) -> None:
    """#1, twice, and #2 of another service."""
    boom = ReportOccurrence(service="api", message="boom")
    report(config, boom, ReportOccurrence(service="worker", message="slow"), boom)


@pytest.mark.usefixtures("two_alerts")
def test_stats_for_people_and_as_json(run: Run) -> None:
    run("resolve", "2")
    shown = run("stats", "--since", "2h")
    assert shown.code == 0
    for words in ("opened", "to resolve", "DAY (UTC)", "SERVICE", "NOISY", "worker"):
        assert words in shown.out
    found = json.loads(run("stats", "--service", "worker", "--json").out)
    assert (found["opened"], found["to_resolve"]["count"], len(found["days"])) == (1, 1, 31)
    assert run("stats", "--since", "500d").code == 1


@pytest.mark.usefixtures("two_alerts")
def test_a_backup_is_whole_private_and_replaces_nothing(run: Run, home: Path) -> None:
    file = home / "copy.db"
    made = run("backup", str(file))
    assert made.code == 0
    assert "2 unresolved alerts, 0 resolved" in made.out
    assert file.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(file) as copy:
        assert copy.execute("SELECT count(*) FROM alerts").fetchone() == (2,)
    copy.close()
    again = run("backup", str(file))
    assert (again.code, again.err) == (1, f"jinkies: {file} is there already: --force replaces it\n")
    assert run("backup", "--force", str(file)).code == 0
    assert run("backup", str(home / "nowhere" / "copy.db")).code == 1
    assert sorted(one.name for one in home.iterdir() if "copy" in one.name) == ["copy.db"]


def test_without_a_database_there_is_nothing_to_back_up_or_export(run: Run, home: Path) -> None:
    for command in (("backup", str(home / "copy.db")), ("export",)):
        ran = run(*command)
        assert ran.code == 1
        assert "there is no database" in ran.err
    assert not (home / "copy.db").exists()


async def test_a_backup_is_of_one_moment_while_the_core_writes(config: Config, home: Path) -> None:

    async with host(config, ingest=False, background=False) as core:
        for n in range(30):
            await core.execute(ReportOccurrence(service="api", message="m", fingerprint=f"{n}"), SYSTEM)
        made = back_up(config.database_path, home / "copy.db")
        await core.execute(ReportOccurrence(service="api", message="m", fingerprint="later"), SYSTEM)
    assert (made.counts.open, made.seq) == (30, 30)
    (home / "copy").mkdir(mode=0o700)
    (home / "copy.db").rename(home / "copy" / "jinkies.db")
    async with host(msgspec.structs.replace(config, home=home / "copy"), ingest=False, background=False) as restored:
        assert (await restored.snapshot()).counts.open == 30
        assert restored.epoch == core.epoch, "a copy goes by the same name"


@pytest.mark.usefixtures("two_alerts")
def test_an_export_has_all_there_is(run: Run) -> None:
    run("resolve", "2", "--note", "done")
    lines = [json.loads(one) for one in run("export").out.splitlines()]
    assert sorted(one["id"] for one in lines) == ["1", "2"]
    for one in lines:
        assert len(one["occurrences"]) == one["count"]
        assert one["timeline"]
    (only,) = run("export", "state:resolved", "--since", "1h").out.splitlines()
    assert json.loads(only)["id"] == "2"
    assert run("export", "level>=loud").code == 1
