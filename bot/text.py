"""Foreign text on its way into Discord: bounded, escaped, never markup and never a mention. Pure.

Lengths are UTF-16 code units, the stricter reading of Discord's character limits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_ANSI = re.compile(r"\x1b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# Control characters, lone surrogates, and what turns the direction of text around.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MARKUP = frozenset("\\*_~`|[]<")
_MARKUP_AT_LINE_START = frozenset(">#-+")
_INVISIBLE = re.compile("[\\s\u200b-\u200f\u2060\ufeff]*")

ELLIPSIS = "…"
NOTHING = "–"


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text) + sum(1 for char in text if ord(char) > 0xFFFF)


def clean(text: str) -> str:
    """Without terminal escapes, control characters (but line feeds and tabs), and direction overrides."""
    return _UNSAFE.sub("", _ANSI.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def escaped(text: str, limit: int) -> str:
    """Text that Discord shows as it is: no markdown, no link, no mention. At most ``limit`` units, never empty.

    An escape is never cut in two; text that is cut ends in ``…``. ``limit`` is at least 2.
    """
    plain = clean(text[: 4 * limit]).strip()
    if _INVISIBLE.fullmatch(plain):
        return NOTHING
    parts: list[str] = []
    used = 0
    for index, char in enumerate(plain):
        part = _escape(char, plain, index)
        used += units(part)
        if used > limit:
            return _shorten(parts, limit)
        parts.append(part)
    return "".join(parts)


def _escape(char: str, text: str, index: int) -> str:
    starts_line = index == 0 or text[index - 1] == "\n"
    if char in _MARKUP or (starts_line and char in _MARKUP_AT_LINE_START):
        return "\\" + char
    if char == "@":
        return "@\u200b"
    if char == ":" and text.startswith("//", index + 1):
        return "\\:"  # else Discord makes a link of an address in foreign text
    return char


def _shorten(parts: list[str], limit: int) -> str:
    used = sum(units(part) for part in parts)
    while parts and used > limit - 1:
        used -= units(parts.pop())
    return "".join(parts) + ELLIPSIS


def code_block(text: str, limit: int) -> str:
    """A fenced block of at most ``limit`` units, its middle cut when it is too long; "" when there is no room.

    The middle goes, since a stack trace has its cause at the end. Fences within are broken by an invisible space.
    """
    if limit < 40:  # a fence and the mark of a cut leave nothing worth showing
        return ""
    inside = cut_middle(_defused(text, limit), limit - len("```\n\n```"))
    return f"```\n{inside}\n```" if not _INVISIBLE.fullmatch(inside) else ""


def _defused(text: str, limit: int) -> str:
    if len(text) > 4 * limit:  # bound the work: what lies between is cut in any case
        text = text[: 2 * limit] + "\n" + text[-2 * limit :]
    return unfenced(clean(text).strip("\n"))


def unfenced(text: str) -> str:
    """Text in which no fence can end a code block: no two back quotes touch."""
    return text.replace("``", "`\u200b`").replace("``", "`\u200b`")


def cut_middle(text: str, limit: int) -> str:
    """At most ``limit`` units of a text: a third from its start, the rest from its end, at line ends where it can."""
    if units(text) <= limit:
        return text
    mark = "\n⋯ cut ⋯\n"
    room = max(0, limit - len(mark))
    head = _take(text, room // 3)
    tail = _take(text[::-1], room - units(head))[::-1]
    if "\n" in head:
        head = head[: head.rindex("\n")]
    if "\n" in tail[:-1]:
        tail = tail[tail.index("\n") + 1 :]
    return f"{head}{mark}{tail}"


def _take(text: str, limit: int) -> str:
    used = 0
    for index, char in enumerate(text):
        used += 2 if ord(char) > 0xFFFF else 1
        if used > limit:
            return text[:index]
    return text


def cut_end(text: str, limit: int) -> str:
    """At most ``limit`` units; text that is cut ends in ``…``."""
    return text if units(text) <= limit else _take(text, limit - 1) + ELLIPSIS


def fitting(lines: Iterable[str], limit: int) -> str:
    """As many whole lines as fit into ``limit`` units; ``…`` stands for the others, ``–`` for none at all."""
    kept: list[str] = []
    room = limit - 2
    for line in lines:
        room -= units(line) + 1
        if room < 0:
            kept.append(ELLIPSIS)
            break
        kept.append(line)
    return "\n".join(kept) or NOTHING


def plain_label(text: str, limit: int) -> str:
    """One line for places that render no markdown (buttons, choices, form values); never empty."""
    line = " ".join(clean(text[: 4 * limit]).split())
    if _INVISIBLE.fullmatch(line):
        return NOTHING
    return cut_end(line, limit)
