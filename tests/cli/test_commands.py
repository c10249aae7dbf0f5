"""Without a running core: every call works on the database itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from jinkies import app
from jinkies.cli.act import snooze_end
from jinkies.commands import ReportOccurrence
from jinkies.config import Config, load_config
from jinkies.model import LogLine, Severity
from tests.cli.conftest import Run, report, start

BOOM = ReportOccurrence(
    service="api",
    message="boom \x1b[31mred\x1b[0m",
    exception_type="ValueError",
    stack_trace='Traceback (most recent call last):\n  File "app/views.py", line 3, in show\nValueError: boom\x1b[2J',
    related_logs=(LogLine(message="just before\x07"),),
    context={"user": "u1"},
    severity=Severity.CRITICAL,
    fingerprint="one",
)
SLOW = ReportOccurrence(
    service="worker", message="too slow", environment="\x1bst\x9bg", severity=Severity.WARNING, fingerprint="two"
)


@pytest.fixture
def two_alerts(config: Config) -> None:
    """#1, critical, twice; #2, a warning."""
    report(config, BOOM, SLOW, BOOM)


@pytest.mark.usefixtures("two_alerts")
def test_alerts_as_json_have_what_is_documented(run: Run) -> None:
    ran = run("alerts", "--json")
    assert (ran.code, ran.err) == (0, "")
    found = {record["id"]: record for record in map(json.loads, ran.out.splitlines())}
    assert set(found) == {"1", "2"}
    one = found["1"]
    assert list(one) == [
        "id",
        "state",
        "severity",
        "service",
        "environment",
        "title",
        "exception_type",
        "count",
        "first_seen",
        "last_seen",
        "acknowledged_by",
        "links",
        "revision",
        "priority",
    ]
    assert one["priority"]["level"] == "urgent"
    assert one["priority"]["reason"].startswith("critical · ")
    assert (one["state"], one["severity"], one["service"], one["environment"]) == ("open", "critical", "api", "test")
    assert (one["exception_type"], one["count"], one["acknowledged_by"]) == ("ValueError", 2, None)
    assert one["first_seen"].endswith("Z")
    assert one["links"] == [{"kind": "runbook", "url": "https://runbooks.example/api", "label": "Runbook"}]


@pytest.mark.usefixtures("two_alerts")
def test_alerts_are_filtered(run: Run) -> None:
    def ids(*argv: str) -> list[str]:
        return sorted(json.loads(one)["id"] for one in run("alerts", "--json", *argv).out.splitlines())

    assert ids("--service", "worker") == ["2"]
    assert ids("--severity", "error") == ["1"]
    assert ids("--search", "SLOW") == ["2"]
    assert ids("--search", "#1") == ["1"]
    assert ids("slow level>=info") == ["2"]
    assert ids("slow -slow") == []
    assert ids("#1") == ["1"]
    assert len(ids("--limit", "1")) == 1
    run("ack", "1")
    run("resolve", "2")
    assert ids() == ["1"]
    assert ids("--state", "acknowledged") == ["1"]
    assert ids("--state", "resolved") == ["2"]
    assert ids("--state", "all") == ["1", "2"]
    assert ids("--state", "open") == []


@pytest.mark.usefixtures("two_alerts")
def test_alerts_as_text_are_a_table_that_cannot_drive_the_terminal(run: Run) -> None:
    ran = run("alerts")
    heads, *rows = ran.out.splitlines()
    assert heads.split() == ["ID", "SEVERITY", "STATE", "SERVICE", "ENVIRONMENT", "COUNT", "LAST", "SEEN", "TITLE"]
    assert len(rows) == 2
    assert not {"\x1b", "\x9b"} & set(ran.out)
    assert "␛st\ufffdg" in ran.out
    title = heads.index("TITLE")
    one = next(row for row in rows if row.startswith("#1"))
    assert "▲ critical  open" in one
    assert "×2" in one
    assert one[title:].startswith("ValueError: boom")
    limited = run("alerts", "--limit", "1")
    assert limited.err == "jinkies: there are more than these 1: --limit N shows more\n"


def test_no_alerts_is_said_on_stderr_only(run: Run) -> None:
    ran = run("alerts")
    assert (ran.code, ran.out, ran.err) == (0, "", "jinkies: no alerts match\n")
    assert run("alerts", "--json").out == ""


@pytest.mark.usefixtures("two_alerts")
def test_an_alert_is_shown_whole(run: Run) -> None:
    run("ack", "1", "--note", "looking")
    ran = run("alert", "#1")
    assert (ran.code, ran.err) == (0, "")
    for shown in (
        "▲ #1 ",
        "critical · acknowledged by ",
        "api · test · ×2",
        "https://runbooks.example/api",
        "u1",
        "Stack trace",
        '    File "app/views.py", line 3, in show',
        "  ValueError: boom␛[2J",
        "  just before␇",
        "Timeline",
        "looking",
    ):
        assert shown in ran.out
    assert "\x1b" not in ran.out
    assert "\x07" not in ran.out


@pytest.mark.usefixtures("two_alerts")
def test_an_alert_as_json_has_its_context(run: Run) -> None:
    run("ack", "1")
    record = json.loads(run("alert", "1", "--json").out)
    assert record["latest"]["stack_trace"].endswith("ValueError: boom\x1b[2J")
    assert record["latest"]["context"] == {"user": "u1"}
    assert record["latest"]["related_logs"][0]["message"] == "just before\x07"
    assert record["acknowledged_by"] is not None
    kinds = [entry["kind"] for entry in record["timeline"]]
    assert (kinds[0], kinds[-1]) == ("alert.opened", "alert.acknowledged")
    assert record["pull_request"] is None
    assert record["deliveries"][0]["in_step"] is False


@pytest.mark.usefixtures("two_alerts")
def test_deciding_says_what_became_of_it(run: Run) -> None:
    acked = run("ack", "#1", "--note", "mine")
    assert acked.code == 0
    assert acked.out.startswith("#1 acknowledged by ")
    assert run("ack", "1").out.startswith("#1 already acknowledged by ")
    assert run("resolve", "1").out.startswith("#1 resolved by ")
    refused = run("ack", "1")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("jinkies: #1 is resolved by ")
    assert json.loads(run("reopen", "1", "--json").out)["state"] == "open"


def test_what_is_not_there_is_one_line_and_1(run: Run) -> None:
    for command in ("alert", "ack", "resolve", "reopen", "pr"):
        ran = run(command, "99")
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith("jinkies: ")
        assert "99" in ran.err
        assert ran.err.count("\n") == 1


@pytest.mark.usefixtures("two_alerts")
def test_a_pull_request_without_github_says_what_to_set(run: Run) -> None:
    ran = run("pr", "1")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("jinkies: GitHub is not configured: set GITHUB_TOKEN")
    assert json.loads(run("alert", "1", "--json").out)["pull_request"] is None


@pytest.mark.usefixtures("two_alerts")
def test_status_without_a_core(run: Run, home: Path) -> None:
    ran = run("status")
    assert ran.code == 0
    assert "does not run: start it with `jinkies serve`" in ran.out
    assert "2 open, 0 acknowledged, 0 snoozed, 0 resolved; 1 unresolved critical" in ran.out
    assert "set DISCORD_BOT_TOKEN" in ran.out
    record = json.loads(run("status", "--json").out)
    assert record["core"]["running"] is False
    assert (record["home"], record["environment"], record["ingest"]) == (str(home), "test", None)
    assert record["counts"] == {"open": 2, "acknowledged": 0, "snoozed": 0, "resolved": 0, "critical": 1}
    parts = {part["part"]: part for part in record["parts"]}
    assert {parts[name]["state"] for name in ("discord", "aws", "github")} == {"unconfigured"}
    assert parts["github"]["detail"].startswith("set GITHUB_TOKEN")


def test_config_shows_secrets_as_set_or_unset(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JINKIES_WEBHOOK_TOKEN", "s3cret-token-value")
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_0123456789abcdefghijklmnopqrstuvwxyz")
    monkeypatch.setenv("JINKIES_INGEST_TOKENS", "shop:s3cret-token-value-2")
    for argv in (["config"], ["config", "--json"]):
        ran = run(*argv)
        assert ran.code == 0
        assert "s3cret" not in ran.out
        assert "ghp_" not in ran.out
    settings = json.loads(run("config", "--json").out)
    assert (settings["http.token"], settings["github.token"], settings["discord.token"]) == ("set", "set", "unset")
    assert (settings["http.tokens[0].name"], settings["http.tokens[0].token"]) == ("shop", "set")
    assert settings["http.listen"] == "127.0.0.1:0"
    assert settings["environment"] == "test"


def test_a_configuration_with_mistakes_lists_them_all_and_is_2(run: Run, home: Path) -> None:
    (home / "jinkies.toml").write_text('[http]\nlisten = 7\nlisden = "x"\n')
    ran = run("status")
    assert (ran.code, ran.out) == (2, "")
    lines = ran.err.splitlines()
    assert len(lines) >= 2
    assert all(line.startswith("jinkies: ") for line in lines)
    assert "lisden" in ran.err


def test_init_writes_a_file_that_works_and_never_over_one(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home / "new.toml"
    assert run("init", str(path)).out == f"wrote {path}\n"
    monkeypatch.setenv("JINKIES_CONFIG", str(path))
    assert load_config().http.listen == "127.0.0.1:8080"
    again = run("init", str(path))
    assert (again.code, again.out) == (1, "")
    assert again.err == f"jinkies: {path} is there already; it was left as it is\n"


def test_the_examples_in_the_starter_file_work_too(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / "new.toml"
    run("init", str(path))
    text = "\n".join(one.removeprefix("# ") for one in path.read_text().splitlines() if not one.endswith("."))
    path.write_text(text)
    assert {"http", "services", "watches"} <= set(tomllib.loads(text))
    monkeypatch.setenv("JINKIES_CONFIG", str(path))
    config = load_config()
    assert config.services["api"].log_groups == ("/aws/lambda/api",)
    assert config.watches[0].name == "api-errors"


def test_ctrl_c_is_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "open_operator", interrupted)
    ran = run("alerts")
    assert (ran.code, ran.out, ran.err) == (130, "", "")


@pytest.mark.processes
@pytest.mark.usefixtures("two_alerts")
def test_a_closed_pipe_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        [sys.executable, "-m", "jinkies", "alerts"], stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (0, b"")


@pytest.mark.parametrize(
    "argv", [("alerts", "--search", "a\udcff"), ("ack", "1", "--note", "\udcff"), ("logs", "/a", "\udcff")]
)
def test_an_argument_that_is_not_text_is_one_line_and_2(run: Run, argv: tuple[str, ...]) -> None:
    ran = run(*argv)
    assert (ran.code, ran.out) == (2, "")
    assert "holds bytes that are not UTF-8 text" in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.processes
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_error(closed: str) -> None:
    command = f'exec "{sys.executable}" -m jinkies status {closed}'
    ran = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.processes
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_stdout_is_one_line_and_1() -> None:
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "jinkies", "config"], stdout=full, stderr=subprocess.PIPE, check=False, timeout=60
        )
    assert (ran.returncode, ran.stderr) == (1, b"jinkies: [Errno 28] No space left on device\n")


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_it_listens_and_ends_cleanly(run: Run, number: signal.Signals) -> None:
    with start("serve") as serving:
        assert serving.stdout is not None
        said = serving.stdout.readline()
        assert said.startswith("jinkies 0.")
        assert "takes alerts at http://127.0.0.1:" in said
        record = json.loads(run("status", "--json").out)
        assert record["core"] == {"running": True, "pid": serving.pid, "version": record["core"]["version"]}
        assert said.rstrip().endswith(f"{record['ingest']}/webhook/alert")
        serving.send_signal(number)
        out, err = serving.communicate(timeout=30)
    assert (serving.returncode, out) == (0, "")
    assert "Traceback" not in err
    assert json.loads(run("status", "--json").out)["core"]["running"] is False


@pytest.mark.processes
def test_serve_twice_is_refused_in_one_line(run: Run, home: Path) -> None:
    with start("serve") as serving:
        assert serving.stdout is not None
        assert "takes alerts at" in serving.stdout.readline()
        second = run("serve")
        assert (second.code, second.out) == (1, "")
        assert second.err == f"jinkies: another core runs for {home} (it holds core.lock)\n"
        serving.terminate()
        serving.communicate(timeout=30)


def test_a_new_token_is_printed_once_and_fits_everywhere(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = run("token", "new", "shop"), run("token", "new", "shop")
    assert first.code == second.code == 0
    entry = first.out.splitlines()[0]
    name, _, token = entry.partition(":")
    assert name == "shop"
    assert len(token) == 32
    assert token.isalnum(), "a browser's SDK takes only letters and digits in a DSN"
    assert entry != second.out.splitlines()[0]
    assert f"http://{token}@" in first.err
    monkeypatch.setenv("JINKIES_INGEST_TOKENS", entry)
    assert "shop" in run("config").out
    assert run("token", "new", "Shop").code == 2


@pytest.mark.usefixtures("two_alerts")
def test_an_alert_is_snoozed_assigned_commented_on_and_merged(run: Run) -> None:
    assert run("snooze", "1", "--for", "2h", "--times", "5").out.startswith("#1 snoozed until 20")
    assert json.loads(run("alert", "1", "--json").out)["state"] == "snoozed"
    assert run("undo", "1").out.startswith("#1 ")
    assert json.loads(run("alert", "1", "--json").out)["state"] == "open"
    assert run("assign", "1", "ops-a").out.startswith("#1 assigned to ops-a by ")
    assert "looks like the cart" in run("comment", "1", "looks like the cart").out
    refused = run("merge", "1", "1")
    assert (refused.code, refused.err) == (1, "jinkies: into: #1 can't be merged into itself\n")
    assert run("split", "1").out == "#1 it is part of no other alert\n"
    assert run("card", "1").out == "#1 no digest stands for it\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say until when: --for 2h, --until 13:10 or --times 5"),
        (("--for", "2h", "--until", "13:10"), "--for and --until: give one of them"),
        (("--for", "soon"), "--for: 'soon' is no time"),
    ],
)
def test_a_snooze_without_an_end_is_refused(run: Run, arguments: tuple[str, ...], said: str) -> None:
    ran = run("snooze", "1", *arguments)
    assert ran.code != 0
    assert said in ran.err


def test_a_snooze_until_a_clock_time_is_until_the_next() -> None:
    now_ms = 1_767_225_600_000
    for until in ("00:00", "13:10", "23:59"):
        end_ms = snooze_end(None, until, now_ms)
        assert end_ms is not None
        assert now_ms < end_ms <= now_ms + 86_400_000


@pytest.mark.usefixtures("two_alerts")
def test_silences_from_start_to_end(run: Run) -> None:
    assert run("silences").out == "nothing is silenced\n"
    preview = run("silence", "severity>=info", "--preview")
    assert preview.out.endswith("2 of the newest alerts match\n")
    started = run("silence", "service=api", "tag:region!=eu", "--for", "2h", "--reason", "deploying")
    assert started.out.startswith("1 silenced service=api tag:region!=eu: deploying, until ")
    record = json.loads(run("silences", "--json").out)
    assert (record["id"], record["matchers"], record["reason"]) == (1, "service=api tag:region!=eu", "deploying")
    assert "service=api tag:region!=eu" in run("silences").out
    assert run("unsilence", "1").out == "silence ended: service=api tag:region!=eu\n"
    assert run("unsilence", "1").err == "jinkies: no silence 1 runs or is to come\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("service=api",), "say until when: --for 2h or --until 13:10"),
        (("service=api", "--for", "2h"), "reason: say why"),
        (("deadlock", "--for", "2h"), "'deadlock' is none; write field=value"),
    ],
)
def test_a_silence_that_makes_no_sense_says_what_would(run: Run, arguments: tuple[str, ...], said: str) -> None:
    ran = run("silence", *arguments)
    assert ran.code != 0
    assert said in ran.err


@pytest.mark.usefixtures("two_alerts")
def test_why_occurrences_are_one_alert(run: Run) -> None:
    told = run("alert", "1", "--explain").out
    assert "within service api and environment test, by the sender's own fingerprint:\n  one\n" in told
    assert told.endswith("version 2 of the rules\n")
    record = json.loads(run("alert", "1", "--explain", "--json").out)
    assert (record["id"], record["grouping"]["version"], len(record["fingerprint"])) == ("1", 2, 32)
