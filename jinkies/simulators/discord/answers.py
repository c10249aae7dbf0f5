"""What a person sees after acting: the bot's answer, as far as it got."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from jinkies.simulators.discord.interaction import Interaction
from jinkies.simulators.discord.state import ANSWER_WITHIN_S, State
from jinkies.simulators.discord.world import Json


class Refused(Exception):
    """A person could not have done this: the button is disabled or gone, the command or user does not exist."""


class AnswerKind(StrEnum):
    """What a person sees after acting."""

    MESSAGE = "message"  # a new message, everyone's or ephemeral
    UPDATE = "update"  # the pressed message changed
    ACKNOWLEDGED = "acknowledged"  # accepted without a visible answer (a deferred update)
    THINKING = "thinking"  # deferred, and still nothing when the wait was over
    MODAL = "modal"
    CHOICES = "choices"
    WAITING = "waiting"  # no answer yet, and Discord's three seconds are not over
    FAILED = "failed"  # "This interaction failed"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The bot's answer to one interaction, as far as it got.

    ``message`` is the answer itself (or the changed message), ``followups`` what came after it, ``modal`` a form's
    title, custom_id and components, ``choices`` what an autocomplete offers.
    """

    kind: AnswerKind
    interaction_id: str
    ephemeral: bool = False
    message: Json | None = None
    followups: tuple[Json, ...] = ()
    modal: Json | None = None
    choices: tuple[Json, ...] = ()
    reason: str = ""

    @property
    def text(self) -> str:
        """All the text that came back: contents and embeds, one a line."""
        shown = [message for message in (self.message, *self.followups) if message is not None]
        lines = [str(message["content"]) for message in shown]
        for embed in (embed for message in shown for embed in message["embeds"]):
            lines += [str(embed[name]) for name in ("title", "description") if name in embed]
            lines += [f"{field['name']}: {field['value']}" for field in embed.get("fields", [])]
        return "\n".join(line for line in lines if line)


def answer_of(state: State, interaction: Interaction) -> Answer:
    """The answer as it stands now."""
    kept = state.messages
    kind = _kind(state, interaction)
    return Answer(
        kind=kind,
        interaction_id=interaction.id,
        ephemeral=interaction.original_id in state.only_for
        or any(each in state.only_for for each in interaction.followups),
        message=kept.get(str(interaction.original_id)),
        followups=tuple(kept[each] for each in interaction.followups if each in kept),
        modal=interaction.data if interaction.callback == 9 else None,
        choices=tuple(interaction.data.get("choices") or ()) if interaction.callback == 8 else (),
        reason="The application did not respond" if kind is AnswerKind.FAILED else "",
    )


def settled(state: State, interaction: Interaction) -> bool:
    """Whether more than a deferral has come."""
    if interaction.callback == 5:
        return not interaction.loading or interaction.original_id not in state.messages
    if interaction.callback == 6:
        return bool(interaction.followups) or _source_changed(state, interaction)
    return interaction.callback is not None


def _source_changed(state: State, interaction: Interaction) -> bool:
    return state.messages.get(str(interaction.source_id)) is not interaction.source


def _kind(state: State, interaction: Interaction) -> AnswerKind:
    simple = {4: AnswerKind.MESSAGE, 7: AnswerKind.UPDATE, 8: AnswerKind.CHOICES, 9: AnswerKind.MODAL}
    if interaction.callback is None:
        late = state.clock.monotonic_s() - interaction.at_s >= ANSWER_WITHIN_S
        return AnswerKind.FAILED if late else AnswerKind.WAITING
    if interaction.callback == 5:
        return AnswerKind.THINKING if interaction.loading else AnswerKind.MESSAGE
    if interaction.callback == 6:
        return AnswerKind.UPDATE if _source_changed(state, interaction) else AnswerKind.ACKNOWLEDGED
    return simple.get(interaction.callback, AnswerKind.ACKNOWLEDGED)
