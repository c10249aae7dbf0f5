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
        ("first <t:1767225600:R>", '<time datetime="2026-01-01T00:00:00+00:00">00:00:00 UTC</time>'),
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
