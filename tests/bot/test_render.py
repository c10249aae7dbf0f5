"""Cards as Discord gets them: exactly so, and within every limit whatever is in them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bot import custom_ids
from bot.render import Button, alert_message, list_message, pull_request_form
from bot.text import clean, code_block, cut_middle, escaped, plain_label, units
from jinkies.cards import SNOOZES, CardAction
from jinkies.model import (
    Actor,
    ActorKind,
    AlertDetail,
    AlertPage,
    AlertRow,
    Delivery,
    Issue,
    Link,
    LinkKind,
    LogLine,
    Occurrence,
    OnGitHub,
    PullRequest,
    Severity,
    State,
    WorkState,
)
from jinkies.simulators.discord.validate import check_callback, check_message, check_not_empty

EPOCH = "0a1b2c3d" + 24 * "0"
VELMA = Actor(kind=ActorKind.DISCORD, id="1", name="velma")


def detail_of(row: AlertRow, latest: Occurrence) -> AlertDetail:
    return AlertDetail(row=row, fingerprint="f", latest=latest, first=latest, timeline=(), deliveries=())


def wire(message: msgspec.Struct) -> dict[str, Any]:
    """As Discord gets it."""
    decoded = msgspec.json.decode(msgspec.json.encode(message))
    assert isinstance(decoded, dict)
    return decoded


ROW = AlertRow(
    alert_id=42,
    state=State.OPEN,
    severity=Severity.ERROR,
    service="api",
    environment="prod",
    title="KeyError: order_id",
    exception_type="KeyError",
    request_path="/orders/{id}",
    culprit="app/views/orders.py:118 in show",
    count=37,
    first_seen_at_ms=1_767_225_482_000,
    last_seen_at_ms=1_767_225_859_120,
    links=(Link(kind=LinkKind.RUNBOOK, url="https://runbooks.example/api", label="Runbook"),),
    revision=9,
)
LATEST = Occurrence(
    occurred_at_ms=1_767_225_859_120,
    message="KeyError: 'order_id' in *cart* of <@1400000000000000001>",
    stack_trace=(
        "Traceback (most recent call last):\n  File \"app/views/orders.py\", line 118, in show\nKeyError: 'order_id'"
    ),
    request_path="GET /orders/77",
    instance_id="i-0abc123",
    commit_sha="a1b2c3d4e5f60718",
    related_logs=(LogLine(message="12:04:19 INFO GET /orders/77"), LogLine(message="12:04:19 ERROR ```boom```")),
)


def shown(style: int, label: str, action: str) -> dict[str, object]:
    """A button that can be pressed."""
    custom_id = f"jk:{action}:42:0a1b2c3d"
    return {"type": 2, "style": style, "label": label, "custom_id": custom_id, "disabled": False}


def test_an_open_alert_looks_exactly_so() -> None:
    assert wire(alert_message(detail_of(ROW, LATEST), epoch=EPOCH)) == {
        "embeds": [
            {
                "title": "■ #42 · KeyError: order\\_id",
                "description": (
                    "**error** · open\n"
                    "api · prod · ×37\n"
                    "first <t:1767225482:R> · last <t:1767225859:R>\n"
                    "```\n"
                    "Traceback (most recent call last):\n"
                    '  File "app/views/orders.py", line 118, in show\n'
                    "KeyError: 'order_id'\n"
                    "```\n"
                    "```\n"
                    "12:04:19 INFO GET /orders/77\n"
                    "12:04:19 ERROR `\u200b`\u200b`boom`\u200b`\u200b`\n"
                    "```"
                ),
                "color": 0xF76B15,
                "fields": [
                    {
                        "name": "Message",
                        "value": "KeyError: 'order\\_id' in \\*cart\\* of \\<@\u200b1400000000000000001>",
                        "inline": False,
                    },
                    {"name": "Request", "value": "GET /orders/77", "inline": True},
                    {"name": "Where", "value": "app/views/orders.py:118 in show", "inline": True},
                    {"name": "Instance", "value": "i-0abc123", "inline": True},
                    {"name": "Commit", "value": "a1b2c3d4e5f6", "inline": True},
                    {
                        "name": "Runbook",
                        "value": "[runbooks.example/api](https://runbooks.example/api)",
                        "inline": True,
                    },
                ],
            }
        ],
        "components": [
            {
                "type": 1,
                "components": [
                    shown(1, "Acknowledge", "ack"),
                    shown(3, "Resolve", "resolve"),
                    shown(2, "Silence", "silence"),
                    shown(2, "Logs", "logs"),
                ],
            },
            {"type": 1, "components": [shown(2, "Create PR", "pr"), shown(2, "Create issue", "issue")]},
            {
                "type": 1,
                "components": [
                    {
                        "type": 3,
                        "custom_id": "jk:snooze:42:0a1b2c3d",
                        "placeholder": "Snooze…",
                        "options": [{"label": one.label, "value": one.value} for one in SNOOZES],
                    }
                ],
            },
        ],
        "allowed_mentions": {"parse": []},
    }


@pytest.mark.parametrize(
    ("on_github", "says", "button"),
    [
        (OnGitHub.DRAFT, " · draft", ("PR opened ✓", True)),
        (OnGitHub.MERGED, " · merged", ("PR opened ✓", True)),
        (OnGitHub.CLOSED, " · closed", ("Create PR", False)),
    ],
)
def test_how_a_pull_request_stands_is_beside_its_link(on_github: OnGitHub, says: str, button: tuple[str, bool]) -> None:
    link = Link(kind=LinkKind.PULL_REQUEST, url="https://github.com/o/r/pull/7", label="PR #7")
    work = PullRequest(state=WorkState.DONE, title="t", number=7, url=link.url, on_github=on_github)
    row = msgspec.structs.replace(ROW, links=(*ROW.links, link), pull_request=work)
    message = alert_message(detail_of(row, LATEST), epoch=EPOCH)
    field = message.embeds[0].fields[-1]
    assert (field.name, field.value) == ("PR #7", f"[github.com/o/r/pull/7](https://github.com/o/r/pull/7){says}")
    buttons = [one for each in message.components for one in each.components if isinstance(one, Button)]
    assert button in [(one.label, one.disabled) for one in buttons]


def test_a_resolved_alert_can_be_reopened_and_its_pull_request_is_linked() -> None:
    link = Link(kind=LinkKind.PULL_REQUEST, url="https://github.com/o/r/pull/7", label="PR #7")
    done = PullRequest(state=WorkState.DONE, title="t", number=7, url=link.url)
    row = msgspec.structs.replace(
        ROW, state=State.RESOLVED, resolved_by=VELMA, links=(*ROW.links, link), pull_request=done
    )
    message = alert_message(detail_of(row, LATEST), epoch=EPOCH)
    assert message.embeds[0].color == 0x30A46C
    assert message.embeds[0].description.startswith("**error** · resolved by velma\n")
    assert message.embeds[0].fields[-1].value == "[github.com/o/r/pull/7](https://github.com/o/r/pull/7)"
    assert [(one.label, one.disabled) for one in message.components[0].components if isinstance(one, Button)] == [
        ("Reopen", False),
        ("Logs", False),
        ("PR opened ✓", True),
        ("Create issue", False),
    ]


def test_the_longest_of_everything_keeps_the_cause() -> None:
    foreign = "😀 ``` مرحبا \u202e @everyone ```py\n" * 20_000
    latest = msgspec.structs.replace(
        LATEST, stack_trace=f"{foreign}KeyError: the cause", message=foreign, related_logs=(LogLine(message=foreign),)
    )
    row = msgspec.structs.replace(ROW, title=foreign, service=foreign, environment=foreign)
    body = wire(alert_message(detail_of(row, latest), epoch=EPOCH))
    check_message(body)
    check_parts(body)
    assert "KeyError: the cause\n```" in body["embeds"][0]["description"]


def test_who_was_on_it_is_still_said_when_it_is_over() -> None:
    row = msgspec.structs.replace(ROW, state=State.RESOLVED, resolved_by=VELMA, acknowledged_by=VELMA)
    message = alert_message(detail_of(row, LATEST), epoch=EPOCH)
    assert ("Acknowledged by", "velma") in [(one.name, one.value) for one in message.embeds[0].fields]
    acknowledged = msgspec.structs.replace(ROW, state=State.ACKNOWLEDGED, acknowledged_by=VELMA)
    message = alert_message(detail_of(acknowledged, LATEST), epoch=EPOCH)
    assert "acknowledged by velma" in message.embeds[0].description
    assert "Acknowledged by" not in [one.name for one in message.embeds[0].fields]


def test_the_cause_at_the_end_of_a_long_trace_is_kept() -> None:
    frames = "\n".join(f'  File "app/module_{number}.py", line {number}' for number in range(2_000))
    trace = f"Traceback (most recent call last):\n{frames}\nKeyError: the cause"
    message = alert_message(detail_of(ROW, msgspec.structs.replace(LATEST, stack_trace=trace)), epoch=EPOCH)
    description = message.embeds[0].description
    assert "Traceback (most recent call last):" in description
    assert "\n⋯ cut ⋯\n" in description
    assert "KeyError: the cause\n```" in description
    check_message(wire(message))


def test_the_digest_moves_with_what_is_shown_only() -> None:
    message = alert_message(detail_of(ROW, LATEST), epoch=EPOCH)
    later = alert_message(detail_of(msgspec.structs.replace(ROW, revision=10), LATEST), epoch=EPOCH)
    counted = alert_message(detail_of(msgspec.structs.replace(ROW, count=38), LATEST), epoch=EPOCH)
    assert message.digest() == later.digest()
    assert message.digest() != counted.digest()


def test_a_link_that_is_no_web_address_is_shown_as_text() -> None:
    for url in ("javascript:alert(1)", "https://evil.example/) [click](https://other.example", "https://a b"):
        link = Link(kind=LinkKind.RUNBOOK, url=url, label="Runbook")
        message = alert_message(detail_of(msgspec.structs.replace(ROW, links=(link,)), LATEST), epoch=EPOCH)
        assert "](" not in message.embeds[0].fields[-1].value.replace("\\]", "")


NASTY = some.text(
    some.sampled_from("`*_~|>#-<@:/\\[]()\n\t\x1b[m\x00\u200b\u202e😀é7 a") | some.characters(), max_size=400
).flatmap(lambda text: some.sampled_from([1, 1, 30]).map(lambda times: text * times))
NAMED = some.builds(Actor, kind=some.just(ActorKind.DISCORD), id=some.just("1"), name=NASTY)
ROWS = some.builds(
    AlertRow,
    alert_id=some.integers(1, 10**18 - 1),
    state=some.sampled_from(State),
    severity=some.sampled_from(Severity),
    service=NASTY,
    environment=NASTY,
    title=NASTY,
    exception_type=some.none(),
    request_path=some.none(),
    culprit=some.none() | NASTY,
    count=some.integers(1, 10**9),
    first_seen_at_ms=some.integers(0, 4 * 10**12),
    last_seen_at_ms=some.integers(0, 4 * 10**12),
    acknowledged_by=some.none() | NAMED,
    resolved_by=some.none() | NAMED,
    links=some.lists(
        some.builds(
            Link,
            kind=some.just(LinkKind.RUNBOOK),
            url=NASTY | NASTY.map(lambda text: f"https://{text}"),
            label=NASTY,
        ),
        max_size=40,
    ).map(tuple),
    pull_request=some.none()
    | some.builds(PullRequest, state=some.sampled_from(WorkState), title=NASTY, error=some.none() | NASTY),
    issue=some.none() | some.builds(Issue, state=some.sampled_from(WorkState), title=NASTY, error=some.none() | NASTY),
    snoozed_by=some.none() | NAMED,
    snoozed_until_ms=some.none() | some.integers(0, 4 * 10**12),
    snoozed_until_count=some.none() | some.integers(1, 10**18),
    silenced_by=some.none() | some.integers(1, 10**9),
    silenced_until_ms=some.none() | some.integers(0, 4 * 10**12),
    assigned_to=some.none() | NASTY,
    merged_into=some.none() | some.integers(1, 10**18),
)
OCCURRENCES = some.builds(
    Occurrence,
    occurred_at_ms=some.just(1),
    message=NASTY,
    stack_trace=some.none() | NASTY,
    request_path=some.none() | NASTY,
    instance_id=some.none() | NASTY,
    commit_sha=some.none() | NASTY,
    related_logs=some.lists(some.builds(LogLine, message=NASTY), max_size=20).map(tuple),
    release=some.none() | NASTY,
    tags=some.dictionaries(NASTY, NASTY, max_size=12),
    redacted=some.integers(0, 10**9),
)


@settings(max_examples=80, deadline=None)
@given(row=ROWS, latest=OCCURRENCES)
def test_any_card_is_within_discords_limits(row: AlertRow, latest: Occurrence) -> None:
    body = wire(alert_message(detail_of(row, latest), epoch=EPOCH))
    check_not_empty(check_message(body) | {"content": "", "attachments": []})
    assert body["allowed_mentions"] == {"parse": []}
    check_parts(body)
    description = body["embeds"][0]["description"]
    assert description.count("```") % 2 == 0
    assert "@everyone" not in description.partition("```")[0]
    pressed = custom_ids.parse(body["components"][0]["components"][0]["custom_id"])
    assert pressed is not None
    assert pressed.alert_id == row.alert_id


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def check_parts(body: dict[str, Any]) -> None:
    """The whole message against Discord's limits as this test knows them, in UTF-16 units."""
    [embed] = body["embeds"]
    texts = [
        embed["title"],
        embed["description"],
        *(one[key] for one in embed.get("fields", []) for key in ("name", "value")),
    ]
    assert sum(map(utf16, texts)) <= 6_000
    assert utf16(embed["title"]) <= 256
    assert utf16(embed["description"]) <= 4_096
    assert len(embed.get("fields", [])) <= 25
    assert all(1 <= utf16(one["name"]) <= 256 and 1 <= utf16(one["value"]) <= 1_024 for one in embed.get("fields", []))
    assert not any(mark in text for text in texts for mark in ("\u202e", "\u2066", "\x1b", "\x00"))
    assert 1 <= len(body["components"]) <= 5
    ids = [part["custom_id"] for row in body["components"] for part in row["components"]]
    assert len(set(ids)) == len(ids)
    for row in body["components"]:
        kinds = [part["type"] for part in row["components"]]
        assert kinds == [3] or (set(kinds) == {2} and len(kinds) <= 5), "buttons, or one select"
        assert all(len(part["custom_id"]) <= 100 for part in row["components"])
        assert all(utf16(part.get("label", part.get("placeholder"))) <= 80 for part in row["components"])


@settings(max_examples=25, deadline=None)
@given(rows=some.lists(ROWS, max_size=22), described=NASTY)
def test_any_list_and_any_form_is_within_discords_limits(rows: list[AlertRow], described: str) -> None:
    page = AlertPage(rows=tuple(rows), next_cursor="more")
    check_message(wire(list_message(page, described=described)))
    for row in rows[:3]:
        form = pull_request_form(row, epoch=EPOCH, title=described, base_branch=row.title)
        check_callback({"type": 9, "data": wire(form)})


@settings(max_examples=200, deadline=None)
@given(text=NASTY, limit=some.integers(2, 300))
def test_escaped_text_is_bounded_and_shows_as_it_is(text: str, limit: int) -> None:
    shown = escaped(text, limit)
    assert 1 <= units(shown) <= limit
    assert shown.strip()
    assert not (shown.endswith("\\") and not shown.endswith("\\\\"))
    if not shown.endswith("…") and shown != "–":
        plain = shown.replace("@\u200b", "@")
        for char in "*_~`|[]<>#-+:":
            plain = plain.replace("\\" + char, char)
        assert plain.replace("\\\\", "\\") == clean(text[: 4 * limit]).strip()


@settings(max_examples=200, deadline=None)
@given(text=NASTY, limit=some.integers(0, 300))
def test_code_blocks_are_bounded_and_closed(text: str, limit: int) -> None:
    block = code_block(text, limit)
    assert units(block) <= max(0, limit)
    assert block == "" or (block.startswith("```\n") and block.endswith("\n```") and block.count("```") == 2)


def test_the_middle_is_cut_at_line_ends() -> None:
    text = "\n".join(f"line {number:04}" for number in range(1_000))
    cut = cut_middle(text, 200)
    assert units(cut) <= 200
    head, _, tail = cut.partition("\n⋯ cut ⋯\n")
    assert text.startswith(head + "\n")
    assert text.endswith("\n" + tail)
    assert len(tail) > len(head) > 0


def test_labels_are_one_line() -> None:
    assert plain_label("a\nb\t c\x1b[31m", 80) == "a b c"
    assert plain_label("x" * 100, 10) == "x" * 9 + "…"
    assert plain_label("\u200b \n", 10) == "–"


def test_addresses_in_foreign_text_are_no_links() -> None:
    assert escaped("see https://evil.example", 100) == "see https\\://evil.example"


def test_custom_ids_and_nonces() -> None:
    pressed = custom_ids.parse("jk:ack:42:0a1b2c3d")
    assert pressed == custom_ids.CustomId(action=CardAction.ACKNOWLEDGE, alert_id=42, epoch8="0a1b2c3d")
    assert str(pressed) == "jk:ack:42:0a1b2c3d"
    for foreign in (
        "jk:ack:42:0a1b2c3d9",
        "jk:ack:0:0a1b2c3d",
        "jk:drop:42:0a1b2c3d",
        "jk:ack:42:0A1B2C3D",
        "ack:42",
        "",
    ):
        assert custom_ids.parse(foreign) is None
    assert custom_ids.parse_form(custom_ids.form(42, EPOCH)) == (42, "0a1b2c3d")
    card = Delivery(alert_id=42, channel_id="1", wanted_revision=1, changed_at_ms=0)
    others = [msgspec.structs.replace(card, **{name: one}) for name, one in (("kind", "call-2"), ("channel_id", "2"))]
    nonces = [custom_ids.nonce(one, EPOCH) for one in (card, *others)] + [custom_ids.nonce(card, EPOCH, instead="1")]
    assert len(set(nonces)) == 4
    assert max(map(len, nonces)) <= 25
    call = custom_ids.parse("jk:ack:42:0a1b2c3d:call-7")
    assert (str(call), custom_ids.sighted(str(call))) == ("jk:ack:42:0a1b2c3d:call-7", (42, "call-7", "0a1b2c3d"))
    assert custom_ids.sighted(custom_ids.listing(42, EPOCH, "digest-3")) == (42, "digest-3", "0a1b2c3d")
