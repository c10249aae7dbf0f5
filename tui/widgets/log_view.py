"""Log lines by the hundred thousand: drawn by the line from a ring buffer, redrawn on the timer.

While it follows, the newest line is at the bottom. Once the reader scrolls up or pauses, the view stands still: lines
come in below and are counted, and the reader's line keeps its place even when old ones leave the ring.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from jinkies.model import Level
from tui import theme
from tui.draw import Line, Part, line, strip_of
from tui.format import clean, clock_text, fit, wrap
from tui.logbuffer import LogBuffer, Row
from tui.widgets.detail_lines import level_word

_STREAM_CELLS = 14
_PREFIX = 12 + 2 + _STREAM_CELLS + 2 + 5 + 2
_NARROW = 100  # below this many cells the stream's name is left out
_LEVELS = (Level.NONE, Level.INFO, Level.WARNING, Level.ERROR)
_STYLES = {Level.ERROR: theme.STRONG, Level.CRITICAL: theme.STRONG, Level.DEBUG: theme.MUTED}


class LogView(ScrollView, can_focus=True):
    """The lines of a ``LogBuffer``."""

    DEFAULT_CSS = "LogView { scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pause", "pause", id="log.pause", tooltip="Stand still, or follow the newest line again"),
        Binding(
            "e",
            "error(1)",
            "next error",
            id="log.next_error",
            tooltip="To the next error; while following, to the newest",
        ),
        Binding(
            "E", "error(-1)", "error above", show=False, id="log.previous_error", tooltip="To the next error above"
        ),
        Binding("v", "level", "level", id="log.level", tooltip="Show all, info, warnings or errors and above"),
        Binding("w", "wrap", "wrap", id="log.wrap", tooltip="Wrap wide lines, or scroll sideways with ← →"),
        Binding("n", "match(1)", "next", show=False, id="log.next_match", tooltip="Next match of the search, below"),
        Binding("N", "match(-1)", "above", show=False, id="log.previous_match", tooltip="Next match above"),
        Binding("j,down", "by(1)", "down", show=False, id="log.down", tooltip="A line down"),
        Binding("k,up", "by(-1)", "up", show=False, id="log.up", tooltip="A line up; the view stands still"),
        Binding("pagedown", "page(1)", "page", show=False, id="log.page_down", tooltip="A page down"),
        Binding("pageup", "page(-1)", "page", show=False, id="log.page_up", tooltip="A page up"),
        Binding("right", "sideways(1)", "right", show=False, id="log.right", tooltip="To the right in wide lines"),
        Binding("left", "sideways(-1)", "left", show=False, id="log.left", tooltip="To the left in wide lines"),
        Binding("g,home", "oldest", "oldest", show=False, id="log.oldest", tooltip="To the oldest line held"),
        Binding("G,end", "newest", "newest", show=False, id="log.newest", tooltip="To the newest line, and follow"),
        Binding("y", "copy", "copy", id="log.copy", tooltip="Copy the whole line that is marked, or the last one"),
    ]

    @dataclass
    class Moved(Message):
        """Following began or ended, or the level or the wrapping changed."""

        view: LogView

        @property
        def control(self) -> LogView:
            """The view."""
            return self.view

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.buffer = LogBuffer()
        self.following = True
        self.level = Level.NONE
        self.wrapping = False
        self.empty_words = ""  # shown while no line is held; a line of text each
        self.pattern: re.Pattern[str] | None = None
        self.marked: int | None = None  # the entry that e, n or a click went to
        self._paused_seq = 0
        self._dirty = False
        self._own_scroll = False
        self._drawn = (0, 0)  # next_seq, evicted at the last drawing
        self._top_seq = 0  # entry and part at the top of a view that stands still
        self._top_part = 0
        self._strips: LRUCache[tuple[int, int], Strip] = LRUCache(2_000)

    @property
    def behind(self) -> int:
        """Lines that came in since the view stood still."""
        return 0 if self.following else self.buffer.next_seq - self._paused_seq

    def draw(self) -> None:
        """Called on the timer: show what came in since the last call, if anything did."""
        if self.show_vertical_scrollbar:  # Textual moves a thumb only once it is there: not by the first scroll
            self.vertical_scrollbar.position = self.scroll_y
        state = (self.buffer.next_seq, self.buffer.evicted)
        at_end = not self.following or self.scroll_offset.y == self.max_scroll_y
        if state == self._drawn and not self._dirty and at_end:
            return
        self._drawn, self._dirty = state, False
        self._resize()
        if self.following:
            self._scroll(self.buffer.row_count)
        else:
            self._restore_top()
        self.refresh()

    def _resize(self) -> None:
        width = self._prefix + self.buffer.widest if not self.wrapping else self.size.width
        size = Size(max(width, 1), self.buffer.row_count)
        if size != self.virtual_size:
            self.virtual_size = size

    def _scroll(self, y: int) -> None:
        self._own_scroll = True
        try:
            self.scroll_to(y=max(0, min(y, self.max_scroll_y)), animate=False, immediate=True, force=True)
        finally:
            self._own_scroll = False

    def _remember_top(self) -> None:
        top = self.scroll_offset.y
        if top < self.buffer.row_count:
            row = self.buffer.row(top)
            self._top_seq, self._top_part = row.entry.seq, row.part

    def _restore_top(self) -> None:
        index = self.buffer.index_of(self._top_seq)
        if index < self.buffer.row_count and self.buffer.row(index).entry.seq == self._top_seq:
            index += self._top_part
        self._scroll(index)

    def _stand_still(self) -> None:
        if self.following:
            self.following = False
            self._paused_seq = self.buffer.next_seq
            self.post_message(self.Moved(self))
        self._remember_top()

    def _follow(self) -> None:
        self.following = True
        self._dirty = True
        self.post_message(self.Moved(self))

    # Keys

    def action_pause(self) -> None:
        """Stand still, or follow again."""
        if self.following:
            self._stand_still()
        else:
            self._follow()

    def action_newest(self) -> None:
        """To the end, and follow."""
        self._follow()

    def action_oldest(self) -> None:
        """To the start, and stand still."""
        self._go(0)

    def action_by(self, step: int) -> None:
        """A line; going down past the end follows."""
        self._go(self.scroll_offset.y + step)

    def action_page(self, step: int) -> None:
        """A page."""
        self._go(self.scroll_offset.y + step * max(self.size.height - 1, 1))

    def _go(self, y: int) -> None:
        if y >= self.max_scroll_y and y > self.scroll_offset.y:
            self._follow()
            return
        self._stand_still()
        self._scroll(y)
        self._remember_top()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel: up stands still."""
        event.stop()
        event.prevent_default()
        self._go(self.scroll_offset.y - 3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel: down to the end follows."""
        event.stop()
        event.prevent_default()
        if not self.following:
            self._go(self.scroll_offset.y + 3)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The scroll bar, too, is the reader's: the view stands still where it was put."""
        super().watch_scroll_y(old_value, new_value)
        if not self._own_scroll and self.is_mounted:
            self._stand_still()

    def action_sideways(self, step: int) -> None:
        """Half a width, in wide lines."""
        if not self.wrapping:
            self.scroll_relative(x=step * max(self.size.width // 3, 8), animate=False)

    def action_level(self) -> None:
        """The next level; the lines below it stay in the ring."""
        self.level = _LEVELS[(_LEVELS.index(self.level) + 1) % len(_LEVELS)]
        self._reshow()

    def action_wrap(self) -> None:
        """Wrapped or not."""
        self.wrapping = not self.wrapping
        self.scroll_to(x=0, animate=False, immediate=True)
        self._reshow()

    def _reshow(self) -> None:
        room = max(self.scrollable_content_region.width - self._prefix, 10)
        self.buffer.show(level=self.level, wrap_width=room if self.wrapping else None)
        self._strips.clear()
        self._top_part = 0
        self._dirty = True
        self.post_message(self.Moved(self))
        self.draw()

    def on_resize(self) -> None:
        """Another width wraps otherwise."""
        self._reshow()

    # Finding

    def search(self, text: str) -> None:
        """Highlight a text as it is, without regard to case; n and N go to its places."""
        self.pattern = re.compile(re.escape(clean(text)), re.IGNORECASE) if text else None
        self._strips.clear()
        self.refresh()

    def action_match(self, step: int) -> None:
        """The next match."""
        pattern = self.pattern
        if pattern is not None and not self._find(step, lambda row: pattern.search(row.text) is not None):
            self.notify("no further match" + (" below" if step > 0 else " above"), markup=False, timeout=2)

    def action_error(self, step: int) -> None:
        """The next line of level error or above; from the end, where nothing is below, the newest one."""
        if self.following:
            step = -1
        if not self._find(step, lambda row: row.part == 0 and _is_error(row)):
            self.notify("no further error" + (" below" if step > 0 else " above"), markup=False, timeout=2)

    def _find(self, step: int, fits: Callable[[Row], bool]) -> bool:
        count = self.buffer.row_count
        start = self._start(step)
        for index in range(start, count if step > 0 else -1, step):
            row = self.buffer.row(index)
            if fits(row) and row.entry.seq != self.marked:
                self._mark(index, row)
                return True
        return False

    def _start(self, step: int) -> int:
        if self.marked is not None:
            index = self.buffer.index_of(self.marked)
            if index < self.buffer.row_count:
                return index
        return self.scroll_offset.y if step > 0 else self.buffer.row_count - 1

    def _mark(self, index: int, row: Row) -> None:
        self.marked = row.entry.seq
        self._stand_still()
        top = self.scroll_offset.y
        if not top <= index < top + self.size.height - 1:
            self._scroll(index - self.size.height // 3)
        self._remember_top()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Mark a line."""
        index = event.y - self.gutter.top + self.scroll_offset.y
        if 0 <= index < self.buffer.row_count:
            row = self.buffer.row(index)
            self._mark(index, row)

    def action_copy(self) -> None:
        """The whole line as it came."""
        wanted = [entry for entry in self.buffer.entries if entry.seq == self.marked] or list(self.buffer.entries)[-1:]
        if wanted:
            self.app.copy_to_clipboard(wanted[0].text)
            self.notify(clean(wanted[0].text[:200]), title="Copied", markup=False)

    # Drawing

    @property
    def _prefix(self) -> int:
        return _PREFIX if self.size.width >= _NARROW else _PREFIX - _STREAM_CELLS - 2

    def render_line(self, y: int) -> Strip:
        """One line of the window."""
        index = y + self.scroll_offset.y
        base = self.rich_style
        if index >= self.buffer.row_count:
            words = self._empty_lines() if not self.buffer.row_count else []
            text = words[y - 1] if 0 < y <= len(words) else ""
            return strip_of(line(("  " + text, theme.MUTED)), self.size.width, base)
        row = self.buffer.row(index)
        key = (row.entry.seq, row.part)
        strip = self._strips.get(key)
        if strip is None:
            strip = Strip(self._row_line(row))
            self._strips[key] = strip
        if row.entry.seq == self.marked:
            base += theme.CURSOR_ROW
        left = self.scroll_offset.x
        return strip.crop_extend(left, left + self.size.width, None).apply_style(base)

    def _empty_lines(self) -> list[str]:
        return [piece for text in self.empty_words.split("\n") for piece in wrap(text, self.size.width - 4)]

    def _row_line(self, row: Row) -> Line:
        event = row.entry.event
        if event is None:
            return line((f"── {clean(row.text)} ──", theme.WARN))
        style = _STYLES.get(event.level, theme.TEXT)
        text = _highlighted(row.text, style, self.pattern)
        if row.part:
            return [Segment(" " * self._prefix), *_highlighted(row.text, theme.TEXT, self.pattern)]
        parts: list[Part] = [(clock_text(event.timestamp_ms, millis=True) + "  ", theme.FAINT)]
        if self._prefix == _PREFIX:
            parts.append((fit(_short_stream(clean(event.log_stream)), _STREAM_CELLS) + "  ", theme.MUTED))
        parts.append((fit(level_word(event.level), 5) + "  ", theme.LEVEL[event.level]))
        late = [("  ◂ late", theme.WARN)] if event.late else []
        return [*line(*parts), *text, *line(*late)]


def _is_error(row: Row) -> bool:
    return row.entry.event is not None and row.entry.event.level.rank >= Level.ERROR.rank


def _short_stream(name: str) -> str:
    """The end of a stream's name tells streams apart."""
    return name if len(name) <= _STREAM_CELLS else "…" + name[-(_STREAM_CELLS - 1) :]


def _highlighted(text: str, style: Style, pattern: re.Pattern[str] | None) -> Line:
    if pattern is None:
        return line((text, style))
    parts: list[Part] = []
    end = 0
    for match in pattern.finditer(text):
        if match.end() > match.start():
            parts += [(text[end : match.start()], style), (match.group(), theme.MATCH)]
            end = match.end()
    return line(*parts, (text[end:], style))
