"""Exceptions as the text of a stack trace, the way their own language would have printed them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from jinkies.ingest.sentry.thrown import Call, Thrown
from jinkies.ingest.text import clean, cut_middle

MAX_TRACE = 100_000
_BECAUSE = "The above exception was the direct cause of the following exception:"
_DURING = "During handling of the above exception, another exception occurred:"


def trace_of(thrown: Thrown, platform: str) -> str | None:
    """The text of an exception and all that hangs on it; None when there is no call in it; at most 100,000 characters.

    Python tells the cause first, with the innermost call last; the others the exception that got out first, with the
    innermost call first. The members of a group follow behind it.
    """
    lines = list(_python(thrown)) if platform == "python" else list(_cause_last(thrown, platform, ""))
    return _bounded(lines) if _any_call(thrown) else None


def trace_of_calls(calls: tuple[Call, ...], platform: str) -> str | None:
    """The text of a bare stack."""
    if not calls:
        return None
    if platform == "python":
        return _bounded([*_python_calls(calls)])
    form = _FORMS.get(platform, _generic)
    return _bounded(["Stack trace:", *(form(call) for call in reversed(calls))])


def _bounded(lines: list[str]) -> str:
    return cut_middle(clean("\n".join(lines)), MAX_TRACE)


def _any_call(thrown: Thrown) -> bool:
    return bool(thrown.calls) or any(_any_call(one) for one in (*thrown.causes, *thrown.members))


def _heading(thrown: Thrown, *, qualified: bool) -> str:
    kind = f"{thrown.module}.{thrown.type}" if qualified and thrown.module and thrown.type else thrown.type or "Error"
    return f"{kind}: {thrown.value}" if thrown.value else kind


def _python(thrown: Thrown) -> Iterator[str]:
    for cause in thrown.causes:
        yield from _python(cause)
        yield from ("", _BECAUSE if cause.source == "__cause__" else _DURING, "")
    yield from _python_calls(thrown.calls)
    yield _heading(thrown, qualified=thrown.module not in ("builtins", "__main__"))
    for number, member in enumerate(thrown.members, 1):
        yield from ("", f"Exception {number} of {len(thrown.members)} in this {thrown.type}:", "")
        yield from _python(member)


def _python_calls(calls: tuple[Call, ...]) -> Iterator[str]:
    if not calls:
        return
    yield "Traceback (most recent call last):"
    for call in calls:
        frame = call.frame
        where = f", in {frame.function}" if frame.function else ""
        yield f'  File "{call.file}", line {frame.line or 0}{where}'
        if frame.source:
            yield f"    {frame.source}"


def _cause_last(thrown: Thrown, platform: str, mark: str) -> Iterator[str]:
    form = _FORMS.get(platform, _generic)
    yield mark + _heading(thrown, qualified=platform in ("java", "csharp"))
    if platform == "go" and thrown.calls:
        yield from ("", "goroutine 1 [running]:")
    yield from (form(call) for call in reversed(thrown.calls))
    for cause in thrown.causes:
        yield from _cause_last(cause, platform, "Caused by: ")
    for number, member in enumerate(thrown.members, 1):
        yield from _cause_last(member, platform, f"Caused by: ({number} of {len(thrown.members)}) ")


def _java(call: Call) -> str:
    frame = call.frame
    file = frame.path.rpartition("/")[2] or "Unknown Source"
    return f"\tat {frame.function or '<unknown>'}({file}{_colon(frame.line)})"


def _javascript(call: Call) -> str:
    frame = call.frame
    place = f"{call.file}:{frame.line or 0}:{call.column or 0}"
    return f"    at {frame.function} ({place})" if frame.function else f"    at {place}"


def _go(call: Call) -> str:
    frame = call.frame
    function = f"{frame.module}.{frame.function}" if frame.module else frame.function
    return f"{function or '<unknown>'}(...)\n\t{call.file}:{frame.line or 0}"


def _ruby(call: Call) -> str:
    frame = call.frame
    return f"\tfrom {call.file}{_colon(frame.line)}" + (f":in '{frame.function}'" if frame.function else "")


def _php(call: Call) -> str:
    frame = call.frame
    return f"  at {call.file}({frame.line or 0}): {frame.function or '{main}'}()"


def _csharp(call: Call) -> str:
    frame = call.frame
    function = f"{frame.module}.{frame.function}" if frame.module else frame.function
    place = f" in {call.file}:line {frame.line}" if frame.line is not None else ""
    return f"   at {function or '<unknown>'}{'' if function.endswith(')') else '()'}{place}"


def _generic(call: Call) -> str:
    """Native code may have nothing but an address."""
    frame = call.frame
    function = frame.function or call.address or "<unknown>"
    return f"    at {function} ({call.file}{_colon(frame.line)})" if call.file else f"    at {function}"


def _colon(line: int | None) -> str:
    return "" if line is None else f":{line}"


_FORMS: dict[str, Callable[[Call], str]] = {
    "java": _java,
    "javascript": _javascript,
    "node": _javascript,
    "go": _go,
    "ruby": _ruby,
    "php": _php,
    "csharp": _csharp,
}
