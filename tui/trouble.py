"""What an error says to the person at the console: what happened, and what can be done about it. Pure."""

from __future__ import annotations

from jinkies.errors import Disconnected, JinkiesError, Unavailable
from tui.format import clean

NO_CORE = "The core does not answer. The console reconnects by itself; if no core runs: `jinkies serve`."


def words_of(error: JinkiesError) -> str:
    """A line or two, harmless in a terminal. A socket's error numbers help nobody: what to do stands in their place."""
    return NO_CORE if isinstance(error, Disconnected) else clean(str(error)) or "the core gave no reason"


def title_of(error: JinkiesError) -> str:
    """A command that got no answer may have been carried out; one that was refused was not."""
    return "No answer" if isinstance(error, Unavailable) else "Not done"
