"""What Discord accepts as application commands.

Its documentation: names of 1 to 32 characters, those of slash commands and options in lower case, descriptions of 1 to
100, 25 options each with 25 choices, values of 100 characters, 8,000 characters of a command in all; 100 slash commands
and 15 context menus of each kind; required options before others, and subcommands beside nothing else.
"""

from __future__ import annotations

from typing import Any

from jinkies.simulators.discord.errors import FormErrors
from jinkies.simulators.discord.forms import ByType, Form, Items, Path, Text, Truth, Whole, utf16_length
from jinkies.simulators.discord.validate import CHOICE_VALUE
from jinkies.simulators.discord.world import Json

MOST_OF_KIND = {1: 100, 2: 15, 3: 15}
MOST_CHARACTERS = 8_000
SUBCOMMANDS = (1, 2)

_NAME = Text(
    32,
    least=1,
    pattern=r"[-_'\w]{1,32}",
    pattern_error=("APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid"),
)
_CHOICE = Form({"name": Text(100, least=1), "value": CHOICE_VALUE}, required=("name", "value"))
_OPTION = {
    "name": _NAME,
    "description": Text(100, least=1),
    "required": Truth(),
    "autocomplete": Truth(),
    "choices": Items(_CHOICE, 25),
    "min_length": Whole(0, 6_000),
    "max_length": Whole(1, 6_000),
}
_VALUE = Form(_OPTION, required=("name", "description"))
_LEAVES = dict.fromkeys(range(3, 12), _VALUE)
_SUBCOMMAND = Form({**_OPTION, "options": Items(ByType(_LEAVES), 25)}, required=("name", "description"))
_GROUP = Form({**_OPTION, "options": Items(ByType({1: _SUBCOMMAND}), 25, least=1)}, required=("name", "description"))
_COMMON = {"default_member_permissions": Whole(0, 2**54 - 1), "dm_permission": Truth(), "nsfw": Truth()}
CHAT_COMMAND = Form(
    {
        **_COMMON,
        "name": _NAME,
        "description": Text(100, least=1),
        "options": Items(ByType({1: _SUBCOMMAND, 2: _GROUP} | _LEAVES), 25),
    },
    required=("name", "description"),
)
MENU_COMMAND = Form({**_COMMON, "name": Text(32, least=1)}, required=("name",))


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
        if (kind, name) in names:
            unique = "Application command names must be unique"
            errors.add((index, "name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", unique)
        names.add((kind, name))
        _check_menu(command, (index,), errors) if kind != 1 else _check_chat(command, (index,), errors)
    _check_numbers(body, errors)
    errors.raise_if_any()
    return body


def _check_numbers(commands: list[Any], errors: FormErrors) -> None:
    for kind, most in MOST_OF_KIND.items():
        if sum((each.get("type") or 1) == kind for each in commands if isinstance(each, dict)) > most:
            about = f"Maximum number of application commands reached ({most})."
            errors.add((), "APPLICATION_COMMANDS_MAX_REACHED", about)


def _check_menu(command: Json, path: Path, errors: FormErrors) -> None:
    if command.get("description"):
        about = "Context menu commands cannot have description"
        errors.add((*path, "description"), "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_INVALID", about)
    if command.get("options"):
        about = "Context menu commands cannot have options"
        errors.add((*path, "options"), "APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS_INVALID", about)


def _check_chat(command: Json, path: Path, errors: FormErrors) -> None:
    _check_case(command, path, errors)
    _check_options(command, path, errors)
    if not errors and _characters(command) > MOST_CHARACTERS:
        errors.add(path, "APPLICATION_COMMAND_TOO_LARGE", f"Command exceeds maximum size ({MOST_CHARACTERS})")


def _check_case(named: Json, path: Path, errors: FormErrors) -> None:
    name = str(named.get("name"))
    if name != name.lower():
        errors.add((*path, "name"), "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _options(of: Json) -> list[Json]:
    options = of.get("options")
    return [each for each in options if isinstance(each, dict)] if isinstance(options, list) else []


def _characters(part: Json) -> int:
    texts = [part.get("name"), part.get("description")]
    choices = part.get("choices") or []
    texts += [each for choice in choices for each in (choice.get("name"), choice.get("value"))]
    own = sum(utf16_length(str(text)) for text in texts if text is not None)
    return own + sum(_characters(option) for option in _options(part))


def _check_options(of: Json, path: Path, errors: FormErrors) -> None:
    """The rules across options: names that differ, required ones first, subcommands beside nothing else."""
    optional_seen, names = False, set()
    options = _options(of)
    mixed = len({each.get("type") in SUBCOMMANDS for each in options}) > 1
    for index, option in enumerate(options):
        here = (*path, "options", index)
        _check_case(option, here, errors)
        if mixed and option.get("type") not in SUBCOMMANDS:
            about = "Sub-command and sub-command group option types are mutually exclusive to all other types"
            errors.add(here, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", about)
        if option.get("name") in names:
            about = "The specified option name is already used"
            errors.add(here, "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", about)
        names.add(option.get("name"))
        if option.get("required") and optional_seen:
            about = "Required options must be placed before non-required options"
            errors.add(here, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", about)
        optional_seen = optional_seen or not option.get("required")
        _check_completing(option, here, errors)
        _check_options(option, here, errors)


def _check_completing(option: Json, path: Path, errors: FormErrors) -> None:
    if option.get("autocomplete") and (option.get("choices") or option.get("type") not in (3, 4, 10)):
        about = "Autocomplete is not allowed with choices, and only for strings, integers and numbers"
        errors.add((*path, "autocomplete"), "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_INVALID", about)
