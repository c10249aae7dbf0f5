"""Holds recorded Discord traffic against Discord's own OpenAPI description: what was sent, and what was answered.

openapi-core does the checking. Four things cannot be taken as they are:

- The description says that the codes inside a form error's ``_errors`` are integers. Discord answers strings there
  (``BASE_TYPE_MAX_LENGTH``), as its documentation shows; ``described`` mends that schema.
- It says that the id of an attachment is a string. Discord's documentation of uploads writes the number of the file,
  as interactions.py does; ``described`` allows both.
- A multipart request keeps its JSON in one field, ``payload_json``, which openapi-core does not look into. The
  recording has that JSON as ``body``, and it is held against the same operation's ``application/json`` schema, which
  is the multipart one without the files.
- 5xx answers are not described; only their requests are checked.

What the description leaves out (2,000 characters of content, five rows) the simulator itself refuses; ``violations``
therefore also reports a request that was answered with 50035, "Invalid Form Body".
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped] # it ships no types

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # its dependencies' own, on import
    from openapi_core import Config, OpenAPI
    from openapi_core.testing import MockRequest, MockResponse

from openapi_core.exceptions import OpenAPIError

from jinkies.simulators.discord import Call

HOST = "https://discord.com"
SHOWN_CHARACTERS = 240
INVALID_FORM = 50035


def violations(spec_path: Path, recorded_calls: Iterable[Call]) -> list[str]:
    """Every way in which the calls differ from the description; empty when they satisfy it.

    Args:
        spec_path: Discord's OpenAPI 3.1 description, a JSON file.
        recorded_calls: ``SimulatedDiscord.calls``, or ``read_calls`` of a file that ``--record`` wrote.

    Returns:
        One line a violation: method, route, what is wrong and where in the body.
    """
    api = described(spec_path)
    return [f"{call.method} {call.template}: {wrong}" for call in recorded_calls for wrong in _violations(api, call)]


@lru_cache(maxsize=2)
def described(spec_path: Path) -> OpenAPI:
    """The description, parsed once a process, with the two schemas mended that Discord itself contradicts."""
    spec = json.loads(spec_path.read_bytes())
    schemas = spec["components"]["schemas"]
    texts = {"code": {"type": "string"}, "message": {"type": "string"}}
    schemas["InnerErrors"]["properties"]["_errors"]["items"] = {"required": list(texts), "properties": texts}
    number = {"type": "integer", "minimum": 0, "maximum": 9}
    attachment = schemas["MessageAttachmentRequest"]["properties"]
    attachment["id"] = {"anyOf": [attachment["id"], number]}
    formats: dict[str, Callable[[Any], bool]] = {"uri": _is_uri, "snowflake": _is_snowflake, "nonce": _is_text}
    return OpenAPI.from_dict(spec, config=Config(spec_validator_cls=None, extra_format_validators=formats))


def _violations(api: OpenAPI, call: Call) -> Iterator[str]:
    request = _request(call)
    try:
        api.validate_request(request)
    except OpenAPIError as error:
        yield f"request: {_explained(error)}"
    code = call.response.get("code") if isinstance(call.response, dict) else None
    if call.status == 400 and code == INVALID_FORM:
        yield f"request: refused as an invalid form: {_shortened(json.dumps(call.response.get('errors')))}"
    if not 0 < call.status < 500:
        return
    try:
        api.validate_response(request, _response(call))
    except OpenAPIError as error:
        yield f"answer {call.status}: {_explained(error)}"


def _request(call: Call) -> MockRequest:
    body = None if call.body is None else json.dumps(call.body).encode()
    return MockRequest(HOST, call.method, call.path, args=call.query, headers=call.headers, data=body)


def _response(call: Call) -> MockResponse:
    data = b"" if call.response is None else json.dumps(call.response).encode()
    return MockResponse(data, call.status, headers=call.response_headers)


def _explained(error: BaseException) -> str:
    """The innermost fault: where in the body, and what is wrong with it."""
    schema_errors = getattr(error, "schema_errors", None) or getattr(error.__cause__, "schema_errors", None)
    if not schema_errors:
        cause = f": {error.__cause__}" if error.__cause__ is not None else ""
        return _shortened(f"{error}{cause}")
    worst = _innermost(schema_errors[0])
    return _shortened(f"{worst.json_path}: {worst.message}")


def _innermost(error: ValidationError) -> ValidationError:
    """Down through ``oneOf`` and ``anyOf``, along the branch that the object's own ``type`` chooses."""
    while error.context:
        branches: dict[Any, list[ValidationError]] = {}
        for inside in error.context:
            branches.setdefault(inside.relative_schema_path[0], []).append(inside)
        meant = [faults for faults in branches.values() if not any(_is_other_type(fault) for fault in faults)]
        error = min((meant or list(branches.values()))[0], key=lambda fault: len(fault.relative_path))
    return error


def _is_other_type(error: ValidationError) -> bool:
    path = list(error.relative_path)
    return path == ["type"] or (not path and error.validator == "type")


def _shortened(text: str) -> str:
    """Both ends of a long text: what failed stands at its start, why at its end."""
    half = SHOWN_CHARACTERS // 2
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:half]} … {text[-half:]}"


def _is_uri(value: Any) -> bool:
    if not isinstance(value, str):
        return True
    parts = urlsplit(value)
    return bool(parts.scheme and parts.netloc)


def _is_snowflake(value: Any) -> bool:
    return not isinstance(value, str) or (value.isdigit() and int(value) < 2**64)


def _is_text(value: Any) -> bool:
    return isinstance(value, (str, int))
