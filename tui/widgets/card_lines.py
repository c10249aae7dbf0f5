"""Cards as Discord shows them, as lines. Pure: from ``jinkies.cards`` and the delivery beside it."""

from __future__ import annotations

from rich.style import Style

from jinkies.cards import Card, CardAction
from jinkies.cards import card as card_of
from jinkies.model import AlertDetail, AlertRow, Delivery, Occurrence
from tui import theme
from tui.draw import Line, Part, join, line, width_of
from tui.format import ago, clean, cut, fit
from tui.stack import Frame, parse_stack
from tui.widgets.detail_lines import delivery_words

_KEYS = {
    CardAction.ACKNOWLEDGE: "a",
    CardAction.RESOLVE: "r",
    CardAction.REOPEN: "u",
    CardAction.CREATE_PULL_REQUEST: "p",
    CardAction.CREATE_ISSUE: "i",
    CardAction.LOGS: "l",
    CardAction.SNOOZE: "s",
    CardAction.SILENCE: "S",
}
_BUTTON = Style(color="#d5dbe6", bgcolor="#364360")
_BUTTON_KEY = Style(color=theme.ACCENT_COLOUR, bgcolor="#364360", bold=True)
_BUTTON_OFF = Style(color="#667189", bgcolor="#1b2230")
_STACK_LINES = 2


def detail_from_row(row: AlertRow) -> AlertDetail:
    """What a card can be drawn from until the core has answered."""
    occurrence = Occurrence(occurred_at_ms=row.last_seen_at_ms, message=row.title, request_path=row.request_path)
    return AlertDetail(row=row, fingerprint="", latest=occurrence, first=occurrence, timeline=(), deliveries=())


def card_lines(detail: AlertDetail, delivery: Delivery, width: int, now_ms: int) -> list[Line]:
    """One card, without the empty line below it."""
    card = card_of(detail)
    bar: Part = ("┃ ", Style(color=f"#{card.colour:06x}"))
    room = max(width - 2, 20)
    lines = [_title(card, delivery, room), _summary(card, detail, room, now_ms)]
    for field in card.fields:
        value = theme.LINK if field.url else theme.TEXT
        name = fit(clean(field.name), 10) + " "
        note = f"{clean(field.note)}  " if field.note else ""
        text = cut(clean(field.value).replace("\n", " "), room - 11 - len(note))
        lines.append(line((name, theme.MUTED), (note, theme.TEXT), (text, value)))
    lines += [line((cut(text, room), theme.FAINT)) for text in _stack_tail(card)]
    lines.append(_buttons(card, room))
    return [[*line(bar), *built] for built in lines]


def _title(card: Card, delivery: Delivery, room: int) -> Line:
    status = line((f"#{card.alert_id}  ", theme.MUTED), *delivery_words(delivery))
    space = room - width_of(status) - 2
    title = cut(clean(card.title), max(space - 2, 12))
    left = line((f"{card.mark} ", theme.SEVERITY[card.severity]), (title, theme.STRONG))
    return join(left, status, room)


def _summary(card: Card, detail: AlertDetail, room: int, now_ms: int) -> Line:
    seen = f" · last {ago(detail.row.last_seen_at_ms, now_ms)} ago · "
    text = cut(clean(card.summary) + seen, room)
    return line(
        (text, theme.MUTED),
        (cut(clean(card.status), room - width_of(line((text, theme.MUTED)))), theme.STATE[card.state]),
    )


def _stack_tail(card: Card) -> list[str]:
    frames = [part for part in parse_stack(card.stack) if isinstance(part, Frame) and part.in_app] if card.stack else []
    return [f"{clean(frame.where)}  {clean(frame.name)}" for frame in frames[-_STACK_LINES:]]


def _buttons(card: Card, room: int) -> Line:
    parts: list[Part] = []
    for action in card.actions:
        label = f" {action.label} "
        if width_of(line(*parts)) + len(label) + 4 > room:
            break
        if action.enabled:
            parts += [(f" {_KEYS[action.action]}", _BUTTON_KEY), (label, _BUTTON), (" ", theme.TEXT)]
        else:
            parts += [(f" {action.label} ", _BUTTON_OFF), (" ", theme.TEXT)]
    return line(*parts)
