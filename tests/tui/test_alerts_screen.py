from __future__ import annotations

import msgspec
from rich.cells import cell_len
from textual.binding import Binding
from textual.widgets import TextArea

from jinkies.commands import (
    Acknowledge,
    CreateIssue,
    CreatePullRequest,
    RecordIssue,
    RecordOnGitHub,
    RecordPullRequest,
)
from jinkies.config import Config, GitHubConfig
from jinkies.core import Core
from jinkies.model import SYSTEM, Actor, ActorKind, AlertQuery, LinkKind, OnGitHub, Severity, State
from jinkies.operator import Operator
from jinkies.wire.peer import local_actor
from tests.tui.conftest import Report, console_on
from tui.app import ConsoleApp
from tui.screens.keys import key_groups
from tui.widgets.alert_table import AlertTable

MARA = Actor(kind=ActorKind.DISCORD, id="9", name="mara")


async def _state(core: Core, alert_id: int) -> State:
    return (await core.operator(MARA).alert(alert_id)).row.state


async def test_shows_alerts_and_says_how_it_is_hosted(operator: Operator, config: Config, report: Report) -> None:
    alert_id = await report("KeyError: order_id", severity=Severity.CRITICAL, instance_id="i-0abc")
    async with console_on(config, operator) as console:
        await console.until("KeyError: order_id", "i-0abc", "1 critical")
        words = "embedded, no ingest" if operator.hosting == "embedded" else "attached"
        assert words in console.lines[0]
        assert "▲ crt" in console.line_with(f"▶   {alert_id}")


async def test_acknowledges_resolves_and_reopens(
    operator: Operator, core: Core, config: Config, report: Report
) -> None:
    alert_id = await report("boom")
    async with console_on(config, operator) as console:
        await console.until("boom")
        await console.press("a")
        await console.until("acknowledged by")
        assert await _state(core, alert_id) is State.ACKNOWLEDGED
        await console.press("u")
        await console.until("reopened by")
        assert await _state(core, alert_id) is State.OPEN
        await console.press("r")
        await console.until("all quiet")
        assert await _state(core, alert_id) is State.RESOLVED


async def test_what_another_does_shows(operator: Operator, core: Core, config: Config, report: Report) -> None:
    alert_id = await report("boom")
    async with console_on(config, operator) as console:
        await console.until("boom")
        await core.operator(MARA).execute(Acknowledge(alert_id=alert_id))
        await console.until("acknowledged by mara")
        await console.until_true(lambda: "mara" in console.line_with("▶").split("│")[1], "mara in the row of")


async def test_the_loser_of_a_race_is_told_who_won(
    operator: Operator, core: Core, config: Config, report: Report
) -> None:
    alert_id = await report("boom")
    async with console_on(config, operator) as console:
        await console.until("boom")
        session = console.app.session
        seen = session.rows[alert_id]
        await core.operator(MARA).execute(Acknowledge(alert_id=alert_id))
        screen = console.app.screen
        screen.do(Acknowledge(alert_id=alert_id, seen_rev=seen.decision_rev))  # type: ignore[attr-defined] # AlertsScreen
        await console.until("Somebody decided first", "mara")


async def test_the_selection_stays_while_rows_move(operator: Operator, config: Config, report: Report) -> None:
    for name in ("one", "two", "three"):
        await report(name)
    async with console_on(config, operator) as console:
        await console.until("one", "two", "three")
        await console.press("G")
        table = console.app.screen.query_one(AlertTable)
        assert table.selected is not None
        chosen = table.selected.alert_id
        await report("one")
        await report("four")
        await console.until("four")
        assert table.selected.alert_id == chosen


async def test_filters_live_and_takes_it_back(operator: Operator, config: Config, report: Report) -> None:
    await report("payment refused", service="billing", severity=Severity.WARNING)
    await report("disk is full", service="worker", severity=Severity.CRITICAL)
    async with console_on(config, operator) as console:
        await console.until("payment refused", "disk is full")
        await console.press("slash")
        await console.type("nothing like it")
        await console.until("nothing matches the filter")
        await console.until_gone("worker ·")
        await console.press("escape", "slash")
        await console.type("level>=error")
        await console.until("unresolved level>=error")
        await console.until_gone("payment refused")
        await console.press("escape")
        await console.until("payment refused", "disk is full")
        await console.press("slash")
        await console.type("service:billing refused")
        await console.press("enter")
        await console.until_gone("disk is full")
        await console.press("escape")
        await console.until("disk is full")


async def test_a_wrong_filter_says_what_would_be_right(operator: Operator, config: Config, report: Report) -> None:
    await report("boom")
    async with console_on(config, operator) as console:
        await console.until("boom")
        await console.press("slash")
        await console.type("state:closed")
        await console.until("✗ no state “closed”", "resolved")
        assert "boom" in console.text
        await console.press("enter")
        assert console.app.screen.query("#filter"), "it stays open, to be put right"
        await console.press(*["backspace"] * 6)
        await console.type("open level>error")
        await console.until("not “level>error”: level>=error, state:open, service:api")
        await console.press("escape")
        await console.until("unresolved")
        assert not console.app.screen.query("#filter")


async def test_the_filter_takes_what_the_command_line_calls_it(
    operator: Operator, config: Config, report: Report
) -> None:
    await report("payment refused", severity=Severity.WARNING)
    await report("status=500 disk is full", severity=Severity.CRITICAL)
    async with console_on(config, operator) as console:
        await console.until("payment refused")
        await console.press("slash")
        await console.type("severity:error status=500")
        await console.until("unresolved level>=error status=500")
        await console.until_gone("payment refused")
        await console.until("disk is full")


async def test_the_footer_shows_no_key_that_would_be_typed(operator: Operator, config: Config, report: Report) -> None:
    await report("boom")
    async with console_on(config, operator) as console:
        await console.until("boom", "/ filter")
        await console.press("slash")
        await console.until("⏎ keep", "esc back")
        await console.until_gone("/ filter")


async def test_free_text_finds_what_only_the_message_says(operator: Operator, config: Config, report: Report) -> None:
    await report("first line\nneedle in the second", exception_type="Thing")
    await report("other")
    async with console_on(config, operator) as console:
        await console.until("other")
        await console.press("slash")
        await console.type("needle")
        await console.until_gone("other")
        await console.until("first line")


async def test_hostile_text_is_harmless_and_aligned(operator: Operator, config: Config, report: Report) -> None:
    await report("plain", occurred_at_ms=1_700_000_000_000)
    trace = "\x1b[31mred\x1b]0;title\x07 \u202eevil\x9b2J [bold]x"
    await report("[red]x[/red] [@click=app.quit]go[/] 你好 👩‍💻 שלום", service="a[b]", stack_trace=trace)
    async with console_on(config, operator, size=(220, 30)) as console:
        await console.until("plain", "[red]x[/red] [@click=app.quit]go[/]", "␛[31mred", "\\u202eevil", "[bold]x")
        assert not {"\x1b", "\u202e", "\x9b", "\x07"} & set(console.text)
        first, plain = console.line_with("[red]x"), console.line_with("plain")
        assert cell_len(first) == cell_len(plain) == 220


async def test_fits_80_by_24_with_the_detail_below(operator: Operator, config: Config, report: Report) -> None:
    await report("boom", instance_id="i-0abc")
    async with console_on(config, operator, size=(80, 24)) as console:
        await console.until("boom", "i-0abc", "? help", "/ filter")
        assert all(len(line) == 80 for line in console.lines)
        table = next(index for index, line in enumerate(console.lines) if "▶" in line)
        detail = next(index for index, line in enumerate(console.lines) if "i-0abc" in line)
        assert detail > table


async def test_scrolls_beyond_the_snapshot(core: Core, config: Config, report: Report) -> None:
    for number in range(530):
        await report(f"alert {number}", occurred_at_ms=1_700_000_000_000 + number)
    async with console_on(config, core.operator(local_actor())) as console:
        await console.until("of 530", "alert 529")
        await console.press("G")
        table = console.app.screen.query_one(AlertTable)
        await console.until_true(lambda: len(table.rows) == 530, "all rows of")
        await console.press("G")
        await console.until("alert 0 ")
        page = await core.operator(MARA).alerts(AlertQuery(limit=500))
        assert [row.alert_id for row in table.rows[:500]] == [row.alert_id for row in page.rows]


async def test_unfolds_library_frames(operator: Operator, config: Config, report: Report) -> None:
    trace = (
        'Traceback (most recent call last):\n  File "/x/site-packages/lib/inner.py", line 9, in call\n    run()\n'
        '  File "app/views.py", line 3, in show\n    return cart["id"]\nKeyError: id'
    )
    await report("boom", stack_trace=trace)
    async with console_on(config, operator) as console:
        await console.until("1 of 2 in app", "app/views.py:3", '❱   return cart["id"]', "1 library frame")
        assert "inner.py" not in console.text
        await console.press("f")
        await console.until("lib/inner.py:9", "f fold")


async def test_help_lists_every_key(operator: Operator, config: Config, report: Report) -> None:
    await report("boom")
    async with console_on(config, operator, size=(120, 200)) as console:
        await console.press("question_mark")
        await console.until("Acknowledge: you are on it", "Its parts")
        text = console.text
        for _, bindings in key_groups(ConsoleApp.BINDINGS):
            for binding in Binding.make_bindings(list(bindings)):
                assert binding.id, binding
                assert binding.tooltip, binding
                assert binding.tooltip in text


async def test_pull_request_form_says_what_to_set(operator: Operator, config: Config, report: Report) -> None:
    await report("boom")
    without = msgspec.structs.replace(config, github=GitHubConfig())
    async with console_on(without, operator) as console:
        await console.until("boom")
        await console.press("p")
        await console.until("Draft pull request for #", "Fix boom in api", "set GITHUB_TOKEN")
        await console.press("escape")
        await console.until_gone("Draft pull request for")


async def test_drafts_a_pull_request(operator: Operator, core: Core, config: Config, report: Report) -> None:
    alert_id = await report("boom")
    async with console_on(config, operator) as console:
        await console.until("boom")
        await console.press("p")
        await console.until("Fix boom in api", "^s open the draft")
        await console.type(" soon")
        await console.press("tab", *"develop", "tab", *"see below", "ctrl+s")
        await console.until("waiting for GitHub")
        request = (await core.operator(MARA).alert(alert_id)).row.pull_request
        assert request is not None
        assert (request.title, request.base_branch, request.notes) == ("Fix boom in api soon", "develop", "see below")
        await core.operator(SYSTEM).execute(RecordPullRequest(alert_id=alert_id, error="422 no such branch [develop]"))
        await console.until("failed: 422 no such branch [develop]", "^s tries again")
        await console.press("ctrl+s")
        await console.until("waiting for GitHub")
        url = "https://github.example/o/r/pull/7"
        await core.operator(SYSTEM).execute(RecordPullRequest(alert_id=alert_id, number=7, url=url))
        await console.until("draft #7 is open", url)
        await console.press("escape")
        await console.until("● #7 https://github.example")


async def test_opens_an_issue(operator: Operator, core: Core, config: Config, report: Report) -> None:
    alert_id = await report("boom")
    async with console_on(config, operator) as console:
        await console.until("boom")
        await console.press("i")
        await console.until(f"Issue for #{alert_id}", "^s open the issue", "the alert links to it")
        await console.press("tab", *"see below", "ctrl+s")
        await console.until("waiting for GitHub")
        issue = (await core.operator(MARA).alert(alert_id)).row.issue
        assert issue is not None
        assert (issue.title, issue.notes) == ("boom in api", "see below")
        url = "https://github.example/o/r/issues/7"
        await core.operator(SYSTEM).execute(RecordIssue(alert_id=alert_id, number=7, url=url))
        await console.until("issue #7 is open", url)
        await console.press("escape")
        await console.until("Issue", "● #7 https://github.example")


async def test_shows_how_they_stand_on_github(operator: Operator, core: Core, config: Config, report: Report) -> None:
    alert_id = await report("boom")
    system, url = core.operator(SYSTEM), "https://g.example/o/r/pull/7"
    await operator.execute(CreatePullRequest(alert_id=alert_id))
    await operator.execute(CreateIssue(alert_id=alert_id))
    await system.execute(RecordPullRequest(alert_id=alert_id, number=7, url=url, on_github=OnGitHub.DRAFT))
    await system.execute(RecordIssue(alert_id=alert_id, number=8, url="https://g.example/o/r/issues/8"))
    pull, issue = (
        RecordOnGitHub(alert_id=alert_id, kind=kind, number=number, on_github=state, by="ada")
        for kind, number, state in (
            (LinkKind.PULL_REQUEST, 7, OnGitHub.CLOSED),
            (LinkKind.ISSUE, 8, OnGitHub.NOT_PLANNED),
        )
    )
    async with console_on(config, operator) as console:
        await console.until("● #7 draft  https://g.example", "● #8 https://g.example")
        await system.execute(issue)
        await console.until("○ #8 closed as not planned ", " issue #8 closed as not planne")
        await system.execute(pull)
        await console.until("○ #7 closed  https://")
        await console.press("p")
        await console.until("draft #7 is closed: https://g.example/o/r/pull/7; ^s opens another")
        await console.press("ctrl+s")
        await console.until("waiting for GitHub")
        await system.execute(RecordPullRequest(alert_id=alert_id, number=9, url=url, on_github=OnGitHub.MERGED))
        await console.until("draft #9 is merged")
        await console.press("escape")
        await console.until("✓ #9 merged  https://")


async def test_notes_that_are_too_long_are_refused_not_cut(
    operator: Operator, core: Core, config: Config, report: Report
) -> None:
    alert_id = await report("boom")
    async with console_on(config, operator) as console:
        await console.until("boom")
        await console.press("p")
        await console.until("Fix boom in api")
        console.app.screen.query_one(TextArea).text = "n" * 10_001
        await console.press("ctrl+s")
        await console.until("✗ notes:", "10,000")
        assert (await core.operator(MARA).alert(alert_id)).row.pull_request is None
        assert len(console.app.screen.query_one(TextArea).text) == 10_001, "what was typed stays"
