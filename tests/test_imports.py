"""What a fresh interpreter loads: the rules of dependency, held where they cost a user time."""

from __future__ import annotations

import subprocess
import sys

import pytest

DRIVERS = ("aioboto3", "aiobotocore", "botocore", "githubkit", "pydantic", "aiosqlite", "sqlite3", "aiohttp")
FRONTENDS = ("textual", "interactions", "tui", "bot")


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in ``sys.modules`` after a statement."""
    script = f"import sys\n{statement}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        *("model", "commands", "events", "errors", "operator", "cards", "replica", "config", "lifecycle", "authz"),
        *("hub", "reading.fields", "reading.ids", "reading.templates", "reading.joining", "reading.access"),
    ],
)
def test_the_contract_costs_no_driver_and_no_frontend(module: str) -> None:
    assert not loaded_by(f"import jinkies.{module}") & {*DRIVERS, *FRONTENDS, "httpx"}


def test_reading_log_lines_takes_the_standard_library_and_msgspec() -> None:
    modules = ("fields", "ids", "templates", "joining", "access")
    ours = {"import jinkies." + name for name in ("model", *(f"reading.{module}" for module in modules))}
    loaded = loaded_by("; ".join(sorted(ours))) - loaded_by("import msgspec, json, re, functools, collections, enum")
    assert loaded == {"jinkies"}


@pytest.mark.parametrize(
    "module", ["core", "app", "cli", "ingest.http", "wire.server", "logs.service", "github.worker"]
)
def test_the_core_never_knows_who_is_watching(module: str) -> None:
    assert not loaded_by(f"import jinkies.{module}") & set(FRONTENDS)


def test_a_console_that_attaches_pays_for_no_driver() -> None:
    loaded = loaded_by("import tui.__main__, tui.app, jinkies.app, jinkies.wire.client")
    assert {"textual", "httpx"} <= loaded
    assert not loaded & {*DRIVERS, "interactions", "bot"}


def test_the_bot_never_loads_the_console_or_a_driver_of_the_core() -> None:
    loaded = loaded_by("import bot.__main__, bot.client, bot.board")
    assert "interactions" in loaded
    assert not loaded & {"textual", "tui", "aioboto3", "githubkit", "aiosqlite"}


def test_the_core_without_aws_and_github_never_loads_their_drivers() -> None:
    loaded = loaded_by(
        "import jinkies.core, jinkies.app, jinkies.wire.server, jinkies.logs.service, jinkies.store.writer"
    )
    assert not loaded & {"aioboto3", "botocore", "githubkit", "pydantic"}
