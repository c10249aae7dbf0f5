"""Every key there is, and how the parts of the desk are doing: what to set where something is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from jinkies.config import DiscordConfig, GitHubConfig
from jinkies.model import PartHealth
from jinkies.operator import Hosting
from tui import theme
from tui.draw import Line, line, rule, wrapped
from tui.format import clean, clock_text, fit
from tui.session import Session
from tui.widgets.frame import set_subtitle, set_title
from tui.widgets.keybar import key_name
from tui.widgets.lines import LinesView

NO_INGEST = "not here: run `jinkies serve`, and HTTP ingest opens"

Group = tuple[str, Iterable[BindingType]]


class HelpScreen(ModalScreen[None]):
    """Keys by place, parts of the desk below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss", "close", id="help.close", tooltip="Close the help"),
    ]

    def __init__(self, session: Session, groups: list[Group]) -> None:
        super().__init__()
        self.pane = HelpView(session, groups)

    def compose(self) -> ComposeResult:
        """One pane."""
        set_title(self.pane, "Keys and parts")
        set_subtitle(self.pane, "↑ ↓ scroll · esc close")
        yield self.pane

    def session_changed(self, changed: Session.Changed) -> None:  # noqa: ARG002 - the app calls every screen alike
        """The parts' health."""
        self.pane.rebuild()

    def tick(self) -> None:
        """Nothing here ages."""

    def draw(self) -> None:
        """Nothing here streams."""


class HelpView(LinesView):
    """The help's lines."""

    def __init__(self, session: Session, groups: list[Group]) -> None:
        super().__init__(id="help")
        self.session = session
        self.groups = groups

    def build(self, width: int) -> list[Line]:
        """All keys, then all parts."""
        lines: list[Line] = []
        for title, bindings in self.groups:
            lines += [rule(title, "", width - 2), *_keys(bindings), []]
        lines += [rule("This desk", "", width - 2), *self._desk(width - 2), []]
        lines += [rule("Its parts", "", width - 2)]
        for health in self.session.health.values():
            lines += _part_lines(health, width - 2)
        if not self.session.health:
            lines.append(line(("nothing heard of them yet", theme.MUTED)))
        return [[*line((" ", theme.TEXT)), *built] for built in lines]

    def _desk(self, width: int) -> list[Line]:
        replica = self.session.replica
        hello = replica.hello if replica is not None else None
        if replica is None or hello is None:
            return [line(("not connected yet", theme.WARN))]
        attached = self.session.live and self.session.operator.hosting is Hosting.ATTACHED
        config = self.session.config
        facts = [
            ("core", f"{'attached' if attached else 'embedded'}, version {hello.version}, process {hello.pid}"),
            ("alerts come in", f"http://{hello.ingest}/webhook/alert" if hello.ingest else NO_INGEST),
            ("you are", f"{hello.actor.name} ({hello.actor.kind.value})"),
            ("data", str(config.home)),
            ("config", str(config.source or "environment and defaults: no jinkies.toml found")),
        ]
        for name, used, usual in (
            ("Discord is at", config.discord.api_url, DiscordConfig().api_url),
            ("GitHub is at", config.github.api_url, GitHubConfig().api_url),
        ):
            if used != usual:  # Enterprise, or a simulator, whose page a browser can open
                facts.append((name, used.partition("/api/")[0]))
        return [built for name, words in facts for built in _fact(name, clean(words), width)]


def _keys(bindings: Iterable[BindingType]) -> list[Line]:
    rows: dict[tuple[str, str], tuple[list[str], str]] = {}  # panes of a group may call different things the same
    for binding in Binding.make_bindings(list(bindings)):
        keys, _ = rows.setdefault((binding.action, binding.tooltip), ([], binding.tooltip))
        keys.append(key_name(binding))
    return [
        line((fit("  ".join(keys), 18) + " ", theme.ACCENT_STRONG), (tooltip, theme.TEXT))
        for keys, tooltip in rows.values()
    ]


def _fact(name: str, words: str, width: int) -> list[Line]:
    first, *rest = wrapped(words, theme.TEXT, width - 19)
    indent = line((" " * 19, theme.TEXT))
    return [[*line((fit(name, 18) + " ", theme.MUTED)), *first], *([*indent, *more] for more in rest)]


def _part_lines(health: PartHealth, width: int) -> list[Line]:
    words = [health.state.value if health.state.value != "unconfigured" else "not set up", clean(health.detail)]
    if health.latency_ms is not None:
        words.append(f"{health.latency_ms:.0f} ms")
    if health.at_ms:
        words.append(f"since {clock_text(health.at_ms)}")
    first, *rest = wrapped(" · ".join(filter(None, words)), theme.TEXT, width - 19)
    mark = line(
        (f"{theme.PART_MARK[health.state]} ", theme.PART[health.state]), (fit(health.part, 16) + " ", theme.TEXT)
    )
    return [[*mark, *first], *([*line((" " * 19, theme.TEXT)), *more] for more in rest)]
