"""The exceptions of an event as a tree: the one that got out, its causes, the members of a group; and their calls.

``values`` come oldest first, and the frames of each with the innermost call last. Newer SDKs number the exceptions in
their ``mechanism`` and name each one's parent; without that, each is the cause of its successor (Sentry's developer
documentation, "Exception Interface" and "Stack Trace Interface").
"""

from __future__ import annotations

from itertools import pairwise

import msgspec

from jinkies.frames import Frame
from jinkies.ingest.sentry.values import name, table, tables, text, whole
from jinkies.ingest.text import cut_end

MAX_EXCEPTIONS = 50
MAX_FRAMES = 200
MAX_TYPE = 256
MAX_VALUE = 10_000
REMEMBERED = 4_096  # frames; with one more all are forgotten
LONGEST = 600  # characters of a frame that is remembered: 10 MB in all, at most

_VENDORED = (
    "/site-packages/",
    "/dist-packages/",
    "/node_modules/",
    "/vendor/",
    "/lib/python",
    "/go/pkg/mod/",
    "/gems/",
)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A frame, and what its text needs beyond it."""

    frame: Frame
    file: str  # the path where the code ran; the frame's own is the one that the sender groups by
    column: int | None
    address: str  # of native code


class Thrown(msgspec.Struct, kw_only=True):
    """An exception."""

    type: str
    module: str
    value: str
    calls: tuple[Call, ...]  # outermost first
    source: str = ""  # how it hangs on its parent: "__cause__", "__context__", "cause", "exceptions[0]"
    causes: list[Thrown] = []
    members: list[Thrown] = []  # of a group


def read_thrown(event: dict[str, object]) -> Thrown | None:
    """The exception that got out, with all that hangs on it; None for an event without any."""
    values = tables(event.get("exception"))[-MAX_EXCEPTIONS:]
    platform = name(event.get("platform"), 40)
    if not values:
        return None
    thrown = [_one(value, platform) for value in values]
    numbers = [table(value.get("mechanism")) for value in values]
    if len(values) > 1 and all(isinstance(one.get("exception_id"), int) for one in numbers):
        return _by_number(thrown, numbers)
    for cause, got_out in pairwise(thrown):
        got_out.causes.append(cause)
    return thrown[-1]


def read_calls(stacktrace: object, platform: str) -> tuple[Call, ...]:
    """The calls of a stack trace, outermost first; of more than 200 the middle is left out."""
    frames = tables(table(stacktrace).get("frames"))
    if len(frames) > MAX_FRAMES:
        frames = frames[: MAX_FRAMES // 4] + frames[-(MAX_FRAMES - MAX_FRAMES // 4) :]
    return tuple(_call(frame, platform) for frame in frames)


def thread_calls(event: dict[str, object]) -> tuple[Call, ...]:
    """Of an event without exceptions: the stack of the thread that sent it."""
    platform = name(event.get("platform"), 40)
    if calls := read_calls(event.get("stacktrace"), platform):
        return calls
    threads = tables(event.get("threads"))[:MAX_FRAMES]
    threads.sort(key=lambda one: (one.get("crashed") is not True, one.get("current") is not True))
    return next((calls for one in threads if (calls := read_calls(one.get("stacktrace"), platform))), ())


def telling_calls(thrown: Thrown) -> tuple[Call, ...]:
    """Where it came from: of a group that was raised nowhere of our own, the first member's."""
    while thrown.members and not any(call.frame.in_app for call in thrown.calls):
        thrown = thrown.members[0]
    return thrown.calls


def _by_number(thrown: list[Thrown], numbers: list[dict[str, object]]) -> Thrown:
    """A tree; what names no parent that is there, or an own descendant, hangs on the root."""
    by_id = {number["exception_id"]: one for one, number in zip(thrown, numbers, strict=True)}
    root = by_id.get(0, thrown[-1])
    seen = {id(root)}
    ordered = sorted(zip(thrown, numbers, strict=True), key=lambda pair: _number(pair[1].get("exception_id")))
    for one, number in ordered:
        if id(one) in seen:
            continue
        parent = by_id.get(_number(number.get("parent_id")), root)
        parent = parent if id(parent) in seen else root  # parents have smaller numbers: no circle
        seen.add(id(one))
        one.source = name(number.get("source"), 100)
        (parent.members if one.source.startswith(("exceptions[", "errors[")) else parent.causes).append(one)
    return root


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _one(value: dict[str, object], platform: str) -> Thrown:
    stacktrace = value.get("stacktrace") or value.get("raw_stacktrace")
    return Thrown(
        type=name(value.get("type"), MAX_TYPE),
        module=name(value.get("module"), MAX_TYPE),
        value=text(value.get("value"), MAX_VALUE),
        calls=read_calls(stacktrace, platform),
    )


def _call(frame: dict[str, object], platform: str) -> Call:
    """The frames of an error come again with each occurrence: those that were read are remembered by what is read."""
    get = frame.get
    line, column, in_app = get("lineno"), get("colno"), get("in_app")
    texts: tuple[object, ...] = (
        platform, get("platform"), get("module"), get("function"), get("abs_path"), get("filename"), get("package"),
        get("context_line"), get("instruction_addr"),
    )  # fmt: skip
    key = (texts, line, type(line), column, type(column), in_app, type(in_app))  # 1, 1.0 and True are equal
    try:
        known = _known.get(key)
    except TypeError:  # an object or an array where there is none
        return _read_call(frame, platform)
    if known is None:
        known = _read_call(frame, platform)
        told = [one for one in texts if isinstance(one, str)]
        numbers = isinstance(line, int | None) and isinstance(column, int | None) and isinstance(in_app, bool | None)
        if numbers and len(told) + texts.count(None) == len(texts) and sum(map(len, told)) <= LONGEST:
            _remember(key, known)
    return known


def _remember(key: tuple[object, ...], call: Call) -> None:
    if len(_known) >= REMEMBERED:
        _known.clear()
    _known[key] = call


_known: dict[tuple[object, ...], Call] = {}


def _read_call(frame: dict[str, object], platform: str) -> Call:
    platform = name(frame.get("platform"), 40) or platform
    module, function = name(frame.get("module"), 300), name(frame.get("function"), 300)
    file = name(frame.get("abs_path"), 1_000) or name(frame.get("filename"), 1_000)
    path = name(frame.get("filename"), 1_000) or file or module or name(frame.get("package"), 1_000)
    source = frame.get("context_line")
    qualified = f"{module}.{function}" if platform == "java" and module else function
    in_app = frame.get("in_app")
    return Call(
        frame=Frame(
            path=path.replace("\\", "/"),
            function=qualified,
            line=whole(frame.get("lineno")) or None,
            in_app=in_app if isinstance(in_app, bool) else not _is_vendored(file or path),
            module=module,
            source=cut_end(source.strip(), 500) if isinstance(source, str) else "",
        ),
        file=file or path,
        column=whole(frame.get("colno")),
        address=name(frame.get("instruction_addr"), 40),
    )


def _is_vendored(path: str) -> bool:
    return path.startswith(("<frozen ", "node:", "internal/")) or any(part in path for part in _VENDORED)
