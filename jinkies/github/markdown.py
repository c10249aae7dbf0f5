"""Text from outside as GitHub Flavored Markdown that shows it and does nothing else.

Pure. Every function takes raw text and gives text that mentions nobody, refers to no issue, closes none, and holds no
markup of its own. Where GitHub links by pattern (``@team``, ``#12``, ``GH-12``), a zero-width space parts the pattern:
backslashes and entities don't, since GitHub links after it has rendered.
"""

from __future__ import annotations

import re

from jinkies.redact import redact

_ZERO_WIDTH = "\u200b"
_ANSI = re.compile(r"\x1b(?:\[[0-?]{0,32}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?|[@-Z\\^_])")
# C0 but tab and newline, C1, lone surrogates, and the marks that reorder what a reader sees
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")
_LINKED = re.compile(
    r"(?:@(?=\w)|#(?=\d)|\bGH-(?=\d)|(?<=/)(?:issues|pulls?|discussions|commits?)/(?=\w)"
    r"|\[(?=(?:skip|no|ci|actions)[ ](?:ci|skip|actions)\]))",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~!&$]")
_LINE_MARKUP = re.compile(r"^(?:[-+=]|\d{1,9}[.)])")
_LONG_TICKS = re.compile("`{21,}")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ]")
_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"'`\\]{1,2000}", re.ASCII)


def clean(text: str) -> str:
    r"""``text`` without secrets and terminal codes; lines end in ``\n``; what can't be shown is U+FFFD."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return redact(_UNSHOWABLE.sub("\ufffd", _ANSI.sub("", text)))


def one_line(text: str, limit: int) -> str:
    """Cleaned, on one line, at most ``limit`` characters; a cut shows as ``…``."""
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def unlinked(text: str) -> str:
    """Text for places that GitHub links in but renders no markup: titles and commit messages. At most twice as long."""
    return _LINKED.sub(lambda found: found[0] + _ZERO_WIDTH, text)


def prose(text: str, limit: int) -> str:
    """Text of people as paragraphs that show what was typed, addresses as links; at most ``limit`` characters."""
    kept: list[str] = []
    left = limit - 1  # the mark of a cut
    for line in clean(text).strip().split("\n"):
        marked = _prose_line(line.strip())
        if len(marked) + 1 > left:
            short = line.strip()[: max(left - 8, 0) // 4]  # escaping makes three characters of one at most
            kept.append(_prose_line(_WEB_ADDRESS.sub("…", short)) + "…")
            break
        kept.append(marked)
        left -= len(marked) + 1
    return "\n".join(kept)


def code(text: str, limit: int) -> str:
    """A line of text as an inline code span that fits into a table's cell; ``limit`` bounds the text, not the span."""
    line = _LONG_TICKS.sub("`" * 20, one_line(text, limit))
    if not line:
        return ""
    if "|" in line:  # a bar ends a cell even inside backticks
        return f"<code>{_NOT_PLAIN.sub(lambda found: f'&#{ord(found[0])};', line)}</code>"
    ticks = "`" * (_longest_ticks(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def block(text: str, limit: int) -> str:
    """Lines of text as a fenced code block, all of it at most ``limit`` characters, cut in the middle with a mark.

    The fence is longer than any run of backticks inside; runs of more than 20 are shortened to 20.
    """
    inside = _LONG_TICKS.sub("`" * 20, clean(text)).strip("\n")
    fence = "`" * max(3, _longest_ticks(inside) + 1)
    inside = cut_middle(inside, limit - 2 * len(fence) - len("text\n\n"))
    return f"{fence}text\n{inside}\n{fence}"


def cut_middle(text: str, limit: int) -> str:
    """At most ``limit`` (100 and more) characters: beginning and end stay, a line says how much is missing."""
    if len(text) <= limit:
        return text
    half = (limit - 60) // 2
    head, tail = text[:half], text[-half:]
    head = head[: head.rfind("\n")] if "\n" in head[half // 2 :] else head
    tail = tail[tail.find("\n") + 1 :] if "\n" in tail[: half // 2] else tail
    return f"{head}\n… {len(text) - len(head) - len(tail):,} characters left out …\n{tail}"


def address(url: str) -> str:
    """A web address as a link that fits into a table's cell; anything else as code."""
    if _WEB_ADDRESS.fullmatch(url) is None:
        return code(url, 500)
    return f"<{redact(url).replace('|', '%7C')}>"


def _prose_line(line: str) -> str:
    pieces: list[str] = []
    done = 0
    for found in _WEB_ADDRESS.finditer(line):
        url = found[0].rstrip(").,;:!?*_|]}")
        pieces += [_escaped(line[done : found.start()]), code(url, 2_000) if _LINKED.search(url) else f"<{url}>"]
        done = found.start() + len(url)
    marked = "".join((*pieces, _escaped(line[done:])))
    return _LINE_MARKUP.sub(lambda found: found[0][:-1] + "\\" + found[0][-1], marked)


def _escaped(text: str) -> str:
    return _MARKUP.sub(lambda found: "\\" + found[0], unlinked(text))


def _longest_ticks(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
