"""The fields of a JSON line, flattened for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

MOST_CHARS = 1_048_576  # CloudWatch Logs: an event is at most 1 MB
MOST_PAIRS = 500
MOST_DEPTH = 8  # deeper objects and arrays are shown as JSON
KEY_CHARS = 200
VALUE_CHARS = 10_000
CUT = "…"

_DECODER = msgspec.json.Decoder()


def flatten(message: str) -> tuple[tuple[str, str], ...] | None:
    """A JSON object as pairs of dotted key and value, in its own order: ``("user.id", "7")``, ``("tags.0", "a")``.

    Args:
        message: a log line; one of more than ``MOST_CHARS`` characters is not read.

    Returns:
        At most ``MOST_PAIRS`` pairs, and one more, ``("…", "cut")``, when there were others. Texts stand without
        quotes, other values as JSON writes them; longer keys and values end in ``…``. None when it is no JSON object.
    """
    if len(message) > MOST_CHARS or not message.lstrip().startswith("{"):
        return None
    try:
        value: object = _DECODER.decode(message)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    pairs: list[tuple[str, str]] = []
    for pair in _walk("", value, 0) if value else ():
        if len(pairs) == MOST_PAIRS:
            pairs.append((CUT, "cut"))
            break
        pairs.append(pair)
    return tuple(pairs)


def _walk(key: str, value: object, depth: int) -> Iterator[tuple[str, str]]:
    children: Iterator[tuple[object, object]] | None = None
    if depth < MOST_DEPTH and isinstance(value, dict | list) and value:
        children = iter(value.items()) if isinstance(value, dict) else iter(enumerate(value))
    if children is None:
        yield _cut(key, KEY_CHARS), _text(value)
        return
    for name, child in children:
        yield from _walk(f"{key}.{name}"[: KEY_CHARS + 1] if depth else str(name), child, depth + 1)


def _text(value: object) -> str:
    if not isinstance(value, str):
        value = msgspec.json.encode(value).decode(errors="replace")
    return _cut(value, VALUE_CHARS)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + CUT
