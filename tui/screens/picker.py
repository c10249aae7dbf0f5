"""Chooses whose logs to follow: a service of the configuration, or any log group by name."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from jinkies.config import ServiceConfig
from tui import theme
from tui.format import clean
from tui.widgets.frame import set_subtitle, set_title
from tui.widgets.prompt import Prompt


def suggestions(services: dict[str, ServiceConfig], typed: str) -> list[tuple[str, str]]:
    """(target, what it is) for all that contain ``typed``: services first, then their log groups, each once."""
    found = [(name, " ".join(service.log_groups) or "no log groups set") for name, service in services.items()]
    groups = {group: name for name, service in services.items() for group in service.log_groups}
    found += [(group, f"log group of {name}") for group, name in groups.items()]
    wanted = typed.strip().casefold()
    return [pair for pair in found if wanted in pair[0].casefold()]


class PickerScreen(ModalScreen[str | None]):
    """Answers with a service or log group, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "down", show=False, priority=True, id="picker.down", tooltip="Next suggestion"),
        Binding("up", "move(-1)", "up", show=False, priority=True, id="picker.up", tooltip="Suggestion above"),
        Binding("escape", "cancel", "back", show=False, priority=True, id="picker.cancel", tooltip="Back"),
    ]

    def __init__(self, services: dict[str, ServiceConfig]) -> None:
        super().__init__()
        self.services = services

    def compose(self) -> ComposeResult:
        """Input and suggestions."""
        with Container(id="picker") as box:
            set_title(box, "Follow the logs of")
            set_subtitle(box, "⏎ follow · ↑ ↓ choose · esc back")
            yield Prompt("", "a service, or a log group such as /aws/lambda/thumbs", id="target")
            yield OptionList(markup=False)

    def on_mount(self) -> None:
        """All there are."""
        self._suggest("")

    def _suggest(self, typed: str) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        for target, words in suggestions(self.services, typed):
            text = Content.assemble(Content(clean(target)), (f"   {clean(words)}", theme.MUTED_COLOUR))
            options.add_option(Option(text, id=target))
        options.highlighted = 0 if options.option_count else None

    def on_input_changed(self, event: Prompt.Changed) -> None:
        """Narrow the suggestions."""
        event.stop()
        self._suggest(event.value)

    def on_input_submitted(self, event: Prompt.Submitted) -> None:
        """The suggestion, or what was typed where it is a log group of its own."""
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
