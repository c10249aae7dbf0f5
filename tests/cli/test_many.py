"""Deciding on all that a query means."""

from __future__ import annotations

import io
import json

import pytest

from jinkies.commands import ReportOccurrence
from jinkies.config import Config
from jinkies.model import Severity
from tests.cli.conftest import Run, report


class Terminal(io.StringIO):
    """What is typed at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def alerts(config: Config) -> None:
    """Two of api, one of worker."""
    report(
        config,
        *(ReportOccurrence(service="api", message=f"boom {number}", fingerprint=str(number)) for number in range(2)),
        ReportOccurrence(service="worker", message="slow \x1b[31m", severity=Severity.WARNING),
    )


def states(run: Run) -> dict[str, str]:
    records = map(json.loads, run("alerts", "--state", "all", "--json").out.splitlines())
    return {record["id"]: record["state"] for record in records}


def test_says_what_it_will_touch_and_does_nothing_without_yes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    ran = run("ack", "--query", "state:open")
    assert (ran.code, ran.out) == (2, "")
    assert "3 alerts: 3 open · 2 api, 1 worker" in ran.err
    assert "boom 1" in ran.err
    assert "\x1b" not in ran.err
    assert ran.err.endswith("jinkies: nothing was done: say --yes to acknowledge them\n")
    assert set(states(run).values()) == {"open"}


def test_yes_decides_on_all_that_the_query_means(run: Run) -> None:
    ran = run("resolve", "--query", "service:api", "--yes", "--note", "deployed")
    assert (ran.code, ran.out) == (0, "2 changed\n")
    assert states(run) == {"1": "resolved", "2": "resolved", "3": "open"}
    assert "deployed" in run("alert", "1").out
    assert run("reopen", "--query", "state:resolved", "--yes").out == "2 changed\n"
    assert set(states(run).values()) == {"open"}


@pytest.mark.parametrize(
    ("typed", "code", "state"), [("y\n", 0, "acknowledged"), ("\n", 1, "open"), ("n\n", 1, "open")]
)
def test_asks_at_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch, typed: str, code: int, state: str) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    ran = run("ack", "--query", "worker")
    assert ran.code == code
    assert "acknowledge it? [y/N]" in ran.err
    assert states(run)["3"] == state


def test_what_was_refused_is_named_and_the_rest_done(run: Run) -> None:
    run("resolve", "1")
    run("ack", "2")
    ran = run("snooze", "--query", "state:any", "--yes", "--for", "2h")
    assert ran.code == 1
    assert ran.out.startswith("#1 refused: #1 is resolved by ")
    assert ran.out.endswith("2 changed, 1 refused\n")
    again = run("ack", "--query", "#2 #3 state:any", "--yes", "--json")
    assert again.code == 0
    assert [json.loads(line)["changed"] for line in again.out.splitlines()] == [True, True]


def test_nothing_that_matches_is_nothing_to_do(run: Run) -> None:
    ran = run("ack", "--query", "service:nobody", "--yes")
    assert (ran.code, ran.out, ran.err) == (0, "", "jinkies: no alerts match\n")


@pytest.mark.parametrize("argv", [("ack",), ("ack", "1", "--query", "boom"), ("merge", "--query", "boom", "1")])
def test_a_number_or_a_query_not_both(run: Run, argv: tuple[str, ...]) -> None:
    assert run(*argv).code == 2


def test_a_query_that_cannot_be_read_says_what_would_be_right(run: Run) -> None:
    ran = run("ack", "--query", "state:closed", "--yes")
    assert ran.code == 1
    assert "no state “closed”" in ran.err


def test_an_alert_says_what_was_merged_into_it(run: Run) -> None:
    assert run("merge", "1", "2").code == 0
    assert "Merged into it  #1" in run("alert", "2").out
    assert json.loads(run("alert", "2", "--json").out)["parts"] == ["1"]
    assert json.loads(run("alert", "1", "--json").out)["merged_into"] == "2"
    assert run("split", "1").code == 0
    assert json.loads(run("alert", "2", "--json").out)["parts"] == []
