"""A tail as its message shows it: the last lines, counts by level, and in words what the tail is worth."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from operator import attrgetter

from bot.answers import Upload
from bot.log_answer import file_name
from bot.log_text import block, counts_text, in_words, lines_text, log_file
from bot.render import BUTTON_DANGER, BUTTON_PRIMARY, BUTTON_SECONDARY, TITLE_LIMIT, Button, Embed, Message, Row
from bot.tail_ids import TailAction, button
from bot.tally import Tally
from bot.text import escaped
from jinkies.clock import Clock
from jinkies.model import (
    ChannelTail,
    Coverage,
    LedgerSpan,
    LogEvent,
    TailBatch,
    TailFigures,
    TailTotals,
    Upstream,
)
from jinkies.redact import Redactor

LINES = 25  # of the newest, as far as they fit
HELD_LINES = 2_000  # of the newest, for the file at its end
HELD_CHARS = 4_000_000
BLOCK_UNITS = 3_000
MOST_SECONDS = 6 * 3_600  # of coverage that are remembered
_RUNS, _PAUSED, _ENDED = 0x30A46C, 0xFFC53D, 0x8B8D98
_UPSTREAM = {Upstream.STARTING: "starting", Upstream.LIVE: "live", Upstream.POLLING: "polling"}


_Identity = tuple[str, str, int, int, str]
_by_time = attrgetter("timestamp_ms")


def _identity(event: LogEvent) -> _Identity:
    return (event.log_group, event.log_stream, event.timestamp_ms, event.ingestion_ms, event.message)


class TailView:
    """What was heard of a tail.

    Args:
        tail: with what was counted before a restart.
        clock: says when a batch came.
    """

    def __init__(self, tail: ChannelTail, clock: Clock) -> None:
        self.tally = Tally(tail.start_ms, tail.totals)
        self.heard = False  # anything at all
        self.away: str | None = None  # why nothing comes just now
        self.refused: str | None = None  # why nothing will ever come
        self._clock = clock
        self._start_s = self._asked_s = tail.start_ms // 1000
        self._from_s = self._start_s  # of event time: what is told of earlier is not for us
        self._heard_ms = tail.started_at_ms
        self._settled_s = max(tail.start_ms, tail.totals.until_ms) // 1000  # every line of before has come
        self._lines: list[LogEvent] = []  # by their time
        self._chars = 0
        self._again: Counter[_Identity] = Counter()  # those of them that come again
        self._coverage: dict[int, Coverage] = {}
        self._reasons: dict[Coverage, str] = {}
        self._figures = TailFigures()
        self._dropped = 0

    def attached(self, from_ms: int) -> None:
        """The core begins to tell of it, from what it holds on; asked for was what came ``from_ms`` on."""
        self._asked_s, self._from_s = from_ms // 1000, self._start_s
        self.tally.again(self._settled_s * 1000, self._heard_ms)
        self._again = Counter(map(_identity, self._lines))
        self.away = None

    def fold(self, batch: TailBatch) -> None:
        """Take in what came."""
        self.heard, self._heard_ms = True, self._clock.now_ms()
        for event in batch.events:
            if self.tally.take(event):
                self._keep(event)
        if batch.gone_ms is not None:  # of a tail that others follow: what left it before our time is no loss of ours
            self._from_s = max(self._start_s, min(self._asked_s, batch.gone_ms // 1000 + 1))
        for span in batch.spans:
            self._cover(span)
        self._figures = batch.figures or self._figures
        self._dropped += batch.dropped
        self.away = f"CloudWatch: {batch.trouble}" if batch.trouble else None
        if batch.final:
            self.refused = batch.trouble or "the tail can't be had"

    def _keep(self, event: LogEvent) -> None:
        if self._again and self._again[_identity(event)] > 0:
            self._again[_identity(event)] -= 1
            return
        if len(self._lines) < HELD_LINES or event.timestamp_ms >= self._lines[0].timestamp_ms:
            insort(self._lines, event, key=_by_time)
            self._chars += len(event.message)
        while len(self._lines) > HELD_LINES or (self._chars > HELD_CHARS and len(self._lines) > LINES):
            self._chars -= len(self._lines.pop(0).message)

    def totals(self) -> TailTotals:
        """What to keep for after a restart."""
        return self.tally.totals(self._settled_s * 1000, self._heard_ms)

    def known_until_ms(self) -> int:
        """From when on lines are wanted again when the tail is taken up."""
        return max(self._start_s * 1000, self.totals().until_ms)

    def _cover(self, span: LedgerSpan) -> None:
        begin_s = max(span.start_s, self._from_s, span.end_s - MOST_SECONDS)
        self._coverage.update(dict.fromkeys(range(begin_s, span.end_s), span.coverage))
        while self._coverage.get(self._settled_s, Coverage.BACKFILLING) is not Coverage.BACKFILLING:
            self._settled_s += 1
        if span.reason:
            self._reasons[span.coverage] = span.reason
        if len(self._coverage) > 2 * MOST_SECONDS:
            self._coverage = dict(sorted(self._coverage.items())[-MOST_SECONDS:])

    def worth(self) -> list[str]:
        """What the ledger knows, in words; a line each."""
        seconds = Counter(self._coverage.values())
        found = [
            f"**{seconds[kind]:,} s {word}**{self._because(kind)}"
            for kind, word in ((Coverage.MISSING, "missing"), (Coverage.SAMPLED, "sampled: lines were left out"))
            if seconds[kind]
        ]
        if seconds[Coverage.BACKFILLING]:
            found.append(f"catching up{self._because(Coverage.BACKFILLING)}")
        elif seconds[Coverage.COMPLETE] and not found:
            found.append("complete")
        if self._dropped:
            found.append(f"{lines_text(self._dropped)} came too fast and were dropped")
        return found

    def _because(self, kind: Coverage) -> str:
        reason = self._reasons.get(kind)
        return f": {escaped(reason, 200)}" if reason else ""

    def lines(self) -> list[LogEvent]:
        """The last ones, the newest last."""
        return list(self._lines)

    @property
    def upstream(self) -> str:
        """Where lines come from, in a word."""
        return _UPSTREAM[self._figures.upstream]


def last_lines(tail: ChannelTail, view: TailView, redactor: Redactor) -> tuple[Upload | None, str]:
    """The file of a tail that is over, where its message has not all of its lines, and what is said of it.

    Works for a while on a large one: not for the event loop.
    """
    lines = view.lines()
    if len(lines) <= LINES and block(lines, BLOCK_UNITS, redactor).whole:
        return None, ""
    content, filed = log_file(lines, redactor)
    which = "all lines" if filed == view.tally.counts.total() else f"the last {lines_text(filed)}"
    name = file_name(f"tail {tail.number} {tail.spec.targets[0]}", lines[-1])
    return Upload(name=name, data=content), f"The file has {which}."


def tail_message(
    tail: ChannelTail, view: TailView, redactor: Redactor, *, epoch: str, over: str | None, note: str = ""
) -> Message:
    """The message of a tail.

    Args:
        tail: as it is now.
        view: what was heard of it.
        redactor: cuts secrets.
        epoch: of the journal.
        over: why it ended; None while it runs.
        note: said below the lines.
    """
    found = block(view.lines()[-LINES:], BLOCK_UNITS, redactor)
    inside = f"```\n{found.text}\n```" if found.text else ""
    text = "\n".join(
        part for part in (_state(tail, view, over), *_counts(view), *_trouble(view, over), inside, note) if part
    )
    colour = _ENDED if over is not None else _PAUSED if tail.paused else _RUNS
    title = escaped(f"Tail {tail.number} · {in_words(tail.spec)}", TITLE_LIMIT)
    return Message(
        embeds=(Embed(title=title, description=text, color=colour),),
        components=() if over is not None else (Row(components=_buttons(tail, epoch)),),
    )


def _state(tail: ChannelTail, view: TailView, over: str | None) -> str:
    since = f"since <t:{tail.start_ms // 1000}:t>"
    if over is not None:
        at_ms = tail.ended_at_ms or tail.ends_at_ms
        return f"**ended** <t:{at_ms // 1000}:t>: {escaped(over, 300)} · {since}"
    state = "**paused**, counting on" if tail.paused else view.upstream
    return f"{state} · {since} · ends <t:{tail.ends_at_ms // 1000}:R>"


def _counts(view: TailView) -> list[str]:
    counts = view.tally.counts
    total = counts.total()
    head = f"**{lines_text(total)}**" + (f": {counts_text(counts)}" if total else "")
    return [" · ".join((head, *view.worth()))]


def _trouble(view: TailView, over: str | None) -> list[str]:
    return [escaped(view.away, 300)] if view.away and over is None else []


def _buttons(tail: ChannelTail, epoch: str) -> tuple[Button, ...]:
    hold = (
        (TailAction.RESUME, "Resume", BUTTON_PRIMARY) if tail.paused else (TailAction.PAUSE, "Pause", BUTTON_SECONDARY)
    )
    found = (hold, (TailAction.STOP, "Stop", BUTTON_DANGER))
    return tuple(
        Button(style=style, label=label, custom_id=button(action, tail.number, epoch)) for action, label, style in found
    )
