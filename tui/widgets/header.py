"""The two lines on top: who we are attached to and how its parts are doing; the tabs and where the journal is."""

from __future__ import annotations

from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from jinkies.model import PartHealth, PartState
from jinkies.operator import Hosting
from tui import theme
from tui.draw import Line, Part, join, line, strip_of, width_of
from tui.format import ago, clean, clock_text, cut, zone_name
from tui.session import Session
from tui.silencing import running

TABS = (
    ("alerts", "1", "Alerts"),
    ("logs", "2", "Logs"),
    ("discord", "3", "Discord"),
    ("query", "4", "Query"),
    ("stats", "5", "Stats"),
)
_PARTS = ("discord", "aws", "github")
_SAID_IN_TROUBLE = "tails"  # else it goes without saying
_FULL, _WORDS, _OK, _ONLY_TROUBLE, _NOTHING = 4, 3, 2, 1, 0  # how much is said of the parts, as room allows
_TROUBLE = (PartState.CONNECTING, PartState.FAILED)


class StatusHeader(Widget):
    """Status and tabs; redraws only when its text differs."""

    DEFAULT_CSS = "StatusHeader { height: 2; width: 1fr; background: $surface; }"

    @dataclass
    class TabChosen(Message):
        """A tab was clicked."""

        header: StatusHeader
        tab: str

        @property
        def control(self) -> StatusHeader:
            """The header."""
            return self.header

    def __init__(self, session: Session, tab: str) -> None:
        super().__init__()
        self.session = session
        self.tab = tab
        self._shown: tuple[Line, Line] = ([], [])

    def tick(self) -> None:
        """Draw again if a word of it changed."""
        if (self._status_line(), self._tab_line()) != self._shown:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One of the two lines."""
        self._shown = (self._status_line(), self._tab_line())
        return strip_of(self._shown[y], self.size.width, self.rich_style)

    def on_click(self, event: events.Click) -> None:
        """Choose the tab that was clicked."""
        if event.y != 1:
            return
        start = 1
        for tab, key, label in TABS:
            width = len(f" {key} {label} ")
            if start <= event.x < start + width:
                self.post_message(self.TabChosen(self, tab))
            start += width + 1

    def _status_line(self) -> Line:
        right = self._counts()
        for detailed in (_FULL, _WORDS, _OK, _ONLY_TROUBLE, _NOTHING):
            left = [*self._core(detailed), *self._parts(detailed)]
            if width_of(left) + width_of(right) < self.size.width:
                return join(left, right, self.size.width)
        left = [*self._core(_NOTHING), *self._parts(_ONLY_TROUBLE)]
        room = self.size.width - width_of(right) - 1
        return join(_cut_line(left, room), right, self.size.width)

    def _core(self, detailed: int) -> list[Segment]:
        replica = self.session.replica
        hello = replica.hello if replica is not None else None
        environment = hello.environment if hello is not None else self.session.config.environment
        parts: list[Part] = [(" jinkies ", theme.ACCENT_STRONG), ("▏", theme.RULE), (clean(environment), theme.TEXT)]
        return line(*parts, (" ▏", theme.RULE), *self._link(detailed))

    def _link(self, detailed: int) -> list[Part]:
        replica = self.session.replica
        if replica is None or not self.session.live:
            trouble = replica.trouble if replica is not None else None
            return [("core ", theme.MUTED), ("◌ ", theme.WARN), (cut(trouble or "connecting…", 40), theme.WARN)]
        if replica.lost_at_ms is not None:
            since = f" since {clock_text(replica.lost_at_ms)}" if detailed > _ONLY_TROUBLE else ""
            words = f"lost{since} ({ago(replica.lost_at_ms, self.session.now_ms())}), reconnecting"
            return [("core ", theme.MUTED), ("✗ ", theme.BAD), (words, theme.BAD)]
        if self.session.operator.hosting is Hosting.ATTACHED:
            return [("core ", theme.MUTED), ("● ", theme.OK), ("attached", theme.TEXT)]
        ingest = replica.hello.ingest if replica.hello is not None else None
        words = "embedded" if ingest else "embedded, no ingest"
        return [("core ", theme.MUTED), ("● ", theme.OK), (words, theme.TEXT)]

    def _parts(self, detailed: int) -> list[Segment]:
        found: list[Part] = []
        if self.session.lost:  # what was heard last may no longer be so
            return line(("  parts ", theme.MUTED), ("○ ", theme.FAINT), ("not known", theme.MUTED)) if detailed else []
        for name in (*_PARTS, _SAID_IN_TROUBLE):
            health = self.session.health.get(name)
            said = detailed > _ONLY_TROUBLE and name != _SAID_IN_TROUBLE
            if health is not None and (said or health.state in _TROUBLE):
                found += _part(health, detailed)
        if detailed == _ONLY_TROUBLE and not found and self.session.health:
            found = [("  parts ", theme.MUTED), ("● ", theme.OK), ("ok", theme.TEXT)]
        return line(*found)

    def _counts(self) -> Line:
        if not self.session.live:
            return []
        counts = self.session.counts
        replica = self.session.replica
        silenced = running(replica.silences.values(), self.session.now_ms()) if replica is not None else 0
        critical = theme.SEVERITY_CRITICAL if counts.critical else theme.MUTED
        return line(
            (f"{counts.open:,}", theme.STRONG),
            (" open · ", theme.MUTED),
            (f"{counts.critical:,} critical ", critical),
            (f"· {silenced} silenced " if silenced else "", theme.WARN),
        )

    def _tab_line(self) -> Line:
        parts: list[Part] = [(" ", theme.TEXT)]
        for tab, key, label in TABS:
            on = tab == self.tab
            parts.append((f" {key} {label} ", theme.TAB_ON if on else theme.MUTED))
            parts.append((" ", theme.TEXT))
        now_ms = self.session.now_ms()
        replica = self.session.replica
        where = ""
        if replica is not None and replica.position is not None and self.session.live:
            where = f"seq {replica.position.seq:,} · "
        right = line((f"{where}{clock_text(now_ms)} {zone_name(now_ms)} ", theme.FAINT))
        return join(line(*parts), right, self.size.width)


def _part(health: PartHealth, detailed: int) -> list[Part]:
    style = theme.PART[health.state]
    words: dict[PartState, tuple[str, Style]] = {
        PartState.OK: (_ok_words(health) if detailed >= _WORDS else "ok", theme.TEXT),
        PartState.CONNECTING: ("connecting", theme.WARN),
        PartState.FAILED: (_failed_words(health, detailed), theme.BAD),
        PartState.UNCONFIGURED: ("not set", theme.FAINT),
    }
    name = theme.FAINT if health.state is PartState.UNCONFIGURED else theme.MUTED
    text, text_style = words[health.state]
    return [("  ", name), (f"{health.part} ", name), (f"{theme.PART_MARK[health.state]} ", style), (text, text_style)]


def _failed_words(health: PartHealth, detailed: int) -> str:
    """Since when, and what is wrong."""
    since = f" since {clock_text(health.at_ms)[:5]}" if health.at_ms and health.part == "discord" else ""
    if detailed == _FULL:
        return cut(f"failed{since}: {clean(health.detail)}", 32 + len(since))
    return f"failed{since}" if detailed > _ONLY_TROUBLE else "failed"


def _ok_words(health: PartHealth) -> str:
    """Of Discord how quickly it answers; of the rest what they have to say: the region, the requests that are left."""
    latency = f"{health.latency_ms:.0f} ms" if health.latency_ms is not None else ""
    detail = cut(clean(health.detail), 20)
    return (latency or detail if health.part == "discord" else detail or latency) or "ok"


def _cut_line(segments: Line, room: int) -> Line:
    kept = []
    for segment in segments:
        text = cut(segment.text, room)
        room -= width_of([Segment(text)])
        kept.append(Segment(text, segment.style))
        if room <= 0:
            break
    return kept
