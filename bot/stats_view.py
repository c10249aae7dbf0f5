"""Figures of the desk as a Discord message. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.render import VALUE_LIMIT, Embed, EmbedField, Message
from bot.text import escaped, fitting
from jinkies.stats import DayStats, Span, Stats, took_text

ROWS = 8  # services and noisy alerts shown
BARS = " ▁▂▃▄▅▆▇█"
MOST_BARS = 45

_COLOUR = 0x3E63DD


def stats_message(stats: Stats, *, title: str) -> Message:
    """Times to act, how much happened, where, and what was noisy."""
    fields = [
        EmbedField(name="Alerts opened", value=f"{stats.opened:,}", inline=True),
        EmbedField(name="Occurrences", value=f"{stats.occurrences:,}", inline=True),
        EmbedField(name="\u200b", value="\u200b", inline=True),  # so that the next two stand in a row of their own
        EmbedField(name="To acknowledge", value=_took(stats.to_acknowledge), inline=True),
        EmbedField(name="To resolve", value=_took(stats.to_resolve), inline=True),
        EmbedField(name="Opened a day", value=_days(stats.days)),
    ]
    if stats.services:
        lines = [
            f"{escaped(one.service, 60)}: {one.opened:,} opened, {one.occurrences:,}×, {one.unresolved:,} unresolved"
            for one in stats.services[:ROWS]
        ]
        fields.append(EmbedField(name="Services", value=fitting(lines, VALUE_LIMIT)))
    if stats.noisy:
        lines = [
            f"**#{one.alert_id}** {escaped(one.title or 'deleted', 60)} · {one.occurrences:,}×"
            for one in stats.noisy[:ROWS]
        ]
        fields.append(EmbedField(name="Noisy", value=fitting(lines, VALUE_LIMIT)))
    return Message(embeds=(Embed(title=escaped(f"Figures · {title}", 256), color=_COLOUR, fields=tuple(fields)),))


def _took(span: Span) -> str:
    if not span.count or span.median_ms is None or span.p90_ms is None:
        return "never"
    return f"half within {took_text(span.median_ms)}, 90% within {took_text(span.p90_ms)} ({span.count:,}×)"


def _days(days: Sequence[DayStats]) -> str:
    shown = days[-MOST_BARS:]
    if not shown:
        return "–"
    bars = bar([day.opened for day in shown])
    most = max(day.opened for day in shown)
    return f"`{bars}`\n{shown[0].day} … {shown[-1].day} (UTC), at most {most:,} a day"


def bar(counts: Sequence[int]) -> str:
    """One character a count; what is not nothing is seen."""
    most = max(counts, default=0)
    return "".join(BARS[-(-count * (len(BARS) - 1) // most)] if count else "·" for count in counts)
