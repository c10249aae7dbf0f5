"""Asks for one thing: typed, or chosen from suggestions that narrow while one types."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui import theme
from tui.format import clean
from tui.widgets.frame import set_subtitle, set_title
from tui.widgets.prompt import Prompt

Suggest = Callable[[str], list[tuple[str, str]]]  # what is typed → (value, what it is)


class ChooserScreen(ModalScreen[str | None]):
    """Answers with what was chosen, else with what was typed; None for neither."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "down", show=False, priority=True, id="picker.down", tooltip="Next suggestion"),
        Binding("up", "move(-1)", "up", show=False, priority=True, id="picker.up", tooltip="Suggestion above"),
        Binding("escape", "cancel", "back", show=False, priority=True, id="picker.cancel", tooltip="Back"),
    ]

    def __init__(self, title: str, keys: str, placeholder: str, suggest: Suggest) -> None:
        super().__init__()
        self._words = (title, keys, placeholder)
        self._suggestions = suggest

    def compose(self) -> ComposeResult:
        """Input and suggestions."""
        title, keys, placeholder = self._words
        with Container(id="picker") as box:
            set_title(box, title)
            set_subtitle(box, keys)
            yield Prompt("", placeholder, id="target")
            yield OptionList(markup=False)

    def on_mount(self) -> None:
        """All there are."""
        self._suggest("")

    def _suggest(self, typed: str) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        for value, words in self._suggestions(typed):
            text = Content.assemble(Content(clean(value)), (f"   {clean(words)}", theme.MUTED_COLOUR))
            options.add_option(Option(text, id=value))
        options.highlighted = 0 if options.option_count else None

    def on_input_changed(self, event: Prompt.Changed) -> None:
        """Narrow the suggestions."""
        event.stop()
        self._suggest(event.value)

    def on_input_submitted(self, event: Prompt.Submitted) -> None:
        """The suggestion, or what was typed where it is none."""
        event.stop()
        options = self.query_one(OptionList)
        chosen = options.highlighted_option
        self.dismiss(chosen.id if chosen is not None else event.value.strip() or None)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """By mouse, or with the list focused."""
        self.dismiss(event.option_id)

    def action_move(self, step: int) -> None:
        """Another suggestion."""
        options = self.query_one(OptionList)
        options.action_cursor_down() if step > 0 else options.action_cursor_up()

    def action_cancel(self) -> None:
        """None chosen."""
        self.dismiss(None)
