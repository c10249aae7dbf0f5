"""Several reports of one request, and senders who say that it is over."""

from __future__ import annotations

import pytest

from jinkies.commands import Report, ReportOccurrence, ReportRecovery, Resolve
from jinkies.errors import Forbidden, Invalid
from jinkies.fingerprint import fingerprint
from jinkies.frames import Frame
from jinkies.model import Actor, ActorKind, EntryKind, LinkKind, State
from jinkies.operator import Operator


def firing(fingerprint: str = "HighLatency", **more: object) -> ReportOccurrence:
    return ReportOccurrence(service="api", message="p99 over 2 s", fingerprint=fingerprint, **more)  # type: ignore[arg-type] # fields by name


def over(fingerprint: str = "HighLatency", **more: object) -> ReportRecovery:
    return ReportRecovery(service="api", fingerprint=fingerprint, reason="p99 is 0.4 s", **more)  # type: ignore[arg-type] # fields by name


async def test_a_recovery_resolves_its_alert_and_says_who(operator: Operator) -> None:
    opened = await operator.execute(firing())
    outcome = await operator.execute(over())
    assert outcome.alert_id == opened.alert_id
    detail = await operator.alert(outcome.alert_id or 0)
    assert detail.row.state is State.RESOLVED
    assert detail.timeline[-1].kind is EntryKind.ALERT_RESOLVED
    assert detail.timeline[-1].text.endswith("p99 is 0.4 s")


async def test_a_recovery_of_nothing_or_of_what_is_resolved_changes_nothing(operator: Operator) -> None:
    assert not (await operator.execute(over())).changed
    opened = await operator.execute(firing())
    await operator.execute(Resolve(alert_id=opened.alert_id or 0))
    assert not (await operator.execute(over())).changed


async def test_a_recovery_that_is_older_than_the_last_occurrence_is_late_news(operator: Operator) -> None:
    opened = await operator.execute(firing(occurred_at_ms=2_000))
    assert not (await operator.execute(over(occurred_at_ms=1_000))).changed
    assert (await operator.alert(opened.alert_id or 0)).row.state is State.OPEN


async def test_what_is_ongoing_counts_once_a_beginning(operator: Operator) -> None:
    began = firing(occurred_at_ms=1_000, ongoing=True)
    opened = await operator.execute(began)
    again = await operator.execute(began)
    assert (again.alert_id, again.changed) == (opened.alert_id, False)
    both = await operator.execute(Report(items=(began, firing("b", ongoing=True))))
    assert [one.changed for one in both.items] == [False, True]
    assert (await operator.execute(firing(occurred_at_ms=2_000, ongoing=True))).changed
    assert (await operator.alert(opened.alert_id or 0)).row.count == 2


async def test_what_is_ongoing_does_not_reopen_what_somebody_resolved(operator: Operator) -> None:
    began = firing(occurred_at_ms=1_000, ongoing=True)
    alert_id = (await operator.execute(began)).alert_id or 0
    await operator.execute(Resolve(alert_id=alert_id))
    assert not (await operator.execute(began)).changed
    assert (await operator.alert(alert_id)).row.state is State.RESOLVED


async def test_what_began_after_a_recovery_and_was_told_before_we_heard_of_it_is_no_late_news(
    operator: Operator,
) -> None:
    alert_id = (await operator.execute(firing(occurred_at_ms=1_000, ongoing=True))).alert_id or 0
    await operator.execute(over(occurred_at_ms=2_000))
    assert (await operator.alert(alert_id)).row.resolved_at_ms == 2_000
    await operator.execute(firing(occurred_at_ms=3_000, ongoing=True))
    assert (await operator.alert(alert_id)).row.state is State.OPEN


async def test_a_recovery_in_another_environment_is_anothers(operator: Operator) -> None:
    await operator.execute(firing(environment="staging"))
    assert not (await operator.execute(over(environment="prod"))).changed
    assert (await operator.execute(over(environment="staging"))).changed


async def test_a_report_is_taken_in_whole_and_says_what_became_of_each(operator: Operator) -> None:
    outcome = await operator.execute(Report(items=(firing("a"), firing("b"), firing("a"), over("b"))))
    first, second, again, recovered = outcome.items
    assert (first.created, second.created, again.created) == (True, True, False)
    assert again.alert_id == first.alert_id
    assert recovered.alert_id == second.alert_id
    assert (await operator.alert(second.alert_id or 0)).row.state is State.RESOLVED


async def test_a_report_with_one_bad_item_takes_in_none(operator: Operator) -> None:
    with pytest.raises(Invalid, match="before 1970"):
        await operator.execute(Report(items=(firing("a"), firing("b", occurred_at_ms=-1))))
    assert (await operator.snapshot()).rows == ()


@pytest.mark.parametrize("count", [0, 1_001])
async def test_a_report_is_bounded(operator: Operator, count: int) -> None:
    with pytest.raises(Invalid, match=f"items: {count:,} reports; 1 to 1,000"):
        await operator.execute(Report(items=(firing(),) * count))


async def test_a_repeated_report_gives_the_first_answer_again(operator: Operator) -> None:
    report = Report(items=(firing("a"), firing("b")))
    first = await operator.execute(report, key="message-1")
    assert await operator.execute(report, key="message-1") == first
    assert [row.count for row in (await operator.snapshot()).rows] == [1, 1]


async def test_what_a_sender_tells_is_kept(operator: Operator) -> None:
    sent = firing(
        tags={"severity": "page", "password": "hunter2"}, release="api@1.4.2", link="https://graphs.example/1"
    )
    detail = await operator.alert((await operator.execute(sent)).alert_id or 0)
    assert detail.latest.tags == {"severity": "page", "password": "[redacted]"}
    assert detail.latest.release == "api@1.4.2"
    links = {link.kind: link.url for link in detail.row.links}
    assert links[LinkKind.SOURCE] == "https://graphs.example/1"


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "https://é", "https://a b", "https://" + "x" * 2_000, "/graph"]
)
async def test_a_link_that_leads_nowhere_is_left_out(operator: Operator, link: str) -> None:
    detail = await operator.alert((await operator.execute(firing(link=link))).alert_id or 0)
    assert LinkKind.SOURCE not in {one.kind for one in detail.row.links}


async def test_discord_users_report_nothing(operator: Operator) -> None:
    velma = Actor(kind=ActorKind.DISCORD, id="1400000000000000001", name="velma")
    with pytest.raises(Forbidden):
        await operator.execute(Report(items=(firing(),)), on_behalf_of=velma)


def test_frames_that_a_sender_has_apart_group_and_no_line_number_does() -> None:
    def thrown(line: int, function: str = "show") -> str:
        frame = Frame(path="app/views.py", function=function, line=line, in_app=True)
        library = Frame(path="django/core.py", function=f"f{line}", line=line, in_app=False)
        return fingerprint(ReportOccurrence(service="api", message=f"boom {line}", frames=(library, frame)))

    assert thrown(1) == thrown(2)
    assert thrown(1) != thrown(1, "edit")


def test_default_in_a_fingerprint_refines_our_own_grouping() -> None:
    def of(fingerprint_: str | None, message: str = "boom 1") -> str:
        return fingerprint(ReportOccurrence(service="api", message=message, fingerprint=fingerprint_))

    assert of("{{ default }}") == of(None)
    assert of("{{ default }}\0eu") == of("{{ default }}\0eu", "boom 2") != of("{{ default }}\0us")
    assert of("eu") == of("eu", "anything")
