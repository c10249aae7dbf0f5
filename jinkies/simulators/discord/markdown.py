"""Message text as a browser can show it: Discord's markdown is near enough to CommonMark without HTML and images."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from typing import Any

from markdown_it import MarkdownIt

_FENCE = re.compile(r"```(?:(?P<language>[\w+-]+)\n)?(?P<code>.+?)```", re.DOTALL)
_SPECIAL = re.compile(r"<t:(?P<at>\d{1,12})(?::(?P<style>[tTdDfFR]))?>|<(?P<sign>@!?|@&|#)(?P<id>\d{1,20})>")
_STYLES = {
    "t": "%H:%M",
    "T": "%H:%M:%S",
    "d": "%d/%m/%Y",
    "D": "%d %B %Y",
    "f": "%d %B %Y %H:%M",
    "F": "%A, %d %B %Y %H:%M",
}
Names = Callable[[str, str], str | None]
"""What a mention shows: from its sign (``@``, ``@&`` or ``#``) and its id to a name, None for one that is not known."""


def _nameless(_sign: str, _id: str) -> str | None:
    return None


def rendered(text: str, names: Names = _nameless) -> str:
    """Safe HTML: what is not markdown is escaped, and of links only ordinary schemes stay links."""
    text = _FENCE.sub(_fenced, text)
    text = re.sub(r"(?m)^-# (.+)$", "###### \\1", text)  # small text: a heading of the sixth level, styled so
    html = str(_MARKDOWN.render(text, {"names": names}))
    return html.replace("<a href=", '<a target="_blank" rel="noreferrer noopener" href=')


def _fenced(match: re.Match[str]) -> str:
    """A code block on lines of its own: Discord opens and closes one anywhere, CommonMark does not."""
    return f"\n```{match['language'] or ''}\n{match['code'].strip(chr(10))}\n```\n"


def _text(_self: Any, tokens: Any, index: int, _options: Any, env: Any) -> str:
    """Plain text, never code: escaped, but for mentions and times."""
    content, shown, end = str(tokens[index].content), [], 0
    for match in _SPECIAL.finditer(content):
        shown += [escape(content[end : match.start()]), _special(match, env.get("names", _nameless))]
        end = match.end()
    return "".join([*shown, escape(content[end:])])


def _special(match: re.Match[str], names: Names) -> str:
    if match["at"] is not None:
        at = datetime.fromtimestamp(int(match["at"]), UTC)
        style = match["style"] or "f"
        told = f"{at:%H:%M:%S}" if style == "R" else at.strftime(_STYLES[style])
        return f'<time datetime="{at.isoformat()}" class="moment" data-style="{style}">{told} UTC</time>'
    sign = match["sign"].replace("!", "")
    name = names(sign, match["id"])
    return f'<span class="mention">{sign[0]}{escape(name or "unknown")}</span>'


def _made() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "breaks": True})
    made.enable("strikethrough").disable(["image", "html_block", "html_inline"])
    made.add_render_rule("text", _text)
    return made


_MARKDOWN = _made()
