"""What Discord accepts: the limits and required fields of messages, modals, commands and interaction answers.

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
    utf16_length,
)
from jinkies.simulators.discord.world import Json

EMBED_TOTAL = 6_000
CUSTOM_ID = Text(100, least=1)
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
        "message_reference": Form({"message_id": Snowflake()}, required=("message_id",)),
        "attachments": Items(Form({"id": Snowflake(), "filename": Text(1_024, least=1)}, required=("id",)), 10),
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
CHOICES = Form({"choices": Items(Form({"name": Text(100, least=1)}, required=("name", "value")), 25)})

_NAME = Text(
    32,
    least=1,
    pattern=r"[-_'\w]{1,32}",
    pattern_error=("APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid"),
)
_OPTION = {
    "name": _NAME,
    "description": Text(100, least=1),
    "required": Truth(),
    "autocomplete": Truth(),
    "choices": Items(Form({"name": Text(100, least=1)}, required=("name", "value")), 25),
}
_VALUE = Form(_OPTION, required=("name", "description"))
_LEAVES = dict.fromkeys(range(3, 12), _VALUE)
_SUBCOMMAND = Form({**_OPTION, "options": Items(ByType(_LEAVES), 25)}, required=("name", "description"))
_GROUP = Form({**_OPTION, "options": Items(ByType({1: _SUBCOMMAND}), 25, least=1)}, required=("name", "description"))
CHAT_COMMAND = Form(
    {
        "name": _NAME,
        "description": Text(100, least=1),
        "options": Items(ByType({1: _SUBCOMMAND, 2: _GROUP} | _LEAVES), 25),
    },
    required=("name", "description"),
)
MENU_COMMAND = Form({"name": Text(32, least=1)}, required=("name",))


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


def _check_components(body: Json, path: Path, errors: FormErrors) -> None:
    """The rules across components: width, unique ids, and what each style of button needs."""
    seen: set[str] = set()
    for at_row, row in enumerate(_dicts(body.get("components"))):
        inside = _dicts(row.get("components"))
        for at, component in enumerate(inside):
            here = (*path, "components", at_row, "components", at)
            if component.get("type") == 2:
                _check_button(component, here, errors)
            elif len(inside) > 1:
                errors.add(here, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width")
            custom_id = component.get("custom_id")
            if isinstance(custom_id, str) and custom_id in seen:
                errors.add(
                    (*here, "custom_id"),
                    "COMPONENT_CUSTOM_ID_DUPLICATED",
                    "Component custom id cannot be duplicated",
                )
            seen.add(str(custom_id))


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


def check_commands(body: Any) -> list[Json]:
    """The bulk overwrite of application commands.

    Returns:
        The commands.

    Raises:
        ApiError: 400, code 50035.
    """
    errors = FormErrors()
    if not isinstance(body, list):
        errors.add((), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        errors.raise_if_any()
        return []
    names: set[tuple[int, str]] = set()
    for index, command in enumerate(body):
        kind = command.get("type") or 1 if isinstance(command, dict) else 1
        (CHAT_COMMAND if kind == 1 else MENU_COMMAND).check(command, (index,), errors)
        if not isinstance(command, dict):
            continue
        name = str(command.get("name"))
        if kind == 1 and name != name.lower():
            errors.add((index, "name"), "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
        if (kind, name) in names:
            unique = "Application command names must be unique"
            errors.add((index, "name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", unique)
        names.add((kind, name))
        _check_option_order(command.get("options"), (index, "options"), errors)
    errors.raise_if_any()
    return body


def _check_option_order(options: Any, path: Path, errors: FormErrors) -> None:
    optional_seen = False
    for index, option in enumerate(_dicts(options)):
        if option.get("required") and optional_seen:
            errors.add(
                (*path, index),
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            )
        optional_seen = optional_seen or not option.get("required")
        _check_option_order(option.get("options"), (*path, index, "options"), errors)
