"""Left on the Discord screen: the bot, the channels, and what waits or failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from jinkies import cards
from jinkies.model import DeliveryState, Digest, PartHealth, PartState, What
from jinkies.words import number_of
from tui import theme
from tui.draw import Line, Part, line, rule, strip_of, wrapped
from tui.format import clean, clock_text, fit
from tui.outbox import Channel
from tui.widgets.lines import LinesView

_SHOWN = 8  # of the outbox's lines
_DIGESTS = 3


class ChannelList(LinesView):
    """Channels with a cursor; the rest is to be read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "down", show=False, id="channels.down", tooltip="Next channel"),
        Binding("up,k", "move(-1)", "up", show=False, id="channels.up", tooltip="Channel above"),
        Binding("enter", "open", "cards", show=False, id="channels.open", tooltip="To the channel's cards"),
    ]

    @dataclass
    class Chosen(Message):
        """Another channel is selected; ``entered`` when its cards are wanted."""

        channels: ChannelList
        entered: bool

        @property
        def control(self) -> ChannelList:
            """The list."""
            return self.channels

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.channels: list[Channel] = []
        self.index = 0
        self.health: PartHealth | None = None
        self.missing: str | None = None
        self._first = 0

    @property
    def selected(self) -> Channel | None:
        """The channel under the cursor."""
        return self.channels[self.index] if self.index < len(self.channels) else None

    def show(self, channels: list[Channel], health: PartHealth | None, missing: str | None) -> None:
        """Other channels, or news of them."""
        self.channels, self.health, self.missing = channels, health, missing
        self.index = min(self.index, max(len(channels) - 1, 0))
        self.rebuild()

    def build(self, width: int) -> list[Line]:
        """Bot, channels, outbox."""
        room = width - 2
        lines = [*_bot(self.health, self.missing, room), []]
        self._first = len(lines)
        lines += [self._channel(index, channel, room) for index, channel in enumerate(self.channels)]
        if self.channels:
            lines += [[], rule("Outbox", "", room), *_outbox(self.channels, room)]
        if (selected := self.selected) is not None and selected.digests:
            lines += [[], rule("Digests", "", room), *_digests(selected.digests, room)]
        return [[*line((" ", theme.TEXT)), *built] for built in lines]

    def _channel(self, index: int, channel: Channel, room: int) -> Line:
        shown = sum(one.state is DeliveryState.POSTED for one in channel.cards)
        mark: Part = ("● ", theme.OK)
        if channel.failed:
            mark = ("✗ ", theme.BAD)
        elif channel.waiting:
            mark = ("◌ ", theme.WARN)
        counted = number_of(shown, "card")
        name = fit(f"{channel.name} …{channel.channel_id[-4:]}", max(room - 4 - len(counted), 6))
        cursor = "▶ " if index == self.index else "  "
        return line((cursor, theme.ACCENT), mark, (name, theme.TEXT), (counted, theme.MUTED))

    def render_line(self, y: int) -> Strip:
        """One line; the selected channel's on a brighter ground."""
        index = y + self.scroll_offset.y
        base = self.rich_style
        if self.channels and index == self._first + self.index:
            base += theme.CURSOR_ROW if self.has_focus else theme.CURSOR_ROW_BLURRED
        return strip_of(self._lines[index] if index < len(self._lines) else [], self.size.width, base)

    def action_move(self, step: int) -> None:
        """Another channel."""
        if self.channels:
            self.index = max(0, min(self.index + step, len(self.channels) - 1))
            self.rebuild()
            self.refresh()
            self.post_message(self.Chosen(self, entered=False))

    def action_open(self) -> None:
        """To its cards."""
        if self.channels:
            self.post_message(self.Chosen(self, entered=True))

    def on_click(self, event: events.Click) -> None:
        """Select the channel that was clicked."""
        index = event.y - self.gutter.top + self.scroll_offset.y - self._first
        if 0 <= index < len(self.channels):
            self.action_move(index - self.index)

    def on_focus(self) -> None:
        """The cursor's ground says where the keys go."""
        self.refresh()

    def on_blur(self) -> None:
        """See ``on_focus``."""
        self.refresh()


def _bot(health: PartHealth | None, missing: str | None, room: int) -> list[Line]:
    if missing is not None:
        return [line(("○ ", theme.FAINT), ("not set up", theme.MUTED)), *wrapped(clean(missing), theme.MUTED, room)]
    if health is None:
        words = "No bot has reported yet: run `jinkies-bot`. What it would post waits below."
        return [line(("◌ ", theme.WARN), ("no bot", theme.WARN)), *wrapped(words, theme.MUTED, room)]
    mark: Part = (f"{theme.PART_MARK[health.state]} ", theme.PART[health.state])
    latency = f" · {health.latency_ms:.0f} ms" if health.latency_ms is not None else ""
    since = f" since {clock_text(health.at_ms)}" if health.state is PartState.FAILED and health.at_ms else ""
    lines = [line(mark, (f"bot {_BOT_WORDS[health.state]}{since}{latency}", theme.TEXT))]
    if health.state is not PartState.OK and health.detail:
        lines += wrapped(clean(health.detail), theme.MUTED, room)
    if health.state is not PartState.OK:
        lines += wrapped("Cards stay as they are until it is back; the outbox waits.", theme.MUTED, room)
    return lines


def _digests(digests: list[Digest], room: int) -> list[Line]:
    """What stands for alerts that came too fast for cards of their own."""
    lines = []
    for one in digests[:_DIGESTS]:
        lines += wrapped(clean(cards.digest_title(one)), theme.TEXT, room)
        lines += wrapped(clean(cards.digest_services(one)), theme.MUTED, room, indent="  ")
    if len(digests) > _DIGESTS:
        lines.append(line((f"  and {len(digests) - _DIGESTS} earlier ones", theme.MUTED)))
    return lines


_BOT_WORDS = {
    PartState.OK: "connected",
    PartState.CONNECTING: "connecting",
    PartState.FAILED: "down",
    PartState.UNCONFIGURED: "not set up",
}


def _outbox(channels: list[Channel], room: int) -> list[Line]:
    waiting = sum(len(channel.waiting) for channel in channels)
    failed = [one for channel in channels for one in channel.failed]
    if not waiting and not failed:
        return [line(("● ", theme.OK), ("empty: all in step", theme.MUTED))]
    lines = []
    if waiting:
        lines.append(line(("◌ ", theme.WARN), (f"{waiting} waiting", theme.TEXT)))
    if failed:
        lines.append(line(("✗ ", theme.BAD), (f"{len(failed)} failed", theme.TEXT)))
    for one in failed[:_SHOWN]:
        what = "" if one.what is What.CARD else f" {one.what}:"
        lines += wrapped(f"#{one.alert_id}{what} {clean(one.error or 'unknown reason')}", theme.BAD, room, indent="  ")
    if len(failed) > _SHOWN:
        lines.append(line((f"  and {len(failed) - _SHOWN} more", theme.MUTED)))
    return lines
