"""``jinkies logs`` and ``jinkies tail`` against ministack; as real processes where pipes and signals matter."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from jinkies.cli import main, tail
from jinkies.cli.logs import Writer
from jinkies.clock import SystemClock, iso
from jinkies.config import Config
from jinkies.logs.levels import level_of
from jinkies.model import LogEvent, TailBatch, TailSpec
from jinkies.store.reader import open_readers

pytestmark = pytest.mark.processes

AT_MS = 1_767_225_600_000
PROGRAM = [sys.executable, "-c", "import sys; from jinkies.cli import main; sys.exit(main())"]
LINES = [
    "INFO started",
    "ERROR it broke \x1b[31mred\x07",
    "WARNING wide é ☃\nsecond line",
    '{"level":"error","m":"[bold]"}',
]


class Desk:
    """A home of its own, a log group of its own, and the command to run there."""

    def __init__(self, home: Path, url: str, group: str, now_ms: int) -> None:
        self.group = group
        self.now_ms = now_ms
        self.home = home
        self.environment = {
            "PATH": os.environ.get("PATH", ""),
            "JINKIES_HOME": str(home),
            "JINKIES_CONFIG": str(home / "jinkies.toml"),
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "not-a-secret",
            "AWS_ENDPOINT_URL": url,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "TERM": "xterm",
        }
        (home / "jinkies.toml").write_text(
            f'[http]\nlisten = "127.0.0.1:0"\n[services.api]\nlog_groups = ["{group}"]\n[services.web]\n'
        )

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, *arguments],
            cwd=self.home,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(
            [*PROGRAM, *arguments],
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def on_terminal(self, *arguments: str, **environment: str) -> str:
        ours, theirs = pty.openpty()
        try:
            process = subprocess.Popen(
                [*PROGRAM, *arguments], cwd=self.home, env={**self.environment, **environment}, stdout=theirs
            )
        finally:
            os.close(theirs)
        shown = b""
        with process, open(ours, "rb", buffering=0) as terminal:  # noqa: PTH123 - a file descriptor has no path
            while select.select([terminal], [], [], 60)[0]:
                try:
                    part = terminal.read(65_536)
                except OSError:  # Linux: the other end of the pty is closed
                    break
                if not part:
                    break
                shown += part
        assert process.returncode == 0
        return shown.decode().replace("\r\n", "\n")


@pytest.fixture
async def desk(ministack_url: str, cloudwatch: Any) -> Any:
    home = Path(tempfile.mkdtemp(prefix="jk", dir="/tmp"))
    group, now_ms = f"/test/{uuid.uuid4()}", time.time_ns() // 1_000_000 - 5_000
    await cloudwatch.create_log_group(logGroupName=group)
    await cloudwatch.create_log_stream(logGroupName=group, logStreamName="web-1")
    events = [{"timestamp": now_ms + at, "message": line} for at, line in enumerate(LINES)]
    await cloudwatch.put_log_events(logGroupName=group, logStreamName="web-1", logEvents=events)
    yield Desk(home, ministack_url, group, now_ms)
    shutil.rmtree(home)


class Ran(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Inside = Callable[..., Ran]


@pytest.fixture
def inside(desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    """Run the command in this process: where no process of its own is needed, it is ten times as quick."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "JINKIES_", "MAX_LOG"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(desk.home)

    def run(*arguments: str, **environment: str) -> Ran:
        with monkeypatch.context() as patch:
            for name, text in {**desk.environment, **environment}.items():
                patch.setenv(name, text)
            code = main(arguments)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


async def put(cloudwatch: Any, desk: Desk, *messages: str) -> None:
    now_ms = time.time_ns() // 1_000_000
    await cloudwatch.put_log_events(
        logGroupName=desk.group,
        logStreamName="web-1",
        logEvents=[{"timestamp": now_ms + at, "message": message} for at, message in enumerate(messages)],
    )


def test_logs_as_text_json_and_raw(desk: Desk, inside: Inside) -> None:
    ran = inside("logs", "api")
    assert (ran.returncode, ran.stderr) == (0, "")
    when = [iso(desk.now_ms + at) for at in range(4)]
    assert ran.stdout == (
        f"{when[0]} web-1 INFO started\n"
        f"{when[1]} web-1 ERROR it broke ␛[31mred␇\n"
        f"{when[2]} web-1 WARNING wide é ☃\n  second line\n"
        f'{when[3]} web-1 {{"level":"error","m":"[bold]"}}\n'
    )
    ran = inside("logs", desk.group, "--output", "json", "--level", "error")
    records = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [record["message"] for record in records] == [LINES[1], LINES[3]], "as CloudWatch holds it"
    assert records[0].pop("ingestion").endswith("Z")
    assert records[0] == {
        "timestamp": when[1],
        "group": desk.group,
        "stream": "web-1",
        "level": "error",
        "message": LINES[1],
        "late": False,
        "backfilled": False,
    }
    assert inside("logs", "api", "--output", "raw").stdout == "\n".join([*LINES, ""])


def test_filters_limits_and_ranges(inside: Inside) -> None:
    assert inside("logs", "api", "--grep", r"br.ke", "--output", "raw").stdout == f"{LINES[1]}\n"
    assert inside("logs", "api", "--filter", "started", "--output", "raw").stdout == f"{LINES[0]}\n"
    assert inside("logs", "api", "--until", "1m").stdout == ""
    ran = inside("logs", "api", "--limit", "1", "--output", "raw")
    assert (ran.returncode, ran.stdout) == (0, f"{LINES[0]}\n")
    assert ran.stderr.startswith("jinkies: stopped at --limit, there are more lines")
    ran = inside("logs", "api", "--output", "raw", MAX_LOG_LINES="3")
    assert ran.stdout == "\n".join([*LINES[:3], ""])
    assert inside("logs", "api", "--limit", "4").stderr == ""
    assert inside("logs", "api", "--tail", "2", "--output", "raw").stdout == "\n".join([*LINES[2:], ""])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("logs",), 2, "the following arguments are required: TARGET"),
        (("logs", "apj"), 2, "target: 'apj' is neither a service nor a log group; did you mean api?"),
        (("logs", "quux"), 2, "target: 'quux' is neither a service nor a log group; services: api, web"),
        (("logs", "/no/such"), 1, "no log group /no/such in this account and region"),
        (("logs", "web"), 1, "service web has no log groups: set log_groups under [services.web]"),
        (("logs", "api", "--since", "soon"), 2, "--since: 'soon' is no time; give one of: 15m, 2h30m (ago)"),
        (("logs", "api", "--since", "-1h..-2h"), 2, "--since '-1h..-2h': its beginning is not before its end"),
        (("logs", "api", "--since", "9:00..9:30", "--until", "5m"), 2, "--since '9:00..9:30' names both ends"),
        (("logs", "api", "--until", "1h"), 2, "--since '15m' is not before --until '1h'"),
        (
            ("logs", "api", "--level", "loud"),
            2,
            "argument --level: expected one of debug, info, warning, error, critical",
        ),
        (("logs", "api", "--grep", "("), 2, "grep: '(' is no regular expression: missing )"),
        (("logs", "api", "--limit", "0"), 2, "argument --limit: expected a number of lines, 1 or more, got '0'"),
        (("logs", "api", "--tail", "5", "--limit", "5"), 2, "--tail: not together with --limit, which counts from"),
        (("logs", "api", "--tail", "10001"), 2, "--tail: 10,001; at most 10,000 (--limit has no such bound)"),
        (("logs", "api", "--output", "xml"), 2, "argument --output: invalid choice: 'xml'"),
        (("tail", "/no/such"), 1, "no log group /no/such in this account and region"),
        (("tail", "/no/such", "--poll"), 1, "no log group /no/such in this account and region"),
        (("tail", "apj"), 2, "target: 'apj' is neither a service nor a log group; did you mean api?"),
        (("tail", "api", "--since", "2999-01-01"), 2, "--since: '2999-01-01' lies in the future"),
    ],
)
def test_bad_input_is_one_line_on_stderr(inside: Inside, arguments: tuple[str, ...], code: int, message: str) -> None:
    ran = inside(*arguments)
    assert (ran.returncode, ran.stdout) == (code, "")
    assert ran.stderr.startswith(f"jinkies: {message}")
    assert ran.stderr.count("\n") == 1


def test_without_aws_it_says_what_to_set(inside: Inside) -> None:
    ran = inside("logs", "api", AWS_REGION="")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("jinkies: AWS is not configured: set AWS_REGION")


async def test_colour_only_on_a_terminal_and_log_text_never_drives_it(desk: Desk) -> None:
    shown = desk.on_terminal("logs", "api")
    assert "\x1b[31mERROR it broke ␛[31mred␇\x1b[0m\n" in shown
    assert "\x07" not in shown
    plain = desk.on_terminal("logs", "api", NO_COLOR="1")
    assert "\x1b" not in plain
    assert plain == desk.run("logs", "api").stdout


async def test_a_closed_pipe_is_no_error(desk: Desk, cloudwatch: Any) -> None:
    await put(cloudwatch, desk, *("x" * 1_000 for _ in range(500)))
    for command in ("logs", "tail"):
        with desk.running(command, "api") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline()
            process.stdout.close()
            assert process.wait(30) == 0
            assert process.stderr.read() == b""


@pytest.mark.parametrize("quiet", [False, True])
async def test_what_a_tail_held_is_closed_in_peace_when_its_reader_leaves(
    monkeypatch: pytest.MonkeyPatch, quiet: bool
) -> None:
    closed: list[bool] = []

    async def batches(*_given: object) -> AsyncGenerator[TailBatch, None]:
        try:
            if quiet:
                await asyncio.Event().wait()
            one = LogEvent(log_group="/a", log_stream="s", timestamp_ms=AT_MS, ingestion_ms=AT_MS, message="one")
            yield TailBatch(events=(one,))
        finally:
            for _ in range(5):  # as connections that are closed
                await asyncio.sleep(0.001)
            closed.append(True)

    monkeypatch.setattr(tail, "_batches", batches)
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", closefd=False) as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        spec = TailSpec(targets=("/a",), from_ms=AT_MS)
        with pytest.raises(BrokenPipeError):
            await tail.run_tail(
                Config(home=Path("/nonexistent")), spec, Writer("raw", groups=False), None, SystemClock()
            )
        nowhere = os.open(os.devnull, os.O_WRONLY)  # takes what is still buffered
        os.dup2(nowhere, writing)
        os.close(nowhere)
    os.close(writing)
    assert closed == [True]


async def test_a_quiet_tail_notices_that_its_reader_left(desk: Desk) -> None:
    with desk.running("tail", "api") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(5):  # all there is: the tail waits now, and writes nothing more
            process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == b""


@pytest.mark.parametrize("how", [(), ("--poll",)])
async def test_ctrl_c_ends_a_tail_with_a_summary(desk: Desk, cloudwatch: Any, how: tuple[str, ...]) -> None:
    with desk.running("tail", "api", *how) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(5):  # the fourth has two lines
            assert process.stdout.readline()
        await put(cloudwatch, desk, "one more")
        assert process.stdout.readline().endswith(b" one more\n")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        said = process.stderr.read().decode()
    assert said.startswith("jinkies: 5 lines, 0 late, 0 backfilled, 0 duplicates left out, 0 dropped\n")
    assert f"jinkies: cost: {0 if how else 1} Live Tail session" in said


async def test_tail_shows_what_comes(desk: Desk, cloudwatch: Any) -> None:
    with desk.running("tail", "api", "--level", "error", "--output", "json", "--limit", "4") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["message"] == LINES[1]
        assert json.loads(process.stdout.readline())["message"] == LINES[3]
        await put(cloudwatch, desk, "INFO no", "ERROR yes")
        assert json.loads(process.stdout.readline())["message"] == "ERROR yes"
        await cloudwatch.put_log_events(
            logGroupName=desk.group,
            logStreamName="web-1",
            logEvents=[{"timestamp": desk.now_ms, "message": "ERROR late"}],
        )
        record = json.loads(process.stdout.readline())
        assert (record["message"], record["late"]) == ("ERROR late", True)
        assert process.wait(30) == 0, "--limit"


async def kept(desk: Desk) -> None:
    """Until the core has recorded its one tail."""
    async with asyncio.timeout(30), open_readers(desk.home / "jinkies.db") as reader:
        while len(await reader.saved_tails()) != 1:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("forgotten", [False, True], ids=["resumed", "forgotten"])
async def test_a_tail_survives_a_killed_core(desk: Desk, cloudwatch: Any, *, forgotten: bool) -> None:
    """``forgotten``: the core that comes back knows of no tail, so that it begins where the command line asks it to."""
    written = [f"{at} and {at % 3}" for at in range(60)]
    lines = iter(written)

    async def write(count: int) -> None:
        for _ in range(count):
            await put(cloudwatch, desk, next(lines))

    with desk.running("serve") as core:
        assert core.stdout is not None
        assert core.stdout.readline().startswith(b"jinkies ")
        with desk.running(
            "tail", "api", "--output", "raw", "--grep", " and ", "--limit", "60", "--since", "1s"
        ) as process:
            assert process.stdout is not None
            await kept(desk)
            await write(20)
            shown = [process.stdout.readline() for _ in range(20)]
            core.kill()
            core.wait()
            await write(20)
            await asyncio.sleep(1.5)  # longer than --since: a tail begun anew would not have these
            for left in desk.home.glob("jinkies.db*") if forgotten else ():
                left.unlink()
            with desk.running("serve") as again:
                assert again.stdout is not None
                assert again.stdout.readline().startswith(b"jinkies ")
                await write(20)
                shown += process.stdout.readlines()
                assert process.wait(30) == 0
            assert process.stderr is not None
            said = process.stderr.read().decode()
            assert "60 lines, " in said
            assert "missing" not in said
    assert Counter(shown) == Counter(f"{line}\n".encode() for line in written)


async def test_tail_goes_through_a_running_core(desk: Desk, cloudwatch: Any) -> None:
    with desk.running("serve") as core:
        assert core.stdout is not None
        assert core.stdout.readline().startswith(b"jinkies ")
        without_aws = {name: text for name, text in desk.environment.items() if not name.startswith("AWS_")}
        desk.environment = without_aws  # only the core can ask AWS
        with desk.running("tail", "api", "--output", "raw") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == f"{LINES[0]}\n".encode()
            await put(cloudwatch, desk, "through the core")
            while (line := process.stdout.readline()) != b"through the core\n":
                assert line


def test_the_lines_of_a_trace_stand_beneath_its_first(capsys: pytest.CaptureFixture[str]) -> None:
    trace = [
        "ERROR it broke",
        "Traceback (most recent call last):",
        '  File "a.py", line 1',
        "ValueError: 7",
        "INFO on",
    ]
    events = [
        LogEvent(
            log_group="/a", log_stream="s", timestamp_ms=at, ingestion_ms=at, message=message, level=level_of(message)
        )
        for at, message in enumerate(trace)
    ]
    Writer("text", groups=False)(events)
    assert capsys.readouterr().out.splitlines() == [
        "1970-01-01T00:00:00.000Z s ERROR it broke",
        "  Traceback (most recent call last):",
        '    File "a.py", line 1',
        "  ValueError: 7",
        "1970-01-01T00:00:00.004Z s INFO on",
    ]
    Writer("raw", groups=False)(events)
    assert capsys.readouterr().out.splitlines() == trace
    Writer("text", groups=False)([events[0], msgspec.structs.replace(events[1], late=True)])
    assert "late s Traceback" in capsys.readouterr().out


def test_lines_printed_together_are_those_printed_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    """A page is printed by a shorter way than an event alone."""
    chance = random.Random(3)
    messages = [
        "INFO on ",
        "ERROR it broke",
        "Traceback (most recent call last):",
        "  File 1",
        "ValueError: 7",
        "a\nb",
        "",
    ]
    events = []
    for at in range(3_000):
        message = chance.choice([*messages, "\x1b[31mred", "wide é ☃", "\tat a.b(C.java:1)", "java.io.IOException: x"])
        event = LogEvent(
            log_group=chance.choice(["/a", "/b"]),
            log_stream=chance.choice(["s", "s", "t\x07"]),
            timestamp_ms=at * 100 + chance.randrange(200),
            ingestion_ms=at,
            message=message,
            level=level_of(message),
            late=chance.random() < 0.05,
        )
        events.append(event)
    for groups in (False, True):
        alone, together = Writer("text", groups=groups), Writer("text", groups=groups)
        for event in events:
            alone([event])
        expected = capsys.readouterr().out
        for at in range(0, len(events), 97):
            together(events[at : at + 97])
        assert capsys.readouterr().out == expected
