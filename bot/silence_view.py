"""Silences as Discord messages: what one would catch, that it runs, and which there are. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bot import custom_ids
from bot.answers import Line
from bot.contexts import Shown
from bot.render import (
    BUTTON_DANGER,
    BUTTON_SECONDARY,
    Button,
    Embed,
    EmbedFooter,
    Message,
    Row,
    Select,
    SelectOption,
    alert_line,
)
from bot.text import escaped, plain_label
from jinkies.commands import Outcome, StartSilence
from jinkies.errors import Invalid
from jinkies.matching import Matcher, Silence, parse_matchers
from jinkies.model import AlertRow
from jinkies.operator import MATCHED

CAUGHT_SHOWN = 8  # alerts in a preview
LISTED = 12  # silences in a list
CHOICES = 25  # Discord limit

_COLOUR = 0x8B8D98


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a preview is of."""

    matchers: tuple[Matcher, ...]
    reason: str


def _text(matchers: Sequence[Matcher]) -> str:
    return " ".join(map(str, matchers))


def preview_message(
    matchers: tuple[Matcher, ...],
    reason: str,
    caught: Sequence[AlertRow],
    *,
    ends_at_ms: int,
    hidden: int,
    epoch: str,
) -> Message:
    """What a silence would have caught, and the button that starts it.

    Args:
        matchers: of the silence.
        reason: one line of at most 500 characters.
        caught: of the newest alerts those that match and that its asker may view.
        ends_at_ms: when it would end.
        hidden: how many more match.
        epoch: of the journal.
    """
    total = len(caught) + hidden
    lines = [
        f"{escaped(_text(matchers), 1_000)}",
        f"until {_moment(ends_at_ms)}: {escaped(reason, 700)}",
        f"It would have caught **{total:,}** of the newest {MATCHED:,} alerts{':' if caught else '.'}",
        *(alert_line(row) for row in caught[:CAUGHT_SHOWN]),
        *([f"… and {total - min(len(caught), CAUGHT_SHOWN):,} more"] if total > min(len(caught), CAUGHT_SHOWN) else []),
    ]
    start = Button(style=BUTTON_DANGER, label="Silence", custom_id=custom_ids.own("startsilence", epoch, ends_at_ms))
    cancel = Button(style=BUTTON_SECONDARY, label="Cancel", custom_id="jk:cancel")
    return Message(
        embeds=(
            Embed(
                title="Silence these?",
                description="\n".join(lines),
                color=_COLOUR,
                footer=EmbedFooter(f"{_text(matchers)}\n{plain_label(reason, 500)}"),
            ),
        ),
        components=(Row(components=(start, cancel)),),
    )


def asked(message: Shown | None) -> Asked | None:
    """What a preview's footer says; None when it is none."""
    text = message.embeds[0].footer.text if message is not None and message.embeds else ""
    matchers, _, reason = text.partition("\n")
    try:
        return Asked(matchers=parse_matchers(matchers), reason=reason) if reason else None
    except Invalid:
        return None


def started_line(outcome: Outcome, command: StartSilence, *, epoch: str) -> Line:
    """That it runs, with the button that ends it."""
    number = outcome.silence_id or 0
    end = Button(style=BUTTON_SECONDARY, label="End it", custom_id=custom_ids.own("unsilence", epoch, number))
    text = f"Silence {number} runs: {_text(command.matchers)}. Alerts that it holds are told of when it ends."
    return Line(text=text, components=(Row(components=(end,)),))


def silences_message(silences: Sequence[Silence], endable: Sequence[Silence], *, epoch: str) -> Message:
    """Those that run or are to come, the first to end first, and a select that ends one."""
    lines = [_line(silence) for silence in silences[:LISTED]]
    if len(silences) > LISTED:
        lines.append(f"… and {len(silences) - LISTED:,} more")
    choices = tuple(
        SelectOption(
            label=plain_label(f"{one.silence_id}: {one.text}", 100),
            value=str(one.silence_id),
            description=plain_label(one.reason, 100),
        )
        for one in endable[:CHOICES]
    )
    select = Select(custom_id=custom_ids.own("endsilence", epoch), placeholder="End one…", options=choices)
    embed = Embed(title="Silences", description="\n".join(lines) or "None.", color=_COLOUR)
    return Message(embeds=(embed,), components=(Row(components=(select,)),) if choices else ())


def _line(silence: Silence) -> str:
    """At most 330 units, with markdown."""
    begins = f"from {_moment(silence.starts_at_ms)} "
    return (
        f"**{silence.silence_id}** {escaped(silence.text, 120)} · {begins}until {_moment(silence.ends_at_ms)}"
        f" · {escaped(silence.started_by.name, 40)}: {escaped(silence.reason, 80)}"
    )


def _moment(at_ms: int) -> str:
    return f"<t:{at_ms // 1000}:f>"
