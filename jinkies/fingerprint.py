"""What makes two occurrences the same alert, and how an alert is called. Pure; linear in what it reads.

A fingerprint is, within a service and an environment, the first of these that there is:

1. the caller's own ``fingerprint``; with ``{{ default }}`` in it, it refines what follows;
2. exception type and the in-app frames of the stack trace, by module (else file), function and line of code: line
   numbers move with every commit;
3. exception type and the message, with everything masked that changes from one occurrence to the next.

``VERSION`` moves whenever the same occurrence would give another fingerprint; alerts that are there keep theirs.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

import msgspec

from jinkies.commands import ReportOccurrence
from jinkies.frames import Frame, parse_frames
from jinkies.model import Grouping, Rule
from jinkies.reading.masks import SOURCES

VERSION = 2
MAX_TITLE = 256
MAX_CULPRIT = 200
_MAX_FRAMES = 50  # innermost ones that count
_MAX_SOURCE = 200  # characters of a line of code that count
_MAX_MESSAGE = 2_000  # characters of a message that count

_ESCAPES = re.compile(r"\x1b\[[0-9;?]{0,32}[A-Za-z]")
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]++")
_MASKS = tuple((re.compile(source), f"<{name}>") for name, source in SOURCES)
_PATH = re.compile(r"(?<![\w:/.<>])(?:[A-Za-z]:\\|/)[\w.@%+~=\\/-]{1,500}+")
_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,7}$")
_ROOTS = frozenset(
    [
        "tmp",
        "var",
        "home",
        "srv",
        "opt",
        "usr",
        "data",
        "mnt",
        "etc",
        "root",
        "run",
        "proc",
        "dev",
        "private",
        "Users",
        "Volumes",
    ]
)
_NUMBERED = re.compile(r"(/v\d{1,2}(?=/))|0x[0-9a-f]+|[0-9a-f]{12,64}|(?<=\$\$)[0-9a-f]{6,16}(?![A-Za-z0-9])|\d+")
_DEFAULT = re.compile(r"\{\{\s{0,4}default\s{0,4}\}\}")  # Sentry's SDKs: our own grouping, refined
_TELLING = ("message", "msg", "error", "err", "exception", "event", "detail", "reason")


def grouping(command: ReportOccurrence) -> Grouping:
    """What an occurrence is grouped by. Reads the redacted command."""
    own = command.fingerprint or ""
    if own and not _DEFAULT.search(own):
        return Grouping(version=VERSION, rule=Rule.OWN, parts=(own[:_MAX_MESSAGE],))
    refined = own if own.strip() and _DEFAULT.sub("", own).strip() else ""
    kind = command.exception_type or ""
    if frames := _telling_frames(command):
        return Grouping(version=VERSION, rule=Rule.FRAMES, parts=(kind, *frames), refined_by=refined)
    text = masked(command.message_template or command.message)
    return Grouping(version=VERSION, rule=Rule.MESSAGE, parts=(kind, text), refined_by=refined)


def fingerprint(command: ReportOccurrence) -> str:
    """32 hexadecimal digits; equal for occurrences of the same alert. Reads the redacted command."""
    return fingerprint_of(grouping(command), command)


def fingerprint_of(grouping: Grouping, command: ReportOccurrence) -> str:
    """That of an occurrence whose ``grouping`` this is."""
    if grouping.rule is Rule.OWN:
        return own_fingerprint(command.service, command.environment, command.fingerprint or "")
    refined = ["with", grouping.refined_by] if grouping.refined_by else []
    head = [command.service, command.environment or "", str(grouping.version), *refined]
    return _hashed([*head, grouping.rule.value, *grouping.parts])


def own_fingerprint(service: str, environment: str | None, fingerprint: str) -> str:
    """That of an alert whose sender groups by ``fingerprint``; the same in every version."""
    return _hashed([service, environment or "", "own", fingerprint])


def _hashed(parts: list[str]) -> str:
    text = "".join(f"{len(part)}:{part}" for part in parts)  # no two lists give the same text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def culprit(stack_trace: str | None, sent: tuple[Frame, ...] = ()) -> str | None:
    """The innermost in-app frame as ``app/views/orders.py:118 in show``; at most 200 characters; None without one."""
    frames = list(sent) or parse_frames(stack_trace or "")
    if not frames:
        return None
    frame = next((one for one in reversed(frames) if one.in_app), frames[-1])
    function = _clean(frame.function)[:80]
    tail = f"{f':{frame.line}' if frame.line is not None else ''}{f' in {function}' if function else ''}"
    path = _clean(frame.path).lstrip("/")
    room = MAX_CULPRIT - len(tail)
    return (path if len(path) <= room else "…" + path[-(room - 1) :]) + tail


def title(command: ReportOccurrence) -> str:
    """``KeyError: 'order_id'``: type and first line, printable, 1 to 256 characters."""
    kind = _clean(command.exception_type or "")
    message = next((line for raw in command.message[:20_000].splitlines() if (line := _clean(raw))), "")
    short = kind.rpartition(".")[2] or kind
    if not kind or message == short or message.startswith((f"{kind}:", f"{short}:", f"{kind} ", f"{short} ")):
        text = message or kind
    else:
        text = f"{kind}: {message}" if message else kind
    text = text or f"Error in {_clean(command.service) or 'an unnamed service'}"
    return text if len(text) <= MAX_TITLE else text[: MAX_TITLE - 1] + "…"


def masked(message: str) -> str:
    """The message without what changes: quoted values, ids, addresses, times, numbers. Of a JSON line, its message."""
    text = _PATH.sub(_masked_path, _json_message(message)[:_MAX_MESSAGE])
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return " ".join(text.split())


def _masked_path(found: re.Match[str]) -> str:
    """Files, told from routes such as ``/orders/{id}`` by the folder that they lie in, or by a name that ends so."""
    path = found[0].rstrip(".")
    folders = path.replace("\\", "/").split("/")
    extension = _EXTENSION.search(folders[-1])
    drive = not path.startswith("/")
    if not drive and not (len(folders) > 2 and (extension or folders[1] in _ROOTS)):
        return found[0]
    return f"<path>{extension[0] if extension else ''}{found[0][len(path) :]}"


def _telling_frames(command: ReportOccurrence) -> list[str]:
    """In-app frames, else all; each once, so that the depth of a recursion does not matter."""
    frames = list(command.frames) or parse_frames(command.stack_trace or "")
    chosen = [frame for frame in frames if frame.in_app] or frames
    return list(dict.fromkeys(_frame_text(frame) for frame in chosen))[-_MAX_FRAMES:]


def _frame_text(frame: Frame) -> str:
    """``app/views/orders.py in show: order = orders[order_id]``, without what numbers lambdas and generated classes.

    Releases lie in folders that are numbered too; one that is a version of an API (``api/v2/orders.py``) is telling.
    """
    return _place_text(f"{frame.module or frame.path} in {frame.function or '?'}", frame.source)


@lru_cache(maxsize=2_048)  # the same calls come again and again
def _place_text(place: str, source: str) -> str:
    place = _NUMBERED.sub(r"\1", place)
    source = " ".join(source.split())[:_MAX_SOURCE]
    return f"{place}: {source}" if source else place


def _json_message(message: str) -> str:
    """A structured log line is told apart by what it says; its quoted keys and values are all alike."""
    if not message.lstrip().startswith("{") or len(message) > 100_000:
        return message
    try:
        fields = msgspec.json.decode(message, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return message
    texts = [value for name in _TELLING if isinstance(value := fields.get(name), str) and value]
    return texts[0] if texts else message


def _clean(text: str) -> str:
    """Printable, on one line, single blanks; colour codes and direction marks gone."""
    text = text[:20_000]
    if not text.isprintable():  # none of these is
        text = _INVISIBLE.sub(" ", _ESCAPES.sub("", text))
    return " ".join(text.split())
