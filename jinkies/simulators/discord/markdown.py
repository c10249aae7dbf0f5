"""Message text as a browser can show it: Discord's markdown is near enough to CommonMark without HTML and images."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "breaks": True}).disable(["image", "html_block", "html_inline"])
_TIMESTAMP = re.compile(r"&lt;t:(\d{1,12})(?::[tTdDfFR])?&gt;")


def rendered(text: str) -> str:
    """Safe HTML: what is not markdown is escaped, and of links only ordinary schemes stay links."""
    html = str(_MARKDOWN.render(text)).replace("<a href=", '<a target="_blank" rel="noreferrer noopener" href=')
    return _TIMESTAMP.sub(_time, html)


def _time(match: re.Match[str]) -> str:
    at = datetime.fromtimestamp(int(match[1]), UTC)
    return f'<time datetime="{at.isoformat()}">{at:%H:%M:%S} UTC</time>'
