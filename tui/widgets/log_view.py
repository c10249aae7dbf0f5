"""The log view's keys: moving, finding, filtering, unfolding, marking, copying."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType

from jinkies.model import Level
from jinkies.reading.ids import request_ids
from jinkies.words import number_of
from tui.format import clean, cut
from tui.linefilter import LineFilter, Term
from tui.logblock import Columns
from tui.widgets.log_mouse import LogMouse

COPIED_CHARS = 70_000  # of a copy: terminals take about 100 KB of OSC 52, which sends it as base64
_LEVELS = (Level.NONE, Level.INFO, Level.WARNING, Level.ERROR)
_NARROW = 100  # below this many cells the stream's name is left out, unless it was asked for
_COLUMNS = (
    ("time, stream, level", Columns()),
    ("time, service, stream, level", Columns(source=True)),
    ("time, service, level", Columns(source=True, stream=False)),
    ("time, level", Columns(stream=False)),
    ("time", Columns(stream=False, level=False)),
    ("none", Columns(time=False, stream=False, level=False)),
)
_MOST_MARKS = 1_000

Place = tuple[bool, int | None, tuple[int, int]]


class LogView(LogMouse):
    """A pane of log lines with its keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pause", "pause", id="log.pause", tooltip="Stand still, or follow the newest line again"),
        Binding(
            "e", "error(1)", "error", id="log.next_error", tooltip="To the next error; while following, to the newest"
        ),
        Binding(
            "E", "error(-1)", "error above", show=False, id="log.previous_error", tooltip="To the next error above"
        ),
        Binding("J,enter", "unfold", "json", id="log.unfold", tooltip="Unfold the line: JSON, trace, whole text"),
        Binding(
            "v", "level", "level", show=False, id="log.level", tooltip="All, or only info, warnings, errors and above"
        ),
        Binding("w", "wrap", "wrap", id="log.wrap", tooltip="Wrap wide lines, or scroll sideways with ← →"),
        Binding("m", "bookmark", "mark", id="log.bookmark", tooltip="Mark the line with ◆, or take the mark away"),
        Binding("y", "copy", "copy", id="log.copy", tooltip="Copy the line or whole trace: the cursor's, or the last"),
        Binding(
            "R",
            "request",
            "request",
            show=False,
            id="log.request",
            tooltip="Only this request's lines, or back",
        ),
        Binding("c", "columns", "columns", show=False, id="log.columns", tooltip="Other columns before the text"),
        Binding("z", "fold_all", "fold", show=False, id="log.fold_all", tooltip="Unfold all traces, or fold them"),
        Binding("n", "match(1)", "next", show=False, id="log.next_match", tooltip="Next match of the search, below"),
        Binding("N", "match(-1)", "above", show=False, id="log.previous_match", tooltip="Next match above"),
        Binding("apostrophe", "marked(1)", "mark below", show=False, id="log.next_mark", tooltip="Next marked line"),
        Binding(
            "quotation_mark", "marked(-1)", "mark above", show=False, id="log.previous_mark", tooltip="Marked above"
        ),
        Binding("j,down", "by(1)", "down", show=False, id="log.down", tooltip="A line down; past the end it follows"),
        Binding("k,up", "by(-1)", "up", show=False, id="log.up", tooltip="A line up; the view stands still"),
        Binding("pagedown,ctrl+f", "page(1)", "page", show=False, id="log.page_down", tooltip="A page down"),
        Binding("pageup,ctrl+b", "page(-1)", "page", show=False, id="log.page_up", tooltip="A page up"),
        Binding("right", "aside(1)", "right", show=False, id="log.right", tooltip="To the right in wide lines"),
        Binding("left", "aside(-1)", "left", show=False, id="log.left", tooltip="To the left in wide lines"),
        Binding("g,home", "oldest", "oldest", show=False, id="log.oldest", tooltip="To the oldest line held"),
        Binding("G,end,F", "newest", "newest", show=False, id="log.newest", tooltip="To the newest line, and follow"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._columns: int | None = None  # None chooses by the width
        self._many = False  # lines of several log groups
        self._wanted_hit = 0  # a match that is still being looked for: its direction
        self._came_from: Place | None = None  # where the reader was before lines of one request or pattern

    def start_over(self, *, many: bool) -> None:
        """Other logs; ``many`` when they are of several log groups, which a column then tells apart."""
        self.buffer.clear()
        self.turned.clear()
        self.bookmarks.clear()
        self.alerts.clear()
        self._many, self._came_from, self._wanted_hit = many, None, 0
        self.buffer.set_filter(replace(self.buffer.filter, request="", template=""))
        self.reshape(columns=self._columns_now())
        self.follow()

    # Following and moving

    @property
    def here_ms(self) -> int | None:
        """When the line is that the reader is at; None while following."""
        seq = self.cursor if self.cursor is not None else self.top_seq
        ring = self.buffer.ring
        return ring.at_ms(seq) if not self.following and seq is not None and ring.holds(seq) else None

    @property
    def newest_ms(self) -> int | None:
        """When the newest line shown is."""
        seq = self.buffer.newest()
        return self.buffer.ring.at_ms(seq) if seq is not None else None

    def jump(self, at_ms: int) -> None:
        """To the first line of a moment or later."""
        if (seq := self.buffer.at_or_after(at_ms)) is not None:
            self.go_to(seq)

    def action_pause(self) -> None:
        """Stand still, or follow again."""
        if self.following:
            self.stand_still()
            self.draw()
        else:
            self.follow()

    def action_newest(self) -> None:
        """To the end, and follow."""
        self.follow()

    def action_oldest(self) -> None:
        """To the start, and stand still."""
        if len(self.buffer.shown):
            self.go_to(self.buffer.shown[0])

    def action_by(self, step: int) -> None:
        """The cursor, by an entry; rows of a tall one first; down past the end follows."""
        shown = self.buffer.shown
        current = self.current
        if current is None or self._scrolled_within(current, step):
            return
        if self.cursor != current and not self.following:  # it was filtered away, or left
            self.go_to(current)
            return
        rank = shown.rank_of(current) + step
        if rank < len(shown):
            self.go_to(shown[max(rank, 0)], near=True)
        elif not self.following:
            self.follow()

    def _scrolled_within(self, seq: int, step: int) -> bool:
        """Whether an entry that is taller than the screen was scrolled by a row instead."""
        parts = [place[1] for place in self._places if place[0] == seq]
        if not parts or not self.buffer.shown.has(seq) or self.cursor is None:
            return False
        more = parts[-1] < len(self._rows(seq)) - 1 if step > 0 else parts[0] > 0
        return more and self.scroll_rows(step)

    def action_page(self, step: int) -> None:
        """A page; the cursor keeps its row of the screen."""
        y = next((y for y, place in enumerate(self._places) if place[0] == self.cursor), None)
        if not self.scroll_rows(step * max(self.size.height - 1, 1)):
            if not self.following:
                self.follow()
            return
        if y is not None:
            self.cursor = self._places[min(y, len(self._places) - 1)][0]
            self.draw()

    def action_aside(self, step: int) -> None:
        """A third of a width, in wide lines."""
        if not self.look.wrapping:
            self.sideways(step * max(self.size.width // 3, 8))

    # Look

    def on_resize(self) -> None:
        """A narrow view leaves the stream's name out."""
        self.reshape(width=max(self.scrollable_content_region.width, 20), columns=self._columns_now())

    def _columns_now(self) -> Columns:
        if self._columns is not None:
            return _COLUMNS[self._columns][1]
        return Columns(source=self._many, stream=self.size.width >= _NARROW)

    def action_columns(self) -> None:
        """The next set of columns."""
        now = next((at for at, (_, columns) in enumerate(_COLUMNS) if columns == self.look.columns), 0)
        self._columns = (now + 1) % len(_COLUMNS)
        self.reshape(columns=self._columns_now())
        self.notify(_COLUMNS[self._columns][0], title="Columns", timeout=2)

    def action_wrap(self) -> None:
        """Wrapped or not."""
        self.reshape(wrapping=not self.look.wrapping)

    def action_fold_all(self) -> None:
        """All traces unfolded, or folded."""
        self.turned.clear()
        self.reshape(unfolded=not self.look.unfolded)

    def action_unfold(self) -> None:
        """What is in the line, beneath it."""
        if (seq := self.current) is not None:
            self.turn(seq)

    # Filters

    def filter_by(self, wanted: LineFilter) -> None:
        """Show other lines of those held; the reader's place is kept."""
        if self.cursor is None and not self.following:
            self._top = (self.top_seq or 0, 0)
        self.buffer.set_filter(wanted)
        self.buffer.work()
        if self.cursor is not None:
            self._top = (self.cursor, 0)
        self.redraw()
        self.pump()
        self.moved()

    def draw(self) -> None:
        """Without the expressions that took too long: they find nothing any more."""
        super().draw()
        self._end_slow()

    def _end_slow(self) -> None:
        wanted, term = self.buffer.filter, self.buffer.term
        if term is not None and term.slow:
            self._tell_slow(term)
            self.search(None)
        if slow := wanted.slow:
            self._tell_slow(slow[0])
            self.filter_by(replace(wanted, terms=tuple(one for one in wanted.terms if one not in slow)))

    def _tell_slow(self, term: Term) -> None:
        words = f"{clean(term.text)} takes too long on these lines: leave out .* and repeats within repeats"
        self.notify(words, title="Not searched on", severity="error", markup=False, timeout=8)

    def action_level(self) -> None:
        """The next level; the lines below it stay in the ring."""
        level = _LEVELS[(_LEVELS.index(self.buffer.filter.level) + 1) % len(_LEVELS)]
        self.filter_by(replace(self.buffer.filter, level=level))

    def toggle_term(self, term: Term) -> None:
        """A term more, or less."""
        self.filter_by(self.buffer.filter.toggled(term))

    def clear_terms(self) -> None:
        """No terms."""
        self.filter_by(replace(self.buffer.filter, terms=()))

    def narrow(self, *, request: str = "", template: str = "") -> None:
        """Only lines of a request or of a pattern; ``widen`` comes back to where the reader is now."""
        if self._came_from is None:
            self._came_from = self.keep_place()
        self.filter_by(replace(self.buffer.filter, request=request, template=template))

    def widen(self) -> bool:
        """All requests and patterns again, at the place before; False when there were all."""
        if not self.buffer.filter.request and not self.buffer.filter.template:
            return False
        place, self._came_from = self._came_from, None
        self.filter_by(replace(self.buffer.filter, request="", template=""))
        if place is not None:
            self.return_to(place)
        return True

    def action_request(self) -> None:
        """All lines of this request, or back."""
        if self.widen() or (seq := self.current) is None:
            return
        ids = request_ids(self.buffer.text(seq))
        if ids:
            self.cursor = seq
            self.narrow(request=ids[0])
            self.stand_still()
        else:
            self.notify("this line names no request or trace", timeout=3)

    # Finding

    def search(self, term: Term | None) -> None:
        """Highlight and count; n and N go to the places."""
        self._wanted_hit = 0
        self.buffer.set_term(term)
        self.buffer.work()
        self.reshape(highlight=term.highlight if term is not None and not term.inverse else None)
        self.pump()

    def action_match(self, step: int) -> None:
        """The next match; waited for while all that is held is being searched."""
        if self.buffer.term is None:
            self.notify("/ searches", timeout=2)
            return
        here = self.cursor if self.cursor is not None else self.top_seq
        seq = self.buffer.next_hit(None if self.following else here, step)
        self._wanted_hit = 0
        if seq is not None:
            self.go_to(seq)
        elif self.buffer.busy:
            self._wanted_hit = step
        else:
            self.notify("no further match" + (" below; N looks above" if step > 0 else " above"), timeout=2)

    def worked(self) -> None:
        """A match that was waited for may be known now."""
        if self._wanted_hit:
            self.action_match(self._wanted_hit)
        self.moved()

    @property
    def search_words(self) -> str:
        """``3 of 41``, ``41 hits``, ``none``; how far it is while it goes on."""
        buffer = self.buffer
        if buffer.term is None:
            return ""
        count = len(buffer.hits)
        if self.cursor is not None and buffer.hits.has(self.cursor):
            words = f"{buffer.hits.rank_of(self.cursor) + 1:,} of {count:,}"
        else:
            words = number_of(count, "hit")
        return f"{words} · searching… {buffer.hits.progress:.0%}" if buffer.hits.busy else words

    def action_error(self, step: int) -> None:
        """The next line of level error or above; from the end, where nothing is below, the newest one."""
        seq = self.buffer.next_error(None, -1) if self.following else None
        if not self.following:
            seq = self.buffer.next_error(self.cursor if self.cursor is not None else self.top_seq, step)
        if seq is not None:
            self.go_to(seq)
        else:
            self.notify("no further error" + (" below; E looks above" if step > 0 else " above"), timeout=2)

    # Bookmarks and copies

    def action_bookmark(self) -> None:
        """Mark the line, or take the mark away."""
        if (seq := self.current) is None:
            return
        first = self.buffer.ring.first
        self.bookmarks = {mark for mark in self.bookmarks if mark >= first}
        if seq not in self.bookmarks and len(self.bookmarks) >= _MOST_MARKS:
            self.notify(f"{_MOST_MARKS:,} lines are marked already", timeout=2)
            return
        self.bookmarks ^= {seq}
        self.redraw()
        self.moved()

    def action_marked(self, step: int) -> None:
        """The next marked line."""
        here = self.cursor if self.cursor is not None else self.buffer.next_seq if self.following else self.top_seq or 0
        marks = sorted(mark for mark in self.bookmarks if self.buffer.shown.has(mark))
        found = [mark for mark in marks if (mark > here if step > 0 else mark < here)]
        if found:
            self.go_to(found[0] if step > 0 else found[-1])
        else:
            self.notify("no marked line" + (" below" if step > 0 else " above") + "; m marks one", timeout=2)

    def action_copy(self) -> None:
        """The whole line or trace as it came."""
        if (seq := self.current) is None:
            return
        text = self.buffer.text(seq)
        self.app.copy_to_clipboard(text[:COPIED_CHARS])
        title = (
            "Copied"
            if len(text) <= COPIED_CHARS
            else f"Copied {COPIED_CHARS:,} of {len(text):,} characters; S saves all"
        )
        self.notify(cut(clean(text[:300]), 200), title=title, markup=False, timeout=3)
