"""A pane of log lines: drawn by the row from a buffer, redrawn on the timer and only where rows differ.

While it follows, the newest line is at the bottom. Once the reader moves up or pauses, the view stands still: lines
come in below and are counted, and the reader's line keeps its place even when old ones leave the ring.

A place is an entry's number and a row within it, never a count of rows: entries have any height (wrapped lines,
unfolded traces and JSON), and only those on the screen are ever laid out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rich.segment import Segment
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui import theme
from tui.draw import line, strip_of
from tui.format import wrap
from tui.logblock import Columns, Look, Row, block
from tui.logbuffer import LogBuffer
from tui.pace import Pace
from tui.widgets.frame import QuietBorder

_WORK_EVERY_S = 0.005
_BAR_STEPS = 64  # the scroll bar's length changes in steps: each change lays the screen out anew

Place = tuple[int, int, Row]  # entry, row within it, the row


class LogPane(QuietBorder, ScrollView, can_focus=True):
    """The entries of a ``LogBuffer``."""

    DEFAULT_CSS = (
        "LogPane { scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; overflow-x: hidden; overflow-y: scroll; }"
    )

    @dataclass
    class Moved(Message):
        """Following began or ended, the cursor moved, or what is shown changed."""

        pane: LogPane

        @property
        def control(self) -> LogPane:
            """The pane."""
            return self.pane

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.buffer = LogBuffer()
        self.look = Look(width=80, columns=Columns())
        self.following = True
        self.cursor: int | None = None  # the entry that the reader is at; none while following
        self.turned: set[int] = set()  # entries unfolded by the reader, or folded where all are unfolded
        self.bookmarks: set[int] = set()
        self.alerts: dict[int, int] = {}  # of entries: the alerts that they are known to have
        self.empty_words = ""  # shown while no line is; a line of text each
        self.pace: Pace | None = None  # None paints at once
        self._left = 0  # cells that texts are scrolled to the right
        self._top = (0, 0)  # entry and row at the top of a view that stands still
        self._paused_seq = self._paused_evicted = 0
        self._places: list[Place] = []
        self._frame: list[Strip] = []
        self._drawn: object = None
        self._unpainted = False
        self._working = False
        self._blocks: LRUCache[int, tuple[object, list[Row]]] = LRUCache(400)
        self._strips: LRUCache[object, tuple[Row, Strip]] = LRUCache(1_000)

    # What is known of it

    @property
    def behind(self) -> int:
        """Entries that came in below since the view stood still."""
        shown = self.buffer.shown
        return 0 if self.following else len(shown) - shown.rank_of(self._paused_seq)

    @property
    def let_go(self) -> int:
        """Old lines that left the ring since the view stood still."""
        return 0 if self.following else self.buffer.ring.evicted - self._paused_evicted

    @property
    def current(self) -> int | None:
        """The entry that keys act on: the cursor's; the newest while following; the top one where the cursor's left."""
        if self.cursor is not None and self.buffer.shown.has(self.cursor):
            return self.cursor
        return self.buffer.newest() if self.following else self.top_seq

    @property
    def top_seq(self) -> int | None:
        """The entry at the top of the screen."""
        return self._places[0][0] if self._places else None

    # Drawing

    def draw(self) -> None:
        """Called on the timer and after each key: show what changed, if anything did."""
        if self.show_vertical_scrollbar:  # Textual moves a thumb only once it is there: not by the first scroll
            self.vertical_scrollbar.position = self.scroll_y
        state = (self.buffer.changes, self.following, self.cursor, self._top, self._left, self.look, self.size,
                 len(self.turned), len(self.bookmarks), len(self.alerts), self.empty_words, self.has_focus)  # fmt: skip
        if self.size.height <= 0 or (state == self._drawn and not self._unpainted):
            return
        if state != self._drawn:
            self._drawn = state
            self._lay_out()
        self._unpainted = self.pace is not None and self.pace.waiting
        if not self._unpainted:  # else the timer does it: keys held down on a slow link would queue frame after frame
            self._move_bar()
            self._repaint()

    def redraw(self) -> None:
        """As ``draw``, whatever was drawn before."""
        self._drawn = None
        self.draw()

    def reshape(self, **changes: object) -> None:
        """Another look: columns, wrapping, what is highlighted."""
        self.look = replace(self.look, **changes)  # type: ignore[arg-type] # the fields are Look's own
        self._blocks.clear()
        self._strips.clear()
        if not self.look.wrapping and "wrapping" in changes:
            self._left = 0
        self.redraw()
        self.moved()

    def moved(self) -> None:
        """Tell the screen."""
        self.post_message(self.Moved(self))

    def _repaint(self) -> None:
        """Rows that differ are drawn again, the others stay: over SSH every row costs."""
        before = self._frame
        here = None if self.following else self.cursor if self.buffer.shown.busy else self.current
        self._frame = [self._strip(place, here=place[0] == here) for place in self._places] or self._empty_strips()
        height = self.size.height
        old = before + [Strip([])] * (height - len(before))
        new = self._frame + [Strip([])] * (height - len(self._frame))
        different = [y for y in range(height) if new[y] is not old[y] and new[y] != old[y]]
        if len(different) > height // 2:
            self.refresh(Region(0, 0, self.size.width, height))
        else:
            for y in different:
                self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """One row of the window, as it was laid out."""
        if y < len(self._frame):
            return self._frame[y]
        return Strip.blank(self.size.width, self.rich_style)

    def _strip(self, place: Place, *, here: bool) -> Strip:
        seq, part, row = place
        kept = seq in self.bookmarks
        key = (seq, part, here, kept, self._left, self.has_focus)
        known = self._strips.get(key)
        if known is not None and known[0] is row:
            return known[1]
        base = self.rich_style
        if here:
            base += theme.CURSOR_ROW if self.has_focus else theme.CURSOR_ROW_BLURRED
        mark = ("◆", theme.WARN) if kept and not part else ("▌", theme.ACCENT) if here else (" ", theme.TEXT)
        strip = row.strip(self.look, self._left, Segment(*mark), base)
        self._strips[key] = (row, strip)
        return strip

    def _empty_strips(self) -> list[Strip]:
        texts = ["", *(piece for text in self.empty_words.split("\n") for piece in wrap(text, self.size.width - 4))]
        rows = texts[: self.size.height]
        return [strip_of(line(("  " + text, theme.MUTED)), self.size.width, self.rich_style) for text in rows]

    # Layout

    def _rows(self, seq: int) -> list[Row]:
        turned = seq in self.turned
        key = (len(self.buffer.joins.of(seq)), turned, self.alerts.get(seq))
        known = self._blocks.get(seq)
        if known is not None and known[0] == key:
            return known[1]
        rows = block(self.buffer.lines(seq), self.look, turned=turned, alert_id=self.alerts.get(seq))
        self._blocks[seq] = (key, rows)
        return rows

    def _lay_out(self) -> None:
        height, shown = self.size.height, self.buffer.shown
        if self.following:
            self._places = self._page_before(len(shown))
            self._top = self._places[0][:2] if self._places else (self.buffer.next_seq, 0)
            return
        rank = shown.rank_of(self._top[0])
        part = self._top[1] if rank < len(shown) and shown[rank] == self._top[0] else 0
        places: list[Place] = []
        while rank < len(shown) and len(places) < height:
            seq = shown[rank]
            rows = self._rows(seq)
            part = min(part, len(rows) - 1)
            places += [(seq, index, rows[index]) for index in range(part, len(rows))]
            rank, part = rank + 1, 0
        self._places = places[:height] if len(places) >= height else self._page_before(len(shown))

    def _page_before(self, rank: int) -> list[Place]:
        """The rows of a screen that ends before the entry of that rank."""
        height = self.size.height
        places: list[Place] = []
        while rank > 0 and len(places) < height:
            rank -= 1
            seq = self.buffer.shown[rank]
            rows = self._rows(seq)
            places[:0] = [(seq, index, row) for index, row in enumerate(rows)]
        return places[-height:]

    def _move_bar(self) -> None:
        count, height = len(self.buffer.shown), self.size.height
        step = max(1, count // _BAR_STEPS)
        length = -(-count // step) * step
        if len(self._places) == height and self._places[0][1] | (count <= height):
            length = max(length, height + 1)  # a few tall entries
        size = Size(self.size.width, max(length, 1))
        rank = self.buffer.shown.rank_of(self._places[0][0]) if self._places else 0
        last = max(count - height, 1)
        if size != self.virtual_size:
            self.virtual_size = size
        y = self.max_scroll_y if self.following else min(rank / last, 1.0) * self.max_scroll_y
        self.scroll_to(y=round(y), animate=False, immediate=True, force=True)

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Texts scroll by themselves."""

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:  # noqa: ARG002 - Textual's signature
        """The bar follows the place, never the other way round."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value

    def on_resize(self) -> None:
        """Another width wraps otherwise."""
        self.reshape(width=max(self.scrollable_content_region.width, 20))

    def on_focus(self) -> None:
        """The cursor's row is brighter."""
        self.draw()

    def on_blur(self) -> None:
        """And darker."""
        self.draw()

    # Moving

    def stand_still(self) -> None:
        """Lines come in below from now on; the cursor is at the newest one, unless it was put elsewhere."""
        if self.following:
            self.following = False
            self.cursor = self.cursor if self.cursor is not None else self.buffer.newest()
            self._paused_seq, self._paused_evicted = self.buffer.next_seq, self.buffer.ring.evicted
            self.moved()

    def follow(self) -> None:
        """The newest line is at the bottom from now on."""
        self.following, self.cursor = True, None
        self.draw()
        self.moved()

    def go_to(self, seq: int, *, near: bool = False) -> None:
        """Put the cursor on an entry; one out of sight comes with some of what was before it, unless it is ``near``."""
        self.stand_still()
        self.cursor = seq
        self._reveal(seq, 0 if near else self.size.height // 3)
        self.draw()
        self.moved()

    def keep_place(self) -> tuple[bool, int | None, tuple[int, int]]:
        """Where the reader is, for ``return_to``."""
        return self.following, self.cursor, self._top

    def return_to(self, place: tuple[bool, int | None, tuple[int, int]]) -> None:
        """Where the reader was, as far as it is still held."""
        following, self.cursor, top = place
        if following:
            self.follow()
            return
        self.stand_still()
        self._top = top
        self.draw()
        self.moved()

    def _reveal(self, seq: int, above: int) -> None:
        """Scroll so that an entry is on the screen, as whole as it fits."""
        height = max(self.size.height, 1)
        tall = min(len(self._rows(seq)), height) if self.buffer.shown.has(seq) else 1
        y = next((y for y, place in enumerate(self._places) if place[:2] == (seq, 0)), None)
        if y is not None and y + tall <= height:
            self._top = self._places[0][:2]
            return
        if y is not None or (self._places and seq > self._places[-1][0] and above == 0):
            above = height - tall  # its end is below: scroll no further than needed
        self._top = self._shifted(self.buffer.shown.rank_of(seq), 0, -min(above, height - tall))

    def _shifted(self, rank: int, part: int, rows: int) -> tuple[int, int]:
        """The place so many rows below (or above, when negative) a place; held within what is shown."""
        shown = self.buffer.shown
        while rows > 0 and rank < len(shown):
            left = len(self._rows(shown[rank])) - 1 - part
            if rows <= left:
                return shown[rank], part + rows
            rows, rank, part = rows - left - 1, rank + 1, 0
        while rows < 0 and rank >= 0:
            if part >= -rows:
                return shown[rank], part + rows
            rows, rank = rows + part + 1, rank - 1
            part = len(self._rows(shown[rank])) - 1 if rank >= 0 else 0
        if rank < 0:
            return (shown[0], 0) if len(shown) else (0, 0)
        return (shown[rank], part) if rank < len(shown) else (self.buffer.next_seq, 0)

    def scroll_rows(self, rows: int) -> bool:
        """Scroll; answers False when the end was reached before."""
        if not self._places:
            return False
        first, last = self._places[0], self._page_before(len(self.buffer.shown))[0]
        if rows > 0 and first[:2] >= last[:2]:
            return False
        self.stand_still()
        self._top = min(self._shifted(self.buffer.shown.rank_of(first[0]), first[1], rows), last[:2])
        self.draw()
        self.keep_cursor()
        self.moved()
        return True

    def keep_cursor(self) -> None:
        """The cursor stays on the screen, at the edge that it would leave by."""
        if self.cursor is not None and self._places:
            self.cursor = max(self._places[0][0], min(self.cursor, self._places[-1][0]))
            self.draw()

    def sideways(self, cells: int) -> None:
        """Texts to the right or left, as far as the widest on the screen reaches."""
        widest = max((place[2].text.cell_length for place in self._places), default=0)
        self._left = max(0, min(self._left + cells, widest - self.look.room // 2))
        self.draw()

    def turn(self, seq: int) -> None:
        """Unfold an entry, or fold it again."""
        self.turned ^= {seq}
        self.go_to(seq)

    def note_alert(self, seq: int, alert_id: int) -> None:
        """An entry has an alert."""
        first = self.buffer.ring.first
        self.alerts = {one: known for one, known in self.alerts.items() if one >= first} | {seq: alert_id}
        self.redraw()

    # Work that is left

    def pump(self) -> None:
        """Filter and search in slices until all that is held was looked at; keys come in between."""
        if not self._working and self.buffer.busy:
            self._working = True
            self.set_timer(_WORK_EVERY_S, self._work)

    def _work(self) -> None:
        self._working = False
        self.buffer.work()
        if self.buffer.busy:
            self.pump()
        else:
            self.draw()
            self.worked()

    def worked(self) -> None:
        """All that is held was looked at."""
        self.moved()
