"""The service's published description, as botocore ships it: what a value of a shape must look like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.loaders import create_loader

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "structure": (dict,),
    "map": (dict,),
}


@cache
def description() -> Any:
    return create_loader().load_service_model("logs", "service-2")


def shape(name: str) -> Any:
    return description()["shapes"][name]


def input_shape(action: str) -> str:
    return str(description()["operations"][action]["input"]["shape"])


def output_shape(action: str) -> str:
    return str(description()["operations"][action]["output"]["shape"])


def problems(value: Any, name: str, path: str = "") -> Iterator[str]:
    """Where a value breaks its shape; members that the shape does not know count."""
    wanted = shape(name)
    kind = wanted["type"]
    matching: bool = isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
    if not matching:
        yield f"{path}: {value!r} is no {kind}"
        return
    size = len(value) if kind in ("string", "list", "map") else value if kind in ("integer", "long", "double") else None
    if size is not None and not wanted.get("min", 0) <= size <= wanted.get("max", 1 << 62):
        yield f"{path}: {size} is not in {wanted.get('min')}…{wanted.get('max')}"
    if "pattern" in wanted and not re.fullmatch(wanted["pattern"], value):
        yield f"{path}: {value!r} does not match {wanted['pattern']}"
    if "enum" in wanted and value not in wanted["enum"]:
        yield f"{path}: {value!r} is none of {wanted['enum']}"
    if kind == "list":
        for index, item in enumerate(value):
            yield from problems(item, wanted["member"]["shape"], f"{path}[{index}]")
    if kind == "structure":
        yield from _members(value, wanted, path)


def _members(value: dict[str, Any], wanted: Any, path: str) -> Iterator[str]:
    for required in wanted.get("required", ()):
        if required not in value:
            yield f"{path}.{required} is missing"
    for member, item in value.items():
        if member not in wanted["members"]:
            yield f"{path}.{member} is unknown"
        else:
            yield from problems(item, wanted["members"][member]["shape"], f"{path}.{member}")


def violations(name: str) -> Iterator[Any]:
    """Values that break a shape, one constraint each."""
    wanted = shape(name)
    kind, least, most = wanted["type"], wanted.get("min"), wanted.get("max")
    yield {"string": 7, "boolean": "yes", "list": "x", "structure": [], "map": []}.get(kind, "seven")
    if kind == "string":
        if least:
            yield ""
        if most:
            yield "x" * (most + 1)
        if "pattern" in wanted:
            yield from (text for text in ("a b", "a*", "é{", "a:b") if not re.fullmatch(wanted["pattern"], text))
        if "enum" in wanted:
            yield "none of them"
    if kind in ("integer", "long"):
        yield from (edge for edge in (None if least is None else least - 1, most and most + 1) if edge is not None)
    if kind == "list":
        yield from ([broken] for broken in violations(wanted["member"]["shape"]))
        if least:
            yield []
        if most:
            yield ["aa"] * (most + 1)
