"""Text for the console: pure, and the only place where text from outside is made harmless.

Widths are terminal cells. Nothing here knows Textual.
"""

from __future__ import annotations

import re
from datetime import datetime

from rich.cells import cell_len, get_character_cell_size

_HOSTILE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
    "\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff\ud800-\udfff]"
)
_PILED_MARKS = re.compile("([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{2})"
                          "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+")  # fmt: skip


def _harmless(match: re.Match[str]) -> str:
    char = match.group()
    code = ord(char)
    if char == "\t":
        return "    "
    if code < 0x20:
        return chr(0x2400 + code)  # Unicode's control pictures: ESC is ␛
    if code == 0x7F:
        return "␡"
    if 0x1F1E6 <= code <= 0x1F1FF:
        return chr(ord("A") + code - 0x1F1E6)  # a flag's letters: no two terminals agree on its width
    if 0xFE00 <= code <= 0xFE0F or code == 0x200D or code >= 0x1F3FB:
        return ""  # emoji joiners and variants: without them the width is certain
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # invisible, or would turn the line round


def clean(text: str) -> str:
    r"""One line, harmless in a terminal, with a width that every terminal agrees on.

    Escape codes and control characters become visible pictures (``␛[31m``), bidirectional overrides and invisible
    characters become ``\u202e``, tabs four spaces, emoji joiners go. Brackets stay: this is not markup.
    """
    if text.isascii() and text.isprintable():
        return text
    return _PILED_MARKS.sub(r"\1", _HOSTILE.sub(_harmless, text))


def clean_lines(text: str, limit: int = 2_000) -> list[str]:
    """The lines of a text, each made harmless; at most ``limit`` of them, the middle left out."""
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if len(lines) > limit:
        kept = limit // 2
        lines = [*lines[:kept], f"… {len(lines) - 2 * kept} lines left out …", *lines[-kept:]]
    return [clean(line) for line in lines]


def cut(text: str, width: int) -> str:
    """At most ``width`` cells of a clean text, ending in ``…`` when something is missing."""
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    room, kept = width - 1, []
    for char in text:
        room -= get_character_cell_size(char)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept) + "…"


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Exactly ``width`` cells of a clean text: cut or padded."""
    text = cut(text, width)
    padding = " " * (width - cell_len(text))
    return padding + text if right else text + padding


def wrap(text: str, width: int) -> list[str]:
    """A clean line in pieces of at most ``width`` cells, broken at a space where one is near; never empty."""
    width = max(width, 2)
    pieces = []
    while cell_len(text) > width:
        end = _cells_to_index(text, width)
        space = text.rfind(" ", max(1, end - 24), end + 1)
        if space > 0:
            pieces.append(text[:space])
            text = text[space + 1 :]
        else:
            pieces.append(text[:end])
            text = text[end:]
    return [*pieces, text]


def _cells_to_index(text: str, width: int) -> int:
    if text[: width + 1].isascii():
        return width
    for index, char in enumerate(text):
        width -= get_character_cell_size(char)
        if width < 0:
            return max(index, 1)
    return len(text)


def ago(at_ms: int, now_ms: int) -> str:
    """How long ago, in at most three or four characters: ``12s``, ``1m``, ``2h``, ``9d``; ``now`` under a second."""
    seconds = (now_ms - at_ms) // 1000
    if seconds < 1:
        return "now"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def clock_text(at_ms: int, *, millis: bool = False) -> str:
    """``12:04:19`` (or ``12:04:19.101``), local time."""
    moment = datetime.fromtimestamp(at_ms / 1000).astimezone()
    return moment.strftime("%H:%M:%S") + (f".{at_ms % 1000:03d}" if millis else "")


def moment_text(at_ms: int, now_ms: int) -> str:
    """The clock time, with the day before it when that is not today."""
    moment = datetime.fromtimestamp(at_ms / 1000).astimezone()
    today = datetime.fromtimestamp(now_ms / 1000).astimezone()
    return moment.strftime("%H:%M:%S") if moment.date() == today.date() else moment.strftime("%d %b %H:%M")


def zone_name(at_ms: int) -> str:
    """``UTC``, ``CEST``: whose clock the times above show."""
    return datetime.fromtimestamp(at_ms / 1000).astimezone().tzname() or "local"


def short_count(count: int) -> str:
    """A count in at most four characters: ``37``, ``9999``, ``12k``, ``3M``."""
    if count < 10_000:
        return str(count)
    return f"{count // 1000}k" if count < 1_000_000 else f"{count // 1_000_000}M"


BARS = " ▁▂▃▄▅▆▇█"


def sparkline(values: list[int]) -> str:
    """One character a value, scaled to the largest; any value above zero shows."""
    top = max(values, default=0)
    if top <= 0:
        return " " * len(values)
    return "".join(BARS[0 if value <= 0 else max(1, value * 8 // top)] for value in values)
