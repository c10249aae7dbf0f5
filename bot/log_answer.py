"""Log lines as the answer to somebody who asked: a code block, and a file when there is more than fits into it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from bot.answers import Attached, Reply, Upload
from bot.log_text import block, counted, counts_text, lines_text, log_file
from bot.render import DESCRIPTION_LIMIT, TITLE_LIMIT, Embed, Message
from bot.text import escaped, units
from jinkies.clock import iso
from jinkies.model import Level, LogEvent
from jinkies.redact import Redactor

_PLAIN_COLOUR = 0x3E63DD
_COLOURS = {Level.CRITICAL: 0xE5484D, Level.ERROR: 0xF76B15, Level.WARNING: 0xFFC53D}
_FENCES = units("\n```\n\n```")
_NOTE_ROOM = 400  # for the line that says what is left out
_UNFIT_FOR_NAME = re.compile(r"[^A-Za-z0-9._-]+")


async def logs_reply(
    events: Sequence[LogEvent], redactor: Redactor, *, title: str, about: str, left_out: str = ""
) -> Reply:
    """What is said of log lines.

    Args:
        events: in order, the newest last.
        redactor: cuts secrets.
        title: what was asked for; plain text.
        about: of which time, in Discord's markdown, at most 500 units.
        left_out: what CloudWatch has beside them, a sentence; "" is nothing.
    """
    if not events:
        text = f"No lines {about}."
        return Message(embeds=(Embed(title=escaped(title, TITLE_LIMIT), description=text, color=_PLAIN_COLOUR),))
    counts = counted(events)
    head = f"**{lines_text(len(events))}** {about}\n{counts_text(counts)}"
    found = block(events, DESCRIPTION_LIMIT - units(head) - _NOTE_ROOM - _FENCES, redactor)
    content, filed = (b"", 0) if found.whole else await asyncio.to_thread(log_file, events, redactor)
    notes = [left_out] if left_out else []
    if not found.whole:
        notes.append(_note(len(events), found.shown, filed))
    description = "\n".join((head, f"```\n{found.text}\n```", *notes))
    message = Message(
        embeds=(Embed(title=escaped(title, TITLE_LIMIT), description=description, color=_colour(counts)),)
    )
    if found.whole:
        return message
    return Attached(shown=message, files=(Upload(name=file_name(title, events[-1]), data=content),))


def _note(held: int, shown: int, filed: int) -> str:
    here = f"Here are the newest {shown:,}" if shown < held else "Long ones are cut here"
    rest = "all of them" if filed == held else f"the newest {filed:,}: more is too large"
    return f"{here}; the file has {rest}."


def _colour(counts: dict[Level, int]) -> int:
    return next((colour for level, colour in _COLOURS.items() if counts.get(level)), _PLAIN_COLOUR)


def file_name(title: str, newest: LogEvent) -> str:
    """``logs-api-20260131T131005Z.log``: nothing in it but what every file system takes."""
    words = _UNFIT_FOR_NAME.sub("-", title).strip("-.").lower()[:60] or "logs"
    return f"{words}-{re.sub('[^0-9TZ]', '', iso(newest.timestamp_ms)[:19])}Z.log"
