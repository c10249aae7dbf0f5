"""Stack traces as frames: Python, Java, Node and Go, as each runtime prints them. Pure; a line at a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import zip_longest

import msgspec

MAX_LINE = 1_000  # characters of a line that are read
MAX_LINES = 20_000  # lines of a trace that are read, from its end: Python's cause is there, and senders bound traces


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One call."""

    path: str  # with "/" between folders; of Java the file's bare name
    function: str  # "" where the runtime names none
    line: int | None
    in_app: bool  # not of the runtime or of a library
    module: str = ""  # dotted, where the sender names it
    source: str = ""  # the line of code, where the sender sends it


_PYTHON = re.compile(r"[ \t|+\-]{0,64}File \"([^\"]{1,1000})\", line (\d{1,9})(?:, in (.{1,300}))?")
_PYTHON_SOURCE = re.compile(r"[ \t|]{0,60}    (?!File \")\S")
_PYTHON_CHAIN = re.compile(
    r"[ \t|+\-]{0,64}(?:During handling of the above exception, another|The above exception was the direct cause)"
)
_JAVA = re.compile(r"\s{0,16}at (?:[\w.\-@]{1,200}/{1,2})?([\w.$<>/]{1,500})\(([^():]{1,300})(?::(\d{1,9}))?\)")
_JAVA_CHAIN = re.compile(r"\s{0,16}(?:Caused by|Suppressed): ")
_NODE = re.compile(
    r"\s{0,16}at (?:(?:async |new )*([^()\n]{1,300}?) (?:\[as [^\]]{1,100}\] )?)?\(?"
    r"((?:file://|node:|webpack[\w\-]*:|https?://|[A-Za-z]:[\\/]|/|\.{1,2}/|internal/)[^()\n]{0,1000}?):(\d{1,9}):\d{1,9}\)?\s{0,16}$"
)
_GO_FILE = re.compile(r"\s{1,16}(\S{1,1000}\.(?:go|s)):(\d{1,9})(?: \+0x[0-9a-f]{1,16})?\s{0,16}$")
_GO_GOROUTINE = re.compile(r"goroutine \d{1,20} ")

_LIBRARY_PATHS = (
    "/site-packages/",
    "/dist-packages/",
    "/node_modules/",
    "/lib/python",
    "/lib64/python",
    "/usr/local/go/src/",
    "/go/pkg/mod/",
    "/vendor/",
    "/libexec/src/",
    "/var/runtime/",  # AWS Lambda's own code, in every language
)
_LIBRARY_STARTS = ("<frozen ", "node:", "internal/", "site-packages/", "node_modules/", "webpack/")
_PYTHON_LIBRARY = re.compile(r"(?i)/python[\d.]*/lib/|/lib/python\d|/var/lang/")
_GO_LIBRARY = re.compile(r"/go/?[\d.]*(?:/x64)?/src/(?:runtime|net|internal|reflect|sync|testing|database|encoding)/")
_JAVA_LIBRARIES = (
    "java.",
    "javax.",
    "jakarta.",
    "jdk.",
    "sun.",
    "com.sun.",
    "kotlin.",
    "kotlinx.",
    "scala.",
    "clojure.",
    "groovy.",
    "akka.",
    "play.",
    "org.springframework.",
    "org.apache.",
    "org.hibernate.",
    "org.eclipse.",
    "org.junit.",
    "org.jboss.",
    "org.mockito.",
    "org.postgresql.",
    "org.slf4j.",
    "org.glassfish.",
    "io.netty.",
    "io.undertow.",
    "io.vertx.",
    "io.micronaut.",
    "io.quarkus.",
    "io.grpc.",
    "io.reactivex.",
    "reactor.",
    "com.zaxxer.",
    "com.mysql.",
    "com.fasterxml.",
    "com.google.",
    "com.amazonaws.",
    "software.amazon.",
    "com.netflix.",
    "com.squareup.",
    "okhttp3.",
    "okio.",
    "feign.",
    "rx.",
    "ch.qos.logback.",
    "net.bytebuddy.",
    "net.sf.cglib.",
    "lambdainternal.",
    "com.newrelic.",
    "io.opentelemetry.",
)


def parse_frames(stack_trace: str) -> list[Frame]:
    """The frames of the exception that was raised last, the outermost call first; [] where none is recognised."""
    lines = [line[:MAX_LINE] for line in stack_trace.splitlines()[-MAX_LINES:]]
    for parse in (_python, _java, _node, _go):
        if frames := parse(lines):
            return frames
    return []


def _python(lines: list[str]) -> list[Frame]:
    """Outermost first; of a chain the last exception is the one that got out."""
    frames: list[Frame] = []
    for line, following in zip_longest(lines, lines[1:], fillvalue=""):
        if "File" in line and (match := _PYTHON.match(line)):
            path = match[1].replace("\\", "/")
            source = following.strip(" \t|") if _PYTHON_SOURCE.match(following) else ""
            function, in_app = (match[3] or "").strip(), not _is_python_library(path)
            frames.append(Frame(path=path, function=function, line=int(match[2]), in_app=in_app, source=source))
        elif " exception" in line and _PYTHON_CHAIN.match(line):
            frames = []
    return frames


def _java(lines: list[str]) -> list[Frame]:
    """Innermost first; the exception that got out comes first, its causes after it."""

    def frame(line: str) -> Frame | None:
        match = _JAVA.match(line)
        if match is None or "." not in match[1] or "/" in match[2]:
            return None
        library = match[1].startswith(_JAVA_LIBRARIES) or "$Proxy" in match[1] or "$$" in match[1]
        return _frame(match[2], match[1], match[3], not library)

    return _first_block(lines, frame, _JAVA_CHAIN)


def _node(lines: list[str]) -> list[Frame]:
    """Innermost first; ``[cause]:`` follows behind."""

    def frame(line: str) -> Frame | None:
        match = _NODE.match(line) if "at " in line else None
        if match is None:
            return None
        path = match[2].removeprefix("file://").replace("\\", "/")
        return _frame(path, match[1] or "", match[3], not _is_library(path))

    return _first_block(lines, frame, re.compile(r"\s{0,16}\[cause\]: |Caused by: "))


def _first_block(lines: list[str], read: Callable[[str], Frame | None], chain: re.Pattern[str]) -> list[Frame]:
    """Frames up to the first cause; those of the causes too where none before it is in-app."""
    frames: list[Frame] = []
    for line in lines:
        if chain.match(line) and any(frame.in_app for frame in frames):
            break
        if frame := read(line):
            frames.append(frame)
    return frames[::-1]


def _go(lines: list[str]) -> list[Frame]:
    """Pairs of lines, function then file, innermost first; the goroutine that panicked comes first."""
    frames: list[Frame] = []
    goroutines = 0
    for before, line in zip(["", *lines], lines, strict=False):
        goroutines += bool(_GO_GOROUTINE.match(line))
        if goroutines > 1 and frames:
            break
        if match := _GO_FILE.match(line):
            function = before.strip().removeprefix("created by ").partition(" in goroutine ")[0]
            function = function[: function.rfind("(")] if function.endswith(")") else function
            library = _is_library(match[1]) or bool(_GO_LIBRARY.search(match[1])) or function.startswith("runtime.")
            frames.append(_frame(match[1], function, match[2], not library))
    return frames[::-1]


def _frame(path: str, function: str, line: str | None, in_app: bool) -> Frame:
    return Frame(path=path, function=function, line=int(line) if line else None, in_app=in_app)


def _is_library(path: str) -> bool:
    return path.startswith(_LIBRARY_STARTS) or any(part in path for part in _LIBRARY_PATHS)


@lru_cache(maxsize=2_048)  # the same files come again and again
def _is_python_library(path: str) -> bool:
    return _is_library(path) or _PYTHON_LIBRARY.search(path) is not None
