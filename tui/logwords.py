"""What the frame of the log view says: state above, what is held and what it cost below. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jinkies.model import Coverage, TailFigures, Upstream
from jinkies.words import number_of
from tui.coverage import CoverageMap
from tui.logring import MAX_LINES


@dataclass(frozen=True)
class Holdings:
    """What the lower border is made of."""

    held: int
    shown: int
    filtered: bool
    evicted: int
    dropped: int  # lost before they reached this console, because it was too slow
    late: int
    backfilled: int
    viewers: int
    figures: TailFigures
    fixed: bool  # fetched once, not followed


def holdings_words(holdings: Holdings, ledger: CoverageMap, width: int) -> str:
    """As much as fits, the most telling first."""
    words = [f"{holdings.held:,} held" + ("" if holdings.fixed else f" of {MAX_LINES:,}")]
    if holdings.filtered:
        words.insert(0, f"{holdings.shown:,} shown")
    if holdings.dropped:
        words.append(f"{holdings.dropped:,} dropped")
    if not holdings.fixed:
        words += _coverage(ledger)
    if holdings.late:
        words.append(f"{holdings.late:,} late")
    if holdings.backfilled:
        words.append(f"{holdings.backfilled:,} backfilled")
    if holdings.viewers > 1:
        words.append(f"{holdings.viewers} viewers")
    if not holdings.fixed:
        words += _upstream(holdings.figures)
    if holdings.evicted:
        words.append(f"{holdings.evicted:,} older ones let go")
    return fitting(words, width)


def _coverage(ledger: CoverageMap) -> list[str]:
    if not ledger.spans:
        return []
    missing, sampled = ledger.seconds(Coverage.MISSING), ledger.seconds(Coverage.SAMPLED)
    return [f"{missing:,} s missing" if missing else "0 missing", *([f"{sampled:,} s sampled"] if sampled else [])]


def _upstream(figures: TailFigures) -> list[str]:
    words = []
    if figures.upstream is Upstream.POLLING:
        words.append(f"polling, {number_of(figures.requests, 'request')}" if figures.requests else "polling")
    elif figures.upstream is Upstream.STARTING and not figures.live_ms:
        return []
    if figures.live_ms or figures.upstream is Upstream.LIVE:
        sessions = f" in {figures.sessions} sessions" if figures.sessions > 1 else ""
        words.append(f"{figures.live_ms / 60_000:,.0f} min of live tail{sessions}")
    return words


def fitting(words: Sequence[str], width: int) -> str:
    """The first words that fit, with dots between."""
    text = words[0] if words else ""
    for word in words[1:]:
        if len(text) + len(word) + 3 > width:
            break
        text += f" · {word}"
    return text
