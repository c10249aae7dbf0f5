"""What Discord accepts: the limits and required fields of messages, modals, threads and interaction answers.

The figures are Discord's, from its API description and its documentation: embeds (title 256, description 4,096,
25 fields, names 256, values 1,024, footer 2,048, author 256, 6,000 in all), content 2,000, five rows of five buttons,
``custom_id`` 1 to 100 and unique in a message, label 80, 25 select options, modal title 45, nonce 25. The bot may have
constants of its own; nothing here reads them.
"""

from __future__ import annotations

from typing import Any

from jinkies.simulators.discord.errors import FormErrors, empty_message
from jinkies.simulators.discord.forms import (
    ByType,
    Form,
    Items,
    OneOf,
    Path,
    Snowflake,
    Text,
    Timestamp,
    Truth,
    Url,
    Whole,
    check_length,
    utf16_length,
)
from jinkies.simulators.discord.world import Json

EMBED_TOTAL = 6_000
CUSTOM_ID = Text(100, least=1)
CHOICE_VALUE = Text(100)
FLAGS = Whole(0, 2**31 - 1)
COMPONENTS_V2 = 1 << 15

EMOJI = Form({"id": Snowflake(), "name": Text(32)}, required=("name",))
IMAGE = Form({"url": Url(attachment=True)})
EMBED = Form(
    {
        "title": Text(256, trimmed=True),
        "description": Text(4_096, trimmed=True),
        "url": Url(),
        "color": Whole(0, 0xFFFFFF),
        "timestamp": Timestamp(),
        "author": Form(
            {"name": Text(256, filled=True, trimmed=True), "url": Url(), "icon_url": Url(attachment=True)}, ("name",)
        ),
        "footer": Form({"text": Text(2_048, trimmed=True), "icon_url": Url(attachment=True)}),
        "image": IMAGE,
        "thumbnail": IMAGE,
        "fields": Items(
            Form(
                {
                    "name": Text(256, filled=True, trimmed=True),
                    "value": Text(1_024, filled=True, trimmed=True),
                    "inline": Truth(),
                },
                required=("name", "value"),
            ),
            most=25,
        ),
    }
)
BUTTON = Form(
    {
        "style": OneOf((1, 2, 3, 4, 5, 6)),
        "custom_id": CUSTOM_ID,
        "label": Text(80),
        "url": Url(512),
        "disabled": Truth(),
        "emoji": EMOJI,
    },
    required=("style",),
)
SELECT_OPTION = Form(
    {"label": Text(100, least=1), "value": Text(100, least=1), "description": Text(100), "emoji": EMOJI},
    required=("label", "value"),
)
_SELECT = {
    "custom_id": CUSTOM_ID,
    "placeholder": Text(150),
    "min_values": Whole(0, 25),
    "max_values": Whole(1, 25),
    "disabled": Truth(),
    "required": Truth(),
}
STRING_SELECT = Form({**_SELECT, "options": Items(SELECT_OPTION, 25, least=1)}, required=("custom_id", "options"))
ENTITY_SELECT = Form(_SELECT, required=("custom_id",))
ROW = Form(
    {
        "components": Items(
            ByType({2: BUTTON, 3: STRING_SELECT} | dict.fromkeys((5, 6, 7, 8), ENTITY_SELECT)), most=5, least=1
        )
    },
    required=("components",),
)
ALLOWED_MENTIONS = Form(
    {
        "parse": Items(OneOf(("everyone", "roles", "users")), 3),
        "users": Items(Snowflake(), 100),
        "roles": Items(Snowflake(), 100),
        "replied_user": Truth(),
    }
)
ATTACHMENT = Form({"id": Snowflake(), "filename": Text(1_024, least=1), "description": Text(1_024)}, required=("id",))
MESSAGE = Form(
    {
        "content": Text(2_000, trimmed=True),
        "embeds": Items(EMBED, 10),
        "components": Items(ByType({1: ROW}), 5),
        "allowed_mentions": ALLOWED_MENTIONS,
        "flags": FLAGS,
        "nonce": Text(25),
        "enforce_nonce": Truth(),
        "tts": Truth(),
        "message_reference": Form(
            {"type": OneOf((0,)), "message_id": Snowflake(), "fail_if_not_exists": Truth()}, required=("message_id",)
        ),
        "attachments": Items(ATTACHMENT, 10),
    }
)
TEXT_INPUT = Form(
    {
        "custom_id": CUSTOM_ID,
        "style": OneOf((1, 2)),
        "label": Text(45, least=1),
        "value": Text(4_000),
        "placeholder": Text(100),
        "required": Truth(),
        "min_length": Whole(0, 4_000),
        "max_length": Whole(1, 4_000),
    },
    required=("custom_id", "style"),
)
MODAL_ROW = Form({"components": Items(ByType({4: TEXT_INPUT}), most=1, least=1)}, required=("components",))
MODAL_LABEL = Form(
    {
        "label": Text(45, least=1),
        "description": Text(100, least=1),
        "component": ByType({3: STRING_SELECT, 4: TEXT_INPUT} | dict.fromkeys((5, 6, 7, 8), ENTITY_SELECT)),
    },
    required=("label", "component"),
)
MODAL = Form(
    {
        "custom_id": CUSTOM_ID,
        "title": Text(45, least=1),
        "components": Items(ByType({1: MODAL_ROW, 18: MODAL_LABEL}), most=5, least=1),
    },
    required=("custom_id", "title", "components"),
)
_THREAD = {
    "name": Text(100, least=1, filled=True, trimmed=True),
    "auto_archive_duration": OneOf((60, 1_440, 4_320, 10_080)),
    "rate_limit_per_user": Whole(0, 21_600),
    "type": OneOf((11, 12)),
    "invitable": Truth(),
}
THREAD = Form(_THREAD, required=("name",))
THREAD_CHANGE = Form({**_THREAD, "archived": Truth(), "locked": Truth()})
CHOICES = Form({"choices": Items(Form({"name": Text(100, least=1), "value": CHOICE_VALUE}, ("name", "value")), 25)})


def embed_length(embed: Json) -> int:
    """What counts towards the 6,000: title, description, field names and values, footer text, author name."""
    texts = [embed.get("title"), embed.get("description")]
    texts += [(embed.get("footer") or {}).get("text"), (embed.get("author") or {}).get("name")]
    for field in embed.get("fields") or []:
        texts += [field.get("name"), field.get("value")]
    return sum(utf16_length(str(text).strip()) for text in texts if text is not None)


def _dicts(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _check_embed_total(body: Json, path: Path, errors: FormErrors) -> None:
    if not errors and sum(embed_length(embed) for embed in _dicts(body.get("embeds"))) > EMBED_TOTAL:
        errors.add((*path, "embeds"), "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {EMBED_TOTAL}")


def _check_button(button: Json, path: Path, errors: FormErrors) -> None:
    style, required = button.get("style"), ("BASE_TYPE_REQUIRED", "This field is required")
    if style == 5 and not button.get("url"):
        errors.add((*path, "url"), *required)
    if style == 5 and button.get("custom_id"):
        errors.add((*path, "custom_id"), "COMPONENT_CUSTOM_ID_AND_URL", "A custom id and url cannot both be specified")
    if style in (1, 2, 3, 4) and button.get("custom_id") is None:
        errors.add((*path, "custom_id"), *required)
    if style != 6 and not button.get("label") and not button.get("emoji"):
        errors.add((*path, "label"), *required)


def _check_select(menu: Json, path: Path, errors: FormErrors) -> None:
    """The rules across a select menu's fields: its bounds fit its options, which differ."""
    options, seen = _dicts(menu.get("options")), set()
    for index, option in enumerate(options):
        if option.get("value") in seen:
            duplicated = ("SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified option value is already used")
            errors.add((*path, "options", index), *duplicated)
        seen.add(option.get("value"))
    least, most = menu.get("min_values"), menu.get("max_values")
    least, most = 1 if least is None else least, 1 if most is None else most
    if not isinstance(least, int) or not isinstance(most, int):
        return
    if least > most:
        errors.add((*path, "min_values"), "NUMBER_TYPE_MAX", f"int value should be less than or equal to {most}.")
    if menu.get("type") == 3 and most > max(1, len(options)):
        too_many = f"int value should be less than or equal to {len(options)}."
        errors.add((*path, "max_values"), "NUMBER_TYPE_MAX", too_many)


class _CustomIds:
    """Refuses a ``custom_id`` that came before."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def check(self, component: Json, path: Path, errors: FormErrors) -> None:
        """Record a duplicate."""
        custom_id = component.get("custom_id")
        if isinstance(custom_id, str) and custom_id in self._seen:
            duplicated = ("COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
            errors.add((*path, "custom_id"), *duplicated)
        self._seen.add(str(custom_id))


def _check_components(body: Json, path: Path, errors: FormErrors) -> None:
    """The rules across components: width, unique ids, and what each style of button and each select needs."""
    ids = _CustomIds()
    for at_row, row in enumerate(_dicts(body.get("components"))):
        inside = _dicts(row.get("components"))
        for at, component in enumerate(inside):
            here = (*path, "components", at_row, "components", at)
            if component.get("type") == 2:
                _check_button(component, here, errors)
            else:
                _check_select(component, here, errors)
                if len(inside) > 1:
                    too_wide = "The specified component exceeds the maximum width"
                    errors.add(here, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", too_wide)
            ids.check(component, here, errors)


def _check_modal(body: Json, path: Path, errors: FormErrors) -> None:
    """The rules across a modal's fields: unique ids, a label each, values and bounds that fit."""
    ids = _CustomIds()
    for at, outer in enumerate(_dicts(body.get("components"))):
        labelled = outer.get("type") == 18
        inside = [outer.get("component")] if labelled else outer.get("components")
        for index, component in enumerate(_dicts(inside)):
            here = (*path, "components", at, *(("component",) if labelled else ("components", index)))
            ids.check(component, here, errors)
            if component.get("type") != 4:
                _check_select(component, here, errors)
                continue
            if not labelled and not component.get("label"):
                errors.add((*here, "label"), "BASE_TYPE_REQUIRED", "This field is required")
            least, most = component.get("min_length") or 0, component.get("max_length") or 4_000
            if isinstance(least, int) and isinstance(most, int):
                if least > most:
                    shorter = f"int value should be less than or equal to {most}."
                    errors.add((*here, "min_length"), "NUMBER_TYPE_MAX", shorter)
                if component.get("value") and most < 4_000:
                    check_length(utf16_length(str(component["value"])), 0, most, (*here, "value"), errors)


def _check_mentions(body: Json, path: Path, errors: FormErrors) -> None:
    """All of a kind, or some of it by their ids, but not both."""
    allowed = body.get("allowed_mentions")
    for kind in ("users", "roles"):
        if isinstance(allowed, dict) and kind in (allowed.get("parse") or ()) and allowed.get(kind):
            both = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
            errors.add((*path, "allowed_mentions"), "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", both)


def check_message(body: Any, *, path: Path = ()) -> Json:
    """A message's body as Discord would take it, for a post, an edit or an interaction's answer.

    Args:
        body: the decoded JSON body.
        path: where in the request it stands; an interaction's answer has it under ``data``.

    Returns:
        The same object.

    Raises:
        ApiError: 400 with code 50035 and the tree of what is wrong.
    """
    errors = FormErrors()
    MESSAGE.check(body, path, errors)
    if isinstance(body, dict):
        if isinstance(body.get("flags"), int) and body["flags"] & COMPONENTS_V2:
            errors.add((*path, "flags"), "SIMULATOR_UNSUPPORTED", "The simulator does not know components V2")
        if isinstance(body.get("embeds"), list):
            _check_embed_total(body, path, errors)
        _check_components(body, path, errors)
        _check_mentions(body, path, errors)
    errors.raise_if_any()
    return dict(body)


def check_not_empty(message: Json) -> None:
    """Refuse a message that would show nothing.

    Raises:
        ApiError: 400, code 50006.
    """
    shown = [
        embed for embed in message["embeds"] if embed_length(embed) or embed.get("image") or embed.get("thumbnail")
    ]
    if not (message["content"] or shown or message["components"] or message["attachments"]):
        raise empty_message()


def check_callback(body: Any) -> tuple[int, Json]:
    """An interaction's first answer.

    Returns:
        Its type (1, 4, 5, 6, 7, 8 or 9) and its ``data`` (empty when absent).

    Raises:
        ApiError: 400, code 50035.
    """
    errors = FormErrors()
    Form({"type": OneOf((1, 4, 5, 6, 7, 8, 9))}, required=("type",)).check(body, (), errors)
    errors.raise_if_any()
    kind, data = int(body["type"]), body.get("data")
    if kind in (4, 7):
        data = check_message(data if data is not None else {}, path=("data",))
    elif kind in (8, 9):
        required = Form({"data": CHOICES if kind == 8 else MODAL}, required=("data",))
        required.check(body, (), errors)
        if kind == 9 and isinstance(data, dict):
            _check_modal(data, ("data",), errors)
    errors.raise_if_any()
    return kind, dict(data or {})


def check_thread(body: Any) -> Json:
    """A thread to be made.

    Returns:
        The same object.

    Raises:
        ApiError: 400, code 50035.
    """
    errors = FormErrors()
    THREAD.check(body, (), errors)
    errors.raise_if_any()
    return dict(body)


def check_thread_change(body: Any) -> Json:
    """What shall change of a thread.

    Returns:
        The same object.

    Raises:
        ApiError: 400, code 50035.
    """
    errors = FormErrors()
    THREAD_CHANGE.check(body, (), errors)
    errors.raise_if_any()
    return dict(body)
