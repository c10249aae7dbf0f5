"""The histogram over a log view, as lines: bars stacked by level, the ledger beneath, words beside. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style

from jinkies.model import Coverage
from tui import theme
from tui.coverage import CoverageMap
from tui.draw import Line, Part, line
from tui.format import BARS, clock_text, fit
from tui.rates import Bucket, Rates

LABEL_CELLS = 9
_LEVELS = 8  # steps of height in a cell
ERRORS, WARNINGS, OTHERS = theme.BAD_COLOUR, theme.WARN_COLOUR, theme.ACCENT_COLOUR
LEDGER: dict[Coverage | None, tuple[str, Style, str]] = {
    Coverage.COMPLETE: ("━", theme.OK, "complete"),
    Coverage.BACKFILLING: ("╌", theme.WARN, "being read"),
    Coverage.SAMPLED: ("┄", theme.WARN, "sampled"),
    Coverage.MISSING: ("✗", theme.BAD, "missing"),
    None: (" ", theme.FAINT, ""),
}
BACKFILLED = ("╍", theme.LINK, "backfilled")


@dataclass(frozen=True)
class Scale:
    """Which time the columns stand for."""

    first_s: int
    step_s: int
    count: int

    def column_of(self, at_ms: int) -> int | None:
        """The column of a moment; None outside."""
        column = (at_ms // 1000 - self.first_s) // self.step_s
        return column if 0 <= column < self.count else None

    def at_ms(self, column: int) -> int:
        """When a column begins."""
        return (self.first_s + column * self.step_s) * 1000


def words_cells(width: int) -> int:
    """How many cells the words beside take."""
    return 38 if width >= 100 else 27


def histogram(
    rates: Rates, ledger: CoverageMap, width: int, height: int, here_ms: int | None
) -> tuple[Scale, list[Line]]:
    """The scale, and ``height`` lines of ``width`` cells, the ledger's the last."""
    count = max(width - LABEL_CELLS - words_cells(width) - 2, 8)
    step_s, first_s, buckets = rates.columns(count)
    scale = Scale(first_s, step_s, count)
    here = scale.column_of(here_ms) if here_ms is not None else None
    rows = height - 1
    peak = max((bucket.total for bucket in buckets), default=0)
    bars = [_stack(bucket, peak, rows) for bucket in buckets]
    words = _words(buckets, step_s, rows, words_cells(width))
    lines: list[Line] = []
    for row in range(rows):
        label = f"{peak / step_s:,.0f}/s" if row == 0 and peak else ""
        cells = [_cell(bar, rows - 1 - row, here=here == column) for column, bar in enumerate(bars)]
        lines.append(
            line(
                (fit(label, LABEL_CELLS - 1, right=True) + " ", theme.FAINT),
                *_runs(cells),
                ("  ", theme.TEXT),
                *words[row],
            )
        )
    lines.append(_ledger(ledger, scale, buckets, words_cells(width)))
    return scale, lines


def _stack(bucket: Bucket, peak: int, rows: int) -> list[tuple[int, str]]:
    """Heights reached, in steps from the bottom, and their colours: errors at the bottom, where they are seen."""
    top = rows * _LEVELS
    parts = [(bucket.errors, ERRORS), (bucket.warnings, WARNINGS), (bucket.others, OTHERS)]
    found: list[tuple[int, str]] = []
    height = 0
    for number, colour in parts:
        if number:
            height = min(height + max(round(number * top / peak), 1), top)
            found.append((height, colour))
    return found


def _cell(stack: list[tuple[int, str]], row: int, *, here: bool) -> Part:
    """A cell of a bar. Two colours at most meet in one: the lowest, which is the worst, and what fills it above."""
    low, high = row * _LEVELS, (row + 1) * _LEVELS
    back = theme.CURSOR if here else None
    inside = [(reached, colour) for reached, colour in stack if reached > low]
    if not inside:
        return " ", Style(bgcolor=back)
    reached, colour = inside[0]
    if reached >= high:
        return "█", Style(color=colour)
    filled = next((other for end, other in inside if end >= high), None)
    if filled is not None:
        return BARS[reached - low], Style(color=colour, bgcolor=filled)
    top, above = inside[-1]
    if top - reached > reached - low:
        reached, colour = top, above  # all end within the cell: what takes more of it shows
    return BARS[reached - low], Style(color=colour, bgcolor=back)


def _runs(cells: list[Part]) -> list[Part]:
    """Neighbours of one style as one piece: fewer escape codes on the wire."""
    runs: list[Part] = []
    for text, style in cells:
        if runs and runs[-1][1] == style:
            runs[-1] = (runs[-1][0] + text, style)
        else:
            runs.append((text, style))
    return runs


def _words(buckets: list[Bucket], step_s: int, rows: int, cells: int) -> list[list[Part]]:
    total = sum(bucket.total for bucket in buckets)
    if not total:
        return [[] for _ in range(rows)]
    errors = sum(bucket.errors for bucket in buckets) / total
    warnings = sum(bucket.warnings for bucket in buckets) / total
    shares: list[Part] = [
        (f"▇ err {errors:.1%}", Style(color=ERRORS) if errors else theme.FAINT),
        (f"  ▇ warn {warnings:.1%}", Style(color=WARNINGS) if warnings else theme.FAINT),
    ]
    if cells >= 34:
        shares.append(("  ▇ other", Style(color=OTHERS)))
    unit = f"{step_s} s" if step_s < 60 else f"{step_s // 60} min"  # seconds in a minute
    scale: list[Part] = [(f"a bar is {unit}", theme.FAINT)]
    return [shares, scale, *([] for _ in range(rows))][:rows] if rows > 1 else [shares]


def _ledger(ledger: CoverageMap, scale: Scale, buckets: list[Bucket], cells: int) -> Line:
    marks: list[Part] = []
    seen: dict[str, Part] = {}
    for coverage, bucket in zip(ledger.columns(scale.first_s, scale.step_s, scale.count), buckets, strict=True):
        mark, style, word = LEDGER[coverage]
        if coverage is Coverage.COMPLETE and bucket.backfilled:
            mark, style, word = BACKFILLED
        marks.append((mark, style))
        if word:
            seen[word] = (mark, style)
    words: list[Part] = []
    room = cells
    for coverage in (Coverage.MISSING, Coverage.SAMPLED, Coverage.BACKFILLING, None, Coverage.COMPLETE):
        mark, style, word = LEDGER[coverage] if coverage is not None else BACKFILLED
        if word in seen:
            seconds = f" {ledger.seconds(coverage):,} s" if coverage not in (None, Coverage.COMPLETE) else ""
            text = f"{mark} {word}{seconds}"
            if room >= len(text):
                words.append((text + "  ", style))
                room -= len(text) + 2
    label = "ledger" if seen else ""
    return line((fit(label, LABEL_CELLS - 1, right=True) + " ", theme.FAINT), *_runs(marks), ("  ", theme.TEXT), *words)


def span_words(scale: Scale) -> str:
    """``13:04:00 – 13:10:00``."""
    return f"{clock_text(scale.at_ms(0))} – {clock_text(scale.at_ms(scale.count))}"
