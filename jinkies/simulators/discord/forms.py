"""A small checker of JSON bodies that complains in Discord's words.

Each kind of field is a frozen struct with ``check(value, path, errors)``. ``None`` stands for a field that is absent:
Discord treats null and absent alike in every body that is checked here. Lengths are UTF-16 code units, as Discord
counts them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from jinkies.simulators.discord.errors import FormErrors

Path = tuple[str | int, ...]


def utf16_length(text: str) -> int:
    """How long Discord says a text is: UTF-16 code units, so that an emoji counts two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class Kind(Protocol):
    """One kind of value in a body."""

    def check(self, value: Any, path: Path, errors: FormErrors) -> None:
        """Record what is wrong with ``value`` (never None)."""


def check_length(length: int, least: int, most: int, path: Path, errors: FormErrors) -> None:
    """Record a length out of bounds, as Discord words it with and without a lower bound."""
    if least <= length <= most:
        return
    if least > 0:
        errors.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")
    else:
        errors.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")


class Text(msgspec.Struct, frozen=True):
    """A string of bounded length."""

    most: int
    least: int = 0
    filled: bool = False  # "" is as good as absent
    trimmed: bool = False  # white space around it neither counts nor is kept
    pattern: str | None = None
    pattern_error: tuple[str, str] = ("STRING_TYPE_REGEX", "String value did not match validation regex.")

    def check(self, value: Any, path: Path, errors: FormErrors) -> None:
        """See ``Kind``. Numbers and booleans are read as text, as Discord does."""
        if isinstance(value, (dict, list)):
            errors.add(path, "STRING_TYPE_CONVERT", f'Could not interpret "{value}" as string.')
            return
        text = str(value).strip() if self.trimmed else str(value)
        if self.filled and not text:
            errors.add(path, "BASE_TYPE_REQUIRED", "This field is required")
            return
        check_length(utf16_length(text), self.least, self.most, path, errors)
        if self.pattern is not None and not re.fullmatch(self.pattern, text):
            errors.add(path, *self.pattern_error)


class Url(msgspec.Struct, frozen=True):
    """An http or https address; ``attachment`` also allows a file of the same message."""

    most: int = 2048
    attachment: bool = False

    def check(self, value: Any, path: Path, errors: FormErrors) -> None:
        """See ``Kind``."""
        text = str(value)
        check_length(utf16_length(text), 0, self.most, path, errors)
        scheme = text.partition(":")[0] if ":" in text else text
        schemes = ("http", "https", "attachment") if self.attachment else ("http", "https")
        if scheme not in schemes:
            named = ", ".join(repr(name) for name in schemes)
            errors.add(
                path, "URL_TYPE_INVALID_SCHEME", f'Scheme "{scheme}" is not supported. Scheme must be one of ({named}).'
            )
        elif not urlsplit(text).netloc or re.search(r"\s", text):
            errors.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.")


class Whole(msgspec.Struct, frozen=True):
    """An integer within bounds."""

    least: int
    most: int

    def check(self, value: Any, path: Path, errors: FormErrors) -> None:
        """See ``Kind``. A string of digits is read as a number, as Discord does."""
        try:
            number = int(value) if not isinstance(value, (bool, float)) or value == int(value) else None
        except (TypeError, ValueError):
            number = None
        if number is None:
            errors.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
        elif number > self.most:
            errors.add(path, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {self.most}.")
        elif number < self.least:
            errors.add(path, "NUMBER_TYPE_MIN", f"int value should be greater than or equal to {self.least}.")


class Snowflake(msgspec.Struct, frozen=True):
    """An id."""

    def check(self, value: Any, path: Path, errors: FormErrors) -> None:
        """See ``Kind``."""
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,20}", str(value)):
            errors.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')


class Truth(msgspec.Struct, frozen=True):
    """A boolean."""

    def check(self, value: Any, path: Path, errors: FormErrors) -> None:
        """See ``Kind``."""
        if not isinstance(value, bool):
            errors.add(path, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")


class Timestamp(msgspec.Struct, frozen=True):
    """An ISO 8601 time."""

    def check(self, value: Any, path: Path, errors: FormErrors) -> None:
        """See ``Kind``."""
        try:
            datetime.fromisoformat(str(value))
        except ValueError:
            errors.add(path, "DATE_TIME_TYPE_PARSE", f"Could not parse {value}. Should be ISO8601.")


class OneOf(msgspec.Struct, frozen=True):
    """One of a few values."""

    values: tuple[str | int, ...]

    def check(self, value: Any, path: Path, errors: FormErrors) -> None:
        """See ``Kind``."""
        if value not in self.values or isinstance(value, bool):
            named = ", ".join(str(each) for each in self.values)
            errors.add(path, "BASE_TYPE_CHOICES", f"Value must be one of {{{named}}}.")


class Items(msgspec.Struct, frozen=True):
    """An array of bounded length."""

    item: Any  # a Kind; msgspec cannot name a protocol
    most: int
    least: int = 0

    def check(self, value: Any, path: Path, errors: FormErrors) -> None:
        """See ``Kind``."""
        if not isinstance(value, list):
            errors.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return
        check_length(len(value), self.least, self.most, path, errors)
        for index, item in enumerate(value):
            self.item.check(item, (*path, index), errors)


class Form(msgspec.Struct, frozen=True):
    """An object: the kinds of its known fields, and which must be there. Unknown fields are ignored, as by Discord."""

    fields: Mapping[str, Any]
    required: tuple[str, ...] = ()

    def check(self, value: Any, path: Path, errors: FormErrors) -> None:
        """See ``Kind``."""
        if not isinstance(value, dict):
            errors.add(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
            return
        for name in self.required:
            if value.get(name) is None:
                errors.add((*path, name), "BASE_TYPE_REQUIRED", "This field is required")
        for name, kind in self.fields.items():
            if value.get(name) is not None:
                kind.check(value[name], (*path, name), errors)


class ByType(msgspec.Struct, frozen=True):
    """An object whose ``type`` chooses its form."""

    forms: Mapping[int, Any]

    def check(self, value: Any, path: Path, errors: FormErrors) -> None:
        """See ``Kind``."""
        if not isinstance(value, dict):
            errors.add(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        elif value.get("type") is None:
            errors.add((*path, "type"), "BASE_TYPE_REQUIRED", "This field is required")
        elif value["type"] not in self.forms:
            named = ", ".join(str(number) for number in self.forms)
            errors.add((*path, "type"), "UNION_TYPE_CHOICES", f'Value of field "type" must be one of ({named}).')
        else:
            self.forms[value["type"]].check(value, path, errors)
