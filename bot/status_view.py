"""How the desk is doing, who somebody is to it, and what they can ask of it, as Discord messages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from bot.render import DESCRIPTION_LIMIT, VALUE_LIMIT, Embed, EmbedField, Message, timestamp
from bot.text import escaped, fitting
from jinkies.model import Actor, Counts, Delivery, PartHealth, PartState
from jinkies.permissions import Permission, Permissions

BEHIND_SHOWN = 6
SERVICES_SHOWN = 3

_MARKS = {PartState.OK: "🟢", PartState.CONNECTING: "🟡", PartState.FAILED: "🔴", PartState.UNCONFIGURED: "⚪"}
_COLOUR_OK, _COLOUR_BAD, _COLOUR_PLAIN = 0x30A46C, 0xE5484D, 0x3E63DD
_WORDS = {
    Permission.VIEW: "see alerts",
    Permission.TAIL: "read and follow logs",
    Permission.ACKNOWLEDGE: "decide on alerts",
    Permission.SILENCE: "silence",
    Permission.CREATE: "create pull requests, issues and alerts",
}


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to say of the desk."""

    environment: str
    version: str
    lost_at_ms: int | None  # since when the core can't be reached; None: it can
    counts: Counts | None
    parts: tuple[PartHealth, ...]
    tails: int  # that run
    silences: int  # that run or are to come
    behind: tuple[Delivery, ...]  # what Discord does not show yet as it should


def status_message(desk: Desk | None, caller: Actor, rights: Permissions) -> Message:
    """How it is, and who the caller is; ``desk`` is None for who may not view it."""
    fields = [EmbedField(name="You", value=you(caller, rights))]
    if desk is None:
        return Message(embeds=(Embed(title="Status", color=_COLOUR_PLAIN, fields=tuple(fields)),))
    head = [escaped(f"{desk.environment} · jinkies {desk.version}", 200)]
    if desk.lost_at_ms is not None:
        head.append(f"🔴 the core can't be reached since {timestamp(desk.lost_at_ms)}; this is what was known then")
    if desk.counts is not None:
        head.append(_counted(desk.counts))
    head.append(f"{_some(desk.tails, 'tail')} · {_some(desk.silences, 'silence')}")
    fields[:0] = [EmbedField(name="Parts", value=fitting([_part(one) for one in desk.parts], VALUE_LIMIT))]
    if desk.behind:
        fields.insert(1, EmbedField(name=f"Discord is behind on {len(desk.behind):,}", value=_behind(desk.behind)))
    bad = desk.lost_at_ms is not None or any(one.state is PartState.FAILED for one in desk.parts)
    colour = _COLOUR_BAD if bad else _COLOUR_OK
    return Message(embeds=(Embed(title="Status", description="\n".join(head), color=colour, fields=tuple(fields)),))


def _counted(counts: Counts) -> str:
    critical = f" (**{counts.critical:,} critical**)" if counts.critical else ""
    return f"{counts.open:,} open · {counts.acknowledged:,} acknowledged · {counts.snoozed:,} snoozed{critical}"


def _some(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def _part(health: PartHealth) -> str:
    """At most 150 units, with markdown: seven of them fit."""
    words = f" {escaped(health.detail, 300)}" if health.detail else ""
    latency = f" · {health.latency_ms:.0f} ms" if health.latency_ms is not None else ""
    since = f" · since {timestamp(health.at_ms)}" if health.at_ms and health.state is not PartState.OK else ""
    return f"{_MARKS[health.state]} **{escaped(health.part, 20)}**{words}{latency}{since}"


def _behind(deliveries: Sequence[Delivery]) -> str:
    lines = [
        f"**#{one.alert_id}** {one.what.value} in <#{one.channel_id}>: {escaped(one.error or one.state.value, 80)}"
        for one in deliveries[:BEHIND_SHOWN]
    ]
    return fitting(lines, VALUE_LIMIT)


def you(caller: Actor, rights: Permissions) -> str:
    """Who somebody is to the desk, and what they may do from where they are."""
    lines = [f"{escaped(caller.name, 80)} ({caller.id})"]
    for permission in Permission:
        services = rights.services(caller, permission)
        if services is None:
            lines.append(f"✅ {_WORDS[permission]}")
        elif services:
            named = ", ".join(escaped(one, 40) for one in services[:SERVICES_SHOWN])
            more = f" and {len(services) - SERVICES_SHOWN} more" if len(services) > SERVICES_SHOWN else ""
            lines.append(f"☑️ {_WORDS[permission]}: {named}{more}")
        else:
            lines.append(f"✖️ {_WORDS[permission]}")
    return fitting(lines, VALUE_LIMIT)


def help_message(commands: Iterable[tuple[str, str]], *, withheld: int, threads: bool = False) -> Message:
    """Commands by name and description, a line each.

    Args:
        commands: those that its reader may use here.
        withheld: how many others there are.
        threads: whether cards have threads.
    """
    lines = [f"**/{name}** {escaped(description, 100)}" for name, description in commands]
    lines.append("On a message: Apps → **Make this an alert**. On a card: its buttons.")
    if threads:
        lines.append("In the thread of a card: what you write becomes a comment on the alert.")
    if withheld:
        lines.append(f"{withheld:,} more for which you have no permission here; /status says what you may do.")
    return Message(
        embeds=(Embed(title="What you can ask", description=fitting(lines, DESCRIPTION_LIMIT), color=_COLOUR_PLAIN),)
    )
