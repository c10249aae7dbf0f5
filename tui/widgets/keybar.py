"""The bottom line: the keys that work right now, dimmed where they would do nothing."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from textual import events
from textual.binding import Binding
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from tui import theme
from tui.draw import Line, Part, line, strip_of, width_of

_NAMES = {
    "slash": "/",
    "ampersand": "&",
    "apostrophe": "'",
    "quotation_mark": '"',
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "question_mark": "?",
    "exclamation_mark": "!",
    "comma": ",",
    "asterisk": "*",
    "escape": "esc",
    "enter": "⏎",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "home": "Home",
    "end": "End",
}
_FIRST_OUT = ("alert.open", "alert.silence", "alerts.mark")  # where not all fit
_WORDS = {"escape", "enter", "down", "up", "left", "right", "pagedown", "pageup", "home", "end"}  # that no one types
_CHARACTERS = {name: character for name, character in _NAMES.items() if name not in _WORDS} | {"space": " "}


def key_name(binding: Binding) -> str:
    """How a key is written: ``/``, ``esc``, ``^s``."""
    if binding.key_display:
        return binding.key_display
    key = binding.key.replace("ctrl+", "^")
    return _NAMES.get(key, key)


@runtime_checkable
class Wording(Protocol):
    """A screen that says more of a key than its binding does."""

    def key_words(self, binding: Binding) -> str:
        """What stands beside the key."""


class KeyBar(Widget):
    """The keys of the screen and of what has the focus."""

    DEFAULT_CSS = "KeyBar { height: 1; width: 1fr; background: $surface; }"

    def on_mount(self) -> None:
        """Follow the bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._updated)

    def _updated(self, _screen: Screen[object]) -> None:
        self.refresh()

    def _keys(self) -> list[tuple[str, Binding, bool]]:
        seen: dict[str, tuple[str, Binding, bool]] = {}
        for _, binding, enabled, _ in self.screen.active_bindings.values():
            if self._typed(binding):
                continue
            if binding.show and binding.description and binding.action not in seen:
                seen[binding.action] = (key_name(binding), binding, enabled)
        keys = [key for key in seen.values() if key[1].id != "app.help"]
        first = list(getattr(self.screen, "FIRST_KEYS", ()))
        keys.sort(key=lambda key: first.index(key[1].id) if key[1].id in first else len(first))
        return keys + [key for key in seen.values() if key[1].id == "app.help"]

    def _typed(self, binding: Binding) -> bool:
        """Whether what has the focus takes the key as text, which Textual does not see where a key has a name."""
        focused = self.screen.focused
        return focused is not None and focused.check_consume_key(binding.key, _CHARACTERS.get(binding.key))

    def _parts(self) -> list[tuple[Line, Binding]]:
        found = []
        for name, binding, enabled in self._keys():
            key_style = theme.ACCENT_STRONG if enabled else theme.FAINT
            text_style = theme.MUTED if enabled else theme.FAINT
            words = self.screen.key_words(binding) if isinstance(self.screen, Wording) else binding.description
            parts: list[Part] = [(f" {name}", key_style), (f" {words} ", text_style)]
            found.append((line(*parts), binding))
        for extra in _FIRST_OUT:
            if sum(width_of(part) for part, _ in found) > self.size.width:
                found = [(part, binding) for part, binding in found if binding.id != extra]
        while len(found) > 1 and sum(width_of(part) for part, _ in found) > self.size.width:
            del found[-2]  # the last one leads to all the others
        return found

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - Textual's signature; there is one line
        """The keys that fit, help always among them."""
        return strip_of([segment for part, _ in self._parts() for segment in part], self.size.width, self.rich_style)

    async def on_click(self, event: events.Click) -> None:
        """A click on a key presses it."""
        start = 0
        for part, binding in self._parts():
            start += width_of(part)
            if event.x < start:
                self.app.simulate_key(binding.key)
                return
