from __future__ import annotations

import subprocess
import sys

import pytest

from jinkies.cli import main
from jinkies.cli.parser import build_parser
from jinkies.model import Severity, State


@pytest.mark.parametrize("text", ["42", "#42"])
def test_an_id_is_typed_with_or_without_its_mark(text: str) -> None:
    assert build_parser().parse_args(["alert", text]).alert_id == 42


STATES = "open, acknowledged, acked, snoozed, resolved, unresolved, all"


@pytest.mark.parametrize(
    ("argv", "message", "command"),
    [
        (["ack", "x"], "argument ID: expected an alert's number like 42 or #42, got 'x'", "jinkies ack"),
        (["ack", "0"], "argument ID: expected an alert's number like 42 or #42, got '0'", "jinkies ack"),
        (["ack", "٤٢"], "argument ID: expected an alert's number like 42 or #42, got '٤٢'", "jinkies ack"),
        (
            ["alerts", "--limit", "0"],
            "argument --limit: expected a number from 1 to 10000, got '0'",
            "jinkies alerts",
        ),
        (
            ["alerts", "--severity", "bad"],
            "argument --severity: expected one of info, warning, error, critical, got 'bad'",
            "jinkies alerts",
        ),
        (
            ["alerts", "--state", "open,gone"],
            f"argument --state: expected one of {STATES}, got 'gone'",
            "jinkies alerts",
        ),
        (
            ["pr", "1", "--timeout", "nan"],
            "argument --timeout: expected seconds, more than 0 and at most 86400, got 'nan'",
            "jinkies pr",
        ),
        ([], "the following arguments are required: COMMAND", "jinkies"),
    ],
)
def test_wrong_usage_is_one_line_and_2(
    argv: list[str], message: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    assert capsys.readouterr() == ("", f"jinkies: {message} (see {command} --help)\n")


def test_states_can_be_several() -> None:
    parse = build_parser().parse_args
    assert parse(["alerts"]).state is None
    assert parse(["alerts", "--state", "resolved,OPEN"]).state == (State.OPEN, State.RESOLVED)
    assert parse(["alerts", "--state", "all"]).state == tuple(State)
    assert parse(["alerts", "--severity", "warn"]).severity is Severity.WARNING


def test_version_and_help_are_0_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert main(["--help"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("jinkies 0.")
    assert "open a draft pull request" in out
    assert err == ""


@pytest.mark.processes
def test_building_the_parser_imports_nothing_heavy() -> None:
    script = "import sys; from jinkies.cli.parser import build_parser; build_parser(); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    loaded = {name.partition(".")[0] for name in ran.stdout.split()}
    assert "jinkies" in loaded
    assert not loaded & {"aiohttp", "aioboto3", "botocore", "githubkit", "pydantic", "aiosqlite", "httpx", "textual"}


@pytest.mark.parametrize("command", ["logs", "tail", "query"])
def test_a_command_that_is_built_alone_is_the_same(command: str) -> None:
    given = [command, "/a", "--since", "5m"]
    alone, whole = (vars(build_parser(name).parse_args(given)) for name in (command, None))
    for parsed in (alone, whole):
        parsed.pop("run")
    assert alone == whole
