"""The pane of log lines under the mouse: the wheel, clicks, the scroll bar."""

from __future__ import annotations

from textual import events
from textual.scrollbar import ScrollDown, ScrollTo, ScrollUp

from tui.widgets.log_pane import LogPane

WHEEL_ROWS = 3


class LogMouse(LogPane):
    """All of these are the reader's: the view stands still where they put it, and follows from the end."""

    def on_scroll_to(self, message: ScrollTo) -> None:
        """The scroll bar is the reader's: the view stands still where it was put."""
        message.stop()
        message.prevent_default()
        if message.y is None or not self.max_scroll_y:
            return
        count = len(self.buffer.shown)
        rank = round(message.y / self.max_scroll_y * max(count - self.size.height, 0))
        if message.y >= self.max_scroll_y:
            self.follow()
        elif 0 <= rank < count:
            self.stand_still()
            self._top = (self.buffer.shown[rank], 0)
            self.draw()
            self.keep_cursor()
            self.moved()

    def on_scroll_up(self, message: ScrollUp) -> None:
        """A click above the bar's thumb."""
        message.stop()
        message.prevent_default()
        self.scroll_rows(-max(self.size.height - 1, 1))

    def on_scroll_down(self, message: ScrollDown) -> None:
        """A click below it."""
        message.stop()
        message.prevent_default()
        if not self.following and not self.scroll_rows(max(self.size.height - 1, 1)):
            self.follow()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel: up stands still."""
        event.stop()
        event.prevent_default()
        self.scroll_rows(-WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel: down to the end follows."""
        event.stop()
        event.prevent_default()
        if not self.following and not self.scroll_rows(WHEEL_ROWS):
            self.follow()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on a line; a second click unfolds it."""
        y = event.y - self.gutter.top
        if 0 <= y < len(self._places):
            self.go_to(self._places[y][0])
            if event.chain == 2:
                self.turn(self._places[y][0])
