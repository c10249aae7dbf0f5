"""Text from outside, made safe to keep: no NUL, bounded, and marked where something was cut."""

from __future__ import annotations

REPLACEMENT = "\ufffd"


def clean(text: str) -> str:
    """``text`` without NUL, which SQLite's text functions stop at; U+FFFD stands where one was."""
    return text.replace("\x00", REPLACEMENT)


def cut_end(text: str, limit: int) -> str:
    """At most ``limit`` (at least 40) characters of ``text``, its end cut and the cut marked."""
    if len(text) <= limit:
        return text
    mark = f" … [{len(text) - limit + 40} characters cut]"
    return text[: limit - 40] + mark


def cut_middle(text: str, limit: int) -> str:
    """At most ``limit`` (at least 80) characters of ``text``, its middle cut: a trace's cause is at one of its ends."""
    if len(text) <= limit:
        return text
    mark = f"\n… [{len(text) - limit + 80} characters cut] …\n"
    kept = limit - 80
    return text[: kept // 2] + mark + text[-(kept - kept // 2) :]
