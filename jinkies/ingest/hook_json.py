"""JSON that other programs' webhooks send, read into a type: what is missing or of another kind is named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from jinkies.ingest.bounded_json import decode
from jinkies.ingest.fields import as_text
from jinkies.ingest.refusals import BadField
from jinkies.ingest.text import clean, cut_end

MAX_TAGS = 50
MAX_TAG_KEY = 100
MAX_TAG_VALUE = 500
MAX_LINK = 2_000

_T = TypeVar("_T")
_AT = re.compile(r" - at `\$\.?([^`]*)`$")
_SHOWN = 200  # characters of msgspec's own words


def read(body: bytes, decoder: msgspec.json.Decoder[_T]) -> _T:
    """The body as what the decoder makes; fields that its type doesn't name are not looked at.

    Raises:
        MalformedJson: not JSON, not UTF-8, or nested too deep.
        BadField: JSON, of another shape; names the place.
    """
    try:
        return decode(body, decoder)
    except msgspec.ValidationError as error:
        said = str(error)
        at = _AT.search(said)
        raise BadField(at[1][:100] if at else "", said.partition(" - at")[0][:_SHOWN].lower()) from None


def tags_of(values: Mapping[str, object]) -> dict[str, str]:
    """Labels as tags: at most 50, short, without the empty ones."""
    found: dict[str, str] = {}
    for name, value in values.items():
        text = "" if value is None else clean(as_text(value)).strip()
        if not text or not name.strip():
            continue
        if len(found) >= MAX_TAGS:
            break
        found[cut_end(clean(name), MAX_TAG_KEY)] = cut_end(text, MAX_TAG_VALUE)
    return found


def web_link(text: str | None) -> str | None:
    """An http(s) address that somebody may click on; None for anything else. Never cut: half a link leads nowhere."""
    address = (text or "").strip()
    if not 0 < len(address) <= MAX_LINK or not address.isprintable() or " " in address:
        return None
    try:
        parts = urlsplit(address)
        named = bool(parts.hostname)
    except ValueError:
        return None
    return address if named and parts.scheme in ("http", "https") else None
