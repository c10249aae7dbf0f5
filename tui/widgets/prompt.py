"""A one-line input that opens in place: the filter, the search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

Complete = Callable[[str], tuple[str, ...]]
"""What was typed → what it may become, the likeliest first."""


class _Suggester(Suggester):
    """Shows the likeliest completion behind the cursor; → takes it."""

    def __init__(self, complete: Complete) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        """The likeliest one that goes on from what was typed."""
        return next((one for one in self._complete(value) if one.startswith(value)), None)


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

    def __init__(self, value: str, placeholder: str, *, id: str, complete: Complete | None = None) -> None:  # noqa: A002 - Textual's own name for it
        suggester = _Suggester(complete) if complete is not None else None
        super().__init__(value, placeholder=placeholder, id=id, select_on_focus=False, suggester=suggester)
        self._before = value

    def action_cancel(self) -> None:
        """As it was before."""
        self.post_message(self.Cancelled(self, self._before))
