"""Alerts as Discord messages. Pure: the same card gives the same message, whatever the clock says.

Within every Discord limit whatever the content: title 256, description 4,096, 25 fields of 256 and 1,024, 6,000 in all
embeds together, five rows of five buttons, labels of 80 (Discord's "Embed Limits" and "Component Reference").
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from bot import custom_ids
from bot.custom_ids import CustomId, FormField, epoch8
from bot.text import code_block, escaped, plain_label, units
from jinkies import cards
from jinkies.cards import Action, Card, CardAction, Field
from jinkies.model import AlertDetail, AlertPage, AlertRow

TITLE_LIMIT = 256
DESCRIPTION_LIMIT = 4_096
FIELDS_LIMIT = 25
NAME_LIMIT = 256
VALUE_LIMIT = 1_024
TOTAL_LIMIT = 6_000
LABEL_LIMIT = 80
CONTENT_LIMIT = 2_000

ROW_LIMIT = 5  # buttons of a row (Discord limit)

_FIELDS_SHARE = 2_400  # of the total, so that the stack trace keeps most of the room
_LOGS_SHARE = 900
_SHORT_VALUE = 60  # as wide as three fit beside each other

BUTTON_PRIMARY, BUTTON_SECONDARY, BUTTON_SUCCESS, BUTTON_DANGER = 1, 2, 3, 4
_STYLES = {
    CardAction.ACKNOWLEDGE: BUTTON_PRIMARY,
    CardAction.RESOLVE: BUTTON_SUCCESS,
    CardAction.REOPEN: BUTTON_DANGER,
    CardAction.CREATE_PULL_REQUEST: BUTTON_SECONDARY,
    CardAction.CREATE_ISSUE: BUTTON_SECONDARY,
    CardAction.LOGS: BUTTON_SECONDARY,
    CardAction.SILENCE: BUTTON_SECONDARY,
}
_OUTSIDE = (CardAction.CREATE_PULL_REQUEST, CardAction.CREATE_ISSUE)


class EmbedField(msgspec.Struct, frozen=True, kw_only=True):
    """A field as Discord's API takes it."""

    name: str
    value: str
    inline: bool = False


class EmbedFooter(msgspec.Struct, frozen=True):
    """A footer as Discord's API takes it: plain text, no markdown; at most 2,048 characters."""

    text: str


class Embed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An embed as Discord's API takes it."""

    title: str
    description: str = ""
    color: int = 0
    fields: tuple[EmbedField, ...] = ()
    footer: EmbedFooter | None = None


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """A button as Discord's API takes it."""

    type: int = 2
    style: int
    label: str
    custom_id: str
    disabled: bool = False


class SelectOption(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a select offers as Discord's API takes it; at most 25 in one, texts of at most 100 characters."""

    label: str
    value: str
    description: str = ""


class Select(msgspec.Struct, frozen=True, kw_only=True):
    """A select of one of a few values as Discord's API takes it."""

    type: int = 3
    custom_id: str
    placeholder: str
    options: tuple[SelectOption, ...]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of at most five buttons, or of one select, as Discord's API takes it."""

    type: int = 1
    components: tuple[Button | Select, ...]


class AllowedMentions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who a message may ping: whole kinds, and people and roles by their ids."""

    parse: tuple[str, ...]
    roles: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message as Discord's API takes it."""

    embeds: tuple[Embed, ...]
    components: tuple[Row, ...] = ()
    allowed_mentions: AllowedMentions = AllowedMentions(parse=())

    def digest(self) -> str:
        """16 hex digits that differ when anything shown differs."""
        return hashlib.blake2b(msgspec.json.encode(self), digest_size=8).hexdigest()


def alert_message(detail: AlertDetail, *, epoch: str) -> Message:
    """The card of an alert with its buttons."""
    card = cards.card(detail)
    return Message(embeds=(_embed(card, detail.row),), components=_rows(card.actions, card.alert_id, epoch))


def _embed(card: Card, row: AlertRow) -> Embed:
    title = f"{card.mark} #{card.alert_id} · " + escaped(card.title, TITLE_LIMIT - 32)
    fields = _fields(card.fields)
    head = _head(card, row)
    left = TOTAL_LIMIT - units(title) - sum(units(field.name) + units(field.value) for field in fields)
    return Embed(
        title=title,
        description=head + _body(card, min(DESCRIPTION_LIMIT, left) - units(head)),
        color=card.colour,
        fields=fields,
    )


def _head(card: Card, row: AlertRow) -> str:
    first, last = timestamp(row.first_seen_at_ms), timestamp(row.last_seen_at_ms)
    return (
        f"**{card.severity}** · {escaped(card.status, 200)}\n{escaped(card.summary, 300)}\nfirst {first} · last {last}"
    )


def timestamp(at_ms: int) -> str:
    """A moment that Discord shows as time past, in the reader's own language."""
    return f"<t:{at_ms // 1000}:R>"


def _body(card: Card, room: int) -> str:
    """The stack trace and the lines around it: the trace gets what the lines leave."""
    logs = code_block(card.logs, min(_LOGS_SHARE, room // 3 if card.stack else room) - 2) if card.logs else ""
    stack = code_block(card.stack, room - units(logs) - 2) if card.stack else ""
    return "".join(f"\n{block}" for block in (stack, logs) if block)


def _fields(found: Sequence[Field]) -> tuple[EmbedField, ...]:
    """Links first in the order of who gets room, since a link is what people look for; shown in the card's order."""
    room = _FIELDS_SHARE
    kept: dict[int, EmbedField] = {}
    for index, field in sorted(enumerate(found), key=lambda item: item[1].url is None):
        rendered = _field(field)
        room -= units(rendered.name) + units(rendered.value)
        if room < 0 or len(kept) == FIELDS_LIMIT:
            break
        kept[index] = rendered
    return tuple(kept[index] for index in sorted(kept))


def _field(field: Field) -> EmbedField:
    name = escaped(field.name, NAME_LIMIT)
    if field.url is not None and _linkable(field.url):
        note = f" · {escaped(field.note, _SHORT_VALUE)}" if field.note else ""
        return EmbedField(name=name, value=f"[{escaped(_link_text(field), 100)}]({field.url}){note}", inline=True)
    value = escaped(f"{field.value} · {field.note}" if field.note else field.value, VALUE_LIMIT)
    return EmbedField(name=name, value=value, inline=len(value) <= _SHORT_VALUE and "\n" not in value)


def _linkable(url: str) -> bool:
    """Whether an address can stand in a markdown link as it is, and leads to the web; RFC 3986: ASCII only."""
    plain = url.isascii() and url.isprintable() and not set(url) & set(" ()<>\\\"'`")
    return plain and url.startswith(("https://", "http://")) and len(url) <= 800


def _link_text(field: Field) -> str:
    _, _, address = field.url.partition("://") if field.url else ("", "", "")
    return address or field.name


def linked_message(text: str, url: str) -> Message:
    """A line and the address that it is about."""
    address = f"[{escaped(url.partition('://')[2], 100)}]({url})" if _linkable(url) else escaped(url, 800)
    return Message(embeds=(Embed(title=escaped(text, TITLE_LIMIT), description=address),))


def _rows(actions: Sequence[Action], alert_id: int, epoch: str) -> tuple[Row, ...]:
    """What is decided and looked at, what is asked of GitHub, then the snooze; in one row where all of it fits."""
    plain = [action for action in actions if action.action is not CardAction.SNOOZE]
    buttons = [_button(action, alert_id, epoch) for action in plain]
    if len(buttons) <= ROW_LIMIT:
        rows = [Row(components=tuple(buttons))]
    else:
        outside = [action.action in _OUTSIDE for action in plain]
        halves = [
            tuple(one for one, out in zip(buttons, outside, strict=True) if out is half) for half in (False, True)
        ]
        rows = [Row(components=half) for half in halves]
    rows += [_snooze(action, alert_id, epoch) for action in actions if action.action is CardAction.SNOOZE]
    return tuple(rows) if actions else ()


def _snooze(action: Action, alert_id: int, epoch: str) -> Row:
    meant = CustomId(action=action.action, alert_id=alert_id, epoch8=epoch8(epoch))
    options = tuple(SelectOption(label=one.label, value=one.value) for one in cards.SNOOZES)
    return Row(components=(Select(custom_id=str(meant), placeholder=f"{action.label}…", options=options),))


def _button(action: Action, alert_id: int, epoch: str) -> Button:
    return Button(
        style=_STYLES[action.action] if action.enabled else BUTTON_SECONDARY,
        label=plain_label(action.label, LABEL_LIMIT),
        custom_id=str(CustomId(action=action.action, alert_id=alert_id, epoch8=epoch8(epoch))),
        disabled=not action.enabled,
    )


def list_message(page: AlertPage, *, described: str) -> Message:
    """A page of alerts as one embed, a line each; says when there are more than fit.

    Args:
        page: what was found.
        described: the query in words, for the title.
    """
    lines: list[str] = []
    room = DESCRIPTION_LIMIT - 100
    for row in page.rows:
        line = alert_line(row)
        room -= units(line) + 1
        if room < 0:
            break
        lines.append(line)
    if page.next_cursor is not None or len(lines) < len(page.rows):
        lines.append("… and more: narrow it down by state, service, severity or text.")
    return Message(
        embeds=(
            Embed(
                title=escaped(f"Alerts · {described}", TITLE_LIMIT),
                description="\n".join(lines) or "None.",
                color=cards.colour(page.rows[0]) if page.rows else 0x30A46C,
            ),
        )
    )


def alert_line(row: AlertRow) -> str:
    """One line of at most 260 units, with markdown."""
    return (
        f"{cards.MARKS[row.severity]} **#{row.alert_id}** {escaped(row.title, 80)} · {escaped(row.service, 40)}"
        f" · ×{row.count} · {timestamp(row.last_seen_at_ms)} · {escaped(cards.status_text(row), 60)}"
    )


class TextInput(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An input of a form as Discord's API takes it."""

    type: int
    custom_id: str
    style: int  # 1 is a line, 2 a paragraph
    label: str
    value: str = ""
    required: bool
    max_length: int = 4_000


class FormRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a form as Discord's API takes it: one input."""

    type: int = 1
    components: tuple[TextInput, ...]


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A modal as Discord's API takes it."""

    custom_id: str
    title: str
    components: tuple[FormRow, ...]


def pull_request_form(row: AlertRow, *, epoch: str, title: str, base_branch: str | None) -> Form:
    """The form that asks for a draft pull request, filled in as far as can be known."""
    inputs = (
        TextInput(
            type=4,
            custom_id=FormField.TITLE,
            style=1,
            label="Title",
            value=plain_label(title, 256),
            required=False,
            max_length=256,
        ),
        TextInput(
            type=4,
            custom_id=FormField.BASE_BRANCH,
            style=1,
            label="Base branch (empty: the default one)",
            value=plain_label(base_branch, 200) if base_branch else "",
            required=False,
            max_length=255,
        ),
        TextInput(type=4, custom_id=FormField.NOTES, style=2, label="Notes for the reviewer", required=False),
    )
    return Form(
        custom_id=custom_ids.form(row.alert_id, epoch),
        title=plain_label(f"Draft pull request for #{row.alert_id}", 45),
        components=tuple(FormRow(components=(each,)) for each in inputs),
    )


def silence_form(row: AlertRow, *, epoch: str) -> Form:
    """The form that asks for how long an alert is silenced, and why."""
    inputs = (
        TextInput(
            type=4,
            custom_id=FormField.DURATION,
            style=1,
            label="For how long (15m, 2h30m, 3d)",
            value="2h",
            required=True,
            max_length=40,
        ),
        TextInput(
            type=4,
            custom_id=FormField.REASON,
            style=1,
            label="Why, for those who wonder",
            required=True,
            max_length=500,
        ),
    )
    return Form(
        custom_id=custom_ids.silence_form(row.alert_id, epoch),
        title=plain_label(f"Silence #{row.alert_id} {row.title}", 45),
        components=tuple(FormRow(components=(each,)) for each in inputs),
    )


def choice_name(row: AlertRow) -> str:
    """What completion shows for an alert; at most 100 characters (Discord limit)."""
    return plain_label(f"#{row.alert_id} {cards.MARKS[row.severity]} {row.title} · {row.service}", 100)
