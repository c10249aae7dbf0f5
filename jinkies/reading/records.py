"""Log lines that are JSON objects: the names that common loggers give to message, exception and context. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

EMPTY = msgspec.Raw()


class _Error(msgspec.Struct):
    """An exception as an object: pino's ``err``, Elastic Common Schema's ``error``, Lambda's own."""

    type: msgspec.Raw = EMPTY
    name: msgspec.Raw = EMPTY
    error_type: msgspec.Raw = msgspec.field(name="errorType", default=EMPTY)
    class_name: msgspec.Raw = msgspec.field(name="class", default=EMPTY)
    message: msgspec.Raw = EMPTY
    error_message: msgspec.Raw = msgspec.field(name="errorMessage", default=EMPTY)
    stack: msgspec.Raw = EMPTY
    stack_trace: msgspec.Raw = EMPTY
    camel_stack: msgspec.Raw = msgspec.field(name="stackTrace", default=EMPTY)


class _Line(_Error):
    """A line; ``type`` and ``name`` are no exception's here."""

    msg: msgspec.Raw = EMPTY
    event: msgspec.Raw = EMPTY
    snake_message: msgspec.Raw = msgspec.field(name="error_message", default=EMPTY)
    err: msgspec.Raw = EMPTY
    error: msgspec.Raw = EMPTY
    exception: msgspec.Raw = EMPTY
    exc_info: msgspec.Raw = EMPTY
    traceback: msgspec.Raw = EMPTY
    exception_type: msgspec.Raw = EMPTY
    exc_type: msgspec.Raw = EMPTY
    ecs_type: msgspec.Raw = msgspec.field(name="error.type", default=EMPTY)
    ecs_message: msgspec.Raw = msgspec.field(name="error.message", default=EMPTY)
    ecs_stack: msgspec.Raw = msgspec.field(name="error.stack_trace", default=EMPTY)
    request_path: msgspec.Raw = EMPTY
    path: msgspec.Raw = EMPTY
    url: msgspec.Raw = EMPTY
    instance_id: msgspec.Raw = EMPTY
    hostname: msgspec.Raw = EMPTY
    commit_sha: msgspec.Raw = EMPTY
    git_sha: msgspec.Raw = EMPTY
    commit: msgspec.Raw = EMPTY


class JsonRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a JSON line says; ``""`` where it says nothing."""

    said: str  # what the program logged
    exception_type: str
    exception_message: str
    stack: str
    request_path: str
    instance_id: str
    commit_sha: str


_LINES = msgspec.json.Decoder(_Line)
_ERRORS = msgspec.json.Decoder(_Error)
_TEXT = msgspec.json.Decoder(str | list[str])


def json_record(text: str) -> JsonRecord | None:
    """The record in a line, None when it is no JSON object."""
    try:
        line = _LINES.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    errors = [error for raw in (line.error, line.err, line.exception) if (error := _error(raw)) is not None]
    return JsonRecord(
        said=_first((line.message, line.msg, line.event, line.snake_message)),
        exception_type=_first(
            (line.exception_type, line.error_type, line.exc_type, line.ecs_type),
            *((error.type, error.error_type, error.class_name, error.name) for error in errors),
        ),
        exception_message=_first(
            (line.error_message, line.ecs_message),
            *((error.message, error.error_message) for error in errors),
            (line.error, line.err),
        ),
        stack=_first(
            (line.stack_trace, line.stack, line.camel_stack, line.exc_info, line.traceback, line.ecs_stack),
            *((error.stack, error.stack_trace, error.camel_stack) for error in errors),
            (line.exception,),
        ),
        request_path=_first((line.request_path, line.path, line.url)),
        instance_id=_first((line.instance_id, line.hostname)),
        commit_sha=_first((line.commit_sha, line.git_sha, line.commit)),
    )


def _error(raw: msgspec.Raw) -> _Error | None:
    if not bytes(raw).lstrip().startswith(b"{"):
        return None
    try:
        return _ERRORS.decode(raw)
    except msgspec.DecodeError:
        return None


def _first(*choices: Iterable[msgspec.Raw]) -> str:
    """The first that is a text, or a list of texts, and not empty."""
    return next((text for choice in choices for raw in choice if (text := _text(raw))), "")


def _text(raw: msgspec.Raw) -> str:
    try:
        value = _TEXT.decode(raw) if bytes(raw) else ""
    except msgspec.DecodeError:
        return ""
    return value if isinstance(value, str) else "\n".join(value)
