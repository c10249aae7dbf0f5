"""Exceptions in log lines: what was raised. Pure; ``reading.joining`` knows which lines belong together.

Knows the stack traces of Python, Java and Node as their runtimes print them, AWS Lambda's own error lines, and JSON
lines of common loggers (structlog, python-json-logger, pino, winston, Logback's encoder, Lambda).
"""

from __future__ import annotations

import re

import msgspec

from jinkies.reading.joining import NAMED, PYTHON, RAISED, THROWN
from jinkies.reading.records import json_record

PARSED_CHARS = 200_000  # of a message; an event can be 1 MB
MESSAGE_CHARS = 2_000
STACK_CHARS = 60_000

_WITHIN = re.compile(rf"(?:^|[\s\]:])({NAMED}): (.*)")
_FRAME = re.compile(r"\s+at\s|\s+File \"|\s*Caused by: |\s*\.\.\. \d+ (?:more|common frames)|\s+Suppressed: ")
_LEVELS = r"(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|FATAL|CRITICAL)\b"
_NOISE = re.compile(r"[\s\[\]():|<>*,;-]+")
_PREFIX = re.compile(
    rf"""(?:
        \[?\d{{4}}[-/]\d\d[-/]\d\d[T\ ][\d:.,]+(?:\ ?Z|\ ?[+-]\d\d:?\d\d)?\]? |  # a time stamp
        [0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}} |  # a request's id
        \[?{_LEVELS}\]?(?::[\w.]+:)? |  # "ERROR:root:" is Python's own
        \[[^\]\s]{{1,60}}\] | \d{{1,8}}(?=\s) | ---? | -(?=\s) | \|(?=\s) |  # a thread, a process
        \S{{1,80}}\ -\ (?={_LEVELS}) |  # a logger before the level
        [a-z]\S{{0,80}}\s+:\s | (?:[a-z_][\w$]*\.)+(?!\w*(?:Error|Exception|Throwable)\b)[\w$]+:(?=\s)  # and behind it
    )[\s:]*""",
    re.VERBOSE,
)


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """What a line, or several that belong together, say happened."""

    message: str  # worth being a title; at most MESSAGE_CHARS
    exception_type: str | None = None
    stack_trace: str | None = None  # at most STACK_CHARS, its middle cut
    request_path: str | None = None
    instance_id: str | None = None
    commit_sha: str | None = None
    said: str = ""  # what the program logged beside the exception


def parse(message: str) -> Raised:
    """What happened, of a whole message (several lines, or one of JSON). Never raises."""
    text = message[:PARSED_CHARS].replace("\r\n", "\n").strip("\n")
    if text.startswith("{") and (found := _of_json(text)) is not None:
        return found
    inner = text.find("\t{")  # Lambda's Node runtime: time, request, level, text, then the error as JSON
    if inner >= 0 and (found := _of_json(text[inner + 1 :])) is not None and found.exception_type:
        return found
    lines = text.split("\n")
    return _of_python(lines) or _of_thrown(lines) or _of_line(lines)


def _of_json(text: str) -> Raised | None:
    record = json_record(text)
    if record is None:
        return None
    kind, message, stack = record.exception_type or None, record.exception_message, record.stack or None
    if stack is not None and (kind is None or not message):  # the stack itself names the exception
        lines = stack.split("\n")
        inner = _of_python(lines) or _of_thrown(lines)
        if inner is not None:
            kind, message = kind or inner.exception_type, message or inner.message
    raised = _raised(kind, message or record.said or text[:MESSAGE_CHARS], stack, record.said)
    return msgspec.structs.replace(
        raised,
        request_path=record.request_path[:500] or None,
        instance_id=record.instance_id[:200] or None,
        commit_sha=record.commit_sha[:64] or None,
    )


def _of_python(lines: list[str]) -> Raised | None:
    starts = [at for at, line in enumerate(lines) if PYTHON in line]
    if not starts:
        return None
    kind = text = None
    for at in range(starts[-1] + 1, len(lines)):
        if lines[at] and not lines[at][0].isspace() and (raised := RAISED.fullmatch(lines[at])):
            kind, text = raised[1], "\n".join([raised[2] or "", *lines[at + 1 :]]).strip()
            break
    said = _bare("\n".join(lines[: starts[0]]))
    if kind is None and (before := _WITHIN.search(" " + "\n".join(lines[: starts[0]]))):  # Lambda names it first
        kind, text = before[1], before[2]
    first = lines[starts[0]]
    stack = "\n".join([first[first.index(PYTHON) :], *lines[starts[0] + 1 :]])
    return _raised(kind, text or said or kind or "", stack, said)


def _of_thrown(lines: list[str]) -> Raised | None:
    """Java and Node: the exception's line, then its frames."""
    frame = next((at for at, line in enumerate(lines) if at and _FRAME.match(line)), None)
    if frame is None:
        return None
    for at in range(frame - 1, -1, -1):
        bare = _bare(lines[at])
        thrown = THROWN.fullmatch(bare) or _WITHIN.search(" " + bare)
        if thrown:
            text = "\n".join([thrown[2] or "", *lines[at + 1 : frame]]).strip()
            said = _bare("\n".join(lines[:at]))
            stack = "\n".join([bare[max(0, bare.find(thrown[1])) :], *lines[at + 1 :]])
            return _raised(thrown[1], text or said or thrown[1], stack, said)
    return _raised(None, _bare(lines[0]), "\n".join(lines), "")


def _of_line(lines: list[str]) -> Raised:
    bare = _bare(lines[0]) or lines[0].strip()
    thrown = THROWN.fullmatch(bare)
    if thrown:
        return _raised(thrown[1], thrown[2] or thrown[1], None, "")
    return _raised(None, bare, "\n".join(lines) if len(lines) > 1 else None, "")


def _raised(kind: str | None, message: str, stack: str | None, said: str) -> Raised:
    return Raised(
        exception_type=kind,
        message=message[:MESSAGE_CHARS] or "error",
        stack_trace=cut_middle(stack, STACK_CHARS) if stack else None,
        said="" if said in (message, f"{kind}: {message}") else said[:MESSAGE_CHARS],
    )


def cut_middle(text: str, most: int) -> str:
    """At most ``most`` characters: what a trace is about is at both its ends."""
    return text if len(text) <= most else f"{text[: most // 2 - 10]}\n… cut …\n{text[-(most // 2 - 10) :]}"


def _bare(text: str) -> str:
    """A line without time stamp, level, thread and the like before it."""
    text = text.strip()
    while found := _PREFIX.match(text) or _NOISE.match(text):
        if found.end() == len(text):
            break
        text = text[found.end() :]
    return text
