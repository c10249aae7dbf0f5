"""Reading what SDKs send without trusting its shape: what is not of the type that is looked for isn't there.

SDKs of many years and languages leave fields out, send null for what they scrubbed (the reason is in ``_meta``), lists
bare or as ``{"values": […]}``, and objects as lists of pairs. None of that is worth refusing an error for.
"""

from __future__ import annotations

from collections.abc import Iterator

from jinkies.ingest.fields import as_text
from jinkies.ingest.text import clean, cut_end


def table(value: object) -> dict[str, object]:
    """An object, or {}."""
    return value if isinstance(value, dict) else {}


def tables(value: object) -> list[dict[str, object]]:
    """The objects of a list, of ``{"values": […]}``, or the one that stands alone."""
    if isinstance(value, dict):
        inner = value.get("values")
        value = inner if isinstance(inner, list) else [] if "values" in value else [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: object, limit: int) -> str:
    """A text on as many lines as it has, at most ``limit`` characters, or ""; numbers count as texts."""
    if type(value) is str:
        return clean(value) if len(value) <= limit else cut_end(clean(value), limit)
    if value is None or isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return cut_end(clean(str(value)), limit)


def name(value: object, limit: int) -> str:
    """A text on one line, without blanks around it."""
    if type(value) is str and len(value) <= limit and value.isprintable():  # nearly all are
        return value.strip()
    if value is None:
        return ""
    return cut_end(" ".join(text(value, 20_000).split()), limit)


def whole(value: object) -> int | None:
    """A number of a line or a column, 0 to 10⁹."""
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1_000_000_000:
        return None
    return int(value)


def pairs(value: object) -> Iterator[tuple[str, object]]:
    """The entries of an object, or of a list of pairs (``[["key", "value"], …]``)."""
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, list) and len(item) == 2 and isinstance(item[0], str):
                yield item[0], item[1]
            elif isinstance(item, dict) and isinstance(item.get("key"), str):
                yield item["key"], item.get("value")


def shown(value: object, limit: int) -> str:
    """Anything as text: a text is itself, all else its JSON."""
    return cut_end(clean(as_text(value)), limit)
