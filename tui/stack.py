"""Reads a stack trace as text: which frames are the application's own, which are a library's. Pure.

Understands Python's form; in any other (Java, JavaScript, Go …) lines are told apart by the path or package they name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PYTHON_FRAME = re.compile(r'^\s*File "(?P<path>[^"]{1,500})", line (?P<line>\d{1,9})(?:, in (?P<name>.{1,200}))?')
_OTHER_FRAME = re.compile(r"^\s+(?:at\s+\S|\S+\.go:\d)")
_VENDORED = re.compile(
    r"site-packages|dist-packages|/lib/python\d|/lib64/python\d|<frozen |node_modules|node:internal|internal/modules"
    r"|\bat (?:java|javax|jdk|sun|kotlin|scala|org\.springframework|org\.apache|io\.netty)\.|/go/pkg/mod/|/usr/lib/go"
)

_LONGEST_PATH = 60


@dataclass(frozen=True)
class Frame:
    """A frame, with the lines that belong to it."""

    where: str  # "app/views/orders.py:118" or the line itself
    name: str
    code: tuple[str, ...]
    in_app: bool


@dataclass(frozen=True)
class Words:
    """A line that belongs to no frame: the heading, the exception, a chained cause."""

    text: str


def parse_stack(text: str, limit: int = 4_000) -> list[Frame | Words]:
    """The frames and other lines of a trace, in their order; of at most ``limit`` lines, the last ones."""
    parts: list[Frame | Words] = []
    lines = text.replace("\r\n", "\n").strip("\n").split("\n")[-limit:]
    index = 0
    while index < len(lines):
        current = lines[index]
        index += 1
        match = _PYTHON_FRAME.match(current)
        if match is not None:
            code = []
            while index < len(lines) and lines[index].startswith("    ") and not _PYTHON_FRAME.match(lines[index]):
                code.append(lines[index].strip())
                index += 1
            where = f"{_short_path(match['path'])}:{match['line']}"
            kept = tuple(part for part in code if part.strip("^~ "))
            parts.append(Frame(where, match["name"] or "", kept, not _VENDORED.search(current)))
        elif _OTHER_FRAME.match(current):
            parts.append(Frame(current.strip(), "", (), not _VENDORED.search(current)))
        elif current.strip():
            parts.append(Words(current))
    return parts


def _short_path(path: str) -> str:
    for mark in ("site-packages/", "dist-packages/"):
        if mark in path:
            return path.split(mark)[-1]
    return path if len(path) <= _LONGEST_PATH else "…/" + "/".join(path.split("/")[-3:])


def counts(parts: list[Frame | Words]) -> tuple[int, int]:
    """How many frames are the application's own, and how many there are."""
    frames = [part for part in parts if isinstance(part, Frame)]
    return sum(frame.in_app for frame in frames), len(frames)
