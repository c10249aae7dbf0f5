from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from jinkies.github import bodies
from jinkies.github.markdown import block, clean, code, cut_middle, one_line, prose, unlinked
from jinkies.model import AlertDetail, LogLine
from tests.github.samples import EPOCH, detail

LINKED = re.compile(r"@\w|#\d|GH-\d|/(?:issues|pull|discussions|commit)/\w", re.IGNORECASE)
PARSER = MarkdownIt("commonmark").enable("table")


def rendered(markdown: str) -> tuple[str, list[str]]:
    """What a Markdown parser makes of it: the text outside code, and the raw HTML."""
    text: list[str] = []
    html: list[str] = []
    in_code = False
    for token in PARSER.parse(markdown):
        assert token.type != "code_block"  # nothing is indented
        for part in token.children or [token]:
            if part.type in ("html_block", "html_inline"):
                html.append(part.content.strip())
                in_code = part.content == "<code>" or (in_code and part.content != "</code>")
            elif part.type in ("text", "text_special") and not in_code:
                text.append(part.content)
            elif part.type in ("softbreak", "code_inline"):
                text.append("\n")
            assert part.type != "image"
        text.append("\n")
    return "".join(text), html


def test_names() -> None:
    assert bodies.branch_name(42, EPOCH) == "jinkies/alert-42-1a2b3c4d"
    assert bodies.marker(42, EPOCH) == "<!-- jinkies alert=42 epoch=1a2b3c4d -->"
    assert bodies.incident_path(42) == "incidents/42.md"
    assert bodies.commit_message(42, EPOCH) == "Add the incident report of alert 42\n\nJinkies-Alert: 42-1a2b3c4d\n"


def test_the_file_exactly() -> None:
    found = bodies.incident_markdown(detail(notes="- look at @ops\nfixes #3", context={"user": "7"}), EPOCH)
    assert found == (
        "<!-- jinkies alert=42 epoch=1a2b3c4d -->\n\n"
        "# KeyError: 'order\\_id'\n\n"
        "Seen 37 times in `api` (`production`), "
        "first at 2026-01-01T00:00:00.000Z, last at 2026-01-01T00:01:40.000Z.\n\n"
        "## Notes\n\n"
        "\\- look at @\u200bops\n"
        "fixes \\#\u200b3\n\n"
        "## Context\n\n"
        "| | |\n|---|---|\n"
        "| Alert | `42` |\n"
        "| State | `open` |\n"
        "| Severity | `error` |\n"
        "| Service | `api` |\n"
        "| Environment | `production` |\n"
        "| Exception | `KeyError` |\n"
        "| Message | `'order_id'` |\n"
        "| Where | `app/views/orders.py:118 in show` |\n"
        "| Request | `/orders/{id}` |\n"
        "| Instance | `i-0abc123` |\n"
        "| Commit | `a1b2c3d` |\n"
        "| `user` | `7` |\n\n"
        "## Stack trace\n\n"
        "```text\nTraceback (most recent call last):\nKeyError: 'order_id'\n```\n\n"
        "## Logs around it\n\n"
        "```text\n2026-01-01T00:00:00.000Z ERROR req=7f3a\n```\n\n"
        "## Timeline\n\n"
        "- 2026-01-01T00:00:00.000Z `opened`\n"
    )


def test_the_body_says_who_asked_and_where_the_file_is() -> None:
    found = bodies.pull_request_body(detail(stack=None, logs=()), EPOCH, "incidents/42.md")
    assert found.startswith("<!-- jinkies alert=42 epoch=1a2b3c4d -->\n\n**KeyError: 'order\\_id'**\n")
    assert found.endswith(
        "The whole context is in `incidents/42.md`; push the fix to this branch. Opened by Jinkies for `ops-a`.\n"
    )
    assert "## Stack trace" not in found
    assert "## Logs" not in found


def test_a_fence_is_longer_than_any_inside() -> None:
    found = bodies.incident_markdown(detail(stack="a\n````\n@team\n```"), EPOCH)
    assert "`````text\na\n````\n@team\n```\n`````" in found


def test_the_stack_is_cut_in_the_middle() -> None:
    stack = "\n".join(f"  File frame{n}.py" for n in range(10_000))
    found = bodies.pull_request_body(detail(stack=stack), EPOCH, "incidents/42.md")
    assert 65_000 < len(found) <= bodies.BODY_LIMIT
    assert "  File frame0.py\n" in found
    assert "  File frame9999.py\n```" in found
    assert re.search(r"^… [\d,]+ characters left out …$", found, re.MULTILINE)
    assert found.count("File frame") < 10_000


def test_secrets_do_not_leave() -> None:
    token = "ghp_" + "a1B2" * 9
    found = detail(
        title=f"bad {token}",
        message=f"password=hunter2 {token}",
        stack=f"\x1b[31mpass\x1b[0mword=hunter2\n{token}",
        logs=(LogLine(message=f"Authorization: Bearer {token}"),),
        notes=f"token: {token}",
        pull_request_title=f"fix {token}",
        context={"db_password": "hunter2"},
        timeline=(f"failed: {token}",),
    )
    for text in (
        bodies.incident_markdown(found, EPOCH),
        bodies.pull_request_body(found, EPOCH, "incidents/42.md"),
        bodies.pull_request_title(found.row),
    ):
        assert token not in text
        assert "hunter2" not in text
        assert "[redacted]" in text.replace("\\", "")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("ping @team/ops", "ping @\u200bteam/ops"),
        ("fixes #3 and GH-12", "fixes #\u200b3 and GH-\u200b12"),
        ("closes o/r#7", "closes o/r#\u200b7"),
        ("https://github.com/o/r/pull/9", "https://github.com/o/r/pull/\u200b9"),
        ("[skip ci] [CI SKIP] [no ci]", "[\u200bskip ci] [\u200bCI SKIP] [\u200bno ci]"),
        ("a@b #x GHz", "a@\u200bb #x GHz"),
    ],
)
def test_titles_link_nothing(raw: str, shown: str) -> None:
    assert unlinked(raw) == shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("<b>&amp; <!-- x -->", "\\<b\\>\\&amp; \\<\\!-- x --\\>"),
        ("# no\n- no\n1. no\n===", "\\# no\n\\- no\n1\\. no\n\\==="),
        ("    indented", "indented"),
        ("see https://example.com/a_b).", "see <https://example.com/a_b>)."),
        ("fixes https://github.com/o/r/issues/3", "fixes `https://github.com/o/r/issues/3`"),
        ("![x](y) `c` *b* ~s~", "\\!\\[x\\](y) \\`c\\` \\*b\\* \\~s\\~"),
    ],
)
def test_prose_shows_what_was_typed(raw: str, shown: str) -> None:
    assert prose(raw, 1_000) == shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "`plain`"),
        ("a `b`", "`` a `b` ``"),
        ("a\nb", "`a b`"),
        ("a|b_@c", "<code>a&#124;b&#95;&#64;c</code>"),
        ("", ""),
        ("x" * 20, "`xxxxxxxxx…`"),
    ],
)
def test_code_fits_a_cell(raw: str, shown: str) -> None:
    assert code(raw, 10) == shown


def test_what_cannot_be_shown() -> None:
    assert clean("a\x00b\r\nc\rd\x1b[31;1mred\x1b[0m\ud800\u202e") == "a\ufffdb\nc\ndred\ufffd\ufffd"
    assert one_line(" a\n\tb\u2028c ", 10) == "a b c"


TEXT = st.text(alphabet=st.sampled_from("ab@#1`|<>-\n\\*_~ /G\x1b[\x00é\U0001f600"), max_size=60)
LONG = st.builds(lambda text, times: text * times, TEXT, st.sampled_from([1, 30, 1_200]))


def hostile(text: str, long: str, name: str) -> AlertDetail:
    """An alert with this text everywhere."""
    return detail(
        title=text[:256],
        message=text,
        stack=long,
        logs=(LogLine(message=long),) * 3,
        notes=long[:10_000],
        pull_request_title=text[:256],
        context={f"{name}{n}": long[:1_000] for n in range(60)},
        timeline=(text,) * 200,
    )


@settings(max_examples=40, deadline=None)
@given(text=TEXT, long=LONG, name=TEXT)
def test_bodies_stay_within_limits(text: str, long: str, name: str) -> None:
    found = hostile(text, long, name)
    file = bodies.incident_markdown(found, EPOCH)
    heading = bodies.pull_request_title(found.row)
    assert len(file) <= bodies.FILE_LIMIT
    assert len(bodies.pull_request_body(found, EPOCH, "incidents/42.md")) <= bodies.BODY_LIMIT
    assert 0 < len(heading) <= bodies.TITLE_LIMIT
    assert "\n" not in heading
    file.encode()  # no lone surrogates


@settings(max_examples=40, deadline=None)
@given(text=TEXT, long=TEXT, name=TEXT)
def test_bodies_link_nothing_and_hold_no_markup(text: str, long: str, name: str) -> None:
    found = hostile(text, long, name)
    assert LINKED.search(bodies.pull_request_title(found.row)) is None
    shown, html = rendered(bodies.pull_request_body(found, EPOCH, "incidents/42.md"))
    assert LINKED.search(shown) is None
    assert set(html) <= {bodies.marker(42, EPOCH), "<code>", "</code>"}
    assert html.count(bodies.marker(42, EPOCH)) == 1


@settings(max_examples=60, deadline=None)
@given(text=LONG, limit=st.integers(200, 5_000))
def test_a_block_is_one_fence_within_its_limit(text: str, limit: int) -> None:
    found = block(text, limit)
    assert len(found) <= limit
    fence = found.split("text\n", 1)[0]
    assert set(fence) == {"`"}
    assert found.endswith("\n" + fence)
    assert fence not in found[len(fence) : -len(fence)]


@given(text=st.text(max_size=2_000), limit=st.integers(100, 3_000))
def test_cutting_keeps_both_ends(text: str, limit: int) -> None:
    found = cut_middle(text, limit)
    assert len(found) <= max(limit, 0)
    if len(text) <= limit:
        assert found == text
    else:
        assert "characters left out" in found


@settings(max_examples=60, deadline=None)
@given(text=LONG, limit=st.integers(50, 3_000))
def test_prose_stays_within_its_limit(text: str, limit: int) -> None:
    assert len(prose(text, limit)) <= limit
