"""The page's markdown: what people would see, and nothing that a browser would run."""

from __future__ import annotations

import pytest

from jinkies.simulators.discord.markdown import rendered


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**error** · open", "<strong>error</strong>"),
        ("```\nKeyError: <b>\n```", "KeyError: &lt;b&gt;"),
        ("[PR #7](https://github.example/o/r/pull/7)", 'href="https://github.example/o/r/pull/7">PR #7</a>'),
        ("first <t:1767225600:R>", '<time datetime="2026-01-01T00:00:00+00:00" class="moment" data-style="R">00:00:00'),
        ("<t:1767225600:F>", ">Thursday, 01 January 2026 00:00 UTC<"),
        ("before ```py\nx = 1``` after", '<code class="language-py">x = 1\n</code></pre>\n<p>after</p>'),
        ("`<@1>` and <@1>", '<code>&lt;@1&gt;</code> and <span class="mention">@unknown</span>'),
        ("-# small", "<h6>small</h6>"),
        ("~~gone~~", "<s>gone</s>"),
        (r"\*not bold\*", "*not bold*"),
    ],
)
def test_shows_what_discord_would(text: str, html: str) -> None:
    assert html in rendered(text)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "![x](https://tracker.example/p.png)",
        '[x](https://a.example/"onmouseover="alert(1))',
        "<svg/onload=alert(1)>",
    ],
)
def test_runs_and_fetches_nothing(text: str) -> None:
    html = rendered(text)
    assert "<script" not in html
    assert "<img" not in html
    assert "<svg" not in html
    assert 'href="javascript' not in html
    assert '"onmouseover' not in html


def test_mentions_are_names_and_names_are_text() -> None:
    names = {("@", "1"): "velma", ("@&", "2"): "<b>on-call</b>", ("#", "3"): "ops"}
    html = rendered("<@!1> <@&2> <#3>", lambda sign, found: names.get((sign, found)))
    assert '<span class="mention">@velma</span>' in html
    assert "@&lt;b&gt;on-call&lt;/b&gt;" in html
    assert "#ops" in html
