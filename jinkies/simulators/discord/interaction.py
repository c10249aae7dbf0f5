"""One thing that a person did to the bot."""

from __future__ import annotations

from dataclasses import dataclass, field

from jinkies.simulators.discord.world import Json, User


@dataclass
class Interaction:
    """One thing that a person did, and how the bot answered it so far."""

    id: str
    token: str
    kind: int  # Discord's interaction type: 2 command, 3 component, 4 autocomplete, 5 modal
    user: User
    channel_id: str
    at_s: float
    name: str  # the command's name or the custom_id
    source_id: str | None = None  # the message whose component was used
    source: Json | None = None  # that message as it was then
    callback: int | None = None  # the type of the first answer
    data: Json = field(default_factory=dict)  # its data, for modals and choices
    original_id: str | None = None  # the message that @original means
    loading: bool = False  # deferred, and not filled in yet
    followups: list[str] = field(default_factory=list)
    submitted: bool = False  # its modal was sent
    opened_by: Interaction | None = None  # of a modal's submission: the interaction that showed the modal
    target_id: str | None = None  # of a context menu: what it was used on
