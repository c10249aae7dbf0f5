"""The figures of the desk, as lines: what was opened and how fast people acted, above bars by day or by hour. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from rich.style import Style

from jinkies.stats import Span, Stats, StatsQuery, took_text
from tui import theme
from tui.draw import Line, Part, line
from tui.format import BARS, fit, short_count

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
LABEL_CELLS = 14
FACTS = 3  # lines above the bars
_WIDEST_BAR = 16  # cells
_AIRY = 6  # lines of bars: with more, there is room between them and what stands around them


@dataclass(frozen=True)
class Range:
    """A time that figures are shown of: so many whole hours, or days (UTC), up to the one that runs."""

    words: str
    step_ms: int
    steps: int

    def query(self, now_ms: int, service: str | None) -> StatsQuery:
        """The question for it."""
        until_ms = now_ms - now_ms % self.step_ms + self.step_ms
        return StatsQuery(since_ms=until_ms - self.steps * self.step_ms, until_ms=until_ms, service=service)


RANGES = {
    "day": Range("24 hours", HOUR_MS, 24),
    "week": Range("7 days", DAY_MS, 7),
    "month": Range("30 days", DAY_MS, 30),
}


def figure_lines(stats: Stats, width: int, height: int) -> list[Line]:
    """``height`` lines, at least ``FACTS`` and 2."""
    lines = [
        _counted(stats),
        _span("MTTA", stats.to_acknowledge, "acknowledged"),
        _span("MTTR", stats.to_resolve, "resolved"),
    ]
    airy = height - FACTS > _AIRY
    lines += [[]] * airy
    room = height - len(lines) - 1  # the last line names the days
    if stats.opened_by_hour:
        starts = [stats.since_ms + hour * HOUR_MS for hour in range(len(stats.opened_by_hour))]
        cells = _cells(width, len(starts))
        names = [datetime.fromtimestamp(start / 1000, UTC).strftime("%H:%M") for start in starts]
        return [
            *lines,
            *_bars("opened", stats.opened_by_hour, cells, room, theme.ACCENT),
            _axis(names, cells, "hours, UTC"),
        ]
    cells = _cells(width, len(stats.days))
    lower = max(room // 2, 1)
    return [
        *lines,
        *_bars("opened", [day.opened for day in stats.days], cells, room - lower - airy, theme.ACCENT),
        *[[]] * airy,
        *_bars("occurrences", [day.occurrences for day in stats.days], cells, lower, theme.LINK),
        _axis(_day_names(stats, cells), cells, "days, UTC"),
    ]


def _counted(stats: Stats) -> Line:
    parts: list[Part] = [
        (fit(" opened", LABEL_CELLS), theme.MUTED),
        (f" {stats.opened:,}", theme.STRONG),
        (" alerts · ", theme.MUTED),
        (f"{stats.occurrences:,}", theme.STRONG),
        (" occurrences", theme.MUTED),
    ]
    if stats.secrets:
        parts += [
            (" · ", theme.MUTED),
            (f"{sum(stats.secrets.values()):,}", theme.STRONG),
            (" secrets cut", theme.MUTED),
        ]
    if stats.opened_by_hour:  # they are counted by day
        first = datetime.fromtimestamp(stats.since_ms / 1000, UTC)
        parts.append((f" since {first:%a} 00:00", theme.MUTED))
    return line(*parts)


def _span(name: str, span: Span, done: str) -> Line:
    """The mean time to do it, as the names say, and what is more telling."""
    label: Part = (fit(f" {name}", LABEL_CELLS) + " ", theme.MUTED)
    if span.median_ms is None or span.p90_ms is None or span.mean_ms is None:
        return line(label, (f"none was {done}", theme.FAINT))
    return line(
        label,
        (took_text(span.mean_ms), theme.STRONG),
        (" · median ", theme.MUTED),
        (took_text(span.median_ms), theme.TEXT),
        (" · 90% within ", theme.MUTED),
        (took_text(span.p90_ms), theme.TEXT),
        (f" · {span.count:,} {done}", theme.MUTED),
    )


def _cells(width: int, count: int) -> int:
    """Cells of a bar with the blank behind it."""
    return max(1, min(_WIDEST_BAR, (width - LABEL_CELLS - 2) // max(count, 1)))


def _bars(name: str, counts: Sequence[int], cells: int, rows: int, style: Style) -> list[Line]:
    """Bars of ``rows`` lines, their name and the highest count beside the first."""
    peak = max(counts, default=0)
    heights = [0 if not count else max(1, round(count * rows * 8 / peak)) for count in counts]
    lines: list[Line] = []
    for row in range(rows):
        low = (rows - 1 - row) * 8
        drawn = "".join(_bar(height - low, cells) for height in heights)
        label = f" {name}" if row == 0 else f" to {short_count(peak)}" if row == 1 and peak else ""
        if rows == 1 and peak:
            label = f" {name[:5]}. to {short_count(peak)}"
        lines.append(line((fit(label, LABEL_CELLS) + " ", theme.MUTED if row == 0 else theme.FAINT), (drawn, style)))
    return lines


def _bar(height: int, cells: int) -> str:
    filled = BARS[max(0, min(height, 8))]
    return filled * max(cells - 1, 1) + " " * (cells > 1)


def _day_names(stats: Stats, cells: int) -> list[str]:
    days = [date.fromisoformat(day.day) for day in stats.days]
    form = "%a %d" if cells >= 7 else "%d %b"
    return [day.strftime(form) for day in days]


def _axis(names: Sequence[str], cells: int, words: str) -> Line:
    """As many names as there is room for, each under its bar."""
    every = -(-(max(map(len, names), default=0) + 1) // cells)
    text = ""
    for at in range(0, len(names), every):
        if at * cells + len(names[at]) <= len(names) * cells:
            text = text.ljust(at * cells) + names[at]
    return line((fit(f" {words}", LABEL_CELLS) + " ", theme.FAINT), (text, theme.FAINT))


def service_bars(opened: Sequence[int], cells: int) -> list[str]:
    """A lying bar for each count, the longest of ``cells``."""
    peak = max(opened, default=0)
    return ["▇" * max(1, round(count * cells / peak)) if count else "" for count in opened]
