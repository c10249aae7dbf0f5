"""Silences: what an alert offers, when one runs, and the console's form and list of them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.widgets import Input

from jinkies.commands import EndSilence, StartSilence
from jinkies.config import Config
from jinkies.core import Core
from jinkies.errors import Invalid
from jinkies.matching import Matcher, Op, Silence, parse_matchers
from jinkies.model import Actor, ActorKind, AlertDetail, Occurrence
from jinkies.operator import Operator
from tests.test_priority import NOW_MS, ROW
from tests.tui.conftest import Report, console_on
from tui.silencing import Span, offers, running, span, to_come

HOUR_MS = 3_600_000
MARA = Actor(kind=ActorKind.DISCORD, id="9", name="mara")


def _detail(title: str, tags: dict[str, str]) -> AlertDetail:
    occurrence = Occurrence(occurred_at_ms=NOW_MS, message=title, tags=tags)
    row = msgspec.structs.replace(ROW, title=title, exception_type="KeyError")
    return AlertDetail(row=row, fingerprint="f00", latest=occurrence, first=occurrence, timeline=(), deliveries=())


def test_an_alert_offers_matchers_the_narrowest_first() -> None:
    detail = _detail("order id", {"region": "eu west"})
    assert [text for text, _ in offers(detail.row, detail)] == [
        "fingerprint=f00",
        "service=api exception=KeyError",
        'service=api title="order id"',
        "service=api",
        "service=api environment=prod",
        'service=api tag:region="eu west"',
    ]
    assert offers(detail.row, None)[0][1] == "this exception of the service"


@given(st.text(max_size=300), st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=3))
def test_whatever_is_offered_can_be_typed(title: str, tags: dict[str, str]) -> None:
    detail = _detail(title, tags)
    for text, _ in offers(detail.row, detail):
        assert parse_matchers(text)
        assert text.isprintable()


def test_a_window_ends_so_long_after_it_begins() -> None:
    assert span("", "2h", NOW_MS) == Span(None, NOW_MS + 2 * HOUR_MS)
    assert span("now", "until 2h", NOW_MS) == Span(None, NOW_MS + 2 * HOUR_MS)
    assert span("1d", "2h", NOW_MS) == Span(NOW_MS + 24 * HOUR_MS, NOW_MS + 26 * HOUR_MS)


@pytest.mark.parametrize(("begins", "ends"), [("soon", "2h"), ("", ""), ("", "x10"), ("x10", "2h")])
def test_what_is_no_time_says_what_would_be(begins: str, ends: str) -> None:
    with pytest.raises(Invalid, match=r"is no time: .*2h"):
        span(begins, ends, NOW_MS)


def test_what_runs_comes_before_what_is_to_come() -> None:
    def one(number: int, begins_h: int, ends_h: int, ended_by: Actor | None = None) -> Silence:
        matchers = (Matcher(field="service", op=Op.IS, value="api"),)
        return Silence(
            silence_id=number,
            matchers=matchers,
            reason="deploying",
            started_by=MARA,
            starts_at_ms=NOW_MS + begins_h * HOUR_MS,
            ends_at_ms=NOW_MS + ends_h * HOUR_MS,
            ended_by=ended_by,
        )

    known = [one(1, 5, 6), one(2, 3, 9), one(3, -1, 4), one(4, -1, 2), one(5, -3, -1), one(6, -3, 5, MARA)]
    assert [silence.silence_id for silence in to_come(known, NOW_MS)] == [4, 3, 2, 1]
    assert running(known, NOW_MS) == 2


async def test_silences_from_an_alert_with_a_preview(operator: Operator, config: Config, report: Report) -> None:
    await report("other", service="worker")
    await report("boom", tags={"region": "eu"}, exception_type="KeyError")
    async with console_on(config, operator) as console:
        await console.until("boom")
        await console.press("S")
        await console.until("Silence, from #2", "only this alert", "tag:region=eu", "with this tag")
        await console.until("1 of the newest 1,000 alerts matches, 1 unresolved: 1 open · 1 api")
        await console.press("down", "down", "down")
        await console.until_true(lambda: console.app.screen.query_one("#matchers", Input).value == "service=api")
        await console.type(" nonsense")
        await console.until("✗ matcher: 'nonsense' is none; write field=value")
        await console.press(*["backspace"] * 9, "ctrl+s")
        await console.until("✗ reason: say why")
        await console.type("deploying")
        await console.press("enter")
        await console.until("Silence 1, until", "silenced service=api: deploying", "· 1 silenced")
        assert [one.text for one in (await operator.snapshot()).silences] == ["service=api"]


async def test_a_silenced_alert_is_marked_and_says_by_whom(
    operator: Operator, core: Core, config: Config, report: Report
) -> None:
    now_ms = core.clock.now_ms()
    command = StartSilence(matchers=parse_matchers("service=api"), ends_at_ms=now_ms + 3 * HOUR_MS, reason="deploying")
    await core.operator(MARA).execute(command)
    await report("boom")
    async with console_on(config, operator) as console:
        await console.until("boom", "1 silenced")
        assert "sil 2h" in console.line_with("▶")
        await console.until("Silenced by mara: deploying  service=api")


async def test_the_list_shows_windows_to_come_and_ends_one(
    operator: Operator, core: Core, config: Config, report: Report
) -> None:
    await report("boom")
    async with console_on(config, operator) as console:
        await console.until("boom")
        await console.press("W")
        await console.until("Nothing is silenced", "n new")
        await console.press("n")
        await console.until("Alerts that match all of")
        await console.type("service=[b]x")
        await console.until("0 of the newest 1,000 alerts match")
        await console.press("tab", *"1d", "tab", *["backspace"] * 2, *"2h", "tab", *"moving", "enter")
        await console.until("Silences  0 now, 1 to come", "in 23h", "service=[b]x", "moving")
        assert "silenced " not in console.lines[0]
        now_ms = core.clock.now_ms()
        command = StartSilence(matchers=parse_matchers("title=boom"), ends_at_ms=now_ms + HOUR_MS, reason="known")
        await core.operator(MARA).execute(command)
        await console.until("Silences  1 now, 1 to come", "title=boom", "mara")
        await console.press("g", "x")
        await console.until("Silences  0 now, 1 to come")
        assert [one.text for one in (await operator.snapshot()).silences] == ["service=[b]x"]
        await console.press("escape")
        await console.until("unresolved")


async def test_who_ends_what_is_over_is_told_who_did(
    operator: Operator, core: Core, config: Config, report: Report
) -> None:
    await report("boom")
    mara = core.operator(MARA)
    now_ms = core.clock.now_ms()
    command = StartSilence(matchers=parse_matchers("service=api"), ends_at_ms=now_ms + HOUR_MS, reason="known")
    silence_id = (await mara.execute(command)).silence_id
    assert silence_id is not None
    async with console_on(config, operator, size=(80, 24)) as console:
        await console.press("W")
        await console.until("Silences  1 now", "known")
        await mara.execute(EndSilence(silence_id=silence_id))
        await console.until("Nothing is silenced")
        await console.app.screen._end(silence_id)  # type: ignore[attr-defined] # SilencesScreen: pressed too late
        await console.until("Somebody decided first", "silence 1 was ended by mara")
