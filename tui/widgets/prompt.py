"""A one-line input that opens in place: the filter, the search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input


class Prompt(Input):
    """Enter keeps what was typed, escape takes it back."""

    DEFAULT_CSS = """
    Prompt { height: 1; border: none; padding: 0 1; background: $panel; }
    Prompt:focus { border: none; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "keep", id="prompt.keep", tooltip="Keep what was typed"),
        Binding("escape", "cancel", "back", id="prompt.cancel", tooltip="As it was before"),
    ]

    @dataclass
    class Cancelled(Message):
        """Escape was pressed."""

        prompt: Prompt
        before: str

        @property
        def control(self) -> Prompt:
            """The prompt."""
            return self.prompt

    def __init__(self, value: str, placeholder: str, *, id: str) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(value, placeholder=placeholder, id=id, select_on_focus=False)
        self._before = value

    def action_cancel(self) -> None:
        """As it was before."""
        self.post_message(self.Cancelled(self, self._before))
