"""``[redact]``: patterns, texts that stay, addresses; and everything that a core stores goes through it."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinkies.cards import card
from jinkies.commands import (
    Acknowledge,
    Assign,
    Bulk,
    Comment,
    CreatePullRequest,
    RecordPullRequest,
    ReportOccurrence,
    ReportRecovery,
    Resolve,
    StartSilence,
)
from jinkies.config import RedactConfig, load_config
from jinkies.core import Core
from jinkies.errors import ConfigError, Invalid
from jinkies.frames import Frame
from jinkies.matching import parse_matchers
from jinkies.model import Actor, ActorKind, LogLine
from jinkies.redact import (
    MARK,
    Redactor,
    Unfit,
    redact,
    redact_command,
    redact_occurrence,
    secrets_cut,
)
from tests.redact.corpus import CUT, KEPT, line

TOKEN = "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789"
PIECES = [*(line(one)[0] for one in CUT), *KEPT, " ", "\n", '"', "=", ": ", "'", ", ", MARK]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(PIECES), max_size=5).map("".join))
def test_twice_is_once(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from([*PIECES, "cust-1", "a@b.example", "10.1.2.3", "red", "]x"]), max_size=5).map("".join),
    st.lists(st.sampled_from([r"cust-\d{1,9}", r"\]x", r"red", r"\w{3,20}", r"^.{1,3}x"]), max_size=2),
)
def test_twice_is_once_with_rules_too(text: str, also: list[str]) -> None:
    redactor = Redactor(also=also, keep=["hunter2", "session_id"], emails=True, ips=True)
    once = redactor.text(text)
    assert redactor.text(once) == once


def test_own_patterns_texts_that_stay_and_addresses() -> None:
    redactor = Redactor(also=[r"cust-\d{4,8}"], keep=["session_id", "4242 4242 4242 4242"], emails=True, ips=True)
    text = "cust-12345 session_id=abc token=abc 4242 4242 4242 4242 bob@x.example 10.1.2.3 fe80::1 127.0.0.1 12:30:00"
    wanted = f"{MARK} session_id=abc token={MARK} 4242 4242 4242 4242 {MARK} {MARK} {MARK} 127.0.0.1 12:30:00"
    assert redactor.text(text) == wanted
    assert redactor.text(wanted) == wanted
    kept = ReportOccurrence(service="a", message="x", context={"http.session_id": "abc", "token": "abc"})
    assert redact_occurrence(kept, redactor).context == {"http.session_id": "abc", "token": MARK}


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(", "no regular expression"),
        (r"\S+x", "a repeat without a bound"),
        (r"(?:a{1,50}){1,50}b", "ways to try it"),
        (r"(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)x", "ways to try it"),
        (r"(a)\1", "refers back"),
        (r"a{0,9}", "fits an empty text"),
        ("a" * 201, "at most 200"),
    ],
)
def test_patterns_that_could_be_slow_are_refused(pattern: str, why: str) -> None:
    with pytest.raises(Unfit, match=why.replace("(", r"\(")):
        Redactor(also=[pattern])


def test_the_slowest_pattern_that_is_taken_is_quick_enough() -> None:
    redactor = Redactor(also=[r"a{1,30}b{0,1}a{1,15}c"])
    started = time.perf_counter()
    redactor.text("a" * 50_000)
    assert time.perf_counter() - started < 20


def test_mistakes_name_the_pattern_by_its_place_and_never_show_it(tmp_path: Path) -> None:
    (tmp_path / "jinkies.toml").write_text('[redact]\nalso = ["ok-\\\\d{1,4}", "hunter2\\\\S+"]\nemails = 1\n')
    with pytest.raises(ConfigError) as caught:
        load_config({}, cwd=tmp_path)
    assert "redact.also: [1]: a repeat without a bound" in str(caught.value)
    assert "redact.emails: expected true or false" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    (tmp_path / "jinkies.toml").write_text('[redact]\nalso = ["ok-\\\\d{1,4}"]\nkeep = ["demo"]\nips = true\n')
    assert load_config({}, cwd=tmp_path).redact == RedactConfig(also=(r"ok-\d{1,4}",), keep=("demo",), ips=True)


def test_numbers_under_the_name_of_an_id_are_ids() -> None:
    number = "4111" + "111111111111"
    report = ReportOccurrence(service="a", message="x", context={"order_id": number, "pan": number})
    assert redact_occurrence(report).context == {"order_id": number, "pan": MARK}


def test_secrets_are_counted() -> None:
    report = ReportOccurrence(
        service="a",
        message=f"{TOKEN} {TOKEN} [redacted]",
        context={"password": "x"},
        related_logs=(LogLine(message=TOKEN),),
    )
    assert secrets_cut(report, redact_occurrence(report)) == 4
    clean = redact_occurrence(report)
    assert secrets_cut(clean, redact_occurrence(clean)) == 0


def test_what_people_write_is_redacted() -> None:
    assert redact_command(Comment(alert_id=1, text=TOKEN)) == Comment(alert_id=1, text=MARK)
    assert redact_command(Bulk(items=(Resolve(alert_id=1, note=TOKEN),))) == Bulk(
        items=(Resolve(alert_id=1, note=MARK),)
    )
    assert redact_command(Assign(alert_id=1, to=TOKEN)) == Assign(alert_id=1, to=MARK)
    asked = redact_command(CreatePullRequest(alert_id=1, title=TOKEN, notes=f"password=x1 {TOKEN}"))
    assert asked == CreatePullRequest(alert_id=1, title=MARK, notes=f"password={MARK} {MARK}")
    failed = redact_command(RecordPullRequest(alert_id=1, error=TOKEN))
    assert failed == RecordPullRequest(alert_id=1, error=MARK)
    silence = StartSilence(matchers=parse_matchers("service=api"), ends_at_ms=1, reason=TOKEN)
    assert redact_command(silence) == msgspec.structs.replace(silence, reason=MARK)
    with pytest.raises(Invalid, match=r"matchers\[0\]"):
        redact_command(msgspec.structs.replace(silence, matchers=parse_matchers(f"service={TOKEN}")))


async def test_no_secret_is_in_what_a_core_keeps(core: Core) -> None:
    """Each text of everything that can be said to it; then the files of its database are read as they are."""
    operator = core.operator(Actor(kind=ActorKind.LOCAL, id="1", name="ops-a"))
    await operator.execute(occurrence())
    await operator.execute(ReportRecovery(service=TOKEN, fingerprint=TOKEN, reason=TOKEN))
    for command in (
        Acknowledge(alert_id=1, note=TOKEN),
        Comment(alert_id=1, text=TOKEN),
        Assign(alert_id=1, to=TOKEN[:70], note=TOKEN),
        CreatePullRequest(alert_id=1, title=TOKEN, notes=TOKEN),
        Bulk(items=(Resolve(alert_id=1, note=TOKEN),)),
        StartSilence(matchers=parse_matchers("service=api"), ends_at_ms=core.clock.now_ms() + 60_000, reason=TOKEN),
    ):
        await operator.execute(command)
    detail = await operator.alert(1)
    assert detail.latest.redacted == 23
    assert ("Redacted", "23 secrets cut") in [(field.name, field.value) for field in card(detail).fields]
    assert TOKEN.encode() not in msgspec.json.encode((detail, await operator.snapshot()))
    for path in core.config.home.glob("jinkies.db*"):
        assert TOKEN.encode() not in path.read_bytes(), path.name


def occurrence() -> ReportOccurrence:
    """A secret in each of its texts."""
    return ReportOccurrence(
        service=TOKEN,
        message=TOKEN,
        message_template=f"{TOKEN} %s",
        exception_type=TOKEN,
        stack_trace=f"Traceback\n  {TOKEN}",
        related_logs=(LogLine(message=TOKEN),),
        request_path=f"/x?t={TOKEN}",
        environment=TOKEN,
        instance_id=TOKEN,
        commit_sha=TOKEN,
        context={TOKEN: TOKEN, "password": TOKEN},
        fingerprint="{{ default }}" + TOKEN,
        frames=(Frame(path=TOKEN, function=TOKEN, line=1, in_app=True, module=TOKEN, source=TOKEN),),
        release=TOKEN,
        tags={TOKEN: TOKEN, "token": TOKEN},
        link=f"https://x.example/{TOKEN}",
        runbook=f"https://x.example/{TOKEN}",
    )
